// The canvas: shows photo and painting, zoomed and moved, and says where in the photo a pointer is.
//
// Everything is drawn at the size of the screen. Points are in the photo's own pixels, so nothing depends on the size of
// the window, the density of the screen or the size at which photo and painting are at hand.

const MAX_ZOOM = 16;

export class Stage {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.layer = document.createElement("canvas");
    this.photo = null; // {width, height, picture}
    this.layers = []; // [{picture, masks: [canvas] or null}], drawn one over the other
    this.strength = 1;
    this.divider = null; // 0..1 of the width; left of it the photo shows
    this.zoom = 1;
    this.center = [0, 0];
    this.asked = false;
    new ResizeObserver(() => this.draw()).observe(canvas);
    // A screen of another density, or a page that was long out of sight, may have lost what was drawn.
    canvas.addEventListener("contextrestored", () => this.draw());
    document.addEventListener("visibilitychange", () => this.draw());
    this.#watchDensity();
  }

  /** Show a photo as a whole. */
  show(photo) {
    this.photo = photo;
    this.fit();
  }

  fit() {
    this.zoom = 1;
    if (this.photo) this.center = [this.photo.width / 2, this.photo.height / 2];
    this.draw();
  }

  /** Screen pixels, as CSS counts them, of one pixel of the photo. */
  get scale() {
    const { clientWidth, clientHeight } = this.canvas;
    return this.zoom * Math.min(clientWidth / this.photo.width, clientHeight / this.photo.height);
  }

  /** Where in the photo a pointer is: [x, y], which may be outside. */
  toPhoto(clientX, clientY) {
    const box = this.canvas.getBoundingClientRect();
    return [
      this.center[0] + (clientX - box.left - box.width / 2) / this.scale,
      this.center[1] + (clientY - box.top - box.height / 2) / this.scale,
    ];
  }

  /** Where on the screen a place of the photo is. */
  toScreen([x, y]) {
    const box = this.canvas.getBoundingClientRect();
    return [
      box.left + box.width / 2 + (x - this.center[0]) * this.scale,
      box.top + box.height / 2 + (y - this.center[1]) * this.scale,
    ];
  }

  /** Zoom so that the place under the pointer stays where it is. */
  zoomBy(factor, clientX, clientY) {
    if (!this.photo) return;
    const box = this.canvas.getBoundingClientRect();
    const at = [clientX ?? box.left + box.width / 2, clientY ?? box.top + box.height / 2];
    const before = this.toPhoto(...at);
    this.zoom = Math.min(MAX_ZOOM, Math.max(1, this.zoom * factor));
    const after = this.toPhoto(...at);
    this.moveBy(before[0] - after[0], before[1] - after[1]);
  }

  /** Move what is shown by so many pixels of the photo; it stays in sight. */
  moveBy(dx, dy) {
    const { clientWidth, clientHeight } = this.canvas;
    const move = (center, by, size, screen) => {
      const half = screen / 2 / this.scale;
      return 2 * half >= size ? size / 2 : Math.min(size - half, Math.max(half, center + by));
    };
    this.center = [
      move(this.center[0], dx, this.photo.width, clientWidth),
      move(this.center[1], dy, this.photo.height, clientHeight),
    ];
    this.draw();
  }

  /** Draw with the next frame. */
  draw() {
    if (this.asked) return;
    this.asked = true;
    requestAnimationFrame(() => {
      this.asked = false;
      this.#draw();
    });
  }

  #draw() {
    const { canvas, context, photo } = this;
    const density = devicePixelRatio || 1;
    const [width, height] = [Math.round(canvas.clientWidth * density), Math.round(canvas.clientHeight * density)];
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, width, height);
    if (!photo || !width || !height) return;
    const scale = this.scale * density;
    const box = [
      width / 2 - this.center[0] * scale,
      height / 2 - this.center[1] * scale,
      photo.width * scale,
      photo.height * scale,
    ];
    context.imageSmoothingQuality = "high";
    context.drawImage(photo.picture, ...box);
    context.save();
    if (this.divider !== null) {
      context.beginPath();
      context.rect(this.divider * width, 0, width, height);
      context.clip();
    }
    context.globalAlpha = this.strength;
    for (const { picture, masks } of this.layers) {
      if (masks) this.#masked(picture, masks, box, width, height);
      context.drawImage(masks ? this.layer : picture, ...(masks ? [0, 0] : box));
    }
    context.restore();
  }

  #masked(picture, masks, box, width, height) {
    const { layer } = this;
    if (layer.width !== width || layer.height !== height) Object.assign(layer, { width, height });
    const context = layer.getContext("2d");
    context.globalCompositeOperation = "source-over";
    context.clearRect(0, 0, width, height);
    context.imageSmoothingQuality = "high";
    context.globalCompositeOperation = "lighter"; // what several masks cover together
    for (const mask of masks) context.drawImage(mask, ...box);
    context.globalCompositeOperation = "source-in";
    context.drawImage(picture, ...box);
  }

  #watchDensity() {
    const query = matchMedia(`(resolution: ${devicePixelRatio}dppx)`);
    query.addEventListener("change", () => { this.draw(); this.#watchDensity(); }, { once: true });
  }
}
