"""The findings as text: a picture for each, drawn from its grids with show.py."""

from numpy_seq2seq import show

from .experiments import LONG
from .sentences import percent


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
    columns = [("reverse", "forced"), ("reverse", "free"), ("reverse, lstm", "forced"), ("copy, lstm", "forced")]
    shares = [accuracy.at(task=task, decoder="fixed", running=running) for task, running in columns]
    rows = [(n + 1, *(f"{show.fit(show.bar(x, 16), 16)} {x:4.0%}" for x in row)) for n, row in enumerate(zip(*shares))]
    head = ("fixed vector", *(show.fit(f"{task}, {running}", 21) for task, running in columns))
    return show.table(head, rows)


def draw_dilution(grids):
    found, gradient = grids["probe"], grids["gradient"]
    cells = found.axes[0][1]
    rows = [(place, *(f"{show.fit(show.bar(x, 16), 16)} {x:4.0%}" for x in row)) for place, row in enumerate(found.values.T, 1)]
    probed = show.table(("probe: place", *(show.fit(c, 21) for c in cells)), rows)
    labels = [""] * (LONG + 1)
    fixed, luong = (show.attention_map(gradient.at(cell=cells[0], decoder=d), labels, labels).split("\n")[1:] for d in ("fixed", "luong"))
    maps = "\n".join(f"{a}   {b}" for a, b in zip(fixed, luong))
    width = len(fixed[0]) + 3
    head = show.fit(f" {cells[0]}, fixed vector", width) + f" {cells[0]}, attention"
    return f"{probed}\n\nwhich inputs (across) an output (down) depends on, by the gradient\n{head}\n{maps}"


def draw_capacity(grids):
    exact, needed = grids["exact"], grids["bits"]
    (_, tasks), (_, decoders), (_, sizes), (_, lengths) = exact.axes
    rows = []
    for task in tasks:
        rows.append((f"{task}: bits", "", *(f"{b:.0f}" for b in needed.at(task=task))))
        rows += [(f"  {d}", f"H {H}", *map(percent, exact.at(task=task, decoder=d, hidden=H))) for d in decoders for H in sizes]
    return show.table(("exact match at length", "", *lengths), rows)


def draw_training(grids):
    exact, reading = grids["exact"], grids["reading"]
    (_, decoders), (_, spans), (_, lengths) = exact.axes
    rows = [(f"{d}, trained up to {n}", *map(percent, exact.at(decoder=d, **{"trained up to": n}))) for d in decoders for n in spans]
    copied = [(f"{d}, source {s}", *map(percent, reading.at(decoder=d, source=s))) for d in decoders for s in reading.axes[1][1]]
    return show.table(("reverse, exact match", *lengths), rows) + "\n\n" + show.table(("copy", "letters", "exact"), copied)


def draw_mechanism(grids):
    weights, looked = grids["weights"], grids["alignment"]
    rows = [(m, *map(percent, row), *map(percent, looked.at(model=m)[:2]), f"{looked.at(model=m)[2]:.2f}")
            for m, row in zip(weights.axes[0][1], weights.values)]
    table = show.table(("letters right, weights", *weights.axes[1][1], "aligned", "within one", "entropy"), rows)
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
