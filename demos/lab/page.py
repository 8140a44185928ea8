"""The laboratory's page: one HTML file, no network, for somebody who has read nothing else.

Read svg.py before this. A section for each finding: the question, its sentences, its pictures; then a slider
over one string's decoding. PICTURES says how each grid is drawn and read; a grid that is not in it becomes a
plain table, so that a new experiment is on the page at once. Under every picture are its numbers, as tables.

Not here: the sentences (sentences.py); numbers of its own: every one on the page comes from a grid.
"""

import html
import itertools
import json

import numpy as np

from numpy_seq2seq.tasks import LETTERS

from . import svg
from .experiments import LONG
from .measures import Grid

TITLE = "Which problem of seq2seq does attention solve?"
DECODERS = ("fixed", "peeky", "luong", "bahdanau")  # each has its colour, on every picture
FORMS = {"entropy": "{:.2f}", "scores": "{:.2f}", "bits": "{:.1f}", "parameters": "{:,.0f}"}  # else a share
DECODING = "decoding: "
LENGTH, STEP = "length of the source", "output position"
LONG_TABLE = 8  # rows; from here on a table is folded


def page(findings, about):
    """The whole page.

    Args:
        findings: list of Finding (name, title, question, sentences, grids), in the order to be shown.
        about:    settings by name, shown in one line.
    Returns:
        HTML in one string: pictures, style and script inside it.
    """
    links = [(_id(f), html.escape(f.title), html.escape(f.question)) for f in findings]
    nav = "".join(f'<li><a href="#{name}">{title}</a>: {question}</li>' for name, title, question in links)
    settings = html.escape(", ".join(f"{name} {value}" for name, value in about.items()))
    parts = [_HEAD, _INTRODUCTION.replace("DIAGRAM", _panels(svg.diagram(), 2))]
    parts += [f"<nav><ol>{nav}</ol></nav>"] if nav else []
    parts += [f'<p class="about">Models and training: {settings}.</p>'] if settings else []
    parts += ["</header><main>", *map(_section, findings)]
    parts += [_slider(f) for f in findings if f.name == "mechanism" and _decoding(f)]
    return "\n".join([*parts, "</main></body></html>\n"])


def _id(finding):
    return "".join(c if c.isalnum() else "-" for c in finding.name)


def _section(finding):
    paragraphs = "".join(f"<p>{html.escape(s)}</p>" for s in finding.sentences)
    shown = {name: grid for name, grid in finding.grids.items() if not name.startswith(DECODING)}
    figures = [_figure(finding, name, grid) for name, grid in shown.items()]
    head = f'<h2>{html.escape(finding.title)}</h2><p class="question">{html.escape(finding.question)}</p>'
    return f'<section id="{_id(finding)}">{head}{paragraphs}{"".join(figures)}</section>'


def _figure(finding, name, grid):
    """Pictures with their caption, and behind a fold their numbers; or the numbers alone, in plain sight."""
    draw, columns, caption = PICTURES.get((finding.name, name), (None, 1, ""))
    numbers, said = "".join(tables(name, grid)), f"<figcaption>{caption}</figcaption>" if caption else ""
    if draw is None and max(grid.values.shape[-2:]) < LONG_TABLE:
        return f"<figure>{numbers}{said}</figure>"
    fold = f"<details><summary>The numbers: {html.escape(name)}</summary>{numbers}</details>"
    return f"<figure>{_panels(draw(grid, finding.grids), columns) if draw else ''}{said}{fold}</figure>"


def _panels(pictures, columns):
    return f'<div class="panels p{columns}">{"".join(pictures)}</div>'


# ---- numbers -----------------------------------------------------------------------------------------------


def tables(name, grid):
    """A grid as tables of its last two axes, the longer one down; one table for each place along the others.

    Returns:
        list of HTML tables. Shares are in per cent with one decimal; what is missing is a dash.
    """
    if len(grid.axes) == 1:
        grid = Grid(grid.values[:, None], (*grid.axes, ("", [name])))
    *others, down, across = grid.axes
    turned = len(across[1]) > len(down[1])
    down, across = (across, down) if turned else (down, across)
    head, made = [" \\ ".join(filter(None, (down[0], across[0]))), *across[1]], []
    for labels in itertools.product(*(known for _, known in others)):
        where = {axis: label for (axis, _), label in zip(others, labels)}
        part = grid.at(**where).T if turned else grid.at(**where)
        rows = [
            [label, *(_written(value, (name, label, column)) for column, value in zip(across[1], line))]
            for label, line in zip(down[1], part)
        ]
        caption = ", ".join([name, *(f"{axis} {label}" for axis, label in where.items())])
        made.append(_table(caption, head, rows))
    return made


