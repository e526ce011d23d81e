// Places that scroll sideways: where there is more, the edge fades and a word says so.
import { h } from "./dom.js";

/** `place`, with a line below it that says so while there is more to the right or left. */
export function sideways(place) {
  const hint = h("p", { class: "sideways soft small", "aria-hidden": "true", hidden: true }, "scroll →");
  const look = () => {
    const right = place.scrollWidth - place.clientWidth - place.scrollLeft > 2, left = place.scrollLeft > 2;
    place.dataset.more = [left && "left", right && "right"].filter(Boolean).join(" ");
    hint.hidden = !left && !right;
    hint.textContent = right && left ? "← scroll →" : right ? "scroll →" : "← scroll";
  };
  place.addEventListener("scroll", look, { passive: true });
  const watch = new ResizeObserver(look);
  watch.observe(place);
  new MutationObserver(() => { for (const one of place.children) watch.observe(one); look(); }).observe(place, { childList: true });
  for (const one of place.children) watch.observe(one);
  return [place, hint];
}
