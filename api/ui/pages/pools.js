// Pools: copies of a topology that are kept launched, so that a range is there at once.
import { all, call, change, get, part } from "../api.js";
import { attempt, dialog, field, sure } from "../dialogs.js";
import { empty, h, keyed, put, say, telling } from "../dom.js";
import { fillPool } from "../launch.js";
import { renewing } from "../renew.js";
import { follow } from "../stream.js";
import { away, count, state } from "../words.js";

export async function show(main, here) {
  here.title("Pools");
  let rows = await all("/v1/pools");
  const no = !here.may("pools.write");
  const make = () => attempt(async () => { if (await fillPool(here)) { say("The pool is being filled"); await refresh(); } });
  const button = h("button", { class: "first", dataset: { new: "pool" }, disabled: no, title: no ? "Pools need the role trainer" : "Fill a pool (n)", onclick: make }, "Fill a pool");
  const body = h("tbody", {}), none = h("div", {});
  const table = h("div", { class: "card wrap" }, h("table", { class: "cards" }, h("thead", {}, h("tr", {}, ...["Pool", "Status", "Topology and tools", "Copies ready"].map((text) => h("th", { scope: "col" }, text)), h("th", { class: "end", scope: "col" }, h("span", { class: "unseen" }, "Actions")))), body));
  put(main, h("div", { class: "head" }, h("div", {}, h("h1", {}, "Pools"), h("p", { class: "soft" }, "Launched, unused copies of a topology. Launching takes one of them when topology and tools are the same.")), button), table, none);

  const resize = (row) => attempt(async () => {
    const path = `/v1/pools/${part(row.id)}`, seen = await get(path);
    const warm = h("input", { type: "number", min: "0", max: "50", value: String(seen.warm), required: true });
    if (await dialog(`Copies of ${row.name}`, [field("Copies to keep warm", warm)], { label: "Set", narrow: true, act: () => change(path, seen, { warm: Number(warm.value) }) })) await refresh();
  });
  const remove = (row) => attempt(async () => {
    if (await sure(`Remove ${row.name}?`, `Its ${count(row.ready, "unused copy", "unused copies")} will be destroyed. Ranges that were taken from it stay.`, "Remove", () => call("DELETE", `/v1/pools/${part(row.id)}`))) { say("The pool is being removed"); await refresh(); }
  });
  const draw = (row) => h("tr", { dataset: { id: row.id } },
    h("th", { scope: "row" }, row.name, h("span", { class: "small" }, telling(() => [row.project, away(row.created)].filter(Boolean).join(" · ")))),
    h("td", {}, state(row.status), row.problem || row.reason ? h("span", { class: "small" }, row.problem?.title || row.reason) : null),
    h("td", { dataset: { label: "Topology" } }, row.topology, h("span", { class: "small" }, row.tools.length ? row.tools.map((one) => one.split("@")[0]).join(", ") : "no tools")),
    h("td", { dataset: { label: "Ready" } }, `${row.ready} of ${row.warm}`, h("progress", { max: Math.max(row.warm, 1), value: row.ready, "aria-label": `Copies of ${row.name} that are ready` })),
    h("td", { class: "end" }, h("div", { class: "row" }, h("button", { dataset: { part: "size" }, disabled: no || row.status === "stopping", onclick: () => resize(row) }, "Copies …"), h("button", { class: "plain", dataset: { part: "remove" }, disabled: no || row.status === "stopping", onclick: () => remove(row) }, "Remove"))));

  function paint() {
    const found = rows.filter((row) => row.status !== "gone");
    keyed(body, found, (row) => row.id, draw);
    table.hidden = !found.length;
    put(none, found.length ? null : empty("No pools yet", "Fill one with a topology your people launch often: each of them then has a range at once.", no ? null : h("button", { class: "first", onclick: make }, "Fill the first one")));
  }
  const { now: refresh, soon, stop } = renewing(async () => { rows = await all("/v1/pools"); paint(); });
  paint();
  const stream = follow("/v1/events", { onEvent: (event) => { if (event.type === "pool.status") soon(); }, onState: here.live, onBack: soon });
  const tick = setInterval(() => { if (!document.hidden) soon(); }, 15000);
  return () => { stream.close(); clearInterval(tick); stop(); };
}
