// The viewer: its state, pointer and keys. Python keeps the state in traits of the model.

class View extends Page {
  constructor(model, el) {
    super();
    this.model = model;
    this.about = model.get("about");
    this.picture = new Picture(this.about, model.get("pixels"), model.get("labels"));
    this.tool = "window";
    this.looks = {};
    this.history = [];
    this.pointers = new Map();
    this.masksShown = 255;
    this.opacity = 0.4;
    this.build(el);
    this.changed = () => this.redraw();
    TRAITS.forEach((name) => model.on(`change:${name}`, this.changed));
    this.watcher = new ResizeObserver(this.changed);
    this.watcher.observe(this.canvas);
    this.draw();
  }

  stop() {
    this.watcher.disconnect();
    TRAITS.forEach((name) => this.model.off(`change:${name}`, this.changed));
  }

  listen() {
    const on = (name, act) => this.canvas.addEventListener(name, act, { passive: false });
    on("pointerdown", (e) => this.down(e));
    on("pointermove", (e) => this.move(e));
    on("pointerup", (e) => this.up(e));
    on("pointercancel", (e) => this.up(e));
    on("pointerleave", () => { this.cursor = null; this.redraw(); });
    on("contextmenu", (e) => { e.preventDefault(); e.stopPropagation(); });
    on("wheel", (e) => this.wheel(e));
    on("keydown", (e) => this.key(e));
  }

  // --- state -------------------------------------------------------------------------------
  get plane() { return this.about.planes.find((p) => p.name === this.model.get("plane")); }
  get index() { return Math.min(this.model.get("index"), this.plane.slices - 1); }
  get look() { return (this.looks[this.plane.name] ??= { zoom: 1, x: 0, y: 0 }); }
  get place() { return new Placement(this.plane, this.canvas.clientWidth, this.canvas.clientHeight, this.look); }
  get scale() {
    const { plane } = this, mm = [plane.column_mm, plane.row_mm], m = this.model.get("magnification");
    if (this.about.magnified && m > 1) return { mm: mm.map((s) => s / m), unit: "mm at the object" };
    return { mm, unit: plane.length_unit };
  }

  set(values) {
    Object.entries(values).forEach(([name, value]) => this.model.set(name, value));
    clearTimeout(this.later); // a drag changes often; Python need not hear of every step
    this.later = setTimeout(() => this.model.save_changes(), 60);
    this.redraw();
  }

  setWindow([centre, width]) {
    this.set({ window: [+centre.toPrecision(6), +Math.max(width, this.about.slope).toPrecision(6)] });
  }

  toSlice(index) { this.set({ index: Math.min(this.plane.slices - 1, Math.max(0, index)) }); }

  toPlane(name) {
    this.looks[this.plane.name] = { ...this.look, index: this.index };
    this.cursor = this.draft = null; // they belong to the plane that is left
    const next = this.about.planes.find((p) => p.name === name);
    this.set({ plane: name, index: this.looks[name]?.index ?? Math.floor(next.slices / 2) });
  }

  reset() {
    this.looks = {};
    this.setWindow(Object.values(this.about.windows)[0]);
  }

  choose(tool) {
    this.tool = tool;
    this.draft = null;
    this.buttons.forEach((b) => b.setAttribute("aria-pressed", b.dataset.tool === tool));
    this.redraw();
  }

  // --- measurements ------------------------------------------------------------------------
  measure(kind, points) {
    const { plane, index } = this, valueAt = this.picture.reader(plane, index);
    const found = measured(kind, points, this.scale, [plane.columns, plane.rows], valueAt, this.about.unit);
    return { kind, plane: plane.name, slice: index, points: points.map((p) => toVoxel(plane, index, p)), ...found };
  }

  keep(list, remember = true) {
    if (remember) this.history.push(this.model.get("measurements"));
    this.set({ measurements: list });
    this.model.save_changes();
  }

  undo() {
    if (this.draft) this.draft = null;
    else if (this.history.length) this.keep(this.history.pop(), false);
    this.redraw();
  }

  // Those of the slice on show: [number, points on the picture].
  here() {
    const all = this.model.get("measurements").map((m, i) => [i, m]);
    return all.filter(([, m]) => m.plane === this.plane.name && m.slice === this.index)
      .map(([i, m]) => [i, m.points.map((voxel) => toPicturePoint(this.plane, voxel))]);
  }

  // --- pointer -----------------------------------------------------------------------------
  down(e) {
    e.preventDefault();
    this.canvas.focus({ preventScroll: true });
    this.canvas.setPointerCapture(e.pointerId);
    const at = [e.offsetX, e.offsetY];
    this.pointers.set(e.pointerId, at);
    if (this.pointers.size === 2) { this.draft = this.grip = null; return; }
    const tool = e.button === 2 ? "window" : e.button === 1 ? "pan" : this.tool;
    this.grip = { tool, at, window: this.model.get("window"), look: { ...this.look } };
    if (!(tool in POINTS)) return;
    const place = this.place;
    const shapes = this.here().map(([i, points]) => [i, points.map((p) => place.toCanvas(p))]);
    const handle = !this.draft && caught(shapes, at);
    if (handle) this.grip.handle = handle;
    else this.press(place.toPicture(at));
  }

  press(point) {
    if (this.draft) this.draft.move(point);
    else this.draft = new Draft(this.tool, point);
    this.redraw();
  }

