"""The laboratory's page: one HTML file, no network, for somebody who has read nothing else.

Read svg.py and template.py before this. A section for each finding: the question, its sentences, its
pictures; then a slider over one string's decoding. PICTURES says how each grid is drawn and read; a grid that
is not in it becomes a plain table, so that a new experiment is on the page at once. Under every picture are
its numbers, as tables.

Not here: the sentences (sentences.py); what is the same on every page (template.py); numbers of its own:
every one on the page comes from a grid.
"""

import html
import itertools
import json

import numpy as np

from numpy_seq2seq.tasks import LETTERS

from . import svg
from .experiments import LONG
from .measures import Grid
from .template import HEAD, INTRODUCTION, SCRIPT, SLIDER

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
    parts = [HEAD, INTRODUCTION.replace("DIAGRAM", _panels(svg.diagram(), 2))]
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
    script = f'<script>\n"use strict";\nconst DATA = {safe};{SCRIPT}</script>'
    return SLIDER.replace("NUMBERS", fold) + script