def _written(value, where):
    if isinstance(value, str):
        return value
    if not svg.known(value):
        return "–"
    return next((FORMS[w] for w in where if w in FORMS), "{:.1%}").format(value)


def _table(caption, head, rows):
    top = "".join(f'<th scope="col">{html.escape(str(cell))}</th>' for cell in head)
    body = "".join(
        f'<tr><th scope="row">{html.escape(str(label))}</th>'
        f"{''.join(f'<td>{html.escape(cell)}</td>' for cell in cells)}</tr>"
        for label, *cells in rows
    )
    name = html.escape(caption)
    return (
        f'<div class="scroll" tabindex="0" role="group" aria-label="{name}"><table><caption>{name}</caption>'
        f"<thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _plain(values):
    """An array as lists for JSON, numbers rounded; what is missing becomes null."""
    if isinstance(values, np.ndarray):
        return [_plain(v) for v in values]
    if isinstance(values, str):
        return str(values)
    return round(float(values), 4) if svg.known(values) else None


# ---- pictures ----------------------------------------------------------------------------------------------


def _part(grid, **labels):
    return Grid(grid.at(**labels), tuple(axis for axis in grid.axes if axis[0] not in labels))


def _labels(grid, name):
    return dict(grid.axes)[name]


def _curves(grid, xs=None, name=""):
    """Lines over the last axis, one for each place along the others: the first of them gives the colour, a
    second the dash. xs: (len of the first axis, points), where the horizontal axis is something else."""
    *others, (_, labels) = grid.axes
    curves = []
    for place in np.ndindex(*(len(known) for _, known in others)):
        names = [str(known[k]) for (_, known), k in zip(others, place)]
        first, *second = place or (0,)
        colour = DECODERS.index(names[0]) if names and names[0] in DECODERS else first % len(DECODERS)
        dash, x = second[0] if second else colour, labels if xs is None else xs[first]
        ys, hollow = list(grid.values[place]), bool(second) and dash > 0
        curves.append(svg.Line(", ".join(names) or name, list(x), ys, colour, dash, hollow))
    return curves


def _length(grid, grids):
    return [svg.lines("Exact match", LENGTH, _curves(grid), beyond=LONG)]


def _position(grid, grids):
    tasks = {task: _curves(_part(grid, task=task)) for task in _labels(grid, "task")}
    return [svg.lines(f"{task}: letters right", STEP, curves) for task, curves in tasks.items()]


def _probe(grid, grids):
    return [svg.lines("Letters found in the vector", "source place", _curves(grid), chance=1 / len(LETTERS))]


def _gradient(grid, grids):
    shown = itertools.product(_labels(grid, "decoder"), _labels(grid, "cell"))
    return [svg.heat(f"{cell}, {decoder}", grid.at(cell=cell, decoder=decoder)) for decoder, cell in shown]


def _capacity(grid, grids):
    pictures = []
    for decoder, hidden in itertools.product(_labels(grid, "decoder"), _labels(grid, "hidden")):
        seen, title = _part(grid, decoder=decoder, hidden=hidden), f"{decoder}, hidden {hidden}: exact match"
        if "bits" in grids:
            pictures.append(svg.lines(title, "bits needed", _curves(seen, grids["bits"].values), log=True))
        pictures.append(svg.lines(title, LENGTH, _curves(seen)))
    return pictures


def _training(grid, grids):
    spans = {n: _curves(_part(grid, **{"trained up to": n})) for n in _labels(grid, "trained up to")}
    return [svg.lines(f"Trained up to {n}: exact match", LENGTH, c, beyond=n) for n, c in spans.items()]


def _reading(grid, grids):
    sources, names = [f"source {s}" for s in _labels(grid, "source")], _labels(grid, "what")
    return [svg.bars(f"copy, {d}", sources, names, grid.at(decoder=d)) for d in _labels(grid, "decoder")]


def _weights(grid, grids):
    models, names = _labels(grid, "model"), _labels(grid, "weights")
    half = (len(models) + 1) // 2
    parts = [(models[a:b], grid.values[a:b]) for a, b in ((0, half), (half, None)) if models[a:b]]
    return [svg.bars("Letters right, by weights", some, names, values) for some, values in parts]


def _by_step(grid, grids):
    names = [name for name in _labels(grid, "measure") if name != "entropy"]
    shares = Grid(np.array([grid.at(measure=name) for name in names]), (("measure", names), grid.axes[1]))
    entropy = _curves(_part(grid, measure="entropy"), name="entropy")
    top = max([1.0, *(float(np.ceil(v)) for v in entropy[0].ys if svg.known(v))])
    return [
        svg.lines("Where the largest weight lies", STEP, _curves(shares)),
        svg.lines("Entropy of the weights, bits", STEP, entropy, top=top),
    ]


PICTURES = {  # (experiment, grid) -> drawing, columns on a wide screen, how to read it
    ("length", "exact"): (_length, 1, """Each point: the share of strings of one length, none of them seen
        in training, that a model answers rightly to the last token."""),
    ("length", "parameters"): (None, 1, """The size of each model: how many numbers training adjusts."""),
    ("position", "accuracy"): (_position, 3, f"""All strings have {LONG} letters. Forced: before each letter
        the model is told the right letters before it, so only memory can fail. Free: it goes on from its
        own letters, right or wrong."""),
    ("dilution", "probe"): (_probe, 1, """For each place of the source: how often a linear map finds, in the
        encoder’s last state of the model without attention, which letter stood there. Place 1 was read
        first."""),
    ("dilution", "gradient"): (_gradient, 3, """Each row is an output step: how its gradient is shared out
        among the source places. The strength of the colour is the square root of the share, so that 1%
        shows at a tenth of it. The letters are to be reversed: the place that a row ought to feel moves
        from right to left going down. The last place and the last step are the end sign."""),
    ("capacity", "exact"): (_capacity, 2, """The same points twice. Over the bits that the answer needs: if
        only those counted, the tasks would lie on one curve. Over the length of the source: if only that
        counted, they would lie on one curve there. The answers to first and last are one letter, at every
        length."""),
    ("capacity", "bits"): (None, 1, """What one must know of a random source to give the answer, in bits."""),
    ("training", "exact"): (_training, 2, """The task is reverse. The two pictures differ only in the
        longest strings that were seen in training."""),
    ("training", "reading"): (_reading, 2, f"""The task is copy, strings of {LONG // 2} letters, read as
        they are or last letter first. letters: right letters when told the right ones before; exact: whole
        strings right, by itself."""),
    ("mechanism", "weights"): (_weights, 2, """The trained model, with its weights changed before they are
        used. arg max: all weight on the largest; uniform: the same everywhere; shifted by one: each weight
        one place further right."""),
    ("mechanism", "alignment"): (None, 1, """aligned: how often the largest weight lies on the source letter
        that is to be written; within one place: on it or on a neighbour. entropy: how spread out the weights
        are, in bits."""),
    ("mechanism", "by step"): (_by_step, 2, """The model for reverse. aligned: the largest weight is on the
        letter to be written. Entropy is how spread out the weights are: 0 bits is one place; 1 bit is as
        spread as two places with equal weights, 2 bits as four."""),
    ("mechanism", "swap"): (None, 1, """The encoder’s states of two places were exchanged before the decoder
        looked: what is found there (values), or also what it is found by (keys). aligned: the letters that
        come from these two places; others: the rest. changed: no longer the letter written before;
        exchanged: now the letter of the other place."""),
}  # fmt: skip


# ---- one string, step by step ------------------------------------------------------------------------------


def _decoding(finding):
    """The grids of one decoding by their short names; nothing unless all are there."""
    names = ("state", "scores", "weights", "context", "tokens", "probabilities")
    found = {name: finding.grids.get(DECODING + name) for name in names}
    return found if all(grid is not None and grid.values.size for grid in found.values()) else None


def _slider(finding):
    grids = _decoding(finding)
    data = {name: _plain(grid.values) for name, grid in grids.items()}
    data |= {name: list(map(str, _labels(grids["weights"], name))) for name in ("output", "source")}
    shown = ("scores", "weights", "tokens", "probabilities")
    fold = "".join("".join(tables(name, grids[name])) for name in shown)
    safe = json.dumps(data, ensure_ascii=False, allow_nan=False).replace("<", "\\u003c")
    script = f'<script>\n"use strict";\nconst DATA = {safe};{_SCRIPT}</script>'
    return _SLIDER.replace("NUMBERS", fold) + script


_HEAD = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>TITLE</title>
<style>
  :root { color-scheme: light dark; --ink: #1b1b1f; --paper: #fdfdfb; --line: #8886;
          --plus: 0, 103, 168; --minus: 194, 78, 0; }
  @media (prefers-color-scheme: dark) {
    :root { --ink: #e8e8ea; --paper: #17181c; --plus: 103, 183, 255; --minus: 255, 147, 80; } }
STYLE
  body { font: 17px/1.55 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 68rem;
         margin: 2rem auto; padding: 0 1rem; overflow-wrap: break-word; }
  p, figcaption, dl, nav, .steps { max-width: 44rem; } h1 { line-height: 1.2; } h2 { margin-bottom: .2rem; }
  section { border-top: 1px solid var(--line); padding: .5rem 0 1.5rem; } a { color: var(--c2); }
  .question { font-size: 1.15rem; font-style: italic; margin-top: 0; }
  .about, figcaption { font-size: .92rem; opacity: .85; } figcaption { margin: .4rem 0; }
  dt { font-weight: 600; float: left; clear: left; margin-right: .5rem; } dd { margin: 0 0 .3rem 1.2rem; }
  figure { margin: 1.5rem 0; }
  .panels { display: grid; gap: 1.2rem 1.6rem; grid-template-columns: minmax(0, 1fr); max-width: 31rem; }
  @media (min-width: 44rem) {
    .p2, .p3 { grid-template-columns: repeat(2, minmax(0, 1fr)); max-width: 60rem; } }
  @media (min-width: 62rem) { .p3 { grid-template-columns: repeat(3, minmax(0, 1fr)); max-width: none; } }
  summary { cursor: pointer; } .scroll { overflow-x: auto; margin: .8rem 0; }
  table { border-collapse: collapse; font-size: 14px; font-variant-numeric: tabular-nums; }
  caption { text-align: left; font-weight: 600; white-space: nowrap; }
  td, th { padding: .1rem .45rem; text-align: right; font-weight: normal; white-space: nowrap; }
  tbody th, thead th:first-child { text-align: left; } thead { border-bottom: 1px solid var(--line); }
  .control { display: flex; gap: .5rem; align-items: center; padding: .5rem 0; }
  .control input { flex: 1; min-width: 0; accent-color: var(--c2); }
  button { font: inherit; min-width: 2.6rem; min-height: 2.2rem; }
  .said { min-height: 6.3em; margin: .2rem 0; } @media (min-width: 44rem) { .said { min-height: 3.2em; } }
  .out { font: 1.1rem ui-monospace, monospace; letter-spacing: .3em; }
  .stage { border-left: 3px solid transparent; padding: .2rem 0 .2rem .7rem; margin: .6rem 0; }
  .stage.now { border-color: var(--c2); } .stage.later { opacity: .2; }
  .stage h3 { margin: 0; font-size: 1rem; }
  .strip { display: flex; height: 1.6rem; border: 1px solid var(--line); } .strip i { flex: 1; }
  .columns { display: flex; gap: 2px; }
  .columns div { flex: 1; min-width: 0; text-align: center; font: 12px/1.3 ui-monospace, monospace; }
  .columns .well { position: relative; height: 5rem; background: var(--soft); }
  .well i { position: absolute; left: 15%; right: 15%; background: var(--c2); }
  .guess, .guess span { display: flex; gap: .5rem; align-items: center; font: 14px ui-monospace, monospace; }
  .guess b { width: 3rem; overflow: hidden; } .guess span { flex: 1; }
  .guess i { height: .9rem; background: var(--c2); }
</style></head><body><header>
<h1>TITLE</h1>""".replace("TITLE", TITLE).replace("STYLE", svg.STYLE)

_INTRODUCTION = """
<p>A <b>sequence-to-sequence</b> model (seq2seq) reads one sequence, the <b>source</b>, and writes another.
Translation is of that kind. Here the sequences are strings of random letters and the task is, mostly, to
write them in reverse: there is always one right answer, and it is known which letter of the source each of
its letters comes from.</p>
<p>The <b>encoder</b> reads the source token by token (a token is a letter here, or the sign for the end). It
keeps a <b>state</b>, a list of numbers of a fixed size, and changes it with every token. The <b>decoder</b>
then writes the answer token by token, and has a state of its own.</p>
<p>Without attention the decoder gets one thing from the encoder: its last state, <b>one fixed vector</b>, as
large for thirty tokens as for one. With <b>attention</b> every state of the encoder is kept. Before each
token the decoder compares its own state with all of them; that gives a <b>score</b> for each place of the
source. Softmax turns the scores into <b>weights</b> that sum to 1, and the mean of the encoder’s states with
these weights is the <b>context</b>, made afresh for every token. It is an exam with open books instead of
one from memory.</p>
DIAGRAM
<p>What follows was measured, on strings that never occur in training. Names that come up:</p>
<dl>
<dt>fixed</dt><dd>the vector is where the decoder starts from, and that is all (Sutskever et al. 2014)</dd>
<dt>peeky</dt><dd>the same vector is also shown to the decoder at each step (Cho et al. 2014)</dd>
<dt>luong</dt><dd>attention, after the decoder’s step (Luong et al. 2015)</dd>
<dt>bahdanau</dt><dd>attention, before the decoder’s step (Bahdanau et al. 2015)</dd>
<dt>rnn, gru, lstm</dt><dd>cells: three ways to change a state with a token; the last two have gates that can
protect what is in it</dd>
<dt>hidden, H</dt><dd>how many numbers a state has</dd>
<dt>exact match</dt><dd>the share of strings that are answered rightly to the last token</dd></dl>"""

_SLIDER = """<section id="step-by-step"><h2>One string, step by step</h2>
<p class="question">What happens between the decoder’s state and the token it writes?</p>
<p>The slider goes through five stages for each token: state, scores, weights, context, token. Arrow keys
move it by one stage, the two buttons by one token. In state and context each stripe is one number: blue
above zero, orange below, pale near zero.</p>
<noscript><p>The slider needs JavaScript; its numbers are in the tables below.</p></noscript>
<div class="steps"><div class="control">
<button type="button" id="back" aria-label="previous token">◀</button>
<input type="range" id="when" min="0" value="0" aria-label="stage of decoding">
<button type="button" id="on" aria-label="next token">▶</button></div>
<p class="said" id="said" aria-live="polite"></p>
<p>written so far: <span class="out" id="out"></span></p><div id="stages"></div></div>
<details><summary>The numbers</summary>NUMBERS</details></section>
"""

_SCRIPT = r"""
const STAGES = ["state", "scores", "weights", "context", "token"], T = DATA.output.length;
const by = id => document.getElementById(id), known = Number.isFinite, finite = a => a.flat(2).filter(known);
const add = (parent, tag, text = "", name = "") => {
  const e = parent.appendChild(document.createElement(tag));
  e.textContent = text; e.className = name; return e;
};
const letter = label => label.split(" ").slice(1).join(" ") || label;
const digits = v => known(v) ? v.toFixed(2).replace("-", "−") : "–";
const percent = v => known(v) ? `${(100 * v).toFixed(1)}%` : "–";
const peak = row => row.reduce((best, v, s) => known(v) && !(v <= row[best]) ? s : best, 0);
const most = row => row[peak(row)];
const place = s => `place ${s + 1}, “${letter(DATA.source[s])}”`;
const span = a => `from ${digits(Math.min(...finite(a)))} to ${digits(Math.max(...finite(a)))}`;

const boxes = STAGES.map(name => {
  const box = add(by("stages"), "div"); add(box, "h3", name); add(box, "div"); return box;
});
function fresh(stage, kind, said) {  // the empty picture of a stage
  const e = boxes[STAGES.indexOf(stage)].lastChild;
  e.replaceChildren(); e.className = kind;
  e.setAttribute("role", "img"); e.setAttribute("aria-label", `${stage}: ${said}`);
  return e;
}
const full = Math.max(1e-9, ...finite([DATA.state, DATA.context]).map(Math.abs));
function strip(stage, values) {  // numbers as colours: one hue above zero, one below
  const e = fresh(stage, "strip", `${values.length} numbers, ${span(values)}`);
  values.forEach((v, n) => {
    const stripe = add(e, "i"); stripe.title = `${n + 1}: ${digits(v)}`;
    if (known(v)) stripe.style.background = `rgba(var(--${v < 0 ? "minus" : "plus"}), ${Math.abs(v) / full})`;
  });
}
function columns(stage, values, low, high, say) {  // bars above the tokens of the source
  const e = fresh(stage, "columns", values.map((v, s) => `${DATA.source[s]}: ${say(v)}`).join("; "));
  const part = v => `${100 * v / (high - low)}%`;
  values.forEach((v, s) => {
    const column = add(e, "div"), bar = add(add(column, "div", "", "well"), "i");
    add(column, "div", letter(DATA.source[s])); column.title = `${DATA.source[s]}: ${say(v)}`;
    if (known(v)) { bar.style.bottom = part(Math.min(v, 0) - low); bar.style.height = part(Math.abs(v)); }
  });
}
function guesses(stage, tokens, shares) {  // the most probable tokens
  const e = fresh(stage, "", tokens.map((token, n) => `${token} ${percent(shares[n])}`).join(", "));
  tokens.forEach((token, n) => {
    const row = add(e, "div", "", "guess"); add(row, "b", token);
    const room = add(row, "span"); add(room, "i").style.width = `${known(shares[n]) ? 85 * shares[n] : 0}%`;
    add(room, "small", percent(shares[n]));
  });
}
const SAID = [  // what happens at each stage of step t
  t => `The decoder reads ${t ? `the token it just wrote, “${letter(DATA.output[t - 1])}”` : "the start sign"}.
    Its state is now ${DATA.state[t].length} numbers, ${span(DATA.state[t])}.`,
  t => `The state is compared with each of the ${DATA.source.length} states of the encoder.
    The highest score, ${digits(most(DATA.scores[t]))}, is that of ${place(peak(DATA.scores[t]))}.`,
  t => `Softmax turns the scores into weights that sum to 1.
    ${percent(most(DATA.weights[t]))} of the weight lies at ${place(peak(DATA.weights[t]))}.`,
  t => `The context is the mean of the encoder’s states with these weights, made for this token alone:
    ${DATA.context[t].length} numbers, ${span(DATA.context[t])}.`,
  t => `From state and context the model writes the most probable token: “${DATA.tokens[t][0]}”,
    probability ${percent(DATA.probabilities[t][0])}.`,
];
const low = Math.min(0, ...finite(DATA.scores)), high = Math.max(low + 1e-9, 0, ...finite(DATA.scores));
function show() {
  const now = +by("when").value, t = Math.floor(now / 5), k = now % 5;
  const where = `Token ${t + 1} of ${T}, ${STAGES[k]}`;
  by("said").textContent = `${where}. ${SAID[k](t)}`;
  by("when").setAttribute("aria-valuetext", where);
  by("out").textContent = DATA.output.slice(0, t + (k === 4)).map(letter).join("") || "…";
  strip("state", DATA.state[t]); columns("scores", DATA.scores[t], low, high, digits);
  columns("weights", DATA.weights[t], 0, 1, percent); strip("context", DATA.context[t]);
  guesses("token", DATA.tokens[t], DATA.probabilities[t]);
  boxes.forEach((box, n) => {
    box.className = `stage ${n === k ? "now" : n > k ? "later" : ""}`; box.setAttribute("aria-hidden", n > k);
  });
}
function go(now) { by("when").value = Math.min(Math.max(now, 0), 5 * T - 1); show(); }
const end = step => 5 * (Math.floor(by("when").value / 5) + step) + 4;
by("when").max = 5 * T - 1; by("when").oninput = show;
by("back").onclick = () => go(Math.max(end(-1), 4)); by("on").onclick = () => go(end(1));
go(4);
"""
