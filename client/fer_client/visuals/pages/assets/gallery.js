// A page of photographs: a picture of every face, and a table.

/** Start the page. */
function startGallery() {
  const facts = readBlock("facts");
  const faces = readBlock("photographed");
  watchTheme(() => {});
  const table = new DataTable(byId("faces-table"), galleryColumns(facts, faces), byId("faces-state"));
  const choice = byId("filter-expression");
  const update = () => {
    table.filter(({ shown }) => !choice.value || choice.value === shown);
    byId("gallery").replaceChildren(...table.kept().filter(({ picture }) => picture).map((face) => card(face, facts)));
  };
  table.setRows(faces);
  choice.addEventListener("change", update);
  update();
  byId("export").addEventListener("click", () => saveText(`${facts.stem}.csv`, galleryCsv(facts, table.kept())));
  document.documentElement.dataset.state = "ready";
}

/** Columns of the table. */
function galleryColumns(facts, faces) {
  const columns = [
    { name: "Photograph", key: (row) => row.source, show: (row) => row.source },
    { name: "Expression", key: (row) => row.shown, show: (row) => named(row.shown, row.expression, facts.palette) },
    { name: "Probability", key: (row) => row.confidence, align: "number", show: (row) => `${(100 * row.confidence).toFixed(1)} %` },
  ];
  if (!faces.some(({ affect }) => affect)) return columns;
  const affect = ["Valence", "Arousal"].map((name, index) => ({
    name,
    key: (row) => row.affect?.[index],
    align: "number",
    show: (row) => (row.affect ? fixed(row.affect[index], 2) : ""),
  }));
  return [...columns, ...affect];
}

/** Make the picture of a face with what it shows. */
function card({ source, shown, confidence, picture }, facts) {
  const bar = element("div", { class: "meter" }, element("span", { style: `width: ${100 * confidence}%; background: ${facts.palette[shown]}` }));
  const image = element("img", { src: picture, width: facts.side, height: facts.side, alt: `A face of ${source}`, style: `border-color: ${facts.palette[shown]}` });
  return element("li", {}, image, element("b", {}, `${shown} ${percent(confidence)}`), bar, element("span", { class: "hint name" }, source));
}

/** Write rows as CSV. */
function galleryCsv({ labels }, rows) {
  const names = ["source", "expression", "confidence", ...labels.map((label) => `p_${label}`), "valence", "arousal"];
  const values = ({ source, expression, confidence, probabilities, affect }) => [source, expression, confidence, ...probabilities, ...(affect ?? [null, null])];
  return asCsv(names, rows.map(values));
}

startGallery();
