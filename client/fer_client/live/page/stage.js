// The picture with the boxes and labels of its faces.

const FONT = 600;

export class Stage {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d", { alpha: false });
  }

  // Pixels of the screen that the picture takes, from left to right.
  get width() {
    return Math.round(this.canvas.clientWidth * devicePixelRatio) || 960;
  }

  draw(bitmap, faces) {
    const { canvas, context } = this;
    canvas.style.aspectRatio = `${bitmap.width} / ${bitmap.height}`;
    const width = this.width;
    const height = Math.round((width * bitmap.height) / bitmap.width);
    if (canvas.width !== width || canvas.height !== height) {
      canvas.width = width;
      canvas.height = height;
    }
    context.drawImage(bitmap, 0, 0, width, height);
    const scale = Math.min(devicePixelRatio, 2);
    for (const face of faces) this.#box(face, scale);
  }

  #box(face, scale) {
    const { canvas, context } = this;
    const [x, y, w, h] = face.box.map((share, axis) => share * (axis % 2 ? canvas.height : canvas.width));
    context.globalAlpha = 1;
    context.lineWidth = 5 * scale;
    context.strokeStyle = "rgb(0 0 0 / .55)";
    context.strokeRect(x, y, w, h);
    context.lineWidth = 3 * scale;
    context.strokeStyle = face.best.colour;
    context.setLineDash(face.isSure ? [] : [8 * scale, 6 * scale]);
    context.strokeRect(x, y, w, h);
    context.setLineDash([]);
    this.#label(face, x, y, h, scale);
  }

  // Above the box, or below it where the picture ends.
  #label(face, x, y, h, scale) {
    const { canvas, context } = this;
    const size = Math.max(13 * scale, Math.min(20 * scale, canvas.width / 40));
    const text = `${face.track}  ${face.best.name} ${Math.round(100 * face.confidence)} %`;
    context.font = `${FONT} ${size}px system-ui, sans-serif`;
    const width = context.measureText(text).width + size;
    const height = 1.5 * size;
    const left = Math.max(0, Math.min(x - 1.5 * scale, canvas.width - width));
    const above = y - height;
    const top = above >= 0 ? above : Math.min(y + h, canvas.height - height);
    context.fillStyle = face.best.colour;
    context.fillRect(left, top, width, height);
    context.fillStyle = face.best.ink;
    context.textBaseline = "middle";
    context.fillText(text, left + size / 2, top + height / 2);
  }
}
