"""Every defect before every detector: the measuring behind bug_zoo.py.

A detector may be silent for two reasons: it ran the faulty code and saw nothing, or it never ran it. Which of
the two is measured with a tripwire: a body that ends the run, put in the place of the defect's function.
"""

import functools
from typing import NamedTuple

import numpy as np

from .defects import at_large
from .detectors import DETECTORS, ask
from .edits import swapped
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


def _tripwire(*args, **options):
    raise SystemExit("the tripwire")  # no Exception, so that nothing on the way takes it for an answer


@functools.cache
def runs(look, place):
    """Whether a detector runs a function, (module, function)."""
    with swapped({place: _tripwire}):
        try:
            ask(look)
        except SystemExit:
            return True
    return False


@functools.cache
def _one_step(name):
    """A training so short that only its way through the code counts."""
    return lambda: list(figures(MODELS[name], 0, steps=1))


def places(defect):
    return [edit[:2] for edit in defect.edits]


def examine(defect, usual=None):
    """Readings of one defect, {name of the detector: Reading}.

    Args:
        usual: {name of a model: Healthy}, filled here when a model is first needed; None leaves out training.
    """
    readings = {}
    for detector in DETECTORS:
        if any(runs(detector.look, place) for place in places(defect)):
            with at_large(defect):
                readings[detector.name] = reading(ask(detector.look))
        else:
            readings[detector.name] = Reading(NOT_RUN)
    return readings if usual is None else readings | _trained(defect, usual)


def _trained(defect, usual):
    """The two readings of a training, with the first model whose training runs the defect."""
    name = next((n for n in MODELS if any(runs(_one_step(n), place) for place in places(defect))), None)
    if name is None:
        return dict.fromkeys(TRAINED, Reading(NOT_RUN))
    if name not in usual:
        usual[name] = healthy(name)
    readings, numbers = {}, figures(MODELS[name], 0)
    with at_large(defect):
        for detector, figure in TRAINED.items():
            readings[detector] = _next_reading(numbers, figure, usual[name])
    return readings


def _next_reading(numbers, figure, usual):
    number = []
    said = ask(lambda: number.append(next(numbers)))
    if said:  # what has crashed once gives no further number
        return reading(said if not said.startswith("crashed: StopIteration") else "crashed: as before")
    return reading(judge(figure, number[0], usual), number[0])


# ---- what the matrix teaches -------------------------------------------------------------------------------


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
        name: {f: (float(np.min(n)), float(np.max(n))) for f, n in zip(("loss", "exact"), zip(*healthy_.all))}
        for name, healthy_ in usual.items()
    }
