// A text area with numbered lines, of which some are marked. It stays a text area: keyboard and screen reader as usual.

import { element } from "/static/page.js";

export class Editor {
  /** `node` is an empty element, whose `data-label` names the text area; `changed` is called after each change. */
  constructor(node, changed) {
    this.area = element("textarea", { spellcheck: "false", autocapitalize: "off", autocomplete: "off", wrap: "off", "data-label": node.dataset.label });
    this.area.id = `${node.id}-text`;
    node.removeAttribute("data-label");
    this.numbers = element("div");
    this.marks = element("div", { class: "marks", "aria-hidden": "true" });
    const gutter = element("div", { class: "gutter", "aria-hidden": "true" }, this.numbers);
    node.append(gutter, element("div", { class: "body" }, this.marks, this.area));
    this.found = [];
    this.area.addEventListener("scroll", () => this.#scrolled());
    this.area.addEventListener("input", () => {
      this.#draw();
      changed();
    });
  }

  get value() {
    return this.area.value;
  }

  set value(text) {
    this.area.value = text;
    this.#draw();
  }

  /** Mark lines: a list of { line, severity: "error" | "warning" }. */
  mark(found) {
    this.found = found;
    this.#draw();
    this.area.setAttribute("aria-invalid", found.some((each) => each.severity === "error"));
  }

  /** Put the cursor at a place, counted from 1: a column is a character, of which JavaScript may count two units. */
  goTo(line, column) {
    const lines = this.area.value.split("\n");
    const before = lines.slice(0, line - 1).reduce((sum, each) => sum + each.length + 1, 0);
    const at = before + Array.from(lines[line - 1] ?? "").slice(0, column - 1).join("").length;
    this.area.focus();
    this.area.setSelectionRange(at, at);
    const height = this.#lineHeight();
    if (line * height < this.area.scrollTop || (line + 1) * height > this.area.scrollTop + this.area.clientHeight)
      this.area.scrollTop = Math.max(0, (line - 4) * height);
  }

  #draw() {
    const worst = new Map();
    for (const { line, severity } of this.found) if (worst.get(line) !== "error") worst.set(line, severity);
    const count = this.area.value.split("\n").length;
    const numbers = Array.from({ length: count }, (_, index) => element("span", { class: worst.get(index + 1) ?? null }, `${index + 1}`));
    this.numbers.replaceChildren(...numbers);
    this.marks.replaceChildren(
      ...[...worst].filter(([line]) => line <= count).map(([line, severity]) => {
        const mark = element("span", { class: severity });
        mark.style.top = `${(line - 1) * 1.5}em`;
        return mark;
      }),
    );
    this.#scrolled();
  }

  #scrolled() {
    const moved = `translateY(${-this.area.scrollTop}px)`;
    this.numbers.style.transform = moved;
    this.marks.style.transform = moved;
  }

  #lineHeight() {
    return parseFloat(getComputedStyle(this.area).lineHeight);
  }
}
