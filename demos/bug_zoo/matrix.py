"""Every defect before every detector.

A detector may be silent for two reasons: it ran the faulty code and saw nothing, or it never ran it. So it
is recorded first, on healthy code, which functions each look calls; a look that calls none of a defect's
functions is not asked.
"""

import functools
import sys
from typing import NamedTuple

from .defects import at_large, original
from .detectors import DETECTORS, ask
from .training import MODELS, figures, healthy, judge

FOUND, CRASHED, SILENT, NOT_RUN = "✗", "!", "·", "–"
TRAINED = {"loss after 100 steps": "loss", "exact match after training": "exact"}  # name, head of the column
NAMES = (*(detector.name for detector in DETECTORS), *TRAINED)


class Reading(NamedTuple):
    """What one detector made of one defect."""

    sign: str
    said: str = ""
    number: float | None = None  # of a training

    @property
    def noticed(self):
        return self.sign in (FOUND, CRASHED)


def reading(said, number=None):
    return Reading(CRASHED if said.startswith("crashed") else FOUND if said else SILENT, said, number)


@functools.cache
def _called(look):
    """The code of every function that a look calls."""
    called = set()

    def note(frame, event, argument):
        called.add(frame.f_code)

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        ask([look])
    finally:
        sys.setprofile(before)
    return called


def runs(look, defect):
    """Whether a look runs code that the defect changes."""
    return any(original(*edit[:2]).__code__ in _called(look) for edit in defect.edits)


def examine(defect, usual=None):
    """Readings of one defect, {name of the detector: Reading}.

    Args:
        usual: {name of a model: Healthy}, filled here when a model is first needed; None leaves out training.
    """
    readings = {}
    for detector in DETECTORS:
        looks = [look for look in detector.looks if runs(look, defect)]
        with at_large(defect):
            readings[detector.name] = reading(ask(looks)) if looks else Reading(NOT_RUN)
    return readings if usual is None else readings | _trained(defect, usual)


@functools.cache
def _one_step(name):
    """A training so short that only its way through the code counts."""
    return lambda: list(figures(name, 0, steps=1))


def _trained(defect, usual):
    """The two readings of a training, with the first model whose training runs the defect.

    These trainings use no option, so that one that is ignored would tell nothing.
    """
    name = next((n for n in MODELS if runs(_one_step(n), defect)), None)
    if name is None or defect.kind == "option":
        return dict.fromkeys(TRAINED, Reading(NOT_RUN))
    if name not in usual:
        usual[name] = healthy(name)
    readings, numbers = {}, figures(name, 0)
    with at_large(defect):
        for detector, figure in TRAINED.items():
            readings[detector] = _next_reading(numbers, figure, usual[name])
    return readings


def _next_reading(numbers, figure, usual):
    number = []
    said = ask([lambda: number.append(next(numbers))])
    if said:  # what has crashed once gives no further number
        return reading(said if not said.startswith("crashed: StopIteration") else "crashed: as before")
    return reading(judge(figure, number[0], usual), number[0])


# ---- what the matrix says ----------------------------------------------------------------------------------


def silent_before(matrix, *detectors):
    """Names of the defects whose code all of these detectors ran without noticing anything."""
    return [name for name, readings in matrix.items() if all(readings[d].sign == SILENT for d in detectors)]


def shown_to(matrix, *detectors):
    """Names of the defects whose code all of these detectors ran."""
    return [name for name, readings in matrix.items() if all(readings[d].sign != NOT_RUN for d in detectors)]


def who_noticed(readings):
    return [name for name, r in readings.items() if r.noticed]


def usual_figures(usual):
    """{model: {figure: (smallest, largest)}} of the healthy models."""
    return {
        name: {figure: (min(n), max(n)) for figure, n in zip(("loss", "exact"), zip(*found.all))}
        for name, found in usual.items()
    }
