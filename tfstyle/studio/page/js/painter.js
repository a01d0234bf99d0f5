// Keeps what is shown up to date: asks the engine for what is missing, and shows the best there is meanwhile.
//
// A painting is kept under all that it was made of, so an answer that comes late is never taken for another one.

import { png } from "./binary_files.js";
import { Latest } from "./latest.js";

const KEPT = 12; // paintings, of 6 MB each

export class Painter {
  /** @param on {changed(), busy(whether), failed(error)} */
  constructor(engine, settings, on) {
    Object.assign(this, { engine, settings, on });
    this.paintings = new Map();
    this.shown = [];
    this.latest = new Latest();
    this.running = 0;
  }

  /** What the stage is to draw for a photo. */
  layers(photo) {
    const { regions } = this.settings;
    const { drawing } = photo;
    if (!drawing.begun) return this.#layer(photo, regions[0], 0, null);
    drawing.setRegions(regions.length);
    if (regions.length > 1) {
      const exact = this.paintings.get(this.#exactKey(photo));
      if (exact) return [{ picture: exact, masks: drawing.canvases }];
    }
    return regions.flatMap((mix, region) => this.#layer(photo, mix, region, [drawing.canvases[region]]));
  }

  #layer(photo, mix, region, masks) {
    const best = [false, true].map((draft) => this.paintings.get(this.#key(photo, mix, draft))).find(Boolean);
    if (best) this.shown[region] = { photo, picture: best };
    const picture = best ?? (this.shown[region]?.photo === photo ? this.shown[region].picture : null);
    return picture ? [{ picture, masks }] : [];
  }

  /** Have a photo painted as the settings are now; `moving`: a slider still moves, and small will do. */
  async refresh(photo, { moving = false } = {}) {
    this.on.changed();
    const work = (signal) => (moving ? this.#drafts(photo, signal) : this.#all(photo, signal));
    this.running++;
    this.on.busy(true);
    try {
      await (moving ? this.latest.follow(work) : this.latest.run(work));
    } catch (error) {
      this.on.failed(error);
    } finally {
      this.on.busy(--this.running > 0);
    }
  }

  /** Forget the paintings of a photo. */
  forget(photo) {
    for (const key of [...this.paintings.keys()]) if (JSON.parse(key)[0] === photo.serial) this.paintings.delete(key);
  }

  #mixes(photo) {
    return photo.drawing.begun ? this.settings.regions : this.settings.regions.slice(0, 1);
  }

  async #drafts(photo, signal) {
    for (const mix of this.#mixes(photo)) await this.#have(photo, mix, true, signal);
  }

  async #all(photo, signal) {
    const mixes = this.#mixes(photo);
    for (const mix of mixes) if (!this.paintings.has(this.#key(photo, mix, false))) await this.#have(photo, mix, true, signal);
    for (const mix of mixes) await this.#have(photo, mix, false, signal);
    if (mixes.length > 1) await this.#haveExact(photo, signal);
  }

  async #have(photo, mix, draft, signal) {
    await this.#keep(this.#key(photo, mix, draft), signal, () =>
      this.engine.paint(photo, this.settings.request([mix]), [], { draft, signal }),
    );
  }

  /** All regions in one painting, as the file will have them. */
  async #haveExact(photo, signal) {
    const { masks } = photo.drawing;
    await this.#keep(this.#exactKey(photo), signal, async () => {
      const files = await Promise.all(masks.values.map((values) => png(values, masks.width, masks.height)));
      return this.engine.paint(photo, this.settings.request(this.settings.regions), files, { signal });
    });
  }

  async #keep(key, signal, paint) {
    let painting = this.paintings.get(key);
    if (!painting) painting = await paint();
    this.paintings.delete(key);
    this.paintings.set(key, painting); // used last comes last
    while (this.paintings.size > KEPT) this.paintings.delete(this.paintings.keys().next().value);
    if (!signal.aborted) this.on.changed();
  }

  #key(photo, mix, draft) {
    const { strokeFactor, keepColors } = this.settings;
    return JSON.stringify([photo.serial, mix, strokeFactor, keepColors, draft]);
  }

  #exactKey(photo) {
    const { regions, strokeFactor, keepColors } = this.settings;
    return JSON.stringify([photo.serial, regions, strokeFactor, keepColors, photo.drawing.version]);
  }
}
