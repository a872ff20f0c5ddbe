"""How a card looks: in JupyterLab's own colours, and elsewhere in that of the text around it."""

CLASS = "mastermind-decision"
"""The class of every card; no rule reaches outside of it."""

_DARK = (
    """{ --right: var(--jp-success-color2, currentColor); --wrong: var(--jp-error-color2, currentColor); }"""
)

# A notebook's own rules for all tables have up to four classes, tags and states: three outweigh them.
_CARD = """{
  --ink: var(--jp-content-font-color1, currentColor);
  --soft: var(--jp-content-font-color2, color-mix(in srgb, currentColor 72%, transparent));
  --line: var(--jp-border-color2, color-mix(in srgb, currentColor 22%, transparent));
  --track: color-mix(in srgb, currentColor 13%, transparent);
  --bar: var(--jp-brand-color1, color-mix(in srgb, currentColor 62%, transparent));
  --right: var(--jp-success-color0, currentColor);
  --wrong: var(--jp-error-color0, currentColor);
  container-type: inline-size; max-width: 60rem; margin: .35em 0;
  color: var(--ink); line-height: 1.45; overflow-wrap: anywhere; text-align: start;
  & .box { border: 1px solid var(--line); border-radius: 6px; padding: 1.1em 1.4em 1.2em; }
  & .soft { color: var(--soft); font-weight: 400; }
  & .small { font-size: .87em; }
  & .box > .soft.small:not(.top) { margin-top: .8em; }
  & .box > .soft.small + .soft.small { margin-top: .1em; }
  & .lines { white-space: pre-line; unicode-bidi: plaintext; }
  & .top { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 0 1.5em; }
  & .question { font-size: 1.2em; line-height: 1.35; margin: .3em 0 .9em; max-width: 44em; }
  & .verdict { display: flex; flex-wrap: wrap; gap: .7em 2.4em; }
  & .verdict > div { min-width: 9em; }
  & .label { display: block; color: var(--soft); font-size: .8em; letter-spacing: .04em; }
  & .big { font-size: 1.2em; font-weight: 600; line-height: 1.35; }
  & .sure { display: flex; align-items: center; gap: .7em; min-height: 1.62em; }
  & .number { font-variant-numeric: tabular-nums; text-align: end; }
  & .bar {
    display: inline-block; position: relative; width: 100%; min-width: 3em; height: .5em;
    border-radius: .25em; background: var(--track); vertical-align: middle;
  }
  & .bar > i { position: absolute; inset: 0 auto 0 0; border-radius: .25em; background: var(--bar); }
  & .bar > b { position: absolute; inset: -.2em auto -.2em; width: 2px; background: var(--ink); }
  & .sure .bar { width: 9em; height: .6em; }
  & table .bar > i { opacity: .6; }
  & .right, & .wrong { color: var(--right); font-weight: 600; white-space: nowrap; }
  & .wrong { color: var(--wrong); }
  & .why { margin: .9em 0 0; max-width: 50em; }
  & .part { border-top: 1px solid var(--line); margin-top: 1.15em; padding-top: .85em; }
  & .head { color: var(--soft); font-size: .87em; letter-spacing: .03em; margin-bottom: .4em; }
  & .head b { color: var(--ink); font-weight: 600; }
  & summary { cursor: pointer; }
  & table.votes.votes {
    display: grid; grid-template-columns: fit-content(11em) minmax(4em, 8em) 2.4em minmax(0, 1fr);
    column-gap: .9em; width: 100%; margin: 0; border: 0; font-size: inherit;
    & tbody, & tr { display: contents; }
    & td, & th {
      display: block; padding: .14em 0; border: 0; text-align: start; vertical-align: baseline;
      font-weight: 400; min-width: 0; max-width: none; white-space: normal; line-height: inherit;
    }
    & th[colspan] { grid-column: 1 / -1; font-weight: 600; padding: .5em 0 .15em; }
    & tr:first-child th[colspan] { padding-top: 0; }
    & th[scope=row] { padding-inline-start: .9em; }
    & td.number { text-align: end; }
    & td.none { grid-column: span 2; text-align: end; }
  }
  & ul.tree, & ul.tree ul { list-style: none; margin: 0; padding: 0; }
  & ul.tree ul {
    margin-inline-start: .42em; padding-inline-start: 1em; border-inline-start: 1px solid var(--line);
  }
  & ul.tree li { margin: .2em 0; }
  & ul.tree li > div { padding-inline-start: 1.05em; }
  & .stance { font-size: .8em; font-weight: 600; letter-spacing: .02em; margin-inline-end: .35em; }
  & ol.sources { margin: 0; padding-inline-start: 1.5em; }
  & ol.sources li { margin: .25em 0; }
  & a { color: var(--jp-content-link-color, currentColor); text-decoration: underline; }
  & .facts { display: flex; flex-wrap: wrap; gap: .5em 1.8em; }
  & .rest { display: grid; grid-template-columns: fit-content(16em) minmax(0, 1fr); gap: .2em 1.2em; }
  & .several { border-bottom: 1px solid var(--line); }
  & .several > details > summary { padding: .5em .2em; border-top: 1px solid var(--line); }
  & .several > details > .box { margin: .2em 0 .9em; }
  @container (min-width: 34.01em) {
    & table.votes.votes:not(:has(.said:not(:empty))) {
      grid-template-columns: fit-content(22em) minmax(4em, 8em) 2.4em minmax(0, 1fr);
    }
  }
  @container (max-width: 34em) {
    & .box { padding: .8em .9em .9em; }
    & .verdict { gap: .6em 1.6em; }
    & table.votes.votes {
      grid-template-columns: minmax(0, 1fr) minmax(3em, 6em) 2.4em;
      & td.said { grid-column: 1 / -1; padding-inline-start: .9em; padding-top: 0; }
      & td.said:empty { display: none; }
    }
  }
}"""

CSS = f'.{CLASS} {_CARD}\n[data-jp-theme-light="false"] .{CLASS} {_DARK}'
