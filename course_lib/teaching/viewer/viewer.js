// The viewer on the page: controls, pointer, keys; Python keeps the state in traits of the model.

const TOOLS = [
  ["window", "Window", "w", "Drag: sideways width, up and down brightness (right button: always)"],
  ["pan", "Pan", "p", "Drag the picture (middle button: always)"],
  ["length", "Length", "l", "Drag from end to end"],
  ["angle", "Angle", "a", "Three points: arm, corner, arm"],
  ["rectangle", "Box", "b", "Drag over a region: mean, SD, area"],
  ["ellipse", "Ellipse", "e", "Drag over a region: mean, SD, area"],
];
const TRAITS = ["window", "plane", "index", "magnification", "measurements"]; // shared with Python
const HELP = "Wheel or arrow up/down: slices. Ctrl + wheel, + and -: zoom. Right button: window. " +
  "Keys: w p l a b e tools, 1-6 windows, x undo, 0 reset, Shift + arrows and Enter: measure without a mouse.";

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  element.setAttribute("data-lm-suppress-shortcuts", "true"); // in JupyterLab "dd" deletes a cell
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children);
  return element;
}

class View {
  constructor(model, el) {
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

  // --- what is on the page -----------------------------------------------------------------
  build(el) {
    const { about } = this;
    const button = (label, title, press, more = {}) => make("button", { type: "button", title, onclick: press, ...more }, label);
    const choice = (label, names, pick) => make("select", { "aria-label": label, onchange: (e) => pick(e.target.value) }, ...names.map((n) => make("option", { value: n }, n)));
    this.buttons = TOOLS.map(([tool, label, key, title]) => button(label, `${title} (${key})`, () => this.choose(tool), { "data-tool": tool }));
    this.planes = choice("plane", about.planes.map((p) => p.name), (name) => this.toPlane(name));
    this.presets = choice("window preset", Object.keys(about.windows), (name) => this.setWindow(about.windows[name]));
    this.presets.prepend(make("option", { value: "", hidden: true }, "own window"));
    const masks = about.masks.map(([name, colour], i) => make("label", { style: `color:${colour}` },
      make("input", { type: "checkbox", checked: true, onchange: (e) => { this.masksShown ^= 1 << i; this.redraw(); } }), name));
    if (masks.length) masks.push(make("label", {}, "opacity", make("input", { type: "range", min: 0, max: 1, step: 0.1, value: this.opacity, "aria-label": "opacity of the masks", oninput: (e) => { this.opacity = +e.target.value; this.redraw(); } })));
    const enlarged = about.magnified ? [make("label", { title: "Source to detector divided by source to object" }, "magnification",
      this.magnification = make("input", { type: "number", min: 1, max: 5, step: 0.01, "aria-label": "magnification", onchange: (e) => this.set({ magnification: Math.min(5, Math.max(1, +e.target.value || 1)) }) }))] : [];
    this.canvas = make("canvas", { tabindex: 0, role: "application", "aria-label": `${about.alt}. ${HELP}` });
    this.slider = make("input", { type: "range", min: 0, step: 1, "aria-label": "slice", oninput: (e) => this.toSlice(+e.target.value) });
    this.status = make("div", { class: "status" });
    this.list = make("ol", { "aria-live": "polite", "aria-label": "measurements" });
    el.append(make("div", { class: "course-viewer" },
      make("div", { class: "bar" }, ...this.buttons, this.presets, ...(about.planes.length > 1 ? [this.planes] : []),
        button("Undo", "Undo the last change (x)", () => this.undo()), button("Clear", "Remove all measurements", () => this.keep([])),
        button("Reset", "Whole picture, first window (0)", () => this.reset()), ...masks, ...enlarged),
      this.canvas, this.slider, this.status, this.list, make("div", { class: "help" }, HELP)));
    this.listen();
    this.choose("window");
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
    const { plane, index } = this, valueAt = (p) => this.picture.valueAt(plane, index, p);
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
    const place = this.place, handle = !this.draft && caught(this.here().map(([i, points]) => [i, points.map((p) => place.toCanvas(p))]), at);
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
    if (grip.tool === "window") this.setWindow([grip.window[0] + y / 300 * grip.window[1], grip.window[1] * Math.exp(x / 250)]);
    else if (grip.tool === "pan") this.looks[this.plane.name] = { ...grip.look, x: grip.look.x + x, y: grip.look.y + y };
    else if (grip.handle) this.moveHandle(...grip.handle);
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
    const slices = this.plane.slices;
    if (!e.ctrlKey && slices === 1) return; // nothing to scroll here: the page may
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

  // --- drawing -----------------------------------------------------------------------------
  redraw() {
    this.waiting ??= requestAnimationFrame(() => { this.waiting = null; this.draw(); });
  }

  draw() {
    const began = performance.now(), { canvas, plane, index } = this, sharp = window.devicePixelRatio || 1;
    const width = canvas.clientWidth, height = canvas.clientHeight;
    if (!width) return; // not on the page yet
    if (canvas.width !== Math.round(width * sharp)) canvas.width = Math.round(width * sharp);
    if (canvas.height !== Math.round(height * sharp)) canvas.height = Math.round(height * sharp);
    const pen = canvas.getContext("2d"), place = this.place, asked = this.model.get("window");
    pen.setTransform(sharp, 0, 0, sharp, 0, 0);
    pen.fillStyle = "#000";
    pen.fillRect(0, 0, width, height);
    if (`${asked}` !== this.tableOf) [this.table, this.tableOf] = [greyTable(this.about, asked), `${asked}`];
    const wanted = [plane.name, index, asked, this.masksShown, this.opacity].join();
    if (wanted !== this.painted) this.picture.paint(plane, index, this.table, this.masksShown, this.opacity);
    this.painted = wanted;
    pen.imageSmoothingEnabled = Math.min(...place.step) < 12; // zoomed in far: show the pixels themselves
    pen.drawImage(this.picture.sheet, ...place.toCanvas([-0.5, -0.5]), plane.columns * place.step[0], plane.rows * place.step[1]);
    this.annotate(pen, place, width, height);
    this.tell();
    canvas.dataset.drawMs = (performance.now() - began).toFixed(2);
    canvas.dataset.drawn = +(canvas.dataset.drawn || 0) + 1;
  }

  annotate(pen, place, width, height) {
    const { plane } = this, all = this.model.get("measurements"), [left, top, right, bottom] = plane.letters;
    this.here().forEach(([i, points]) => drawShape(pen, all[i].kind, points.map((p) => place.toCanvas(p)), `${i + 1}: ${inWords(all[i], true)}`, LINE));
    if (this.draft) {
      const { kind, points } = this.draft, words = points.length === POINTS[kind] ? inWords(this.measure(kind, points), true) : "";
      drawShape(pen, kind, points.map((p) => place.toCanvas(p)), words, DRAFT);
    }
    if (this.steered && this.cursor) drawShape(pen, "length", [[-7, 0], [7, 0]].map(([x]) => [place.toCanvas(this.cursor)[0] + x, place.toCanvas(this.cursor)[1]]), "", DRAFT);
    write(pen, left, 8, height / 2);
    write(pen, right, width - 8, height / 2, "#eee", "right");
    write(pen, top, width / 2, 12, "#eee", "center");
    write(pen, bottom, width / 2, height - 10, "#eee", "center");
    const where = plane.along ? `, ${plane.along} = ${(plane.start_mm + this.index * plane.step_mm).toFixed(1)} mm` : "";
    write(pen, `${plane.name} ${this.index + 1} / ${plane.slices}${where}`, 8, 14);
    const [centre, wide] = this.model.get("window");
    write(pen, `C ${short(centre)}  W ${short(wide)} ${this.about.unit}`, 8, height - 10);
    if (this.about.known) scaleBar(pen, place, width, height, this.scale.unit);
    else write(pen, "no scale: lengths are in pixels", width - 8, height - 10, "#F0E442", "right");
  }

  // Everything beside the canvas: value under the cursor, slider, lists.
  tell() {
    const { plane, index, cursor } = this, all = this.model.get("measurements");
    const at = cursor && cursor.map(Math.round), value = at && this.picture.valueAt(plane, index, at);
    this.status.textContent = value == null ? "–" : `column ${at[0]}, row ${at[1]}: ${+value.toPrecision(5)} ${this.about.unit}`;
    Object.assign(this.slider, { max: plane.slices - 1, value: index, hidden: plane.slices === 1 });
    this.planes.value = plane.name;
    const asked = `${this.model.get("window")}`;
    this.presets.value = Object.keys(this.about.windows).find((n) => `${this.about.windows[n]}` === asked) || "";
    if (this.magnification && document.activeElement !== this.magnification) this.magnification.value = this.model.get("magnification");
    if (this.listed === all) return;
    this.listed = all;
    this.list.replaceChildren(...all.map((m, i) => make("li", {}, `${m.kind}: ${inWords(m)} (${m.plane} ${m.slice + 1}) `,
      make("button", { type: "button", title: "Delete", "aria-label": `delete measurement ${i + 1}`, onclick: () => this.keep(all.filter((_, k) => k !== i)) }, "✕"))));
  }
}

export default {
  render({ model, el }) {
    const shown = new View(model, el);
    return () => shown.stop();
  },
};
