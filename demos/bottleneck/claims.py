"""What is claimed of each experiment: a fixed text, a figure from its grids, and what the figure must reach.

`X_claims(grids)` lists the claims of experiment X, in no language; `find_claims` puts to each its text, of
the key X.key. The thresholds are round numbers, set before the run: a claim that does not hold is shown all
the same.

Not here: what is measured (experiments.py); the texts themselves (texts.json).
"""

import numpy as np

from numpy_seq2seq.tasks import LETTERS

from ..shared import Claim, percent
from .experiments import COMPARED, LENGTHS, LONG, MORE, SEEN, SPANS
from .models import attends

MOST, FEW, NONE = 0.9, 0.1, 0.05  # shares: nearly all, hardly any, none but for chance
SHARE, GAIN, RANK, PLAIN = "{:.1%}", "{:+.1%}", "{:+.2f}", "{:.2g}"  # forms of figures


def find_claims(name, grids, text):
    """Claims of the experiment of that name; text: Texts."""
    claims = []
    for key, where, figure in CLAIMS[name](grids):
        said = {part: text.name(label) for part, label in where.items()}
        claims.append(Claim(text[f"{name}.{key}"].format(n=LONG, **said), *figure))
    return claims


def at_least(key, measured, bound, form=SHARE, **where):
    """A claim that needs a figure of at least the bound; where: what its text says beside it."""
    return key, where, (measured, bound, False, form)


def at_most(key, measured, bound, form=SHARE, **where):
    """A claim that needs a figure of at most the bound."""
    return key, where, (measured, bound, True, form)


def length_claims(grids):
    exact, sizes, end = grids["exact"], grids["parameters"], LENGTHS[-1]
    long, unseen = ({m: exact.at(model=m, length=n) for m in exact.labels("model")} for n in (LONG, end))
    return [
        *(at_least("attends", long[m], MOST, model=m) for m in long if attends(m)),
        *(at_most("bottleneck", long[m], FEW, model=m) for m in long if not attends(m)),
        *(at_most("unseen", unseen[m], NONE, model=m, end=end) for m in long if attends(m)),
        at_least("fair", sizes.at(model="fixed") / sizes.at(model="luong"), MOST),
    ]


def position_claims(grids):
    accuracy = grids["accuracy"]
    forced, free = (accuracy.at(task="reverse", model="fixed", running=way) for way in ("forced", "free"))
    copied = accuracy.at(task="copy, lstm", model="fixed", running="forced")
    worst = {m: accuracy.at(task="reverse", model=m, running="forced").min() for m in COMPARED}
    return [
        at_least("first", forced[0], MOST),
        at_most("last", forced[-1], FEW),
        at_most("falls", rank_correlation(forced, np.arange(LONG)), -0.9, RANK),
        *(at_least("attends", worst[m], MOST, model=m) for m in COMPARED if attends(m)),
        at_least("exposure", (forced - free).max(), NONE),
        at_least("age", copied.max() - copied.min(), FEW),
    ]


def dilution_claims(grids):
    found, gradient, chance = grids["probe"], grids["gradient"], percent(1 / len(LETTERS))
    ends = {cell: found.at(cell=cell)[[0, -1]] for cell in found.labels("cell")}
    maps = {m: gradient.at(model=m) for m in gradient.labels("model")}
    looks = {m: attends(m.split(", ")[-1]) for m in maps}
    return [
        *(at_least("last", last, 0.8, cell=cell) for cell, (_, last) in ends.items()),
        *(at_most("first", first, 0.2, cell=cell, chance=chance) for cell, (first, _) in ends.items()),
        *(at_most("fades", fading(maps[m]), -0.5, RANK, model=m) for m in maps if not looks[m]),
        *(at_least("goes", nearby(maps[m]).min(), 0.5, model=m) for m in maps if looks[m]),
    ]


def dependency_claims(grids):
    norm, start, end = grids["norm"], "at the start", "after training"
    vanish, stay = [("gru h", start), ("rnn h", end), ("lstm h", end)], [("rnn h", start), ("lstm c", end)]
    last = norm.part(step=LONG)
    return [
        *(at_most("vanishes", last.at(state=s, when=w), 0.1, PLAIN, state=s, when=w) for s, w in vanish),
        *(at_least("kept", last.at(state=s, when=w), 0.1, PLAIN, state=s, when=w) for s, w in stay),
        at_most("explodes", norm.values.max(), 10, PLAIN),
    ]


