// What of the faces fits the screen. Where there are fewer frames than places for bars, each frame has its own.

/** Make empty bars for every label: `{label: {sure, unsure}}`. */
function emptyBars(labels) {
  const empty = () => ({ left: [], right: [], bottom: [], top: [] });
  return Object.fromEntries(labels.map((label) => [label, { sure: empty(), unsure: empty() }]));
}

/** Collects bars of one row, those that touch and are alike as one. */
class BarWriter {
  constructor(bars, facts, bottom) {
    Object.assign(this, { bars, facts, bottom, label: -1 });
  }

  /** Add a bar; times in seconds, `height` in [0, 1]. */
  add(start, end, label, height) {
    const isSame = this.label === label && this.height === height && start <= this.end + 1e-9;
    if (!isSame) {
      this.flush();
      Object.assign(this, { start, label, height });
    }
    this.end = end;
  }

  /** Write the bar under way. */
  flush() {
    if (this.label < 0) return;
    const kind = this.height < this.facts.minConfidence ? "unsure" : "sure";
    const bars = this.bars[this.facts.labels[this.label]][kind];
    bars.left.push(1000 * this.start);
    bars.right.push(1000 * this.end);
    bars.bottom.push(this.bottom);
    bars.top.push(this.bottom + this.facts.rowHeight * this.height);
    this.label = -1;
  }
}

/** Add the bars of one track: the strongest smoothed expression and its probability, from `start` to `end`. */
function addBars(faces, index, start, end, places, bars, bottom) {
  const [from, to] = faces.range(index, start, end);
  const writer = new BarWriter(bars, faces.facts, bottom);
  if (to - from <= places) addExactBars(faces, from, to, writer);
  else addReducedBars(faces, from, to, start, (end - start) / places, writer);
  writer.flush();
}

/** A bar for each frame. */
function addExactBars(faces, from, to, writer) {
  const { smooth_expression: labels, smooth_confidence: heights } = faces.columns;
  for (let row = from; row < to; row++) {
    writer.add(faces.time(row), faces.end(row), labels[row], heights[row] * faces.steps.smooth_confidence);
  }
}

/** A bar for each place: the expression that stands in most of its frames, and the highest of its probabilities. */
function addReducedBars(faces, from, to, start, width, writer) {
  const { smooth_expression: labels, smooth_confidence: heights, place } = faces.columns;
  const step = faces.steps.smooth_confidence;
  const times = faces.times;
  const counts = new Int32Array(faces.facts.labels.length);
  const highest = new Int32Array(faces.facts.labels.length);
  let row = from;
  while (row < to) {
    const bin = Math.max(0, Math.floor((times[place[row]] - start) / width));
    const next = start + (bin + 1) * width;
    counts.fill(0);
    highest.fill(0);
    let best = labels[row];
    do {
      const label = labels[row];
      if (++counts[label] > counts[best]) best = label;
      if (heights[row] > highest[label]) highest[label] = heights[row];
      row++;
    } while (row < to && times[place[row]] < next);
    writer.add(start + bin * width, next, best, highest[best] * step);
    const last = row - 1; // which may stand for further places
    const until = start + Math.floor((faces.end(last) - start) / width) * width;
    if (until > next) writer.add(next, until, labels[last], heights[last] * step);
  }
}

/** Shares of face time from `start` to `end` in so many places, stacked, as bars by label. */
function stackedShares(faces, start, end, places) {
  const names = Object.keys(faces.facts.palette);
  const width = (end - start) / places;
  const sums = names.map(() => new Float64Array(places));
  for (let index = 0; index < faces.tracks.length; index++) {
    addSums(faces, faces.range(index, start, end), start, width, sums, names.indexOf("uncertain"));
  }
  return stacked(names, sums, start, width);
}

/** Add the seconds of rows to the places in which they begin, or in which they are long, to each that they touch. */
function addSums(faces, [from, to], start, width, sums, uncertain) {
  const { smooth_expression: labels, smooth_confidence: heights, place } = faces.columns;
  const least = faces.facts.minConfidence / faces.steps.smooth_confidence - 1e-9;
  const places = sums[0].length;
  for (let row = from; row < to; row++) {
    const sum = sums[heights[row] < least ? uncertain : labels[row]];
    const begins = Math.max(start, faces.times[place[row]]);
    const ends = faces.end(row);
    const first = Math.floor((begins - start) / width);
    const last = Math.min(places - 1, Math.floor((ends - start) / width));
    if (first >= last) {
      sum[Math.min(first, places - 1)] += ends - begins;
      continue;
    }
    for (let bin = first; bin <= last; bin++) {
      const share = Math.min(ends, start + (bin + 1) * width) - Math.max(begins, start + bin * width);
      sum[bin] += Math.max(0, share);
    }
  }
}

/** Stack sums to 100 in each place that has any. */
function stacked(names, sums, start, width) {
  const made = emptyBars(names);
  for (let bin = 0; bin < sums[0].length; bin++) {
    const total = sums.reduce((so, sum) => so + sum[bin], 0);
    let bottom = 0;
    for (let index = 0; total > 0 && index < names.length; index++) {
      if (!sums[index][bin]) continue;
      const top = bottom + (100 * sums[index][bin]) / total;
      const bars = made[names[index]].sure;
      bars.left.push(1000 * (start + bin * width));
      bars.right.push(1000 * (start + (bin + 1) * width));
      bars.bottom.push(bottom);
      bars.top.push(top);
      bottom = top;
    }
  }
  return made;
}

/** Valence and arousal of a track from `start` to `end`, at most `most` points; NaN where the face was away. */
function affectPath(faces, index, start, end, most) {
  const [from, to] = faces.range(index, start, end);
  const stride = Math.max(1, Math.ceil((to - from) / most));
  const path = { x: [], valence: [], arousal: [] };
  for (let row = from; row < to; row += stride) {
    const before = lastBeforeGap(faces, Math.max(from, row - stride), row);
    if (before >= 0) addGap(path, faces.end(before));
    path.x.push(1000 * faces.time(row));
    path.valence.push(faces.value("smooth_valence", row));
    path.arousal.push(faces.value("smooth_arousal", row));
  }
  return path;
}

/** The last row of [from, to) after which the face was away for long; -1 where it never was. */
function lastBeforeGap(faces, from, to) {
  for (let row = to; row > from; row--) if (faces.time(row) > faces.end(row - 1) + 0.5) return row - 1;
  return -1;
}

/** End a line. */
function addGap(path, time) {
  path.x.push(1000 * time);
  path.valence.push(NaN);
  path.arousal.push(NaN);
}
