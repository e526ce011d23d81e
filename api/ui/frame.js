// Becomes the report that the page around it hands over, once, and takes on its colours whenever they change. Runs without
// an origin, a session or a network.
const heard = (event) => (event.source === parent ? event.data : {});

/** Light or dark as the page around it, whatever the reader's system says. */
function look(theme) {
  if (theme !== "light" && theme !== "dark") return;
  document.documentElement.dataset.theme = theme;
  document.documentElement.style.colorScheme = theme;
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
