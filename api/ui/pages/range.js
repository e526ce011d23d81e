// One range, alive: its drawing, the chosen node, its cables, alerts, consoles and everything that happened.
import { ask, call, get, part } from "../api.js";
import { attempt, choice, dialog, field, LEASES, sure, troubleBox } from "../dialogs.js";
import { fact, h, put, say } from "../dom.js";
import { Feed } from "../feed.js";
import { nodePanel } from "../node.js";
import { renewing } from "../renew.js";
import { follow } from "../stream.js";
import { legend, Live } from "../topology.js";
import { away, clock, OVER, queue, span, state } from "../words.js";

export async function show(main, here, id) {
  const base = `/v1/ranges/${part(id)}`;
  let row = await get(base), links = [], chosen = "", live = null, ended = () => {}, shownFor = "";
  here.title(row.name);
  const say1 = h("div", {}), facts = h("dl", { class: "facts" }), acts = h("div", { class: "row" });
  const picture = h("div", { class: "picture" }), panel = h("section", { class: "card", "aria-label": "Node" });
  const dock = h("div", {}), trouble = h("div", {});
  const alerts = new Feed("Alerts", "No tool has said anything yet. Alerts of the tools come in here, and at the node they are from.");
  const log = new Feed("What happened", "Nothing yet.");
  const title = h("h1", {});
  put(main,
    h("div", { class: "head" }, h("div", {}, h("p", { class: "crumb" }, h("a", { href: "#/ranges" }, "Ranges"), " / ", h("span", { class: "mono" }, id)), title, say1), acts),
    trouble,
    h("div", { class: "split range" },
      h("div", { class: "main" }, h("div", { class: "card network" }, h("div", { class: "row apart" }, h("h2", {}, "Network"), capture()), picture, legend()), dock, log.element),
      h("div", { class: "side" }, panel, alerts.element, h("section", { class: "card about" }, h("h2", {}, "About"), facts))));
  dock.className = "dock";
  panel.classList.add("node");
  alerts.element.classList.add("alerts");

  function capture() {
    return h("button", { class: "plain", disabled: !here.may("ranges.exec"), onclick: () => attempt(async () => {
      const where = choice(row.segments.map((one) => [one.name, `${one.name} ${one.cidr}`]), row.segments[0]?.name);
      const length = h("input", { type: "number", min: "1", max: "300", value: "10" }), bpf = h("input", { placeholder: "e.g. tcp port 80" });
      await dialog("Capture packets", [field("Network", where), h("div", { class: "two" }, field("Seconds", length), field("Filter", bpf, "As tcpdump has it; empty: everything."))],
        { label: "Capture", narrow: true, act: async () => {
          const answer = await ask("GET", `${base}/captures/${part(where.value)}?${new URLSearchParams({ seconds: length.value, ...(bpf.value ? { bpf: bpf.value } : {}) })}`);
          const link = h("a", { href: URL.createObjectURL(await answer.blob()), download: `${row.name}-${where.value}.pcap` });
          link.click();
        } });
    }) }, "Capture …");
  }

  function buttons() {
    const over = OVER.includes(row.status) || row.desired === "gone", no = !here.may("ranges.write");
    put(acts,
      h("button", { disabled: over || no, onclick: extend }, "Extend lease"),
      h("button", { disabled: over || no, onclick: () => reset([]) }, "Reset all"),
      h("button", { class: "danger", disabled: over || no, onclick: destroy }, "Destroy"));
  }

  const extend = () => attempt(async () => {
    const lease = choice(LEASES, "2h");
    if (await dialog("Extend the lease", [h("p", { class: "soft" }, row.lease_until ? `It ends ${away(row.lease_until)}, at ${clock(row.lease_until, { seconds: false })}.` : "It has no end now."), field("From now on", lease)],
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
    may: here.may, reset,
    async link(end, body) { await call("PUT", `${base}/links/${part(end.node)}/${part(end.interface)}`, { body }); await refresh(); },
    async console(node) {
      ended();
      ended = () => {};
      const { openConsole } = await import("../console.js");
      ended = await openConsole(dock, id, node);
      dock.scrollIntoView({ block: "nearest", behavior: "smooth" });
    },
    logs: async (node) => (await ask("GET", `${base}/nodes/${part(node)}/logs?tail=400`)).text(),
  };
  const pick = (name) => { chosen = name; paint(); say(`${name} is chosen`); };

  function paint() {
    const over = OVER.includes(row.status);
    title.textContent = row.name;
    const waits = queue(row), busy = !["up", "degraded", ...OVER].includes(row.status);
    put(say1, h("div", { class: "steps", role: "status" }, state(row.status), busy && !waits ? h("span", { class: "spin", "aria-hidden": "true" }) : null,
      h("span", {}, [waits, row.status === "up" ? "" : row.step, row.reason].filter(Boolean).join(" · "))));
    buttons();
    put(trouble, row.problem ? troubleBox({ trouble: row.problem }) : null);
    put(facts, fact("Topology", row.topology), fact("Version", h("code", {}, row.digest.slice(0, 12))), fact("Tools", row.tools.length ? row.tools.map((one) => one.split("@")[0]).join(", ") : "none"),
      fact("Asked for by", row.actor || "–"), row.project ? fact("Project", row.project) : null, fact("Made", clock(row.created)),
      fact("Up after", row.started ? span(row.started - row.created) : "–"), fact("Lease", over ? `ended ${away(row.ended)}` : row.lease_until ? `ends ${away(row.lease_until)} (${clock(row.lease_until, { seconds: false })})` : "no end"),
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
    const stands = ["up", "degraded"].includes(row.status) && row.desired !== "gone";
    links = stands ? (await get(`${base}/links`).catch(() => ({ items: links }))).items : []; // it may go between the two questions
    if (row.digest !== shownFor) await draw();
    paint();
  });

  await refresh();
  const began = Date.now() / 1000 - 2;
  const stream = follow(`${base}/events`, {
    onEvent(event) {
      log.add(named(event, row), event.at > began);
      if (event.type === "range.alert") {
        alerts.add(named(event, row), event.at > began);
        live?.alert(event.data.node, [holder(row, event.data.target)], event.at > began);
        if (event.at > began) say(`Alert on ${event.data.node}: ${event.data.title}`);
        live?.paint(row.nodes, links, chosen);
      } else {
        if (event.type === "range.status" && event.at > began) say(`${row.name} is ${event.data.status}`);
        soon();
      }
    },
    onState: here.live, onBack: soon,
  });
  const tick = setInterval(() => { if (!document.hidden && !OVER.includes(row.status)) soon(); }, 20000);
  return () => { stream.close(); clearInterval(tick); stop(); ended(); live?.close(); };
}

/** The node that has this address; the address itself when none has. */
function holder(row, address) {
  const bare = String(address || "").split("/")[0];
  return row.nodes.find((node) => node.ends.some((end) => bare && [end.address, end.address6].some((one) => one.split("/")[0] === bare)))?.name || bare;
}

/** An alert with nodes' names for their addresses. */
function named(event, row) {
  if (event.type !== "range.alert") return event;
  return { ...event, data: { ...event.data, source: holder(row, event.data.source), target: holder(row, event.data.target) } };
}
