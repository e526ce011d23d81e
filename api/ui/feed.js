// A list of events, the newest first; it keeps the last few hundred.
import { h } from "./dom.js";
import { clock, told } from "./words.js";

const MOST = 400;

export class Feed {
  constructor(title, nothing) {
    this.count = 0;
    this.number = h("span", { class: "soft small" });
    this.nothing = h("p", { class: "nothing" }, nothing);
    this.list = h("ul", { class: "feed", tabindex: "0", "aria-label": title, hidden: true });
    this.element = h("section", { class: "card" }, h("div", { class: "row apart" }, h("h2", {}, title), this.number), this.nothing, this.list);
  }

  /** Add an event; `fresh` ones are marked for a moment. */
  add(event, fresh) {
    const { tone, sign, text, detail } = told(event);
    this.list.prepend(h("li", { class: fresh ? `${tone} fresh` : tone },
      h("time", { datetime: new Date(event.at * 1000).toISOString(), title: new Date(event.at * 1000).toISOString() }, clock(event.at).split(" ").pop()),
      h("div", {}, h("i", { "aria-hidden": "true" }, sign), h("b", {}, text), detail ? h("span", { class: "small" }, detail) : null)));
    this.count += 1;
    this.number.textContent = String(this.count);
    this.nothing.hidden = true;
    this.list.hidden = false;
    if (this.list.childElementCount > MOST) this.list.lastChild.remove();
  }
}
