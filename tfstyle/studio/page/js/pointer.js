// Hands on the canvas: mouse, pen, fingers and keys become strokes, gradients, moves and zooms.

const STEP = 8; // screen pixels that an arrow key moves the brush

export class Pointer {
  /**
   * @param stage Where things are.
   * @param brush {tool, size (screen pixels), softness, region}, as it is when a stroke begins.
   * @param on {begin(operation), extend(operation, since), end(operation), drop(operation)}
   */
  constructor(stage, ring, brush, on) {
    Object.assign(this, { stage, ring, brush, on });
    this.pointers = new Map(); // fingers that are down
    this.operation = null;
    this.cursor = null; // of the keyboard, in pixels of the photo
    const { canvas } = stage;
    canvas.addEventListener("pointerdown", (event) => this.#down(event));
    canvas.addEventListener("pointermove", (event) => this.#move(event));
    for (const kind of ["pointerup", "pointercancel"]) canvas.addEventListener(kind, (event) => this.#up(event));
    canvas.addEventListener("pointerleave", () => this.#hideRing());
    canvas.addEventListener("blur", () => this.#hideRing());
    canvas.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    canvas.addEventListener("keydown", (event) => this.#key(event));
    canvas.addEventListener("contextmenu", (event) => this.operation && event.preventDefault());
    addEventListener("blur", () => this.finish());
  }

  /** End a stroke that is under way, as when the window loses the pointer. */
  finish() {
    if (this.operation) this.on.end(this.operation);
    this.operation = null;
    this.pointers.clear();
  }

  /** The ring around the pointer, as large as the brush is on the screen. */
  showRing(clientX, clientY) {
    const { ring, brush } = this;
    ring.hidden = !["brush", "eraser"].includes(brush.tool) || !this.stage.photo;
    const box = this.stage.canvas.getBoundingClientRect();
    ring.style.width = ring.style.height = `${brush.size}px`;
    ring.style.transform = `translate(${clientX - box.left - brush.size / 2}px, ${clientY - box.top - brush.size / 2}px)`;
  }

  #hideRing() {
    this.ring.hidden = true;
  }

  #down(event) {
    const { stage, brush } = this;
    if (!stage.photo || (event.pointerType === "mouse" && event.button > 1)) return;
    stage.canvas.setPointerCapture(event.pointerId);
    this.cursor = null;
    this.pointers.set(event.pointerId, [event.clientX, event.clientY]);
    if (this.pointers.size > 1) { // a second finger: they zoom, and what the first one drew was not meant
      if (this.operation) this.on.drop(this.operation);
      this.operation = null;
      this.#hideRing();
      return;
    }
    const at = stage.toPhoto(event.clientX, event.clientY);
    if (brush.tool === "move" || event.button === 1) return;
    this.operation = this.#begin(at);
    this.on.begin(this.operation);
    this.showRing(event.clientX, event.clientY);
  }

  #begin(at) {
    const { brush, stage } = this;
    if (brush.tool === "gradient") return { kind: "gradient", region: brush.region, from: at, to: at };
    return {
      kind: "stroke",
      region: brush.region,
      erase: brush.tool === "eraser",
      radius: brush.size / 2 / stage.scale,
      softness: brush.softness,
      points: [at],
    };
  }

  #move(event) {
    const { stage, operation } = this;
    if (!stage.photo) return;
    if (event.pointerType !== "touch" || operation) this.showRing(event.clientX, event.clientY);
    const last = this.pointers.get(event.pointerId);
    if (!last) return;
    if (operation) {
      const events = event.getCoalescedEvents?.() ?? [];
      for (const { clientX, clientY } of events.length ? events : [event]) this.#draw(stage.toPhoto(clientX, clientY));
      return;
    }
    const before = this.#spread();
    this.pointers.set(event.pointerId, [event.clientX, event.clientY]);
    const after = this.#spread();
    stage.moveBy((before.x - after.x) / stage.scale, (before.y - after.y) / stage.scale);
    if (this.pointers.size > 1 && before.distance) stage.zoomBy(after.distance / before.distance, after.x, after.y);
  }

  #draw(at) {
    const { operation } = this;
    if (operation.kind === "gradient") {
      operation.to = at;
      this.on.extend(operation, 0);
      return;
    }
    const last = operation.points.at(-1);
    // Closer than that, points change nothing that one sees.
    if (Math.hypot(at[0] - last[0], at[1] - last[1]) < operation.radius / 6) return;
    operation.points.push(at);
    this.on.extend(operation, operation.points.length - 1);
  }

  #up(event) {
    if (!this.pointers.delete(event.pointerId)) return;
    if (!this.operation) return;
    if (event.type === "pointerup") {
      const at = this.stage.toPhoto(event.clientX, event.clientY);
      if (this.operation.kind === "stroke") this.operation.points.push(at);
      else this.operation.to = at;
      this.on.extend(this.operation, (this.operation.points?.length ?? 1) - 1);
    }
    this.on.end(this.operation);
    this.operation = null;
    if (event.pointerType === "touch") this.#hideRing();
  }

  /** Middle of the fingers, and how far apart they are. */
  #spread() {
    const [first, second = first] = [...this.pointers.values()];
    const [x, y] = [(first[0] + second[0]) / 2, (first[1] + second[1]) / 2];
    return { x, y, distance: Math.hypot(first[0] - second[0], first[1] - second[1]) };
  }

  #wheel(event) {
    if (!this.stage.photo) return;
    event.preventDefault();
    this.stage.zoomBy(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.002)), event.clientX, event.clientY);
    this.showRing(event.clientX, event.clientY);
  }

  #key(event) {
    const { stage, brush } = this;
    const direction = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!stage.photo || event.ctrlKey || event.metaKey || event.altKey) return;
    if (direction) {
      event.preventDefault();
      const step = (STEP * (event.shiftKey ? 5 : 1)) / stage.scale;
      if (brush.tool === "move") return stage.moveBy(direction[0] * step, direction[1] * step);
      const from = this.cursor ?? [...stage.center];
      const inside = (value, size) => Math.min(size, Math.max(0, value));
      this.cursor = [
        inside(from[0] + direction[0] * step, stage.photo.width),
        inside(from[1] + direction[1] * step, stage.photo.height),
      ];
      if (this.operation) this.#draw(this.cursor);
      this.showRing(...stage.toScreen(this.cursor));
    } else if ((event.key === " " || event.key === "Enter") && brush.tool !== "move") {
      event.preventDefault();
      if (event.repeat) return;
      this.cursor ??= [...stage.center];
      // A gradient runs from the first press to the second; a stroke goes on until then.
      if (this.operation) {
        this.on.end(this.operation);
        this.operation = null;
      } else {
        this.operation = this.#begin(this.cursor);
        this.on.begin(this.operation);
      }
      this.showRing(...stage.toScreen(this.cursor));
    } else if (event.key === "Escape" && this.operation) {
      this.on.drop(this.operation);
      this.operation = null;
    }
  }
}
