// A picture that answers: what is under the pointer or the keys, what is opened, what is chosen with a brush.

const NEAR = 14; // pixels
const MOST_FRESH = 2000; // points between two rounds
const calm = matchMedia("(prefers-reduced-motion: reduce)");

const figure = value => Math.abs(value) >= 1000 ? value.toLocaleString("en", { maximumSignificantDigits: 6 }) : String(+value.toPrecision(3));
const moment = (days, step = 1) => new Date(Math.round(days * DAY / step) * step).toISOString().slice(0, 23).replace("T", " ").replace(".000", "");

// What a place of an axis is in the data, if its scene says how that is told back.
function told({ back: { as, named, base, straight, steep }, ticks, origin, limits }, place) {
  const [at, name] = ticks.reduce((a, b) => Math.abs(b[0] - place) < Math.abs(a[0] - place) ? b : a, [Infinity, ""]);
  if (as === "row" || named && Math.abs(at - place) < 1e-6 * Math.abs(limits[1] - limits[0])) return name;
  if (as === "time") return `${moment(place + origin, 1000)} UTC`;
  if (as !== "number") return "";
  if (!straight) return figure(base ? base ** place : place + origin);
  const far = Math.abs(place) / straight;
  return figure(far <= steep ? place / steep : Math.sign(place) * straight * base ** (far - steep));
}

// The name of a row or a series without its count, which grows from round to round.
const plain = text => text && text.replace(/\n?\(?n = [\d,]+\)?/, "");

// Each scene makes its points anew: they are the same where they stand in one place.
const alike = (a, b) => a === b || Boolean(a && b && a.x === b.x && a.y === b.y && a.id === b.id && a.part === b.part);

class Picture {
  constructor(number, title, view) {
    Object.assign(this, { number, view, scene: null, hit: null, brush: null, at: null, tall: 0 });
    this.title = make("span", { className: "mm-title", textContent: title });
    this.n = make("span", { className: "mm-soft" });
    this.canvas = make("canvas", { tabIndex: 0, role: "application", "aria-roledescription": "picture", "aria-label": title });
    this.image = make("img", { hidden: true, alt: title });
    this.tip = make("div", { className: "mm-tip", hidden: true });
    this.caption = make("figcaption", { className: "mm-caption mm-soft" });
    this.el = make("figure", { className: "mm-picture" }, make("div", { className: "mm-head" }, this.title, this.n),
      make("div", { className: "mm-frame" }, this.canvas, this.image, this.tip), this.caption);
    this.sizes = new ResizeObserver(() => this.later());
    this.sizes.observe(this.el);
    const on = (name, act) => this.canvas.addEventListener(name, act);
    on("pointermove", event => this.moved(event));
    on("pointerleave", () => { if (!this.brush) this.point(null); });
    on("pointerdown", event => this.pressed(event));
    on("pointerup", event => this.released(event));
    on("pointercancel", () => { this.brush = null; this.later(); });
    on("keydown", event => this.key(event));
    on("blur", () => this.point(null));
  }

