// Paints on the studio's server.

export class StudioError extends Error {
  constructor(code, message = "") {
    super(message);
    this.code = code;
  }
}

export class ServerEngine {
  constructor(config) {
    this.config = config;
    this.segments = config.segments;
    this.encodes = config.encodes;
  }

  /** Take a file; returns what the page needs to know of the photo. */
  async open(file) {
    const told = await this.#upload(file);
    const picture = await createImageBitmap(await (await this.#ask(`photos/${told.id}/view`)).blob());
    return { ...told, file, picture };
  }

  /** The painting as it is shown, an ImageBitmap at full strength. */
  async paint(photo, settings, masks, { draft = false, signal } = {}) {
    const body = form({ ...settings, draft }, masks);
    return createImageBitmap(await (await this.#of(photo, "painting", { method: "POST", body, signal })).blob());
  }

  /** The file at full size. */
  async download(photo, settings, masks, { signal } = {}) {
    return (await this.#of(photo, "download", { method: "POST", body: form(settings, masks), signal })).blob();
  }

  /** A mask found in the photo: {width, height, values}. */
  async segment(photo, name) {
    const picture = await createImageBitmap(await (await this.#of(photo, `segments/${name}`)).blob());
    const canvas = new OffscreenCanvas(picture.width, picture.height);
    canvas.getContext("2d").drawImage(picture, 0, 0);
    const { data } = canvas.getContext("2d").getImageData(0, 0, picture.width, picture.height);
    return { width: picture.width, height: picture.height, values: data.filter((_, i) => i % 4 === 0) };
  }

  /** Take a painting or a style file; returns the style as the gallery has it. */
  async addStyle(file) {
    const path = `styles?name=${encodeURIComponent(file.name)}`;
    return (await this.#ask(path, { method: "POST", body: file })).json();
  }

  /** {ahead, stage} of what this page waits for. */
  async progress() {
    return (await this.#ask("queue")).json();
  }

  async close(photo) {
    await this.#ask(`photos/${photo.id}`, { method: "DELETE" });
  }

  async #upload(file) {
    const path = `photos?name=${encodeURIComponent(file.name ?? "")}`;
    return (await this.#ask(path, { method: "POST", body: file })).json();
  }

  /** Ask about a photo; one that the server no longer has is sent again. */
  async #of(photo, what, options) {
    try {
      return await this.#ask(`photos/${photo.id}/${what}`, options);
    } catch (error) {
      if (error.code !== "photo_gone") throw error;
      photo.id = (await this.#upload(photo.file)).id;
      return this.#ask(`photos/${photo.id}/${what}`, options);
    }
  }

  async #ask(path, options = {}) {
    let response;
    try {
      response = await fetch(`api/${path}`, { ...options, headers: { "X-Studio-Token": this.config.token } });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new StudioError("unreachable");
    }
    if (response.ok) return response;
    const { error, message } = await response.json().catch(() => ({ error: "engine", message: response.statusText }));
    throw new StudioError(error, message);
  }
}

function form(settings, masks) {
  const body = new FormData();
  body.append("settings", JSON.stringify(settings));
  for (const mask of masks) body.append("mask", mask, "mask.png");
  return body;
}
