// The sandbox's page: asks for what there is every second, and sends what is clicked.

import { element, replace, start } from "/static/page.js";
import { chinese, paths, texts } from "/static/sandbox_texts.js";
import { customerView, itemView } from "/static/sandbox_views.js";
import { faultView, kindViews, switchRow } from "/static/sandbox_controls.js";

const PAUSE_MS = 1000;
const BUSY_PAUSE_MS = 150; // while items are still to be unified

const at = (id) => document.getElementById(id);
const page = start(texts, showAll);
/** What the server says in English, in the reader's language. */
page.said = (key, english) => (page.language === "zh" ? (chinese[key] ?? english) : english);

const seen = { overview: null, customers: null, kinds: [], schema: null, opened: new Map() };
const shown = new Map(); // element id -> what it shows, so that nothing is drawn anew without a change
let isPaused = false;
let isOffline = false;
let looks = 0;
let acting = Promise.resolve(); // clicks are done one after the other, in their order
const leaving = new Set(); // the faults that are being switched off: a second click is none for the next one
const lists = new Map(); // element id -> its entries by key, for the same reason

async function ask(path, method = "GET", body = undefined) {
  const reply = await fetch(path, { method, body, headers: body === undefined ? {} : { "content-type": "application/json" } });
  const answer = await reply.json().catch(() => null); // what stands between may answer anything
  if (answer === null) throw new TypeError(`${path}: ${reply.status}`);
  if (!reply.ok) throw new Refusal(answer.errors ?? [reply.statusText]);
  return answer;
}

class Refusal extends Error {
  constructor(errors) {
    super(errors.join("; "));
  }
}

async function look() {
  clearTimeout(look.timer);
  const mine = ++looks;
  try {
    const search = encodeURIComponent(at("search").value);
    const found = await Promise.all([ask("/_sandbox/overview"), ask(`/_sandbox/customers?search=${search}`)]);
    if (mine !== looks) return; // a later one knows more
    [seen.overview, seen.customers] = found;
    await Promise.all([...seen.opened.keys()].map(open));
    isOffline = false;
    show();
  } catch (error) {
    if (error instanceof Refusal || !(error instanceof TypeError)) throw error;
    isOffline = true;
    showState();
  } finally {
    if (mine === looks) clearTimeout(look.timer);
    if (mine === looks && !isPaused) look.timer = setTimeout(look, document.hidden ? 5 * PAUSE_MS : seen.customers?.behind ? BUSY_PAUSE_MS : PAUSE_MS);
  }
}

function showState() {
  const [look, key] = isOffline ? ["bad", "offline"] : isPaused ? ["warn", "paused"] : ["good", "live"];
  at("state").className = `badge ${look}`;
  if (at("state").textContent !== page.text(key)) at("state").textContent = page.text(key);
}

/** Say something to those who do not see what has changed. */
function announce(text) {
  at("announced").textContent = text;
}

/** Fetch an opened customer, unless it has not changed; one that has become part of another is closed. */
async function open(number) {
  const known = seen.customers.customers.find((each) => each.number === number);
  const before = seen.opened.get(number);
  if (before && known && before.changed_ms === known.changed_ms && before.items === known.items) return;
  if (!known && before) return;
  try {
    const details = await ask(`/_sandbox/customers/${number}`);
    if (seen.opened.has(number)) seen.opened.set(number, details);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    seen.opened.delete(number);
    announce(page.text("gone"));
  }
}

async function toggle(number) {
  if (!seen.opened.delete(number)) {
    seen.opened.set(number, null);
    await open(number);
  }
  show();
}

/** Draw an element from `data`, unless it shows just that already. */
function draw(id, data, children) {
  const key = JSON.stringify([page.language, data]);
  if (shown.get(id) === key) return;
  shown.set(id, key);
  replace(at(id), children());
}

