// What is seen of an answer.

import { element } from "/static/page.js";
import { coloured } from "/static/json.js";
import { meanings } from "/static/playground_texts.js";

/** Return a list entry for a problem; its place puts the cursor there. */
export function problemView(page, problem, editor) {
  const { line, column, path, messages, code, severity } = problem;
  const place = placeButton(page, problem, () => editor.goTo(line, column));
  return element(
    "li",
    { class: severity === "warning" ? "warning" : "error" },
    place,
    " ",
    path ? element("code", {}, path) : null,
    path ? ": " : " ",
    messages[page.language],
    code ? element("span", { class: "muted" }, ` [${code}]`) : null,
  );
}

/** Return what becomes of one record. */
export function outcomeView(page, outcome, index, editors) {
  const { line, becomes, objects, skips } = outcome;
  const place = element("button", { type: "button", class: "place", click: () => editors.records.goTo(line, 1) }, page.text("line", { line }));
  const made = becomes.length
    ? becomes.map((each) => (each.dead_letter ? letterView(page, each.dead_letter) : itemView(page, each)))
    : skippedView(page, skips, editors.config);
  return element(
    "article",
    { class: "outcome" },
    element("div", {}, element("h3", {}, page.text("record", { number: index + 1 })), place),
    element("div", {}, made, objects.length ? element("p", { class: "warn" }, page.text("objects", { names: objects.join(", ") })) : null),
  );
}

function itemView(page, { route, target, item, public_params: params }) {
  const badge = element("span", { class: "badge good" }, page.text("item"));
  const usual = params.replace(/\s/g, "") === '{"isMatching":true,"matchingType":1}';
  return element(
    "div",
    { class: "made" },
    badge,
    ` ${page.text("to", { route, target })}`,
    coloured(item),
    usual ? null : [element("span", { class: "muted" }, "publicParams"), coloured(params)],
  );
}

function letterView(page, letter) {
  const rows = Object.entries(letter).map(([name, value]) => [
    element("dt", {}, page.text(`field.${name}`)),
    element("dd", {}, element("code", {}, value), name === "reason" && page.language === "zh" ? ` ${meanings[value] ?? ""}` : null),
  ]);
  return element("div", { class: "made" }, element("span", { class: "badge bad" }, page.text("dead_letter")), element("dl", {}, ...rows.flat()));
}

function skippedView(page, skips, editor) {
  const badge = element("span", { class: "badge warn" }, page.text("skipped"));
  return element("div", { class: "made" }, badge, skips.map((each) => skipView(page, each, editor)));
}

function skipView(page, { kind, topic, route, conditions }, editor) {
  const shown = conditions.map(({ path, line, column }) => {
    const click = () => editor.goTo(line, column);
    return element("li", {}, element("code", {}, path), " ", placeButton(page, { line, column }, click));
  });
  return element("div", {}, element("p", {}, page.text(`skip.${kind}`, { topic, route })), shown.length ? element("ul", {}, ...shown) : null);
}

const placeButton = (page, { line, column }, click) =>
  element("button", { type: "button", class: "place", click }, page.text("line_column", { line, column }));

/** How each kind of thing is counted: what it is called, how often it was there, and whether something is wrong. */
export const COUNTED = {
  conditions: {
    name: (each) => each.condition,
    count: (each) => each.held,
    look: (each) => (each.of && !each.held && each.needed ? "bad" : null),
    note: (page, each) => (each.of && !each.held ? page.text("saw", { values: numbered(page, each.saw) }) : ""),
  },
  maps: {
    name: (each) => each.value,
    count: (each) => each.found,
    look: (each) => (!isEmpty(each.missed) && !each.otherwise ? (each.found ? "warn" : "bad") : null),
    note: (page, each) => (isEmpty(each.missed) ? "" : page.text("not_in_it", { values: numbered(page, each.missed) })),
  },
  references: {
    name: (each) => each.reference,
    count: (each) => each.found,
    look: (each) => (each.of && !each.found ? "bad" : null),
    note: referenceNote,
  },
};

const MOST_VALUES = 5;
const isEmpty = (table) => Object.keys(table).length === 0;

function numbered(page, values) {
  const all = Object.entries(values);
  const shown = all.slice(0, MOST_VALUES).map(([value, count]) => `${page.has(`value.${value}`) ? page.text(`value.${value}`) : value} (${count})`);
  return [...shown, ...(all.length > MOST_VALUES ? ["…"] : [])].join(", ");
}

/** Return the rows of the table of one kind. */
export function countRows(page, kind, entries, editor) {
  const { name, count, look, note } = COUNTED[kind];
  const head = [kind === "conditions" ? "held" : "found", `one.${kind}`, "route", "place", null].map((key) => element("th", { scope: "col" }, key ? page.text(key) : ""));
  const rows = entries.map((each) =>
    element(
      "tr",
      { class: look(each) },
      element("td", {}, page.text("of", { found: count(each), of: each.of })),
      element("td", {}, element("code", {}, name(each))),
      element("td", {}, each.route),
      element("td", {}, placeButton(page, each, () => editor.goTo(each.line, each.column))),
      element("td", {}, note(page, each)),
    ),
  );
  return [element("tr", {}, ...head), ...rows];
}

function referenceNote(page, { found, of, needed, nearest }) {
  if (nearest) return page.text("did_you_mean", { nearest });
  if (!needed) return page.text("not_needed");
  return of && !found ? page.text("nothing_like_it") : "";
}