def capacity_claims(grids):
    exact, needed, vector = grids["exact"], grids["bits"], grids["vector"]
    small, *_, large = vector.labels("hidden")
    bits = {task: f"{needed.at(task=task, length=LONG):.0f}" for task in exact.labels("task")}
    long = exact.part(hidden=large, length=LONG)
    fixed, reverse = long.part(model="fixed"), long.part(task="reverse")
    shares, limits = exact.part(task="reverse", model="fixed"), (("sort", 0.5), ("reverse", FEW))
    reached = {H: bits_reached(shares.at(hidden=H), needed.at(task="reverse")) for H in (small, large)}
    return [
        *(at_least("few", fixed.at(task=t), MOST, task=t, bits=bits[t]) for t in ("first", "last")),
        *(at_most("many", fixed.at(task=t), limit, task=t, bits=bits[t]) for t, limit in limits),
        at_least("size", reached[large] - reached[small], 10, PLAIN, small=small, large=large),
        at_most("room", reached[large] / vector.at(hidden=large), 1, PLAIN),
        *(at_least("attends", reverse.at(model=m), MOST, model=m) for m in COMPARED if attends(m)),
    ]


def training_claims(grids):
    exact, reading, longer = grids["exact"], grids["reading"], grids["longer"]
    short, long = (exact.at(model=m, **{"trained up to": n})[: len(SEEN)].mean()
                   for m, n in zip(("luong", "fixed"), SPANS))  # fmt: skip
    as_it_is, turned = reading.at(model="fixed", what="letters")
    usual, more = longer.values.mean(axis=1)
    return [
        at_least("short", short - long, 0.0, GAIN, short=SPANS[0]),
        at_least("reversed", turned - as_it_is, FEW, GAIN),
        at_least("needless", reading.at(model="luong", source="as it is", what="letters"), MOST),
        at_least("longer", more - usual, FEW, GAIN, more=MORE),
    ]


def mechanism_claims(grids):
    weights, looked, swap = grids["weights"], grids["alignment"], grids["swap"]
    alone = "reverse, attention only"
    lost = {m: weights.at(model=m, weights="as it is") - weights.at(model=m, weights="uniform")
            for m in weights.labels("model")}  # fmt: skip
    return [
        *(at_least("needed", lost[m], 0.3, model=m) for m in ("reverse", alone)),
        at_least("points", looked.at(model="reverse", measure="aligned"), MOST, model="reverse"),
        at_most("elsewhere", looked.at(model=alone, measure="aligned"), 0.5, model=alone),
        at_most("idle", lost["last"], NONE, model="last"),
        at_least("exchanged", swap.at(swapped="values", outputs="aligned", what="exchanged"), 0.8),
        at_most("others", swap.at(swapped="values", outputs="others", what="changed"), NONE),
        at_most("order", swap.at(swapped="values and keys", what="changed").max(), 0.01),
    ]


CLAIMS = dict(length=length_claims, position=position_claims, dilution=dilution_claims)
CLAIMS |= dict(dependency=dependency_claims, capacity=capacity_claims, training=training_claims)
CLAIMS |= dict(mechanism=mechanism_claims)

# ---- figures that are not in the grids as they are ---------------------------------------------------------


def bits_reached(shares, bits):
    """The most bits at which at least half of the strings are right; 0 if there are none."""
    return max((float(b) for b, share in zip(bits, shares) if share >= 0.5), default=0.0)


def nearby(shares):
    """(LONG,) of a (output, source) map of reverse: each letter's share within one place of its source."""
    return np.array([shares[t, max(LONG - 2 - t, 0) : LONG - t + 1].sum() for t in range(LONG)])


def fading(shares):
    """How the logarithm of a (output, source) map goes with the distance: mean correlation over the outputs.

    The distance from source place s to output t is (S − s) + t; within a step only s changes.
    """
    distance = -np.arange(shares.shape[1])
    logs = np.log(np.maximum(shares[:-1], 1e-12))
    return float(np.mean([correlation(row, distance) for row in logs]))


def correlation(x, y):
    """Pearson's; 0 if one of them is constant."""
    x, y = np.ravel(x) - np.mean(x), np.ravel(y) - np.mean(y)
    size = np.sqrt((x @ x) * (y @ y))
    return float(x @ y / size) if size > 0 else 0.0


def rank_correlation(x, y):
    """Spearman's: that of the ranks, equal values sharing their mean rank; 0 if one of them is constant."""
    return correlation(_ranks(np.asarray(x)), _ranks(np.asarray(y)))


def _ranks(v):
    return (v[:, None] > v).sum(axis=1) + (v[:, None] == v).sum(axis=1) / 2