/** Draw a list: an entry whose data are as before keeps its element, and so the focus and what is folded. */
function drawList(id, entries, make) {
  const before = lists.get(id) ?? new Map();
  const now = new Map();
  const remade = [];
  for (const { key, data } of entries) {
    const text = JSON.stringify([page.language, data]);
    const known = before.get(key);
    const same = known?.text === text;
    now.set(key, { text, node: same ? known.node : make(data) });
    if (known && !same && known.node.contains(document.activeElement)) remade.push(now.get(key).node);
  }
  for (const [key, { node }] of before) if (now.get(key)?.node !== node) node.remove();
  let next = at(id).firstChild;
  for (const { node } of now.values()) {
    if (node === next) next = next.nextSibling;
    else at(id).insertBefore(node, next);
  }
  remade.forEach((node) => node.querySelector("button, summary, input, select")?.focus());
  lists.set(id, now);
}

/** Items as entries of a list: equal ones are told apart by which of them it is, the oldest first. */
function itemEntries(items) {
  const counts = new Map();
  const entries = [...items].reverse().map((data) => {
    const text = JSON.stringify(data);
    counts.set(text, (counts.get(text) ?? 0) + 1);
    return { key: `${counts.get(text)} ${text}`, data };
  });
  return entries.reverse();
}

function showAll() {
  shown.clear();
  draw("paths", null, pathRows);
  for (const id of ["fault-error", "switch-error", "again-error", "again-told", "announced"]) at(id).textContent = "";
  if (seen.overview) show();
}

function show() {
  const { overview, customers, kinds } = seen;
  const { stats } = overview;
  showState();
  at("playground").hidden = !overview.has_playground;
  at("connect").textContent = `platform.base_url: ${location.origin}/api/open, app_id: ${overview.app_id}`;
  draw("counts", [stats, customers.total], () => cards(stats, customers.total));
  draw("endpoints", stats, () => endpointRows(stats));
  at("customers-state").textContent = customersState(customers);
  const opened = customers.customers.map((customer) => ({ key: customer.number, data: { customer, details: seen.opened.get(customer.number) } }));
  drawList("customers", opened, ({ customer, details }) => customerView(page, customer, details, toggle));
  const latest = overview.latest.length ? itemEntries(overview.latest) : [{ key: "none", data: null }];
  drawList("latest", latest, (each) => element("li", {}, each ? itemView(page, each) : page.text("none")));
  const active = overview.faults.map((fault) => ({ key: fault.number, data: { fault } }));
  drawList("active", active.length ? active : [{ key: "none", data: {} }], ({ fault }) => faultView(page, fault, remove));
  at("clear").hidden = overview.faults.length === 0;
  draw("kinds", kinds, () => kindViews(page, kinds, add));
  draw("common", kinds, commonRows);
  const switches = Object.entries(overview.switches).map(([name, value]) => ({ key: name, data: { name, value, told: seen.schema.properties[name] } }));
  drawList("switches", [{ key: "", data: {} }, ...switches], (each) => switchRow(page, each, change));
}

function cards(stats, customers) {
  const marked = { repeated: "bad", out_of_order: "bad", refused: "bad" };
  const values = { stored: stats.stored, requests: stats.requests, customers, repeated: stats.repeated, out_of_order: stats.out_of_order, refused: stats.refused, tokens: stats.tokens.requests };
  return Object.entries(values).map(([name, value]) => {
    const alarming = marked[name] && value > 0;
    return element("div", { class: `card${alarming ? " marked" : ""}`, "data-count": name }, element("b", { class: alarming ? "bad" : null }, number(value)), page.text(`count.${name}`));
  });
}

function endpointRows(stats) {
  const names = ["requests", "items", "stored", "repeated", "out_of_order", "refused"];
  const used = Object.entries(stats.by_endpoint).filter(([, counts]) => counts.requests > 0);
  const rows = [...used, [page.text("total"), stats]];
  return [
    element("tr", {}, element("th", { scope: "col" }, page.text("endpoint")), ...names.map((name) => element("th", { scope: "col", class: "number" }, page.text(name)))),
    ...rows.map(([path, counts]) => element("tr", {}, element("td", {}, path), ...names.map((name) => element("td", { class: "number" }, number(counts[name]))))),
  ];
}

