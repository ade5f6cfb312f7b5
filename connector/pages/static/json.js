// JSON as coloured elements. It is given as text, because a number of JavaScript can't hold every number of JSON.

import { element } from "/static/page.js";

const TOKENS = /("(?:[^"\\]|\\.)*")(\s*:)?|(-?\d[\d.eE+-]*)|\b(true|false|null)\b/g;

/** Return a <pre> with the text, its names, texts, numbers and words in classes of their own. */
export function coloured(text) {
  const parts = [];
  let end = 0;
  for (const token of text.matchAll(TOKENS)) {
    const [whole, quoted, colon, number] = token;
    parts.push(text.slice(end, token.index));
    if (quoted) parts.push(element("span", { class: colon ? "name" : "text" }, quoted), colon ?? "");
    else parts.push(element("span", { class: number ? "number" : "word" }, whole));
    end = token.index + whole.length;
  }
  return element("pre", { class: "json" }, ...parts, text.slice(end));
}
