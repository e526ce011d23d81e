// Light or dark, normal or large: as the reader chose, else as their system says.
const root = document.documentElement;
let chosen = false;

export const theme = () => root.dataset.theme;
export const size = () => root.dataset.size;

function keep(name, value) {
  try { localStorage.setItem(name, value); } catch { /* a browser that keeps nothing: it holds for this page */ }
  dispatchEvent(new Event("jointrange:look"));
}

export function setTheme(name) {
  chosen = true;
  root.dataset.theme = name;
  keep("jointrange.theme", name);
}

export function setSize(name) {
  root.dataset.size = name;
  keep("jointrange.size", name);
}

function wasChosen() {
  try { return chosen || localStorage.getItem("jointrange.theme") !== null; } catch { return chosen; }
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", (event) => {
  if (wasChosen()) return;
  root.dataset.theme = event.matches ? "dark" : "light";
  dispatchEvent(new Event("jointrange:look"));
});
