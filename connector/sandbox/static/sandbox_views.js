// Customers and items, as they are seen.

import { element } from "/static/page.js";
import { coloured } from "/static/json.js";

const unfolded = new Set(); // the items whose JSON is shown, so that it stays so when they are drawn anew

/** Return a list entry for a customer; `details` are its latest items if it is opened. */
export function customerView(page, customer, details, toggle) {
  const { number, identities, profile, tags, groups, more, events, items, unified_from: parts, changed_ms: changed } = customer;
  const { realName: name, ...fields } = profile;
  const head = element(
    "span",
    { class: "head" },
    element("b", {}, name ?? `#${number}`),
    element("span", { class: "muted" }, page.text("event_count", { count: events })),
    element("span", { class: "muted" }, page.text("item_count", { count: items })),
    parts > 1 ? element("span", { class: "badge warn" }, page.text("unified", { count: parts })) : null,
    element("span", { class: "muted when" }, clock(page, changed)),
  );
  const chips = [
    ...badges("identity", identities, more.identities),
    ...badges("tag", tags, more.tags),
    ...badges("group", groups, more.groups),
  ];
  const known = Object.entries(fields).map(([field, value]) => element("span", {}, element("span", { class: "muted" }, `${field} `), value));
  return element(
    "li",
    { class: "customer" },
    element(
      "button",
      { type: "button", "aria-expanded": String(details !== undefined), click: () => toggle(number) },
      head,
      element("span", { class: "chips" }, ...chips),
      known.length ? element("span", { class: "profile" }, ...known) : null,
    ),
    details ? element("div", { class: "items" }, ...details.latest.map((each) => itemView(page, each))) : null,
  );
}

function badges(kind, names, more) {
  const shown = more ? [...names, `+${more}`] : names;
  return shown.map((each) => element("span", { class: `badge ${kind}` }, each));
}

/** Return an item with its publicParams and times. */
export function itemView(page, { endpoint, at_ms: arrived, event_key: event, time, item, public_params: params }) {
  const facts = [event ? element("b", {}, event) : null, event ? " " : null, element("code", {}, endpoint)];
  const times = [`${page.text("at")} ${clock(page, arrived)}`, typeof time === "number" ? `${page.text("time")} ${clock(page, time, true)}` : null];
  const key = `${arrived} ${item}`;
  const fold = (event) => (event.target.open ? unfolded.add(key) : unfolded.delete(key));
  return element(
    "div",
    { class: "item" },
    element("div", {}, ...facts, element("span", { class: "muted" }, ` · ${times.filter(Boolean).join(" · ")}`)),
    element("div", { class: "muted" }, "publicParams ", element("code", {}, params)),
    element("details", { open: unfolded.has(key), toggle: fold }, element("summary", {}, element("code", {}, firstLine(item))), coloured(item)),
  );
}

const firstLine = (item) => {
  const line = item.replace(/\s+/g, " ");
  return line.length > 90 ? `${line.slice(0, 90)}…` : line;
};

function clock(page, ms, withDate = false) {
  const at = new Date(ms);
  if (Number.isNaN(at.getTime())) return String(ms);
  const options = withDate ? { dateStyle: "medium", timeStyle: "medium" } : { timeStyle: "medium" };
  return at.toLocaleString(page.language === "zh" ? "zh-CN" : "en-GB", options);
}
