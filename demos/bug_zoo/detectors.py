"""What looks for defects: seven questions that cost no training, each put to whatever code is in force.

    finite diff   is backward the derivative of forward? by central differences, 1e-7
    complex       the same along the imaginary axis, 1e-12
    padding       does more padding change nothing?
    batch         is a batch the same as its sequences one by one, and twice the same?
    causality     does no token of the answer move an output before it?
    steps         is writing step by step the same as all at once?
    known answer  does it agree with slow transcriptions of the papers, number by number?

The other two train a model; they are in training.py. A detector is a function without arguments that
raises AssertionError, with what it noticed, or returns. It looks at a few small models and functions, the
same ones whatever the defect: none of them knows what it is looking for.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from numpy_seq2seq import activations, attention, beam, cells, generate, layers, losses, readout, recurrent, scores
from numpy_seq2seq import seq2seq as model
from numpy_seq2seq.data import BOS, EOS, Batch, make_batch
from numpy_seq2seq.gradcheck import check_gradients, check_pair
from numpy_seq2seq.training import evaluate

from .known_answers import known_answer
from .models import LETTERS, MASK, PAIRS, each_model, normal, one_by_one, same

CHECKED = 2  # entries of each array of a whole model; of single functions, all
TAME = 0.5  # scale of the parameters: larger ones bend the loss more than central differences allow

# ---- gradients ---------------------------------------------------------------------------------------------


def pairs():
    """(forward, backward, arguments, options) of every function that is checked alone."""
    params = {"W": normal(4, 5), "b": normal(5)}
    yield layers.affine_forward, layers.affine_backward, (normal(2, 3, 4), params), {}
    ids = np.array([[1, 0, 1], [4, 1, 3]])
    yield layers.embedding_forward, layers.embedding_backward, (ids, {"E": normal(5, 4)}), {}
    args = normal(2, 4, 5), np.array([[1, 0, 4, 0]] * 2), MASK
    yield losses.cross_entropy_forward, losses.cross_entropy_backward, args, {}
    yield attention.masked_softmax_forward, attention.masked_softmax_backward, (normal(2, 3, 4), MASK[:, None]), {}
    params = {"Wd": normal(4, 4), "Wc": normal(5, 4)}
    yield readout.readout_forward, readout.readout_backward, (normal(2, 3, 4), normal(2, 3, 5), params), {}
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


def gradients_fit(method):
    """Every function alone, then whole models with dropout where they have it."""
    for forward, backward, args, options in pairs():
        check_pair(forward, backward, args, method=method, **options)
    for name, params, config, batch in each_model(TAME):
        def loss_and_gradients(p):
            return model.loss_and_gradients(batch, p, config, np.random.default_rng(0))

        _, grads = loss_and_gradients(params)
        options = {"method": method, "samples": CHECKED, "name": f"{name} model"}
        check_gradients(lambda p: loss_and_gradients(p)[0], params, grads, **options)


def finite_differences():
    gradients_fit("central")


def complex_step():
    gradients_fit("complex")


# ---- what must not change anything -------------------------------------------------------------------------


def padding_invariance():
    """Wider arrays of the same pairs: loss, every gradient, every figure of the evaluation."""
    for name, params, config, batch in each_model():
        wider = Batch(*(np.pad(a, ((0, 0), (0, 2))) for a in batch))
        loss, grads = model.loss_and_gradients(batch, params, config)
        wider_loss, wider_grads = model.loss_and_gradients(wider, params, config)
        same(f"{name}: loss with more padding", wider_loss, loss)
        same(f"{name}: gradient with more padding, ", wider_grads, grads)
        got, want = evaluate(params, config, wider), evaluate(params, config, batch)
        for figure in ("loss", "token_accuracy", "exact_match"):
            same(f"{name}: {figure} with more padding", getattr(got, figure), getattr(want, figure))


def batch_invariance():
    """A mean over tokens is the weighted mean of the pairs; no row hears what its neighbours say."""
    for name, params, config, batch in each_model():
        loss, grads = model.loss_and_gradients(batch, params, config)
        same(f"{name}: the same loss a second time", model.loss_and_gradients(batch, params, config)[0], loss)
        tokens = batch.target_mask.sum()
        shares = [b.target_mask.sum() / tokens for b in one_by_one(batch)]
        alone = [model.loss_and_gradients(b, params, config) for b in one_by_one(batch)]
        mean = sum(s * one for s, (one, _) in zip(shares, alone))
        same(f"{name}: mean of the losses one by one", mean, loss)
        mean = {
            layer: {name: sum(s * g[layer][name] for s, (_, g) in zip(shares, alone)) for name in arrays}
            for layer, arrays in params.items()
        }
        same(f"{name}: mean of the gradients one by one, ", mean, grads)
        together = greedy_words(batch, params, config)
        for row, b in zip(together, one_by_one(batch)):
            own = greedy_words(b, params, config)[0]
            same(f"{name}: tokens said alone and in the batch", row, np.pad(own, (0, len(row) - len(own))))


def greedy_words(batch, params, config, limit=9):
    return generate.generate_greedy(batch.source, batch.source_mask, params, config, limit).tokens


def causality():
    """Other answers from token j on: the outputs up to j stay, and what the model says by itself stays."""
    j = 1
    others = [(s, t[:j] + "e" + t[j + 1 :][::-1] if len(t) > j else t) for s, t in PAIRS]
    for name, params, config, batch in each_model():
        other = make_batch(others, LETTERS, LETTERS)
        before, after = (model.seq2seq_forward(b, params, config)[0][:, : j + 1] for b in (batch, other))
        same(f"{name}: outputs before a token that was changed", after, before)
        said, again = (evaluate(params, config, b).tokens for b in (batch, other))
        same(f"{name}: words said to the same source", again, said)


def step_by_step():
    """In two halves; greedy; every answer of a beam: teacher forcing with the same words says the same."""
    for name, params, config, batch in each_model():
        state, source, _ = model.encode_forward(batch.source, batch.source_mask, params, config)
        whole = model.decode_forward(batch.inputs, state, source, params, config)[0]
        first, _, state, _ = model.decode_forward(batch.inputs[:, :2], state, source, params, config)
        rest, _, _, _ = model.decode_forward(batch.inputs[:, 2:], state, source, params, config)
        same(f"{name}: two steps and then the rest", np.concatenate([first, rest], axis=1), whole)
        _greedy_says_what_it_learnt(name, params, config, batch)
        found = beam.generate_beam(batch.source, batch.source_mask, params, config, width=3, max_length=5)
        for b, answers in zip(one_by_one(batch), found):
            for answer in answers:
                log_p = activations.log_softmax(_forced(answer.tokens[None], b, params, config))[0]
                total = log_p[np.arange(len(answer.tokens)), answer.tokens].sum()
                same(f"{name}: log probability of a beam's answer", answer.log_probability, total)


def _forced(tokens, batch, params, config):
    """Logits of the model that is told these tokens one after another, BOS first."""
    inputs = np.concatenate([np.full((len(tokens), 1), BOS), tokens[:, :-1]], axis=1)
    return model.seq2seq_forward(batch._replace(inputs=inputs), params, config)[0]


def _greedy_says_what_it_learnt(name, params, config, batch):
    tokens = greedy_words(batch, params, config, 5)
    best = EOS + _forced(tokens, batch, params, config)[:, :, EOS:].argmax(axis=2)
    ended = np.cumsum(tokens == EOS, axis=1) - (tokens == EOS) > 0
    same(f"{name}: greedy words", np.where(ended, 0, tokens), np.where(ended, 0, best))


# ---- asking ------------------------------------------------------------------------------------------------


class Detector(NamedTuple):
    """A question to the code that is in force."""

    name: str
    head: str  # over its column
    look: Callable  # without arguments


DETECTORS = (
    Detector("finite differences", "finite", finite_differences),
    Detector("complex step", "complex", complex_step),
    Detector("padding invariance", "padding", padding_invariance),
    Detector("batch invariance", "batch", batch_invariance),
    Detector("causality", "causal", causality),
    Detector("step by step", "steps", step_by_step),
    Detector("known answer", "known", known_answer),
)


def ask(look):
    """What a detector says: the text of what it noticed, or "" if it noticed nothing."""
    try:
        with np.errstate(all="ignore"):
            look()
    except AssertionError as noticed:
        return str(noticed)
    except Exception as error:
        return f"crashed: {type(error).__name__}: {error}"
    return ""
