// Who may do what: oneself, tokens, projects, quotas and what is used of them, organisations.
import { all, call, change, get, part } from "../api.js";
import { attempt, choice, dialog, field, sure } from "../dialogs.js";
import { empty, fact, h, put, say, telling } from "../dom.js";
import { meters } from "../meters.js";
import { meet } from "../people.js";
import { away, bytes, clock, span } from "../words.js";

const ROLES = [["viewer", "viewer – sees everything, changes nothing"], ["operator", "operator – launches ranges and runs, uses consoles"], ["trainer", "trainer – as operator, and keeps pools"], ["admin", "admin – everything of the organisation"]];
const LIVES = [["1d", "1 day"], ["7d", "7 days"], ["30d", "30 days"], ["90d", "90 days"], ["365d", "1 year"]];

export async function show(main, here) {
  here.title("Access");
  const me = here.me;
  const use = h("section", { class: "card" }), tokens = h("section", { class: "card" }), projects = h("section", { class: "card" }), orgs = h("section", { class: "card" });
  put(main, h("div", { class: "head" }, h("div", {}, h("h1", {}, "Access"), h("p", { class: "soft" }, "Who you are, what may be used, and who else may come in."))),
    h("section", { class: "card" }, h("h2", {}, "You"), h("dl", { class: "facts" }, fact("Name", me.name), fact("Known as", h("code", {}, me.id)), fact("Organisation", me.org || "the installation itself"),
      fact("Role", me.role), me.project ? fact("Project", me.project) : null, me.scopes.length ? fact("Only for", me.scopes.join(", ")) : null, fact("Good until", me.expires ? telling(() => `${clock(me.expires, { seconds: false })} (${away(me.expires)})`) : "revoked"))),
    use, tokens, projects, orgs);

  async function usage() {
    use.hidden = !here.may("usage.read");
    if (!use.hidden) put(use, h("h2", {}, "Quotas and use"), meters(await get("/v1/usage"), here));
  }

  async function tokenList() {
    tokens.hidden = !here.may("tokens.write");
    if (tokens.hidden) return;
    const rows = (await all("/v1/tokens")).filter((one) => !one.revoked);
    const revoke = (one) => attempt(async () => { if (await sure(`Revoke ${one.name}?`, "Whoever uses it is shut out at once. This cannot be undone.", "Revoke", () => call("DELETE", `/v1/tokens/${part(one.id)}`))) { say("The token is revoked"); await tokenList(); } });
    put(tokens, h("div", { class: "row apart" }, h("h2", {}, "Tokens"), h("button", { class: "first", onclick: newToken, dataset: { new: "token" } }, "New token")),
      h("div", { class: "wrap" }, h("table", { class: "cards" }, h("thead", {}, h("tr", {}, ...["Token", "Role", "Project", "Good until", "Last used"].map((text) => h("th", { scope: "col" }, text)), h("th", { class: "end", scope: "col" }, h("span", { class: "unseen" }, "Actions")))),
        h("tbody", {}, ...rows.map((one) => h("tr", {},
          h("th", { scope: "row" }, one.name, h("span", { class: "small" }, h("code", {}, one.id), !me.org && one.org ? ` · ${one.org}` : "")),
          h("td", { dataset: { label: "Role" } }, one.role, one.scopes.length ? h("span", { class: "small" }, `only ${one.scopes.join(", ")}`) : null),
          h("td", { dataset: { label: "Project" } }, one.project || "all"),
          h("td", { class: "tight", dataset: { label: "Good until" } }, one.expires ? h("span", {}, clock(one.expires, { seconds: false }), h("span", { class: "small" }, telling(() => away(one.expires)))) : "revoked"),
          h("td", { class: "tight", dataset: { label: "Last used" } }, telling(() => away(one.last_used))),
          h("td", { class: "end" }, h("button", { class: "plain", onclick: () => revoke(one), "aria-label": `Revoke ${one.name}` }, "Revoke"))))))));
  }

  const newToken = () => attempt(async () => {
    const [list, places] = await Promise.all([here.may("usage.read") ? all("/v1/projects") : [], me.org || !here.may("organisations.write") ? [] : all("/v1/organisations")]);
    const name = h("input", { required: true, maxlength: "100", autocomplete: "off", placeholder: "who or what will use it" });
    const role = choice(ROLES, "operator"), life = choice(LIVES, "90d"), project = choice([["", "all projects"], ...list.map((one) => [one.name, one.name])], "");
    const org = choice([["", "the installation itself"], ...places.map((one) => [one.id, `${one.id} – ${one.name}`])], "");
    const made = await dialog("New token", [field("Name", name), field("Role", role), h("div", { class: "two" }, field("Good for", life), list.length ? field("Project", project) : null, places.length ? field("Organisation", org) : null)],
      { label: "Make it", narrow: true, act: (send) => send("/v1/tokens", { name: name.value.trim(), role: role.value, lease: life.value, ...(project.value ? { project: project.value } : {}), ...(org.value ? { org: org.value } : {}) }) });
    if (!made) return;
    const copy = h("button", { type: "button", class: "first", onclick: () => attempt(async () => { await navigator.clipboard.writeText(made.token); copy.textContent = "Copied"; say("Copied"); }) }, "Copy");
    const shown = dialog("The token", [h("p", {}, "It is shown this once. Keep it where only its user can read it."), h("div", { class: "secret" }, h("code", {}, made.token), navigator.clipboard ? copy : null)], { narrow: true });
    await Promise.all([tokenList(), meet(me)]);
    await shown;
  });

  async function projectList() {
    projects.hidden = !here.may("usage.read") || !me.org && !here.may("projects.write");
    if (projects.hidden) return;
    const rows = await all("/v1/projects");
    const may = here.may("projects.write");
    const add = () => attempt(async () => {
      const name = h("input", { required: true, pattern: "[a-z][a-z0-9\\-]{0,39}", title: "small letters, digits, dashes; begins with a letter", autocomplete: "off" });
      if (await dialog("New project", [field("Name", name)], { label: "Make it", narrow: true, act: (send) => send("/v1/projects", { name: name.value.trim() }) })) await projectList();
    });
    const remove = (one) => attempt(async () => { if (await sure(`Remove the project ${one.name}?`, "What has ended in it stays. While something in it lives, it cannot be removed.", "Remove", () => call("DELETE", `/v1/projects/${part(one.id)}`))) await projectList(); });
    put(projects, h("div", { class: "row apart" }, h("h2", {}, "Projects"), may ? h("button", { onclick: add }, "New project") : null),
      rows.length ? h("div", { class: "wrap" }, h("table", {}, h("tbody", {}, ...rows.map((one) => h("tr", {}, h("th", { scope: "row" }, one.name), h("td", { class: "soft" }, `since ${clock(one.created, { seconds: false })}`), h("td", { class: "end" }, may ? h("button", { class: "plain", onclick: () => remove(one), "aria-label": `Remove ${one.name}` }, "Remove") : null))))))
        : h("p", { class: "nothing" }, "None. A project is a name that ranges, runs and tokens carry; a token of one project sees nothing of the others."));
  }

  async function orgList() {
    orgs.hidden = Boolean(me.org) || !here.may("organisations.write");
    if (orgs.hidden) return;
    const rows = await all("/v1/organisations");
    put(orgs, h("div", { class: "row apart" }, h("h2", {}, "Organisations"), h("button", { onclick: () => edit(null) }, "New organisation")),
      rows.length ? h("div", { class: "wrap" }, h("table", { class: "cards" }, h("thead", {}, h("tr", {}, ...["Organisation", "Ranges", "Nodes", "Runs", "Memory", "Lease", "Share"].map((text) => h("th", { scope: "col" }, text)), h("th", { class: "end" }, h("span", { class: "unseen" }, "Actions")))),
        h("tbody", {}, ...rows.map((one) => h("tr", {}, h("th", { scope: "row" }, one.id, h("span", { class: "small" }, one.name)),
          ...[["Ranges", one.quota.ranges], ["Nodes", one.quota.nodes], ["Runs", one.quota.runs], ["Memory", one.quota.memory && bytes(one.quota.memory)], ["Lease", one.quota.lease && span(one.quota.lease)], ["Share", one.share]].map(([name, value]) => h("td", { class: "tight", dataset: { label: name } }, value === null ? "no limit" : String(value))),
          h("td", { class: "end" }, h("button", { onclick: () => edit(one) }, "Change …")))))))
        : empty("No organisations", "An organisation has its own ranges, people and quotas, and sees nothing of the others.", h("button", { class: "first", onclick: () => edit(null) }, "Make the first one")));
  }

  const edit = (row) => attempt(async () => {
    const path = row && `/v1/organisations/${part(row.id)}`, one = row && await get(path);
    const number = (value, more = {}) => h("input", { type: "number", min: "0", value: value ?? "", placeholder: "no limit", step: "any", ...more });
    const quota = one?.quota || { ranges: 20, nodes: 200, runs: 4, cpus: null, memory: null, lease: 604800 };
    const id = h("input", { required: true, pattern: "[a-z][a-z0-9\\-]{0,39}", title: "small letters, digits, dashes; begins with a letter", value: one?.id || "", disabled: Boolean(one) });
    const name = h("input", { value: one?.name || "" });
    const f = { ranges: number(quota.ranges), nodes: number(quota.nodes), runs: number(quota.runs), cpus: number(quota.cpus), memory: number(quota.memory === null ? null : quota.memory / 2 ** 30), lease: number(quota.lease === null ? null : quota.lease / 3600), share: number(one?.share ?? 1, { placeholder: "1" }) };
    const value = (input, times = 1) => (input.value === "" ? null : Number(input.value) * times);
    const body = () => ({ name: name.value.trim(), share: Number(f.share.value) || 1, quota: { ranges: value(f.ranges), nodes: value(f.nodes), runs: value(f.runs), cpus: value(f.cpus), memory: f.memory.value === "" ? null : Math.round(Number(f.memory.value) * 2 ** 30), lease: value(f.lease, 3600) } });
    const done = await dialog(one ? `Change ${one.id}` : "New organisation", [h("div", { class: "two" }, field("Id", id), field("Name", name), field("Ranges at once", f.ranges), field("Nodes at once", f.nodes), field("Runs at once", f.runs), field("Processors", f.cpus), field("Memory in GiB", f.memory), field("Longest lease in hours", f.lease), field("Share of a full machine", f.share))],
      { label: one ? "Change" : "Make it", act: (send) => (one ? change(path, one, body()) : send("/v1/organisations", { id: id.value.trim(), ...body() })) });
    if (done) await Promise.all([orgList(), usage()]);
  });

  await Promise.all([usage(), tokenList(), projectList(), orgList()]);
}
