"""Chapter: training. Batches in, reports out; and evaluation.

Before this: generate.py. After it: beam.py.

    for each batch:   loss and gradients → clip by global norm → optimiser step → report

`train` takes a step only when somebody asks for its report: `for report in train(…)`. Whoever wants progress,
a time limit or early stopping writes it into that loop. Nothing here prints.

Units: loss in nats per target token; accuracy from 0 to 1.

Not here: where batches come from (data.py, tasks.py).
"""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import numpy as np

from .checks import check_rng, check_training, is_number, shown
from .config import Config
from .data import EOS, PAD, Batch, check_batch
from .generate import generate_greedy
from .losses import cross_entropy_forward, sequence_accuracy, token_accuracy
from .optim import adam_step, clip_by_global_norm
from .seq2seq import check_params, decode_forward, encode_forward, seq2seq_forward
from .seq2seq import unchecked_loss_and_gradients
from .trees import tree_map


class Report(NamedTuple):
    """What one training step did."""

    step: int  # from 1
    loss: float  # nats per target token, before the step
    norm: float  # of the whole gradient, before clipping
    learning_rate: float
    tokens: int  # real target tokens of the batch


class TrainingError(ArithmeticError):
    """Training ran into a number that is not finite."""


def train(params: dict, state: dict, config: Config, batches: Iterable[Batch], steps: int,
          schedule: Callable[[int], float], clip: float = 1.0, update: Callable = adam_step, *,
          smoothing: float = 0.0, teacher_forcing: Callable[[int], float] | None = None,
          rng: np.random.Generator | None = None, start: int = 0) -> Iterator[Report]:
    """Train params, in place. Nothing happens until the reports are taken; each one costs a step.

    Without scheduled sampling, `start`, and the checks that all numbers are finite, it is this loop:

        for step, batch in zip(range(1, steps + 1), batches):
            loss, grads = loss_and_gradients(batch, params, config, rng, smoothing)
            norm = clip_by_global_norm(grads, clip)
            update(params, grads, state, schedule(step))
            yield Report(step, loss, norm, schedule(step), batch.target_mask.sum())

    Args:
        params:   of the model; written in place.
        state:    of the optimiser, from adam_init(params); written in place.
        batches:  iterable of data.Batch, at least as many as there are steps to take.
        steps:    number of the last step: steps − start of them are taken.
        schedule: learning rate as a function of the step, from 1 to steps.
        clip:     largest global norm of the gradient.
        update:   adam_step or another function (params, grads, state, learning_rate).
        smoothing: of the labels, as in losses.cross_entropy_forward.
        teacher_forcing: the probability, as a function of the step, that the decoder is told the right token
                  and not its own (sampled_inputs); by default 1 throughout.
        rng:      np.random.Generator, for dropout and for sampled_inputs.
        start:    steps that were taken before: the first one here is start + 1. With params, state, rng and
                  batches as they were then, a training goes on exactly as if it had never been stopped.
    Returns:
        an iterator that takes a step whenever it is asked for the next Report.
    Raises:
        TrainingError: while it runs: the loss, the gradient or a parameter is no longer finite. The
            parameters are then put back to the last ones that gave a finite loss; the optimiser's state is
            not.
        TypeError, ValueError: at the call: an argument that cannot be what it should be, parameters of
            another model, a missing rng. While it runs: a batch that does not fit the model, a learning rate
            or a probability that is none, too few batches.
    """
    check_params(params, config)
    check_training(batches, steps, clip, smoothing, rng, start)
    functions = {"schedule": schedule, "update": update}
    if teacher_forcing is not None:
        functions["teacher_forcing"] = teacher_forcing
    for name, function in functions.items():
        if not callable(function):
            raise TypeError(f"{name} must be a function, such as lambda step: 0.01; got {shown(function)}")
    if rng is None and (config.dropout or teacher_forcing):
        raise ValueError("dropout and teacher_forcing are random: pass rng=np.random.default_rng(seed)")
    # a function with a `yield` is lazy: a call runs none of its lines. So the checks are here, outside it
    steps = range(int(start) + 1, int(steps) + 1)
    return _steps(params, state, config, iter(batches), steps, schedule, clip, update, smoothing,
                  teacher_forcing, rng)


