// Server-sent events over fetch, so that the token goes in a header: parsed here, resumed from the last id for ever.
import { known, refused } from "./api.js";
import { complain } from "./dialogs.js";

/**
 * A parser: give it text as it comes, it calls `event({id, type, data})` for each whole one.
 * As the standard has it: lines end with LF, CRLF or CR; a colon begins a comment; an event ends with an empty line.
 */
export function parser(event, retry = () => {}) {
  let rest = "", id = "", type = "", data = [];
  const line = (text) => {
    if (text === "") {
      if (data.length) event({ id, type: type || "message", data: data.join("\n") });
      type = ""; data = [];
      return;
    }
    const colon = text.indexOf(":");
    if (colon === 0) return;
    const field = colon < 0 ? text : text.slice(0, colon);
    const value = colon < 0 ? "" : text.slice(colon + 1).replace(/^ /, "");
    if (field === "data") data.push(value);
    else if (field === "event") type = value;
    else if (field === "id" && !value.includes("\0")) id = value;
    else if (field === "retry" && /^\d+$/.test(value)) retry(Number(value));
  };
  return (text) => {
    rest += text;
    for (;;) {
      const found = rest.search(/[\r\n]/);
      if (found < 0 || (rest[found] === "\r" && found === rest.length - 1)) return;
      const end = rest.startsWith("\r\n", found) ? found + 2 : found + 1;
      const text = rest.slice(0, found);
      rest = rest.slice(end);
      line(text);
    }
  };
}

const SILENCE = 45000;

/**
 * Follow a stream until `close()` of what this gives. `onEvent` gets each event once and in order, `onState` "live",
 * "waiting" or "off", `onBack` is called whenever it begins to live: what was read before may be older than its first event.
 * A stream that is silent too long counts as lost. A page that is not seen has none, since a browser grants a host six
 * connections for all its pages together; when it is seen again, it goes on from the last event.
 */
export function follow(path, { after = "", onEvent, onState = () => {}, onBack = () => {} }) {
  let last = after, tries = 0, closed = false, cutter = null, timer = null, wake = () => {};
  const nap = (ms) => new Promise((done) => { wake = done; timer = setTimeout(done, ms); });

  async function once() {
    cutter = new AbortController();
    const headers = { ...known(), Accept: "text/event-stream", ...(last ? { "Last-Event-ID": last } : {}) };
    const answer = await fetch(path, { headers, signal: cutter.signal, cache: "no-store", credentials: "omit" });
    if ([401, 403, 404].includes(answer.status)) {
      const problem = await refused(answer, headers);
      if (closed) return false;
      close();
      onState("off");
      if (problem.status !== 401) complain(problem);
      return false;
    }
    if (!answer.ok || !answer.body) throw new Error(`the stream answered ${answer.status}`);
    onState("live");
    onBack();
    tries = 0;
    const feed = parser((event) => {
      if (event.id) last = event.id;
      if (event.type === "reset") onBack(); // some events are no longer kept: look again at what they were about
      else onEvent(JSON.parse(event.data));
    });
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const quiet = setTimeout(() => cutter.abort(), SILENCE);
      const { done, value } = await reader.read().finally(() => clearTimeout(quiet));
      if (done) return true;
      feed(value);
    }
  }

  /** Until somebody looks at this page. */
  const seen = () => new Promise((done) => {
    wake = done;
    if (!document.hidden) done();
  });
  const turned = () => {
    if (document.hidden) cutter?.abort();
    else wake();
  };
  function close() {
    closed = true;
    document.removeEventListener("visibilitychange", turned);
    clearTimeout(timer);
    cutter?.abort();
    wake();
  }

  document.addEventListener("visibilitychange", turned);
  (async () => {
    while (!closed) {
      if (document.hidden) { tries = 0; await seen(); continue; }
      let ended = false; // by the service, in good order: it goes on at once, and nobody need be told
      try { ended = await once(); } catch (error) { if (!closed && error.name !== "AbortError" && !(error instanceof TypeError)) console.info("stream:", error.message); }
      if (closed) break;
      if (document.hidden) continue;
      if (ended && tries === 0) { tries = 1; continue; }
      onState("waiting");
      tries += 1;
      await nap(Math.min(5000, 250 * 2 ** Math.min(tries, 5)) * (0.75 + Math.random() / 2));
    }
  })();
  return { close };
}
