"""The six experiments: which models each needs, and what it measures of them. Nothing is said or drawn here.

    length      how accuracy falls as sources grow
    position    where in the output it falls, told the right past or left alone
    dilution    what is left in the fixed vector, and which inputs an output still feels
    capacity    what counts: the length of the source, or the bits that the answer needs
    training    short against long training sources; the source reversed
    mechanism   is the map what the model goes by?

Each is a pair: `X_models(lab)` names its models, label -> (task, decoder, choices of Config); `X(lab, runs)`
gets them trained, by their labels, and returns named grids.
"""

import itertools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from numpy_seq2seq.cells import CELLS
from numpy_seq2seq.data import UNK
from numpy_seq2seq.seq2seq import parameter_count, seq2seq_forward
from numpy_seq2seq.tasks import LETTERS, bits, right_places

from .interventions import changed_weights, swapped_memories
from .measures import (
    Grid,
    accuracy_by_position,
    alignment,
    decoding,
    exact_match,
    fixed_vector,
    gradient_map,
    places,
    probe,
)

LONG = 20  # the longest source that the models are trained on, and the one looked at closely
LENGTHS = (1, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30)
TRAINED = [n for n in LENGTHS if n <= LONG]
BOTH = ("fixed", "luong")
READ = ("as it is", "reversed")  # the source
MAPPED = 100  # strings for a gradient map


def _exact_by_length(lab, task, run, lengths):
    return [exact_match(lab.strings(task, n), run.params, run.config) for n in lengths]


def length_models(lab):
    """All four on reverse; Bahdanau's as in the paper: additive score, an encoder that reads both ways."""
    paper = {"score": "additive", "directions": 2}
    decoders = ("fixed", "peeky", "luong", "bahdanau")
    return {d: ("reverse", d, paper if d == "bahdanau" else {}) for d in decoders}


def length(lab, runs):
    """exact: Grid (decoder, length); parameters: Grid (decoder)."""
    exact = [_exact_by_length(lab, "reverse", run, LENGTHS) for run in runs.values()]
    axis = "decoder", list(runs)
    sizes = np.array([parameter_count(run.params) for run in runs.values()])
    return {
        "exact": Grid(np.array(exact), (axis, ("length", list(LENGTHS)))),
        "parameters": Grid(sizes, (axis,)),
    }


def position_models(lab):
    """Reverse, where what was read early is written late, and copy, where every letter waits equally long.

    A plain RNN does not begin to copy in so few steps; hence the LSTM, and reverse with it too, to compare
    like with like.
    """
    tasks = {
        "reverse": ("reverse", lab.cell),
        "reverse, lstm": ("reverse", "lstm"),
        "copy, lstm": ("copy", "lstm"),
    }
    return {(label, d): (task, d, {"cell": cell}) for label, (task, cell) in tasks.items() for d in BOTH}


def position(lab, runs):
    """accuracy: Grid (task, decoder, running: forced, free; position), of strings of length LONG."""
    tasks = list(dict.fromkeys(label for label, _ in runs))
    strings = {label: lab.strings(label.split(",")[0], LONG) for label in tasks}
    grids = [accuracy_by_position(strings[label], r.params, r.config) for (label, _), r in runs.items()]
    values = np.array([grid.values for grid in grids]).reshape(len(tasks), 2, 2, LONG)
    return {"accuracy": Grid(values, (("task", tasks), ("decoder", list(BOTH)), *grids[0].axes))}


def dilution_models(lab):
    """Every cell, with and without attention, on reverse."""
    return {(cell, d): ("reverse", d, {"cell": cell}) for cell in CELLS for d in BOTH}


def dilution(lab, runs):
    """probe: Grid (cell, place);
    gradient: Grid (cell, decoder, output, source), shares of each output's gradient."""
    batch, found = lab.strings("reverse", LONG, MAPPED), []
    learn, ask = disjoint(lab.strings("reverse", LONG, 5 * lab.count), lab.count)
    for cell in CELLS:
        run = runs[cell, "fixed"]
        vectors = [fixed_vector(strings, run.params, run.config) for strings in (learn, ask)]
        found.append(probe(vectors[0], learn.source[:, :-1], vectors[1], ask.source[:, :-1]).values)
    maps = np.array([gradient_map(batch, run.params, run.config).values for run in runs.values()])
    axis, tokens = ("cell", list(CELLS)), (places("output", LONG + 1), places("source", LONG + 1))
    axes = (axis, ("decoder", list(BOTH)), *tokens)
    return {
        "probe": Grid(np.array(found), (axis, places("place", LONG))),
        "gradient": Grid(maps.reshape(len(CELLS), 2, LONG + 1, LONG + 1), axes),
    }


def disjoint(batch, count):
    """The last `count` strings to ask about; to learn from, those of the rest that are not among them."""
    ask = type(batch)(*(a[-count:] for a in batch))
    asked = {row.tobytes() for row in ask.source}
    fresh = np.array([row.tobytes() not in asked for row in batch.source[:-count]])
    return type(batch)(*(a[:-count][fresh] for a in batch)), ask


