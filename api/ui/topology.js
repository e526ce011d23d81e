// A range's drawing, alive: the service draws it once, here its nodes and cables take on their states.
import { h, svg } from "./dom.js";
import { impaired } from "./words.js";
import { theme } from "./theme.js";

const STATE = { waiting: ["calm", "○"], starting: ["busy", "◐"], ready: ["good", "●"], dead: ["bad", "✕"] };
const LETTER = 6.2; // pixels of one, as it is drawn; long texts are fitted, whatever the font
const RINGS = 3000; // milliseconds an alert is made much of
const sheets = new WeakMap();

/** SVG text of the service as an element. Its style goes into a style sheet of the document: inline ones are refused here. */
export function parsed(text) {
  const style = /<style>([^<]*)<\/style>/.exec(text);
  const bare = style ? text.replace(style[0], "") : text;
  const drawing = document.importNode(new DOMParser().parseFromString(bare, "image/svg+xml").documentElement, true);
  for (const bad of drawing.querySelectorAll("script, style, foreignObject, a, image, use")) bad.remove();
  if (style) {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(style[1]);
    const look = () => {
      for (const rule of sheet.cssRules) if (rule instanceof CSSMediaRule) rule.media.mediaText = theme() === "dark" ? "all" : "not all";
    };
    look();
    addEventListener("jointrange:look", look);
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
    sheets.set(drawing, () => {
      removeEventListener("jointrange:look", look);
      document.adoptedStyleSheets = document.adoptedStyleSheets.filter((one) => one !== sheet);
    });
  }
  return drawing;
}

/** Let go of what `parsed` keeps for a drawing. */
export const forget = (drawing) => drawing && sheets.get(drawing)?.();

/** A small box with a sign and a word, at (x, y) of its middle or one of its ends, and no wider than `most`. */
function pill(text, tone, x, y, anchor = "end", most = 160) {
  const room = Math.floor((most - 13) / LETTER);
  if (text.length > room) text = `${text.slice(0, room - 1)}…`;
  const width = 13 + text.length * LETTER;
  const left = anchor === "end" ? x - width : anchor === "start" ? x : x - width / 2;
  return svg("g", { class: `pill ${tone}`, "aria-hidden": "true" },
    svg("rect", { x: left, y: y - 8, width, height: 16, rx: 8 }),
    svg("text", { x: left + width / 2, y: y + 3.8, "text-anchor": "middle", textLength: text.length > 9 ? width - 13 : null, lengthAdjust: "spacingAndGlyphs" }, text));
}

/** A live drawing in `place`. `choose(node)` is called when somebody picks a node. */
export class Live {
  constructor(place, text, choose) {
    this.place = place;
    this.drawing = parsed(text);
    this.drawing.removeAttribute("role");
    this.drawing.setAttribute("role", "group");
    this.drawing.style.setProperty("--natural", `${this.drawing.viewBox.baseVal.width}px`);
    this.ringing = new Set();
    this.nodes = new Map();
    this.alerts = new Map();
    for (const group of this.drawing.querySelectorAll("[data-node]")) {
      const name = group.dataset.node;
      const card = group.querySelector(".jr-card");
      const box = Object.fromEntries(["x", "y", "width", "height"].map((key) => [key, Number(card.getAttribute(key))]));
      group.setAttribute("tabindex", "0");
      group.setAttribute("role", "button");
      group.addEventListener("click", () => choose(name));
      group.addEventListener("keydown", (event) => {
        if (event.key === "Enter" || event.key === " ") { event.preventDefault(); choose(name); }
        const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
        if (step) { event.preventDefault(); this.step(name, step); }
      });
      const ring = svg("rect", { class: "ring", x: box.x - 3, y: box.y - 3, width: box.width + 6, height: box.height + 6, rx: 12 });
      group.append(ring);
      this.nodes.set(name, { group, box, ring, pills: [], shown: "", timer: null });
    }
    this.cables = [...this.drawing.querySelectorAll("[data-ends]")];
    place.replaceChildren(this.drawing);
  }

  /** Move the focus to the next node. */
  step(name, by) {
    const names = [...this.nodes.keys()];
    this.nodes.get(names[(names.indexOf(name) + by + names.length) % names.length]).group.focus();
  }

