// Figures on paper.

/** Put pictures in the places of the figures for paper, which is not as wide as the screen. */
function connectPrinting(timeline) {
  addEventListener("beforeprint", () => {
    for (const [name, view] of Object.entries(timeline.views)) {
      const drawn = view.canvas_view.compose().canvas;
      const copy = element("canvas", { class: "printed" });
      Object.assign(copy, { width: drawn.width, height: drawn.height });
      copy.getContext("2d").drawImage(drawn, 0, 0);
      byId(`figure-${name}`).append(copy);
    }
  });
  addEventListener("afterprint", () => document.querySelectorAll(".printed").forEach((copy) => copy.remove()));
}
