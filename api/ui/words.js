// How times, sizes, states and events are said.
import { badge } from "./dom.js";

const two = (number) => String(number).padStart(2, "0");

/** `14:03:09`, and the date before it when it is not today. Seconds since the epoch. */
export function clock(at, { seconds = true } = {}) {
  if (!at) return "never";
  const then = new Date(at * 1000);
  const time = `${two(then.getHours())}:${two(then.getMinutes())}${seconds ? `:${two(then.getSeconds())}` : ""}`;
  const ahead = at - Date.now() / 1000;
  if (then.toDateString() === new Date().toDateString() || (ahead > 0 && ahead < 72000)) return time;
  return `${then.getFullYear()}-${two(then.getMonth() + 1)}-${two(then.getDate())} ${time}`;
}

/** A length of time in at most two units: `2 h 5 min`. */
export function span(seconds) {
  const left = Math.max(0, seconds), minutes = Math.round(left / 60), hours = Math.round(left / 3600);
  if (left < 9.95 && left % 1 >= 0.05) return `${left.toFixed(1)} s`;
  if (left < 59.5) return `${Math.round(left)} s`;
  if (minutes < 60) return `${minutes} min`;
  if (minutes < 1440) return minutes % 60 ? `${Math.floor(minutes / 60)} h ${minutes % 60} min` : `${minutes / 60} h`;
  const days = Math.floor(hours / 24);
  if (days >= 730) return `${Math.round(days / 365)} years`;
  return hours % 24 ? `${days} d ${hours % 24} h` : `${days} d`;
}

/** `3 min ago`, `in 2 h`. */
export function away(at) {
  if (!at) return "never";
  const left = at - Date.now() / 1000;
  if (Math.abs(left) < 5) return left < 0 ? "just now" : "now";
  const whole = span(Math.round(Math.abs(left)));
  return left < 0 ? `${whole} ago` : `in ${whole}`;
}

/** `1.5 GiB`. */
export function bytes(size) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let index = 0;
  while (size >= 1024 && index < units.length - 1) { size /= 1024; index += 1; }
  return `${size >= 100 || index === 0 ? Math.round(size) : size.toFixed(1)} ${units[index]}`;
}

/** `1 node`, `3 nodes`. */
export const count = (number, one, many = `${one}s`) => `${number.toLocaleString("en-GB")} ${number === 1 ? one : many}`;

const nth = (number) => `${number}${["th", "st", "nd", "rd"][number % 100 > 10 && number % 100 < 14 ? 0 : number % 10] || "th"}`;

/** Where something stands in the queue, in words; empty when it does not wait. */
export function queue(row) {
  if (!row.queue) return "";
  const when = row.expected > Date.now() / 1000 ? `; room is expected ${away(row.expected)}` : "";
  return `${nth(row.queue)} in the queue for the machine${when}`;
}

export const STATES = {
  queued: ["calm", "◔", "queued"], starting: ["busy", "◐", "starting"], up: ["good", "●", "up"],
  degraded: ["warn", "▲", "degraded"], stopping: ["calm", "◑", "stopping"], gone: ["calm", "○", "gone"],
  failed: ["bad", "✕", "failed"], running: ["busy", "◐", "running"], cancelling: ["calm", "◑", "cancelling"],
  cancelled: ["calm", "○", "cancelled"], done: ["good", "●", "done"], filling: ["busy", "◐", "filling"],
  ready: ["good", "●", "ready"], waiting: ["calm", "○", "waiting"], dead: ["bad", "✕", "dead"],
};

/** States in which a range or a run stays. */
export const OVER = ["gone", "failed", "done", "cancelled"];

/** A state as a badge. */
export function state(name) {
  const [tone, sign, word] = STATES[name] || ["calm", "○", name];
  return badge(tone, sign, word);
}

export const DECISIONS = {
  pass: ["good", "✓", "Passed"], fail: ["bad", "✕", "Failed"], insufficient: ["warn", "?", "Not enough evidence"],
};

export const LABELS = {
  blocked: ["busy", "■"], detected: ["good", "▲"], missed: ["bad", "×"], inconclusive: ["warn", "?"],
  telemetry: ["seen", "◆"], effective: ["calm", "●"], not_effective: ["calm", "○"], not_applicable: ["calm", "◇"],
};

/** A verdict as a badge. */
export function label(name, text = name.replaceAll("_", " ")) {
  const [tone, sign] = LABELS[name] || ["calm", "○"];
  return badge(tone, sign, text);
}

export const tones = (severity) =>
  ({ critical: "bad", high: "bad", medium: "warn", low: "busy", info: "calm" })[String(severity)] || "warn";

const cable = (data) => `${data.node} ${data.interface}`;

/** An impairment in words: `100ms ± 20ms, 3% lost, 1mbit`. */
export function impaired(impair) {
  if (!impair) return "";
  const parts = [];
  if (impair.delay) parts.push(impair.jitter ? `${impair.delay} ± ${impair.jitter}` : String(impair.delay));
  if (impair.loss) parts.push(`${impair.loss}${String(impair.loss).endsWith("%") ? "" : "%"} lost`);
  if (impair.rate) parts.push(String(impair.rate));
  const rest = Object.entries(impair).filter(([key, value]) => value && !["delay", "jitter", "loss", "rate"].includes(key));
  return [...parts, ...rest.map(([key, value]) => `${key} ${value}`)].join(", ");
}

const SAID = {
  "range.status": (d) => [STATES[d.status]?.[0], STATES[d.status]?.[1], `Range is ${d.status}`, d.reason],
  "range.step": (d) => ["calm", "·", d.step, d.detail],
  "range.node": (d) => [STATES[d.status]?.[0], STATES[d.status]?.[1], `${d.node} is ${d.status}`, d.detail],
  "range.link": (d) => !d.up ? ["bad", "✂", `${cable(d)} is cut`]
    : d.impair ? ["warn", "≈", `${cable(d)} is impaired`, impaired(d.impair)] : ["good", "―", `${cable(d)} is whole`],
  "range.alert": (d) => [tones(d.severity), "▲", d.title, [d.tool, d.node && `on ${d.node}`, d.source && `${d.source} → ${d.target || "?"}`].filter(Boolean).join(" · ")],
  "run.status": (d) => d.decision ? [DECISIONS[d.decision]?.[0], DECISIONS[d.decision]?.[1], DECISIONS[d.decision]?.[2] || d.decision]
    : [STATES[d.status]?.[0], STATES[d.status]?.[1], `Run is ${d.status}`, d.reason],
  "run.progress": (d) => ["busy", "◐", `${d.done} of ${d.total} trials are kept`],
  "run.phase": (d) => ["calm", "·", `${d.range}: ${d.phase}`, d.detail],
  "run.step": (d) => ["busy", "→", `${d.number}/${d.total} ${d.title || d.step}`, d.range],
  "run.action": (d) => ["calm", "·", `${d.step}: ${d.outcome}`, d.range],
  "run.alert": (d) => [tones(d.severity), "▲", d.title, [d.tool, d.range].filter(Boolean).join(" · ")],
  "run.note": (d) => ["warn", "!", d.text],
  "pool.status": (d) => [STATES[d.status]?.[0], STATES[d.status]?.[1], `${d.ready} of ${d.warm} copies are ready`],
};

/** An event as {tone, sign, text, detail}. One of a type not known here is shown as it is. */
export function told(event) {
  const said = SAID[event.type]?.(event.data) || ["calm", "·", event.type, JSON.stringify(event.data)];
  return { tone: said[0] || "calm", sign: said[1] || "·", text: said[2] || event.type, detail: said[3] || "" };
}
