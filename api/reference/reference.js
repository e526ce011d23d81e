"use strict";
// The service's own description, made readable. Every text goes in as text, never as markup.

function made(name, attributes, ...inside) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) element.setAttribute(key, value);
  for (const part of inside.flat()) if (part !== null && part !== undefined) element.append(part);
  return element;
}

const METHODS = ["get", "post", "put", "patch", "delete"];

// Words between backticks, as code.
function worded(text) {
  return text.split("`").map((part, index) => (index % 2 ? made("code", {}, part) : part));
}

function resolved(api, schema) {
  const name = schema && schema.$ref ? schema.$ref.split("/").pop() : "";
  return name ? { name, schema: api.components.schemas[name] || {} } : { name: "", schema: schema || {} };
}

function typeOf(api, schema) {
  const { name, schema: one } = resolved(api, schema);
  if (name) return name;
  if (one.anyOf || one.oneOf) return (one.anyOf || one.oneOf).map((part) => typeOf(api, part)).join(" or ");
  if (one.const !== undefined) return JSON.stringify(one.const);
  if (one.enum) return one.enum.map((value) => JSON.stringify(value)).join(" or ");
  if (one.type === "array") return `list of ${one.items ? typeOf(api, one.items) : "anything"}`;
  return one.format ? `${one.type} (${one.format})` : String(one.type || "anything");
}

function bounds(schema) {
  const words = [];
  if (schema.default !== undefined && schema.default !== null && schema.default !== "") words.push(`default ${JSON.stringify(schema.default)}`);
  for (const [key, word] of [["minimum", "at least"], ["exclusiveMinimum", "more than"], ["maximum", "at most"], ["maxLength", "at most this long:"], ["maxItems", "at most so many:"]])
    if (schema[key] !== undefined) words.push(`${word} ${schema[key]}`);
  if (schema.pattern) words.push(`matches ${schema.pattern}`);
  return words.join(", ");
}

function sample(api, schema, depth = 0, seen = []) {
  const { name, schema: one } = resolved(api, schema);
  if (depth > 6 || (name && seen.includes(name))) return {};
  const trail = name ? [...seen, name] : seen;
  if (one.example !== undefined) return one.example;
  if (one.examples && one.examples.length) return one.examples[0];
  if (one.default !== undefined) return one.default;
  if (one.const !== undefined) return one.const;
  if (one.enum) return one.enum[0];
  const choice = (one.anyOf || one.oneOf || []).find((part) => part.type !== "null");
  if (choice) return sample(api, choice, depth + 1, trail);
  if (one.type === "array") return one.items ? [sample(api, one.items, depth + 1, trail)] : [];
  if (one.properties) return Object.fromEntries(Object.entries(one.properties).map(([key, part]) => [key, sample(api, part, depth + 1, trail)]));
  return { string: "", number: 0, integer: 0, boolean: false, object: {} }[one.type] ?? null;
}

function fields(api, schema) {
  const { schema: one } = resolved(api, schema);
  const rows = Object.entries(one.properties || {}).map(([key, part]) => made("tr", {},
    made("td", {}, made("code", {}, key), (one.required || []).includes(key) ? made("span", { class: "need", title: "required" }, " *") : ""),
    made("td", {}, typeOf(api, part)),
    made("td", { class: "soft" }, worded([part.description, bounds(part)].filter(Boolean).join(". ")))));
  return rows.length ? made("table", {}, made("tr", {}, made("th", {}, "field"), made("th", {}, "type"), made("th", {}, "about")), rows) : null;
}

function parameters(api, operation) {
  const rows = (operation.parameters || []).map((one) => made("tr", {},
    made("td", {}, made("code", {}, one.name), one.required ? made("span", { class: "need", title: "required" }, " *") : ""),
    made("td", {}, `${one.in}, ${typeOf(api, one.schema)}`),
    made("td", { class: "soft" }, worded([one.description, bounds(one.schema || {})].filter(Boolean).join(". ")))));
  return rows.length ? [made("h3", {}, "Parameters"), made("table", {}, rows)] : [];
}

function shown(value) {
  return made("pre", { tabindex: "0" }, made("code", {}, typeof value === "string" ? value : JSON.stringify(value, null, 2)));
}

