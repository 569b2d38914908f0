// Figures on paper.

/**
 * Put pictures in the places of the figures for paper, which is not as wide as the screen.
 *
 * `painters` hold what is painted behind some of them.
 */
function connectPrinting({ views, painters = {} }) {
  addEventListener("beforeprint", () => {
    for (const [name, view] of Object.entries(views)) {
      if (!view.el.offsetWidth) continue;
      const drawn = view.export("png").canvas;
      const copy = element("canvas", { class: "printed" });
      Object.assign(copy, { width: drawn.width, height: drawn.height });
      const context = copy.getContext("2d");
      const { left, top } = view.frame.bbox;
      const bars = painters[name]?.canvas;
      if (bars) context.drawImage(bars, left * devicePixelRatio, top * devicePixelRatio);
      context.drawImage(drawn, 0, 0);
      byId(`figure-${name}`).append(copy);
    }
  });
  addEventListener("afterprint", () => document.querySelectorAll(".printed").forEach((copy) => copy.remove()));
}
