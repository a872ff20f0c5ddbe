// A scene on a canvas: where everything goes, then the marks, the axes and the words.

const BESIDE = 22; // pixels of a label beside the names of rows

const lines = text => text.split("\n");

function shape(g, marker, x, y, r) {
  g.beginPath();
  if (marker === "|" || marker === "+") { g.moveTo(x, y - r); g.lineTo(x, y + r); }
  if (marker === "_" || marker === "+") { g.moveTo(x - r, y); g.lineTo(x + r, y); }
  if (marker === "x") { g.moveTo(x - r, y - r); g.lineTo(x + r, y + r); g.moveTo(x - r, y + r); g.lineTo(x + r, y - r); }
  if ("|_+x".includes(marker)) return;
  const corners = { s: 4, D: 4, "^": 3, v: 3 }[marker];
  if (marker === "P") for (const [a, b] of [[1, 3], [3, 1]]) g.rect(x - r * a / 3, y - r * b / 3, 2 * r * a / 3, 2 * r * b / 3);
  else if (!corners) g.arc(x, y, r, 0, 7);
  else {
    const turn = { s: Math.PI / 4, v: Math.PI / 2 }[marker] ?? -Math.PI / 2;
    const reach = marker === "s" ? r * Math.SQRT2 : r;
    for (let i = 0; i < corners; i++) g.lineTo(x + reach * Math.cos(turn + i * 2 * Math.PI / corners), y + reach * Math.sin(turn + i * 2 * Math.PI / corners));
    g.closePath();
  }
}

class Drawing {
  // A part of a scene has its box given.
  constructor(g, scene, theme, width, height, box) {
    Object.assign(this, { g, scene, theme, width, height, box, entries: [], size: box ? 9 : 11 });
    g.textBaseline = "middle";
    this.font(this.size);
    if (!box) this.layOut();
    const { left, top, w, h } = this.box;
    this.parts = scene.parts.map(part => {
      const [x0, y0, x1, y1] = part.box;
      return new Drawing(g, part, theme, width, height, { left: left + x0 * w, top: top + (1 - y1) * h, w: (x1 - x0) * w, h: (y1 - y0) * h });
    });
  }

  font(size) { this.g.font = `${size}px ${this.theme.font}`; }
  wide(text) { return Math.max(0, ...lines(text).map(one => this.g.measureText(one).width)); }

  layOut() {
    const { scene, width, height } = this;
    const all = [scene, ...scene.parts], names = all.filter(one => !one.y.far).flatMap(one => one.y.ticks).map(([, text]) => Math.min(0.42 * width, this.wide(text)));
    const beyond = all.map(one => one.y.far ? 22 + Math.max(...one.y.ticks.map(([, text]) => this.wide(text))) : 0).concat(scene.words.map(one => one.sx || one.x < 1 ? 0 : one.dx * POINT + { left: 1, center: 0.5, right: 0 }[one.ha] * this.wide(one.text)));
    const left = 10 + Math.max(8, ...names) + (scene.y.beside ? BESIDE : 0);
    let w = width - left - 10 - Math.max(0, ...beyond);
    const top = 8 + this.legend(left, width - left);
    const turned = scene.x.turn ? Math.max(0, ...scene.x.ticks.map(([, text]) => this.wide(text))) : 12;
    let h = height - top - 26 - Math.min(turned, 0.3 * height);
    if (scene.aspect) {
      const [dx, dy] = ["x", "y"].map(axis => Math.abs(scene[axis].limits[1] - scene[axis].limits[0]));
      const unit = Math.min(w / dx, h / dy / scene.aspect);
      [w, h] = [unit * dx, unit * dy * scene.aspect];
    }
    this.box = { left, top, w: Math.max(w, 20), h: Math.max(h, 20) };
  }

  // Names wrap to as many lines as they need; what is returned is their height.
  legend(left, room) {
    let x = 0, y = 0;
    this.entries = this.scene.legend.map(one => {
      const wide = 20 + Math.min(this.wide(one.text), room - 20);
      if (x && x + wide > room) { x = 0; y += 15; }
      const placed = { ...one, x: left + x, y: 9 + y, room: wide - 20 };
      x += wide + 12;
      return placed;
    });
    return this.entries.length ? y + 18 : 0;
  }

  X(x, follows = true) {
    const [a, b] = this.scene.x.limits;
    return this.box.left + this.box.w * (follows ? (x - a) / (b - a) : x);
  }

  Y(y, follows = true) {
    const [a, b] = this.scene.y.limits;
    return this.box.top + this.box.h * (1 - (follows ? (y - a) / (b - a) : y));
  }

  // The place in the scene's units that a pixel shows.
  at(px, py) {
    const { left, top, w, h } = this.box, [x0, x1] = this.scene.x.limits, [y0, y1] = this.scene.y.limits;
    const clip = share => Math.min(1, Math.max(0, share));
    return [x0 + clip((px - left) / w) * (x1 - x0), y1 - clip((py - top) / h) * (y1 - y0)];
  }

