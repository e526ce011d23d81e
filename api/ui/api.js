// The only way from this page to the service: its public HTTP API, with the caller's token.

const KEPT = "jointrange.session";
let left = () => {};

/** What the service refused, or that it does not answer (`status` 0). Its fields are those of problem+json. */
export class Problem extends Error {
  constructor(status, trouble) {
    super(trouble.detail || trouble.title || `the service answered ${status}`);
    this.status = status;
    this.trouble = trouble;
  }
}

/** The session: {token, refresh?}. Kept for this tab only, and gone with it. */
export const session = () => JSON.parse(sessionStorage.getItem(KEPT) || "null");
export const enter = (made) => sessionStorage.setItem(KEPT, JSON.stringify(made));
export const leave = () => sessionStorage.removeItem(KEPT);
/** Call this when the service no longer knows us. */
export const onLeft = (what) => { left = what; };

/** Headers that say who is asking. */
export const known = () => (session() ? { Authorization: `Bearer ${session().token}` } : {});

/** 128 random bits, in hex: an Idempotency-Key. Works without a secure context, too. */
export const chance = () => [...crypto.getRandomValues(new Uint8Array(16))].map((one) => one.toString(16).padStart(2, "0")).join("");

/** A part of a path. */
export const part = (text) => encodeURIComponent(text);

/** One request; the Response when it is good. Raises Problem. */
export async function ask(method, path, { body, headers = {}, signal, key } = {}) {
  const given = { ...known(), Accept: "application/json, */*;q=0.5", ...headers };
  if (body !== undefined) given["Content-Type"] = "application/json";
  if (method === "POST") given["Idempotency-Key"] = key || chance();
  let answer;
  try {
    answer = await fetch(path, { method, headers: given, body: body === undefined ? undefined : JSON.stringify(body), signal, cache: "no-store", credentials: "omit", redirect: "error" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    const hint = key ? "whether it was asked for is not known; press again: it is done once" : "it may be starting again; this page goes on by itself as soon as it is back";
    throw new Problem(0, { title: "The service does not answer.", hint, error: "ServiceUnavailable" });
  }
  if (answer.ok) return answer;
  throw await refused(answer, given);
}

/**
 * An answer that is no good, as a Problem; AbortError when nobody waits for it any more. One that no longer knows the session
 * that asked (`given`: its headers) ends it.
 */
export async function refused(answer, given) {
  const trouble = await answer.json().catch((error) => {
    if (error.name === "AbortError") throw error; // whoever asked has gone: what it says is no answer to anybody
    return { title: answer.statusText || "The service failed." };
  });
  const problem = new Problem(answer.status, trouble);
  if (answer.status === 401 && session() && given.Authorization === known().Authorization) left(problem);
  return problem;
}

/** One request; what it gives, as JSON (null for an empty answer). */
export async function call(method, path, options) {
  const answer = await ask(method, path, options);
  const text = await answer.text();
  return text ? JSON.parse(text) : null;
}

export const get = (path, options) => call("GET", path, options);
export const post = (path, body = {}, options = {}) => call("POST", path, { ...options, body });

/**
 * `post` for what may be pressed again: the same path and body go out under one Idempotency-Key until the service has
 * answered. One whose answer got lost is so done once, however often it is pressed.
 */
export function posting() {
  const keys = new Map();
  return async (path, body = {}) => {
    const what = JSON.stringify([path, body]);
    if (!keys.has(what)) keys.set(what, chance());
    let unknown = false;
    try {
      return await post(path, body, { key: keys.get(what) });
    } catch (error) {
      unknown = !(error.status < 500 && error.status > 0); // a gateway's 502 says nothing about what is behind it
      throw error;
    } finally {
      if (!unknown) keys.delete(what);
    }
  };
}

/** A change of a row, if what is to be changed of it is still as it was `seen`. Raises Problem 412. */
export async function change(path, seen, body) {
  const meanwhile = () => new Problem(412, { title: "Somebody has changed it meanwhile.", hint: "close this and open it again: it then shows how it is now" });
  const answer = await ask("GET", path);
  const now = await answer.json();
  if (Object.keys(body).some((key) => JSON.stringify(now[key]) !== JSON.stringify(seen[key]))) throw meanwhile();
  const etag = answer.headers.get("ETag");
  try {
    return await call("PATCH", path, { body, headers: etag ? { "If-Match": etag } : {} });
  } catch (error) {
    throw error.status === 412 ? meanwhile() : error;
  }
}

/** Every item of a list, page by page; at most `most`. */
export async function all(path, most = 1000) {
  const items = [];
  let next = "";
  do {
    const page = await get(`${path}${path.includes("?") ? "&" : "?"}limit=100${next ? `&cursor=${part(next)}` : ""}`);
    items.push(...page.items);
    next = page.next;
  } while (next && items.length < most);
  return items;
}

/** Fetch a file with the caller's rights, and hand it to the browser under this name. */
export async function download(path, name, options) {
  const blob = await (await ask("GET", path, options)).blob();
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}