function customersState({ total, forgotten, behind, customers }) {
  const searched = at("search").value.trim() !== "";
  const parts = [total === 0 ? page.text("none") : customers.length ? page.text("shown", { shown: customers.length, total: number(total) }) : page.text("none_found")];
  if (total === 0 && searched) parts[0] = page.text("none_found");
  if (behind) parts.push(page.text("behind", { count: number(behind) }));
  if (forgotten) parts.push(page.text("forgotten", { count: number(forgotten) }));
  return parts.join(" · ");
}

function commonRows() {
  const common = seen.kinds.find((each) => each.kind === null)?.fields ?? {};
  return Object.entries(common).flatMap(([name, english]) => [element("dt", {}, element("code", {}, name)), element("dd", {}, page.said(`field.${name}`, english))]);
}

function pathRows() {
  const head = element("tr", {}, ...["method", "path", "what"].map((key) => element("th", { scope: "col" }, page.text(key))));
  return [head, ...paths.map(([method, path, key]) => element("tr", {}, element("td", {}, method), element("td", {}, element("code", {}, path)), element("td", {}, page.text(key))))];
}

const number = (value) => value.toLocaleString(page.language === "zh" ? "zh-CN" : "en");

/** Send a click after those before it, and show what it did or why it was refused; `path` may be found when its turn comes. */
function act(errors, path, method, body, done = () => {}) {
  acting = acting.catch(() => {}).then(async () => {
    at(errors).textContent = "";
    const place = typeof path === "function" ? path() : path;
    if (place === null) return;
    try {
      done(await ask(place, method, body));
    } catch (error) {
      at(errors).textContent = error instanceof Refusal ? error.message : page.text("offline");
      at(errors).scrollIntoView({ block: "nearest" });
    }
    await look();
  });
  return acting;
}

function add(kind, text) {
  try {
    JSON.parse(text);
  } catch {
    at("fault-error").textContent = page.text("not_json");
    at("fault-error").scrollIntoView({ block: "nearest" });
    return;
  }
  act("fault-error", "/_sandbox/faults", "POST", text, () => announce(page.text("is_on", { kind })));
}

async function remove({ number, kind }) {
  if (leaving.has(number)) return;
  leaving.add(number);
  const place = () => {
    const index = seen.overview.faults.findIndex((fault) => fault.number === number);
    return index < 0 ? null : `/_sandbox/faults/${index}?number=${number}`;
  };
  try {
    await act("fault-error", place, "DELETE", undefined, () => announce(page.text("is_off", { kind })));
  } finally {
    leaving.delete(number);
  }
}

async function change(name, value) {
  if (value === null) at("switch-error").textContent = page.text("not_a_number");
  else await act("switch-error", "/_sandbox/switches", "PUT", JSON.stringify({ [name]: value }));
  if (at("switch-error").textContent === "") return;
  lists.get("switches").get(name).text = null; // so that the value that stays in force is shown again
  show();
}

at("search").addEventListener("input", async () => {
  await look();
  announce(customersState(seen.customers));
});
at("pause").addEventListener("click", () => {
  isPaused = !isPaused;
  at("pause").setAttribute("aria-pressed", String(isPaused));
  look();
});
at("clear").addEventListener("click", () => act("fault-error", "/_sandbox/faults", "DELETE"));
at("defaults").addEventListener("click", () => act("switch-error", "/_sandbox/switches", "DELETE"));
at("expire").addEventListener("click", () => again("/_sandbox/expire-tokens", ({ expired }) => page.text("expired", { count: number(expired) })));
at("reset").addEventListener("click", () => {
  if (!confirm(page.text("really"))) return;
  seen.opened.clear();
  again("/_sandbox/reset", () => page.text("removed"));
});

function again(path, told) {
  at("again-told").textContent = "";
  act("again-error", path, "POST", undefined, (answer) => (at("again-told").textContent = told(answer)));
}

[seen.kinds, seen.schema] = await Promise.all([ask("/_sandbox/faults/kinds"), ask("/_sandbox/switches/schema")]);
look();
