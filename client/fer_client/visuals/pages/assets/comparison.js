// A comparison: two timelines that move together, and tables of the differences.

/** Start the page. */
async function startComparison() {
  const facts = readBlock("facts");
  const tables = readBlock("tables");
  for (const table of tables) showDifferences(table, facts);
  byId("export").addEventListener("click", () => saveText("comparison.csv", differencesCsv(tables)));
  const document_ = readBlock("figures");
  if (document_) await startTimelines(facts, document_);
  else watchTheme(() => {});
  document.documentElement.dataset.state = "ready";
}

/** Draw the timelines and connect what moves them. */
async function startTimelines(facts, figures) {
  await loadBokeh();
  const { document: model, views } = await embedFigures(figures);
  watchTheme(() => colourFigures(views));
  const timelines = new LinkedTimelines(model, facts);
  const actions = {
    "zoom-in": () => timelines.zoom(0.5),
    "zoom-out": () => timelines.zoom(2),
    earlier: () => timelines.move(-0.5),
    later: () => timelines.move(0.5),
    "zoom-all": () => timelines.showAll(),
  };
  for (const [id, action] of Object.entries(actions)) byId(id).addEventListener("click", action);
  watchComparisonKeys(actions);
  markPointer(views);
  connectPrinting({ views });
  globalThis.comparison = { timelines };
}

/** Mark the same place in both timelines, under the pointer. */
function markPointer(views) {
  const lines = Object.values(views).map(({ model, frame }) => {
    const line = element("div", { class: "cursor", hidden: true, "aria-hidden": "true" });
    byId(`figure-${model.name}`).append(line);
    return { line, frame };
  });
  const show = ({ clientX, currentTarget }) => {
    const left = clientX - currentTarget.getBoundingClientRect().left;
    for (const { line, frame } of lines) {
      line.hidden = left < frame.bbox.left || left > frame.bbox.right;
      line.style.transform = `translateX(${left}px)`;
      line.style.top = `${frame.bbox.top}px`;
      line.style.height = `${frame.bbox.height}px`;
    }
  };
  for (const { line } of lines) {
    line.parentElement.addEventListener("pointermove", show);
    line.parentElement.addEventListener("pointerleave", () => lines.forEach((other) => (other.line.hidden = true)));
  }
}

