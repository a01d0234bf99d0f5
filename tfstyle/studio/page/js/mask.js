// Masks as they are drawn: a list of operations in the photo's own pixels, carried out at any size.
//
// The page shows them small while one draws, and carries the same list out at full size for the file. A mask is one byte
// a pixel, 255 is painted. Several regions are several masks; what one gets, the others lose.
//
//   {kind: "stroke", region, erase, radius, softness, points: [[x, y], ...]}
//   {kind: "gradient", region, from: [x, y], to: [x, y]}     1 at `from`, falling to 0 at `to`
//   {kind: "picture", region, width, height, values}         a mask found in the photo
//   {kind: "fill" | "clear" | "invert", region}

export class Masks {
  /** Empty masks of `width` x `height` for a photo of `photoWidth` pixels across. */
  constructor(width, height, photoWidth, regions) {
    this.width = width;
    this.height = height;
    this.scale = width / photoWidth;
    this.values = Array.from({ length: regions }, () => new Uint8Array(width * height));
  }

  /** Carry out a list of operations from the beginning. */
  replay(operations) {
    // Who begins by taking away begins with all of it.
    const first = operations[0];
    const whole = first && (first.kind === "invert" || first.erase);
    this.values.forEach((values, region) => values.fill(whole && region === first.region ? 255 : 0));
    for (const operation of operations) this.apply(operation);
  }

  /** Carry out one operation, of a stroke its points from `since` on; returns what it touched, [left, top, right, bottom]. */
  apply(operation, since = 0) {
    const whole = [0, 0, this.width, this.height];
    const mine = this.values[operation.region];
    switch (operation.kind) {
      case "stroke":
        return this.#stroke(operation, since);
      case "gradient":
        this.#set(operation.region, gradient(operation, this.width, this.height, this.scale));
        return whole;
      case "picture":
        this.#set(operation.region, resized(operation, this.width, this.height));
        return whole;
      case "fill":
        for (let i = 0; i < mine.length; i++) {
          let others = 0;
          for (const values of this.values) if (values !== mine && values[i] > others) others = values[i];
          if (255 - others > mine[i]) mine[i] = 255 - others;
        }
        return whole;
      case "clear":
        for (const values of this.values) values.fill(0);
        return whole;
      case "invert":
        for (let i = 0; i < mine.length; i++) mine[i] = 255 - mine[i];
        this.#yield(operation.region, whole);
        return whole;
      default:
        throw new Error(`No operation ${operation.kind}`);
    }
  }

  /** Whether nothing is painted anywhere. */
  get empty() {
    return this.values.every((values) => values.every((value) => value === 0));
  }

  #set(region, value) {
    const mine = this.values[region];
    for (let y = 0, i = 0; y < this.height; y++) {
      for (let x = 0; x < this.width; x++, i++) mine[i] = Math.max(mine[i], value(x, y));
    }
    this.#yield(region, [0, 0, this.width, this.height]);
  }

  /** Other regions keep what this one leaves. */
  #yield(region, [left, top, right, bottom]) {
    if (this.values.length === 1) return;
    const mine = this.values[region];
    for (const values of this.values) {
      if (values === mine) continue;
      for (let y = top; y < bottom; y++) {
        for (let i = y * this.width + left; i < y * this.width + right; i++) values[i] = Math.min(values[i], 255 - mine[i]);
      }
    }
  }

  #stroke({ region, erase, radius, softness, points }, since) {
    const r = Math.max(radius * this.scale, 0.7);
    const soft = Math.max(softness * r, 1);
    const touched = [this.width, this.height, 0, 0];
    for (let n = Math.max(since, 1); n < Math.max(points.length, 2); n++) {
      const [a, b] = [points[n - 1], points[Math.min(n, points.length - 1)]];
      const box = this.#segment(region, erase, a.map((v) => v * this.scale), b.map((v) => v * this.scale), r, soft);
      touched[0] = Math.min(touched[0], box[0]);
      touched[1] = Math.min(touched[1], box[1]);
      touched[2] = Math.max(touched[2], box[2]);
      touched[3] = Math.max(touched[3], box[3]);
    }
    return touched;
  }

  /** A part of a stroke, as broad as its brush, round at both ends. */
  #segment(region, erase, [ax, ay], [bx, by], r, soft) {
    const left = Math.max(0, Math.floor(Math.min(ax, bx) - r));
    const top = Math.max(0, Math.floor(Math.min(ay, by) - r));
    const right = Math.min(this.width, Math.ceil(Math.max(ax, bx) + r) + 1);
    const bottom = Math.min(this.height, Math.ceil(Math.max(ay, by) + r) + 1);
    const [dx, dy] = [bx - ax, by - ay];
    const length = dx * dx + dy * dy || 1;
    const core = r - soft;
    for (let y = top; y < bottom; y++) {
      for (let x = left; x < right; x++) {
        const [px, py] = [x + 0.5 - ax, y + 0.5 - ay];
        const t = Math.min(1, Math.max(0, (px * dx + py * dy) / length));
        const [ex, ey] = [px - t * dx, py - t * dy];
        const squared = ex * ex + ey * ey;
        if (squared >= r * r) continue;
        const distance = (Math.sqrt(squared) - core) / soft;
        const value = distance <= 0 ? 255 : Math.round(127.5 + 127.5 * Math.cos(Math.PI * distance));
        const i = y * this.width + x;
        for (let n = 0; n < this.values.length; n++) {
          const values = this.values[n];
          if (n === region && !erase) {
            if (value > values[i]) values[i] = value;
          } else if (255 - value < values[i]) values[i] = 255 - value;
        }
      }
    }
    return [left, top, Math.max(left, right), Math.max(top, bottom)];
  }
}

function gradient({ from, to }, width, height, scale) {
  const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
  const length = dx * dx + dy * dy || 1;
  return (x, y) => {
    const t = (((x + 0.5) / scale - from[0]) * dx + ((y + 0.5) / scale - from[1]) * dy) / length;
    return Math.round(255 * Math.min(1, Math.max(0, 1 - t)));
  };
}

function resized({ width, height, values }, toWidth, toHeight) {
  const at = (x, y) => values[Math.min(height - 1, Math.max(0, y)) * width + Math.min(width - 1, Math.max(0, x))];
  return (x, y) => {
    const [sx, sy] = [((x + 0.5) * width) / toWidth - 0.5, ((y + 0.5) * height) / toHeight - 0.5];
    const [left, top] = [Math.floor(sx), Math.floor(sy)];
    const [fx, fy] = [sx - left, sy - top];
    const above = at(left, top) * (1 - fx) + at(left + 1, top) * fx;
    const below = at(left, top + 1) * (1 - fx) + at(left + 1, top + 1) * fx;
    return Math.round(above * (1 - fy) + below * fy);
  };
}
