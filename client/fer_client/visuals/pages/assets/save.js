// Tables saved as files.

/** Write rows as CSV (RFC 4180); texts that a spreadsheet would take for a formula get a quotation mark before them. */
function asCsv(names, rows) {
  return [names, ...rows].map((row) => row.map(csvField).join(",")).join("\n") + "\n";
}

/** Write one value. */
function csvField(value) {
  if (value === undefined || value === null) return "";
  if (typeof value === "number") return String(value);
  const isFormula = /^[=+\-@\t\r]/.test(value) && Number.isNaN(Number(value));
  const text = isFormula ? `'${value}` : value;
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Let the reader save a text. */
function saveText(name, text, type = "text/csv") {
  const address = URL.createObjectURL(new Blob([text], { type }));
  element("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
