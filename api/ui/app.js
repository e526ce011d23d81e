// The frame of the page: who is here, the places one can go to, and which of them is shown.
import { enter, get, leave, onLeft, session } from "./api.js";
import { troubleBox, complain } from "./dialogs.js";
import { h, icon, put, retell, say } from "./dom.js";
import { keys } from "./keys.js";
import { meet } from "./people.js";
import { signIn, returned } from "./signin.js";
import { setSize, setTheme, size, theme } from "./theme.js";
import * as access from "./pages/access.js";
import * as audit from "./pages/audit.js";
import * as pools from "./pages/pools.js";
import * as range from "./pages/range.js";
import * as ranges from "./pages/ranges.js";
import * as run from "./pages/run.js";
import * as runs from "./pages/runs.js";

const PLACES = [
  ["ranges", "Ranges", "ranges.read"], ["runs", "Runs", "runs.read"], ["pools", "Pools", "pools.read"],
  ["access", "Access", null], ["audit", "Audit", "audit.read"],
];
const PAGES = { ranges, runs, pools, access, audit };
const ONE = { ranges: range, runs: run };
const MOON = "M20 14.500A8.500 8.500 0 1 1 9.500 4a7 7 0 0 0 10.500 10.500Z";
const SUN = "M12 8a4 4 0 1 0 .01 0M12 2.500v2M12 19.500v2M2.500 12h2M19.500 12h2M5.300 5.300l1.400 1.400M17.300 17.300l1.400 1.400M5.300 18.700l1.400-1.400M17.300 6.700l1.400-1.400";
const LARGE = "M3 19 8.500 5 14 19M5 14.500h7M15.500 19l2.750-7L21 19M16.500 16.500h3.500";

const root = document.getElementById("app");
let me = null, shown = 0, end = () => {};
let main, line, places, where;

/** What pages are given: who is here, what they may do, and how to show whether the page is live. */
const here = {
  may: (action) => me.actions.includes(action),
  live(state) {
    if (line.dataset.state === state) return;
    const before = line.dataset.state;
    line.dataset.state = state;
    line.textContent = { live: "live", waiting: "reconnecting", off: "not live", none: "" }[state];
    if (state === "waiting") say("The connection is lost; trying again");
    else if (before === "waiting" && state === "live") say("The connection is back");
  },
  title: (text) => { document.title = `${text} · Jointrange`; },
};

function frame() {
  const dark = () => theme() === "dark";
  const day = h("button", { class: "plain sign", onclick: () => { setTheme(dark() ? "light" : "dark"); paint(); } });
  const big = h("button", { class: "plain sign", title: "Large type (L)", "aria-label": "Large type", onclick: () => { setSize(size() === "large" ? "normal" : "large"); paint(); } }, icon(LARGE));
  const paint = () => {
    put(day, icon(dark() ? SUN : MOON));
    day.title = `${dark() ? "Light" : "Dark"} colours (D)`;
    day.setAttribute("aria-label", `${dark() ? "Light" : "Dark"} colours`);
    big.setAttribute("aria-pressed", String(size() === "large"));
  };
  paint();
  addEventListener("jointrange:look", paint);
  line = h("span", { class: "line", dataset: { state: "none" }, title: "Whether this page sees events as they happen" });
  where = h("ul", {});
  places = PLACES.filter(([, , action]) => !action || here.may(action));
  for (const [name, text] of places) where.append(h("li", {}, h("a", { href: `#/${name}` }, text)));
  main = h("main", { id: "main", tabindex: "-1" });
  put(root, h("header", { class: "bar" }, h("div", {},
    h("a", { class: "brand", href: "#/ranges", "aria-label": "Jointrange" }, h("img", { src: "/ui/icon.svg", alt: "" }), h("span", {}, "Jointrange")),
    h("nav", { "aria-label": "Places", class: "places" }, where),
    h("div", { class: "tools" }, line,
      h("span", { class: "who", title: `${me.name} · ${me.role}${me.org ? ` of ${me.org}` : " of the installation"}` }, h("b", {}, me.name), h("br"), `${me.role}${me.org ? ` · ${me.org}` : " · installation"}`),
      big, day,
      h("button", { class: "plain sign", title: "Keys (?)", "aria-label": "Keyboard shortcuts", onclick: () => keys(places) }, "?"),
      h("button", { class: "plain", onclick: () => out() }, "Sign out")))), main);
}

