// Faults and switches, with what switches them.

import { element } from "/static/page.js";

/** Return an active fault, or that there is none; `remove` is called when it is clicked off. */
export function faultView(page, active, remove) {
  if (!active) return element("li", { class: "good" }, page.text("no_faults"));
  const { hits, ...fault } = active;
  return element(
    "li",
    { class: "fault" },
    element("div", { class: "what" }, element("code", {}, JSON.stringify(fault)), element("p", { class: hits ? "bad" : "muted" }, page.text("hits", { count: hits }))),
    element("button", { type: "button", "aria-label": page.text("off_label", { kind: fault.kind }), click: remove }, page.text("off")),
  );
}

/** Return the kinds of faults, each with an example that can be changed; `add` is called with its text. */
export function kindViews(page, kinds, add) {
  return kinds
    .filter((each) => each.kind !== null)
    .map(({ kind, description, example, fields }) => {
      const hint = Object.entries(fields).map(([name, told]) => `${name}: ${told}`).join("\n");
      const input = element("input", { value: JSON.stringify(example), spellcheck: "false", title: hint || null, "aria-label": page.text("example_of", { kind }) });
      return element(
        "li",
        { class: "fault", "data-kind": kind },
        element("div", { class: "what" }, element("p", {}, element("b", {}, kind), " ", page.said(`fault.${kind}`, description)), input),
        element("button", { type: "button", class: "main", "aria-label": page.text("on_label", { kind }), click: () => add(input.value) }, page.text("on")),
      );
    });
}

/** Return the row of a switch, of which `told` is the JSON Schema, or the head; `change` is called with the new value. */
export function switchRow(page, { name, value, told }, change) {
  if (!told) return element("tr", {}, ...["switch", "value", "meaning"].map((key) => element("th", { scope: "col" }, page.text(key))));
  return element(
    "tr",
    {},
    element("td", {}, element("code", {}, name)),
    element("td", {}, control(name, value, told, change)),
    element("td", {}, page.said(`switch.${name}`, told.description)),
  );
}

function control(name, value, { enum: allowed, type }, change) {
  if (type === "boolean") {
    return element("input", { type: "checkbox", checked: value, "aria-label": name, change: (event) => change(name, event.target.checked) });
  }
  if (allowed) {
    const options = allowed.map((each) => element("option", { selected: each === value }, String(each)));
    return element("select", { "aria-label": name, change: (event) => change(name, allowed[event.target.selectedIndex]) }, ...options);
  }
  return element("input", { type: "number", value: String(value), step: "any", "aria-label": name, change: (event) => change(name, Number(event.target.value)) });
}
