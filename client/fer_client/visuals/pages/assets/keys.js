// The keyboard. Fields, buttons and lists keep the keys that they need themselves.

/** Listen to keys all over the page. */
function watchKeys(player, timeline, episodes) {
  const actions = {
    " ": () => player.toggle(),
    k: () => player.toggle(),
    ArrowLeft: ({ shiftKey }) => player.seek(player.time - (shiftKey ? 5 : 1)),
    ArrowRight: ({ shiftKey }) => player.seek(player.time + (shiftKey ? 5 : 1)),
    Home: () => player.seek(timeline.faces.facts.start_s),
    End: () => player.seek(timeline.faces.facts.end_s),
    n: () => goToEpisode(episodes.find(({ start_s }) => start_s > player.time + 0.01), player, timeline),
    p: () => goToEpisode(episodes.findLast(({ start_s }) => start_s < player.time - 0.01), player, timeline),
    "+": () => timeline.zoom(0.5),
    "=": () => timeline.zoom(0.5),
    "-": () => timeline.zoom(2),
    0: () => timeline.showAll(),
    "[": () => timeline.move(-0.5),
    "]": () => timeline.move(0.5),
    "?": () => byId("help").showModal(),
  };
  addEventListener("keydown", (event) => {
    const action = actions[event.key];
    if (!action || isModified(event) || isTaken(event)) return;
    event.preventDefault();
    action(event);
    if (event.key.startsWith("Arrow")) timeline.reveal(player.time);
  });
}

/** Whether a key is part of a command of the browser's. */
function isModified({ ctrlKey, metaKey, altKey }) {
  return ctrlKey || metaKey || altKey;
}

/** Whether the element with the focus, or an open dialog, needs the key. */
function isTaken({ key, target }) {
  if (byId("help")?.open) return true;
  if (target.matches("input, select, textarea")) return true;
  if (target.matches("video")) return key === " " || key.startsWith("Arrow");
  if (target.matches("[role=region], .scroll")) return key.startsWith("Arrow") || key === "Home" || key === "End";
  return key === " " && target.matches("button, a, summary");
}

/** Leave a button that a pointer has pressed, so that space plays what it led to; one pressed by a key keeps the focus. */
function letGo({ detail, currentTarget }) {
  if (detail) currentTarget.blur();
}

/** Go to where an episode begins. */
function goToEpisode(episode, player, timeline) {
  if (!episode) return;
  player.seek(episode.start_s);
  timeline.reveal(episode.start_s);
}
