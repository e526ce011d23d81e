// Dialogs, and how troubles are shown. <dialog> keeps the focus inside, closes with Escape and gives the focus back.
import { posting, session } from "./api.js";
import { h, put } from "./dom.js";
import { away, clock } from "./words.js";

/**
 * Show a dialog and wait for its end. `fields`: what is in it. `act`: called when it is submitted, with a `posting` of this
 * dialog's own; while it works the button waits; what it raises is shown inside, and the dialog stays. Gives what `act`
 * gave, or null when it was left.
 */
export function dialog(title, fields, { label = "", act = async () => true, danger = false, narrow = false, more = [] } = {}) {
  return new Promise((done) => {
    let answer = null;
    const send = posting();
    const trouble = h("div", { role: "alert" });
    const id = `title-${title.replaceAll(/\W+/g, "-")}`;
    const close = h("button", { type: "button", class: "plain", onclick: () => box.close(), "aria-label": "Close" }, "✕");
    const button = label ? h("button", { class: danger ? "danger" : "first" }, label) : null;
    const form = h("form", { method: "dialog", novalidate: false },
      h("div", { class: "inside" }, trouble, ...[fields].flat()),
      h("footer", {}, ...more, h("button", { type: "button", onclick: () => box.close() }, label ? "Cancel" : "Close"), button));
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (!button || button.disabled) return;
      button.disabled = true;
      put(trouble);
      try {
        answer = await act(send);
        if (answer === undefined) answer = true;
        if (answer !== false) box.close();
        else answer = null;
      } catch (error) {
        put(trouble, troubleBox(error));
        trouble.scrollIntoView({ block: "nearest" });
      } finally {
        button.disabled = false;
      }
    });
    const box = h("dialog", { class: narrow ? "narrow" : null, "aria-labelledby": id }, h("header", {}, h("h2", { id }, title), close), form);
    const opener = document.activeElement, part = opener?.dataset?.part, row = opener?.closest("[data-id]")?.dataset.id;
    box.addEventListener("close", () => {
      box.remove();
      if (row && part && !opener.isConnected) document.querySelector(`[data-id="${CSS.escape(row)}"] [data-part="${CSS.escape(part)}"]`)?.focus(); // it was drawn anew meanwhile
      done(answer);
    });
    document.body.append(box);
    box.showModal();
    (box.querySelector("[autofocus]") || box.querySelector(".inside input:not([type=checkbox]), .inside select, .inside textarea") || button || close).focus();
  });
}

/** Ask before something that cannot be undone. */
export const sure = (title, text, label, act) => dialog(title, [h("p", {}, text)], { label, act, danger: true, narrow: true });

/** A problem, with all that helps: where, what to do, which limit. */
export function troubleBox(error) {
  const trouble = error.trouble || { title: error.message || String(error) };
  const limit = trouble.limit
    ? `Limit of ${trouble.limit}: ${trouble.allowed} allowed, ${trouble.used} in use.${trouble.room_at ? ` Room is expected ${away(trouble.room_at)} (${clock(trouble.room_at, { seconds: false })}).` : ""}`
    : null;
  return h("div", { class: "trouble" },
    h("strong", {}, trouble.title || "It failed"),
    trouble.detail && trouble.detail !== trouble.title ? h("p", {}, trouble.detail) : null,
    limit ? h("p", {}, limit) : null,
    trouble.errors?.length
      ? h("ul", {}, ...trouble.errors.map((one) => h("li", {},
        one.line ? h("code", {}, `${one.file}:${one.line}:${one.column}`) : one.file ? h("code", {}, one.file) : null, " ", one.what,
        one.hint ? h("span", { class: "hint" }, ` – ${one.hint}`) : null)))
      : null,
    trouble.log ? h("pre", {}, trouble.log) : null,
    trouble.hint ? h("p", { class: "hint" }, trouble.hint) : null);
}

/** Show a problem in the corner until it is dismissed. */
export function complain(error) {
  if (error?.name === "AbortError" || (error?.status === 401 && !session())) return; // who was signed out is told there
  const corner = document.getElementById("troubles");
  const box = troubleBox(error);
  const inner = h("div", {});
  inner.append(...box.childNodes);
  const card = h("div", { class: "trouble" }, inner, h("button", { class: "plain", "aria-label": "Dismiss", onclick: () => card.remove() }, "✕"));
  for (const other of corner.children) if (other.textContent === card.textContent) other.remove();
  corner.append(card);
  while (corner.children.length > 3) corner.firstChild.remove();
}

/** Do something; a problem is shown in the corner. */
export async function attempt(what) {
  try { return await what(); } catch (error) { complain(error); return undefined; }
}

/** A field of a form, with its label and a line of help. */
export function field(name, control, help = "") {
  control.id ||= `field-${name.toLowerCase().replaceAll(/\W+/g, "-")}`;
  if (help) control.setAttribute("aria-describedby", `${control.id}-help`);
  return h("div", { class: "field" }, h("label", { for: control.id }, name), control,
    help ? h("p", { class: "small", id: `${control.id}-help` }, help) : null);
}

/** A choice; `options` are [value, text]. */
export const choice = (options, value, attrs = {}) =>
  h("select", attrs, ...options.map(([one, text]) => h("option", { value: one, selected: one === value }, text)));

/** How long something lives, as the API writes durations. */
export const LEASES = [["30m", "30 minutes"], ["1h", "1 hour"], ["2h", "2 hours"], ["4h", "4 hours"], ["8h", "8 hours"], ["1d", "1 day"], ["3d", "3 days"], ["7d", "7 days"]];
