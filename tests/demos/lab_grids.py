"""Grids of all experiments as they would be if everything that is claimed were true, for the laboratory's
tests."""

import numpy as np

from demos.bottleneck.experiments import COMPARED, LENGTHS, LONG, READ, SEEN, SPANS, TASKS
from demos.bottleneck.interventions import CHANGES
from demos.bottleneck.measures import Grid, places
from demos.bottleneck.models import MODELS, attends
from numpy_seq2seq.cells import CELLS

MODEL = "model", list(COMPARED)
MAPPED = "model", ["reverse", "reverse, attention only", "sort", "last"]
STATES = ["rnn h", "gru h", "lstm h", "lstm c"]


def upto(longest, lengths=LENGTHS):
    """All strings right up to a length, none beyond."""
    return [float(n <= longest) for n in lengths]


def length():
    exact = [upto(LONG if attends(name) else 10) for name in MODELS]
    axis = "model", list(MODELS)
    return {
        "exact": Grid(np.array(exact), (axis, ("length", list(LENGTHS)))),
        "parameters": Grid(np.array([100, 110, 104, 120, 500]), (axis,)),
    }


def position():
    forced, bent = np.linspace(1, 0, LONG), np.abs(np.linspace(-0.8, 0.4, LONG))
    fixed = np.array([[forced, forced / 2], [bent, bent], [bent, bent]])
    values = np.stack([fixed, np.full_like(fixed, 0.99)], axis=1)
    task = "task", ["reverse", "reverse, lstm", "copy, lstm"]
    axes = task, MODEL, ("running", ["forced", "free"]), places("position", LONG)
    return {"accuracy": Grid(values, axes)}


def dilution():
    fading = np.tile(np.exp(np.arange(LONG + 1.0) / 3), (LONG + 1, 1))
    band = np.eye(LONG + 1)[[*range(LONG - 1, -1, -1), LONG]]
    maps = [fading / fading.sum(axis=1, keepdims=True), band] * len(CELLS) + [band]
    axes, cell = (places("output", LONG + 1), places("source", LONG + 1)), ("cell", list(CELLS))
    labels = [*(f"{cell}, {name}" for cell in CELLS for name in COMPARED), "transformer"]
    return {
        "probe": Grid(np.linspace([0.04] * 3, [0.96] * 3, LONG).T, (cell, places("place", LONG))),
        "gradient": Grid(np.array(maps), (("model", labels), *axes)),
    }


def dependency():
    factors = np.array([[0.95, 0.7, 0.8, 0.9], [0.85, 0.9, 0.8, 0.95]])  # at each step
    norms = factors[..., None] ** np.arange(1, LONG + 1)
    axes = ("when", ["at the start", "after training"]), ("state", STATES), places("step", LONG)
    return {"norm": Grid(norms, axes)}


def capacity():
    """A small vector holds 9 bits, a large one 27; attention holds all."""
    per_letter = (4.7, 2.1, 0, 0)
    bits = np.array([[n * b if b else 4.7 for n in SEEN] for b in per_letter])
    exact = np.ones((len(TASKS), 2, 2, len(SEEN)))
    exact[:, 0] = np.stack([bits <= 10, bits <= 30], axis=1)
    task, hidden, over = ("task", list(TASKS)), ("hidden", [16, 64]), ("length", SEEN)
    return {
        "exact": Grid(exact, (task, MODEL, hidden, over)),
        "bits": Grid(bits, (task, over)),
        "vector": Grid(np.array([32, 128]), (hidden,)),
    }


def training():
    exact = [[upto(6), upto(8)], [upto(10), upto(LONG)]]
    reading = [[[0.05, 0], [0.95, 0.9]], [[1, 1], [1, 1]]]
    axes = MODEL, ("source", list(READ)), ("what", ["letters", "exact"])
    longer, spans = np.array([upto(8, SEEN), upto(16, SEEN)]), ("trained up to", list(SPANS))
    return {
        "exact": Grid(np.array(exact), (MODEL, spans, ("length", list(LENGTHS)))),
        "reading": Grid(np.array(reading), axes),
        "longer": Grid(longer, (("training steps", [500, 2000]), ("length", SEEN))),
    }


def mechanism():
    weights = np.array([[1, 1, 0.05, 0.03], [0.95, 0.95, 0.1, 0], [0.9, 0.8, 0.2, 0.1], [1, 1, 1, 1]])
    looked = np.array([[1, 1, 0.1], [0.02, 0.9, 0.5], [0.6, 0.7, 2.5], [0.2, 0.4, 2]])
    measure = "measure", ["aligned", "within one place", "entropy"]
    swapped, outputs = ("swapped", ["values", "values and keys"]), ("outputs", ["aligned", "others"])
    swap, what = np.array([[[1, 0.97], [0, 0]], [[0, 0], [0, 0]]]), ("what", ["changed", "exchanged"])
    by_step = np.repeat(looked[0][:, None], LONG, axis=1)
    return {
        "weights": Grid(weights, (MAPPED, ("weights", list(CHANGES)))),
        "alignment": Grid(looked, (MAPPED, measure)),
        "by step": Grid(by_step, (measure, places("position", LONG))),
        "swap": Grid(swap, (swapped, outputs, what)),
        **{f"decoding: {name}": grid for name, grid in decoding().items()},
    }


def decoding(H=64):
    """Grids as measures.decoding returns them; one token is markup."""
    rng = np.random.default_rng(0)
    output, source = (("output", ["1 c", "2 </script>", "3 ⏎"]), ("source", ["1 <b>", "2 c", "3 ⏎"]))
    rank, unit = places("rank", 5), places("unit", H)
    return {
        "state": Grid(rng.normal(size=(3, H)), (output, unit)),
        "scores": Grid(rng.normal(size=(3, 3)), (output, source)),
        "weights": Grid(rng.uniform(size=(3, 3)), (output, source)),
        "context": Grid(rng.normal(size=(3, H)), (output, unit)),
        "tokens": Grid(np.array([list("cabde"), ["</script>", *"abde"], list("⏎abde")]), (output, rank)),
        "probabilities": Grid(rng.uniform(size=(3, 5)), (output, rank)),
    }


PLANTED = (length, position, dilution, dependency, capacity, training, mechanism)


def planted():
    """All of them by the name of their experiment."""
    return {f.__name__: f() for f in PLANTED}
