// Small charts of the last ten minutes, as SVG.

const NAMESPACE = "http://www.w3.org/2000/svg";
const WIDTH = 600;
const HEIGHT = 120;
const SPAN_S = 600;

/**
 * Return the points of the records per second: [at, rate], one for each sample but the first.
 * A count that fell began anew.
 */
export function rates(samples) {
  return samples.slice(1).map((sample, index) => {
    const before = samples[index];
    const seconds = sample.at - before.at;
    return [sample.at, seconds > 0 ? Math.max(0, sample.settled - before.settled) / seconds : 0];
  });
}

/** Return the points of the lag; samples whose lag is not known are left out. */
export const lags = (samples) => samples.filter((each) => each.lag !== null).map((each) => [each.at, each.lag]);

/** Return the chart of points, the newest at the right edge; `label` is what a screen reader says. */
export function chart(points, now, label) {
  const svg = node("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "chart", role: "img", "aria-label": label });
  const most = Math.max(1, ...points.map(([, value]) => value));
  const x = (at) => WIDTH * (1 - Math.min(SPAN_S, Math.max(0, now - at)) / SPAN_S);
  const y = (value) => HEIGHT - 2 - (HEIGHT - 6) * (value / most);
  svg.append(node("line", { x1: 0, x2: WIDTH, y1: HEIGHT - 1, y2: HEIGHT - 1, class: "axis" }));
  if (points.length > 1) {
    const path = points.map(([at, value]) => `${x(at).toFixed(1)},${y(value).toFixed(1)}`);
    const [first, last] = [points[0][0], points.at(-1)[0]].map((at) => x(at).toFixed(1));
    svg.append(node("polygon", { points: `${first},${HEIGHT} ${path.join(" ")} ${last},${HEIGHT}`, class: "area" }));
    svg.append(node("polyline", { points: path.join(" "), class: "line" }));
  }
  return { svg, most };
}

function node(name, attributes) {
  const made = document.createElementNS(NAMESPACE, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}
