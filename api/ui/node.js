// The chosen node of a range: where it is, its cables, its log, its console.
import { attempt, complain, dialog, field } from "./dialogs.js";
import { badge, h, put, say } from "./dom.js";
import { impaired, state } from "./words.js";

const MANY = 12; // nodes: with more, one can search for one

/**
 * Draw the panel. `acts`: may(action), link(end, change), console(node), logs(node), reset(nodes); `acts.opening`: a console is
 * about to open. Redrawn only when something changed.
 */
export function nodePanel(panel, row, links, chosen, acts, over, pick) {
  const node = row.nodes.find((one) => one.name === chosen);
  const shown = JSON.stringify(node ? [node, links.filter((one) => one.node === node.name), over, acts.opening] : row.nodes.map((one) => one.name));
  if (panel.shown === shown) return;
  const held = panel.contains(document.activeElement) ? document.activeElement.dataset.part : null;
  const log = node && panel.node === node.name ? panel.querySelector(".log") : null;
  panel.shown = shown;
  panel.node = node?.name || "";
  if (!node) {
    put(panel, h("h2", {}, "Choose a node"), h("p", { class: "soft" }, "Click a machine of the network, or go to it with Tab and press Enter: its addresses, cables, log and console."),
      ...choices(row.nodes.map((one) => one.name), pick));
    return;
  }
  const dead = over || node.status === "dead" || node.status === "waiting";
  const showLog = (button) => attempt(async () => {
    button.disabled = true;
    try {
      const text = await acts.logs(node.name);
      panel.querySelector(".log")?.remove();
      const box = h("pre", { class: "log", tabindex: "0", "aria-label": `Log of ${node.name}` }, text.trim() || "It has printed nothing.");
      panel.append(box);
      box.scrollTop = box.scrollHeight;
    } finally { button.disabled = false; }
  });
  put(panel,
    h("div", { class: "row apart" }, h("h2", {}, node.name), state(node.status)),
    h("p", { class: "soft small" }, [node.role, node.kind !== node.role && node.kind, node.image, node.detail].filter(Boolean).join(" · ")),
    node.tools.length ? h("p", { class: "small" }, `Tools: ${node.tools.join(", ")}`) : null,
    h("div", { class: "row" },
      h("button", { class: "first", dataset: { part: "console" }, disabled: dead || acts.opening || !acts.may("ranges.exec"), title: acts.may("ranges.exec") ? null : "Consoles need the role operator", onclick: () => attempt(() => acts.console(node.name)) }, "Open console"),
      h("button", { dataset: { part: "log" }, disabled: over, onclick: (event) => showLog(event.currentTarget) }, "Log"),
      h("button", { dataset: { part: "reset" }, disabled: over || !acts.may("ranges.write"), onclick: () => acts.reset([node.name]) }, "Reset")),
    h("ul", { class: "ends", "aria-label": "Cables" }, ...node.ends.map((end) => cable(node, end, links.find((one) => one.node === node.name && one.interface === end.interface), acts, dead))),
    log);
  if (held) panel.querySelector(`[data-part="${CSS.escape(held)}"]`)?.focus();
}

/** A button for each node; of many, those that are searched for. */
function choices(names, pick) {
  const buttons = names.map((name) => h("button", { onclick: () => pick(name), dataset: { part: name } }, name));
  const list = h("div", { class: "row names" }, ...buttons);
  if (names.length <= MANY) return [list];
  const sift = (event) => {
    const wanted = event.target.value.trim().toLowerCase();
    for (const one of buttons) one.hidden = !one.textContent.toLowerCase().includes(wanted);
  };
  return [h("input", { type: "search", placeholder: `Search ${names.length} nodes …`, "aria-label": "Search nodes", oninput: sift }), list];
}

function cable(node, end, link, acts, dead) {
  const no = dead || !link || !acts.may("ranges.links");
  const at = { node: node.name, interface: end.interface };
  const turn = (up) => attempt(async () => { await acts.link(at, { up, ...(up && link.impair ? { impair: link.impair } : {}) }); say(`${node.name} ${end.interface} is ${up ? "whole again" : "cut"}`); });
  return h("li", {},
    h("div", {}, h("b", { class: "mono" }, end.interface), ` on ${end.segment} `,
      !link ? null : !link.up ? badge("bad", "✂", "cut") : link.impair ? badge("warn", "≈", impaired(link.impair)) : null,
      h("span", { class: "soft small mono" }, h("br"), [end.address, end.address6].filter(Boolean).join(" · ") || "no address")),
    h("div", { class: "row" },
      h("button", { disabled: no, dataset: { part: `turn-${end.interface}` }, onclick: () => turn(!link.up), "aria-label": `${link && !link.up ? "Restore" : "Cut"} ${node.name} ${end.interface}` }, link && !link.up ? "Restore" : "Cut"),
      h("button", { disabled: no, dataset: { part: `impair-${end.interface}` }, onclick: () => impair(node, at, link, acts), "aria-label": `Impair ${node.name} ${end.interface}` }, "Impair …")));
}

function impair(node, at, link, acts) {
  const was = link.impair || {};
  const input = (value, hint, more = {}) => h("input", { value: value ?? "", placeholder: hint, autocomplete: "off", ...more });
  const fields = { rate: input(was.rate, "e.g. 10mbit"), delay: input(was.delay, "e.g. 50ms"), jitter: input(was.jitter, "e.g. 10ms"), loss: input(was.loss, "e.g. 2", { type: "number", min: "0", max: "100", step: "any" }) };
  return dialog(`Impair ${at.node} ${at.interface}`, [
    h("p", { class: "soft small" }, "In both directions. Empty: as a good cable. Delay, jitter and loss need the kernel's sch_netem."),
    h("div", { class: "two" }, field("Bandwidth", fields.rate), field("Delay", fields.delay), field("Jitter", fields.jitter), field("Loss in percent", fields.loss)),
  ], { label: "Set", narrow: true, act: async () => {
    const impair = Object.fromEntries(Object.entries(fields).filter(([, one]) => one.value.trim()).map(([key, one]) => [key, key === "loss" ? Number(one.value) : one.value.trim()]));
    await acts.link(at, { up: true, impair: Object.keys(impair).length ? impair : null });
    say(`${at.node} ${at.interface} is ${Object.keys(impair).length ? "impaired" : "whole"}`);
  } }).catch(complain);
}
