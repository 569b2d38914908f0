// A table whose columns sort and whose rows filter.

const MOST_SHOWN = 300;

/** Name an expression with the colour of what is shown of it, which may be that it is uncertain. */
function named(shown, expression, palette) {
  const text = shown === expression ? shown : `${shown} (${expression})`;
  return element("span", { class: "named" }, dot(palette[shown]), text);
}

class DataTable {
  /**
   * Fill a `<table>`.
   *
   * `columns`: `{name, key, show, align}`, where `key(row)` is what is sorted by, and `show(row)` a text or an element.
   * `state` tells how many of the rows are shown.
   */
  constructor(table, columns, state) {
    Object.assign(this, { table, columns, state, rows: [], keeps: () => true, sorted: null, isFalling: false });
    this.heads = columns.map((column, index) => this.head(column, index));
    this.body = element("tbody");
    table.replaceChildren(
      ...table.querySelectorAll("caption"),
      element("thead", {}, element("tr", {}, ...this.heads)),
      this.body,
    );
  }

  /** Make the head of a column, with its button. */
  head(column, index) {
    const button = element("button", { type: "button", click: () => this.sortBy(index) }, column.name);
    return element("th", { scope: "col", class: column.align ?? "" }, button);
  }

  /** Sort by a column, or the other way round where it is sorted by that already. */
  sortBy(index) {
    this.isFalling = this.sorted === index ? !this.isFalling : false;
    this.sorted = index;
    this.heads.forEach((head, place) => {
      if (place === index) head.setAttribute("aria-sort", this.isFalling ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    });
    this.show();
  }

  /** Take rows; `total` is how many there are where these are not all. */
  setRows(rows, total = rows.length) {
    this.rows = rows;
    this.total = total;
    this.show();
  }

  /** Keep the rows for which a function returns true. */
  filter(keeps) {
    this.keeps = keeps;
    this.show();
  }

  /** Return the rows that are kept, in order. */
  kept() {
    const kept = this.rows.filter(this.keeps);
    if (this.sorted === null) return kept;
    const { key } = this.columns[this.sorted];
    const sign = this.isFalling ? -1 : 1;
    return kept.sort((a, b) => sign * compare(key(a), key(b)));
  }

  /** Show the first rows of those that are kept. */
  show() {
    const kept = this.kept();
    const shown = kept.slice(0, MOST_SHOWN);
    this.body.replaceChildren(...shown.map((row) => this.line(row)));
    if (this.state) this.state.textContent = this.describe(shown.length, kept.length);
  }

  /** Say how many rows are shown. */
  describe(shown, kept) {
    const total = this.total ?? this.rows.length;
    const rows = total === 1 ? "row" : "rows";
    if (shown === total) return `${total} ${rows}`;
    if (kept === total || total > this.rows.length) return `${shown} of ${total} rows; zoom in or filter for the others`;
    return shown === kept ? `${kept} of ${total} ${rows}` : `${shown} of ${kept} rows that fit`;
  }

  /** Make the line of a row. */
  line(row) {
    const cells = this.columns.map(({ show, align }) => element("td", { class: align ?? "" }, show(row)));
    return element("tr", {}, ...cells);
  }
}
