"""What training says of a defect: loss after 100 steps and exact match at the end, beside healthy models.

A number alone says nothing. So the same models are trained without a defect first, with several seeds: the
distance from the worst to the best of them is the spread. A defect is noticed where its number lies
outside of what is healthy by more than one spread more. A loss may be too low as well: then the answer leaks.

Not here: the detectors that need no training (detectors.py).
"""

import functools
import itertools
from typing import NamedTuple

from numpy_seq2seq.config import Config
from numpy_seq2seq.data import Vocabulary, make_batch
from numpy_seq2seq.losses import cross_entropy_forward
from numpy_seq2seq.optim import adam_init, warmup_cosine
from numpy_seq2seq.seq2seq import seq2seq_forward, seq2seq_init
from numpy_seq2seq.tasks import draw_pairs
from numpy_seq2seq.training import evaluate, train

from ..shared import random_streams

LETTERS = Vocabulary("abcdefgh")
SIZES = (len(LETTERS), len(LETTERS), 16, 32)
MODELS = {
    "luong lstm": Config(*SIZES, cell="lstm", decoder="luong", score="scaled_dot", directions=2, dropout=0.1),
    "luong gru": Config(*SIZES, cell="gru", decoder="luong", score="general"),
    "luong_feeding lstm": Config(*SIZES, cell="lstm", decoder="luong_feeding", score="dot"),
    "bahdanau lstm": Config(*SIZES, cell="lstm", decoder="bahdanau", score="additive", directions=2),
    "transformer": Config(*SIZES[:2], 32, 32, encoder="transformer", decoder="transformer"),
    "peeky": Config(*SIZES[:2], 32, 32, encoder="transformer", decoder="peeky"),
}
BATCH, LENGTHS, HELD_OUT, WARMUP = 32, (1, 5), 200, 20
PEAK, TRANSFORMER_PEAK = 0.02, 0.01  # of the learning rate
STEPS, GLANCE = 200, 100  # of the training; when the loss is looked at
SEEDS = 6  # of healthy models
LEAST = {"loss": 0.02, "exact": 0.02}  # a smaller spread is not believed: in nats; in shares of the strings


class Figures(NamedTuple):
    """What one training came to, on held-out strings."""

    loss: float  # nats per target token after GLANCE steps, with the right tokens as inputs
    exact: float  # share of strings said right by itself at the end


class Healthy(NamedTuple):
    """What is usual: the figures of models without a defect."""

    all: tuple[Figures, ...]

    def limits(self, figure):
        """The smallest and largest number that is not suspicious. An exact match cannot be too good."""
        numbers = [getattr(figures, figure) for figures in self.all]
        spread = max(max(numbers) - min(numbers), LEAST[figure])
        return min(numbers) - spread, 1.0 if figure == "exact" else max(numbers) + spread


def figures(name, seed, steps=STEPS):
    """Train a model to reverse strings. Yields the loss on the way, and the exact match at the end."""
    config = MODELS[name]
    peak = PEAK if config.heads is None else TRANSFORMER_PEAK
    initial, drawn, kept, dropped = random_streams(seed, 4)
    params = seq2seq_init(initial, config)
    held_out = _batch(kept, HELD_OUT, held_out=True)
    batches = (_batch(drawn, BATCH) for _ in itertools.count())
    schedule = functools.partial(warmup_cosine, steps=STEPS, peak=peak, warmup=WARMUP)
    for report in train(params, adam_init(params), config, batches, steps, schedule, rng=dropped):
        if report.step == min(GLANCE, steps):
            logits, _, _ = seq2seq_forward(held_out, params, config)
            yield float(cross_entropy_forward(logits, held_out.targets, held_out.target_mask)[0])
    yield evaluate(params, config, held_out).exact_match


def _batch(rng, count, held_out=False):
    pairs = draw_pairs("reverse", rng, count, LENGTHS, LETTERS.symbols[4:], held_out)
    return make_batch(pairs, LETTERS, LETTERS)


def healthy(name, seeds=SEEDS):
    """Figures of a model without a defect, from several seeds."""
    return Healthy(tuple(Figures(*figures(name, seed)) for seed in range(seeds)))


def judge(figure, number, usual):
    """What is suspicious about a number, or ""."""
    low, high = usual.limits(figure)
    if low <= number <= high:
        return ""
    numbers = [getattr(f, figure) for f in usual.all]
    what = {"loss": f"loss after {GLANCE} steps", "exact": "exact match"}[figure]
    text = f"{what} {number:.3f}; healthy models: {min(numbers):.3f} to {max(numbers):.3f}"
    too_good = figure == "loss" and number < low
    return f"{text}. Too good: does the answer leak, or does padding count?" if too_good else text
