// A report of the service inside the page: in a sandbox of its own origin-less world, that can reach nothing.
import { h, put } from "./dom.js";
import { theme } from "./theme.js";

/** Show the report's HTML. The frame's page (frame.html) has a policy of its own: styles inside, and no network at all. */
export function showReport(place, html) {
  const look = () => {
    if (frame.isConnected) frame.contentWindow.postMessage({ theme: theme() }, "*");
    else removeEventListener("jointrange:look", look);
  };
  const frame = h("iframe", { class: "report", src: "/ui/frame.html", sandbox: "allow-scripts", title: "Report" });
  frame.addEventListener("load", () => frame.contentWindow.postMessage({ report: html, theme: theme() }, "*"), { once: true });
  addEventListener("jointrange:look", look);
  const whole = h("button", { onclick: () => frame.requestFullscreen() }, "Full screen");
  put(place, h("div", { class: "row apart" }, h("h2", {}, "Report"), whole), h("div", { class: "after" }, frame));
}
