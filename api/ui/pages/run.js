// One run: its trials, phases, steps and alerts as they come; then what is decided, the verdicts, the report.
import { all, ask, download, get, part, posting } from "../api.js";
import { attempt, sure, troubleBox } from "../dialogs.js";
import { fact, h, put, say, steady, telling } from "../dom.js";
import { sideways } from "../edges.js";
import { Feed } from "../feed.js";
import { Lanes } from "../lanes.js";
import { who } from "../people.js";
import { showReport } from "../report.js";
import { renewing } from "../renew.js";
import { follow } from "../stream.js";
import { clock, count, DECISIONS, label, OVER, queue, span, state } from "../words.js";

export async function show(main, here, id) {
  const base = `/v1/runs/${part(id)}`;
  let row = await get(base), finished = false;
  here.title(row.campaign);
  const title = h("h1", {}), steps = h("div", { class: "steps", role: "status" }), trouble = h("div", {}), verdict = h("div", {});
  const bar = h("progress", { max: 1, value: 0, "aria-label": "Trials kept" }), barText = h("p", {}), facts = h("dl", { class: "facts" });
  const progress = h("section", { class: "card" }, h("h2", {}, "Trials"), barText, bar);
  const lanes = new Lanes(), log = new Feed("What happened", "Nothing yet."), alerts = new Feed("Alerts", "No tool has said anything yet.");
  const result = h("div", { class: "after" });
  const acts = {
    cancel: h("button", { class: "danger", onclick: () => cancel() }, "Cancel"), again: h("button", { onclick: () => rescore() }, "Judge anew"),
    bundle: h("button", { class: "first", onclick: () => attempt(() => download(`${base}/bundle`, `${row.run || row.id}.tar`)) }, "Download bundle"),
  };
  const live = h("div", {}, lanes.element, h("div", { class: "split after" }, log.element, h("div", { class: "side" }, alerts.element, h("section", { class: "card" }, h("h2", {}, "About"), facts))));
  put(main, h("div", { class: "head" }, h("div", {}, h("p", { class: "crumb" }, h("a", { href: "#/runs" }, "Runs"), " / ", h("span", { class: "mono" }, id)), title, steps), h("div", { class: "row" }, ...Object.values(acts))), trouble, verdict, progress, result, live);

  const cancel = () => attempt(async () => {
    if (await sure("Cancel this run?", "Trials that are kept stay; those under way are ended and their ranges destroyed. A new run of this campaign begins anew.", "Cancel the run", (send) => send(`${base}/cancel`))) { say("It is being cancelled"); await refresh(); }
  });
  const send = posting();
  const rescore = () => attempt(async () => {
    const made = await send(`${base}/rescore`);
    put(trouble, h("div", { class: "card" }, h("h2", {}, made.equal ? "Judged anew: the same" : "Judged anew: it differs"),
      h("p", {}, `Version ${made.version} decides: ${(DECISIONS[made.decision] || [0, 0, made.decision])[2]}.`), made.differences.length ? h("ul", {}, ...made.differences.map((one) => h("li", {}, one))) : null));
    say(made.equal ? "Judged anew: the same" : "Judged anew: it differs");
  });

  function paint() {
    title.textContent = row.campaign;
    const over = OVER.includes(row.status), waits = queue(row);
    const text = [waits, over ? "" : row.step, row.decision ? "" : row.reason].filter(Boolean).join(" · ");
    steady(steps, [row.status, over || waits, text], () => [state(row.status), over || waits ? null : h("span", { class: "spin", "aria-hidden": "true" }), h("span", {}, text)]);
    acts.cancel.hidden = over;
    acts.cancel.disabled = row.status === "cancelling" || !here.may("runs.write");
    acts.again.hidden = acts.bundle.hidden = row.status !== "done";
    acts.again.disabled = !here.may("runs.write");
    put(trouble, row.problem ? troubleBox({ trouble: row.problem }) : trouble.querySelector(".card"));
    bar.max = Math.max(row.total, 1);
    bar.value = row.done;
    barText.textContent = row.total ? `${row.done} of ${count(row.total, "trial")} kept${row.level ? `, level ${row.level}` : ""}` : "It is not known yet how many there will be.";
    progress.hidden = row.status === "done";
    put(facts, fact("Campaign version", h("code", {}, row.digest.slice(0, 12))), fact("Asked for by", who(row.actor) || "–"), row.project ? fact("Project", row.project) : null, fact("Made", clock(row.created)),
      fact("Began", clock(row.started)), fact("Took", row.started ? telling(() => span(Math.round((row.ended || Date.now() / 1000) - row.started))) : "–"), row.run ? fact("Run", h("code", {}, row.run)) : null, row.exit === null ? null : fact("Exit code", String(row.exit)));
    const said = DECISIONS[row.decision];
    steady(verdict, [row.decision, row.reasons], () => said ? h("section", { class: `card decision ${said[0]}`, "aria-label": "Decision" }, h("span", { class: "mark", "aria-hidden": "true" }, said[1]),
      h("div", {}, h("strong", {}, said[2]), ...reasons(row))) : null);
    verdict.className = said ? "after" : "";
    lanes.run = row.run;
    lanes.element.hidden = over;
  }

  async function finish() {
    const rows = await all(`${base}/verdicts`).catch(() => []);
    const files = row.files || [];
    const report = h("div", { class: "after" });
    put(result,
      rows.length ? h("section", { class: "card" }, h("h2", {}, "Verdicts"), matrix(rows)) : null,
      files.length ? h("section", { class: "card" }, h("h2", {}, "Files"), h("div", { class: "files" }, ...files.map((name) => h("button", { onclick: () => attempt(() => download(`${base}/files/${name.split("/").map(part).join("/")}`, name.split("/").pop())) }, name)))) : null,
      report);
    const html = files.find((name) => name.endsWith("report.html"));
    if (html) showReport(report, await (await ask("GET", `${base}/files/${html.split("/").map(part).join("/")}`)).text());
    finished = true;
  }

  const { now: refresh, soon, stop } = renewing(async () => {
    row = await get(base);
    paint();
    if (row.status === "done" && !finished) await finish();
  });
  paint();
  if (row.status === "done") await finish();
  const began = Date.now() / 1000 - 2;
  const stream = follow(`${base}/events`, {
    onEvent(event) {
      const fresh = event.at > began;
      if (!["run.progress", "run.action"].includes(event.type)) log.add(event, fresh);
      if (event.type === "run.alert") alerts.add(event, fresh);
      lanes.take(event);
      if (["run.status", "run.progress"].includes(event.type)) {
        if (fresh && event.type === "run.status") say(`The run is ${event.data.status}${event.data.decision ? `: ${event.data.decision}` : ""}`);
        soon();
      }
    },
    onState: here.live, onBack: soon,
  });
  const tick = setInterval(() => { if (!document.hidden && !OVER.includes(row.status)) soon(); }, 15000);
  return () => { stream.close(); clearInterval(tick); stop(); };
}

