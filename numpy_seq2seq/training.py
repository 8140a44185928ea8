"""Chapter: training. Batches in, reports out; and evaluation.

Before this: generate.py. After it: beam.py.

    for each batch:   loss and gradients → clip by global norm → optimiser step → report

`train` is a generator: whoever wants progress, a time limit or a stop key takes the reports one by one and
breaks off when it likes. Nothing here prints.

Units: loss in nats per target token; norm before clipping; accuracy in [0, 1].

Not here: where batches come from (data.py, tasks.py).
"""

import math
from typing import NamedTuple

import numpy as np

from .data import EOS, PAD, check_batch
from .generate import generate_greedy
from .losses import cross_entropy_forward, sequence_accuracy, token_accuracy
from .optim import adam_step, clip_by_global_norm
from .seq2seq import decode_forward, encode_forward, loss_and_gradients, seq2seq_forward
from .shapes import check_params


class Report(NamedTuple):
    """What one training step did."""

    step: int  # from 1
    loss: float  # nats per target token, before the step
    norm: float  # of the whole gradient, before clipping
    learning_rate: float
    tokens: int  # real target tokens of the batch


class TrainingError(ArithmeticError):
    """Training ran into a number that is not finite."""


def train(params, state, config, batches, steps, schedule, clip=1.0, update=adam_step, *,
          smoothing=0.0, teacher_forcing=None, rng=None, start=0):
    """Train in place, one step for each report that is taken.

    Args:
        params:   of the model; written in place.
        state:    of the optimiser, from adam_init(params); written in place.
        batches:  iterable of data.Batch, at least `steps` of them.
        steps:    number of steps.
        schedule: learning rate as a function of the step, from 1 to steps.
        clip:     largest global norm of the gradient.
        update:   adam_step or another function (params, grads, state, learning_rate).
        smoothing: of the labels, as in losses.cross_entropy_forward.
        teacher_forcing: the probability, as a function of the step, that the decoder is told the right token
                  and not its own (sampled_inputs); by default 1 throughout.
        rng:      np.random.Generator, for dropout and for sampled_inputs.
        start:    steps that were taken before: the first one here is start + 1. With params, state, rng and
                  batches as they were then, the rest has the same bits as a training that was never stopped.
    Yields:
        Report, after each step.
    Raises:
        TrainingError: the loss, the gradient or a parameter is no longer finite. The parameters are then put
            back to the last ones that gave a finite loss.
        TypeError, ValueError: a batch that does not fit the model, as data.check_batch; params that do not, as
            shapes.check_params; a missing rng, a clip that is not positive, a smoothing or a probability
            out of range, too few batches.
    """
    if rng is None and (config.dropout or teacher_forcing):
        raise ValueError("dropout and teacher_forcing draw random numbers: pass rng=np.random.default_rng(seed)")
    if not clip > 0:
        raise ValueError(f"clip must be a positive norm, got {clip!r}")
    if not 0 <= smoothing < 1:
        raise ValueError(f"smoothing must be in [0, 1), got {smoothing!r}")
    check_params(params, config)
    good, batches = _copy(params), iter(batches)
    for step in range(start + 1, steps + 1):
        batch = next(batches, None)
        if batch is None:
            raise ValueError(f"the batches ran out before step {step} of {steps}; give at least one for each step")
        check_batch(batch, config)
        with np.errstate(over="ignore", invalid="ignore"):  # found and reported below
            if teacher_forcing:
                batch = batch._replace(inputs=sampled_inputs(batch, params, config, teacher_forcing(step), rng))
            loss, grads = loss_and_gradients(batch, params, config, rng, smoothing)
            norm = clip_by_global_norm(grads, clip)
        for what, value in (("loss", loss), ("norm of the gradient", norm)):
            if not math.isfinite(value):
                raise _not_finite(params, good, f"the {what} became {value}", step)
        _assign(good, params)
        with np.errstate(over="ignore", invalid="ignore"):
            update(params, grads, state, schedule(step))
        if not all(np.isfinite(a).all() for arrays in params.values() for a in arrays.values()):
            raise _not_finite(params, good, "the parameters became nan or inf", step)
        yield Report(step, float(loss), norm, schedule(step), int(batch.target_mask.sum()))


