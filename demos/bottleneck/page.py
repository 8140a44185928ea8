"""The laboratory's page: one HTML file, no network, for somebody who has read nothing else.

Read svg.py and the template page.html before this. A section for each finding: the question, its
pictures, its claims; at the end a slider over the decoding of one string (slider.html). PICTURES says how a
grid is drawn; one that is not in it becomes a plain table, so that a new experiment is on the page at once.
Under every picture are its numbers, as tables.

Not here: texts (texts.json); numbers of its own: every one on the page comes from a grid or a claim.
"""

import html
import itertools
import json

import numpy as np

from numpy_seq2seq import show
from numpy_seq2seq.tasks import LETTERS

from . import svg
from .experiments import LONG
from .measures import Grid
from .models import MODELS
from .texts import fill

FORMS = {"entropy": "{:.2f}", "scores": "{:.2f}", "norm": "{:.2g}", "bits": "{:.1f}", "vector": "{:.0f}",
         "parameters": "{:,.0f}"}  # fmt: skip  # what is not here is a share
DECODING = "decoding: "
LONG_TABLE = 8  # rows; from here on a table is folded


def page(findings, about, text):
    """The whole page.

    Args:
        findings: list of Finding (name, grids, claims), in the order to be shown.
        about:    settings by name, shown in one line.
        text:     Texts of the page's language.
    Returns:
        HTML in one string: pictures, style and script inside it.
    """
    sections = [_section(f, text) for f in findings]
    sections += [_slider(f, text) for f in findings if DECODING + "weights" in f.grids]
    parts = {
        "style": svg.STYLE,
        "diagram": _panels([fill(name, text) for name in ("neck.svg", "looking_back.svg")], 2),
        "links": "".join(_link(f.name, text) for f in findings),
        "settings": html.escape(", ".join(f"{text.name(name)} {value}" for name, value in about.items())),
        "sections": "\n".join(sections),
    }
    return fill("page.html", {**text, **parts})


def _link(name, text):
    return f'<li><a href="#{name}">{text[f"{name}.title"]}</a>: {text[f"{name}.question"]}</li>'


def _section(finding, text):
    name, grids = finding.name, finding.grids
    figures = [_drawing(drawn, text) for drawn in DRAWINGS.get(name, ())]
    figures += [_figure(name, grid, grids, text) for grid in grids if not grid.startswith(DECODING)]
    head = f'<h2>{text[f"{name}.title"]}</h2><p class="question">{text[f"{name}.question"]}</p>'
    return f'<section id="{name}">{head}{"".join(figures)}{claims_table(finding.claims, text)}</section>'


def claims_table(claims, text):
    """Text, figure, threshold and verdict of each claim."""
    heads = (text[f"claims.{name}"] for name in ("claim", "measured", "needed", "held"))
    rows = (
        f'<tr><th scope="row">{html.escape(c.text)}</th><td>{c.form.format(c.measured)}</td>'
        f'<td>{c.needed}</td><td class="{"yes" if c.held else "no"}">{show.mark(c.held)}</td></tr>'
        for c in claims
    )
    return f'<div class="scroll claims"><table>{_head(heads)}<tbody>{"".join(rows)}</tbody></table></div>'


def _drawing(name, text):
    caption = text[f"caption.drawing.{name}"]
    return f"<figure>{_panels([fill(f'{name}.svg', text)], 1)}<figcaption>{caption}</figcaption></figure>"


