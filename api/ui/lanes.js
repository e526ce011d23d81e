// A lane for each range of a run: its phase, its step, and what became of the steps before.
import { h } from "./dom.js";
import { count } from "./words.js";

const MARKS = { achieved: ["good", "✓"], absent: ["warn", "✕"], unknown: ["calm", "?"] };

export class Lanes {
  constructor() {
    this.run = "";
    this.lanes = new Map();
    this.grid = h("div", { class: "lanes" });
    this.nothing = h("p", { class: "nothing" }, "The first range is about to be launched, or the last one is gone.");
    this.element = h("section", { class: "card after" }, h("div", { class: "row apart" }, h("h2", {}, "Ranges at work")), this.nothing, this.grid);
  }

  /** Show what an event says; those that are about no range of the run change nothing. */
  take(event) {
    const { range, ...data } = event.data;
    if (!range || range === this.run || !["run.phase", "run.step", "run.action", "run.alert"].includes(event.type)) return;
    const lane = this.lane(range);
    if (event.type === "run.phase") {
      lane.phase.textContent = data.phase === "done" ? "up" : data.phase;
      lane.step.textContent = data.detail || "";
      if (["destroying", "failed"].includes(data.phase)) { lane.element.remove(); this.lanes.delete(range); }
    } else if (event.type === "run.step") {
      lane.step.textContent = `${data.number} of ${data.total}: ${data.title || data.step}`;
      lane.bar.max = data.total;
      lane.bar.value = data.number;
    } else if (event.type === "run.action") {
      const [tone, sign] = MARKS[data.outcome] || ["calm", "·"];
      lane.marks.append(h("span", { class: tone, title: `${data.step}: ${data.outcome}`, role: "img", "aria-label": `${data.step}: ${data.outcome}` }, sign));
      while (lane.marks.childElementCount > 80) lane.marks.firstChild.remove();
    } else {
      lane.alerts += 1;
      lane.count.textContent = `▲ ${count(lane.alerts, "alert")}`;
    }
    this.nothing.hidden = this.lanes.size > 0;
  }

  lane(name) {
    const there = this.lanes.get(name);
    if (there) return there;
    const made = { alerts: 0, phase: h("span", { class: "badge busy" }, "…"), step: h("p", { class: "small soft" }), bar: h("progress", { max: 1, value: 0, "aria-label": `Steps of ${name}` }), marks: h("div", { class: "marks" }), count: h("span", { class: "small soft" }) };
    made.element = h("div", { class: "lane" }, h("div", { class: "row apart" }, h("b", { class: "mono" }, name), made.phase), made.step, made.bar, made.marks, made.count);
    this.lanes.set(name, made);
    this.grid.append(made.element);
    return made;
  }
}
