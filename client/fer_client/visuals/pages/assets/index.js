// The index of a study: its inputs side by side, sorted and filtered.

/** Start the page. */
function startIndex() {
  const list = byId("entries");
  const entries = [...list.children];
  const update = () => {
    const shown = entries.filter(({ dataset }) => has(dataset.name, byId("filter").value));
    list.replaceChildren(...inOrder(shown, byId("order").value, byId("falling").checked));
    byId("state").textContent = `${shown.length} of ${entries.length}`;
  };
  byId("order").addEventListener("change", () => {
    byId("falling").checked = byId("order").value !== "name"; // of lengths and shares, the largest are looked for
    update();
  });
  for (const id of ["falling", "filter"]) byId(id).addEventListener("input", update);
  watchTheme(() => {});
  update();
  document.documentElement.dataset.state = "ready";
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