  pen(look, width, dash) {
    const { g } = this;
    g.strokeStyle = this.theme.colour(look.colour);
    g.globalAlpha = look.alpha;
    g.lineWidth = Math.max(0.75, width * POINT);
    g.lineJoin = "round";
    g.setLineDash((dash ?? []).map(one => one * POINT));
  }

  ink(look) { this.g.fillStyle = this.theme.colour(look.colour); this.g.globalAlpha = look.alpha; }

  all() {
    const { g, box } = this;
    this.grid();
    g.save();
    g.beginPath();
    g.rect(box.left - 4, box.top - 4, box.w + 8, box.h + 8);
    g.clip();
    for (const mark of this.scene.marks) this[mark.kind](mark);
    g.restore();
    this.frame();
    this.labels();
    for (const part of this.parts) part.all();
    for (const word of this.scene.words) this.word(word);
    this.names();
  }

  trace(m, each) {
    const { g } = this;
    let open = false;
    g.beginPath();
    for (let i = 0; i <= m.x.length; i++) {
      const gap = i === m.x.length || Number.isNaN(m.x[i]) || Number.isNaN(m.y[i]);
      if (!gap) g[open ? "lineTo" : "moveTo"](this.X(m.x[i], m.sx), this.Y(m.y[i], m.sy));
      else if (open && each) g.closePath();
      open = !gap;
    }
  }

  path(m) {
    const { g } = this;
    this.trace(m, Boolean(m.fill));
    if (m.fill) { this.ink(m.fill); g.fill(); }
    if (m.hatch) this.hatch(m);
    if (!m.stroke || !m.width) return;
    if (m.halo) { this.pen({ colour: [0, 0], alpha: 1 }, m.width + 2); g.stroke(); }
    this.pen(m.stroke, m.width, m.dash);
    g.stroke();
    g.setLineDash([]);
  }

  hatch(m) {
    const { g } = this;
    g.save();
    g.clip();
    this.pen(m.stroke ?? { colour: [0, 0.35], alpha: 1 }, 0.6);
    g.beginPath();
    for (let at = -this.height; at < this.width; at += 5) { g.moveTo(at, this.height); g.lineTo(at + this.height, 0); }
    g.stroke();
    g.restore();
  }

  markers(m) {
    const { g } = this;
    const [first, step] = m.every ?? [0, 1];
    for (let i = first; i < m.x.length; i += step) {
      if (Number.isNaN(m.x[i]) || Number.isNaN(m.y[i])) continue;
      const size = m.area ? Math.sqrt(m.area[i]) : m.marker === "." ? m.size / 2 : m.size;
      shape(g, m.marker, this.X(m.x[i], m.sx), this.Y(m.y[i], m.sy), size * POINT / 2);
      if (m.fill && !"|_+x".includes(m.marker)) { this.ink(m.fill); g.fill(); }
      if (m.stroke && m.width) { this.pen(m.stroke, m.width); g.stroke(); }
    }
  }

  image(m) {
    const { g } = this, columns = m.values.length / m.rows;
    const [x0, x1] = [...m.x].map(x => this.X(x, m.sx)), [y0, y1] = [...m.y].map(y => this.Y(y, m.sy));
    const [w, h] = [(x1 - x0) / columns, (y1 - y0) / m.rows];
    g.globalAlpha = 1;
    m.values.forEach((value, i) => {
      if (Number.isNaN(value)) return;
      const place = value * (m.stops.length - 1), low = Math.min(Math.floor(place), m.stops.length - 2);
      const [a, b] = [low, low + 1].map(stop => parts(this.theme.colour(m.stops[stop])));
      g.fillStyle = `rgb(${[0, 1, 2].map(k => Math.round(a[k] + (place - low) * (b[k] - a[k]))).join()})`;
      g.fillRect(x0 + (i % columns) * w, y0 + Math.floor(i / columns) * h, w + 0.5, h + 0.5);
    });
  }

  grid() {
    const { g, box, scene } = this;
    this.pen({ colour: [0, 0.12], alpha: 1 }, 0.75);
    g.beginPath();
    if (scene.x.grid) for (const [x] of scene.x.ticks) { g.moveTo(this.X(x), box.top); g.lineTo(this.X(x), box.top + box.h); }
    if (scene.y.grid) for (const [y] of scene.y.ticks) { g.moveTo(box.left, this.Y(y)); g.lineTo(box.left + box.w, this.Y(y)); }
    g.stroke();
  }

  frame() {
    const { g, scene } = this;
    this.pen({ colour: [0, 0.8], alpha: 1 }, 0.75);
    g.beginPath();
    for (const [a, b, c, d] of scene.frame) { g.moveTo(this.X(a, false), this.Y(b, false)); g.lineTo(this.X(c, false), this.Y(d, false)); }
    g.stroke();
  }

