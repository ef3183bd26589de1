// One slice on a canvas: values through a table of greys, masks laid over, placed in millimetres.

const hex = (text) => [1, 3, 5].map((at) => parseInt(text.slice(at, at + 2), 16));

// Grey of every one of the 65,536 possible codes (DICOM PS3.3, C.11.2.1.2), as packed pixels.
function greyTable(about, [centre, width]) {
  const table = new Uint32Array(65536);
  const shift = width >= 2 ? 0.5 : 0; // the standard's linear function, or its exact form
  for (let code = 0; code < 65536; code++) {
    const value = (code - 32768) * about.slope + about.intercept;
    let share = (value - (centre - shift)) / Math.max(width - 2 * shift, 1e-9) + 0.5;
    share = Math.min(1, Math.max(0, about.negative ? 1 - share : share));
    table[code] = 0xff000000 | (Math.round(share * 255) * 0x010101);
  }
  return table;
}

class Picture {
  constructor(about, pixels, labels) {
    this.about = about;
    const whole = (view, Type) =>
      new Type(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));
    this.codes = whole(pixels, Int16Array);
    this.labels = labels && labels.byteLength ? whole(labels, Uint8Array) : null;
    this.inks = about.masks.map(([, colour]) => hex(colour));
    this.sheet = document.createElement("canvas");
  }

  // Where slice `index` of a plane begins in the volume, and the steps along its rows and columns.
  walk(plane, index) {
    const [, ny, nx] = this.about.shape, strides = [ny * nx, nx, 1];
    let start = index * strides[plane.axis];
    const along = (side, last) => {
      const stride = strides[plane[`${side}_axis`]];
      if (plane[`${side}_flip`]) start += last * stride;
      return plane[`${side}_flip`] ? -stride : stride;
    };
    const across = along("column", plane.columns - 1), down = along("row", plane.rows - 1);
    return { start, across, down };
  }

  // A function that reads the value at [column, row] of a slice; null outside.
  reader(plane, index) {
    const { start, across, down } = this.walk(plane, index), { slope, intercept } = this.about;
    const outside = ([column, row]) => column < 0 || row < 0 || column >= plane.columns || row >= plane.rows;
    return (p) => (outside(p) ? null : this.codes[start + p[0] * across + p[1] * down] * slope + intercept);
  }

  // Paint the slice on this.sheet, one canvas pixel for one picture pixel.
  paint(plane, index, table, masksShown, opacity) {
    const { columns, rows } = plane, { start, across, down } = this.walk(plane, index);
    if (this.sheet.width !== columns || this.sheet.height !== rows || !this.image) {
      Object.assign(this.sheet, { width: columns, height: rows });
      this.image = this.sheet.getContext("2d").createImageData(columns, rows);
      this.packed = new Uint32Array(this.image.data.buffer);
    }
    const { codes, packed, labels } = this, tints = new Map(); // few colours, many pixels
    for (let row = 0, to = 0; row < rows; row++) {
      for (let column = 0, at = start + row * down; column < columns; column++, at += across, to++) {
        packed[to] = table[codes[at] + 32768];
        const marks = labels ? labels[at] & masksShown : 0;
        if (!marks) continue;
        const grey = packed[to] & 255, key = marks << 8 | grey;
        if (!tints.has(key)) tints.set(key, this.tinted(grey, marks, opacity));
        packed[to] = tints.get(key);
      }
    }
    this.sheet.getContext("2d").putImageData(this.image, 0, 0);
    return this.sheet;
  }

  tinted(grey, marks, opacity) {
    const colour = [grey, grey, grey];
    this.inks.forEach((ink, number) => {
      if (marks >> number & 1) ink.forEach((part, i) => (colour[i] += opacity * (part - colour[i])));
    });
    const [red, green, blue] = colour.map(Math.round);
    return (0xff000000 | blue << 16 | green << 8 | red) >>> 0;
  }
}

// From picture points [column, row] to canvas points and back; `look` is { zoom, x, y }.
class Placement {
  constructor(plane, width, height, look) {
    const wide = plane.columns * plane.column_mm, tall = plane.rows * plane.row_mm;
    const fit = Math.min(width / wide, (height - 40) / tall); // room for the letters
    this.scale = fit * look.zoom; // canvas pixels per mm
    this.step = [plane.column_mm * this.scale, plane.row_mm * this.scale];
    this.zero = [ // where the centre of the first pixel lies
      width / 2 + look.x - (plane.columns - 1) / 2 * this.step[0],
      height / 2 + look.y - (plane.rows - 1) / 2 * this.step[1],
    ];
  }

  toCanvas(point) {
    return point.map((at, i) => this.zero[i] + at * this.step[i]);
  }

  toPicture(point) {
    return point.map((at, i) => (at - this.zero[i]) / this.step[i]);
  }
}

// Points travel to Python as voxels [z, y, x] of the array, so that every plane speaks alike.
function toVoxel(plane, index, point) {
  const voxel = [index, index, index];
  ["column", "row"].forEach((side, i) => {
    voxel[plane[`${side}_axis`]] = plane[`${side}_flip`] ? plane[`${side}s`] - 1 - point[i] : point[i];
  });
  return voxel;
}

function toPicturePoint(plane, voxel) {
  return ["column", "row"].map((side) => {
    const at = voxel[plane[`${side}_axis`]];
    return plane[`${side}_flip`] ? plane[`${side}s`] - 1 - at : at;
  });
}
