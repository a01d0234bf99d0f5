// The page: puts its parts together.

import { zip } from "./binary_files.js";
import { Drawing } from "./drawing.js";
import { Gallery } from "./gallery.js";
import { Painter } from "./painter.js";
import { Pointer } from "./pointer.js";
import { Settings } from "./settings.js";
import { watchSources } from "./sources.js";
import { Stage } from "./stage.js";
import { firstLanguage, text, useLanguage } from "./texts.js";

const MAX_REGIONS = 6;
const MASK_SIDE = 4096; // pixels; of a larger photo's mask, edges are a little softer
const element = (id) => document.getElementById(id);
const config = JSON.parse(document.querySelector("meta[name=tfstyle]").content);

const Engine = (await import(`./${config.engine}_engine.js`))[config.engine === "server" ? "ServerEngine" : "BrowserEngine"];
const styles = await (await fetch("styles.json")).json();
let language = firstLanguage(config.languages);
await useLanguage(language);

const settings = new Settings(styles.map((style) => style.name));
settings.fromHash(location.hash, styles.map((style) => style.name), MAX_REGIONS);
const engine = new Engine(config);
const photos = [];
let photo = null;
let serial = 0;

const stage = new Stage(element("canvas"));
const brush = { tool: "move", size: 60, softness: 0.4, region: 0 };
const painter = new Painter(engine, settings, { changed: show, busy: showBusy, failed: fail });
const pointer = new Pointer(stage, element("ring"), brush, {
  begin: (operation) => draw(() => photo.drawing.begin(operation)),
  extend: (operation, since) => draw(() => photo.drawing.extend(operation, since)),
  end: () => { photo.drawing.end(); drawn(); },
  drop: () => { photo.drawing.drop(); drawn(); },
});
const gallery = new Gallery(styles, settings, MAX_REGIONS, {
  changed: ({ moving }) => changed({ moving }),
  region: (index) => { settings.region = brush.region = index; gallery.show(); },
  added: addRegion,
  dropped: dropRegion,
  own: engine.encodes,
});
const styleFile = element("style-file");
styleFile.addEventListener("change", async () => {
  const [file] = styleFile.files;
  styleFile.value = "";
  if (!file) return;
  clearError();
  say(text("opening", { name: file.name }));
  try {
    const style = await engine.addStyle(file);
    gallery.add(style);
    say(text("own_style_added", style));
  } catch (error) {
    say("");
    fail(error, { name: file.name });
  }
});

// Photos

watchSources({ files: addPhotos, failed: (code) => fail({ code }) });

async function addPhotos(files) {
  clearError();
  for (const file of files) {
    say(text("opening", { name: file.name }));
    element("stage").setAttribute("aria-busy", "true");
    try {
      const opened = await engine.open(file);
      Object.assign(opened, { serial: ++serial });
      opened.drawing = new Drawing(opened);
      photos.push(opened);
      select(opened);
    } catch (error) {
      fail(error, { name: file.name });
      say("");
    } finally {
      element("stage").removeAttribute("aria-busy");
    }
  }
}

function select(chosen) {
  pointer.finish();
  photo = chosen;
  const some = Boolean(photo);
  element("stage").classList.toggle("empty", !some);
  for (const id of ["tools", "strip"]) element(id).hidden = !some;
  element("welcome").hidden = some;
  element("download").disabled = !some;
  element("download-all").hidden = photos.length < 2;
  element("canvas").setAttribute("aria-label", some ? text("canvas", { name: photo.file.name }) : text("canvas_empty"));
  showStrip();
  stage.show(photo);
  element("download-note").textContent = some ? text("full_size", photo) : "";
  if (!some) return;
  painter.refresh(photo).then(() => say(text("painted", { styles: titles() })));
  showHistory();
}

function showStrip() {
  const tiles = photos.map((each) => {
    const tile = document.createElement("button");
    tile.setAttribute("aria-pressed", each === photo);
    tile.title = each.file.name;
    tile.setAttribute("aria-label", each.file.name);
    const size = 112;
    const canvas = Object.assign(document.createElement("canvas"), { width: size, height: size });
    const { picture } = each;
    const side = Math.min(picture.width, picture.height);
    canvas.getContext("2d").drawImage(
      picture, (picture.width - side) / 2, (picture.height - side) / 2, side, side, 0, 0, size, size,
    );
    tile.append(canvas);
    tile.addEventListener("click", () => select(each));
    return tile;
  });
  const button = (id, label, sign, act) => {
    const made = Object.assign(document.createElement("button"), { id, className: "icon", textContent: sign, title: text(label) });
    made.setAttribute("aria-label", text(label));
    made.addEventListener("click", act);
    return made;
  };
  const add = button("add-photo", "add_photos", "+", () => element("file").click());
  const drop = button("remove-photo", "remove_photo", "✕", removePhoto);
  element("strip").replaceChildren(...tiles, add, drop);
}

