// Bars, painted on a canvas behind a figure of Bokeh's, which has the axes and the gestures. Bokeh's own glyphs took
// some ten times as long for the thousands of bars that are new at every move.

const FAINT = 0.4;

class BarPainter {
  /** Lay a canvas behind the frame of a figure. */
  constructor(name, view, palette) {
    Object.assign(this, { view, palette, canvas: element("canvas", { class: "bars", "aria-hidden": "true" }) });
    byId(`figure-${name}`).prepend(this.canvas);
  }

  /** Paint `{label: {sure, unsure}}`, of which each has `left`, `right` in milliseconds, and `bottom` and `top`. */
  paint(bars) {
    const context = this.cleared();
    for (const [label, { sure, unsure }] of Object.entries(bars)) {
      context.fillStyle = this.palette[label];
      context.globalAlpha = 1;
      this.paintKind(context, sure);
      context.globalAlpha = FAINT;
      this.paintKind(context, unsure);
    }
  }

  /** Give the canvas the place and the size of the frame, and clear it. */
  cleared() {
    const { left, top, width, height } = this.view.frame.bbox;
    const ratio = devicePixelRatio;
    Object.assign(this.canvas, { width: Math.round(width * ratio), height: Math.round(height * ratio) });
    this.canvas.style.cssText = `left: ${left}px; top: ${top}px; width: ${width}px; height: ${height}px`;
    return this.canvas.getContext("2d");
  }

  /** Paint rectangles with edges on whole pixels, since the background would show through between others. */
  paintKind(context, { left, right, bottom, top }) {
    const { x_range, y_range } = this.view.model;
    const across = this.canvas.width / (x_range.end - x_range.start);
    const down = this.canvas.height / (y_range.end - y_range.start);
    for (let i = 0; i < left.length; i++) {
      const x = Math.round((left[i] - x_range.start) * across);
      const width = Math.round((right[i] - x_range.start) * across) - x;
      const y = (y_range.end - top[i]) * down;
      context.fillRect(x, y, width, (top[i] - bottom[i]) * down);
    }
  }
}
