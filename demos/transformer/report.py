"""What is claimed of the road, and its tables.

Notation: found {name: figures of a model}, chains {name: {letters: Chain}}, reach {name: {output: share}}.
"""

from numpy_seq2seq import show

from ..shared import Claim, percent
from .ladder import BESIDE, OUTPUTS, ROAD, SHOWN

COUNTS = {
    "in_a_row": "operations that have to wait for one another",
    "between": "operations from the first letter to the output that repeats it",
    "each": "operations of all kinds for each token",
}
GROWTH = (  # from a short string to a long one: at least twice, or not at all
    ("luong", "in_a_row", 2),
    ("transformer", "in_a_row", 1),
    ("fixed vector", "between", 2),
    ("luong", "between", 1),
)
PLACED = SHOWN[:3]
SHARES = "Share of an output's gradient that reaches its letter before training; 1: as much as other tokens"


def claimed(found):
    """What each trained model should reach, with its threshold."""
    for name, f in found.items():
        rung = (ROAD | BESIDE)[name]
        text = f"{name}: strings of {rung.longest} letters that are right"
        yield Claim(text, f["exact_by_length"][rung.longest], rung.least or 0.05, rung.least is None)


def claimed_untrained(chains, reach):
    """What holds without training: how operations follow one another, and where gradients arrive."""
    (few, *_, many), last = chains["luong"], OUTPUTS[-1]
    for name, what, bound in GROWTH:
        times = getattr(chains[name][many], what) / getattr(chains[name][few], what)
        yield Claim(f"{name}: {COUNTS[what]}, {many} letters ÷ {few}", times, bound, bound == 1, "{:.2f}")
    for name, bound, at_most in (("fixed vector", 0.1, True), ("transformer", 0.5, False)):
        text = f"{name}: gradient of output {last} that reaches its letter, 1: as much as other tokens"
        yield Claim(text, reach[name][last], bound, at_most, "{:.3f}")


def untrained_tables(chains, reach):
    """What needs no training, as text."""
    shares = [(name, *map("{:.3f}".format, of.values())) for name, of in reach.items()]
    for what, text in COUNTS.items():
        yield titled(f"{text.capitalize()}, by letters", chains["luong"], counts(chains, what))
    yield titled(SHARES, (f"output {t}" for t in OUTPUTS), shares)


def trained_tables(found):
    """What was trained, as text."""
    road, beside = ({name: f for name, f in found.items() if name in rungs} for rungs in (ROAD, BESIDE))
    return [
        titled("What it costs", ("parameters", "seconds", "steps to 99%"), costs(found)),
        titled("Right strings by letters: reverse, trained on 1 to 20", SHOWN, exact(road, SHOWN)),
        titled("The same without positions on the source, trained on 1 to 10", PLACED, exact(beside, PLACED)),
    ]


def titled(title, columns, rows):
    return f"{title}\n{show.table(('model', *columns), rows)}"


def costs(found):
    for name, f in found.items():
        yield name, f"{f['parameters']:,}", f"{f['seconds']:.1f}", f["steps_to_99"] or "never"


def exact(found, lengths):
    return [(name, *(percent(f["exact_by_length"][n]) for n in lengths)) for name, f in found.items()]


def counts(chains, what):
    return [(name, *(f"{getattr(c, what):.0f}" for c in of.values())) for name, of in chains.items()]
