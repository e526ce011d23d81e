// Signing in: with a token, or at an issuer by OpenID Connect (authorisation code with PKCE, all in the browser).
import { get } from "./api.js";
import { field, troubleBox } from "./dialogs.js";
import { h, put } from "./dom.js";

const DOING = "jointrange.signing-in";
const coded = (bytes) => btoa(String.fromCharCode(...new Uint8Array(bytes))).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
const chance = () => coded(crypto.getRandomValues(new Uint8Array(32)));

/** Show the sign-in until somebody is in; what is kept of it. */
export function signIn(root, why) {
  return new Promise((done) => {
    const trouble = h("div", { role: "alert", class: "after" }, why ? troubleBox(why) : null);
    const token = h("input", { type: "password", id: "token", autocomplete: "current-password", spellcheck: "false", required: true, autofocus: true });
    const button = h("button", { class: "first" }, "Sign in");
    const form = h("form", {}, field("API token", token, "It begins with jr_. jointrange serve shows one at its first start; jointrange token makes more."), button);
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
      h("div", { class: "brand" }, h("img", { src: "/ui/icon.svg", alt: "" }), h("h1", {}, "Jointrange")),
      h("p", { class: "soft" }, "Cyber ranges, campaigns and what they proved."), trouble, form, others));
    token.focus();
    issuers(others, trouble);
  });
}

/** A button for each issuer that lets this page sign people in. */
async function issuers(place, trouble) {
  const found = await get("/v1/sign-in").catch(() => ({ issuers: [] }));
  if (!found.issuers.length) return;
  put(place, h("p", { class: "soft small" }, "or"), h("div", { class: "row" }, ...found.issuers.map((one) => h("button", {
    type: "button",
    onclick: () => begin(one).catch((error) => put(trouble, troubleBox(error))),
  }, `Sign in with ${one.name}`))));
}

async function begin(issuer) {
  if (!crypto.subtle) throw new Error("Signing in at an issuer needs https (or localhost): this browser has no cryptography on a plain http page.");
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

/** Back from an issuer: its token, or null when this is no return. Raises when it went wrong. */
export async function returned() {
  const given = new URLSearchParams(location.search);
  const doing = JSON.parse(sessionStorage.getItem(DOING) || "null");
  if (!given.has("state") || !doing) return null;
  sessionStorage.removeItem(DOING);
  history.replaceState(null, "", `/${doing.back}`);
  if (given.get("state") !== doing.state) throw new Error("The answer of the issuer does not belong to this sign-in. Sign in again.");
  if (given.has("error")) throw new Error(`The issuer refused: ${given.get("error_description") || given.get("error")}`);
  const about = await discovered(doing.issuer.issuer);
  const body = new URLSearchParams({
    grant_type: "authorization_code", code: given.get("code"), redirect_uri: `${location.origin}/`,
    client_id: doing.issuer.client_id, code_verifier: doing.verifier,
  });
  const answer = await fetch(about.token_endpoint, { method: "POST", body, credentials: "omit", cache: "no-store" });
  const made = await answer.json();
  if (!answer.ok) throw new Error(`The issuer gave no token: ${made.error_description || made.error || answer.status}`);
  if (made.id_token && claims(made.id_token).nonce !== doing.nonce) throw new Error("The token of the issuer does not belong to this sign-in. Sign in again.");
  return { token: made[doing.issuer.use], issuer: doing.issuer.issuer };
}

const claims = (token) => JSON.parse(atob(token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/")));

/** What the issuer says about itself. Its name must be the one that is configured. */
async function discovered(issuer) {
  const answer = await fetch(`${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`, { credentials: "omit" });
  const about = await answer.json();
  if (about.issuer !== issuer) throw new Error(`The issuer calls itself ${about.issuer}, and is configured as ${issuer}.`);
  return about;
}
