// Faults and switches, with what switches them.

import { element } from "/static/page.js";

/** Return an active fault, or that there is none; `remove` is called when it is clicked off. */
export function faultView(page, active, remove) {
  if (!active) return element("li", { class: "good" }, page.text("no_faults"));
  const { kind, text, hits, is_used_up: over } = active;
  const told = [page.text("hits", { count: hits }), over ? page.text("used_up") : null].filter(Boolean).join(" · ");
  return element(
    "li",
    { class: "fault" },
    element("div", { class: "what" }, element("code", {}, text), element("p", { class: hits && !over ? "bad" : "muted" }, told)),
    element("button", { type: "button", "aria-label": page.text("off_label", { kind }), click: () => remove(active) }, page.text("off")),
  );
}

/** Return the kinds of faults, each with an example that can be changed; `add` is called with its kind and text. */
export function kindViews(page, kinds, add) {
  return kinds
    .filter((each) => each.kind !== null)
    .map(({ kind, description, example, fields }) => {
      const own = Object.entries(fields);
      const id = own.length ? `fields-${kind}` : null;
      const send = () => add(kind, input.value);
      const onEnter = (event) => event.key === "Enter" && send();
      const input = element("input", { value: JSON.stringify(example), spellcheck: "false", autocomplete: "off", "aria-label": page.text("example_of", { kind }), "aria-describedby": id, keydown: onEnter });
      const told = own.flatMap(([name, english], at) => [at ? " · " : "", element("code", {}, name), " ", page.said(`field.${name}`, english)]);
      return element(
        "li",
        { class: "fault", "data-kind": kind },
        element("div", { class: "what" }, element("p", {}, element("b", {}, kind), " ", page.said(`fault.${kind}`, description)), input, id ? element("p", { id, class: "muted fields" }, ...told) : null),
        element("button", { type: "button", class: "main", "aria-label": page.text("on_label", { kind }), click: send }, page.text("on")),
      );
    });
}

/** Return the row of a switch, of which `told` is the JSON Schema, or the head; `change` is called with the new value; null: none. */
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
  return element("input", { type: "number", value: String(value), step: "any", "aria-label": name, change: (event) => change(name, event.target.value === "" ? null : Number(event.target.value)) });
}
