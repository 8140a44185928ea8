"""The seven experiments: which models each needs, and what it measures. Nothing is said or drawn here.

    length      how accuracy falls as sources grow
    position    where in the output it falls, told the right letters before it (forced) or by itself (free)
    dilution    what is left in the fixed vector, and which inputs an output still depends on
    dependency  how much of a change in an early state arrives at a later one
    capacity    what counts: the length of the source, or the bits that the answer needs
    training    short and long training sources; the source reversed; more steps
    mechanism   does the model use its map?

Each is a pair: `X_models(lab)` names its models, label -> (task, name in MODELS, choices); `X(lab, runs)`
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
from .measures import Grid, accuracy_by_position, alignment, decoding, exact_match, fixed_vector, gradient_map
from .measures import jacobian_norms, places, probe
from .models import MODELS, TRAINED

LONG = TRAINED[1]  # the longest source that the models are trained on, and the one looked at closely
LENGTHS = (1, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30)
SEEN = [n for n in LENGTHS if n <= LONG]
COMPARED = ("fixed", "luong")  # names of MODELS, in every experiment but length, which compares all
TASKS = ("reverse", "sort", "first", "last")  # from many bits to few
READ = ("as it is", "reversed")  # the source
SPANS = (LONG // 2, LONG)  # longest strings in training
MORE = 4  # times the training
MAPPED, JACOBIANS = 100, 20  # strings for a gradient map, for the norms of Jacobians


def exact_by_length(lab, task, run, lengths):
    """Exact match of a run on the held-out strings of each length."""
    return [exact_match(lab.strings(task, n), run.params, run.config) for n in lengths]


def length_models(lab):
    """All models, on reverse."""
    return {name: ("reverse", name, {}) for name in MODELS}


def length(lab, runs):
    """exact: Grid (model, length); parameters: Grid (model)."""
    exact = [exact_by_length(lab, "reverse", run, LENGTHS) for run in runs.values()]
    axis, sizes = ("model", list(runs)), np.array([parameter_count(run.params) for run in runs.values()])
    return {
        "exact": Grid(np.array(exact), (axis, ("length", list(LENGTHS)))),
        "parameters": Grid(sizes, (axis,)),
    }


def position_models(lab):
    """Reverse, where what was read early is written late, and copy, where every letter waits equally long.

    A plain RNN does not begin to copy in so few steps; hence the LSTM, and reverse with it too, to compare
    like with like.
    """
    cells = {"reverse": lab.cell, "reverse, lstm": "lstm", "copy, lstm": "lstm"}
    labels = itertools.product(cells, COMPARED)
    return {(label, name): (label.split(",")[0], name, {"cell": cells[label]}) for label, name in labels}


def position(lab, runs):
    """accuracy: Grid (task, model, running: forced, free; position), of strings of length LONG."""
    tasks = list(dict.fromkeys(label for label, _ in runs))
    strings = {label: lab.strings(label.split(",")[0], LONG) for label in tasks}
    grids = [accuracy_by_position(strings[label], r.params, r.config) for (label, _), r in runs.items()]
    values = np.array([grid.values for grid in grids]).reshape(len(tasks), len(COMPARED), 2, LONG)
    return {"accuracy": Grid(values, (("task", tasks), ("model", list(COMPARED)), *grids[0].axes))}


def dilution_models(lab):
    """Every cell with each model, on reverse; and the Transformer, which has no cell."""
    labels = itertools.product(CELLS, COMPARED)
    models = {f"{cell}, {name}": ("reverse", name, {"cell": cell}) for cell, name in labels}
    return {**models, "transformer": ("reverse", "transformer", {})}


def dilution(lab, runs):
    """probe: Grid (cell, place); gradient: Grid (model, output, source), shares of each output's gradient."""
    batch, found = lab.strings("reverse", LONG, MAPPED), []
    learn, ask = disjoint(lab.strings("reverse", LONG, 5 * lab.count), lab.count)
    for cell in CELLS:
        run = runs[f"{cell}, fixed"]
        vectors = [fixed_vector(strings, run.params, run.config) for strings in (learn, ask)]
        found.append(probe(vectors[0], learn.source[:, :-1], vectors[1], ask.source[:, :-1]).values)
    maps = np.array([gradient_map(batch, run.params, run.config).values for run in runs.values()])
    tokens = places("output", LONG + 1), places("source", LONG + 1)
    return {
        "probe": Grid(np.array(found), (("cell", list(CELLS)), places("place", LONG))),
        "gradient": Grid(maps, (("model", list(runs)), *tokens)),
    }


def disjoint(batch, count):
    """The last `count` strings to ask about; to learn from, those of the rest that are not among them."""
    ask = type(batch)(*(a[-count:] for a in batch))
    asked = {row.tobytes() for row in ask.source}
    fresh = np.array([row.tobytes() not in asked for row in batch.source[:-count]])
    return type(batch)(*(a[:-count][fresh] for a in batch)), ask


