// Before the first paint: the theme and the size of type that were chosen, so that nothing flashes or jumps.
(function () {
  const kept = (name) => { try { return localStorage.getItem(name); } catch { return null; } };
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const theme = kept("jointrange.theme");
  root.dataset.theme = theme === "light" || theme === "dark" ? theme : dark ? "dark" : "light";
  root.dataset.size = kept("jointrange.size") === "large" ? "large" : "normal";
  // How much room there is for type of this size; in a media query a rem is always the normal one.
  const measure = () => {
    const rems = innerWidth / parseFloat(getComputedStyle(root).fontSize);
    root.dataset.room = rems > 60 ? "much" : rems > 44 ? "little" : "little least";
  };
  measure();
  addEventListener("resize", measure);
  addEventListener("jointrange:look", measure);
})();
