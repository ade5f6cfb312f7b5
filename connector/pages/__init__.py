"""What the web pages have in common: how their files are served, style, language. No library, no outside resource.

A page is three plain files in the folder `static` of its package: `NAME.html`, `NAME.js` (a module) and, where the
shared style is not enough, `NAME.css`. Its routes:

    from connector.pages.files import page_routes

    routes = page_routes("connector.observe", {"/": "status.html"})

They serve the page at its path, everything else of its folder at `/static/…`, and the shared files there too:

- `/static/page.css`: light and dark by the reader's system, down to the width of a phone. Classes: `bar` (the header),
  `panel`, `cards` and `card`, `muted`, `good`, `warn`, `bad`, `badge`, `scroll` (around a wide table), `number`.
- `/static/page.js`: the language (by the browser, switchable), and how elements are made:

      import { start, element } from "/static/page.js";
      const page = start({ en: { title: "Status" }, zh: { title: "状态" } }, render);
      element("p", { class: "muted" }, page.text("title"));

  In the HTML, `data-text="title"` has its text set, `data-label="…"` its aria-label, `data-hint="…"` its title; where
  the header has `<span id="language"></span>`, the switch is put there. `render` is called after each change of the
  language. Texts are set as text and never as HTML.
- `/static/json.js`: `coloured(text)`, JSON as coloured elements.

The header `content-security-policy` lets a page load and call nothing but its own server, and no script or style stand
in the HTML. Tests: the fixture `browser`, see tests/support/browser.py.
"""
