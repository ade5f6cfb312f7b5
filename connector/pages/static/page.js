// The language of a page and the making of its elements: see connector/pages/__init__.py.

const NAMES = { en: "English", zh: "中文" };
const STORED = "language";
const FILLED = [
  ["data-text", (node, text) => (node.textContent = text)],
  ["data-label", (node, text) => node.setAttribute("aria-label", text)],
  ["data-hint", (node, text) => node.setAttribute("title", text)],
];

/**
 * Show the page in the reader's language, and again by `render` whenever it changes.
 * `texts` holds a table per language; both have the same keys. Returns { language, text(key, values) }.
 */
export function start(texts, render = () => {}) {
  const page = {
    language: chosen(),
    /** The text of a key, with `{name}` replaced by `values.name`. */
    text(key, values = {}) {
      const found = texts[page.language][key];
      if (found === undefined) console.error(`no text for ${key} in ${page.language}`);
      return (found ?? key).replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
    },
    /** Whether there is a text of this key. */
    has: (key) => texts[page.language][key] !== undefined,
  };
  const show = () => {
    document.documentElement.lang = page.language === "zh" ? "zh-CN" : "en";
    fill(page);
    render(page);
  };
  putSwitch(page, show);
  queueMicrotask(show); // after the caller has its result, which `render` needs
  return page;
}

/** Make an element. An attribute that is a function listens to the event of its name; null and false leave one out. */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(name, value);
    else if (value !== null && value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== false));
  return made;
}

/** Replace the children of an element. */
export function replace(parent, ...children) {
  parent.replaceChildren(...children.flat().filter((child) => child !== null && child !== false));
}

/**
 * Make the children of an element like others. What is equal stays as it is: selected text stays selected, and a screen
 * reader has nothing new to read. Elements that listen to events belong into `replace`.
 */
export function patch(parent, ...children) {
  const wanted = children.flat().filter((child) => child !== null && child !== false);
  wanted.forEach((child, index) => {
    const now = parent.childNodes[index];
    if (now === undefined) parent.append(child);
    else if (now.isEqualNode(child)) return;
    else if (now.nodeType === Node.TEXT_NODE && child.nodeType === Node.TEXT_NODE) now.data = child.data;
    else if (now.cloneNode().isEqualNode(child.cloneNode())) patch(now, ...child.childNodes);
    else now.replaceWith(child);
  });
  while (parent.childNodes.length > wanted.length) parent.lastChild.remove();
}

/** Set the text of an element, if it is another one. */
export function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

function chosen() {
  const wanted = [stored(), ...navigator.languages];
  return wanted.map((each) => each?.slice(0, 2).toLowerCase()).find((each) => each in NAMES) ?? "en";
}

function stored() {
  try {
    return localStorage.getItem(STORED);
  } catch {
    return null; // the reader allows no storage
  }
}

function fill(page) {
  for (const [attribute, set] of FILLED)
    for (const node of document.querySelectorAll(`[${attribute}]`)) set(node, page.text(node.getAttribute(attribute)));
}

function putSwitch(page, show) {
  const place = document.getElementById("language");
  if (!place) return;
  const buttons = Object.entries(NAMES).map(([language, name]) => {
    const choose = () => {
      page.language = language;
      try {
        localStorage.setItem(STORED, language);
      } catch {
        // it lasts as long as the page
      }
      mark();
      show();
    };
    return element("button", { type: "button", class: "plain", lang: language, "data-language": language, click: choose }, name);
  });
  const mark = () => buttons.forEach((each) => each.setAttribute("aria-pressed", each.lang === page.language));
  mark();
  place.replaceChildren(...buttons);
}
