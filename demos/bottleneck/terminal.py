"""The findings as text: a picture for each, drawn from its grids with show.py."""

import itertools

from numpy_seq2seq import show

from ..shared import percent
from .experiments import LONG


def told(finding):
    """Title, question, picture and sentences of a Finding."""
    head = f"{finding.title}: {finding.question}"
    lines = [f"  {line}" for sentence in finding.sentences for line in wrapped(sentence)]
    return "\n".join(["", head, "─" * len(head), "", DRAWN[finding.name](finding.grids), "", *lines])


def wrapped(sentence, columns=100):
    """Lines of a sentence, a dot before the first."""
    lines, line = [], "·"
    for word in sentence.split():
        if len(line) + len(word) >= columns:
            lines.append(line)
            line = " "
        line += f" {word}"
    return [*lines, line]


def draw_length(grids):
    exact = grids["exact"]
    lengths = exact.axes[1][1]
    rows = [(name, *map(percent, row)) for name, row in zip(exact.axes[0][1], exact.values)]
    head = ("exact match", *(f"{n}" if n <= LONG else f"({n})" for n in lengths))
    return f"{show.table(head, rows)}\nin brackets: longer than any string in training"


def draw_position(grids):
    accuracy = grids["accuracy"]
    columns = [
        ("reverse", "forced"),
        ("reverse", "free"),
        ("reverse, lstm", "forced"),
        ("copy, lstm", "forced"),
    ]
    shares = [accuracy.at(task=task, decoder="fixed", running=running) for task, running in columns]
    return _bars("fixed vector", [f"{task}, {running}" for task, running in columns], shares)


def _bars(corner, names, shares):
    """A table of bars: a column for each name and its shares, a row for each place, counted from 1."""
    columns = [[f"{show.fit(show.bar(x, 16), 16)} {x:4.0%}" for x in column] for column in shares]
    rows = [(place, *row) for place, row in enumerate(zip(*columns), 1)]
    return show.table((corner, *(show.fit(name, 21) for name in names)), rows)


def draw_dilution(grids):
    found, gradient = grids["probe"], grids["gradient"]
    cells = found.axes[0][1]
    labels, maps = [""] * (LONG + 1), (gradient.at(cell=cells[0], decoder=d) for d in ("fixed", "luong"))
    fixed, luong = (show.attention_map(shares, labels, labels).split("\n")[1:] for shares in maps)
    head = show.fit(f" {cells[0]}, fixed vector", len(fixed[0]) + 3) + f" {cells[0]}, attention"
    return "\n".join([
        _bars("probe: place", cells, found.values),
        "",
        "which inputs (across) an output (down) depends on, by the gradient",
        head,
        *(f"{a}   {b}" for a, b in zip(fixed, luong)),
    ])


def draw_capacity(grids):
    exact, needed = grids["exact"], grids["bits"]
    (_, tasks), (_, decoders), (_, sizes), (_, lengths) = exact.axes
    rows = []
    for task in tasks:
        rows.append((f"{task}: bits", "", *(f"{b:.0f}" for b in needed.at(task=task))))
        for d, H in itertools.product(decoders, sizes):
            rows.append((f"  {d}", f"H {H}", *map(percent, exact.at(task=task, decoder=d, hidden=H))))
    return show.table(("exact match at length", "", *lengths), rows)


def draw_training(grids):
    exact, reading = grids["exact"], grids["reading"]
    (_, decoders), (_, spans), (_, lengths) = exact.axes
    rows, copied = [], []
    for d, n in itertools.product(decoders, spans):
        rows.append((f"{d}, trained up to {n}", *map(percent, exact.at(decoder=d, **{"trained up to": n}))))
    for d, s in itertools.product(decoders, reading.axes[1][1]):
        copied.append((f"{d}, source {s}", *map(percent, reading.at(decoder=d, source=s))))
    tables = (("reverse, exact match", *lengths), rows), (("copy", "letters", "exact"), copied)
    return "\n\n".join(show.table(head, body) for head, body in tables)


def draw_mechanism(grids):
    weights, looked = grids["weights"], grids["alignment"]
    rows = []
    for model in weights.axes[0][1]:
        *near, entropy = looked.at(model=model)
        rows.append((model, *map(percent, weights.at(model=model)), *map(percent, near), f"{entropy:.2f}"))
    head = ("letters right, weights", *weights.axes[1][1], "aligned", "within one", "entropy")
    table = show.table(head, rows)
    one = grids["decoding: weights"]
    output, source = ([label.split(" ", 1)[1] for label in labels] for _, labels in one.axes)
    return f"{table}\n\none string, step by step\n{show.attention_map(one.values, source, output)}"


DRAWN = {
    "length": draw_length,
    "position": draw_position,
    "dilution": draw_dilution,
    "capacity": draw_capacity,
    "training": draw_training,
    "mechanism": draw_mechanism,
}
