// What each part of the status page shows: functions from the status to elements.

import { element } from "/static/page.js";

const TARGET_KINDS = { up: "good", down: "bad", held: "bad" };
const VERDICT_KINDS = { delivered: "good", again: "warn", token: "warn", split: "warn", held: "bad", refused: "bad" };
const STATES = { caught_up: "good", catching_up: "warn", behind: "bad", unknown: "" };

// Made once for each language: to make one takes a hundred times as long as to use it, and a page shows a thousand.
const NUMBERS = {};
const CLOCKS = {};
const CLOCK = { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };

export const number = (page, value) => (NUMBERS[page.language] ??= new Intl.NumberFormat(locale(page))).format(value);

export function state(page, status) {
  if (status.ready) return { kind: "good", text: page.text("ready") };
  const key = status.state === "running" ? "not_ready" : status.state;
  return { kind: status.state === "running" ? "bad" : "warn", text: page.text(key) };
}

export function catchUp(page, status, { state, seconds }) {
  if (!status.partition_count) return { kind: "", text: page.text("no_partition") };
  return { kind: STATES[state], text: page.text(state, { time: span(page, seconds ?? 0) }) };
}

export function reasons(page, status) {
  if (!status.reasons.length) return [element("li", { class: "good" }, page.text("well"))];
  return status.reasons.map((reason) => {
    const about = reason.target ? [" ", element("code", {}, reason.target)] : [];
    const since = page.text("since", { time: clock(page, reason.since), span: span(page, status.at - reason.since) });
    const head = [element("span", { class: "badge bad" }, reason.code), " ", element("strong", {}, page.text(`reason_${reason.code}`)), ...about];
    return element("li", {}, ...head, " ", element("span", { class: "muted" }, since), element("p", { class: "remedy" }, `${page.text("remedy")} ${reason.remedies[page.language]}`));
  });
}

/** What is read out when it changes: the reasons, without times and tries, which change each second. */
export const told = (page, status) =>
  status.reasons.map((reason) => `${page.text(`reason_${reason.code}`)} ${reason.target}`.trim()).join(" ");

export function law(page, records) {
  const parts = ["delivered", "skipped", "dead_lettered", "released", "in_flight"];
  const sum = parts.reduce((total, name) => total + records[name], 0);
  const term = (name) => element("span", { class: "term", "data-count": name }, element("b", {}, number(page, records[name])), element("span", { class: "muted" }, page.text(name)));
  const sign = (text) => element("span", { class: "sign", "aria-hidden": text === "+" ? "true" : null }, text);
  const terms = parts.flatMap((name, index) => (index ? [sign("+"), term(name)] : [term(name)]));
  return [term("consumed"), sign(sum === records.consumed ? "=" : "≠"), ...terms];
}

export function targets(page, status) {
  const heads = ["target", "target_state", "queued#", "in_flight_requests#", "tries#", "next_try#", "last_reply", "endpoint"];
  const rows = status.targets.map((target) => {
    const since = page.text("since", { time: clock(page, target.since), span: span(page, status.at - target.since) });
    return [
      word(target.name),
      cell([badge(TARGET_KINDS[target.state], page.text(`target_${target.state}`)), element("div", { class: "muted" }, since), target.reason ? element("div", {}, target.reason) : null], "wide"),
      figure(page, target.queued),
      cell(`${number(page, target.in_flight)} / ${number(page, target.in_flight_limit)}`, "number"),
      figure(page, target.attempts),
      cell(target.next_try_s === null ? "–" : span(page, target.next_try_s), "number"),
      cell(target.last_reply || "–", "wide"),
      word(target.endpoint),
    ];
  });
  return table(page, heads, rows);
}

export function routes(page, status) {
  const heads = ["route", "target", "delivered#", "skipped#", "dead_lettered#", "reasons"];
  const counts = (table) => Object.entries(table).filter(([, count]) => count > 0);
  const rows = status.routes.map((route) => {
    const invalid = counts(route.identity_invalid).map(([kind, count]) => [page.text("identity_invalid", { kind }), count]);
    const told = [...counts(route.reasons), ...invalid].map(([name, count]) => element("div", {}, `${name}: ${number(page, count)}`));
    const { delivered, skipped, dead_lettered } = route.items;
    const items = [delivered, skipped, dead_lettered].map((count) => figure(page, count));
    return [word(route.name || page.text("not_decoded")), word(route.target || "–"), ...items, cell(told.length ? told : "–")];
  });
  return table(page, heads, rows);
}

