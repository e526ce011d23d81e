// Signing in: with a token, or at an issuer by OpenID Connect (authorisation code with PKCE, all in the browser).
import { get } from "./api.js";
import { field, troubleBox } from "./dialogs.js";
import { h, put } from "./dom.js";

const DOING = "jointrange.signing-in";
const coded = (bytes) => btoa(String.fromCharCode(...new Uint8Array(bytes))).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
const chance = () => coded(crypto.getRandomValues(new Uint8Array(32)));

const brand = () => h("div", { class: "brand" }, h("img", { src: "/ui/icon.svg", alt: "" }), h("h1", {}, "Jointrange"));

const help = () => ["It begins with ", h("code", {}, "jr_"), ". ", h("code", {}, "jointrange serve"), " shows one at its first start, ", h("code", {}, "jointrange token new"), " makes more."];

/** Show the sign-in until somebody is in; what is kept of it. */
export function signIn(root, why) {
  return new Promise((done) => {
    const trouble = h("div", { role: "alert", class: "after" }, why ? troubleBox(why) : null);
    const token = h("input", { type: "password", id: "token", autocomplete: "current-password", spellcheck: "false", required: true, autofocus: true });
    const button = h("button", { class: "first" }, "Sign in");
    const form = h("form", {}, field("API token", token, help()), h("div", { class: "ways" }, button));
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      button.disabled = true;
      put(trouble);
      const made = { token: token.value.trim() };
      try {
        await get("/v1/me", { headers: { Authorization: `Bearer ${made.token}` } });
        done(made);
      } catch (error) {
        put(trouble, troubleBox(error));
        token.focus();
      } finally {
        button.disabled = false;
      }
    });
    const others = h("div", {});
    put(root, h("main", { id: "main", class: "card alone", tabindex: "-1" },
      brand(),
      h("p", { class: "soft" }, "Cyber ranges, campaigns and what they proved."), trouble, form, others));
    token.focus();
    issuers(others, trouble);
  });
}

/** A button for each issuer that lets this page sign people in. */
async function issuers(place, trouble) {
  const found = await get("/v1/sign-in").catch(() => ({ issuers: [] }));
  if (!found.issuers.length) return;
  put(place, h("p", { class: "or soft small" }, "or"), h("div", { class: "ways" }, ...found.issuers.map((one) => h("button", {
    type: "button",
    onclick: () => {
      put(trouble);
      begin(one).catch((error) => put(trouble, troubleBox(error)));
    },
  }, `Sign in with ${one.name}`))));
}

async function begin(issuer) {
  if (!crypto.subtle) throw failed("Signing in at an issuer needs https.", "On a plain http page, but for localhost, this browser has no cryptography. A token works in any case.");
  const about = await discovered(issuer.issuer);
  const made = { issuer, state: chance(), nonce: chance(), verifier: chance(), back: location.hash };
  sessionStorage.setItem(DOING, JSON.stringify(made));
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(made.verifier));
  const query = new URLSearchParams({
    response_type: "code", client_id: issuer.client_id, redirect_uri: `${location.origin}/`, scope: issuer.scope,
    state: made.state, nonce: made.nonce, code_challenge: coded(hash), code_challenge_method: "S256",
  });
  location.assign(`${about.authorization_endpoint}${about.authorization_endpoint.includes("?") ? "&" : "?"}${query}`);
}

/** Back from an issuer: its token, or null when this is no return. Raises when it went wrong. Nothing of it stays. */
export async function returned(root) {
  const given = new URLSearchParams(location.search);
  const doing = JSON.parse(sessionStorage.getItem(DOING) || "null");
  sessionStorage.removeItem(DOING);
  if (!given.has("state")) return null;
  history.replaceState(null, "", `/${doing ? doing.back : location.hash}`);
  if (!doing) throw failed("This sign-in was not begun in this tab.", "Sign in here.");
  const { issuer } = doing;
  if (given.get("state") !== doing.state || (given.get("iss") ?? issuer.issuer) !== issuer.issuer) throw foreign("answer");
  if (given.has("error")) throw failed(`The issuer refused: ${given.get("error_description") || given.get("error")}`);
  put(root, h("main", { id: "main", class: "card alone" }, brand(), h("p", { class: "soft", role: "status" }, `Signing in with ${issuer.name} …`)));
  const made = await exchanged(doing, given.get("code"));
  if (issuer.scope.split(" ").includes("openid")) check(made.id_token, doing);
  if (!made[issuer.use]) throw failed(`The issuer gave no ${issuer.use}.`, ASK);
  return { token: made[issuer.use], issuer: issuer.issuer };
}

/** What the issuer gives for the code. */
async function exchanged(doing, code) {
  const about = await discovered(doing.issuer.issuer);
  const body = new URLSearchParams({
    grant_type: "authorization_code", code, redirect_uri: `${location.origin}/`, client_id: doing.issuer.client_id, code_verifier: doing.verifier,
  });
  const [answer, made] = await asked(about.token_endpoint, { method: "POST", body });
  if (!answer.ok) throw failed(`The issuer gave no token: ${made.error_description || made.error || answer.status}`, "Sign in again.");
  return made;
}

/** That an id token is the answer to this sign-in. Its signature is for the service: the token came from the issuer itself. */
function check(token, { issuer, nonce }) {
  if (!token) throw failed("The issuer gave no id_token.", ASK);
  const said = claims(token);
  if (said.nonce !== nonce || said.iss !== issuer.issuer) throw foreign("token");
  if (![said.aud].flat().includes(issuer.client_id)) throw failed("The token of the issuer was made for another service.", ASK);
}

const ASK = "Tell whoever looks after this service: the issuer's settings and this service's do not go together.";
const failed = (title, hint = "") => Object.assign(new Error(title), { trouble: { title, hint } });
const foreign = (what) => failed(`The ${what} of the issuer does not belong to this sign-in.`, "Sign in again.");

function claims(token) {
  try {
    return JSON.parse(atob(token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/"))) || {};
  } catch {
    throw failed("The token of the issuer cannot be read.", ASK);
  }
}

/** What the issuer says about itself. Its name must be the one that is configured. */
async function discovered(issuer) {
  const [answer, about] = await asked(`${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`);
  if (!answer.ok || !about.authorization_endpoint || !about.token_endpoint) throw failed(`The issuer ${issuer} does not say where one signs in.`, ASK);
  if (about.issuer !== issuer) throw failed(`The issuer calls itself ${about.issuer}, and is configured as ${issuer}.`, ASK);
  return about;
}

/** What the issuer answers: the Response and its JSON ({} when it is none). */
async function asked(url, options = {}) {
  let answer;
  try {
    answer = await fetch(url, { credentials: "omit", cache: "no-store", redirect: "error", ...options });
  } catch {
    throw failed(`The issuer does not answer this page: ${url}`, `It is down, or does not let pages of ${location.origin} ask it (CORS), or its address is missing in the issuer's \`origins\`.`);
  }
  return [answer, (await answer.json().catch(() => null)) || {}];
}
