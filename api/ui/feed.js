// A list of events, the newest first; it keeps the last few hundred, and draws all that come together at once.
import { framed, h } from "./dom.js";
import { clock, told } from "./words.js";

const MOST = 400;

export class Feed {
  constructor(title, nothing) {
    this.count = 0;
    this.waiting = [];
    this.number = h("span", { class: "soft small" });
    this.nothing = h("p", { class: "nothing" }, nothing);
    this.list = h("ul", { class: "feed", tabindex: "0", "aria-label": title, hidden: true });
    this.element = h("section", { class: "card" }, h("div", { class: "row apart" }, h("h2", {}, title), this.number), this.nothing, this.list);
    this.soon = framed(() => this.draw());
  }

  /** Add an event; `fresh` ones are marked for a moment. */
  add(event, fresh) {
    this.count += 1;
    this.waiting.push({ event, fresh });
    if (this.waiting.length > 2 * MOST) this.waiting.splice(0, this.waiting.length - MOST); // nobody would see those
    this.soon();
  }

  draw() {
    const last = this.waiting.slice(-MOST).reverse();
    this.waiting = [];
    this.list.prepend(...last.map(({ event, fresh }) => line(event, fresh)));
    while (this.list.childElementCount > MOST) this.list.lastChild.remove();
    this.number.textContent = String(this.count);
    this.nothing.hidden = true;
    this.list.hidden = false;
  }
}

function line(event, fresh) {
  const { tone, sign, text, detail } = told(event);
  const at = new Date(event.at * 1000).toISOString();
  return h("li", { class: fresh ? `${tone} fresh` : tone },
    h("time", { datetime: at, title: at }, clock(event.at).split(" ").pop()),
    h("div", {}, h("i", { "aria-hidden": "true" }, sign), h("b", {}, text), detail ? h("span", { class: "small" }, detail) : null));
}
