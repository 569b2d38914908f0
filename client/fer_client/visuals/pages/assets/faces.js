// The faces of a result in columns, one track after the other, and look-ups by time.

class Faces {
  constructor(facts, { columns, counts, steps, step }, bytes) {
    this.facts = facts;
    this.steps = steps;
    this.step = step;
    this.columns = unpackColumns(columns, bytes);
    this.times = risen(this.columns.time_s.map((ticks) => ticks * steps.time_s));
    this.tracks = facts.tracks;
    this.starts = [0];
    for (const count of counts) this.starts.push(this.starts.at(-1) + count);
  }

  /** Time of a row's frame in seconds. */
  time(row) {
    return this.times[this.columns.place[row]];
  }

  /** When the row's answer ends: at the next analysed frame. */
  end(row) {
    const next = this.columns.place[row] + 1;
    return next < this.times.length ? this.times[next] : this.facts.end_s;
  }

  /** Value of a column as the table has it; an expression as its label; undefined where there is none. */
  value(name, row) {
    const column = this.columns[name];
    if (!column || (name === "detection_score" && column[row] < 0)) return undefined;
    return name.endsWith("expression") ? this.facts.labels[column[row]] : column[row] * this.steps[name];
  }

  /** What is shown of a row's smoothed answer. */
  shown(row) {
    return shownOf(this.value("smooth_expression", row), this.value("smooth_confidence", row), this.facts);
  }

  /** Whether the page has a column. */
  has(name) {
    return name in this.columns;
  }

  /** Rows [from, to) of a track, by its index, that stand at some time in [start, end). */
  range(index, start, end) {
    const [low, high] = [this.starts[index], this.starts[index + 1]];
    let from = this.firstAfter(low, high, start);
    if (from > low && this.end(from - 1) > start) from--;
    return [from, this.firstFrom(from, high, end)];
  }

  /** The row of a track, by its index, that stands at a time; -1 where the face is away. */
  rowAt(index, time) {
    const [low, high] = [this.starts[index], this.starts[index + 1]];
    const row = this.firstAfter(low, high, time) - 1;
    return row >= low && this.end(row) > time ? row : -1;
  }

  /** The first row of [low, high) whose time is above `time`. */
  firstAfter(low, high, time) {
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.time(middle) > time) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** The first row of [low, high) whose time is not below `time`. */
  firstFrom(low, high, time) {
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.time(middle) >= time) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

/** What is shown of an expression: itself, or that it is uncertain; times a step, a confidence is off by a rounding. */
function shownOf(expression, confidence, { minConfidence }) {
  return confidence < minConfidence - 1e-9 ? "uncertain" : expression;
}

/** Let times that go backwards, as in a damaged file, stand still, so that they can be searched. */
function risen(times) {
  for (let i = 1; i < times.length; i++) if (times[i] < times[i - 1]) times[i] = times[i - 1];
  return times;
}
