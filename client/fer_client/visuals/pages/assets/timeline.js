// The timeline and what shares its times: drawn anew whenever another stretch is shown.

const PIXELS_PER_BAR = 2;
const PIXELS_PER_SHARE = 9;

/** Milliseconds without a change after which tables follow. */
const SETTLED_MS = 200;

class Timeline {
  constructor(faces, figures, player) {
    Object.assign(this, { faces, player, document: figures.document, views: figures.views, watchers: [], settled: [] });
    this.range = this.document.get_model_by_name("shown");
    const update = oncePerPicture(() => this.update());
    for (const edge of ["start", "end"]) this.range.properties[edge].change.connect(update);
    this.painters = Object.fromEntries(
      ["timeline", "overview", "shares"].map((name) => [name, new BarPainter(name, this.views[name], faces.facts.palette)]),
    );
    this.cursors = ["timeline", "overview", "shares", "affect"].filter((name) => name in this.views).map(addCursor);
    for (const { name } of this.cursors) this.listen(name);
    player.watch((time) => this.moveCursors(time));
    const resized = oncePerPicture(() => {
      this.drawOverview();
      this.update();
    });
    new ResizeObserver(() => setTimeout(resized, SETTLED_MS)).observe(byId("content"));
    this.drawOverview();
    this.update();
  }

  /** Start and end of the stretch that is shown, in seconds. */
  get shown() {
    return [this.range.start / 1000, this.range.end / 1000];
  }

  /** Call a function with start and end whenever another stretch is shown. */
  watch(watcher) {
    this.watchers.push(watcher);
    watcher(...this.shown);
  }

  /** Call a function with start and end once a stretch has been shown for a moment. */
  watchSettled(watcher) {
    this.settled.push(watcher);
    watcher(...this.shown);
  }

  /** Show a stretch, moved or cut to lie in the whole. */
  show(start, end) {
    const { start_s, end_s } = this.faces.facts;
    const length = Math.min(Math.max(end - start, 0.1), end_s - start_s);
    const from = Math.min(Math.max(start, start_s), end_s - length);
    this.range.setv({ start: 1000 * from, end: 1000 * (from + length) });
  }

  /** Show a stretch `factor` times as long, around the cursor where that is in view. */
  zoom(factor) {
    const [start, end] = this.shown;
    const isInView = this.player.time > start && this.player.time < end;
    const centre = isInView ? this.player.time : (start + end) / 2;
    this.show(centre - (centre - start) * factor, centre + (end - centre) * factor);
  }

  /** Move the stretch by a share of its length. */
  move(share) {
    const [start, end] = this.shown;
    this.show(start + share * (end - start), end + share * (end - start));
  }

  /** Show everything. */
  showAll() {
    this.show(this.faces.facts.start_s, this.faces.facts.end_s);
  }

  /** Bring a time into view. */
  reveal(time) {
    const [start, end] = this.shown;
    if (time < start || time > end) this.show(time - (end - start) / 10, time + (9 * (end - start)) / 10);
  }

  /** Draw what is in view. */
  update() {
    const [start, end] = this.shown;
    this.painters.timeline.paint(this.bars("timeline", start, end));
    const places = Math.max(10, Math.floor(this.width("shares") / PIXELS_PER_SHARE));
    this.painters.shares.paint(stackedShares(this.faces, start, end, places));
    for (const watcher of this.watchers) watcher(start, end);
    this.moveCursors(this.player.time);
    clearTimeout(this.settling);
    this.settling = setTimeout(() => this.settled.forEach((watcher) => watcher(start, end)), SETTLED_MS);
  }

  /** Draw the whole once more, small. */
  drawOverview() {
    this.painters.overview.paint(this.bars("overview", this.faces.facts.start_s, this.faces.facts.end_s));
  }

  /** Make the bars of all rows that a figure shows. */
  bars(figure, start, end) {
    const { facts } = this.faces;
    const bars = emptyBars(facts.labels);
    const places = Math.max(50, Math.floor(this.width(figure) / PIXELS_PER_BAR));
    for (let row = 0; row < facts.rows; row++) addBars(this.faces, row, start, end, places, bars, -row);
    return bars;
  }

  /** Pixels across the frame of a figure. */
  width(figure) {
    return this.views[figure].frame.bbox.width;
  }

  /** Let a click on a figure go to its time. */
  listen(name) {
    this.views[name].model.on_event("tap", ({ x }) => this.player.seek(x / 1000));
  }

  /** Put the lines that mark the time where they belong. */
  moveCursors(time) {
    for (const { name, line } of this.cursors) {
      const { frame, model } = this.views[name];
      const { start, end } = model.x_range;
      const share = (1000 * time - start) / (end - start);
      line.hidden = share < 0 || share > 1;
      line.style.transform = `translateX(${frame.bbox.left + share * frame.bbox.width}px)`;
      line.style.top = `${frame.bbox.top}px`;
      line.style.height = `${frame.bbox.height}px`;
    }
  }
}

/** Lay a line over a figure. It is no part of the figure, so that moving it draws nothing anew. */
function addCursor(name) {
  const line = element("div", { class: "cursor", "aria-hidden": "true" });
  byId(`figure-${name}`).append(line);
  return { name, line };
}