  text(text, x, y, turn = 0, step = 12, room = undefined) {
    const { g } = this, all = lines(text);
    g.save();
    g.translate(x, y);
    g.rotate(-turn * Math.PI / 180);
    all.forEach((one, i) => g.fillText(one, 0, (i - (all.length - 1) / 2) * step, room));
    g.restore();
  }

  labels() {
    const { g, scene, box: { left, top, w, h } } = this;
    this.ink({ colour: [0, 1], alpha: 1 });
    const places = scene.y.ticks.map(([y]) => this.Y(y)).sort((a, b) => a - b);
    const gap = Math.min(...places.slice(1).map((y, i) => y - places[i]), 60);
    const most = Math.max(1, ...scene.y.ticks.map(([, text]) => lines(text).length));
    const size = Math.max(7.5, Math.min(this.size, gap / most / 1.08)), { far } = scene.y;
    this.font(size);
    g.textAlign = far ? "left" : "right";
    for (const [y, text] of scene.y.ticks) this.text(text, far ? left + w + 4 : left - 6, this.Y(y), 0, size * 1.08, far ? this.width - left - w : left - 8 - (scene.y.beside ? BESIDE : 0));
    this.font(this.size);
    let free = -Infinity;
    for (const [x, text] of [...scene.x.ticks].sort((a, b) => this.X(a[0]) - this.X(b[0]))) {
      g.textAlign = scene.x.turn ? "right" : "center";
      const half = scene.x.turn ? 5 : this.wide(text) / 2;
      if (this.X(x) - half < free) continue;
      this.text(text, this.X(x), top + h + 11, scene.x.turn);
      free = this.X(x) + half + (scene.x.turn ? 0 : 4);
    }
    this.ink({ colour: [0, 0.75], alpha: 1 });
    const at = scene.box;
    if (at) { g.textAlign = "left"; this.text([scene.title, scene.n].filter(Boolean).join("\n"), left, top - 11, 0, 10); }
    g.textAlign = "right";
    const offset = [scene, ...scene.parts].find(one => one.x.offset && !(one.box?.[1] > 0.01))?.x.offset;
    const below = at ? at[1] > 0.01 && scene.x.offset : [scene.x.label, offset].filter(Boolean).join("   ");
    if (below) this.text(below, left + w, at ? top + h + 21 : this.height - 8, 0, 12, this.width - 20);
    g.textAlign = "center";
    if (scene.y.beside) this.text(scene.y.beside, 8, top + h / 2, 90, 12, h + 40);
  }

  word(one) {
    const { g } = this, size = Math.max(8, one.size * POINT);
    this.font(size);
    g.textAlign = one.ha;
    const down = { top: size / 2, bottom: -size / 2, baseline: -size / 3 }[one.va] ?? 0;
    const [dx, dy] = one.turn === 90 ? [one.va === "bottom" ? -size / 2 : 0, 0] : [0, down];
    if (one.turn === 90) g.textAlign = { bottom: "left", top: "right" }[one.va] ?? "center";
    const x = this.X(one.x, one.sx) + one.dx * POINT + dx, y = this.Y(one.y, one.sy) - one.dy * POINT + dy;
    if (one.halo && one.turn === 90) { // it stands among points: they would be read as parts of letters
      const wide = this.wide(one.text), [from, to] = { left: [0, wide], right: [-wide, 0], center: [-wide / 2, wide / 2] }[g.textAlign];
      this.ink({ colour: [0, 0], alpha: 0.8 });
      g.fillRect(x - size / 2, y - to, size, to - from);
    } else if (one.halo) { this.pen({ colour: [0, 0], alpha: 1 }, 2.5); g.save(); g.translate(x, y); g.rotate(-one.turn * Math.PI / 180); g.strokeText(one.text, 0, 0); g.restore(); }
    if (one.fill) { this.ink(one.fill); this.text(one.text, x, y, one.turn, size * 1.1); }
  }

  names() {
    const { g } = this;
    this.font(11);
    g.textAlign = "left";
    for (const one of this.entries) {
      if (one.dash && one.stroke) { this.pen(one.stroke, 1.5, one.dash); g.beginPath(); g.moveTo(one.x, one.y); g.lineTo(one.x + 14, one.y); g.stroke(); g.setLineDash([]); }
      if (one.marker) {
        shape(g, one.marker, one.x + 7, one.y, 3.4);
        if (one.fill) { this.ink(one.fill); g.fill(); }
        if (one.stroke) { this.pen(one.stroke, 0.9); g.stroke(); }
      }
      this.ink({ colour: [0, 1], alpha: 1 });
      g.fillText(one.text, one.x + 18, one.y, one.room);
    }
  }
}
