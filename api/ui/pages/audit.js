// The audit log, the newest entry first: who did what, and whether its chain holds.
import { all, get } from "../api.js";
import { attempt } from "../dialogs.js";
import { badge, h, put, say } from "../dom.js";
import { who } from "../people.js";
import { clock, count } from "../words.js";

const MOST = 5000;
const OUTCOMES = { done: ["good", "✓"], asked: ["busy", "◐"], refused: ["warn", "✕"], failed: ["bad", "✕"] };

export async function show(main, here) {
  here.title("Audit");
  const note = h("p", { class: "soft small" }), body = h("tbody", {}), check = h("div", { role: "status" });
  const search = h("input", { type: "search", placeholder: "Search what is shown …", "aria-label": "Search the audit log", oninput: () => sift() });
  const verify = h("button", { class: "first", onclick: () => attempt(async () => {
    verify.disabled = true;
    try {
      const made = await get("/v1/audit/verify");
      const text = made.holds ? `The chain holds: ${count(made.entries, "entry", "entries")}, each in its place and as it was written.` : `The chain is broken at entry ${made.broken_at}: ${made.why}`;
      put(check, h("div", { class: `card decision ${made.holds ? "good" : "bad"}` }, h("span", { class: "mark", "aria-hidden": "true" }, made.holds ? "✓" : "✕"),
        h("div", {}, h("strong", {}, made.holds ? "It holds" : "It is broken"), h("p", {}, text), h("p", { class: "small soft" }, "Head: ", h("code", {}, made.head)))));
      say(text);
    } finally { verify.disabled = false; }
  }) }, "Verify the chain");
  put(main, h("div", { class: "head" }, h("div", {}, h("h1", {}, "Audit"), h("p", { class: "soft" }, "Every change, and who asked for it. Entries are chained by their digests: none can be changed or taken out unseen.")), verify), check,
    h("div", { class: "after" }, search), h("div", { class: "card wrap after" }, h("table", { class: "cards" }, h("thead", {}, h("tr", {}, ...["When", "Who", "What", "On", "Outcome", "Detail"].map((text) => h("th", { scope: "col" }, text)))), body)), note);
  const wording = (detail) => Object.entries(detail).filter(([, value]) => value !== null && value !== "" && !(Array.isArray(value) && !value.length))
    .map(([key, value]) => key === "expires" ? `until ${clock(value, { seconds: false })}` : `${key}: ${typeof value === "object" ? JSON.stringify(value) : value}`).join(", ");

  function sift() {
    const wanted = search.value.trim().toLowerCase();
    for (const row of body.children) row.hidden = Boolean(wanted) && !row.textContent.toLowerCase().includes(wanted);
  }
  const rows = await all("/v1/audit?order=newest", MOST);
  put(body, ...rows.map((one) => h("tr", {},
    h("td", { class: "tight", dataset: { label: "When" } }, clock(one.at), h("span", { class: "small" }, `#${one.seq}`)),
    h("td", { class: who(one.actor) === one.actor ? "mono" : null, title: one.actor, dataset: { label: "Who" } }, who(one.actor) || "–"), h("td", { dataset: { label: "What" } }, one.action),
    h("td", { class: "mono tight", dataset: { label: "On" } }, one.subject),
    h("td", { class: "tight", dataset: { label: "Outcome" } }, badge(...(OUTCOMES[one.outcome] || ["calm", "·"]), one.outcome)),
    h("td", { class: "small soft", dataset: { label: "Detail" } }, wording(one.detail)))));
  note.textContent = rows.length >= MOST ? `These are the newest ${rows.length.toLocaleString("en-GB")} entries; \`jointrange audit ls\` and the API give the rest.` : "";
}
