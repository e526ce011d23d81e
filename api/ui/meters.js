// Usage against quotas, in words and as bars.
import { h } from "./dom.js";
import { bytes, count, span } from "./words.js";

/** What `GET /v1/usage` says. */
export function meters(use, here) {
  return h("section", {},
    here.me.org ? null : h("h3", {}, use.org || "the installation"),
    h("ul", { class: "meters" },
      meter("range", use.ranges, use.quota.ranges), meter("node", use.nodes, use.quota.nodes), meter("run", use.runs, use.quota.runs),
      meter("processor", use.cpus, use.quota.cpus, (number) => String(Math.round(number * 10) / 10)), meter("memory", use.memory, use.quota.memory, bytes, "memory")),
    h("p", { class: "soft small" }, [
      use.quota.lease ? `A lease lasts ${span(use.quota.lease)} at most.` : "Leases may last for ever.",
      use.queued ? `${count(use.queued, "range or run waits", "ranges and runs wait")} for the machine.` : "Nothing waits for the machine.",
    ].join(" ")));
}

function meter(one, used, most, said = (number) => number.toLocaleString("en-GB"), many = `${one}s`) {
  const name = (most ?? used) === 1 ? one : many;
  const full = most !== null && used >= most;
  return h("li", {}, h("p", {}, h("b", {}, said(used)), most === null ? ` ${name}, no limit` : ` of ${said(most)} ${name}${full ? " – full" : ""}`),
    most === null ? null : h("progress", { max: Math.max(most, 1e-9), value: Math.min(used, most), class: full ? "full" : null, "aria-label": `${name} used` }));
}
