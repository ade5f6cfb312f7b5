// The playground: sends both texts as one types, and shows what comes of them.

import { element, replace, start } from "/static/page.js";
import { Editor } from "/static/editor.js";
import { COUNTED, countRows, outcomeView, problemView } from "/static/playground_views.js";
import { packed, unpacked } from "/static/shared_link.js";
import { texts } from "/static/playground_texts.js";

const PAUSE_MS = 150;
const STORED = "playground";

const at = (id) => document.getElementById(id);
const topic = at("topic");
const editors = { records: new Editor(at("records"), changed), config: new Editor(at("config"), changed) };
const page = start(texts, show);
let first = null; // the texts at the start, for starting over
let answer = null;
let waiting = 0;
let isAsking = false;
let isStale = false;

/** The state of the page: what a link holds. */
const state = () => ({ config: editors.config.value, records: editors.records.value, topic: topic.value });

function set({ config, records, topic: named = "" }) {
  editors.config.value = config;
  editors.records.value = records;
  topic.value = named;
}

function changed() {
  isStale = true;
  clearTimeout(waiting);
  waiting = setTimeout(ask, PAUSE_MS);
}

/** Ask the server, one question at a time: what is typed meanwhile is asked afterwards. */
async function ask() {
  if (isAsking) return;
  isAsking = true;
  while (isStale) {
    isStale = false;
    const asked = state();
    keep(asked);
    const waited = setTimeout(() => (at("summary").textContent = page.text("checking")), 500);
    answer = await answerTo(asked);
    clearTimeout(waited);
    if (!isStale) show();
  }
  isAsking = false;
}

async function answerTo(asked) {
  try {
    const reply = await fetch("/playground/preview", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(asked),
    });
    if (reply.status === 413) return { error: "too_large" };
    return reply.ok ? await reply.json() : { error: "crashed" };
  } catch {
    return { error: "offline" };
  }
}

/** Show the answer: after each one, and when the language has changed. */
function show() {
  if (answer === null) return;
  const { problems = [], bad_records: bad = [], records = [], topics = [] } = answer;
  const counted = Object.keys(COUNTED).map((kind) => [kind, answer[kind] ?? []]);
  editors.config.mark([...problems, ...counted.flatMap(([kind, entries]) => lost(kind, entries))]);
  editors.records.mark(bad.map((each) => ({ ...each, severity: "error" })));
  replace(at("problems"), problems.map((each) => problemView(page, each, editors.config)));
  replace(at("bad-records"), bad.map((each) => problemView(page, each, editors.records)));
  at("summary").textContent = summary();
  // While the config is broken, as it is in the middle of each change, what came of the last one stays in view, pale.
  for (const id of ["outcomes", "counts"]) at(id).classList.toggle("stale", !answer.sound);
  if (answer.sound) {
    replace(at("outcomes"), records.map((each, index) => outcomeView(page, each, index, editors)));
    for (const [kind, entries] of counted) {
      replace(at(kind), countRows(page, kind, entries, editors.config));
      at(`counted-${kind}`).hidden = entries.length === 0;
    }
    at("counts").hidden = records.length === 0;
    at("topic-line").hidden = topics.length === 1 && !answer.has_patterns && topic.value === "";
    topic.placeholder = answer.topic ?? "";
    replace(at("topics"), topics.map((each) => element("option", { value: each })));
  }
}

/** What was never there, as marks of its lines. */
const lost = (kind, entries) => entries.filter(COUNTED[kind].look).map(({ line }) => ({ line, severity: "warning" }));

function summary() {
  if (answer.error) return page.text(answer.error);
  if (!answer.sound) {
    const count = answer.problems.filter((each) => each.severity === "error").length;
    return page.text("broken", { count: page.text(count === 1 ? "error_one" : "error_many", { count }) });
  }
  if (!answer.records.length) return page.text("no_records");
  const counts = page.text("counts", answer.counts);
  return answer.more ? `${counts} ${page.text("more", { count: answer.records.length })}` : counts;
}

/** Keep the texts for when the page is loaded again in this tab; they are of no use where it starts otherwise. */
function keep(texts) {
  try {
    sessionStorage.setItem(STORED, JSON.stringify({ first, texts }));
  } catch {
    // the reader allows no storage, or the texts are too large for it
  }
}

function kept() {
  try {
    const found = JSON.parse(sessionStorage.getItem(STORED));
    return JSON.stringify(found?.first) === JSON.stringify(first) ? found.texts : null;
  } catch {
    return null;
  }
}

async function share() {
  const fragment = await packed(state());
  history.replaceState(null, "", fragment);
  let said = "shared";
  try {
    await navigator.clipboard.writeText(location.href);
  } catch {
    said = "shared_by_hand"; // no secure context, or no permission
  }
  at("summary").textContent = page.text(said);
}

async function begin() {
  first = await (await fetch("/playground/start")).json();
  at("home").hidden = !first.home;
  let linked = null;
  try {
    linked = await unpacked(location.hash);
  } catch {
    at("summary").textContent = page.text("not_shared");
  }
  set(linked ?? kept() ?? first);
  changed();
}

topic.addEventListener("input", changed);
at("share").addEventListener("click", share);
at("restart").addEventListener("click", () => {
  const { config, records } = state();
  const isChanged = config !== first.config || records !== first.records;
  if (isChanged && !confirm(page.text("really"))) return;
  history.replaceState(null, "", location.pathname);
  set(first);
  changed();
});
window.addEventListener("hashchange", begin);
begin();
