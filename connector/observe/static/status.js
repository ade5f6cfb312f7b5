// The status page: shows what /live sends, each second.

import { element, patch, say, start } from "/static/page.js";
import { chart, lags, rates } from "/static/status_charts.js";
import { TEXTS } from "/static/status_texts.js";
import * as views from "/static/status_views.js";

const QUIET_S = 5; // without an event: the connection is lost

const seen = { status: null, history: { samples: [], catch_up: { state: "unknown" } }, at: 0, lost: false };
const page = start(TEXTS, render);

connect();
setInterval(watch, 1000);

function connect() {
  const source = new EventSource("/live");
  source.addEventListener("status", (event) => {
    seen.status = JSON.parse(event.data);
    seen.at = Date.now();
    seen.lost = false;
    render();
  });
  source.addEventListener("history", (event) => {
    seen.history = JSON.parse(event.data);
  });
  source.addEventListener("error", () => {
    seen.lost = true;
    renderConnection();
    if (source.readyState === EventSource.CLOSED) setTimeout(connect, 3000); // refused: the browser does not try again
  });
}

function watch() {
  if (seen.at && Date.now() - seen.at > QUIET_S * 1000) seen.lost = true;
  renderConnection();
}

function render() {
  renderConnection();
  const { status, history } = seen;
  if (!status) return;
  const state = views.state(page, status);
  const badge = document.getElementById("state");
  badge.className = `badge ${state.kind}`;
  say(badge, state.text);
  say(document.getElementById("told"), views.told(page, status));
  document.title = `${state.text} · tuzhan-connector`;
  document.getElementById("why").className = `panel ${status.ready ? "well" : "unwell"}`;
  put("reasons", views.reasons(page, status));
  put("law", views.law(page, status.records));
  put("targets", views.targets(page, status));
  put("routes", views.routes(page, status));
  put("letters", views.letters(page, status));
  put("partitions", views.partitions(page, status));
  put("requests", views.requests(page, status));
  put("process", views.process(page, status));
  const shown = status.partitions.length;
  const key = shown < status.partition_count ? "partitions_of" : "partitions_all";
  document.getElementById("partition-count").textContent = page.text(key, { shown, all: status.partition_count });
  renderCharts(status, history);
}

function renderCharts(status, history) {
  const rate = rates(history.samples);
  const lag = lags(history.samples);
  const number = (value) => views.number(page, value);
  draw("rate-chart", rate, status.at, (most) => page.text("rate_chart", { most: number(Math.round(most)) }));
  draw("lag-chart", lag, status.at, (most) => page.text("lag_chart", { most: number(most) }));
  document.getElementById("rate-now").textContent = rate.length ? number(Math.round(rate.at(-1)[1])) : "–";
  const lagNow = history.samples.at(-1)?.lag ?? null;
  document.getElementById("lag-now").textContent = lagNow === null ? "–" : number(lagNow);
  const { kind, text } = views.catchUp(page, status, history.catch_up);
  const badge = document.getElementById("catch-up");
  badge.className = `badge ${kind}`;
  badge.textContent = text;
}

function draw(id, points, now, label) {
  const { svg, most } = chart(points, now, "");
  svg.setAttribute("aria-label", label(most));
  const labels = [page.text("minutes_ago"), page.text("at_most", { most: views.number(page, Math.round(most)) }), page.text("now")];
  put(id, [svg, element("div", { class: "axis-labels", "aria-hidden": "true" }, ...labels.map((text) => element("span", {}, text)))]);
}

function renderConnection() {
  const key = seen.lost ? "lost" : seen.at ? "live" : "connecting";
  const place = document.getElementById("connection");
  place.className = seen.lost ? "bad" : "muted";
  say(place, page.text(key));
  document.body.classList.toggle("stale", seen.lost);
}

function put(id, children) {
  patch(document.getElementById(id), ...children);
}
