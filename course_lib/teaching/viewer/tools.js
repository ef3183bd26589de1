// Shapes on the picture: how they are drawn, caught with the pointer, and made point by point.

const POINTS = { length: 2, angle: 3, rectangle: 2, ellipse: 2 };
const NEAR = 9; // canvas pixels within which a handle is caught
const LINE = "#F0E442", DRAFT = "#56B4E9"; // both stand out on grey, for any colour vision

function drawShape(pen, kind, points, text, colour) {
  const outline = () => {
    pen.beginPath();
    const [[x0, y0], [x1, y1]] = points;
    const wide = Math.abs(x1 - x0), tall = Math.abs(y1 - y0);
    if (kind === "rectangle") pen.rect(Math.min(x0, x1), Math.min(y0, y1), wide, tall);
    else if (kind === "ellipse") pen.ellipse((x0 + x1) / 2, (y0 + y1) / 2, wide / 2, tall / 2, 0, 0, 7);
    else points.forEach(([x, y]) => pen.lineTo(x, y));
    pen.stroke();
  };
  Object.assign(pen, { lineWidth: 3.5, strokeStyle: "#000" });
  outline(); // a dark rim keeps the line visible on white bone
  Object.assign(pen, { lineWidth: 1.5, strokeStyle: colour, fillStyle: colour });
  outline();
  points.forEach(([x, y]) => pen.fillRect(x - 2.5, y - 2.5, 5, 5));
  const [x, y] = points[points.length - 1];
  if (text) write(pen, text, x + 8, y - 8, colour);
}

function write(pen, text, x, y, colour = "#eee", align = "left") {
  Object.assign(pen, { font: "13px sans-serif", textAlign: align, textBaseline: "middle" });
  Object.assign(pen, { lineWidth: 3, strokeStyle: "#000", fillStyle: colour });
  pen.strokeText(text, x, y);
  pen.fillText(text, x, y);
}

// A bar of 1, 2 or 5 times a power of ten mm, about a fifth of the canvas.
function scaleBar(pen, placement, width, height, text) {
  const wanted = width / 5 / placement.scale, power = 10 ** Math.floor(Math.log10(wanted));
  const size = [5, 2, 1].map((n) => n * power).find((n) => n <= wanted) || power;
  const x = width - 14, y = height - 22, left = x - size * placement.scale;
  pen.beginPath();
  [[left, y - 4], [left, y], [x, y], [x, y - 4]].forEach(([a, b]) => pen.lineTo(a, b));
  Object.assign(pen, { lineWidth: 2, strokeStyle: "#eee" });
  pen.stroke();
  write(pen, `${size >= 1 ? size : size.toPrecision(1)} ${text}`, x, height - 10, "#eee", "right");
}

// A shape in the making: press and drag, or press point after point.
class Draft {
  constructor(kind, point) {
    this.kind = kind;
    this.points = [point, point];
  }

  move(point) {
    this.points = [...this.points.slice(0, -1), point];
  }

  // The pointer was let go; true when the shape is complete.
  release(farEnough) {
    if (!farEnough(this.points[this.points.length - 2], this.points[this.points.length - 1])) return false;
    if (this.points.length === POINTS[this.kind]) return true;
    this.points.push(this.points[this.points.length - 1]);
    return false;
  }
}

// Which handle lies under the pointer: [number of the measurement, number of the point], or null.
function caught(shapes, pointer) {
  for (const [number, points] of shapes) {
    const found = points.findIndex((p) => Math.hypot(p[0] - pointer[0], p[1] - pointer[1]) < NEAR);
    if (found >= 0) return [number, found];
  }
  return null;
}
