// The view: one hub for each follower that is shown, which hears and asks; and on each page what is seen.

const MOST_KNOWN = 300; // decisions with all there is to read
const PATIENCE = 800; // milliseconds until it is said that an answer waits
const COUNTED_WITHIN = 1000; // milliseconds in which a notebook counts its views, if it does
const NEWS_EVERY = 10000; // milliseconds between two announcements

class Hub {
  constructor(model) {
    Object.assign(this, { model, views: new Set(), rows: new Map(), fresh: [], waiting: new Map(), page: Math.random(), next: 1, turn: 0, last: {}, latest: 0, count: 0 });
    model.on("msg:custom", (message, buffers) => this.take(message, buffers));
    this.ask({ ask: "hello" }, true);
  }

  take(message, buffers) {
    const { kind } = message, isOurs = message.page === this.page;
    if (kind === "answer") { // all pages hear it
      if (!isOurs) return;
      this.waiting.get(message.number)?.(message);
      this.waiting.delete(message.number);
      if (!this.waiting.size) for (const view of this.views) if (view.note.dataset.waits) view.tell("");
    } else if (kind === "news") {
      if (message.count > this.count) this.fresh.push(...message.points.map(([id, time, confidence]) => ({ id, time, confidence, count: message.count })));
      this.fresh.splice(0, Math.max(0, this.fresh.length - MOST_FRESH));
      this.latest = Math.max(this.latest, message.count); // they come from two threads
    } else if (kind === "chosen" && isOurs && message.number < this.turn) return; // something else has been asked for since
    else this.last[kind] = { message, buffers };
    if (kind === "round") this.settle(message.count);
    if (kind === "list" || kind === "chosen") this.keep(message.rows ?? []);
    for (const view of this.views) view.take(message, buffers);
  }

  // What a whole scene contains is no longer drawn by itself; a smaller count is a stream that began again.
  settle(count) {
    const again = count < this.count;
    this.fresh = again ? [] : this.fresh.filter(one => one.count > count);
    if (again) this.latest = count;
    this.count = count;
  }

  keep(rows) {
    for (const row of [...rows].reverse()) { this.rows.delete(row.id); this.rows.set(row.id, row); }
    for (const id of this.rows.keys()) { if (this.rows.size <= MOST_KNOWN) break; this.rows.delete(id); }
    for (const view of this.views) view.renew();
  }

  // Not every notebook counts, as Jupyter does, on how many pages a widget is shown.
  tellShown() { if (this.counts) this.ask({ ask: "shown", views: this.views.size }, true); }

  ask(question, quiet) {
    const { page } = this, number = this.next++;
    if (question.ask === "list" || question.ask === "all") this.turn = number;
    this.model.send({ ...question, page, number });
    return new Promise(answered => {
      this.waiting.set(number, answered);
      if (!quiet) this.asked = number;
      setTimeout(() => { if (this.waiting.has(number) && !quiet) this.views.forEach(view => view.waits()); }, PATIENCE);
    });
  }
}

class View {
  constructor(hub, el) {
    Object.assign(this, { hub, el, opened: null, chosen: false, turn: 0, shown: [], drafts: new Map(), toldAt: Date.now() });
    el.classList.add("mm-view");
    el.mastermind = this;
    // Or a notebook takes keys for its own: it looks at what has the focus first, and only then around that.
    el.addEventListener("focusin", event => { event.target.dataset.lmSuppressShortcuts = "true"; });
    this.build(hub.model.get("page_facts"));
    const themes = () => {
      this.theme = new Theme(el, hub.model.get("page_facts").palettes);
      el.classList.toggle("mm-dark", light(this.theme.paper) < light(this.theme.ink));
      this.pictures.forEach(one => one.later());
    };
    this.watching = new MutationObserver(() => setTimeout(themes, 50));
    for (const one of [document.body, document.documentElement]) this.watching.observe(one, { attributes: true });
    this.scheme = matchMedia("(prefers-color-scheme: dark)");
    this.scheme.addEventListener("change", themes);
    this.themes = themes;
    this.sizes = new ResizeObserver(themes); // what is behind it is known when it is on the page
    this.sizes.observe(el);
    themes();
    hub.views.add(this);
    for (const { message, buffers } of Object.values(hub.last)) this.take(message, buffers);
  }