def _not_finite(params, good, what, step):
    """The error to be raised; the parameters are put back."""
    _assign(params, good)
    return TrainingError(
        f"{what} at step {step}; the parameters are back at the last good ones. Try a lower learning rate or a "
        "longer warm-up"
    )


def sampled_inputs(batch, params, config, probability, rng):
    """The decoder's inputs for scheduled sampling: the right token, or the model's own, by the toss of a coin.

        input_t = target_{t−1}                              with the given probability
        input_t = argmax_v p(v | input_1 … input_{t−1})     else

    Teacher forcing with these inputs gives the very logits that were seen while they were chosen (with dropout,
    which is off while choosing, those of a thinned model), so the gradient needs no code of its own. What it
    leaves out: that other parameters would have chosen other tokens. The choice jumps and has no derivative; it
    is treated as a constant.

    Args:
        probability: 1 gives batch.inputs back, 0 what generate_greedy says (as long as it says no EOS).
        rng:         np.random.Generator.
    Returns:
        inputs:      (B, T) ids, BOS first.
    Raises:
        ValueError:  a probability outside [0, 1].
    Source: Bengio et al. (2015), section 2.4. Of its two ways to take the model's own token, sampling and
        arg max, this is the arg max.
    """
    if not 0 <= probability <= 1:
        raise ValueError(f"teacher_forcing must give a probability in [0, 1], got {probability!r}")
    right = (rng.random(batch.inputs.shape) < probability) | ~batch.target_mask
    state, source, _ = encode_forward(batch.source, batch.source_mask, params, config)
    inputs = batch.inputs.copy()
    for t in range(1, inputs.shape[1]):
        logits, _, state, _ = decode_forward(inputs[:, t - 1 : t], state, source, params, config)
        own = EOS + logits[:, 0, EOS:].argmax(axis=1)  # PAD and BOS are no answers
        inputs[:, t] = np.where(right[:, t], batch.inputs[:, t], own)
    return inputs


def _copy(params):
    return {layer: {name: a.copy() for name, a in arrays.items()} for layer, arrays in params.items()}


def _assign(target, params):
    for layer, arrays in params.items():
        for name, array in arrays.items():
            target[layer][name][...] = array


class Evaluation(NamedTuple):
    """How good a model is on a batch that it was not trained on."""

    loss: float  # nats per target token, with the right tokens as inputs
    token_accuracy: float  # of its own words, EOS included
    exact_match: float  # share of answers right from the first token to EOS
    right: np.ndarray  # (B, T) boolean: its own token is the target's
    tokens: np.ndarray  # (B, L) its own words
    weights: np.ndarray | None  # (B, L, S)


def evaluate(params, config, batch, max_length=None):
    """Loss with the right tokens as inputs; accuracies of what the model says by itself.

    Args:
        batch:      data.Batch, any number of pairs.
        max_length: of the answers, as generate_greedy; to be given where targets are much longer than sources.
    Returns:
        Evaluation.
    Raises:
        TypeError, ValueError: as data.check_batch, shapes.check_params; a limit below 1.
    """
    check_params(params, config)
    check_batch(batch, config)
    logits, _, _ = seq2seq_forward(batch, params, config)
    loss, _ = cross_entropy_forward(logits, batch.targets, batch.target_mask)
    tokens, weights = generate_greedy(batch.source, batch.source_mask, params, config, max_length)
    said = np.full(batch.targets.shape, PAD)
    shared = min(said.shape[1], tokens.shape[1])
    said[:, :shared] = tokens[:, :shared]
    return Evaluation(
        float(loss),
        token_accuracy(said, batch.targets, batch.target_mask),
        sequence_accuracy(said, batch.targets, batch.target_mask),
        (said == batch.targets) & batch.target_mask,
        tokens,
        weights,
    )


# Exercises
# 1. Stop early: take reports until the loss has not fallen for 100 steps. No line of `train` has to change.
# 2. Why is `good` filled before the update and not after it?
# 3. The loss of Evaluation uses right inputs, its accuracies do not. Construct a model with a small loss and
#    no exact match at all.
# 4. Write them again: `python -m numpy_seq2seq.homework make DIR --functions sampled_inputs,evaluate`.
