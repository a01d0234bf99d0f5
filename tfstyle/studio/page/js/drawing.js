// What was drawn on one photo: its operations, undone ones, and the masks as canvases for the screen.

import { Masks } from "./mask.js";

const SIDE = 1024; // pixels of the longer side; more than a screen shows of a soft edge

export class Drawing {
  constructor(photo) {
    this.photo = photo;
    this.operations = [];
    this.undone = [];
    this.version = 0;
    this.#make(1);
  }

  /** Whether anything was drawn; else the whole photo is painted. */
  get begun() {
    return this.operations.length > 0;
  }

  /** Have masks for so many regions. */
  setRegions(count) {
    if (count === this.masks.values.length) return;
    this.#make(count);
    this.replay();
  }

  /** Take a region out, and what was drawn with it. */
  dropRegion(region) {
    const keep = (operations) =>
      operations
        .filter((operation) => operation.region !== region || operation.erase)
        .map((operation) => ({ ...operation, region: operation.region - (operation.region >= region && operation.region > 0) }));
    [this.operations, this.undone] = [keep(this.operations), []];
    this.#make(Math.max(1, this.masks.values.length - 1));
    this.replay();
  }

  /** Begin an operation; `extend` and `end` follow, or `drop`. */
  begin(operation) {
    this.operations.push(operation);
    if (operation.kind === "stroke" && this.operations.length > 1) this.#show(this.masks.apply(operation));
    else this.replay();
  }

  extend(operation, since) {
    if (operation.kind === "stroke") this.#show(this.masks.apply(operation, since));
    else this.replay();
  }

  end() {
    this.undone = [];
    this.version++;
  }

  drop() {
    this.operations.pop();
    this.replay();
  }

  /** An operation that is done at once. */
  add(operation) {
    this.begin(operation);
    this.end();
  }

  undo() {
    if (!this.operations.length) return;
    this.undone.push(this.operations.pop());
    this.replay();
  }

  redo() {
    if (!this.undone.length) return;
    this.operations.push(this.undone.pop());
    this.replay();
  }

  /** Forget all that was drawn; it can be undone by `restore` with what this returns. */
  reset() {
    const before = this.operations;
    [this.operations, this.undone] = [[], []];
    this.replay();
    return before;
  }

  replay() {
    this.masks.replay(this.operations);
    this.version++;
    this.#show([0, 0, this.masks.width, this.masks.height]);
  }

  /** PNG files of the masks at the photo's size, at most `side` pixels on the longer one. */
  atFullSize(side) {
    const { width, height } = this.photo;
    const scale = Math.min(1, side / Math.max(width, height));
    const worker = new Worker(new URL("mask_worker.js", import.meta.url), { type: "module" });
    return new Promise((resolve, reject) => {
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = () => reject(new Error("mask worker"));
      worker.postMessage({
        width: Math.max(1, Math.round(width * scale)),
        height: Math.max(1, Math.round(height * scale)),
        photoWidth: width,
        regions: this.masks.values.length,
        operations: this.operations,
      });
    }).finally(() => worker.terminate());
  }

  #make(regions) {
    const { width, height } = this.photo;
    const scale = Math.min(1, SIDE / Math.max(width, height));
    const size = [Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale))];
    this.masks = new Masks(...size, width, regions);
    this.canvases = this.masks.values.map(() => {
      const canvas = document.createElement("canvas");
      [canvas.width, canvas.height] = size;
      return canvas;
    });
    this.version++;
  }

  /** Put a part of the masks onto their canvases, as opacity. */
  #show([left, top, right, bottom]) {
    if (right <= left || bottom <= top) return;
    this.canvases.forEach((canvas, region) => {
      const values = this.masks.values[region];
      const part = new ImageData(right - left, bottom - top);
      for (let y = top, i = 3; y < bottom; y++) {
        for (let n = y * this.masks.width + left; n < y * this.masks.width + right; n++, i += 4) part.data[i] = values[n];
      }
      canvas.getContext("2d").putImageData(part, left, top);
    });
  }
}
