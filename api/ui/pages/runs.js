// All runs of campaigns, and starting one.
import { all, part } from "../api.js";
import { attempt } from "../dialogs.js";
import { badge, empty, h, keyed, put, say, telling } from "../dom.js";
import { startRun } from "../launch.js";
import { who } from "../people.js";
import { renewingRows } from "../renew.js";
import { follow } from "../stream.js";
import { away, count, DECISIONS, queue, span, state } from "../words.js";

export async function show(main, here) {
  here.title("Runs");
  const rows = new Map((await all("/v1/runs")).map((row) => [row.id, row]));
  const make = () => attempt(async () => {
    const made = await startRun(here);
    if (made?.id) { say("The run is asked for"); location.hash = `#/runs/${part(made.id)}`; }
  });
  const search = h("input", { type: "search", placeholder: "Search by campaign, person, decision …", "aria-label": "Search runs", oninput: () => paint() });
  const button = h("button", { class: "first", dataset: { new: "run" }, onclick: make, disabled: !here.may("runs.write"), title: here.may("runs.write") ? "Start a run (n)" : "Your role may not start runs" }, "Start a run");
  const body = h("tbody", {}), none = h("div", {}), sum = h("p", { class: "soft" });
  const table = h("div", { class: "card wrap" }, h("table", { class: "cards" }, h("thead", {}, h("tr", {},
    ...["Campaign", "Decision", "Status", "Trials", "Took"].map((text) => h("th", { scope: "col" }, text)))), body));
  put(main, h("div", { class: "head" }, h("div", {}, h("h1", {}, "Runs"), sum), button), search, h("div", { class: "after" }, table, none));

  function draw(row) {
    const said = DECISIONS[row.decision];
    const waits = () => queue(row) || (row.problem ? row.problem.title : row.status === "done" || row.decision ? "" : row.reason || row.step);
    return h("tr", { dataset: { id: row.id } },
      h("th", { scope: "row" }, h("a", { href: `#/runs/${part(row.id)}`, dataset: { part: "open" } }, row.campaign), h("span", { class: "small" }, telling(() => [row.project, who(row.actor), away(row.created)].filter(Boolean).join(" · ")))),
      h("td", { dataset: { label: "Decision" } }, said ? badge(...said) : h("span", { class: "soft" }, "–"), row.reasons.length && said && row.decision !== "pass" ? h("span", { class: "small" }, row.reasons[0]) : null),
      h("td", {}, state(row.status), waits() ? h("span", { class: "small" }, telling(waits)) : null),
      h("td", { class: "tight", dataset: { label: "Trials" } }, row.total ? `${row.done} of ${row.total}` : "–", row.level ? h("span", { class: "small" }, `level ${row.level}`) : null),
      h("td", { class: "tight", dataset: { label: "Took" } }, row.started ? telling(() => span(Math.round((row.ended || Date.now() / 1000) - row.started))) : "–"));
  }

  function paint() {
    const wanted = search.value.trim().toLowerCase();
    const every = [...rows.values()].sort((a, b) => b.created - a.created);
    const found = every.filter((row) => !wanted || [row.campaign, row.id, row.actor, who(row.actor), row.project, row.status, row.decision, row.level].join(" ").toLowerCase().includes(wanted));
    keyed(body, found, (row) => row.id, draw);
    table.hidden = !found.length;
    search.hidden = !every.length;
    sum.textContent = every.length ? count(every.length, "run") : "No run yet.";
    if (found.length) put(none);
    else if (wanted) put(none, empty("Nothing fits", `No run fits “${search.value}”.`, h("button", { onclick: () => { search.value = ""; paint(); search.focus(); } }, "Clear the search")));
    else put(none, empty("No runs yet", "A run attacks equal ranges with and without a defence, and decides by the evidence whether it works.", button.disabled ? null : h("button", { class: "first", onclick: make }, "Start the first one")));
  }
  const { again, everything, stop } = renewingRows("/v1/runs", rows, paint);
  paint();
  const stream = follow("/v1/events", {
    onEvent: (event) => { if (["run.status", "run.progress"].includes(event.type)) again(event.subject.slice(4)); }, onState: here.live, onBack: everything,
  });
  const tick = setInterval(() => { if (!document.hidden) everything(); }, 15000);
  return () => { stream.close(); clearInterval(tick); stop(); };
}