/** Show the page that the address names. */
async function show() {
  const turn = ++shown;
  end();
  end = () => {};
  if (!me) return;
  const [place, key] = location.hash.replace(/^#\/?/, "").split("?")[0].split("/").map(decodeURIComponent);
  const page = key ? ONE[place] : PAGES[place];
  if (!page) { location.hash = "#/ranges"; return; }
  for (const link of where.querySelectorAll("a")) {
    if (link.getAttribute("href") === `#/${place}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  here.live("none");
  // Each page has a place of its own: one that was left while it still read draws into nothing.
  const own = h("div", {}, h("p", { class: "soft" }, "One moment …"));
  put(main, own);
  const its = { ...here, me, live: (state) => turn === shown && here.live(state), title: (text) => turn === shown && here.title(text) };
  try {
    const made = await page.show(own, its, key);
    if (turn === shown) end = made || end;
    else made?.();
  } catch (error) {
    if (turn !== shown || !me) return;
    put(main, troubleBox(error), h("div", { class: "row" }, h("button", { onclick: show }, "Try again"), h("a", { class: "button", href: `#/${place}` }, `All ${place}`)));
    if (error.status === 0) setTimeout(() => turn === shown && show(), 2000);
  }
}

/** Sign out: nothing of the session stays. */
function out(why = null) {
  leave();
  for (const box of document.querySelectorAll("dialog[open]")) box.close();
  end();
  end = () => {};
  shown += 1;
  me = null;
  start(why);
}

async function start(why = null) {
  document.title = "Jointrange";
  if (!session()) {
    const made = await signIn(root, why);
    enter(made);
  }
  try {
    me = await get("/v1/me");
  } catch (error) {
    if (error.status === 401) return; // `onLeft` has begun anew
    put(root, h("main", { class: "card alone" }, troubleBox(error), h("div", { class: "row" }, h("button", { class: "first", onclick: () => start() }, "Try again"), h("button", { onclick: () => out() }, "Sign out"))));
    if (error.status === 0) setTimeout(() => !me && session() && start(), 2000);
    return;
  }
  await meet(me);
  frame();
  await show();
}

onLeft((problem) => out(problem));
document.querySelector(".skip").addEventListener("click", (event) => { // its address is none of the page's places
  event.preventDefault();
  document.getElementById("main")?.focus();
});
addEventListener("hashchange", async () => { await show(); main?.focus({ preventScroll: true }); scrollTo(0, 0); });
setInterval(() => { if (!document.hidden) retell(); }, 15000);
document.addEventListener("visibilitychange", () => { if (!document.hidden) retell(); });
addEventListener("unhandledrejection", (event) => { event.preventDefault(); complain(event.reason); });
addEventListener("keydown", (event) => {
  if (!me || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (event.target.closest?.("input, select, textarea, .xterm")) return;
  const place = places[Number(event.key) - 1];
  if (event.key === "?") keys(places);
  else if (event.key === "d" || event.key === "D") { setTheme(theme() === "dark" ? "light" : "dark"); }
  else if (event.key === "l" || event.key === "L") { setSize(size() === "large" ? "normal" : "large"); }
  else if (place) location.hash = `#/${place[0]}`;
  else if (event.key === "/") { const find = main.querySelector("input[type=search]"); if (!find) return; find.focus(); }
  else if (event.key === "n") { const made = main.querySelector("[data-new]"); if (!made) return; made.click(); }
  else return;
  event.preventDefault();
});

const back = await returned(root).catch((error) => error);
if (back instanceof Error) await start(back);
else {
  if (back) enter(back);
  await start();
}