def _figure(experiment, name, grids, text):
    """Pictures with their caption, and behind a fold their numbers; or the numbers alone, in plain sight."""
    draw, columns = PICTURES.get((experiment, name), (None, 1))
    said = text.get(f"caption.{experiment}.{name}", "").format(long=LONG, half=LONG // 2)
    caption, numbers = f"<figcaption>{said}</figcaption>", "".join(tables(name, grids[name], text))
    if draw is None and max(grids[name].values.shape[-2:]) < LONG_TABLE:
        return f"<figure>{numbers}{caption}</figure>"
    drawn = _panels(draw(grids[name], grids, text), columns) if draw else ""
    head = f"{text['page.numbers']}: {html.escape(text.name(name))}"
    return f"<figure>{drawn}{caption}<details><summary>{head}</summary>{numbers}</details></figure>"


def _panels(pictures, columns):
    return f'<div class="panels p{columns}">{"".join(pictures)}</div>'


# ---- numbers -----------------------------------------------------------------------------------------------


def tables(name, grid, text):
    """A grid as tables of its last two axes, the longer one down; one table for each place along the others.

    Returns:
        list of HTML tables. Shares are in per cent with one decimal; what is missing is a dash.
    """
    if len(grid.axes) == 1:
        grid = Grid(grid.values[:, None], (*grid.axes, ("", [name])))
    *others, down, across = grid.axes
    turned = len(across[1]) > len(down[1])
    down, across = (across, down) if turned else (down, across)
    corner, made = " \\ ".join(text.name(axis) for axis in (down[0], across[0]) if axis), []
    for labels in itertools.product(*(known for _, known in others)):
        where = {axis: label for (axis, _), label in zip(others, labels)}
        part = grid.at(**where).T if turned else grid.at(**where)
        rows = [
            (label, *(_written(value, (name, label, column)) for column, value in zip(across[1], line)))
            for label, line in zip(down[1], part)
        ]
        caption = [name, *(f"{text.name(axis)} {text.name(label)}" for axis, label in where.items())]
        made.append(_table(text.name(", ".join(caption)), (corner, *across[1]), rows, text))
    return made


def _written(value, where):
    if isinstance(value, str):
        return value
    if not svg.known(value):
        return "–"
    return next((FORMS[w] for w in where if w in FORMS), "{:.1%}").format(value)


def _table(caption, head, rows, text):
    body = "".join(
        f'<tr><th scope="row">{html.escape(text.name(label))}</th>'
        f"{''.join(f'<td>{html.escape(cell)}</td>' for cell in cells)}</tr>"
        for label, *cells in rows
    )
    name, top = html.escape(caption), _head(html.escape(text.name(label)) for label in head)
    return (
        f'<div class="scroll" tabindex="0" role="group" aria-label="{name}"><table><caption>{name}</caption>'
        f"{top}<tbody>{body}</tbody></table></div>"
    )


def _head(cells):
    row = "".join(f'<th scope="col">{cell}</th>' for cell in cells)
    return f"<thead><tr>{row}</tr></thead>"


# ---- pictures ----------------------------------------------------------------------------------------------


def _chart(text, title, axis, grid, xs=None, name="", **how):
    """Lines over the last axis of a grid; how: as in svg.lines."""
    return svg.lines(title, text[f"axis.{axis}"], _curves(grid, text, xs, name), **how)


def _curves(grid, text, xs, name):
    """A Line for each place along the other axes: the first of them gives the colour, a second the dash.

    xs: (len of the first axis, points), where the horizontal axis is something else. name: where there is no
    label.
    """
    *others, (_, labels) = grid.axes
    curves = []
    for place in np.ndindex(*(len(known) for _, known in others)):
        names = [str(known[k]) for (_, known), k in zip(others, place)]
        first, *second = place or (0,)
        models = [k for k, model in enumerate(MODELS) if names[:1] == [model]]
        colour = models[0] if models else first % len(svg.MARKERS)
        dash, x = second[0] if second else colour, labels if xs is None else xs[first]
        ys, hollow = list(grid.values[place]), bool(second) and dash > 0
        curves.append(svg.Line(text.name(", ".join(names)) or name, list(x), ys, colour, dash, hollow))
    return curves


def _length(grid, grids, text):
    return [_chart(text, text["chart.exact"], "length", grid, beyond=(LONG, text["chart.unseen"]))]


def _position(grid, grids, text):
    titles = {task: text["chart.task"].format(task=text.name(task)) for task in grid.labels("task")}
    return [_chart(text, title, "position", grid.part(task=task)) for task, title in titles.items()]


def _probe(grid, grids, text):
    chance = 1 / len(LETTERS)
    level = chance, text["chart.chance"].format(share=svg.share(chance))
    return [_chart(text, text["chart.probe"], "source", grid, level=level)]


def _gradient(grid, grids, text):
    """A row of panels for each model, a column for each cell."""
    order, axes = sorted(grid.labels("model"), key=lambda m: m.split(", ")[-1]), ("source", "output")
    return [svg.heat(m, grid.at(model=m), *(text[f"axis.{axis}"] for axis in axes)) for m in order]


def _norm(grid, grids, text):
    decades = np.log10([max(v, 1e-9) for v in grid.values.flat if svg.known(v)])
    up = svg.Axis(10.0 ** np.floor(decades.min()), 10.0 ** max(np.ceil(decades.max()), 0), log=True)
    titles = {when: text["chart.norm"].format(when=text.name(when)) for when in grid.labels("when")}
    return [_chart(text, title, "time", grid.part(when=when), up=up) for when, title in titles.items()]


def _capacity(grid, grids, text):
    """For each model and size one picture over the bits, and one over the length."""
    pictures, needed = [], grids["bits"].values
    for model, hidden in itertools.product(grid.labels("model"), grid.labels("hidden")):
        title, part = text["chart.capacity"], grid.part(model=model, hidden=hidden)
        title = title.format(model=model, hidden=hidden)
        pictures += [_chart(text, title, "bits", part, needed, log=True), _chart(text, title, "length", part)]
    return pictures


def _training(grid, grids, text):
    titles = {n: text["chart.trained"].format(n=n) for n in grid.labels("trained up to")}
    unseen = text["chart.unseen"]
    return [
        _chart(text, title, "length", grid.part(**{"trained up to": n}), beyond=(n, unseen))
        for n, title in titles.items()
    ]


def _longer(grid, grids, text):
    return [_chart(text, text["chart.longer"], "length", grid)]


def _bars(title, grid, text):
    (_, groups), (_, names) = grid.axes
    return svg.bars(title, [text.name(g) for g in groups], [text.name(n) for n in names], grid.values)


def _reading(grid, grids, text):
    return [_bars(text["chart.copy"].format(model=m), grid.part(model=m), text) for m in grid.labels("model")]


def _weights(grid, grids, text):
    return [_bars(text["chart.weights"], grid, text)]


def _by_step(grid, grids, text):
    names = [name for name in grid.labels("measure") if name != "entropy"]
    near = Grid(np.array([grid.at(measure=name) for name in names]), (("measure", names), grid.axes[1]))
    entropy, name = grid.part(measure="entropy"), text.name("entropy")
    up = svg.Axis(0, max([1.0, *(float(np.ceil(v)) for v in entropy.values if svg.known(v))]))
    return [
        _chart(text, text["chart.peak"], "position", near),
        _chart(text, text["chart.entropy"], "position", entropy, name=name, up=up),
    ]


DRAWINGS = {"position": ["shift"], "dependency": ["unrolled"]}
PICTURES = {  # (experiment, grid) -> how it is drawn, columns on a wide screen
    ("length", "exact"): (_length, 1),
    ("position", "accuracy"): (_position, 3),
    ("dilution", "probe"): (_probe, 1),
    ("dilution", "gradient"): (_gradient, 3),
    ("dependency", "norm"): (_norm, 2),
    ("capacity", "exact"): (_capacity, 2),
    ("training", "exact"): (_training, 2),
    ("training", "reading"): (_reading, 2),
    ("training", "longer"): (_longer, 1),
    ("mechanism", "weights"): (_weights, 1),
    ("mechanism", "by step"): (_by_step, 2),
}


# ---- one string, step by step ------------------------------------------------------------------------------


def _slider(finding, text):
    names = ("state", "scores", "weights", "context", "tokens", "probabilities")
    grids = {name: finding.grids[DECODING + name] for name in names}
    data = {name: _plain(grid.values) for name, grid in grids.items()}
    data |= {name: list(map(str, grids["weights"].labels(name))) for name in ("output", "source")}
    shown = ("scores", "weights", "tokens", "probabilities")
    fold = "".join("".join(tables(name, grids[name], text)) for name in shown)
    texts = {key: said for key, said in text.items() if key.startswith("slider.")}
    return fill("slider.html", {**text, "numbers": fold, "data": _json(data), "texts": _json(texts)})


def _json(value):
    return json.dumps(value, ensure_ascii=False, allow_nan=False).replace("<", "\\u003c")


def _plain(values):
    """An array as lists for JSON, numbers rounded; what is missing becomes null."""
    if isinstance(values, np.ndarray):
        return [_plain(v) for v in values]
    if isinstance(values, str):
        return str(values)
    return round(float(values), 4) if svg.known(values) else None
