// Measuring: the same sums as course_lib/dicom/measure.py; a test compares the two.
// A point is [column, row] in pixels, whole numbers are pixel centres; mm is [column_mm, row_mm].

function step(from, to, mm) {
  return [(to[0] - from[0]) * mm[0], (to[1] - from[1]) * mm[1]];
}

function lengthOf(from, to, mm) {
  return Math.hypot(...step(from, to, mm));
}

function angleOf(first, vertex, second, mm) {
  const a = step(vertex, first, mm), b = step(vertex, second, mm);
  return Math.abs(Math.atan2(a[0] * b[1] - a[1] * b[0], a[0] * b[0] + a[1] * b[1])) * 180 / Math.PI;
}

// Mean, standard deviation, extremes and area of the pixels whose centres lie in the shape.
function regionOf(kind, corner, opposite, mm, size, valueAt) {
  const middle = [0, 1].map((i) => (corner[i] + opposite[i]) / 2);
  const half = [0, 1].map((i) => Math.abs(corner[i] - opposite[i]) / 2);
  const wide = Math.max(half[0], 1e-9), tall = Math.max(half[1], 1e-9);
  const first = [0, 1].map((i) => Math.max(0, Math.ceil(middle[i] - half[i])));
  const last = [0, 1].map((i) => Math.min(size[i] - 1, Math.floor(middle[i] + half[i])));
  const values = [];
  for (let row = first[1]; row <= last[1]; row++) {
    for (let column = first[0]; column <= last[0]; column++) {
      const out = ((column - middle[0]) / wide) ** 2 + ((row - middle[1]) / tall) ** 2;
      if (kind === "rectangle" || out <= 1) values.push(valueAt([column, row]));
    }
  }
  const sides = step(corner, opposite, mm);
  const area = Math.abs(sides[0] * sides[1]) * (kind === "ellipse" ? Math.PI / 4 : 1);
  const pixels = values.length;
  if (!pixels) return { mean: null, sd: null, minimum: null, maximum: null, pixels, area };
  const mean = values.reduce((sum, v) => sum + v, 0) / pixels;
  const sd = Math.sqrt(values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / pixels);
  const minimum = values.reduce((a, b) => Math.min(a, b));
  const maximum = values.reduce((a, b) => Math.max(a, b));
  return { mean, sd, minimum, maximum, pixels, area };
}

// What a finished shape says: numbers for Python, with their unit.
function measured(kind, points, scale, size, valueAt, valueUnit) {
  if (kind === "length") return { length: lengthOf(points[0], points[1], scale.mm), unit: scale.unit };
  if (kind === "angle") return { degrees: angleOf(points[0], points[1], points[2], scale.mm), unit: "degrees" };
  const found = regionOf(kind, points[0], points[1], scale.mm, size, valueAt);
  return { ...found, unit: `${valueUnit}, area in ${scale.unit} squared` };
}

// No more digits than a measurement deserves; whole values stay whole.
function short(value) {
  if (value === null || !Number.isFinite(value)) return "-";
  if (Number.isInteger(value)) return `${value}`;
  return Math.abs(value) >= 100 ? value.toFixed(0) : Math.abs(value) >= 1 ? value.toFixed(1) : value.toPrecision(2);
}

function inWords(m, brief = false) {
  if (m.kind === "length") return `${short(m.length)} ${m.unit}`;
  if (m.kind === "angle") return `${m.degrees.toFixed(1)}°`;
  const [values, area] = m.unit.split(", area in ");
  const surface = area.replace(" squared", "").replace(/^(mm|pixels)/, "$1²");
  const ends = brief ? "" : `, ${short(m.minimum)} to ${short(m.maximum)}`;
  return `mean ${short(m.mean)}, SD ${short(m.sd)}${ends} ${values}; ${short(m.area)} ${surface}`;
}
