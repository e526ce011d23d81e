// Elements without strings of HTML: nothing that comes from the service is ever parsed as markup.

/** An element. `attrs`: on* are listeners, `dataset` and `class` as named, true is an empty attribute, null leaves out. */
export function h(tag, attrs = {}, ...children) {
  return fill(document.createElement(tag), attrs, children);
}

/** As `h`, in SVG. */
export function svg(tag, attrs = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attrs, children);
}

function fill(element, attrs, children) {
  for (const [name, value] of Object.entries(attrs || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "dataset") Object.assign(element.dataset, value);
    else if (name === "value" && "value" in element && element.tagName !== "LI") element.value = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(9).filter((child) => child !== null && child !== undefined && child !== false && child !== ""));
  return element;
}

/** Replace what is in an element. */
export function put(element, ...children) {
  element.replaceChildren(...children.flat(9).filter((child) => child !== null && child !== undefined && child !== false && child !== ""));
  return element;
}

/**
 * Make `parent` hold one element for each item, in order. Elements of items that stay are kept and only drawn anew when
 * what they show has changed, so that focus and selection live on.
 */
export function keyed(parent, items, keyOf, draw) {
  const old = parent.keyed || new Map();
  const now = new Map();
  for (const item of items) {
    const key = keyOf(item);
    const shown = JSON.stringify(item);
    const there = old.get(key);
    now.set(key, there && there.shown === shown ? there : { shown, element: replaced(there, draw(item)) });
  }
  for (const [key, { element }] of old) if (now.get(key)?.element !== element) element.remove();
  let place = parent.firstChild;
  for (const { element } of now.values()) {
    if (element === place) place = place.nextSibling;
    else parent.insertBefore(element, place);
  }
  parent.keyed = now;
}

/** Put the new element where the old one is; the focus inside stays on the part of the same name. */
function replaced(there, element) {
  if (!there || !there.element.isConnected) return element;
  const held = there.element.contains(document.activeElement) ? document.activeElement.dataset.part : null;
  there.element.replaceWith(element);
  if (held) element.querySelector(`[data-part="${CSS.escape(held)}"]`)?.focus();
  return element;
}

/** `draw`, at most once a frame, however often it is asked for. */
export function framed(draw) {
  let asked = 0;
  const made = () => { asked ||= requestAnimationFrame(() => { asked = 0; draw(); }); };
  made.stop = () => { cancelAnimationFrame(asked); asked = 0; };
  return made;
}

/** Draw an element's content anew only when `what` (anything JSON can say) has changed: nothing is read aloud twice. */
export function steady(element, what, draw) {
  const shown = JSON.stringify(what);
  if (element.shown === shown) return;
  element.shown = shown;
  put(element, draw());
}

/** Words that depend on the time, such as "3 min ago": `retell` asks for them again. */
export function telling(said) {
  const element = h("span", { class: "telling" }, said());
  element.said = said;
  return element;
}

/** Let all words that depend on the time be true again. */
export function retell() {
  for (const element of document.querySelectorAll(".telling")) {
    const text = element.said();
    if (element.textContent !== text) element.textContent = text;
  }
}

/** Tell people who do not see the page what has happened. */
export function say(text) {
  document.getElementById("said").textContent = text;
}

/** A small drawing for a button. */
export function icon(path) {
  return svg("svg", { viewBox: "0 0 24 24", "aria-hidden": "true" }, svg("path", { d: path }));
}

/** A word with a sign and a colour: none of the three alone carries the meaning. */
export function badge(tone, sign, text, title = null) {
  return h("span", { class: `badge ${tone}`, title }, h("i", { "aria-hidden": "true" }, sign), text);
}

/** A name and what it is, for a list of facts. */
export function fact(name, ...what) {
  return h("div", {}, h("dt", {}, name), h("dd", {}, ...what));
}

/** A place where there is nothing yet, and what to do about it. */
export function empty(title, text, ...actions) {
  return h("div", { class: "empty" }, h("h2", {}, title), h("p", {}, text), h("div", { class: "row" }, ...actions));
}