  /** Show each node, cable and count of alerts as they are. `links`: of the API; `chosen`: the node being looked at. */
  paint(nodes, links, chosen) {
    const said = new Map(nodes.map((node) => [node.name, node]));
    const states = new Map(links.map((link) => [`${link.node}:${link.interface}`, link]));
    for (const [name, shown] of this.nodes) this.node(name, shown, said.get(name) || { status: "waiting" }, states, name === chosen);
    for (const cable of this.cables) if (!cable.dataset.node) this.cable(cable, states);
    this.ring();
  }

  /** One node; drawn anew only when something about it has changed. */
  node(name, shown, node, states, chosen) {
    const { group, box } = shown;
    const own = (group.dataset.ends || "").split(" ").map((end) => states.get(end)).filter((link) => link && (!link.up || link.impair));
    const text = own.map((link) => (link.up ? `≈ ${impaired(link.impair)}` : `✂ ${link.interface} cut`)).join(" ");
    const alerts = this.alerts.get(name) || 0;
    const now = JSON.stringify([node.status, node.detail, text, alerts, chosen]);
    if (shown.shown === now) return;
    shown.shown = now;
    const [tone, sign] = STATE[node.status] || ["calm", "○"];
    for (const one of shown.pills) one.remove();
    shown.pills = [pill(`${sign} ${node.status}`, tone, box.x + box.width - 8, box.y)];
    if (alerts) shown.pills.push(pill(`▲ ${alerts}`, "bad", box.x + 8, box.y, "start"));
    if (text) shown.pills.push(pill(text, own.some((link) => !link.up) ? "bad" : "warn", box.x + 8, box.y + box.height + 4, "start", box.width - 16));
    group.append(...shown.pills);
    group.dataset.state = node.status;
    group.setAttribute("aria-pressed", String(chosen));
    group.setAttribute("aria-label", [name, node.status, node.detail, text, alerts ? `${alerts} alerts` : ""].filter(Boolean).join(", "));
  }

  /** One cable between two places of the drawing. */
  cable(cable, states) {
    const found = cable.dataset.ends.split(" ").map((end) => states.get(end)).filter(Boolean);
    const cut = found.find((link) => !link.up), bad = found.find((link) => link.impair);
    const now = JSON.stringify([Boolean(cut), bad?.impair]);
    if (cable.shown === now) return;
    cable.shown = now;
    cable.dataset.cable = cut ? "cut" : bad ? "impaired" : "whole";
    cable.querySelector(".pill")?.remove();
    const path = cable.querySelector("path");
    if (!path || (!cut && !bad)) return;
    const middle = path.getPointAtLength(path.getTotalLength() / 2);
    cable.append(pill(cut ? "✂ cut" : `≈ ${impaired(bad.impair)}`, cut ? "bad" : "warn", middle.x, middle.y, "middle"));
  }

  /** An alert came from this node, and is about those; only a `fresh` one is made much of. Seen when `paint` is called next. */
  alert(name, about, fresh) {
    if (this.nodes.has(name)) this.alerts.set(name, (this.alerts.get(name) || 0) + 1);
    if (fresh) for (const one of [name, ...about]) if (this.nodes.has(one)) this.ringing.add(one);
  }

  /** Light up what alerts came from or are about since the last time: an animation, or without motion for as long a still ring. */
  ring() {
    if (!this.ringing.size) return;
    const lit = [...this.ringing].map((name) => this.nodes.get(name));
    this.ringing.clear();
    for (const { ring } of lit) ring.classList.remove("now");
    this.drawing.getBoundingClientRect(); // so that the rings begin anew
    for (const shown of lit) {
      shown.ring.classList.add("now");
      clearTimeout(shown.timer);
      shown.timer = setTimeout(() => shown.ring.classList.remove("now"), RINGS);
    }
  }

  close() { forget(this.drawing); }
}

/** What the signs of a drawing mean. */
export const legend = () => h("ul", { class: "legend" }, ...[
  ["good", "● ready"], ["busy", "◐ starting"], ["calm", "○ waiting"], ["bad", "✕ dead"], ["bad", "✂ cut"], ["warn", "≈ impaired"], ["bad", "▲ alerts"],
].map(([tone, text]) => h("li", { class: tone }, h("b", {}, text))));