/** Why it is decided so: all that fell short, or that every gate holds, with the rest a click away. */
function reasons(row) {
  const many = (list) => h("details", {}, h("summary", {}, count(list.length, "gate")), h("ul", { class: "plain" }, ...list.map((text) => h("li", {}, text))));
  if (row.decision === "pass") return [h("p", {}, `Each of ${count(row.reasons.length, "gate")} holds, by the bounds of the evidence and not by its mean.`), many(row.reasons)];
  if (row.reasons.length <= 4) return row.reasons.map((text) => h("p", {}, text));
  return [...row.reasons.slice(0, 3).map((text) => h("p", {}, text)), many(row.reasons)];
}

/** One row a step, one column an arm; several trials of one arm are counted. */
function matrix(rows) {
  const arms = [...new Set(rows.map((one) => one.arm))].sort((a, b) => (b === "control") - (a === "control") || a.localeCompare(b));
  const steps = new Map();
  for (const one of rows) steps.set(one.step, [...(steps.get(one.step) || []), one]);
  const cell = (list) => {
    const by = new Map();
    for (const one of list) by.set(one.label, [...(by.get(one.label) || []), one]);
    return h("td", {}, h("div", { class: "row" }, ...[...by].map(([name, same]) => label(name, `${name.replaceAll("_", " ")}${list.length > 1 ? ` ${same.length}/${list.length}` : ""}`))),
      list[0] ? h("span", { class: "small" }, list[0].reason || [list[0].tools.join(", "), list[0].seconds === null ? "" : `after ${span(list[0].seconds)}`].filter(Boolean).join(" · ")) : null);
  };
  return sideways(h("div", { class: "wrap" }, h("table", { class: "matrix" },
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Step"), ...arms.map((arm) => h("th", { scope: "col" }, arm)))),
    h("tbody", {}, ...[...steps].map(([step, list]) => h("tr", {}, h("th", { scope: "row" }, list[0].title || step, h("span", { class: "small" }, [list[0].technique, step].filter(Boolean).join(" · "))),
      ...arms.map((arm) => cell(list.filter((one) => one.arm === arm)))))))));
}
