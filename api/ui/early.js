// Before the first paint: the theme and the size of type that were chosen, so that nothing flashes or jumps.
(function () {
  const kept = (name) => { try { return localStorage.getItem(name); } catch { return null; } };
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const theme = kept("jointrange.theme");
  root.dataset.theme = theme === "light" || theme === "dark" ? theme : dark ? "dark" : "light";
  root.dataset.size = kept("jointrange.size") === "large" ? "large" : "normal";
})();
