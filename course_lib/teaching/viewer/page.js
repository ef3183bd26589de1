// What is on the page: controls, the canvas, and everything that is drawn on it.

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

const button = (label, title, press, more = {}) =>
  make("button", { type: "button", title, onclick: press, ...more }, label);
const choice = (label, names, pick) =>
  make("select", { "aria-label": label, onchange: (e) => pick(e.target.value) },
    ...names.map((name) => make("option", { value: name }, name)));
const range = (label, given, act) =>
  make("input", { type: "range", "aria-label": label, ...given, oninput: (e) => act(+e.target.value) });

class Page {
  build(el) {
    const { about } = this;
    this.buttons = TOOLS.map(([tool, label, key, title]) =>
      button(label, `${title} (${key})`, () => this.choose(tool), { "data-tool": tool }));
    this.planes = choice("plane", about.planes.map((p) => p.name), (name) => this.toPlane(name));
    this.presets = choice("window preset", Object.keys(about.windows),
      (name) => this.setWindow(about.windows[name]));
    this.presets.prepend(make("option", { value: "", hidden: true }, "own window"));
    this.canvas = make("canvas", { tabindex: 0, role: "application", "aria-label": `${about.alt}. ${HELP}` });
    this.slider = range("slice", { min: 0, step: 1 }, (index) => this.toSlice(index));
    this.status = make("div", { class: "status" });
    this.list = make("ol", { "aria-live": "polite", "aria-label": "measurements" });
    const bar = make("div", { class: "bar" }, ...this.buttons, this.presets,
      ...(about.planes.length > 1 ? [this.planes] : []),
      button("Undo", "Undo the last change (x)", () => this.undo()),
      button("Clear", "Remove all measurements", () => this.keep([])),
      button("Reset", "Whole picture, first window (0)", () => this.reset()),
      ...this.maskControls(), ...this.magnificationControl());
    el.append(make("div", { class: "course-viewer" }, bar, this.canvas, this.slider, this.status, this.list,
      make("div", { class: "help" }, HELP)));
    this.listen();
    this.choose("window");
  }

  maskControls() {
    const { masks } = this.about;
    const flip = (i) => { this.masksShown ^= 1 << i; this.redraw(); };
    const boxes = masks.map(([name, colour], i) => make("label", { style: `color:${colour}` },
      make("input", { type: "checkbox", checked: true, onchange: () => flip(i) }), name));
    const fade = (opacity) => { this.opacity = opacity; this.redraw(); };
    const scale = { min: 0, max: 1, step: 0.1, value: this.opacity };
    return masks.length ? [...boxes, make("label", {}, "opacity", range("opacity of the masks", scale, fade))] : [];
  }

  magnificationControl() {
    if (!this.about.magnified) return [];
    const pick = (e) => this.set({ magnification: Math.min(5, Math.max(1, +e.target.value || 1)) });
    this.magnification = make("input",
      { type: "number", min: 1, max: 5, step: 0.01, "aria-label": "magnification", onchange: pick });
    const title = "Source to detector divided by source to object";
    return [make("label", { title }, "magnification", this.magnification)];
  }

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
    const size = [plane.columns * place.step[0], plane.rows * place.step[1]];
    pen.drawImage(this.picture.sheet, ...place.toCanvas([-0.5, -0.5]), ...size);
    this.annotate(pen, place, width, height);
    this.tell();
    canvas.dataset.drawMs = (performance.now() - began).toFixed(2);
    canvas.dataset.drawn = +(canvas.dataset.drawn || 0) + 1;
  }

  annotate(pen, place, width, height) {
    const { plane } = this, all = this.model.get("measurements");
    const onCanvas = (points) => points.map((p) => place.toCanvas(p));
    this.here().forEach(([i, points]) =>
      drawShape(pen, all[i].kind, onCanvas(points), `${i + 1}: ${inWords(all[i], true)}`, LINE));
    if (this.draft) {
      const { kind, points } = this.draft, whole = points.length === POINTS[kind];
      drawShape(pen, kind, onCanvas(points), whole ? inWords(this.measure(kind, points), true) : "", DRAFT);
    }
    if (this.steered && this.cursor) {
      const [x, y] = place.toCanvas(this.cursor);
      drawShape(pen, "length", [[x - 7, y], [x + 7, y]], "", DRAFT);
    }
    this.writeRound(pen, plane, width, height);
    if (this.about.known) scaleBar(pen, place, width, height, this.scale.unit);
    else write(pen, "no scale: lengths are in pixels", width - 8, height - 10, "#F0E442", "right");
  }

  writeRound(pen, plane, width, height) {
    const [left, top, right, bottom] = plane.letters, [centre, wide] = this.model.get("window");
    write(pen, left, 8, height / 2);
    write(pen, right, width - 8, height / 2, "#eee", "right");
    write(pen, top, width / 2, 12, "#eee", "center");
    write(pen, bottom, width / 2, height - 10, "#eee", "center");
    const at = (plane.start_mm + this.index * plane.step_mm).toFixed(1);
    const where = plane.along ? `, ${plane.along} = ${at} mm` : "";
    write(pen, `${plane.name} ${this.index + 1} / ${plane.slices}${where}`, 8, 14);
    write(pen, `C ${short(centre)}  W ${short(wide)} ${this.about.unit}`, 8, height - 10);
  }

  // Everything beside the canvas: value under the cursor, slider, choices, list.
  tell() {
    const { plane, index, cursor, model, about } = this;
    const at = cursor && cursor.map(Math.round), value = at && this.picture.reader(plane, index)(at);
    this.status.textContent = value == null ? "–"
      : `column ${at[0]}, row ${at[1]}: ${+value.toPrecision(5)} ${about.unit}`;
    Object.assign(this.slider, { max: plane.slices - 1, value: index, hidden: plane.slices === 1 });
    this.planes.value = plane.name;
    const asked = `${model.get("window")}`;
    this.presets.value = Object.keys(about.windows).find((n) => `${about.windows[n]}` === asked) || "";
    const number = this.magnification; // not while somebody types into it
    if (number && document.activeElement !== number) number.value = model.get("magnification");
    const all = model.get("measurements");
    if (this.listed !== all) this.list.replaceChildren(...all.map((m, i) => this.line(m, i, all)));
    this.listed = all;
  }

  line(m, number, all) {
    const remove = () => this.keep(all.filter((_, k) => k !== number));
    return make("li", {}, `${m.kind}: ${inWords(m)} (${m.plane} ${m.slice + 1}) `,
      button("✕", "Delete", remove, { "aria-label": `delete measurement ${number + 1}` }));
  }
}