  release() {
    const place = this.place, far = (a, b) => Math.hypot(...step(place.toCanvas(a), place.toCanvas(b), [1, 1])) > 3;
    if (!this.draft?.release(far)) return;
    const done = this.measure(this.draft.kind, this.draft.points);
    this.draft = null;
    this.keep([...this.model.get("measurements"), done]);
  }

  move(e) {
    const at = [e.offsetX, e.offsetY], before = this.pointers.get(e.pointerId);
    this.cursor = this.place.toPicture(at);
    if (before) this.pointers.set(e.pointerId, at);
    if (this.pointers.size === 2 && before) this.pinch(e.pointerId, before, at);
    else if (this.grip && before) this.drag(at);
    else if (this.draft) this.draft.move(this.cursor);
    this.redraw();
  }

  drag(at) {
    const { grip } = this, [x, y] = step(grip.at, at, [1, 1]);
    if (grip.tool === "window") {
      const [centre, width] = grip.window; // up: brighter; to the right: wider
      this.setWindow([centre + y / 300 * width, width * Math.exp(x / 250)]);
    } else if (grip.tool === "pan") {
      this.looks[this.plane.name] = { ...grip.look, x: grip.look.x + x, y: grip.look.y + y };
    } else if (grip.handle) this.moveHandle(...grip.handle);
    else this.draft?.move(this.cursor);
  }

  moveHandle(number, point) {
    const list = [...this.model.get("measurements")], old = list[number];
    if (!this.grip.moved) this.history.push(this.model.get("measurements"));
    this.grip.moved = true;
    const points = old.points.map((voxel, i) => (i === point ? this.cursor : toPicturePoint(this.plane, voxel)));
    list[number] = this.measure(old.kind, points);
    this.set({ measurements: list });
  }

  up(e) {
    this.pointers.delete(e.pointerId);
    const grip = this.grip;
    this.grip = null;
    if (grip && !grip.handle && grip.tool in POINTS) this.release();
    this.model.save_changes();
    this.redraw();
  }

  pinch(moving, before, at) {
    const other = [...this.pointers].find(([id]) => id !== moving)[1];
    const apart = (p) => Math.hypot(p[0] - other[0], p[1] - other[1]) || 1;
    this.zoom(apart(at) / apart(before), other);
  }

  wheel(e) {
    const atEnd = this.index === (e.deltaY > 0 ? this.plane.slices - 1 : 0);
    if (!e.ctrlKey && atEnd) return; // nothing left to scroll here: the page may
    e.preventDefault();
    if (e.ctrlKey) return this.zoom(Math.exp(-e.deltaY / 400), [e.offsetX, e.offsetY]);
    this.wheeled = (this.wheeled || 0) + e.deltaY * (e.deltaMode ? 33 : 1);
    const notches = Math.trunc(this.wheeled / 50) || 0; // fine wheels and pads add up
    this.wheeled -= notches * 50;
    if (notches) this.toSlice(this.index + Math.sign(notches));
  }

  // What lies under `about` stays there.
  zoom(factor, centre = [this.canvas.clientWidth / 2, this.canvas.clientHeight / 2]) {
    const { look, canvas } = this, zoom = Math.min(40, Math.max(0.5, look.zoom * factor)), gain = zoom / look.zoom;
    const middle = [canvas.clientWidth / 2, canvas.clientHeight / 2];
    const shift = (old, i) => centre[i] - middle[i] - (centre[i] - middle[i] - old) * gain;
    this.looks[this.plane.name] = { ...look, zoom, x: shift(look.x, 0), y: shift(look.y, 1) };
    this.redraw();
  }

  // --- keys --------------------------------------------------------------------------------
  key(e) {
    const arrow = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] }[e.key];
    const tool = TOOLS.find(([, , key]) => key === e.key), preset = Object.values(this.about.windows)[+e.key - 1];
    const acts = {
      PageUp: () => this.toSlice(this.index + 10), PageDown: () => this.toSlice(this.index - 10),
      Home: () => this.toSlice(0), End: () => this.toSlice(this.plane.slices - 1),
      "+": () => this.zoom(1.25), "=": () => this.zoom(1.25), "-": () => this.zoom(0.8),
      0: () => this.reset(), x: () => this.undo(), Escape: () => this.choose(this.tool),
      Delete: () => this.keep(this.model.get("measurements").slice(0, -1)), Enter: () => this.enter(),
    };
    if (e.ctrlKey || e.metaKey) return;
    if (arrow && e.shiftKey) this.steer(arrow);
    else if (arrow) arrow[1] ? this.toSlice(this.index - arrow[1]) : this.steer(arrow);
    else if (acts[e.key]) acts[e.key]();
    else if (preset) this.setWindow(preset);
    else if (tool) this.choose(tool[0]);
    else return;
    e.preventDefault();
  }

  steer([x, y]) {
    const from = this.cursor || [this.plane.columns / 2, this.plane.rows / 2].map(Math.floor);
    this.cursor = [Math.round(from[0]) + x, Math.round(from[1]) + y];
    this.steered = true;
    this.draft?.move(this.cursor);
    this.redraw();
  }

  enter() {
    if (!(this.tool in POINTS) || !this.cursor) return;
    this.press(this.cursor);
    this.release();
  }

}

export default {
  render({ model, el }) {
    const shown = new View(model, el);
    return () => shown.stop();
  },
};