function body(api, operation) {
  const parts = [];
  for (const [type, content] of Object.entries(operation.requestBody?.content || {})) {
    parts.push(made("h3", {}, `Body: ${type}`));
    const examples = Object.entries(content.examples || {});
    for (const [name, one] of examples) parts.push(made("p", { class: "soft" }, one.summary || name), shown(one.value));
    if (!examples.length && type === "application/json") parts.push(shown(sample(api, content.schema)));
    parts.push(fields(api, content.schema));
  }
  return parts;
}

function answers(api, operation) {
  const rows = Object.entries(operation.responses || {}).map(([status, one]) => {
    const [type, content] = Object.entries(one.content || {})[0] || ["", {}];
    const model = content.schema ? typeOf(api, content.schema) : "";
    return made("tr", {}, made("td", {}, made("code", {}, status)), made("td", {}, model || type), made("td", { class: "soft" }, one.description || ""));
  });
  const good = Object.entries(operation.responses || {}).find(([status, one]) => status < "300" && one.content?.["application/json"]);
  const example = good ? [made("h3", {}, `Answer ${good[0]}`), shown(sample(api, good[1].content["application/json"].schema))] : [];
  return [made("h3", {}, "Answers"), made("table", {}, rows), ...example];
}

function curl(path, method, operation) {
  const parts = [`curl -H "Authorization: Bearer $JOINTRANGE_TOKEN"`];
  if (method !== "get") parts.push(`-X ${method.toUpperCase()}`);
  if (operation.requestBody?.content?.["application/json"]) parts.push(`-H "Content-Type: application/json" -d @body.json`);
  return `${parts.join(" ")} "${location.origin}${path}"`;
}

function operationOf(api, path, method, operation) {
  const inside = made("div", { class: "inside" });
  const details = made("details", { class: "op", id: operation.operationId || `${method}${path}` },
    made("summary", {}, made("span", { class: `method ${method}` }, method.toUpperCase()), made("code", {}, path), made("span", { class: "soft" }, operation.summary || "")), inside);
  details.addEventListener("toggle", () => {
    if (!details.open || inside.childElementCount) return;
    inside.append(...(operation.description || "").split(/\n\n+/).map((text) => made("p", {}, worded(text))));
    inside.append(...[...parameters(api, operation), ...body(api, operation), ...answers(api, operation)].filter(Boolean));
    inside.append(made("h3", {}, "With curl"), shown(curl(path, method, operation)));
  });
  details.dataset.words = `${method} ${path} ${operation.summary} ${operation.operationId} ${operation.description || ""}`.toLowerCase();
  return details;
}

function render(api) {
  document.getElementById("about").replaceChildren(...worded(`${api.info.description || ""} Version ${api.info.version}.`));
  const groups = new Map();
  for (const [path, item] of Object.entries(api.paths))
    for (const method of METHODS) if (item[method]) {
      const tag = (item[method].tags || ["other"])[0];
      if (!groups.has(tag)) groups.set(tag, []);
      groups.get(tag).push(operationOf(api, path, method, item[method]));
    }
  const main = document.getElementById("main");
  for (const [tag, operations] of groups) {
    document.getElementById("tags").append(made("a", { href: `#tag-${tag}` }, tag));
    main.append(made("section", {}, made("h2", { id: `tag-${tag}` }, tag), operations));
  }
  const opened = location.hash ? document.getElementById(decodeURIComponent(location.hash.slice(1))) : null;
  if (opened?.tagName === "DETAILS") { opened.open = true; opened.scrollIntoView(); }
}

document.getElementById("search").addEventListener("input", (event) => {
  const words = event.target.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const section of document.querySelectorAll("main section")) {
    let some = false;
    for (const one of section.querySelectorAll("details.op")) {
      one.hidden = !words.every((word) => one.dataset.words.includes(word));
      some = some || !one.hidden;
    }
    section.hidden = !some;
  }
});

fetch("/openapi.json").then((answer) => answer.json()).then(render)
  .catch((error) => { document.getElementById("about").textContent = `The description cannot be read: ${error}`; });
