// The index of a study: its inputs side by side, sorted and filtered.

/** Start the page. */
function startIndex() {
  const list = byId("entries");
  const entries = [...list.children];
  const update = () => {
    const shown = entries.filter(({ dataset }) => has(dataset.name, byId("filter").value));
    list.replaceChildren(...inOrder(shown, byId("order").value, byId("falling").checked));
    for (const entry of entries) if (!shown.includes(entry)) entry.querySelector("video")?.pause();
    byId("state").textContent = `${shown.length} of ${entries.length}`;
  };
  byId("order").addEventListener("change", () => {
    byId("falling").checked = byId("order").value !== "name"; // of lengths and shares, the largest are looked for
    update();
  });
  for (const id of ["falling", "filter"]) byId(id).addEventListener("input", update);
  watchVideos(list);
  watchTheme(() => {});
  update();
  document.documentElement.dataset.state = "ready";
}

/** Let one button, and the keys of a report, play or pause all videos that are shown; without sound, as the page has them. */
function watchVideos(list) {
  const button = byId("play-all");
  if (!button) return;
  const shown = () => [...list.querySelectorAll("video")];
  const isPlaying = () => shown().some(({ paused, ended }) => !paused && !ended);
  const toggle = () => {
    const stops = isPlaying();
    for (const video of shown()) stops ? video.pause() : video.play().catch(() => {});
  };
  const tell = () => {
    button.textContent = isPlaying() ? "Pause all" : "Play all";
  };
  button.addEventListener("click", toggle);
  for (const video of shown()) {
    for (const change of ["play", "pause", "ended"]) video.addEventListener(change, tell);
    video.addEventListener("error", () => {
      video.replaceWith(stillOf(video));
      tell();
    });
  }
  addEventListener("keydown", (event) => {
    if (![" ", "k"].includes(event.key) || isModified(event) || isTaken(event)) return;
    event.preventDefault();
    toggle();
  });
}

/** What stands for a video that has moved, or whose format the browser does not know. */
function stillOf({ poster }) {
  return poster ? element("img", { src: poster, alt: "" }) : element("div", { class: "blank" }, "cannot be played");
}

/** Whether a name has a part, in capitals or not. */
function has(name, part) {
  return name.toLowerCase().includes(part.trim().toLowerCase());
}

/** Sort by an attribute: names as texts, all others as numbers. */
function inOrder(entries, order, isFalling) {
  const read = (entry) => entry.getAttribute(`data-${order}`);
  const key = order === "name" ? read : (entry) => Number(read(entry));
  return entries.toSorted((a, b) => (isFalling ? -1 : 1) * compare(key(a), key(b)));
}

startIndex();