def dependency_models(lab):
    """Every cell without attention, on reverse: those of dilution."""
    return {cell: ("reverse", "fixed", {"cell": cell}) for cell in CELLS}


def dependency(lab, runs):
    """norm: Grid (when: at the start, after training; state: rnn h, …, lstm c; step), norms of ∂h_t/∂h_0."""
    batch, states, norms = lab.strings("reverse", LONG, JACOBIANS), [], []
    for cell, run in runs.items():
        first, last = (jacobian_norms(batch, p, run.config) for p in (lab.initial(run), run.params))
        states += [f"{cell} {part}" for part in first.axes[0][1]]
        norms.append(np.stack([first.values, last.values]))
    when = "when", ["at the start", "after training"]
    return {"norm": Grid(np.concatenate(norms, axis=1), (when, ("state", states), places("step", LONG)))}


def capacity_models(lab):
    """Four tasks that need ever fewer bits; small and of the usual size.

    With the LSTM: a plain RNN does not learn in so few steps to hold what it read first.
    """
    labels = itertools.product(TASKS, COMPARED, lab.sizes)
    return {(task, name, H): (task, name, {"hidden": H, "cell": "lstm"}) for task, name, H in labels}


def capacity(lab, runs):
    """exact: Grid (task, model, hidden, length); bits: Grid (task, length), needed for the answer; vector:
    Grid (hidden), numbers in the fixed vector."""
    exact = np.array([exact_by_length(lab, task, run, SEEN) for (task, _, _), run in runs.items()])
    needed = np.array([[bits(task, n, len(LETTERS)) for n in SEEN] for task in TASKS])
    task, hidden, over = ("task", list(TASKS)), ("hidden", list(lab.sizes)), ("length", SEEN)
    return {
        "exact": Grid(exact.reshape(len(TASKS), len(COMPARED), len(lab.sizes), -1),
                      (task, ("model", list(COMPARED)), hidden, over)),
        "bits": Grid(needed, (task, over)),
        "vector": Grid(np.array([CELLS["lstm"].states * H for H in lab.sizes]), (hidden,)),
    }  # fmt: skip


def training_models(lab):
    """Reverse, trained on strings up to 10 and up to LONG; copy, the source read as it is and reversed; and
    once more reverse without attention, trained MORE times as long."""
    spans = {(name, n): ("reverse", name, {"lengths": (1, n)}) for name in COMPARED for n in SPANS}
    turns = {(name, way): {"reverse_source": way == "reversed"} for name in COMPARED for way in READ}
    read = {label: ("copy", label[0], choices) for label, choices in turns.items()}
    return spans | read | {"longer": ("reverse", "fixed", {"steps": MORE * lab.steps})}


def training(lab, runs):
    """exact: Grid (model, trained up to, length), on reverse;
    reading: Grid (model, source: as it is, reversed; what: letters, told the right ones before, and exact),
    on copy, strings of length LONG / 2;
    longer: Grid (training steps, length), of the fixed vector on reverse."""
    batch = lab.strings("copy", LONG // 2)
    exact = [[exact_by_length(lab, "reverse", runs[name, n], LENGTHS) for n in SPANS] for name in COMPARED]
    reading = [[_letters_and_exact(batch, runs[name, turned]) for turned in READ] for name in COMPARED]
    longer = [exact_by_length(lab, "reverse", run, SEEN) for run in (runs["fixed", LONG], runs["longer"])]
    axis, steps = ("model", list(COMPARED)), ("training steps", [lab.steps, MORE * lab.steps])
    return {
        "exact": Grid(np.array(exact), (axis, ("trained up to", list(SPANS)), ("length", list(LENGTHS)))),
        "reading": Grid(np.array(reading), (axis, ("source", list(READ)), ("what", ["letters", "exact"]))),
        "longer": Grid(np.array(longer), (steps, ("length", SEEN))),
    }


def _letters_and_exact(batch, run):
    letters = accuracy_by_position(batch, run.params, run.config).at(running="forced").mean()
    return letters, exact_match(batch, run.params, run.config)


def mechanism_models(lab):
    """Models with attention: some need their map, some may not."""
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

    models: Callable  # lab -> label -> (task, name in MODELS, choices)
    measure: Callable  # (lab, runs by label) -> named grids


EXPERIMENTS = {
    "length": Experiment(length_models, length),
    "position": Experiment(position_models, position),
    "dilution": Experiment(dilution_models, dilution),
    "dependency": Experiment(dependency_models, dependency),
    "capacity": Experiment(capacity_models, capacity),
    "training": Experiment(training_models, training),
    "mechanism": Experiment(mechanism_models, mechanism),
}
