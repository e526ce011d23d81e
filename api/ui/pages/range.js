// One range, alive: its drawing, the chosen node, its cables, alerts, consoles and everything that happened.
import { ask, call, download, get, part } from "../api.js";
import { attempt, choice, dialog, field, LEASES, sure, troubleBox } from "../dialogs.js";
import { fact, framed, h, put, say, steady, telling } from "../dom.js";
import { sideways } from "../edges.js";
import { Feed } from "../feed.js";
import { nodePanel } from "../node.js";
import { who } from "../people.js";
import { renewing } from "../renew.js";
import { follow } from "../stream.js";
import { legend, Live } from "../topology.js";
import { away, clock, OVER, queue, span, state } from "../words.js";

export async function show(main, here, id) {
  const base = `/v1/ranges/${part(id)}`;
  let row = await get(base), links = [], chosen = "", live = null, ended = () => {}, turn = 0, shownFor = "", holders = new Map();
  here.title(row.name);
  const status = h("div", { class: "steps", role: "status" }), facts = h("dl", { class: "facts" });
  const acts = [h("button", { onclick: () => extend() }, "Extend lease"), h("button", { onclick: () => reset([]) }, "Reset all"), h("button", { class: "danger", onclick: () => destroy() }, "Destroy")];
  const picture = h("div", { class: "picture" }), panel = h("section", { class: "card", "aria-label": "Node" });
  const dock = h("div", {}), trouble = h("div", {});
  const alerts = new Feed("Alerts", "No tool has said anything yet. Alerts of the tools come in here, and at the node they are from.");
  const log = new Feed("What happened", "Nothing yet.");
  const title = h("h1", {});
  put(main,
    h("div", { class: "head" }, h("div", {}, h("p", { class: "crumb" }, h("a", { href: "#/ranges" }, "Ranges"), " / ", h("span", { class: "mono" }, id)), title, status), h("div", { class: "row" }, ...acts)),
    trouble,
    h("div", { class: "split range" },
      h("div", { class: "main" }, h("div", { class: "card network" }, h("div", { class: "row apart" }, h("h2", {}, "Network"), capture()), sideways(picture), legend()), dock, log.element),
      h("div", { class: "side" }, panel, alerts.element, h("section", { class: "card about" }, h("h2", {}, "About"), facts))));
  dock.className = "dock";
  panel.classList.add("node");
  alerts.element.classList.add("alerts");

  function capture() {
    return h("button", { class: "plain", disabled: !here.may("ranges.exec"), onclick: () => attempt(async () => {
      const where = choice(row.segments.map((one) => [one.name, `${one.name} ${one.cidr}`]), row.segments[0]?.name);
      const length = h("input", { type: "number", min: "1", max: "300", value: "10" }), bpf = h("input", { placeholder: "e.g. tcp port 80" });
      await dialog("Capture packets", [field("Network", where), h("div", { class: "two" }, field("Seconds", length), field("Filter", bpf, "As tcpdump has it; empty: everything."))],
        { label: "Capture", narrow: true, act: () => download(`${base}/captures/${part(where.value)}?${new URLSearchParams({ seconds: length.value, ...(bpf.value ? { bpf: bpf.value } : {}) })}`, `${row.name}-${where.value}.pcap`) });
    }) }, "Capture …");
  }

  const extend = () => attempt(async () => {
    const lease = choice(LEASES, "2h");
    if (await dialog("Extend the lease", [h("p", { class: "soft" }, row.lease_until ? `It ends ${away(row.lease_until)}, at ${clock(row.lease_until, { seconds: false })}.` : row.lease ? `It begins when the range does, and lasts ${span(row.lease)}.` : "It has no end now."), field("From now on", lease)],
      { label: "Extend", narrow: true, act: (send) => send(`${base}/lease`, { lease: lease.value }) })) { say("The lease is extended"); await refresh(); }
  });
  const reset = (nodes) => attempt(async () => {
    const what = nodes.length ? nodes.join(", ") : "every node";
    if (await sure(`Reset ${what}?`, "It is made anew, as the topology says. What is on it now will be gone.", "Reset", (send) => send(`${base}/reset`, { nodes }))) { say(`${what} is made anew`); await refresh(); }
  });
  const destroy = () => attempt(async () => {
    if (await sure(`Destroy ${row.name}?`, "All of its nodes and what is on them will be gone. This cannot be undone.", "Destroy", () => call("DELETE", base))) { say("It is being destroyed"); await refresh(); }
  });

  const panelActs = {
    may: here.may, reset, opening: false,
    async link(end, body) { await call("PUT", `${base}/links/${part(end.node)}/${part(end.interface)}`, { body }); await refresh(); },
    async console(node) {
      if (panelActs.opening) return;
      const mine = ++turn, wanted = () => mine === turn;
      panelActs.opening = true;
      paint();
      try {
        const { openConsole } = await import("../console.js");
        ended();
        ended = () => {};
        const end = await openConsole(dock, id, node, wanted);
        if (!wanted()) return;
        ended = end;
        dock.scrollIntoView({ block: "nearest", behavior: "smooth" });
      } finally {
        panelActs.opening = false;
        if (wanted()) paint();
      }
    },
    logs: async (node) => (await ask("GET", `${base}/nodes/${part(node)}/logs?tail=400`)).text(),
  };
  const pick = (name) => {
    chosen = name;
    paint();
    if (panel.getBoundingClientRect().top > innerHeight - 60) panel.scrollIntoView({ block: "nearest", behavior: "smooth" }); // below a long drawing
    say(`${name} is chosen`);
  };

  function paint() {
    const over = OVER.includes(row.status);
    title.textContent = row.name;
    const waits = queue(row), busy = !["up", "degraded", ...OVER].includes(row.status);
    const text = [waits, row.status === "up" ? "" : row.step, row.reason].filter(Boolean).join(" · ");
    steady(status, [row.status, busy && !waits, text], () => [state(row.status), busy && !waits ? h("span", { class: "spin", "aria-hidden": "true" }) : null, h("span", {}, text)]);
    for (const button of acts) button.disabled = over || row.desired === "gone" || !here.may("ranges.write");
    steady(trouble, row.problem, () => row.problem && troubleBox({ trouble: row.problem }));
    put(facts, fact("Topology", row.topology), fact("Version", h("code", {}, row.digest.slice(0, 12))), fact("Tools", row.tools.length ? row.tools.map((one) => one.split("@")[0]).join(", ") : "none"),
      fact("Asked for by", who(row.actor) || "–"), row.project ? fact("Project", row.project) : null, fact("Made", clock(row.created)),
      fact("Up after", row.started ? span(row.started - row.created) : "–"), fact("Lease", over ? telling(() => `ended ${away(row.ended)}`) : row.lease_until ? telling(() => `ends ${away(row.lease_until)} (${clock(row.lease_until, { seconds: false })})`) : row.lease ? `${span(row.lease)} from its start` : "no end"),
      row.pool ? fact("From pool", row.pool) : null);
    live?.paint(row.nodes, links, chosen);
    nodePanel(panel, row, links, chosen, panelActs, over, pick);
  }

  async function draw() {
    const text = await (await ask("GET", `${base}/drawing`)).text();
    const kept = live?.alerts;
    live?.close();
    live = new Live(picture, text, pick);
    if (kept) live.alerts = kept;
    shownFor = row.digest;
  }

  const { now: refresh, soon, stop } = renewing(async () => {
    row = await get(base);
    holders = byAddress(row);
    const stands = ["up", "degraded"].includes(row.status) && row.desired !== "gone";
    links = stands ? (await get(`${base}/links`).catch(() => ({ items: links }))).items : []; // it may go between the two questions
    if (row.digest !== shownFor) await draw();
    paint();
  });

  await refresh();
  const began = Date.now() / 1000 - 2;
  let heard = [];
  const soonPainted = framed(() => {
    live?.paint(row.nodes, links, chosen);
    if (heard.length === 1) say(`Alert on ${heard[0].node}: ${heard[0].title}`);
    else if (heard.length) say(`${heard.length} alerts, the last on ${heard.at(-1).node}: ${heard.at(-1).title}`);
    heard = [];
  });
  const stream = follow(`${base}/events`, {
    onEvent(event) {
      const fresh = event.at > began;
      if (event.type === "range.alert") {
        const told = named(event, holders);
        log.add(told, fresh);
        alerts.add(told, fresh);
        live?.alert(told.data.node, [told.data.target], fresh);
        if (fresh) heard.push(told.data);
        soonPainted();
      } else {
        log.add(event, fresh);
        if (event.type === "range.status" && fresh) say(`${row.name} is ${event.data.status}`);
        soon();
      }
    },
    onState: here.live, onBack: soon,
  });
  const tick = setInterval(() => { if (!document.hidden && !OVER.includes(row.status)) soon(); }, 20000);
  return () => { stream.close(); clearInterval(tick); stop(); soonPainted.stop(); turn += 1; ended(); live?.close(); };
}

const bare = (address) => String(address || "").split("/")[0];

/** Which node has which address. */
const byAddress = (row) => new Map(row.nodes.flatMap((node) => node.ends.flatMap((end) => [end.address, end.address6].filter(Boolean).map((one) => [bare(one), node.name]))));

/** An alert with nodes' names for their addresses; an address that no node has stays. */
function named(event, holders) {
  const name = (address) => holders.get(bare(address)) || bare(address);
  return { ...event, data: { ...event.data, source: name(event.data.source), target: name(event.data.target) } };
}
