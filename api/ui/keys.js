// What the keyboard can do.
import { dialog } from "./dialogs.js";
import { h } from "./dom.js";

/** List the shortcuts. */
export function keys(places) {
  const rows = [
    ...places.map(([, text], index) => [[String(index + 1)], text]),
    [["/"], "Search in the list"],
    [["n"], "New: launch a range, start a run, fill a pool"],
    [["Tab", "Enter"], "Go through everything; on a drawing, through its nodes"],
    [["Esc"], "Close a dialog"],
    [["Ctrl", "Shift", "."], "Leave a console with the keyboard"],
    [["d"], "Dark or light colours"],
    [["l"], "Large type, for a projector"],
    [["?"], "This list"],
  ];
  const list = h("dl", { class: "keys" }, ...rows.flatMap(([names, text]) => [
    h("dt", {}, ...names.flatMap((name, index) => [index ? " " : "", h("kbd", {}, name)])), h("dd", {}, text)]));
  return dialog("Keyboard", list, { narrow: true });
}
