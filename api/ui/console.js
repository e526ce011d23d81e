// A console in a node: xterm.js (vendor/), over a WebSocket that a ticket opens once.
import { post, part } from "./api.js";
import { h, put, say } from "./dom.js";
import { size } from "./theme.js";
import { FitAddon } from "./vendor/addon-fit.mjs";
import { Terminal } from "./vendor/xterm.mjs";

const COLOURS = {
  background: "#12161b", foreground: "#e6e9ee", cursor: "#7fc0ec", selectionBackground: "#33506a",
  black: "#2d343e", red: "#ff9d77", green: "#74d3bd", yellow: "#ecc95e", blue: "#8cc2f5", magenta: "#c8aef0", cyan: "#6fd0e0", white: "#e6e9ee",
  brightBlack: "#8d97a4", brightRed: "#ffb79b", brightGreen: "#9be3d2", brightYellow: "#f5dc92", brightBlue: "#b4d8fa", brightMagenta: "#dccbf7", brightCyan: "#a3e3ed", brightWhite: "#ffffff",
};

/**
 * The document as xterm.js is to see it. It writes <style> elements and style attributes, and this page's policy refuses
 * both: its styles go into a constructed style sheet, its attributes through the object model. `forget` takes them away.
 */
function styled() {
  const sheets = new Set();
  const make = (tag, ...more) => {
    if (String(tag).toLowerCase() === "style") return sheeted(sheets);
    const element = Document.prototype.createElement.call(document, tag, ...more);
    const set = element.setAttribute.bind(element);
    element.setAttribute = (name, value) => { if (name === "style") element.style.cssText = value; else set(name, value); };
    return element;
  };
  const seen = new Proxy(document, {
    get(target, name) {
      if (name === "createElement") return make;
      const value = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
    set: (target, name, value) => Reflect.set(target, name, value, target),
  });
  // One of its parts takes the document itself, while it opens.
  const opened = (open) => { document.createElement = make; try { open(); } finally { delete document.createElement; } };
  return { seen, opened, forget() { document.adoptedStyleSheets = document.adoptedStyleSheets.filter((one) => !sheets.has(one)); } };
}

function sheeted(sheets) {
  const sheet = new CSSStyleSheet();
  sheets.add(sheet);
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
  const stand = Document.prototype.createElement.call(document, "template");
  Object.defineProperty(stand, "textContent", { set: (text) => sheet.replaceSync(text), get: () => "" });
  return stand;
}

/** Open a console for a node in `place`; a function that ends it. None is opened when it is no longer `wanted()` by then. */
export async function openConsole(place, range, node, wanted) {
  const ticket = await post(`/v1/ranges/${part(range)}/nodes/${part(node)}/console`);
  if (!wanted()) return () => {};
  const { seen, opened, forget } = styled();
  const terminal = new Terminal({
    documentOverride: seen, theme: COLOURS, fontSize: size() === "large" ? 20 : 14, scrollback: 5000, cursorBlink: false, screenReaderMode: true,
    fontFamily: 'ui-monospace, "SF Mono", "Cascadia Mono", "Noto Sans Mono", "DejaVu Sans Mono", monospace',
  });
  const fit = new FitAddon();
  terminal.loadAddon(fit);
  const state = h("span", { class: "soft small" }, "connecting …");
  const screen = h("div", { class: "screen" });
  const card = h("section", { class: "card console", "aria-label": `Console of ${node}` },
    h("header", {}, h("div", { class: "row" }, h("h2", {}, `Console · ${node}`), state),
      h("button", { class: "plain", onclick: () => end() }, "Close console")), screen);
  put(place, card);
  opened(() => terminal.open(screen));
  fit.fit();

  const url = new URL(ticket.path, location.href);
  url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  const socket = new WebSocket(url);
  socket.binaryType = "arraybuffer";
  const resize = () => { fit.fit(); if (socket.readyState === 1) socket.send(JSON.stringify({ rows: terminal.rows, cols: terminal.cols })); };
  const watch = new ResizeObserver(resize);
  const keys = new TextEncoder();
  socket.onopen = () => { state.textContent = "connected"; resize(); terminal.focus(); say(`Console of ${node} is open`); };
  socket.onmessage = (event) => terminal.write(new Uint8Array(event.data));
  socket.onclose = (event) => {
    state.textContent = event.reason ? `ended: ${event.reason}` : "ended";
    terminal.write(`\r\n\x1b[2m[${event.reason || "the console has ended"}]\x1b[0m\r\n`);
    terminal.options.disableStdin = true;
    say(`Console of ${node} has ended`);
  };
  terminal.onData((data) => socket.readyState === 1 && socket.send(keys.encode(data)));
  terminal.onBinary((data) => socket.readyState === 1 && socket.send(Uint8Array.from(data, (one) => one.charCodeAt(0))));
  terminal.attachCustomKeyEventHandler((event) => {
    if (event.type === "keydown" && event.ctrlKey && event.shiftKey && (event.key === ">" || event.key === "." || event.code === "Period")) {
      card.querySelector("button").focus();
      return false;
    }
    return true;
  });
  watch.observe(screen);
  let over = false;
  const end = () => {
    if (over) return;
    over = true;
    watch.disconnect();
    socket.onclose = null;
    socket.close();
    terminal.dispose();
    forget();
    card.remove();
  };
  return end;
}
