// In the kernel's place: says what was said when the page was saved, and finds decisions among those in it.

class Recorded {
  constructor({ facts, told }) {
    this.facts = facts;
    this.told = told.map(([message, buffers]) => [message, buffers.map(text => Uint8Array.from(atob(text), one => one.charCodeAt(0)))]);
    const said = kind => this.told.find(([message]) => message.kind === kind)[0];
    this.panels = said("round").panels;
    this.rows = said("list").rows ?? [];
  }

  get() { return this.facts; }
  on(_, hear) { this.hear = hear; }
  send(question) { queueMicrotask(() => this.answer(question)); }

  answer({ ask, page, number, ...question }) {
    if (ask === "hello") for (const [message, buffers] of this.told) this.hear(message, buffers);
    const answer = ask === "find" || ask === "list" ? this.find(question) : ask === "open" ? this.open(question) : {};
    if ((ask === "list" || ask === "all") && !answer.wrong) this.hear({ kind: "chosen", page, number, ...answer });
    this.hear({ kind: "answer", page, number, ...answer });
  }

  open({ id }) { return { rows: this.rows.filter(row => row.id === id) }; }

  find({ panel, part, x, y }) {
    const { selects, parts } = this.panels[panel];
    const ranges = selects.map((name, i) => [name, [x, y][i]?.toSorted((a, b) => a - b)]).filter(([name, ends]) => name && ends);
    const value = (row, name) => name === "published_at" ? row.time : row[name];
    const lies = (one, [low, high]) => typeof one === "number" && one >= low && one <= high;
    const rows = this.rows.filter(row => (!parts.length || row.part === part) && ranges.every(([name, ends]) => lies(value(row, name), ends)));
    if (!rows.length && this.facts.bound) return { wrong: `none of ${this.facts.bound} is there; older ones are not on this page` };
    const end = (name, one) => name === "published_at" ? `'${moment(one)}'` : +one.toPrecision(10);
    const where = ranges.map(([name, [low, high]]) => `${name} >= ${end(name, low)} and ${name} <= ${end(name, high)}`).join(" and ");
    return { rows, count: rows.length, where, of: [...(parts.length ? [part] : []), ...(this.facts.bound ? [this.facts.bound] : [])].join(", of ") };
  }
}

new View(new Hub(new Recorded(JSON.parse(document.getElementById("mm-said").textContent))), document.getElementById("mm-view"));
document.documentElement.classList.add("mm-answers"); // from now on nobody needs the still, but on paper
