// Valence and arousal of one face, over time and as a path.

const MOST_POINTS = 1500;

/** Draw the face that the reader has chosen, and again whenever another stretch is shown or time goes on. */
function watchAffect(faces, timeline, player, document) {
  const choice = byId("affect-face");
  const draw = () => drawAffect(faces, timeline.shown, Number(choice.value), document);
  const place = () => placeOnPath(faces, Number(choice.value), player.time, document);
  choice.addEventListener("change", () => {
    draw();
    place();
  });
  timeline.watch(draw);
  player.watch(oncePerPicture(place));
  place();
}

/** Fill both figures. */
function drawAffect(faces, [start, end], index, document) {
  const path = affectPath(faces, index, start, end, MOST_POINTS);
  fill(document, "affect/points", path);
  fill(document, "path/points", { x: path.valence, y: path.arousal });
}

/** Mark where the face is at a time. */
function placeOnPath(faces, index, time, document) {
  const row = faces.rowAt(index, time);
  const here = row < 0 ? [[], []] : [[faces.value("smooth_valence", row)], [faces.value("smooth_arousal", row)]];
  fill(document, "path/place", { x: here[0], y: here[1] });
}
