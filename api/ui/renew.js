// Looking again: what a page shows is asked for anew, one question at a time, and once for all that happens together.
import { all, get, part } from "./api.js";
import { complain } from "./dialogs.js";

const PAUSE = 150; // milliseconds: what happens within them is looked at once

/**
 * `look` asks and paints. `now()`: once more, after what is being asked, so that no older answer paints over a newer one.
 * `soon()`: the same, joined with whatever else happens; a problem is shown in the corner, except that the service does not
 * answer: the line above says so, and whoever follows the stream asks again when it is back.
 */
export function renewing(look) {
  let timer = null, turn = Promise.resolve();
  const now = () => (turn = turn.catch(() => {}).then(look));
  const soon = () => { timer ||= setTimeout(() => { timer = null; now().catch((error) => { if (error.status !== 0) complain(error); }); }, PAUSE); };
  return { now, soon, stop: () => clearTimeout(timer) };
}

/** The rows of a list, a Map by id, kept as the service has them: `again(id)` one, `everything()` all. `paint` follows each look. */
export function renewingRows(path, rows, paint) {
  const due = new Set();
  let whole = false;
  const one = async (id) => {
    try { rows.set(id, await get(`${path}/${part(id)}`)); } catch (error) { if (error.status !== 404) throw error; rows.delete(id); }
  };
  const { soon, stop } = renewing(async () => {
    const ids = [...due], every = whole;
    due.clear();
    whole = false;
    try {
      if (every) {
        const found = await all(path);
        rows.clear();
        for (const row of found) rows.set(row.id, row);
      } else await Promise.all(ids.map(one));
    } catch (error) {
      for (const id of ids) due.add(id);
      whole ||= every;
      throw error;
    }
    await paint();
  });
  return { again(id) { due.add(id); soon(); }, everything() { whole = true; soon(); }, stop };
}