  take(facts, buffer) {
    this.title.textContent = facts.title;
    this.n.textContent = facts.fault ?? facts.n ?? "";
    // What stands above it is not said twice, but for who hears it alone.
    this.caption.textContent = (facts.caption ?? "").replace(`${facts.title}. ${facts.n}. `, "");
    this.caption.title = facts.caption ?? "";
    this.canvas.hidden = Boolean(facts.picture || facts.fault);
    this.canvas.setAttribute("aria-label", facts.title);
    this.canvas.setAttribute("aria-description", facts.caption ?? "");
    this.image.hidden = !facts.picture;
    if (facts.picture) return this.show(facts, buffer);
    if (facts.fault) return;
    const all = new Float32Array(buffer.buffer.slice(buffer.byteOffset, buffer.byteOffset + buffer.byteLength));
    const filled = part => ({ ...part, parts: part.parts.map(filled), marks: part.marks.map(mark => {
      const made = { ...mark };
      for (const name of ["x", "y", "low", "high", "area", "values"]) if (mark[name]) made[name] = all.subarray(mark[name][0], mark[name][0] + mark[name][1]);
      return made;
    }) });
    const { hit, brush } = this, part = (hit ?? brush)?.part, old = this.scene && this.inner(part), before = old?.x.origin;
    this.scene = filled(facts);
    this.points = this.answering();
    const here = this.inner(part), moved = before - here?.x.origin; // times are told from where the axis begins
    if (!here) { this.brush = null; this.point(null); } // its small picture is gone
    if (moved) for (const end of [brush?.from, brush?.to]) if (end) end[0] += moved;
    if (this.hit) {
      // A cell stays where it is; a dot of a table is that of its row, wherever it is by now.
      const x = hit.x + (moved || 0), stays = facts.cell || hit.line, away = one => Math.abs(one.x - x);
      const near = 0.501 * (facts.cell?.[0] ?? 0) + 1e-9, row = ({ y }, one) => y.back.as === "row" && plain(told(y, one.y));
      const same = one => one.part === part && (stays ? !hit.id && away(one) < near && one.y === hit.y : plain(one.series) === plain(hit.series) && row(here, one) === row(old, hit));
      this.hit = this.points.filter(same).sort((a, b) => away(a) - away(b))[0] ?? (stays ? { ...hit, x } : null);
      if (!stays) this.say(this.hit ? this.figures(this.hit) : "", true);
    }
    this.calmly();
  }

  show(facts, buffer) {
    URL.revokeObjectURL(this.image.src);
    this.image.alt = facts.title;
    this.image.src = URL.createObjectURL(new Blob([buffer], { type: "image/png" }));
  }

  // All that answers, from left to right: cells of decisions, or the dots of a table.
  answering() {
    const { scene } = this, found = [];
    [scene, ...scene.parts].forEach((inner, part) => {
      for (const mark of inner.marks) {
        const { x, y } = mark;
        // Of a cell there are its corners, the third across from the first, the first again, and a gap.
        if (scene.cell && mark.cells) for (let i = 0; i < x.length; i += 6) found.push({ x: (x[i] + x[i + 2]) / 2, y: (y[i] + y[i + 2]) / 2, size: [x[i + 2] - x[i], y[i + 2] - y[i]], part });
        if (mark.kind !== "markers" || !mark.sx || !mark.sy || "|_".includes(mark.marker) || Boolean(scene.cell) !== Boolean(mark.area)) continue;
        const look = JSON.stringify([mark.marker, mark.fill?.colour]);
        const entry = inner.legend.find(one => JSON.stringify([one.marker, one.fill?.colour]) === look);
        for (let i = 0; i < x.length; i++) if (!Number.isNaN(y[i])) found.push({ x: x[i], y: y[i], low: mark.low?.[i], high: mark.high?.[i], series: entry?.text ?? (part && inner.title), part });
      }
    });
    return found.sort((a, b) => a.x - b.x || a.y - b.y);
  }

  // Decisions that have come since the scene was made, where time and confidence are its axes. These get longer
  // for later ones; an older one, one far from all others, or one more or less confident than the axes go, waits
  // for the next scene.
  fresh() {
    const { scene } = this;
    if (!scene?.cell || scene.parts.length) return [];
    const { x: { origin, limits: [from, to] }, y: { limits: [low, high] } } = scene;
    return this.view.fresh.map(one => ({ x: one.time - origin, y: one.confidence, id: one.id, part: 0 })).filter(({ x, y }) => x >= from && x < to + 9 * (to - from) && y >= low && y <= high);
  }

  // The scene itself is 0, what stands on it has the numbers from 1 on.
  inner(part) { return part ? this.scene.parts[part - 1] : this.scene; }
  drawing(part) { return part ? this.drawn.parts[part - 1] ?? this.drawn : this.drawn; }
  spot({ x, y, part }) { const drawn = this.drawing(part); return [drawn.X(x), drawn.Y(y)]; }