def _steps(params, state, config, batches, steps, schedule, clip, update, smoothing, teacher_forcing, rng):
    """The loop. After loss, gradient and update it is checked that all numbers are finite."""
    good = tree_map(np.copy, params)  # the last parameters with a finite loss and gradient
    for step in steps:
        batch = next(batches, None)
        if batch is None:
            raise ValueError(f"the batches ran out before step {step} of {steps[-1]}; give one for each step")
        check_batch(batch, config)
        with np.errstate(over="ignore", invalid="ignore"):  # found and reported below
            if teacher_forcing:
                told = sampled_inputs(batch, params, config, teacher_forcing(step), rng)
                batch = batch._replace(inputs=told)
            loss, grads = unchecked_loss_and_gradients(batch, params, config, rng, smoothing)  # checked above
            norm = clip_by_global_norm(grads, clip)
        for what, value in (("loss", loss), ("norm of the gradient", norm)):
            if not np.isfinite(value):
                raise _not_finite(params, good, f"the {what} became {value}", step)
        _copy(params, into=good)  # they have just given a finite loss
        learning_rate = schedule(step)
        with np.errstate(over="ignore", invalid="ignore"):
            update(params, grads, state, learning_rate)
        if not all(np.isfinite(a).all() for arrays in params.values() for a in arrays.values()):
            raise _not_finite(params, good, "the parameters became nan or inf", step)
        yield Report(step, float(loss), norm, learning_rate, int(batch.target_mask.sum()))


def _not_finite(params, good, what, step):
    """The error to be raised; the parameters are put back."""
    _copy(good, into=params)
    return TrainingError(
        f"{what} at step {step}; the parameters are back at the last good ones. Try a lower learning rate "
        "or a longer warm-up"
    )


def _copy(params, into):
    for layer, arrays in params.items():
        for name, array in arrays.items():
            into[layer][name][...] = array


def sampled_inputs(batch, params, config, probability, rng):
    """The decoder's inputs for scheduled sampling: at random the right token, or the model's own.

        input_1 = BOS
        input_t = target_{t−1}                                      with the given probability
        input_t = argmax_v p(v | input_1 … input_{t−1}, source)     else: the model's own

        right   BOS t   a   c       what teacher forcing tells
        own     BOS t   o   c       what the model would have said
        coin     1   1   0   1      1: the right one
        inputs  BOS t   o   c

    The remedy for exposure bias: a model that is always told the right past never learns what to do after a
    mistake of its own. A usual schedule falls: teacher_forcing=lambda step: max(0.5, 1 − step / 1000).

    The gradient needs no code of its own: these inputs are used like the right ones, with the usual forward
    and backward. The model's own tokens depend on the parameters, too. But arg max jumps, and where it has a
    derivative, that is 0. So the tokens are treated as constants. (Dropout is off while they are chosen.)

    Args:
        probability: 1 gives batch.inputs back; 0 gives BOS, then the model's own tokens, even after an EOS.
        rng:         np.random.Generator.
    Returns:
        inputs:      (B, T) ids, BOS first.
    Raises:
        TypeError, ValueError: a probability outside [0, 1], rng no generator; as
            data.check_batch and seq2seq.check_params.
    Source: Bengio et al. (2015), section 2.4. Of its two ways to take the model's own token, sampling and
        arg max, this is the arg max.
    """
    if not (is_number(probability) and 0 <= probability <= 1):
        raise ValueError(f"teacher_forcing must give a probability in [0, 1], got {shown(probability)}")
    check_params(params, config)
    check_batch(batch, config)
    check_rng(rng)
    told_right = rng.random(batch.inputs.shape) < probability
    told_right |= ~batch.target_mask  # padding stays padding
    state, source, _ = encode_forward(batch.source, batch.source_mask, params, config)
    inputs = batch.inputs.astype(int)  # a copy
    for t in range(1, inputs.shape[1]):
        logits, _, state, _ = decode_forward(inputs[:, t - 1 : t], state, source, params, config)
        own = EOS + logits[:, 0, EOS:].argmax(axis=1)  # ids 0, 1 are PAD, BOS: no answers
        inputs[:, t] = np.where(told_right[:, t], batch.inputs[:, t], own)
    return inputs


class Evaluation(NamedTuple):
    """How good a model is on a held-out batch."""

    loss: float  # nats per target token, with the right tokens as inputs
    token_accuracy: float  # of its own words, EOS included
    exact_match: float  # share of answers right from the first token to EOS
    right: np.ndarray  # (B, T) boolean: its own token is the target's
    tokens: np.ndarray  # (B, L) its own words
    weights: np.ndarray | None  # (B, L, S)


def evaluate(params: dict, config: Config, batch: Batch, max_length: int | None = None) -> Evaluation:
    """Loss with the right tokens as inputs; accuracies of what the model says by itself.

    Args:
        batch:      data.Batch, any number of pairs.
        max_length: of the answers, as generate_greedy; give it where targets are much longer than sources.
    Returns:
        Evaluation.
    Raises:
        TypeError, ValueError: as data.check_batch, seq2seq.check_params; a limit below 1.
    """
    check_params(params, config)
    check_batch(batch, config)
    logits, _, _ = seq2seq_forward(batch, params, config)
    loss, _ = cross_entropy_forward(logits, batch.targets, batch.target_mask)
    tokens, weights = generate_greedy(batch.source, batch.source_mask, params, config, max_length)
    said = np.full(batch.targets.shape, PAD)  # cut or filled up to the size of the targets
    shared = min(said.shape[1], tokens.shape[1])
    said[:, :shared] = tokens[:, :shared]  # a longer answer has another token at the target's EOS
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
