"""The findings as text: the pictures of each experiment, from its grids; then its claims."""

import itertools

from numpy_seq2seq import show

from ..shared import claims_table, percent
from .experiments import LONG


def told(finding, text):
    """Title, question, picture and claims of a Finding."""
    head = f"{text[f'{finding.name}.title']}: {text[f'{finding.name}.question']}"
    heads = [text[f"claims.{name}"] for name in ("claim", "measured", "needed", "held")]
    picture, claims = DRAWN[finding.name](finding.grids, text), claims_table(finding.claims, heads)
    return "\n".join(["", head, "─" * show.width(head), "", picture, "", claims])


def draw_length(grids, text):
    exact = grids["exact"]
    (_, models), (_, lengths) = exact.axes
    rows = [(name, *map(percent, row)) for name, row in zip(models, exact.values)]
    head = (text.name("exact match"), *(f"{n}" if n <= LONG else f"({n})" for n in lengths))
    return f"{show.table(head, rows)}\n{text['terminal.unseen']}"


def draw_position(grids, text):
    columns = [("reverse", "forced"), ("reverse", "free")]
    columns += [("reverse, lstm", "forced"), ("copy, lstm", "forced")]
    shares = [grids["accuracy"].at(task=task, model="fixed", running=way) for task, way in columns]
    return _bars("fixed", [text.name(f"{task}, {way}") for task, way in columns], shares)


def _bars(corner, names, shares):
    """A table of bars: a column for each name and its shares, a row for each place, counted from 1."""
    columns = [[f"{show.fit(show.bar(x, 16), 16)} {x:4.0%}" for x in column] for column in shares]
    rows = [(place, *row) for place, row in enumerate(zip(*columns), 1)]
    return show.table((corner, *(show.fit(name, 21) for name in names)), rows)


def draw_dilution(grids, text):
    found, gradient = grids["probe"], grids["gradient"]
    cells = found.axes[0][1]
    models = [m for m in gradient.axes[0][1] if m.startswith(cells[0])]
    maps = zip(*(gradient.at(model=m) for m in models))
    rows = ["   ".join(f"│{show.attention_row(row, 1)}│" for row in rows) for rows in maps]
    head = "   ".join(show.fit(m, LONG + 3) for m in models)
    bars = _bars(text.name("probe"), cells, found.values)
    return "\n".join([bars, "", text["terminal.gradient"], head, *rows])


def draw_dependency(grids, text):
    norm, rows = grids["norm"], []
    shown = [t for t in norm.labels("step") if t == 1 or t % 4 == 0]
    for when, state in itertools.product(norm.labels("when"), norm.labels("state")):
        norms = (norm.at(when=when, state=state, step=t) for t in shown)
        rows.append((f"{state}, {text.name(when)}", *map("{:.2g}".format, norms)))
    return show.table(("‖∂h_t/∂h_0‖, t", *shown), rows)


def draw_capacity(grids, text):
    exact, needed = grids["exact"], grids["bits"]
    (_, tasks), (_, models), (_, sizes), (_, lengths) = exact.axes
    rows = []
    for task in tasks:
        rows.append((text.name(f"{task}, bits"), "", *(f"{b:.0f}" for b in needed.at(task=task))))
        for m, H in itertools.product(models, sizes):
            rows.append((f"  {m}", f"H {H}", *map(percent, exact.at(task=task, model=m, hidden=H))))
    return show.table((text.name("exact match"), "", *lengths), rows)


def draw_training(grids, text):
    exact, reading, longer = grids["exact"], grids["reading"], grids["longer"]
    (_, models), (upto, spans), (_, lengths) = exact.axes
    rows, copied = [], []
    for m, n in itertools.product(models, spans):
        rows.append((f"{m}, {text.name(upto)} {n}", *map(percent, exact.at(model=m, **{upto: n}))))
    for n, shares in zip(longer.labels("training steps"), longer.values):
        unseen = [""] * (len(lengths) - len(shares))
        rows.append((f"fixed, {text.name('steps')} {n}", *map(percent, shares), *unseen))
    for m, s in itertools.product(models, reading.labels("source")):
        copied.append((f"{m}, {text.name(s)}", *map(percent, reading.at(model=m, source=s))))
    head = [text.name(part) for part in ("copy", "letters", "exact")]
    return f"{show.table((text.name('reverse, exact match'), *lengths), rows)}\n\n{show.table(head, copied)}"


def draw_mechanism(grids, text):
    weights, looked = grids["weights"], grids["alignment"]
    rows = []
    for model in weights.axes[0][1]:
        *near, entropy = looked.at(model=model)
        shares = (*weights.at(model=model), *near)
        rows.append((text.name(model), *map(percent, shares), f"{entropy:.2f}"))
    head = ("letters", *weights.axes[1][1], *looked.axes[1][1])
    one = grids["decoding: weights"]
    output, source = ([label.split(" ", 1)[1] for label in labels] for _, labels in one.axes)
    table = show.table([text.name(part) for part in head], rows)
    return f"{table}\n\n{text['terminal.map']}\n{show.attention_map(one.values, source, output)}"


DRAWN = dict(length=draw_length, position=draw_position, dilution=draw_dilution, dependency=draw_dependency)
DRAWN |= dict(capacity=draw_capacity, training=draw_training, mechanism=draw_mechanism)