  // What the reader does is seen at once; what comes by itself, once a second for who wants it calm.
  later() {
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => this.draw());
  }

  calmly() {
    if (calm.matches) this.waits ??= setTimeout(() => { this.waits = null; this.later(); }, 1000);
    else this.later();
  }

  // All pictures are as high as the highest needs to be, and none gets lower: nothing jumps.
  height(wide) {
    const { scene } = this, rows = scene.y.ticks.reduce((sum, [, text]) => sum + lines(text).length, 0);
    this.tall = Math.max(this.tall, scene.aspect ? 0.9 * wide : 70 + (scene.cell ? 0 : 15 * rows) + 85 * new Set(scene.parts.map(one => one.box[1])).size);
    const most = Math.max(...this.view.pictures.map(one => one.tall), 0.48 * wide);
    return Math.round(Math.min(420, Math.max(220, most)));
  }

  draw() {
    const { canvas } = this;
    if (!this.scene || canvas.hidden || !this.el.clientWidth) return;
    const width = this.el.clientWidth, height = this.height(width), ratio = devicePixelRatio || 1;
    if (canvas.style.height !== `${height}px`) canvas.style.height = `${height}px`;
    const [wide, high] = [Math.round(width * ratio), Math.round(height * ratio)];
    if (canvas.width !== wide || canvas.height !== high) Object.assign(canvas, { width: wide, height: high });
    const g = canvas.getContext("2d"), fresh = this.fresh(), limits = this.scene.x.limits;
    const last = fresh.reduce((most, one) => Math.max(most, one.x), -Infinity);
    if (last > limits[1]) limits[1] = last + 0.03 * (last - limits[0]);
    g.setTransform(ratio, 0, 0, ratio, 0, 0);
    g.clearRect(0, 0, width, height);
    this.drawn = new Drawing(g, this.scene, this.view.theme, width, height);
    this.drawn.all();
    this.above(g, fresh);
    canvas.dataset.count = this.scene.cell && !this.scene.parts.length ? Math.max(this.view.count, this.view.latest) : this.view.count;
  }

  above(g, fresh) {
    const { brush, hit } = this, drawn = this.drawing((brush ?? hit)?.part), { left, top, w, h } = drawn.box;
    drawn.ink({ colour: [1, 1], alpha: 1 });
    for (const one of fresh) { shape(g, "o", drawn.X(one.x), drawn.Y(one.y), 2.6); g.fill(); }
    if (brush?.to) {
      const [x0, x1] = [brush.from[0], brush.to[0]].map(x => drawn.X(x)).sort((a, b) => a - b);
      const [y0, y1] = brush.flat ? [top, top + h] : [brush.from[1], brush.to[1]].map(y => drawn.Y(y)).sort((a, b) => a - b);
      drawn.ink({ colour: [0, 1], alpha: 0.14 });
      g.fillRect(x0, y0, x1 - x0, y1 - y0);
    }
    if (!hit) return;
    const [x, y] = this.spot(hit);
    drawn.pen({ colour: [0, 1], alpha: 1 }, 1.1);
    g.beginPath();
    if (hit.line) { g.moveTo(x, top); g.lineTo(x, top + h); }
    else g.arc(x, y, 7, 0, 7);
    g.stroke();
    this.tip.style.left = `${Math.max(0, Math.min(x + 12, this.el.clientWidth - 250))}px`;
    this.tip.style.top = `${(hit.line ? top : y) + 14}px`;
  }

  nearest(px, py) {
    let best = null, least = NEAR * NEAR;
    for (const one of [...this.points, ...this.fresh()]) {
      const [x, y] = this.spot(one), far = (x - px) ** 2 + (y - py) ** 2;
      if (far <= least) { least = far; best = one; }
    }
    return best;
  }

  get selects() { return this.scene?.selects?.[0] ? this.scene.selects : null; }

  // Said where somebody asks a picture of sums for its decisions.
  refuse() {
    const others = this.view.pictures.filter(one => one.selects).map(one => one.scene.title.toLowerCase());
    const where = others.length ? `: drag in the picture of ${others.join(" or of ")}` : "";
    this.view.tell(`what this picture shows is counted, and cannot be told back to decisions${where}`);
  }

  moved(event) {
    if (!this.drawn) return;
    const place = [event.offsetX, event.offsetY];
    if (!this.brush) return this.point(this.nearest(...place));
    if (Math.hypot(place[0] - this.brush.px[0], place[1] - this.brush.px[1]) > 4) {
      this.brush.to = this.drawing(this.brush.part).at(...place);
      this.brush.flat = !this.selects[1] || Math.abs(place[1] - this.brush.px[1]) < 8;
      this.point(null);
    }
    this.later();
  }

  pressed(event) {
    if (!this.drawn || event.button) return;
    const px = this.from = [event.offsetX, event.offsetY];
    if (!this.selects) return;
    this.canvas.setPointerCapture(event.pointerId);
    // From between small pictures it is of the nearest of them.
    const away = this.drawn.parts.map(({ box: { left, top, w, h } }) => Math.hypot(Math.max(left - px[0], 0, px[0] - left - w), Math.max(top - px[1], 0, px[1] - top - h)));
    const part = 1 + away.indexOf(Math.min(...away));
    this.brush = { part, from: this.drawing(part).at(...px), px };
  }

  released(event) {
    if (event.button && !this.brush) return; // pressed for the page's own menu
    const brush = this.brush;
    this.brush = null;
    const far = this.from && Math.hypot(event.offsetX - this.from[0], event.offsetY - this.from[1]) > 4;
    if (brush?.to) this.choose(brush);
    else if (this.drawn && far && !this.selects) this.refuse();
    else if (this.drawn) { this.point(this.nearest(event.offsetX, event.offsetY)); this.open(); }
    this.later();
  }

  // The part of the picture as the kernel knows it: days since 1970, confidence.
  range(from, to, flat, part) {
    const x = [from[0], to[0]].map(one => one + this.inner(part).x.origin);
    return { panel: this.number, part: part && this.inner(part).title, x, y: flat ? null : [from[1], to[1]] };
  }

  // Ends that can be read, to the second and to a thousandth. Keys go from cell to cell, and choose the whole of these.
  choose({ from, to, flat, part, half = 0 }) {
    const { x: ends, y, ...where } = this.range(from, to, flat, part), x = [Math.min(...ends) - half, Math.max(...ends) + half];
    const second = (x[1] - x[0]) * DAY > 60000 && !half ? DAY / 1000 : DAY;
    const fine = this.inner(part).x.back.as === "time" ? second : 1000;
    const round = (ends, steps) => ends && ends.map(one => Math.round(one * steps) / steps);
    this.view.find({ ...where, x: round(x, fine), y: round(y, 1000) }, { from: this.canvas });
  }

  cell(hit) {
    const [dx, dy] = (hit.size ?? this.scene.cell).map(one => one / 2 * 1.0001);
    return this.range([hit.x - dx, hit.y - dy], [hit.x + dx, hit.y + dy], false, hit.part);
  }

  // Decisions of a point that the page knows already.
  here(hit) {
    if (hit.id) return [this.view.known(hit.id)].filter(Boolean);
    if (hit.part) return []; // which of them are in it the page does not know
    const { x: [a, b], y: [low, high] } = this.cell(hit);
    return this.view.rows().filter(one => one.time >= a && one.time <= b && one.confidence >= low && one.confidence <= high);
  }

  point(hit) {
    if (alike(hit, this.hit)) return;
    this.hit = hit;
    clearTimeout(this.asks);
    this.tip.hidden = !hit;
    this.canvas.style.cursor = hit && this.scene.cell ? "pointer" : this.selects ? "crosshair" : "default";
    if (hit) this.tell(hit);
    this.later();
  }

  tell(hit) {
    if (!this.scene.cell) return this.say(this.figures(hit));
    const where = `${hit.id ? "" : "about "}${moment(hit.x + this.inner(hit.part).x.origin, hit.id ? 1 : 1000)} UTC · confidence ${hit.y.toFixed(2)}`;
    const rows = this.here(hit);
    this.say(rows.length ? this.decisions(rows, rows.length) : where);
    this.asks = setTimeout(async () => {
      const answer = await this.view.ask(hit.id ? { ask: "open", id: hit.id } : { ask: "find", ...this.cell(hit) }, true);
      this.view.keep(answer.rows ?? []);
      if (alike(this.hit, hit) && answer.rows?.length) this.say(this.decisions(answer.rows, answer.count ?? 1));
      else if (alike(this.hit, hit) && answer.count === 0) this.say(`${where}\nno longer kept`);
    }, 120);
  }

  decisions([first, ...more], count) {
    const text = [first.question, `${first.recommendation} · confidence ${first.confidence?.toFixed(2) ?? "not said"}`, first.votes];
    if (count > 1 || more.length) text.push(`and ${count - 1} more here: Enter lists them`);
    return text.filter(Boolean).join("\n");
  }

  // What a dot of a table says: its row, its figure, and its own interval.
  figures(hit) {
    const { x, y } = this.inner(hit.part);
    const row = hit.line ? "" : told(y, hit.y), at = told(x, hit.x);
    const said = hit.high >= hit.low ? `${at} (${told(x, hit.low)} to ${told(x, hit.high)})` : at;
    const both = [[x, said], [y, row]].map(([{ label }, text]) => text && `${label} ${text}`.trim());
    const all = y.back.as === "row" ? [row, hit.series, said] : [hit.series, both.filter(Boolean).join(", ")];
    return all.filter(Boolean).join("\n");
  }

  say(text, quiet) {
    this.tip.textContent = text;
    this.tip.hidden = !text;
    if (!quiet && this.view.focused() === this.canvas) this.view.announce(text);
  }

  open() {
    if (!this.hit || !this.scene.cell) return;
    const opener = this.canvas;
    if (this.hit.id) this.view.open(this.hit.id, opener);
    else this.view.find(this.cell(this.hit), { opener, known: this.here(this.hit) });
  }

  // By keys: from point to point; with Shift a part is chosen, and Enter opens or lists.
  key(event) {
    if (!this.drawn) return;
    const walk = this.selects && !this.scene.cell ? this.steps() : [...this.points, ...this.fresh()].sort((a, b) => a.x - b.x);
    const to = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity }[event.key];
    if (to && walk.length) {
      const here = walk.findIndex(one => alike(one, this.hit));
      if (here >= 0) this.at = here; // others may have come before it
      const place = Math.max(0, Math.min(walk.length - 1, (this.at ?? (to < 0 ? walk.length : -1)) + to));
      const from = walk[this.at] ?? walk[place];
      this.at = place;
      this.point(walk[place]);
      if (event.shiftKey && this.selects) this.brush = { part: from.part, from: this.brush?.from ?? [from.x, from.y], to: [walk[place].x, walk[place].y], flat: true, half: (from.size ?? this.scene.cell ?? [0])[0] * 0.50005 };
      else this.brush = null;
      if (event.shiftKey && !this.selects) this.refuse();
    } else if (event.key === "Enter") {
      if (this.brush?.to) this.choose(this.brush);
      else this.open();
      this.brush = null;
    } else if (event.key === "Escape" && (this.brush || this.hit)) {
      this.brush = null;
      this.point(null);
      if (!this.view.chosen && !this.view.opened) event.stopPropagation();
    } else return;
    this.later();
    event.preventDefault();
    if (event.key !== "Escape") event.stopPropagation();
  }

  steps() {
    const [a, b] = this.scene.x.limits;
    return Array.from({ length: 51 }, (_, i) => ({ x: a + (b - a) * i / 50, y: 0, line: true }));
  }

  leave() { this.sizes.disconnect(); URL.revokeObjectURL(this.image.src); }
}