/** The keys that the timelines of a report have too. */
function watchComparisonKeys(actions) {
  const keys = { "+": "zoom-in", "=": "zoom-in", "-": "zoom-out", "[": "earlier", "]": "later", 0: "zoom-all" };
  addEventListener("keydown", (event) => {
    const id = keys[event.key];
    if (!id || event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, select")) return;
    event.preventDefault();
    actions[id]();
  });
}

/** Two ranges of time of which one is the other, moved by an offset. */
class LinkedTimelines {
  constructor(model, { durations, offset }) {
    Object.assign(this, { durations, offset });
    [this.a, this.b] = ["a/time", "b/time"].map((name) => model.get_model_by_name(name));
    this.listen(this.a, () => this.follow(this.b, this.a, -this.offset));
    this.listen(this.b, () => this.follow(this.a, this.b, this.offset));
    const field = byId("offset");
    field.value = offset;
    field.addEventListener("change", () => {
      if (Number.isFinite(field.valueAsNumber)) this.setOffset(field.valueAsNumber);
      else field.value = this.offset;
    });
    this.setOffset(offset);
  }

  /** Call a function when a range has changed. */
  listen(range, changed) {
    for (const edge of ["start", "end"]) range.properties[edge].change.connect(changed);
  }

  /** Let one range show what the other does. */
  follow(range, other, shift) {
    const [start, end] = [other.start + shift, other.end + shift];
    if (Math.abs(range.start - start) > 1e-6 || Math.abs(range.end - end) > 1e-6) range.setv({ start, end });
    byId("shown").textContent = `${clock(this.a.start)} to ${clock(this.a.end)} of A`;
  }

  /** First and last second, on A's axis, that there is something of. */
  get whole() {
    const [a, b] = this.durations;
    return [Math.min(0, this.offset), Math.max(a, b + this.offset)];
  }

  /** Say at which second of A the first frame of B stands, and show everything. */
  setOffset(offset) {
    this.offset = offset;
    const [start, end] = this.whole;
    this.a.bounds = this.b.bounds = null;
    this.a.setv({ start, end });
    this.follow(this.b, this.a, -offset);
    this.a.bounds = [start, end];
    this.b.bounds = [start - offset, end - offset];
  }

  /** Show a stretch, in seconds of A, moved or cut to lie in the whole. */
  show(start, end) {
    const [first, last] = this.whole;
    const length = Math.min(Math.max(end - start, 0.1), last - first);
    const from = Math.min(Math.max(start, first), last - length);
    this.a.setv({ start: from, end: from + length });
  }

  /** Show a stretch `factor` times as long, around the middle. */
  zoom(factor) {
    const { start, end } = this.a;
    const [centre, half] = [(start + end) / 2, ((end - start) / 2) * factor];
    this.show(centre - half, centre + half);
  }

  /** Move the stretch by a share of its length. */
  move(share) {
    const { start, end } = this.a;
    this.show(start + share * (end - start), end + share * (end - start));
  }

  /** Show everything. */
  showAll() {
    this.show(...this.whole);
  }
}

/** Fill a table of differences. */
function showDifferences({ id, isShare, rows }, facts) {
  const most = Math.max(...rows.flatMap(({ difference, low, high }) => [difference, low ?? 0, high ?? 0].map(Math.abs)));
  const limit = Math.max(0.1, Math.ceil(most * 10 - 1e-9) / 10);
  const value = (name) => ({
    name: name.toUpperCase(),
    key: (row) => row[name],
    align: "number",
    show: (row) => (isShare ? shareCell(row, name, facts.palette) : fixed(row[name], 2)),
  });
  const columns = [
    { name: isShare ? "Expression" : "Value", key: (row) => row.name, show: (row) => nameCell(row, facts.palette) },
    value("a"),
    value("b"),
    { name: "B − A", key: (row) => row.difference, align: "number", show: (row) => points(row.difference, isShare) },
    { name: facts.interval, key: (row) => row.low, align: "number", show: (row) => reach(row, isShare) },
    { name: `Plot, ± ${isShare ? `${Math.round(100 * limit)} points` : limit}`, key: (row) => row.difference, align: "wide", show: (row) => plot(row, limit) },
    { name: "Finding", key: (row) => row.finding, show: (row) => (isClear(row) ? element("b", {}, row.finding) : row.finding) },
  ];
  new DataTable(byId(`${id}-table`), columns).setRows(rows);
}

/** Name a row, with the colour of its expression. */
function nameCell({ name }, palette) {
  return name in palette ? element("span", {}, dot(palette[name]), name) : name;
}

/** Show a share as a bar and a number; bars of B are hatched. */
function shareCell(row, name, palette) {
  const style = `width: ${100 * row[name]}%; background-color: ${palette[row.name]}`;
  const track = element("span", { class: "track" }, element("span", { class: name, style }));
  return element("span", { class: "value" }, track, element("span", { class: "text" }, percent(row[name])));
}

/** Write a difference with its sign: of shares in percentage points, below 1 with a decimal. */
function points(value, isShare) {
  const size = Math.abs(isShare ? 100 * value : value);
  const decimals = isShare ? Number(size < 0.95) : 2;
  const shown = size.toFixed(decimals);
  return Number(shown) ? `${value > 0 ? "+" : "−"}${shown}` : "0";
}

/** Write the limits of an interval. */
function reach({ low, high }, isShare) {
  return low === null ? "–" : `${points(low, isShare)} to ${points(high, isShare)}`;
}

/** Whether 0 lies outside the interval. */
function isClear({ low, high }) {
  return low !== null && (low > 0 || high < 0);
}

/** Draw a difference and its interval on a line from -limit to limit. */
function plot(row, limit) {
  const place = (value) => 50 + (50 * Math.max(-limit, Math.min(limit, value))) / limit;
  const parts = [element("span", { class: "zero", style: "left: 50%" })];
  if (row.low !== null) {
    const left = place(row.low);
    parts.push(element("span", { class: "reach", style: `left: ${left}%; width: ${place(row.high) - left}%` }));
  }
  parts.push(element("span", { class: "point", style: `left: ${place(row.difference)}%` }));
  const kind = row.low === null ? "untold" : isClear(row) ? "clear" : "";
  return element("div", { class: `plot ${kind}`, "aria-hidden": "true" }, ...parts);
}

/** Write all rows as CSV, with the columns of comparison.csv. */
function differencesCsv(tables) {
  const names = ["quantity", "expression", "a", "b", "difference", "low", "high", "finding"];
  const rows = tables.flatMap(({ id, isShare, rows: own }) =>
    own.map((row) => [
      isShare ? id.replaceAll("-", "_") : row.name.replaceAll(" ", "_"),
      isShare ? row.name : null,
      ...["a", "b", "difference", "low", "high"].map((name) => row[name]),
      row.finding,
    ]),
  );
  return asCsv(names, rows);
}

startComparison().catch((error) => {
  byId("failure").textContent = error.message;
  byId("failure").hidden = false;
  document.documentElement.dataset.state = "failed";
  throw error;
});
