// Becomes the report that the page around it hands over, once, and takes on its colours whenever they change. Runs without
// an origin, a session or a network.
const dark = new WeakSet();
const heard = (event) => (event.source === parent ? event.data : {});

/** Light or dark as the page around it, whatever the reader's system says. */
function look(theme) {
  if (theme !== "light" && theme !== "dark") return;
  document.documentElement.dataset.theme = theme;
  document.documentElement.style.colorScheme = theme;
  for (const sheet of document.styleSheets) for (const rule of sheet.cssRules) darken(rule, theme);
}

/** A rule for dark systems is one for dark pages here. */
function darken(rule, theme) {
  if (!(rule instanceof CSSMediaRule)) return;
  if (/prefers-color-scheme:\s*dark/.test(rule.media.mediaText)) dark.add(rule);
  if (dark.has(rule)) rule.media.mediaText = theme === "dark" ? "all" : "not all";
}

addEventListener("message", (event) => {
  const { report, theme } = heard(event);
  if (typeof report !== "string") return;
  document.open();
  document.write(report);
  document.close();
  look(theme);
  addEventListener("message", (later) => look(heard(later).theme));
}, { once: true });
