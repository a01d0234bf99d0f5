// Pictures at another size, as Pillow and tfstyle.stylize.stroke_size do it; RGB, one byte a channel.

const SHARPEN_RADIUS = 0.6;
const SHARPEN_SHARE = 1.5;

const lanczos = (x) => (x === 0 ? 1 : Math.abs(x) >= 3 ? 0 : (3 * Math.sin(Math.PI * x) * Math.sin((Math.PI * x) / 3)) / (Math.PI * x) ** 2);
const triangle = (x) => Math.max(0, 1 - Math.abs(x));

/** Pixels of `width` x `height` as `toWidth` x `toHeight`: one side after the other, rounded each time. */
export function resize(pixels, width, height, toWidth, toHeight, channels = 3, { filter = lanczos, support = 3 } = {}) {
  const across = width === toWidth ? pixels : pass(pixels, width, height, toWidth, channels, true, filter, support);
  return height === toHeight ? across : pass(across, toWidth, height, toHeight, channels, false, filter, support);
}

function pass(pixels, width, height, to, channels, horizontal, filter, support) {
  const from = horizontal ? width : height;
  const [outWidth, outHeight] = horizontal ? [to, height] : [width, to];
  const result = new Uint8ClampedArray(outWidth * outHeight * channels);
  const scale = Math.max(1, from / to);
  const reach = support * scale;
  const step = horizontal ? channels : width * channels;
  for (let n = 0; n < to; n++) {
    const center = ((n + 0.5) * from) / to;
    const first = Math.max(0, Math.trunc(center - reach + 0.5));
    const end = Math.min(from, Math.trunc(center + reach + 0.5));
    const weights = [];
    let sum = 0;
    for (let i = first; i < end; i++) sum += weights[i - first] = filter((i - center + 0.5) / scale);
    for (let line = 0, lines = horizontal ? height : width; line < lines; line++) {
      const source = horizontal ? line * width * channels + first * step : first * step + line * channels;
      const target = horizontal ? (line * to + n) * channels : (n * width + line) * channels;
      for (let channel = 0; channel < channels; channel++) {
        let value = 0;
        for (let i = 0; i < weights.length; i++) value += weights[i] * pixels[source + i * step + channel];
        result[target + channel] = value / sum; // rounds
      }
    }
  }
  return result;
}

/** A painting at the photo's size, without going soft: sharpened, within the colours of the painting around. */
export function bringBack(painting, width, height, toWidth, toHeight) {
  const result = resize(painting, width, height, toWidth, toHeight);
  if (toWidth <= width) return result;
  sharpen(result, toWidth, toHeight, (SHARPEN_RADIUS * toWidth) / width);
  const linear = { filter: triangle, support: 1 };
  for (const [extreme, limit] of [[Math.min, Math.max], [Math.max, Math.min]]) {
    const bounds = resize(around(painting, width, height, extreme), width, height, toWidth, toHeight, 3, linear);
    for (let i = 0; i < result.length; i++) result[i] = limit(result[i], bounds[i]);
  }
  return result;
}

/** The least or the most of each pixel and its neighbours. */
function around(pixels, width, height, extreme) {
  const result = new Uint8ClampedArray(pixels.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let channel = 0; channel < 3; channel++) {
        let found = pixels[(y * width + x) * 3 + channel];
        for (let v = Math.max(0, y - 1); v <= Math.min(height - 1, y + 1); v++) {
          for (let u = Math.max(0, x - 1); u <= Math.min(width - 1, x + 1); u++) {
            found = extreme(found, pixels[(v * width + u) * 3 + channel]);
          }
        }
        result[(y * width + x) * 3 + channel] = found;
      }
    }
  }
  return result;
}

/** Unsharp mask, in place. */
function sharpen(pixels, width, height, radius) {
  const soft = blur(pixels, width, height, radius);
  for (let i = 0; i < pixels.length; i++) pixels[i] += Math.trunc((pixels[i] - soft[i]) * SHARPEN_SHARE);
}

/** A Gaussian blur as Pillow makes it: three boxes, each way. */
function blur(pixels, width, height, radius) {
  const variance = (radius * radius) / 3;
  const whole = Math.floor((Math.sqrt(12 * variance + 1) - 1) / 2);
  const box = whole + ((2 * whole + 1) * (whole * (whole + 1) - 3 * variance)) / (6 * (variance - (whole + 1) ** 2));
  let result = pixels;
  for (let n = 0; n < 3; n++) result = boxes(result, width, height, box, true);
  for (let n = 0; n < 3; n++) result = boxes(result, width, height, box, false);
  return result;
}

function boxes(pixels, width, height, radius, horizontal) {
  const result = new Uint8ClampedArray(pixels.length);
  const whole = Math.floor(radius);
  const edge = radius - whole;
  const [length, lines] = horizontal ? [width, height] : [height, width];
  const [step, between] = horizontal ? [3, width * 3] : [width * 3, 3];
  for (let line = 0; line < lines; line++) {
    for (let channel = 0; channel < 3; channel++) {
      const start = line * between + channel;
      const at = (i) => pixels[start + Math.min(length - 1, Math.max(0, i)) * step];
      let sum = 0;
      for (let i = -whole; i <= whole; i++) sum += at(i);
      for (let i = 0; i < length; i++) {
        result[start + i * step] = (sum + edge * (at(i - whole - 1) + at(i + whole + 1))) / (2 * radius + 1);
        sum += at(i + whole + 1) - at(i - whole);
      }
    }
  }
  return result;
}