def capacity_models(lab):
    """Four tasks that need ever fewer bits; small and of the usual size, with attention and without.

    With the LSTM: a plain RNN does not learn in so few steps to hold what it read first.
    """
    tasks = ("reverse", "sort", "first", "last")
    labels = itertools.product(tasks, BOTH, lab.sizes)
    return {(task, d, H): (task, d, {"hidden": H, "cell": "lstm"}) for task, d, H in labels}


def capacity(lab, runs):
    """exact: Grid (task, decoder, hidden, length); bits: Grid (task, length), needed for the answer."""
    tasks = list(dict.fromkeys(task for task, _, _ in runs))
    exact = np.array([_exact_by_length(lab, task, run, TRAINED) for (task, _, _), run in runs.items()])
    needed = np.array([[bits(task, n, len(LETTERS)) for n in TRAINED] for task in tasks])
    axis, over = ("task", tasks), ("length", TRAINED)
    axes = (axis, ("decoder", list(BOTH)), ("hidden", list(lab.sizes)), over)
    return {
        "exact": Grid(exact.reshape(len(tasks), 2, len(lab.sizes), -1), axes),
        "bits": Grid(needed, (axis, over)),
    }


def training_models(lab):
    """Reverse, trained on strings up to 10 and up to LONG; copy, read as it is and from behind."""
    spans = {(d, n): ("reverse", d, {"lengths": (1, n)}) for d in BOTH for n in (LONG // 2, LONG)}
    choices = {turned: {"reverse_source": turned == "reversed"} for turned in READ}
    return spans | {(d, turned): ("copy", d, choices[turned]) for d in BOTH for turned in READ}


def training(lab, runs):
    """exact: Grid (decoder, trained up to, length), on reverse;
    reading: Grid (decoder, source: as it is, reversed; what: letters, told the right past, and exact), on
    copy, strings of length LONG / 2."""
    spans, batch = (LONG // 2, LONG), lab.strings("copy", LONG // 2)
    exact = [[_exact_by_length(lab, "reverse", runs[d, n], LENGTHS) for n in spans] for d in BOTH]
    reading = [[_letters_and_exact(batch, runs[d, turned]) for turned in READ] for d in BOTH]
    axis, what = ("decoder", list(BOTH)), ("what", ["letters", "exact"])
    return {
        "exact": Grid(np.array(exact), (axis, ("trained up to", list(spans)), ("length", list(LENGTHS)))),
        "reading": Grid(np.array(reading), (axis, ("source", list(READ)), what)),
    }


def _letters_and_exact(batch, run):
    letters = accuracy_by_position(batch, run.params, run.config).at(running="forced").mean()
    return letters, exact_match(batch, run.params, run.config)


def mechanism_models(lab):
    """Attending models that need their map, and such as may not."""
    return {
        "reverse": ("reverse", "luong", {}),
        "reverse, attention only": ("reverse", "luong", {"attention_only": True}),
        "sort": ("sort", "luong", {}),
        "last": ("last", "luong", {}),
    }


def mechanism(lab, runs):
    """weights: Grid (model, weights: as it is, arg max, uniform, shifted by one), accuracy of the letters;
    alignment: Grid (model, measure: aligned, within one place, entropy);
    by step: the same at each position, of reverse: Grid (measure, position);
    swap: as measured by swapped_memories, of reverse: Grid (swapped, outputs, what);
    decoding: …: the grids of one string, step by step, as measures.decoding returns them."""
    changed, looked, first = [], [], runs["reverse"]
    for run, (task, _, _) in zip(runs.values(), mechanism_models(lab).values()):
        batch = lab.strings(task, LONG)
        right, weights = _right(task, batch), seq2seq_forward(batch, run.params, run.config)[1]
        changed.append(changed_weights(batch, run.params, run.config))
        looked.append(alignment(weights[:, : right.shape[1]], right))
    strings, pair, axis = lab.strings("reverse", LONG), (LONG // 4, LONG // 2), ("model", list(runs))
    means = np.array([grid.values.mean(axis=1) for grid in looked])
    one = decoding(lab.strings("reverse", LONG // 2, 1), first.params, first.config, lab.vocabulary)
    return {
        "weights": Grid(np.array([grid.values for grid in changed]), (axis, *changed[0].axes)),
        "alignment": Grid(means, (axis, looked[0].axes[0])),
        "by step": looked[0],
        "swap": swapped_memories(strings, first.params, first.config, pair, _right("reverse", strings)),
        **{f"decoding: {name}": grid for name, grid in one.items()},
    }


def _right(task, batch):
    """(B, letters of the answer) the source place that each comes from."""
    letters = batch.source[:, :-1] - UNK - 1
    return np.array([right_places(task, "".join(LETTERS[k] for k in row)) for row in letters])


class Experiment(NamedTuple):
    """What it needs, and what it measures."""

    models: Callable  # lab -> label -> (task, decoder, choices)
    measure: Callable  # (lab, runs by label) -> named grids


EXPERIMENTS = {
    "length": Experiment(length_models, length),
    "position": Experiment(position_models, position),
    "dilution": Experiment(dilution_models, dilution),
    "capacity": Experiment(capacity_models, capacity),
    "training": Experiment(training_models, training),
    "mechanism": Experiment(mechanism_models, mechanism),
}