  build({ panels, asked, tables }) {
    this.status = make("div", { className: "mm-status" });
    this.note = make("div", { className: "mm-note", role: "status" });
    this.live = make("div", { className: "mm-hidden", "aria-live": "polite" });
    this.pictures = panels.map((title, number) => new Picture(number, title, this));
    this.grid = make("div", { className: "mm-grid" }, ...this.pictures.slice(0, asked).map(one => one.el)); // others when something is marked
    this.list = make("tbody");
    this.said = make("div", { className: "mm-said" });
    this.newer = make("button", { className: "mm-button", hidden: true, onclick: () => this.back() });
    const close = make("button", { className: "mm-button", type: "button", textContent: "close", onclick: () => this.shut() });
    this.inside = make("div");
    this.detail = make("section", { className: "mm-detail", tabIndex: -1, hidden: true }, make("div", { className: "mm-bar" }, make("b", { textContent: "Opened decision" }), close), this.inside);
    this.rejects = make("div", { className: "mm-rejects" });
    const heads = ["published (UTC)", "recommendation", "confidence", "votes", "question"].map(name => make("th", { scope: "col", textContent: name }));
    this.table = make("table", { className: "mm-table" }, make("caption", { textContent: "Latest decisions" }), make("thead", {}, make("tr", {}, ...heads)), this.list);
    this.below = make("div", { className: "mm-below", hidden: !tables.includes("decisions") }, make("div", {}, this.table, this.said, this.newer), this.detail);
    this.table.addEventListener("pointerleave", () => this.refresh());
    this.table.addEventListener("focusout", () => setTimeout(() => this.refresh()));
    this.el.append(this.status, this.controls(), this.note, this.grid, this.below, this.rejects, this.live);
    this.el.addEventListener("keydown", event => this.key(event));
  }

  controls() {
    const choose = (name, value) => this.do({ ask: "choose", [name]: value });
    const button = (text, act) => make("button", { className: "mm-button", type: "button", textContent: text, onclick: act });
    this.window = make("select", { onchange: () => choose("window", this.window.value) });
    this.by = make("select", { onchange: () => choose("by", this.by.value) });
    this.threshold = make("input", { type: "number", min: 0, max: 1, step: 0.05, onchange: () => choose("threshold", this.threshold.valueAsNumber) });
    this.folder = make("input", { type: "text", placeholder: "snapshots/live", size: 14 });
    this.pause = button("pause", () => this.do({ ask: "pause", on: this.state !== "paused" }));
    this.stop = button("stop", () => this.do({ ask: "stop" }));
    const save = button("save", () => this.do({ ask: "save", folder: this.folder.value }));
    const labelled = (text, control) => { control.setAttribute("aria-label", text); return make("label", {}, `${text} `, control); };
    return make("div", { className: "mm-controls", role: "group", "aria-label": "what is shown" }, this.pause, this.stop, labelled("show", this.window),
      labelled("colour by", this.by), labelled("unsure below", this.threshold), make("span", { className: "mm-save" }, labelled("save as", this.folder), save));
  }

  // Messages

  take(message, buffers) {
    const { kind } = message;
    if (kind === "status") this.tellStatus(message);
    if (kind === "round") {
      this.count = message.count;
      const shown = this.pictures.slice(0, message.panels.length).map(one => one.el);
      if (this.grid.children.length !== shown.length) this.grid.replaceChildren(...shown);
      message.panels.forEach((facts, i) => this.pictures[i].take(facts, buffers[i]));
    }
    if (kind === "news") this.pictures.forEach(one => { if (one.scene?.cell) one.calmly(); });
    if (kind === "list") this.tellList(message);
    if (kind === "chosen") this.tellChosen(message);
  }

  get fresh() { return this.hub.fresh; }
  get latest() { return this.hub.latest; }
  known(id) { return this.hub.rows.get(id); }
  rows() { return [...this.hub.rows.values()]; }
  keep(rows) { this.hub.keep(rows); }

  ask(question, quiet) { return this.hub.ask(question, quiet); }

  async do(question) {
    const { said, wrong } = await this.ask(question);
    this.tell(said ?? wrong ?? "");
  }

  waits() { this.tell("this waits until the running cell ends"); this.note.dataset.waits = "1"; }
  tell(text) { this.note.textContent = text; delete this.note.dataset.waits; }

  tellStatus({ state, items, error, note, alarm }) {
    this.state = state;
    if (alarm && alarm !== this.alarmed) this.announce(alarm);
    this.alarmed = alarm;
    this.status.replaceChildren(make("b", { className: `mm-${state}`, textContent: state }), ...items.map(text => make("span", { textContent: text })));
    if (error) this.status.append(make("span", { className: "mm-fault", textContent: error }));
    if (note && note !== this.noted) this.tell(note);
    this.noted = note;
    this.pause.textContent = state === "paused" ? "go on" : "pause";
    this.pause.disabled = this.stop.disabled = state === "stopped";
  }

