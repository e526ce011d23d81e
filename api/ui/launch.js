// The dialogs that ask for something new: a range, a run, a pool.
import { all, ask, part, post } from "./api.js";
import { choice, dialog, field, LEASES, troubleBox } from "./dialogs.js";
import { h, put } from "./dom.js";
import { forget, parsed } from "./topology.js";

const UPLOAD = "\u0000upload";
const words = (text) => text.trim() || null;

/** Which document: one that is there, or a YAML file of one's own. `value()` gives {kind: reference} or {upload}. */
function source(kind, items, changed = () => {}) {
  const titles = new Map(items.map((one) => [one.name, one.title]));
  const options = items.map((one) => [one.name, one.name]);
  const select = choice([...options, [UPLOAD, "A file of my own …"]], items[0]?.name, { onchange: () => shown() });
  const file = h("input", { type: "file", accept: ".yaml,.yml", onchange: async () => { if (file.files[0]) text.value = await file.files[0].text(); changed(); } });
  const text = h("textarea", { spellcheck: "false", placeholder: `schema: jointrange.${kind}/1`, onchange: () => changed() });
  const own = h("div", { hidden: items.length > 0 }, field("YAML file", file), field("Or its text", text));
  const about = h("span", {}, titles.get(select.value) || "");
  const shown = () => { own.hidden = select.value !== UPLOAD; about.textContent = titles.get(select.value) || ""; changed(); };
  const name = kind[0].toUpperCase() + kind.slice(1);
  return {
    element: h("div", {}, field(name, select, about), own),
    get reference() { return select.value === UPLOAD ? "" : select.value; },
    value() {
      if (select.value !== UPLOAD) return { [kind]: select.value };
      const main = file.files[0]?.name || `${kind}.yaml`;
      return { upload: { main, files: [{ path: main, text: text.value }] } };
    },
  };
}

/** Boxes for the tools. */
function toolbox(items) {
  const boxes = items.map((one) => {
    const box = h("input", { type: "checkbox", value: one.name, id: `tool-${one.name}` });
    return { box, element: h("label", { class: "check", for: box.id }, box, h("span", {}, one.name, one.title ? h("span", { class: "small" }, one.title) : null)) };
  });
  return {
    element: h("fieldset", { class: "field" }, h("legend", {}, "Tools"),
      boxes.length ? h("div", { class: "checks" }, ...boxes.map((one) => one.element)) : h("p", { class: "small" }, "There are none. `jointrange document add tool PATH` uploads one.")),
    value: () => boxes.filter((one) => one.box.checked).map((one) => one.box.value),
  };
}

async function projects(here) {
  if (here.me.project || !here.may("usage.read")) return [];
  return all("/v1/projects");
}

const project = (list) => choice([["", "none"], ...list.map((one) => [one.name, one.name])], "");

/** A picture of the chosen topology that follows the choice. */
function picture() {
  const place = h("div", { class: "preview", "aria-hidden": "true" });
  let drawing = null, turn = 0;
  return {
    element: place,
    async of(reference) {
      const mine = ++turn;
      const text = reference ? await ask("GET", `/v1/topologies/${part(reference)}/drawing`).then((answer) => answer.text()).catch(() => "") : "";
      if (mine !== turn) return;
      forget(drawing);
      drawing = text ? parsed(text) : null;
      place.hidden = !drawing;
      put(place, drawing);
    },
    close() { turn += 1; forget(drawing); },
  };
}