function removePhoto() {
  const at = photos.indexOf(photo);
  const [gone] = photos.splice(at, 1);
  painter.forget(gone);
  engine.close(gone).catch(() => {}); // it goes by itself, too
  select(photos[Math.min(at, photos.length - 1)] ?? null);
  if (!photo) say("");
}

// Painting

function show() {
  if (!photo) return stage.draw();
  stage.layers = painter.layers(photo);
  stage.strength = settings.strength / 100;
  stage.draw();
}

function changed({ moving = false } = {}) {
  history.replaceState(null, "", settings.toHash(language));
  clearError();
  if (!photo) return;
  const done = painter.refresh(photo, { moving });
  if (!moving) done.then(() => say(text("painted", { styles: titles() })));
}

function titles() {
  const names = settings.regions.flatMap((mix) => Object.keys(mix));
  return styles.filter((style) => names.includes(style.name)).map((style) => style.title).join(", ");
}

let busySince = null;
function showBusy(busy) {
  if (busy && busySince === null) busySince = setTimeout(watchProgress, 400);
  if (!busy) {
    clearTimeout(busySince);
    busySince = null;
    badge("");
  }
}

/** Say what takes long, and how many come before. */
async function watchProgress() {
  while (busySince !== null) {
    const { ahead, stage: doing } = await engine.progress().catch(() => ({}));
    if (busySince === null) return;
    badge(ahead > 0 ? text("in_line", { count: ahead }) : text(`stages.${doing ?? "painting"}`));
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

/** For tests: whether anything is under way. */
window.studioBusy = () => painter.running > 0 || element("stage").hasAttribute("aria-busy");

function badge(sentence) {
  element("badge").textContent = sentence;
  element("badge").hidden = !sentence;
}

// Drawing

function draw(act) {
  act();
  show();
}

function drawn() {
  show();
  showHistory();
  if (settings.regions.length > 1) painter.refresh(photo);
  say(photo.drawing.begun && photo.drawing.masks.empty ? text("nothing_painted") : "");
}

function edit(act) {
  if (!photo) return;
  photo.drawing.setRegions(settings.regions.length);
  act();
  drawn();
}

function showHistory() {
  element("undo").disabled = !photo.drawing.operations.length;
  element("redo").disabled = !photo.drawing.undone.length;
}

function addRegion() {
  const used = new Set(settings.regions.flatMap((mix) => Object.keys(mix)));
  const next = styles.find((style) => !used.has(style.name)) ?? styles[0];
  // What was painted everywhere stays so, and the new brush paints over it.
  for (const each of photos) if (!each.drawing.begun) each.drawing.add({ kind: "fill", region: 0 });
  settings.regions.push({ [next.name]: 100 });
  settings.region = brush.region = settings.regions.length - 1;
  for (const each of photos) each.drawing.setRegions(settings.regions.length);
  gallery.mixing = false;
  gallery.show();
  setTool("brush");
  changed();
  if (photo) showHistory();
  say(text("brush_added"));
}

function dropRegion(index) {
  settings.regions.splice(index, 1);
  settings.region = brush.region = 0;
  for (const each of photos) each.drawing.dropRegion(index);
  gallery.show();
  changed();
  if (photo) showHistory();
}

function setTool(tool) {
  brush.tool = tool;
  for (const button of document.querySelectorAll("[data-tool]")) button.setAttribute("aria-pressed", button.dataset.tool === tool);
  element("brush-settings").hidden = !["brush", "eraser"].includes(tool);
  element("stage").dataset.using = tool;
  if (photo) photo.drawing.setRegions(settings.regions.length);
}

for (const button of document.querySelectorAll("[data-tool]")) button.addEventListener("click", () => setTool(button.dataset.tool));
for (const kind of ["fill", "clear", "invert"]) {
  element(kind).addEventListener("click", () => edit(() => photo.drawing.add({ kind, region: brush.region })));
}
element("everywhere").addEventListener("click", () => edit(() => photo.drawing.reset()));
element("undo").addEventListener("click", () => edit(() => photo.drawing.undo()));
element("redo").addEventListener("click", () => edit(() => photo.drawing.redo()));

for (const name of engine.segments) {
  const button = Object.assign(document.createElement("button"), { id: `segment-${name}` });
  button.dataset.text = `segments.${name}`;
  button.textContent = text(button.dataset.text);
  button.addEventListener("click", () => withButton(button, async () => {
    const asked = photo;
    const found = await engine.segment(asked, name);
    if (asked === photo) edit(() => photo.drawing.add({ kind: "picture", region: brush.region, ...found }));
  }));
  element("segments").append(button);
}

// Sliders and switches

function slider(id, take, shown, settled = () => {}) {
  const input = element(id);
  const update = () => {
    take(Number(input.value));
    element(`${id}-value`).textContent = shown();
  };
  input.addEventListener("input", () => { update(); settled(true); });
  input.addEventListener("change", () => settled(false));
  return (value) => { input.value = value; update(); };
}

const redraw = () => { history.replaceState(null, "", settings.toHash(language)); show(); };
const percent = (value) => `${value} %`;
slider("strength", (value) => { settings.strength = value; }, () => percent(settings.strength), redraw)(settings.strength);
slider("stroke", (value) => { settings.stroke = value; }, () => `× ${settings.strokeFactor}`, (moving) => changed({ moving }))(settings.stroke);
const setSize = slider("size", (value) => { brush.size = value; }, () => `${brush.size} px`, showRing);
const setSoftness = slider("softness", (value) => { brush.softness = value / 100; }, () => percent(Math.round(100 * brush.softness)));
setSize(brush.size);
setSoftness(100 * brush.softness);
element("keep-colors").checked = settings.keepColors;
element("keep-colors").addEventListener("change", () => {
  settings.keepColors = element("keep-colors").checked;
  changed();
});

/** Show how large the brush is while its size is set. */
function showRing() {
  const box = element("canvas").getBoundingClientRect();
  pointer.showRing(box.left + box.width / 2, box.top + box.height / 2);
  clearTimeout(showRing.hiding);
  showRing.hiding = setTimeout(() => { element("ring").hidden = true; }, 900);
}

// View

element("zoom-in").addEventListener("click", () => stage.zoomBy(1.5));
element("zoom-out").addEventListener("click", () => stage.zoomBy(1 / 1.5));
element("fit").addEventListener("click", () => stage.fit());
const drawStage = stage.draw.bind(stage);
stage.draw = () => {
  element("fit").textContent = percent(Math.round(100 * stage.zoom));
  drawStage();
};

function setCompare(on) {
  element("compare").setAttribute("aria-pressed", on);
  element("divider").hidden = !on;
  stage.divider = on ? element("divider").value / 1000 : null;
  stage.draw();
}
element("compare").addEventListener("click", () => setCompare(stage.divider === null));
element("divider").addEventListener("input", () => setCompare(true));

// Files

function request(of) {
  const mixes = of.drawing.begun ? settings.regions : settings.regions.slice(0, 1);
  return { ...settings.request(mixes), format: element("format").value };
}

function fileName(of) {
  const stem = of.file.name.replace(/\.[^.]*$/, "") || "photo";
  const chosen = new Set(settings.regions.flatMap((mix) => Object.keys(mix)));
  const known = styles.filter(({ name }) => chosen.has(name));
  const names = known.map(({ name, title }) => (name.startsWith("own.") ? title.replace(/[^\p{L}\p{N}]+/gu, "_") : name)).join("+");
  return `${stem}.${names}.${element("format").value === "png" ? "png" : "jpg"}`;
}

async function painting(of) {
  of.drawing.setRegions(settings.regions.length);
  const masks = of.drawing.begun ? await of.drawing.atFullSize(MASK_SIDE) : [];
  return { name: fileName(of), blob: await engine.download(of, request(of), masks) };
}

function save({ name, blob }) {
  const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** Do what a button asks for; it is off until that is done, whichever way it ends. */
async function withButton(button, act) {
  if (button.disabled || !photo) return;
  clearError();
  button.disabled = true;
  button.setAttribute("aria-busy", "true");
  painter.running++;
  showBusy(true);
  try {
    await act();
  } catch (error) {
    fail(error, { name: photo?.file.name });
  } finally {
    button.disabled = false;
    button.removeAttribute("aria-busy");
    showBusy(--painter.running > 0);
  }
}

element("download").addEventListener("click", () => withButton(element("download"), async () => {
  const file = await painting(photo);
  save(file);
  say(text("saved", file));
}));
element("download-all").addEventListener("click", () => withButton(element("download-all"), async () => {
  const files = [];
  for (const [n, each] of photos.entries()) {
    say(text("painting_of", { number: n + 1, count: photos.length }));
    const file = await painting(each);
    while (files.some(({ name }) => name === file.name)) file.name = file.name.replace(/(\.[^.]*\.\w+)$/, "_$1");
    files.push(file);
  }
  save({ name: "paintings.zip", blob: await zip(files) });
  say(text("saved", { name: "paintings.zip" }));
}));
element("share").addEventListener("click", async () => {
  const link = new URL(settings.toHash(language), location.href).href;
  try {
    await navigator.clipboard.writeText(link);
    say(text("link_copied"));
  } catch { // not allowed: the address bar has it as well
    history.replaceState(null, "", settings.toHash(language));
    say(text("link_in_address"));
  }
});

// Keys

addEventListener("keydown", (event) => {
  const typing = event.target.matches("input, select, textarea, dialog *");
  const key = event.key.toLowerCase();
  if ((event.ctrlKey || event.metaKey) && photo && !event.target.matches("dialog *")) {
    const act = { z: event.shiftKey ? "redo" : "undo", y: "redo", s: "download" }[key];
    if (!act) return;
    event.preventDefault();
    element(act).click();
  } else if (!typing && photo && !event.altKey && element("stage").parentElement.contains(event.target)) {
    const act = {
      b: () => setTool("brush"), e: () => setTool("eraser"), g: () => setTool("gradient"), m: () => setTool("move"),
      i: () => element("invert").click(), c: () => element("compare").click(), 0: () => stage.fit(),
      "+": () => stage.zoomBy(1.5), "-": () => stage.zoomBy(1 / 1.5),
      "[": () => resize(1 / 1.2), "]": () => resize(1.2),
    }[key];
    act?.();
  }
});

function resize(factor) {
  setSize(Math.round(brush.size * factor));
  showRing();
}

// What is said

function say(sentence) {
  element("status").textContent = sentence;
}

function fail(error, gaps = {}) {
  const known = text(`errors.${error.code}`, { ...gaps, message: error.message });
  if (!error.code || known.startsWith("errors.")) console.warn(error);
  element("error").querySelector("span").textContent = known.startsWith("errors.") ? text("errors.engine", error) : known;
  const action = element("error-action");
  action.hidden = !["stale", "unreachable", "busy"].includes(error.code);
  action.textContent = text(error.code === "stale" ? "reload" : "try_again");
  action.onclick = () => (error.code === "stale" ? location.reload() : changed());
  element("error").hidden = false;
}

function clearError() {
  element("error").hidden = true;
}
element("error-close").addEventListener("click", clearError);

// What failed while the page was out of sight is tried again.
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible" && photo && !element("error").hidden && painter.running === 0) changed();
});
addEventListener("hashchange", () => {
  settings.fromHash(location.hash, styles.map((style) => style.name), MAX_REGIONS);
  settings.region = brush.region = 0;
  gallery.show();
  for (const id of ["strength", "stroke"]) element(id).value = settings[id];
  for (const id of ["strength", "stroke"]) element(id).dispatchEvent(new Event("input"));
  element("keep-colors").checked = settings.keepColors;
  changed();
});

// Languages

const names = new Intl.DisplayNames(["en"], { type: "language" });
for (const code of config.languages) {
  const own = new Intl.DisplayNames([code], { type: "language" }).of(code) ?? names.of(code);
  element("language").append(new Option(own[0].toUpperCase() + own.slice(1), code));
}
element("language").value = language;
element("language").addEventListener("change", async () => {
  language = element("language").value;
  await useLanguage(language);
  translate();
  history.replaceState(null, "", settings.toHash(language));
});

function translate() {
  const where = config.engine === "server" ? (config.public ? "promise_public" : "promise") : "promise_device";
  element("promise").textContent = text(where);
  gallery.show();
  if (photo) {
    showStrip();
    element("download-note").textContent = text("full_size", photo);
  }
  element("canvas").setAttribute("aria-label", photo ? text("canvas", { name: photo.file.name }) : text("canvas_empty"));
}

translate();
setTool("move");
document.body.hidden = false;
document.documentElement.dataset.ready = "true";
