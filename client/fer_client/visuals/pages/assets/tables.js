// The tables below the figures, and the export.

/** Columns of the export, as `faces.csv` names them. */
const EXPORTED = [
  ...["frame", "time_s", "track", "x", "y", "w", "h", "detection_score", "expression", "confidence"],
  ...["valence", "arousal", "smooth_expression", "smooth_confidence", "smooth_valence", "smooth_arousal"],
];

/** Rows in view that the table can sort; the export has all. */
const MOST_SORTED = 5000;

/** Fill the table of episodes and let the reader filter it. */
function showEpisodes(episodes, facts, player, timeline) {
  const go = (episode, time) => {
    player.seek(time);
    timeline.reveal(time);
  };
  const shown = ({ expression, mean }) => shownOf(expression, mean, facts);
  const columns = [
    { name: "Face", key: (row) => row.track, show: (row) => `Face ${row.track}` },
    { name: "Expression", key: shown, show: (row) => named(shown(row), row.expression, facts.palette) },
    { name: "From", key: (row) => row.start_s, align: "number", show: (row) => timeButton(row, row.start_s, go) },
    { name: "To", key: (row) => row.end_s, align: "number", show: (row) => clock(row.end_s, 2) },
    { name: "Length", key: (row) => row.duration_s, align: "number", show: (row) => `${row.duration_s.toFixed(2)} s` },
    { name: "Peak at", key: (row) => row.peak_s, align: "number", show: (row) => timeButton(row, row.peak_s, go) },
    { name: "Peak", key: (row) => row.peak, align: "number", show: (row) => percent(row.peak) },
    { name: "Mean", key: (row) => row.mean, align: "number", show: (row) => percent(row.mean) },
  ];
  const table = new DataTable(byId("episodes-table"), columns, byId("episodes-state"));
  table.setRows(episodes);
  return table;
}

/** Make a time that leads there. */
function timeButton(row, time, go) {
  const click = (event) => {
    go(row, time);
    letGo(event);
  };
  return element("button", { type: "button", class: "time", click }, clock(time, 2));
}

/** Keep the table of faces at the stretch that is shown. */
function showRows(faces, player, timeline) {
  const { facts } = faces;
  const shown = (row) => faces.shown(row.at);
  const number = (row, name) => faces.value(name, row.at);
  const columns = [
    { name: "Time", key: (row) => faces.time(row.at), align: "number", show: (row) => timeButton(row, faces.time(row.at), (_, time) => player.seek(time)) },
    { name: "Frame", key: (row) => frameOf(faces, row.at), align: "number", show: (row) => String(frameOf(faces, row.at)) },
    { name: "Face", key: (row) => row.track, show: (row) => `Face ${row.track}` },
    { name: "Expression", key: shown, show: (row) => named(shown(row), faces.value("smooth_expression", row.at), facts.palette) },
    { name: "Probability", key: (row) => number(row, "smooth_confidence"), align: "number", show: (row) => `${(100 * number(row, "smooth_confidence")).toFixed(1)} %` },
  ];
  for (const name of ["valence", "arousal"].filter((name) => faces.has(`smooth_${name}`))) {
    const key = (row) => number(row, `smooth_${name}`);
    columns.push({ name: name[0].toUpperCase() + name.slice(1), key, align: "number", show: (row) => fixed(key(row), 2) });
  }
  const table = new DataTable(byId("rows-table"), columns, byId("rows-state"));
  return { table, update: (start, end, keeps) => table.setRows(...rowsInView(faces, start, end, keeps)) };
}

/** Number of a row's frame among all decoded. */
function frameOf(faces, row) {
  return faces.columns.frame[faces.columns.place[row]];
}

/** Return the first rows in view, by time, that are kept, and how many there are. */
function rowsInView(faces, start, end, keeps, most = MOST_SORTED) {
  const spans = faces.tracks.map((track, index) => [track, ...faces.range(index, start, end)]);
  const total = spans.reduce((sum, [, from, to]) => sum + to - from, 0);
  const each = Math.ceil(most / Math.max(1, spans.filter(([, from, to]) => to > from).length));
  const rows = [];
  for (const [track, from, to] of spans) {
    const until = Math.min(to, from + each);
    for (let at = from; at < until; at++) if (keeps(track, faces.shown(at))) rows.push({ track, at });
  }
  rows.sort((a, b) => faces.columns.place[a.at] - faces.columns.place[b.at] || a.track - b.track);
  return [rows, total];
}

/** Return all rows of the stretch from `start` to `end` as CSV, with the columns that the page has. */
function exportCsv(faces, start, end, keeps) {
  const names = EXPORTED.filter((name) => name === "track" || faces.has(name));
  const [rows] = rowsInView(faces, start, end, keeps, Infinity);
  return asCsv(names, rows.map(({ track, at }) => names.map((name) => exported(faces, name, track, at))));
}

/** Write a value as the table does, with the decimals that the page has. */
function exported(faces, name, track, row) {
  if (name === "track") return track;
  if (name === "frame") return frameOf(faces, row);
  if (name === "time_s") return (faces.columns.time_s[faces.columns.place[row]] * faces.steps.time_s).toFixed(6);
  const value = faces.value(name, row);
  if (value === undefined) return undefined;
  return faces.steps[name] === 1 ? value : fixed(value, decimalsOf(faces.step));
}

/** Decimals that a step has: 3 of 0.005. */
function decimalsOf(step) {
  return Math.max(0, Math.ceil(-Math.log10(step)));
}
