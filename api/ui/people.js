// Names for those who did something: the service notes `token:<id>`; whoever may look after tokens may know their names.
import { all } from "./api.js";

let names = new Map();

/** Learn the names that `me` may know. */
export async function meet(me) {
  names = new Map([[me.id, me.name]]);
  if (!me.actions.includes("tokens.write")) return;
  for (const one of await all("/v1/tokens").catch(() => [])) names.set(`token:${one.id}`, one.name);
}

/** Who this is, in words; empty for nobody. */
export const who = (actor) => names.get(actor) || actor || "";
