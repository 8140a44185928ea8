"""What looks for defects: eight questions that cost no training, each put to whatever code is in force.

    finite diff   is backward the derivative of forward? by central differences, 1e-7
    complex       the same along the imaginary axis, 1e-12
    padding       does more padding change nothing?
    batch         is a batch the same as its sequences one by one, and the same a second time?
    causal        does each token move the outputs that it may move, and no other?
    steps         is writing step by step the same as all at once?
    symmetry      does the order of pairs, of heads, and of tokens without positions, change nothing?
    known         do worked examples and numbers by hand come out, and does each option do what it says?

The other two train a model; they are in training.py. Each detector takes several looks: functions without
arguments that raise AssertionError, with what they noticed, or return. They look at a few small models and
functions, the same ones whatever the defect: none of them knows what it is looking for.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from numpy_seq2seq import activations, attention, cells, layers, losses, multihead, readout, recurrent, scores
from numpy_seq2seq import invariances as must, seq2seq
from numpy_seq2seq.gradcheck import check_gradients, check_pair

from .known_answers import KNOWN
from .models import BATCH, MASK, MODELS, normal, random_params

TAME = 0.5  # scale of the parameters: larger ones bend the loss more than central differences allow


class Detector(NamedTuple):
    """A question to the code that is in force."""

    name: str
    head: str  # over its column
    looks: tuple[Callable, ...]  # without arguments


def look(question, *given, about=""):
    """A function without arguments that puts a question; what it says begins with what it is about."""
    def asked():
        try:
            question(*given)
        except AssertionError as noticed:
            raise AssertionError(f"{about}: {noticed}" if about else str(noticed)) from None

    return asked


def ask(looks):
    """What the first look says that notices something, or ""."""
    for asked in looks:
        try:
            with np.errstate(all="ignore"):
                asked()
        except AssertionError as noticed:
            return str(noticed)
        except Exception as error:
            return f"crashed: {type(error).__name__}: {error}"
    return ""


# ---- gradients ---------------------------------------------------------------------------------------------


def pairs():
    """(forward, backward, arguments, options) of every function that is checked alone."""
    params = {"W": normal(4, 5), "b": normal(5)}
    yield layers.affine_forward, layers.affine_backward, (normal(2, 3, 4), params), {}
    yield lambda x: (activations.log_softmax(x),) * 2, activations.log_softmax_backward, (normal(2, 3),), {}
    ids = np.array([[1, 0, 1], [4, 1, 3]])
    yield layers.embedding_forward, layers.embedding_backward, (ids, {"E": normal(5, 4)}), {}
    params = {"g": normal(4), "b": normal(1, 4)[0]}
    yield layers.layer_norm_forward, layers.layer_norm_backward, (normal(2, 3, 4), params), {}
    args = normal(2, 4, 5), np.array([[1, 0, 4, 0]] * 2), MASK
    yield losses.cross_entropy_forward, losses.cross_entropy_backward, args, {}
    args = normal(2, 3, 4), MASK[:, None]
    yield attention.masked_softmax_forward, attention.masked_softmax_backward, args, {}
    params = {"Wd": normal(4, 4), "Wc": normal(5, 4)}
    yield readout.readout_forward, readout.readout_backward, (normal(2, 3, 4), normal(2, 3, 5), params), {}
    params = {"Wq": normal(4, 4), "Wo": normal(1, 4, 4)[0]}
    args = normal(2, 3, 4), normal(2, 2, 4, 2), normal(1, 2, 2, 4, 2)[0], MASK[:, None, None], params, 2
    yield multihead.multihead_forward, multihead.multihead_backward, args, {"looked_at": (1,)}
    for score in scores.SCORES.values():
        params = {"Wq": normal(5, 5), "v": normal(5)} if score.name == "additive" else {}
        yield score.forward, score.backward, (normal(2, 3, 5), normal(2, 4, 5), params), {}
    for cell in cells.CELLS.values():
        columns = 3 * len(cell.gates)
        state = tuple(normal(cell.states, 2, 3))
        options = {"unused": () if cell.name == "gru" else ["state[0]"], "gates": cell.gates}
        yield cell.forward, cell.backward, (normal(2, columns), normal(3, 2, columns)[1], state), options
        params = {"Wx": normal(4, columns), "Wh": normal(3, columns), "b": normal(columns)}
        params |= {"bh": normal(1, columns)[0]} if cell.recurrent_bias else {}
        for reverse in (False, True):
            args = normal(2, 4, 4), tuple(normal(cell.states, 2, 3)), params, cell, MASK, reverse
            yield recurrent.recurrent_forward, recurrent.recurrent_backward, args, {"gates": cell.gates}


def pair_fits(forward, backward, args, options, method):
    check_pair(forward, backward, args, method=method, **options)


def model_fits(params, config, method):
    """Every parameter takes part: each layer is moved a random way, uphill, so that no two parts cancel."""
    def loss_and_gradients(p):
        return seq2seq.loss_and_gradients(BATCH, p, config, np.random.default_rng(0), smoothing=0.1)

    def loss(distances):
        moved = {k: {n: a + distances[k] * ways[k][n] for n, a in params[k].items()} for k in distances}
        return loss_and_gradients({**params, **moved})[0]

    rng, grads = np.random.default_rng(1), loss_and_gradients(params)[1]
    ways = {
        k: {n: np.where(g < 0, -1, 1) * rng.random(g.shape) for n, g in part.items()}
        for k, part in grads.items()
    }
    learned = [k for k in params if params[k]]  # the dot score has layers without parameters
    slopes = {k: np.array([sum((grads[k][n] * way).sum() for n, way in ways[k].items())]) for k in learned}
    check_gradients(loss, {k: np.zeros(1) for k in learned}, slopes, method=method, name="whole model")


def gradients(method):
    for pair in pairs():
        yield look(pair_fits, *pair, method)
    for name, config in MODELS.items():
        yield look(model_fits, random_params(config, TAME), config, method, about=name)


# ---- all of them -------------------------------------------------------------------------------------------


def of_every_model(*questions):
    """The looks that ask each of the invariances of each model."""
    for name, config in MODELS.items():
        for question in questions:
            yield look(question, random_params(config), config, BATCH, about=name)


QUESTIONS = (
    ("padding invariance", "padding", (must.padding_changes_nothing,)),
    ("batch invariance", "batch",
     (must.batch_is_the_mean_of_its_pairs, must.generator_changes_dropout_alone)),
    ("causality", "causal", (must.no_token_moves_an_earlier_output, must.every_source_token_is_read)),
    ("step by step", "steps", (must.step_by_step_is_teacher_forcing, must.writing_carries_on_from_reading)),
    ("symmetry", "symm.", must.SYMMETRIES),
)
DETECTORS = (
    Detector("finite differences", "finite", tuple(gradients("central"))),
    Detector("complex step", "complex", tuple(gradients("complex"))),
    *(Detector(name, head, tuple(of_every_model(*questions))) for name, head, questions in QUESTIONS),
    Detector("known answer", "known", tuple(look(*known) for known in KNOWN)),
)
