// A row for each face over the last minute: the colour is the strongest expression, the height its probability.

const SPAN_S = 60;
const STEP_S = 0.1;
const BRIDGED_STEPS = 5; // an answer stands until the next one, if that comes within half a second
const MOST_ROWS = 8;
const ROW_PX = 44;
const AXIS_PX = 20;
const NAME_PX = 58;
const LABEL_FONT = "600 12px system-ui, sans-serif";
const AXIS_FONT = "12px system-ui, sans-serif";

export class Timeline {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.reset();
  }

  // Times begin anew where the program does.
  reset() {
    this.rows = new Map(); // track: [{ step, best, confidence, isSure }], one for each step of time
    this.now = 0;
  }

  add(timeS, faces) {
    this.now = Math.max(this.now, timeS);
    const step = Math.floor(timeS / STEP_S);
    for (const face of faces) {
      if (!this.rows.has(face.track)) this.rows.set(face.track, []);
      const cells = this.rows.get(face.track);
      const cell = { step, best: face.best, confidence: face.confidence, isSure: face.isSure };
      if (cells.at(-1)?.step === step) cells[cells.length - 1] = cell;
      else cells.push(cell);
    }
    const first = Math.floor((this.now - SPAN_S) / STEP_S);
    for (const [track, cells] of this.rows) {
      while (cells.length && cells[0].step < first) cells.shift();
      if (!cells.length) this.rows.delete(track);
    }
  }

  draw() {
    const { canvas, context } = this;
    const latest = [...this.rows].sort(([, a], [, b]) => b.at(-1).step - a.at(-1).step).slice(0, MOST_ROWS);
    const rows = latest.sort(([a], [b]) => a - b);
    const height = Math.max(1, rows.length) * ROW_PX + AXIS_PX;
    canvas.style.height = `${height}px`;
    const width = canvas.clientWidth;
    const [pixelsWide, pixelsHigh] = [width, height].map((length) => Math.round(length * devicePixelRatio));
    if (canvas.width !== pixelsWide || canvas.height !== pixelsHigh) {
      canvas.width = pixelsWide;
      canvas.height = pixelsHigh;
    }
    const style = getComputedStyle(canvas);
    const theme = {};
    for (const name of ["lane", "ink", "soft", "line"]) theme[name] = style.getPropertyValue(`--${name}`);
    context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
    context.clearRect(0, 0, width, height);
    const soft = this.#resolved(theme.soft);
    const place = (timeS) => NAME_PX + ((timeS - this.now + SPAN_S) / SPAN_S) * (width - NAME_PX);
    if (!rows.length) this.#lane(0, width, this.#resolved(theme.lane));
    rows.forEach(([track, cells], index) => {
      const top = index * ROW_PX;
      this.#lane(top, width, this.#resolved(theme.lane));
      context.fillStyle = this.#resolved(theme.ink);
      context.font = AXIS_FONT;
      context.textBaseline = "middle";
      context.textAlign = "left";
      context.fillText(`Face ${track}`, 2, top + ROW_PX / 2);
      for (const run of runs(cells)) this.#run(run, top, place);
    });
    this.#axis(height, width, place, soft);
  }

  // A canvas knows no light-dark(): the page's own colours come from an element that uses them.
  #resolved(value) {
    const probe = this.canvas.ownerDocument.body;
    this.cache ??= new Map();
    const isDark = matchMedia("(prefers-color-scheme: dark)").matches;
    const key = `${value} ${isDark}`;
    if (!this.cache.has(key)) {
      const element = document.createElement("span");
      element.style.color = value;
      probe.append(element);
      this.cache.set(key, getComputedStyle(element).color);
      element.remove();
    }
    return this.cache.get(key);
  }

  #lane(top, width, colour) {
    this.context.fillStyle = colour;
    this.context.fillRect(NAME_PX, top + 2, width - NAME_PX, ROW_PX - 4);
  }

  #run(cells, top, place) {
    const { context } = this;
    const full = ROW_PX - 4;
    context.fillStyle = cells[0].best.colour;
    for (const [index, cell] of cells.entries()) {
      const next = cells[index + 1]?.step ?? cell.end;
      const [left, right] = [place(cell.step * STEP_S), place(next * STEP_S)];
      const from = Math.max(NAME_PX, left);
      const height = full * cell.confidence;
      context.globalAlpha = cell.isSure ? 1 : 0.45;
      context.fillRect(from, top + 2 + full - height, right - from + 0.5, height);
    }
    context.globalAlpha = 1;
    const start = Math.max(NAME_PX, place(cells[0].step * STEP_S));
    const end = place(cells.at(-1).end * STEP_S);
    context.font = LABEL_FONT;
    const { name, ink } = cells[0].best;
    const isHigh = Math.min(...cells.map((cell) => cell.confidence)) * full > 18;
    if (isHigh && cells.every((cell) => cell.isSure) && context.measureText(name).width + 10 < end - start) {
      context.fillStyle = ink;
      context.textAlign = "left";
      context.textBaseline = "bottom";
      context.fillText(name, start + 5, top + ROW_PX - 4);
    }
  }

  #axis(height, width, place, colour) {
    const { context } = this;
    context.fillStyle = colour;
    context.font = AXIS_FONT;
    context.textBaseline = "bottom";
    const every = width < 500 ? 20 : 10;
    for (let ago = 0; ago < SPAN_S; ago += every) {
      const left = place(this.now - ago);
      context.textAlign = ago ? "center" : "right";
      context.fillText(ago ? `−${ago} s` : "now", left, height);
    }
  }
}

// Cells side by side with the same expression, equally sure.
function* runs(cells) {
  let run = [];
  for (const [index, cell] of cells.entries()) {
    const last = run.at(-1);
    const next = cells[index + 1]?.step ?? Infinity;
    cell.end = next - cell.step <= BRIDGED_STEPS ? next : cell.step + 1;
    if (last && (cell.step !== last.end || cell.best !== last.best || cell.isSure !== last.isSure)) {
      yield run;
      run = [];
    }
    run.push(cell);
  }
  if (run.length) yield run;
}
