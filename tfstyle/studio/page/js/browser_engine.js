// Paints on this device: the network runs in the browser, and nothing is sent anywhere.

import { png } from "./binary_files.js";

const PAINTED_SIDE = 1280;
const MAX_PIXELS = 50_000_000;

class DeviceError extends Error {
  constructor(code, message = "") {
    super(message);
    this.code = code;
  }
}

export class BrowserEngine {
  constructor(config) {
    this.config = config;
    this.segments = [];
    this.encodes = false;
    this.asked = new Map();
    this.number = 0;
    this.turn = null;
    this.worker = new Worker(new URL("paint_worker.js", import.meta.url), { type: "module" });
    this.worker.onmessage = ({ data: { id, pixels, error } }) => {
      const { resolve, reject } = this.asked.get(id);
      this.asked.delete(id);
      if (error) reject(new DeviceError("engine", error));
      else resolve(pixels);
    };
    this.worker.onerror = () => {
      for (const { reject } of this.asked.values()) reject(new DeviceError("engine", "onnxruntime-web"));
      this.asked.clear();
    };
  }

  async open(file) {
    let full;
    try {
      full = await createImageBitmap(file, { imageOrientation: "from-image" });
    } catch {
      throw new DeviceError("photo_unreadable", "JPEG, PNG, WebP, AVIF");
    }
    const { width, height } = full;
    if (Math.min(width, height) < 16) throw new DeviceError("photo_small");
    if (width * height > MAX_PIXELS) throw new DeviceError("photo_large", `${width} × ${height}`);
    const scale = Math.min(1, PAINTED_SIDE / Math.sqrt(width * height));
    const picture = scale === 1 ? full : await smaller(full, scale);
    return { width, height, notes: [], file, full, picture, draft: await smaller(full, Math.min(1, this.config.draft_side / Math.max(width, height))) };
  }

  async paint(photo, settings, masks, { draft = false, signal } = {}) {
    const of = draft ? photo.draft : photo.picture;
    return createImageBitmap(await this.#painted(of, { ...settings, strength: 1 }, masks, signal, true));
  }

  async download(photo, settings, masks, { signal } = {}) {
    const image = await this.#painted(photo.full, settings, masks, signal, false);
    if (settings.format === "png") return png(rgb(image.data), image.width, image.height, 3);
    const canvas = new OffscreenCanvas(image.width, image.height);
    canvas.getContext("2d").putImageData(image, 0, 0);
    return canvas.convertToBlob({ type: "image/jpeg", quality: 0.95 });
  }

  async progress() {
    return {};
  }

  async close(photo) {
    for (const picture of [photo.full, photo.picture, photo.draft]) picture.close();
  }

  /** An ImageData; `whole`: masks say which region is where, and all of it is painted. */
  async #painted(picture, settings, masks, signal, whole) {
    const { data, width, height } = pixelsOf(picture);
    const grays = await Promise.all(masks.map(grayOf));
    signal?.throwIfAborted();
    const request = { ...settings, pixels: rgb(data), width, height, masks: grays, styles: this.config.styles };
    const painted = await this.#ask(whole && settings.mixes.length === 1 ? { ...request, masks: [] } : request, signal);
    for (let i = 0, n = 0; n < painted.length; i += 4, n += 3) data.set(painted.subarray(n, n + 3), i);
    return new ImageData(data, width, height);
  }

  /** One painting after the other; those that were given up meanwhile are not begun. */
  async #ask(request, signal) {
    const before = this.turn;
    let end;
    this.turn = new Promise((resolve) => { end = resolve; });
    await before;
    try {
      signal?.throwIfAborted();
      const id = ++this.number;
      return await new Promise((resolve, reject) => {
        this.asked.set(id, { resolve, reject });
        this.worker.postMessage({ id, ...request }, [request.pixels.buffer]);
      });
    } finally {
      end();
    }
  }
}

function smaller(picture, scale) {
  const [width, height] = [picture.width, picture.height].map((side) => Math.max(16, Math.round(side * scale)));
  return createImageBitmap(picture, { resizeWidth: width, resizeHeight: height, resizeQuality: "high" });
}

function pixelsOf(picture) {
  const canvas = new OffscreenCanvas(picture.width, picture.height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.fillStyle = "#fff"; // what is transparent
  context.fillRect(0, 0, picture.width, picture.height);
  context.drawImage(picture, 0, 0);
  return context.getImageData(0, 0, picture.width, picture.height);
}

async function grayOf(blob) {
  const picture = await createImageBitmap(blob);
  const { data, width, height } = pixelsOf(picture);
  return { width, height, values: data.filter((_, i) => i % 4 === 0) };
}

function rgb(data) {
  const result = new Uint8Array((data.length / 4) * 3);
  for (let i = 0, n = 0; i < data.length; i += 4, n += 3) {
    result[n] = data[i];
    result[n + 1] = data[i + 1];
    result[n + 2] = data[i + 2];
  }
  return result;
}
