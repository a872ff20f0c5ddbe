// Marking an opened decision right or wrong, with a note.

function marking(row, view) {
  const isWrong = row.was !== "" && row.was !== "right";
  const note = make("input", { type: "text", value: view.drafts.get(row.id) ?? row.note, maxLength: 2000, placeholder: "note", "aria-label": "note" });
  const choices = [...row.others.map((text, number) => [number, text]), ["other", row.others.length ? "none of these" : "something else"]];
  if (row.others.length) choices.unshift(["", "right was …"]);
  const right = make("select", { "aria-label": "what was right" }, ...choices.map(([value, textContent]) => make("option", { value, textContent })));
  if (isWrong) right.value = row.was;
  const keep = async was => {
    const sent = note.value;
    const { rows, said, wrong } = await view.ask({ ask: "mark", id: row.id, was, note: sent });
    if (wrong) return view.tell(wrong);
    if (view.drafts.get(row.id) === sent) view.drafts.delete(row.id); // nothing more was written meanwhile
    view.keep(rows);
    view.tell(said);
    view.announce(was === "" ? "mark taken back" : `marked ${was === "right" ? "right" : "wrong"}`);
  };
  const keepWrong = () => {
    if (right.value !== "") return keep(right.value === "other" ? "other" : Number(right.value));
    view.tell("choose what was right first");
    right.focus();
  };
  const button = (act, textContent, onclick, more) => {
    const made = make("button", { className: "mm-button", type: "button", textContent, onclick, ...more });
    made.dataset.act = act;
    return made;
  };
  note.dataset.act = "note";
  note.addEventListener("input", () => view.drafts.set(row.id, note.value)); // until it is kept, though closed meanwhile
  note.addEventListener("keydown", event => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    if (row.was !== "") keep(row.was);
    else view.tell("press right or wrong to keep the note");
  });
  const form = make("div", { className: "mm-mark", role: "group", "aria-label": "mark this decision" },
    button("right", "✓ right", () => keep("right"), { "aria-pressed": row.was === "right", disabled: !row.recommendation }),
    button("wrong", "✗ wrong", keepWrong, { "aria-pressed": isWrong }), right, note,
    button("back", "take back", () => keep(""), { hidden: row.was === "" }));
  return form;
}
