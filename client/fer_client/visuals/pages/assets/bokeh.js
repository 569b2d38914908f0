// BokehJS, which the page holds packed, and its figures.

/** Start BokehJS. The page's policy lets this one script run, by its checksum. */
async function loadBokeh() {
  const text = new TextDecoder().decode(await gunzip(takeBytes("packed-bokeh")));
  document.head.append(element("script", {}, text));
  Bokeh.set_log_level("warn");
}

/** Draw the page's figures, each in its place; return the document, and the figures' views by name. */
async function embedFigures({ documents, items }) {
  const managers = await Bokeh.embed.embed_items(documents, items);
  const views = {};
  for (const view of managers.flatMap(({ roots }) => [...roots])) {
    if (view.model.type === "Figure") views[view.model.name] = view;  // BokehJS adds a view for notices of its own
  }
  return { document: Object.values(views)[0].model.document, views };
}

/** Give the figures the colours of the page. */
function colourFigures(views) {
  const { text, faint, line } = themeColours();
  for (const { model } of Object.values(views)) {
    for (const axis of [...model.left, ...model.below].filter((part) => "axis_label_text_color" in part)) {
      axis.setv({
        axis_label_text_color: faint,
        axis_label_text_font_style: "normal",
        major_label_text_color: text,
        axis_line_color: line,
        major_tick_line_color: axis.major_tick_line_color === null ? null : line,
        minor_tick_line_color: null,
      });
    }
    for (const { glyph } of model.renderers.filter(({ glyph }) => glyph.tags.includes("ink"))) {
      glyph.setv({ line_color: text, ...("fill_color" in glyph ? { fill_color: text } : {}) });
    }
    for (const part of model.center) {
      if ("grid_line_color" in part) part.setv({ grid_line_color: line });
      if ("label_text_color" in part) part.setv({ label_text_color: text, background_fill_color: null });
    }
  }
}

/** Replace all of a source's columns at once. */
function fill(document, name, columns) {
  document.get_model_by_name(name).data = columns;
}
