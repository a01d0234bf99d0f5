// The styles to choose from, the sliders of a mix, and the brushes: a style for each.

import { text } from "./texts.js";

export const COLORS = ["#4f46e5", "#d97706", "#059669", "#db2777", "#0891b2", "#65a30d"];

export class Gallery {
  /** @param on {changed({moving}), region(index), added(), dropped(index), own: whether to take styles of one's own} */
  constructor(styles, settings, maxRegions, on) {
    Object.assign(this, { styles, settings, maxRegions, on });
    this.mixing = Object.keys(settings.mix).length > 1;
    const element = (id) => document.getElementById(id);
    Object.assign(this, { gallery: element("gallery"), mix: element("mix"), regions: element("regions") });
    this.switch = element("mixing");
    this.switch.addEventListener("change", () => {
      this.mixing = this.switch.checked;
      if (!this.mixing) this.settings.mix = strongest(this.settings.mix);
      this.show();
      this.on.changed({});
    });
    for (const style of styles) this.gallery.append(this.#tile(style));
    if (on.own) this.gallery.append(this.#ownTile());
  }

  /** One style more, of the visitor's own; it is chosen. */
  add(style) {
    this.styles.push(style);
    this.gallery.insertBefore(this.#tile(style), this.gallery.lastElementChild);
    this.#choose(style.name);
  }

  #ownTile() {
    const tile = Object.assign(document.createElement("button"), { id: "own-style" });
    const sign = Object.assign(document.createElement("span"), { className: "sign", textContent: "+" });
    sign.setAttribute("aria-hidden", "true");
    this.ownTitle = document.createElement("span");
    tile.append(sign, this.ownTitle);
    tile.addEventListener("click", () => document.getElementById("style-file").click());
    return tile;
  }

  /** Bring everything in line with the settings. */
  show() {
    const { mix, regions } = this.settings;
    if (Object.keys(mix).length > 1) this.mixing = true;
    this.switch.checked = this.mixing;
    if (this.ownTitle) {
      this.ownTitle.textContent = text("own_style");
      this.ownTitle.parentElement.title = text("own_style_note");
    }
    for (const tile of this.gallery.querySelectorAll("[data-style]")) {
      tile.setAttribute("aria-pressed", tile.dataset.style in mix);
      tile.style.setProperty("--chosen", COLORS[regions.length > 1 ? this.settings.region : 0]);
    }
    const sliders = this.mixing ? Object.keys(mix).map((name) => this.#slider(name)) : [];
    this.mix.replaceChildren(...(this.mixing ? [note(text("mix_note")), ...sliders] : []));
    this.#showRegions();
  }

  #tile(style) {
    const tile = document.createElement("button");
    tile.dataset.style = style.name;
    tile.title = [style.title, style.artist, style.year].filter(Boolean).join(", ");
    const picture = Object.assign(new Image(96, 96), { src: style.thumbnail ?? `thumbnails/${style.name}.jpg`, alt: "", loading: "lazy" });
    const title = document.createElement("span");
    title.textContent = style.title;
    tile.append(picture, title);
    tile.addEventListener("click", () => this.#choose(style.name));
    return tile;
  }

  #choose(name) {
    const { mix } = this.settings;
    if (!this.mixing) this.settings.mix = { [name]: 100 };
    else if (!(name in mix)) this.settings.mix = { ...mix, [name]: 50 };
    else if (Object.keys(mix).length > 1) {
      const { [name]: _, ...rest } = mix;
      this.settings.mix = rest;
    }
    this.show();
    this.on.changed({});
  }

  #slider(name) {
    const label = document.createElement("label");
    label.className = "slider";
    const title = document.createElement("span");
    title.textContent = this.#title(name);
    const value = document.createElement("output");
    const range = Object.assign(document.createElement("input"), { type: "range", min: 0, max: 100 });
    range.value = this.settings.mix[name];
    range.dataset.weight = name;
    const show = () => {
      const sum = Object.values(this.settings.mix).reduce((one, other) => one + other, 0);
      for (const other of this.mix.querySelectorAll("label")) {
        const weight = this.settings.mix[other.querySelector("input").dataset.weight];
        other.querySelector("output").textContent = `${sum ? Math.round((100 * weight) / sum) : 0} %`;
      }
    };
    const take = (moving) => {
      const mix = { ...this.settings.mix, [name]: Number(range.value) };
      // A mix of nothing would be the photo.
      if (Object.values(mix).every((weight) => weight === 0)) mix[name] = Number((range.value = 1));
      this.settings.mix = mix;
      show();
      this.on.changed({ moving });
    };
    range.addEventListener("input", () => take(true));
    range.addEventListener("change", () => take(false));
    label.append(title, value, range);
    queueMicrotask(show);
    return label;
  }

  #title(name) {
    return this.styles.find((style) => style.name === name)?.title ?? name;
  }

  #showRegions() {
    const { regions, region } = this.settings;
    const chips = regions.map((mix, index) => {
      const chip = document.createElement("button");
      chip.className = "chip";
      chip.setAttribute("aria-pressed", index === region);
      chip.style.setProperty("--chip", COLORS[index]);
      chip.textContent = Object.keys(mix).map((name) => this.#title(name)).join(" + ");
      chip.addEventListener("click", () => this.on.region(index));
      return chip;
    });
    const add = document.createElement("button");
    add.id = "add-region";
    add.textContent = text("brush_add");
    add.disabled = regions.length >= this.maxRegions;
    add.addEventListener("click", () => this.on.added());
    const drop = document.createElement("button");
    drop.id = "drop-region";
    drop.textContent = text("brush_drop");
    drop.addEventListener("click", () => this.on.dropped(region));
    this.regions.replaceChildren(...(regions.length > 1 ? [...chips, add, drop] : [add]));
  }
}

function strongest(mix) {
  const [name] = Object.entries(mix).sort((one, other) => other[1] - one[1])[0];
  return { [name]: 100 };
}

function note(sentence) {
  return Object.assign(document.createElement("p"), { className: "note", textContent: sentence });
}
