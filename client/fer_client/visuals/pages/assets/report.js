// A report: reads what the page holds, draws it, and connects the parts.

/** Start the page. */
async function startReport() {
  const facts = readBlock("facts");
  const player = new Player(openVideo(facts.media), facts);
  await loadBokeh();
  const faces = new Faces(facts, readBlock("faces"), await gunzip(takeBytes("packed-faces")));
  const figures = await embedFigures(readBlock("figures"));
  watchTheme(() => colourFigures(figures.views));
  const timeline = new Timeline(faces, figures, player);
  if ("affect" in figures.views) watchAffect(faces, timeline, player, figures.document);
  const episodes = JSON.parse(new TextDecoder().decode(await gunzip(takeBytes("packed-episodes"))));
  connectTables(faces, episodes, player, timeline);
  connectButtons(player, timeline);
  connectPrinting(timeline);
  watchNow(faces, player);
  watchKeys(player, timeline, episodes);
  player.tell(facts.start_s);
  document.documentElement.dataset.state = "ready";
  globalThis.report = { faces, timeline, player };
}

/** Fill the tables, and let the filters and the stretch in view choose their rows. */
function connectTables(faces, episodes, player, timeline) {
  const [face, expression, isInView] = ["filter-face", "filter-expression", "filter-view"].map(byId);
  const keeps = (track, label) =>
    (!face.value || Number(face.value) === track) && (!expression.value || expression.value === label);
  const episodesTable = showEpisodes(episodes, faces.facts, player, timeline);
  const rows = showRows(faces, player, timeline);
  const update = () => {
    const [start, end] = timeline.shown;
    const isThere = ({ start_s, end_s }) => !isInView.checked || (start_s < end && end_s > start);
    episodesTable.filter((episode) => keeps(episode.track, shownOf(episode.expression, episode.mean, faces.facts)) && isThere(episode));
    if (byId("rows").open) rows.update(start, end, keeps);
  };
  for (const choice of [face, expression, isInView]) choice.addEventListener("change", update);
  byId("rows").addEventListener("toggle", update);
  timeline.watchSettled(() => (isInView.checked || byId("rows").open) && update());
  update();
  timeline.watch((start, end) => {
    byId("shown").textContent = `${clock(start)} to ${clock(end)}`;
  });
  byId("export").addEventListener("click", () => {
    const [start, end] = timeline.shown;
    saveText(`${faces.facts.stem} ${clock(start)} to ${clock(end)}.csv`.replaceAll(":", "."), exportCsv(faces, start, end, keeps));
  });
}

/** Let the buttons above the timeline work. */
function connectButtons(player, timeline) {
  const actions = {
    "zoom-in": () => timeline.zoom(0.5),
    "zoom-out": () => timeline.zoom(2),
    earlier: () => timeline.move(-0.5),
    later: () => timeline.move(0.5),
    "zoom-all": () => timeline.showAll(),
    "open-help": () => byId("help").showModal(),
    "close-help": () => byId("help").close(),
  };
  for (const [id, action] of Object.entries(actions)) byId(id).addEventListener("click", action);
  for (const button of document.querySelectorAll("[data-time]")) {
    button.addEventListener("click", (event) => {
      player.seek(Number(button.dataset.time));
      timeline.reveal(player.time);
      letGo(event);
    });
  }
}

/** Tell what each face shows at the moment. */
function watchNow(faces, player) {
  const lines = faces.tracks.slice(0, faces.facts.rows).map((track) => {
    const line = element("li", {}, element("b", {}, `Face ${track}`), element("span"));
    byId("now").append(line);
    return line.lastChild;
  });
  const show = () => {
    byId("moment").textContent = clock(player.time, 2);
    lines.forEach((line, index) => showNow(line, faces, faces.rowAt(index, player.time)));
  };
  player.watch(oncePerPicture(show));
}

/** Write what a row tells, or that the face is away. */
function showNow(line, faces, row) {
  line.classList.toggle("away", row < 0);
  if (row < 0) {
    line.replaceChildren("not in the picture");
    return;
  }
  const expression = faces.value("smooth_expression", row);
  const probability = faces.value("smooth_confidence", row);
  const isUnsure = faces.shown(row) !== expression;
  line.replaceChildren(dot(faces.facts.palette[expression]), `${expression} ${percent(probability).replace(" ", "\u00a0")}${isUnsure ? ", uncertain" : ""}`);
}

startReport().catch((error) => {
  byId("failure").textContent = error.message;
  byId("failure").hidden = false;
  document.documentElement.dataset.state = "failed";
  throw error;
});
