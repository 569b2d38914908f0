// Reads what `fer_client.visuals.pages.packing` has packed.

/** Return the bytes of the base64 text in the element of an id, and free the text. */
function takeBytes(id) {
  const holder = byId(id);
  const text = atob(holder.textContent);
  holder.remove();
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/** Undo gzip. Throws an error with a sentence for the reader where the browser cannot. */
async function gunzip(bytes) {
  if (typeof DecompressionStream === "undefined") {
    throw new Error(
      "This browser is too old for the page. Expected one with DecompressionStream: " +
        "Chrome 80, Edge 80, Firefox 113, Safari 16.4, or newer.",
    );
  }
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Unpack columns `[name, count, width]` that stand one after the other: whole numbers by name. */
function unpackColumns(described, bytes) {
  const columns = {};
  let place = 0;
  for (const [name, count, width] of described) {
    columns[name] = unpackColumn(bytes.subarray(place, place + count * width), count, width);
    place += count * width;
  }
  return columns;
}

/** Put the planes of bytes together, unfold the differences and add them up. */
function unpackColumn(bytes, count, width) {
  const values = width > 2 ? new Float64Array(count) : new Int32Array(count);
  let value = 0;
  for (let i = 0; i < count; i++) {
    let folded = 0;
    for (let plane = width - 1; plane >= 0; plane--) folded = folded * 256 + bytes[plane * count + i];
    value += folded % 2 ? -(folded + 1) / 2 : folded / 2;
    values[i] = value;
  }
  return values;
}
