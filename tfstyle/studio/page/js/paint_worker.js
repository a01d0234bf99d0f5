// Runs the network on this device, away from the page, and lays what it paints over the photo, as the local engine does.

import * as ort from "../runtime/ort.wasm.min.mjs";
import { bringBack, resize } from "./resample.js";

const MIN_SIDE = 16;
const PAINTED_SIDE = 1280;

ort.env.wasm.wasmPaths = new URL("../runtime/", import.meta.url).href;
// Threads need a page that is isolated from others, by headers which not every host can send.
ort.env.wasm.numThreads = self.crossOriginIsolated ? Math.min(4, navigator.hardwareConcurrency) : 1;

const sessions = {};
let table;

self.onmessage = async ({ data: { id, ...request } }) => {
  try {
    const pixels = await paint(request);
    self.postMessage({ id, pixels }, [pixels.buffer]);
  } catch (error) {
    self.postMessage({ id, error: String(error?.message ?? error) });
  }
};

/** The size at which a photo is painted, [width, height]. */
function paintedSize(width, height, stroke) {
  const scale = Math.max(Math.min(1, PAINTED_SIDE / Math.sqrt(width * height)) / stroke, MIN_SIDE / Math.min(width, height));
  return [Math.max(MIN_SIDE, Math.round(width * scale)), Math.max(MIN_SIDE, Math.round(height * scale))];
}

/**
 * A photo painted, RGB.
 *
 * @param request pixels (RGB), width, height, mixes, masks ([{width, height, values}] or none), strength, stroke,
 *   keep_colors, styles (names in the order of the table)
 */
async function paint({ pixels, width, height, mixes, masks, strength, stroke, keep_colors: keepColors, styles }) {
  const size = paintedSize(width, height, stroke);
  const other = size[0] !== width || size[1] !== height;
  const photo = other ? resize(pixels, width, height, ...size) : pixels;
  const atPhoto = masks.map((mask) => float(resizeGray(mask, width, height)));
  const maps = mixes.length > 1 ? shares(other ? masks.map((mask) => float(resizeGray(mask, ...size))) : atPhoto) : null;
  let painting = await run(photo, ...size, await Promise.all(mixes.map((mix) => vector(mix, styles))), maps);
  if (other) painting = bringBack(painting, ...size, width, height);
  return compose(pixels, painting, atPhoto, strength, keepColors);
}

async function run(photo, width, height, vectors, maps) {
  const name = maps ? "regions" : "network";
  sessions[name] ??= ort.InferenceSession.create(new URL(`../model/${name}.onnx`, import.meta.url).href);
  const session = await sessions[name];
  const all = new Float32Array(vectors.length * vectors[0].length);
  vectors.forEach((values, n) => all.set(values, n * values.length));
  const inputs = {
    image: new ort.Tensor("uint8", new Uint8Array(photo.buffer, photo.byteOffset, photo.length), [1, height, width, 3]),
    style_vectors: new ort.Tensor("float32", all, [1, vectors.length, vectors[0].length]),
  };
  if (maps) inputs.region_maps = new ort.Tensor("float32", maps, [1, vectors.length, height, width]);
  return (await session.run(inputs)).stylized.data;
}

/** A mix as one style vector. */
async function vector(mix, styles) {
  table ??= fetch(new URL("../model/style_table.bin", import.meta.url)).then(async (response) => new Float32Array(await response.arrayBuffer()));
  const values = await table;
  const length = values.length / styles.length;
  const result = new Float64Array(length);
  const sum = Object.values(mix).reduce((one, next) => one + next, 0);
  for (const [name, weight] of Object.entries(mix)) {
    const row = styles.indexOf(name) * length;
    for (let i = 0; i < length; i++) result[i] += (weight / sum) * values[row + i];
  }
  return Float32Array.from(result);
}

/** What part each region has of each pixel, one region after the other. */
function shares(masks) {
  const count = masks[0].length;
  const result = new Float32Array(count * masks.length);
  for (let i = 0; i < count; i++) {
    let sum = 0;
    for (const mask of masks) sum += mask[i];
    masks.forEach((mask, region) => { result[region * count + i] = sum ? mask[i] / sum : 1 / masks.length; });
  }
  return result;
}

function compose(photo, painting, masks, strength, keepColors) {
  const result = new Uint8ClampedArray(photo.length);
  for (let i = 0, n = 0; i < photo.length; i += 3, n++) {
    let share = masks.length ? 0 : 1;
    for (const mask of masks) share += mask[n];
    share = strength * Math.min(1, share);
    let [red, green, blue] = [painting[i] - photo[i], painting[i + 1] - photo[i + 1], painting[i + 2] - photo[i + 2]];
    if (keepColors) { // brightness alone, as far as the photo's colour has it
      const [least, most] = [Math.min(photo[i], photo[i + 1], photo[i + 2]), Math.max(photo[i], photo[i + 1], photo[i + 2])];
      red = green = blue = Math.min(255 - most, Math.max(-least, 0.299 * red + 0.587 * green + 0.114 * blue));
    }
    result[i] = photo[i] + share * red;
    result[i + 1] = photo[i + 1] + share * green;
    result[i + 2] = photo[i + 2] + share * blue;
  }
  return result;
}

function resizeGray({ width, height, values }, toWidth, toHeight) {
  const linear = { filter: (x) => Math.max(0, 1 - Math.abs(x)), support: 1 };
  return resize(values, width, height, toWidth, toHeight, 1, linear);
}

function float(values) {
  return Float32Array.from(values, (value) => value / 255);
}