export function letters(page, status) {
  const heads = ["at", "place", "route", "reason", "field", "detail"];
  const rows = [...status.dead_letters].reverse().map((letter) => [
    cell(clock(page, letter.at), "word"),
    word(`${letter.topic}[${letter.partition}]@${letter.offset}`),
    word(letter.route || page.text("not_decoded")),
    word(letter.reason),
    cell(letter.field || "–"),
    cell(letter.detail || "–", "wide"),
  ]);
  return table(page, heads, rows);
}

export function partitions(page, status) {
  const heads = ["partition", "lag#", "committed#", "in_flight#", "oldest#", "paused"];
  const rows = status.partitions.map((one) => [
    word(`${one.topic}[${one.partition}]`),
    figure(page, one.lag),
    figure(page, one.committed),
    figure(page, one.in_flight),
    cell(span(page, one.oldest_unsettled_s), "number"),
    cell(one.paused ? page.text("yes") : ""),
  ]);
  return table(page, heads, rows);
}

export function requests(page, status) {
  const heads = ["at", "target", "verdict", "items#", "bytes#", "took#", "reply"];
  const rows = [...status.requests].reverse().map((one) => [
    cell(clock(page, one.at), "word"),
    word(one.target),
    cell(badge(VERDICT_KINDS[one.verdict], one.verdict)),
    figure(page, one.items),
    figure(page, one.bytes),
    cell(`${number(page, Math.round(one.seconds * 1000))} ms`, "number"),
    cell([one.detail || "–", one.import_batch ? ` · ${page.text("import_batch")} ${one.import_batch}` : ""], "wide"),
  ]);
  return table(page, heads, rows);
}

export function process(page, status) {
  const { config, token } = status;
  const expires = token.expires_in_s === null ? page.text("not_known") : span(page, token.expires_in_s);
  const facts = [
    ["version", status.version],
    ["uptime", span(page, status.uptime_s)],
    ["config", `${config.file} · ${config.sha256.slice(0, 12)} · ${page.text("generation", { number: config.generation })}`],
    ["token", page.text("token_expires", { source: token.source, time: expires })],
  ];
  return facts.flatMap(([key, value]) => [element("dt", {}, page.text(key)), element("dd", {}, value)]);
}

/** Seconds, as people say them: "3.2 s", "4 min", "2 h 5 min", "3 d 4 h". */
export function span(page, seconds) {
  const unit = (value, key) => `${number(page, value)} ${page.text(key)}`;
  if (seconds < 10) return unit(Math.max(0, Math.round(seconds * 10) / 10), "unit_s");
  if (seconds < 90) return unit(Math.round(seconds), "unit_s");
  const minutes = Math.round(seconds / 60);
  if (minutes < 90) return unit(minutes, "unit_min");
  const hours = Math.floor(minutes / 60);
  const both = (large, small) => (small.startsWith("0 ") ? large : `${large} ${small}`);
  if (hours < 48) return both(unit(hours, "unit_h"), unit(minutes % 60, "unit_min"));
  return both(unit(Math.floor(hours / 24), "unit_d"), unit(hours % 24, "unit_h"));
}

function table(page, heads, rows) {
  if (!rows.length) return [element("caption", { class: "muted" }, page.text("none"))];
  const head = heads.map((key) => {
    const isNumber = key.endsWith("#");
    return element("th", { scope: "col", class: isNumber ? "number" : null }, page.text(`head_${key.replace("#", "")}`));
  });
  return [element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...rows.map((row) => element("tr", {}, ...row)))];
}

const cell = (content, kind = null) => element("td", { class: kind }, ...[content].flat().filter((each) => each !== null));
const word = (text) => cell(text, "word");
const figure = (page, value) => cell(value === null ? "–" : number(page, value), "number");
const badge = (kind, text) => element("span", { class: `badge ${kind ?? ""}` }, text);
const locale = (page) => (page.language === "zh" ? "zh-CN" : "en");

const clock = (page, at) => (CLOCKS[page.language] ??= new Intl.DateTimeFormat(locale(page), CLOCK)).format(new Date(at * 1000));