/** Launch a range; its view, or null. */
export async function launch(here) {
  const [topologies, tools, list] = await Promise.all([all("/v1/topologies"), all("/v1/tools"), projects(here)]);
  const seen = picture();
  const from = source("topology", topologies, () => seen.of(from.reference));
  const box = toolbox(tools);
  const name = h("input", { placeholder: "chosen by itself", autocomplete: "off", pattern: "[A-Za-z0-9][A-Za-z0-9_.\\-]{0,99}", title: "letters, digits, dots, dashes; begins with a letter or digit" });
  const lease = choice(LEASES, "2h");
  const where = project(list);
  const warm = h("input", { type: "checkbox", id: "warm", checked: true });
  const plan = h("div", { "aria-live": "polite" });
  const body = () => ({ ...from.value(), tools: box.value(), lease: lease.value, warm: warm.checked, ...(words(name.value) ? { name: name.value.trim() } : {}), ...(where.value ? { project: where.value } : {}) });
  const dry = h("button", { type: "button", onclick: async () => {
    dry.disabled = true;
    try { put(plan, planned(await post("/v1/ranges?dry_run=true", body()))); } catch (error) { put(plan, troubleBox(error)); } finally { dry.disabled = false; }
    plan.scrollIntoView({ block: "nearest" });
  } }, "Dry run");
  seen.of(from.reference);
  const made = await dialog("Launch a range", [
    from.element, seen.element, box.element,
    h("div", { class: "two" }, field("Name", name), field("Lease", lease, "The range is destroyed at its end. It can be extended."), list.length ? field("Project", where) : null),
    h("label", { class: "check", for: "warm" }, warm, h("span", {}, "Take a warm copy from a pool, if there is one", h("span", { class: "small" }, "It is there at once."))),
    plan,
  ], { label: "Launch", act: (send) => send("/v1/ranges", body()), more: [dry] });
  seen.close();
  return made;
}

/** What a dry run says. */
export function planned(view) {
  if (view.empty) return h("p", { class: "nothing" }, "There is nothing to do: everything is as it should be.");
  const number = view.stages.flat().length;
  return h("section", {}, h("h3", {}, `It would take ${number} changes in ${view.stages.length} stages`),
    h("ol", { class: "plan" }, ...view.stages.map((stage) => h("li", {}, h("ul", {}, ...stage.map((line) => h("li", {}, line)))))));
}

/** Start a run; its view, or null. */
export async function startRun(here) {
  const [campaigns, list] = await Promise.all([all("/v1/campaigns"), projects(here)]);
  const from = source("campaign", campaigns);
  const level = choice([["", "as the campaign says"], ["try", "try – one trial, to see that it works"], ["pr", "pr – some minutes, for a pull request"], ["nightly", "nightly – about an hour"], ["release", "release – hours, with narrow bounds"]], "");
  const trials = h("input", { type: "number", min: "1", max: "100", placeholder: "as the level says" });
  const quiet = h("input", { placeholder: "as the level says, e.g. 30s", pattern: "[0-9]{1,9}(\\.[0-9]{1,3})?(s|m|h|d)", title: "a number with s, m, h or d" });
  const seed = h("input", { type: "number", min: "0", placeholder: "by chance" });
  const where = project(list);
  const fresh = h("input", { type: "checkbox", id: "fresh" });
  const body = () => ({
    ...from.value(), fresh: fresh.checked, ...(level.value ? { level: level.value } : {}), ...(trials.value ? { trials: Number(trials.value) } : {}),
    ...(words(quiet.value) ? { benign_window: quiet.value.trim() } : {}), ...(seed.value ? { seed: Number(seed.value) } : {}), ...(where.value ? { project: where.value } : {}),
  });
  return dialog("Start a run", [
    from.element,
    h("div", { class: "two" }, field("Level", level), field("Trials of each arm", trials), field("Benign-only window", quiet), field("Seed", seed), list.length ? field("Project", where) : null),
    h("label", { class: "check", for: "fresh" }, fresh, h("span", {}, "Run the control trials anew", h("span", { class: "small" }, "Else those of equal earlier runs are used."))),
  ], { label: "Start", act: (send) => send("/v1/runs", body()) });
}

/** Fill a pool; its view, or null. */
export async function fillPool(here) {
  const [topologies, tools, list] = await Promise.all([all("/v1/topologies"), all("/v1/tools"), projects(here)]);
  const from = source("topology", topologies);
  const box = toolbox(tools);
  const name = h("input", { required: true, autocomplete: "off", pattern: "[A-Za-z0-9][A-Za-z0-9_.\\-]{0,99}", title: "letters, digits, dots, dashes; begins with a letter or digit" });
  const warm = h("input", { type: "number", min: "0", max: "50", value: "1", required: true });
  const where = project(list);
  return dialog("Fill a pool", [
    h("div", { class: "two" }, field("Name", name), field("Copies to keep warm", warm, "Each one counts against the quotas.")),
    from.element, box.element, list.length ? field("Project", where) : null,
  ], { label: "Fill", act: (send) => send("/v1/pools", { name: name.value.trim(), ...from.value(), tools: box.value(), warm: Number(warm.value), ...(where.value ? { project: where.value } : {}) }) });
}
