// All ranges: their states as they change, what is used of the quotas, launching and destroying.
import { all, call, get, part } from "../api.js";
import { attempt, sure } from "../dialogs.js";
import { empty, h, keyed, put, say, telling } from "../dom.js";
import { launch } from "../launch.js";
import { meters } from "../meters.js";
import { who } from "../people.js";
import { renewingRows } from "../renew.js";
import { follow } from "../stream.js";
import { away, clock, count, OVER, queue, span, state } from "../words.js";

export async function show(main, here) {
  here.title("Ranges");
  const rows = new Map((await all("/v1/ranges")).map((row) => [row.id, row]));
  const search = h("input", { type: "search", placeholder: "Search by name, topology, person …", "aria-label": "Search ranges", oninput: () => paint() });
  const old = h("input", { type: "checkbox", id: "old", onchange: () => paint() });
  const make = () => attempt(async () => {
    const made = await launch(here);
    if (made?.id) { say(`Range ${made.name} is asked for`); location.hash = `#/ranges/${part(made.id)}`; }
  });
  const button = h("button", { class: "first", dataset: { new: "range" }, onclick: make, disabled: !here.may("ranges.write"), title: here.may("ranges.write") ? "Launch a range (n)" : "Your role may not launch ranges" }, "Launch a range");
  const body = h("tbody", {});
  const table = h("div", { class: "card wrap" }, h("table", { class: "cards" },
    h("thead", {}, h("tr", {}, ...["Range", "Status", "Topology and tools", "Nodes", "Lease"].map((text) => h("th", { scope: "col" }, text)), h("th", { class: "end", scope: "col" }, h("span", { class: "unseen" }, "Actions")))), body));
  const none = h("div", {});
  const use = h("div", { class: "card after" });
  put(main, h("div", { class: "head" }, h("div", {}, h("h1", {}, "Ranges"), h("p", { class: "soft", id: "sum" })), button),
    h("div", { class: "row apart", id: "tools" }, search, h("label", { class: "check" }, old, h("span", {}, "also those that are over"))),
    h("div", { class: "after" }, table, none), use);
  const sum = main.querySelector("#sum"), tools = main.querySelector("#tools");

  function destroy(row) {
    attempt(async () => {
      const done = await sure(`Destroy ${row.name}?`, `All of its ${count(row.nodes.length, "node")} and what is on them will be gone. This cannot be undone.`, "Destroy",
        () => call("DELETE", `/v1/ranges/${part(row.id)}`));
      if (done) { say(`${row.name} is being destroyed`); again(row.id); }
    });
  }

  function draw(row) {
    const ready = row.nodes.filter((node) => node.status === "ready").length;
    const waits = () => queue(row) || (row.status === "failed" && row.problem ? row.problem.title : row.status === "up" ? "" : row.reason || row.step);
    return h("tr", { dataset: { id: row.id } },
      h("th", { scope: "row" }, h("a", { href: `#/ranges/${part(row.id)}`, dataset: { part: "open" } }, row.name),
        h("span", { class: "small" }, telling(() => [row.pool && !row.lease ? "a warm copy of a pool" : "", row.project, who(row.actor), away(row.created)].filter(Boolean).join(" · ")))),
      h("td", {}, state(row.status), waits() ? h("span", { class: "small" }, telling(waits)) : null),
      h("td", { dataset: { label: "Topology" } }, row.topology, h("span", { class: "small" }, row.tools.length ? row.tools.map((one) => one.split("@")[0]).join(", ") : "no tools")),
      h("td", { class: "tight", dataset: { label: "Nodes" } }, OVER.includes(row.status) ? "–" : `${ready} of ${row.nodes.length} ready`),
      h("td", { class: "tight", dataset: { label: "Lease" } }, OVER.includes(row.status) ? "over" : row.lease_until ? h("span", {}, telling(() => `ends ${away(row.lease_until)}`), h("span", { class: "small" }, clock(row.lease_until, { seconds: false }))) : row.lease ? `${span(row.lease)} from its start` : "no end"),
      h("td", { class: "end" }, OVER.includes(row.status) ? null : h("button", { class: "plain", dataset: { part: "destroy" }, disabled: row.desired === "gone" || !here.may("ranges.write"), onclick: () => destroy(row), "aria-label": `Destroy ${row.name}` }, "Destroy")));
  }

  function paint() {
    const wanted = search.value.trim().toLowerCase();
    const every = [...rows.values()].sort((a, b) => b.created - a.created);
    const now = every.filter((row) => old.checked || !OVER.includes(row.status) || row.status === "failed");
    const found = now.filter((row) => !wanted || [row.name, row.id, row.topology, row.actor, who(row.actor), row.project, row.status, ...row.tools].join(" ").toLowerCase().includes(wanted));
    keyed(body, found, (row) => row.id, draw);
    table.hidden = !found.length;
    tools.hidden = !every.length;
    const alive = every.filter((row) => !OVER.includes(row.status));
    sum.textContent = alive.length ? `${count(alive.length, "range")}: ${counted(alive)}` : "No range is alive.";
    if (found.length) put(none);
    else if (wanted) put(none, empty("Nothing fits", `No range fits “${search.value}”.`, h("button", { onclick: () => { search.value = ""; paint(); search.focus(); } }, "Clear the search")));
    else put(none, empty("No ranges yet", "A range is a network of machines in containers, closed to the world. Choose a topology, and it is up in seconds.", button.disabled ? null : h("button", { class: "first", onclick: make }, "Launch the first one")));
  }

  async function usage() {
    if (!here.may("usage.read")) { use.hidden = true; return; }
    put(use, h("h2", {}, "What is used"), meters(await get("/v1/usage"), here));
  }

  const { again, everything, stop } = renewingRows("/v1/ranges", rows, () => { paint(); return usage(); });
  paint();
  await usage();
  const stream = follow("/v1/events", {
    onEvent: (event) => { if (event.subject.startsWith("range/") && event.type !== "range.alert") again(event.subject.slice(6)); },
    onState: here.live, onBack: everything,
  });
  const tick = setInterval(() => { if (!document.hidden) everything(); }, 15000);
  return () => { stream.close(); clearInterval(tick); stop(); };
}

function counted(rows) {
  const by = new Map();
  for (const row of rows) by.set(row.status, (by.get(row.status) || 0) + 1);
  return [...by].map(([name, number]) => `${number} ${name}`).join(", ");
}
