// How photos are painted: styles by region, strength, stroke, colours; and the same as a link.

const NAME = /^[\w.-]+$/;

export class Settings {
  constructor(styles) {
    this.regions = [{ [styles[0]]: 100 }]; // weights by style, 0 to 100
    this.region = 0; // the one that brush and gallery are about
    this.strength = 100;
    this.stroke = 0; // -10 to 10: half to double
    this.keepColors = false;
  }

  get mix() {
    return this.regions[this.region];
  }

  set mix(mix) {
    this.regions[this.region] = mix;
  }

  get strokeFactor() {
    return Math.round(2 ** (this.stroke / 10) * 100) / 100;
  }

  /** For an engine; what is drawn on needs a mix for each of its masks. */
  request(mixes) {
    return { mixes, strength: this.strength / 100, stroke: this.strokeFactor, keep_colors: this.keepColors };
  }

  toHash(language) {
    const style = this.regions.map((mix) => Object.entries(mix).map(([name, weight]) => `${name}:${weight}`).join(","));
    const told = { style: style.join(";"), strength: this.strength, stroke: this.stroke, colors: this.keepColors ? "keep" : "style" };
    return `#${new URLSearchParams({ ...told, lang: language })}`.replaceAll("%3A", ":").replaceAll("%2C", ",");
  }

  /** Take over what a link says and this page knows. */
  fromHash(hash, styles, maxRegions) {
    const told = new URLSearchParams(hash.slice(1));
    const regions = (told.get("style") ?? "").split(";").map((text) =>
      Object.fromEntries(
        text
          .split(",")
          .map((part) => part.split(":"))
          .filter(([name]) => NAME.test(name) && styles.includes(name))
          .map(([name, weight = "100"]) => [name, clamp(weight, 0, 100, 100)]),
      ),
    );
    const known = regions.filter((mix) => Object.values(mix).some((weight) => weight > 0)).slice(0, maxRegions);
    if (known.length) this.regions = known;
    this.strength = clamp(told.get("strength"), 0, 100, this.strength);
    this.stroke = clamp(told.get("stroke"), -10, 10, this.stroke);
    this.keepColors = told.has("colors") ? told.get("colors") === "keep" : this.keepColors;
  }
}

function clamp(text, least, most, otherwise) {
  const number = text === null || text === "" ? NaN : Number(text);
  return Number.isFinite(number) ? Math.min(most, Math.max(least, Math.round(number))) : otherwise;
}