  tellList({ rows, choices, rejects, listed, decided }) {
    this.offer(choices);
    if (rows) {
      this.latestRows = rows.slice(0, listed);
      this.listed = listed;
      this.refresh();
      this.countNews(decided, rows[0]);
    }
    rejects ? this.tellRejects(rejects) : this.rejects.replaceChildren(); // a stream that begins again has none
  }

  countNews(decided, row) {
    clearTimeout(this.counts);
    this.told = Math.min(this.told ?? decided, decided); // a stream that begins again has fewer
    const news = decided - this.told, wait = this.toldAt + NEWS_EVERY - Date.now();
    if (!news || !row) return;
    if (wait > 0) return this.counts = setTimeout(() => this.countNews(decided, row), wait); // perhaps nothing comes after it
    this.announce(`${news} new ${news === 1 ? "decision" : "decisions"}; the latest: ${row.recommendation}, confidence ${row.confidence?.toFixed(2) ?? "not said"}`);
    this.told = decided;
  }

  announce(text) { this.live.textContent = text; this.toldAt = Date.now(); }

  offer({ windows, window, columns, by, threshold }) {
    const fill = (select, options, value) => {
      if (this.focused() === select) return;
      if (select.options.length !== options.length) select.replaceChildren(...options.map(([value, text]) => make("option", { value, textContent: text })));
      select.value = value;
    };
    fill(this.window, windows.map(name => [name, name]), window);
    fill(this.by, [["", "nothing"], ...columns], by);
    if (this.focused() !== this.threshold) this.threshold.value = threshold;
  }

  tellRejects({ total, rows }) {
    const cells = row => make("tr", {}, ...row.map(text => make("td", { textContent: text })));
    const heads = ["id", "reason", "detail", "begins"].map(name => make("th", { scope: "col", textContent: name }));
    const table = make("table", { className: "mm-table" }, make("thead", {}, make("tr", {}, ...heads)), make("tbody", {}, ...rows.map(cells)));
    const open = this.rejects.querySelector("details")?.open ?? true;
    if (this.rejects.contains(this.focused())) return;
    this.rejects.replaceChildren(make("details", { open }, make("summary", { textContent: `Rejects (${total.toLocaleString("en")} in all)` }), table));
  }

  // The list

  focused() { return this.el.getRootNode().activeElement; }

  stays() { return Boolean(this.chosen || this.opened || this.table.matches(":hover") || this.list.contains(this.focused())); }

  refresh() {
    if (this.chosen || !this.latestRows) return;
    const ids = new Set(this.shown.map(row => row.id));
    const newer = this.latestRows.filter(row => !ids.has(row.id)).length;
    const stays = this.stays() && this.shown.length;
    this.newer.hidden = !(stays && newer);
    this.newer.textContent = newer === this.latestRows.length ? "newer decisions: show them" : `${newer} newer: show them`;
    if (!stays) this.lay(this.latestRows);
  }

  lay(rows) {
    const same = rows.length === this.shown.length && rows.every((row, i) => row.id === this.shown[i].id);
    this.shown = rows;
    if (!same || !rows.length) this.list.replaceChildren(...(rows.length ? rows.map(row => this.row(row)) : [make("tr", {}, make("td", { colSpan: 5, textContent: this.chosen ? "no decisions there" : "no decisions yet" }))]));
    this.mark();
  }

  row(row) {
    const link = make("button", { className: "mm-link", type: "button", textContent: row.recommendation || "(no recommendation)", dir: "auto", title: row.question });
    link.dataset.id = row.id;
    link.onclick = () => this.open(row.id, link);
    const cells = [row.when, link, row.confidence?.toFixed(2) ?? "", row.votes, row.question].map(inside => make("td", { dir: "auto" }, inside));
    return make("tr", {}, ...cells);
  }

  mark() {
    for (const link of this.list.querySelectorAll(".mm-link")) link.closest("tr").classList.toggle("mm-current", link.dataset.id === this.opened);
  }

  // Opening, choosing, and the way back

  // What is known is shown at once; perhaps it has been marked elsewhere.
  async open(id, opener) {
    const turn = ++this.turn;
    const asked = this.ask({ ask: "open", id }, this.known(id)).then(answer => { this.keep(answer.rows ?? []); return answer; });
    const { wrong } = this.known(id) ? {} : await asked;
    if (turn !== this.turn) return; // something else has been opened since, or closed
    const row = this.known(id);
    if (!row) return this.tell(wrong ?? "no longer kept");
    this.opened = id;
    this.opener = opener;
    this.below.hidden = false;
    this.show(row);
    this.detail.setAttribute("aria-label", `decision ${id}`);
    this.detail.dataset.id = id;
    this.detail.hidden = false;
    this.mark();
    this.detail.focus({ preventScroll: true });
    this.detail.scrollIntoView?.({ block: "nearest" });
  }

  // The card and its form; what had the focus in these gets it again.
  show(row) {
    const left = this.focused();
    this.current = row;
    this.inside.replaceChildren(...(this.hub.model.get("page_facts").marks ? [marking(row, this)] : []), card(row.card));
    if (left && !left.isConnected) (this.inside.querySelector(`[data-act="${left.dataset.act}"]:not([hidden], [disabled])`) ?? this.detail).focus({ preventScroll: true });
  }

  // What is open is shown as it is known by now.
  renew() {
    const row = this.known(this.opened);
    if (row && JSON.stringify(row) !== JSON.stringify(this.current)) this.show(row);
  }

  shut() {
    const { opener } = this;
    this.turn++;
    this.opened = this.opener = null;
    this.detail.hidden = true;
    this.inside.replaceChildren();
    this.mark();
    const again = opener?.isConnected ? opener : this.list.querySelector(".mm-link");
    (again ?? this.pictures[0]?.canvas)?.focus({ preventScroll: true });
    this.refresh();
  }

  // A point that is one decision opens it; several, or a part of a picture, are listed.
  async find(range, { opener, known, from = opener }) {
    if (known?.length === 1) this.open(known[0].id, opener); // while a cell runs there is no other answer
    const turn = ++this.turn;
    if (opener) {
      const { rows, count, wrong } = await this.ask({ ask: "find", ...range });
      if (turn !== this.turn) return;
      if (wrong) return this.tell(wrong);
      this.keep(rows);
      if (count <= 1 && known?.length === 1) return; // it is open
      if (count === 1) return this.open(rows[0].id, opener);
    }
    this.chooser = from;
    const { wrong } = await this.ask({ ask: "list", ...range });
    if (turn === this.turn) this.tell(wrong ?? "");
  }

  // A row that was left goes with its list: the keys go on where the rows were chosen.
  tellChosen({ where, of, count, rows }) {
    const left = this.focused();
    this.chosen = Boolean(where);
    const listed = this.chosen && count > rows.length ? `; the latest ${rows.length} are listed` : "";
    const said = this.chosen ? `${count.toLocaleString("en")} ${count === 1 ? "decision" : "decisions"} where ${where}${of && `, of ${of}`}${listed}. Escape shows the latest again.` : "";
    if (said && said !== this.said.textContent) this.announce(said);
    this.said.textContent = said;
    this.newer.hidden = true;
    this.lay(this.chosen ? rows : this.latestRows ?? []);
    if (left && (left.hidden || !left.isConnected)) (this.chooser ?? this.list.querySelector(".mm-link") ?? this.pictures[0]?.canvas)?.focus({ preventScroll: true });
  }

  back() {
    this.turn++;
    this.hub.ask({ ask: "all" }, true);
    this.hub.take({ kind: "chosen" }); // here at once
    this.tell("");
  }

  key(event) {
    const goesBack = this.chosen || this.hub.waiting.has(this.hub.asked);
    if (event.key !== "Escape" || event.defaultPrevented && !this.opened && !goesBack) return;
    if (this.opened) this.shut();
    else if (goesBack || this.note.textContent) this.back();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  leave() {
    this.hub.views.delete(this);
    this.watching.disconnect();
    this.sizes.disconnect();
    this.scheme.removeEventListener("change", this.themes);
    this.pictures.forEach(one => one.leave());
  }
}

export default () => {
  let hub;
  const of = model => hub ??= new Hub(model);
  return {
    initialize({ model }) { of(model); },
    render({ model, el }) {
      const view = new View(of(model), el);
      setTimeout(() => { hub.counts ||= hub.views.has(view) && !model.get("_view_count"); hub.tellShown(); }, COUNTED_WITHIN);
      return () => { view.leave(); hub.tellShown(); };
    },
  };
};
