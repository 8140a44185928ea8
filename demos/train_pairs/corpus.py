"""Pairs that were read (reading.py) as something to train on: split, with vocabularies, in batches.

Notation: N pairs of the file, B of a batch. "Rows" are numbers of pairs.
"""

from collections import Counter
from itertools import chain
from typing import NamedTuple

import numpy as np

from numpy_seq2seq import Vocabulary, make_batch
from numpy_seq2seq.data import SPECIALS
from numpy_seq2seq.losses import cross_entropy_forward
from numpy_seq2seq.seq2seq import seq2seq_forward

from .reading import LEVELS, SIDES

HELD_OUT, MOST_HELD_OUT = 20, 1000  # one source in so many for validation, one for the test; never more
BUCKET = 32  # batches' worth of pairs of nearly the same length
EVALUATED, LOGITS = 256, 4_000_000  # pairs of a batch that is evaluated, and numbers in its logits, at most
MOST_EVALUATED = 2000


class Corpus(NamedTuple):
    """Pairs in three parts, with two vocabularies."""

    sides: tuple  # (sources, targets), lists of texts
    levels: tuple  # of each side
    lengths: tuple  # of each side (N,), in symbols
    vocabularies: tuple
    parts: tuple  # rows to train on, to validate on, to test on
    rare: tuple  # of each side the share of training symbols that are read as unknown

    def symbols(self, rows):
        """list of (source, target) of some rows, as lists of symbols, the unknown ones too."""
        pairs = ([side[row] for side in self.sides] for row in rows)
        return [tuple(LEVELS[level](text) for level, text in zip(self.levels, pair)) for pair in pairs]

    def batch(self, rows):
        return make_batch(self.symbols(rows), *self.vocabularies, unk=True)

    def by_length(self, rows):
        """The rows, from short pairs to long ones."""
        return rows[np.lexsort([lengths[rows] for lengths in self.lengths])]


def make_corpus(pairs, levels, least, name="the file"):
    """Pairs as a Corpus; least: for each side, how often a symbol occurs in training, or it is unknown.

    Raises:
        ValueError: fewer than 3 different sources; no symbol is left.
    """
    reasons = "".join(f" ({n:,} lines left out: {reason})" for reason, n in pairs.left_out.most_common(1))
    parts = split(pairs.source_keys, f"{name}{reasons}")
    both = list(zip(pairs.sides, levels))
    lengths = tuple(np.array([len(LEVELS[level](text)) for text in side]) for side, level in both)
    training = ((LEVELS[level](side[row]) for row in parts[0]) for side, level in both)
    vocabularies, rare = zip(*map(make_vocabulary, training, least, SIDES))
    return Corpus(pairs.sides, levels, lengths, vocabularies, parts, rare)


def split(keys, name="the file"):
    """Rows to train on, to validate on, and to test on, so that no source is in two of them.

    A source's hash decides, and nothing else: the same file is split alike whatever the seed, and pairs with
    the same source stay together.

    Args:
        keys: (N,) Pairs.source_keys.
        name: of the file, for the error.
    Returns:
        (training, validation, test): arrays of rows.
    Raises:
        ValueError: fewer than 3 different sources.
    """
    different = np.unique(keys)
    if len(different) < 3:
        needed = "at least 3 are needed: to train on, to validate on, to test on"
        raise ValueError(f"{name}: {len(different)} different sources; {needed}")
    count = min(max(len(different) // HELD_OUT, 1), MOST_HELD_OUT)
    part = np.searchsorted(different[[count, 2 * count]], keys, side="right")
    return tuple(np.flatnonzero(part == k) for k in (2, 0, 1))


def repetitions(pairs):
    """(lines that repeat an earlier pair, sources with more than one target)."""
    _, first = np.unique(pairs.pair_keys, return_index=True)
    _, targets = np.unique(pairs.source_keys[first], return_counts=True)
    return len(pairs.pair_keys) - len(first), int((targets > 1).sum())


def make_vocabulary(texts, least=1, name="text"):
    """The symbols that occur at least so often in the training texts, each an iterable of symbols.

    Returns:
        (Vocabulary, share of the symbols that are read as unknown).
    Raises:
        ValueError: no symbol is left.
    """
    counts = Counter(chain.from_iterable(texts))
    often = sorted(symbol for symbol, n in counts.items() if n >= least and symbol not in SPECIALS)
    if not often:
        advice = f"lower --min-count, or take --{name}-level characters"
        raise ValueError(f"no symbol of the {name}s occurs {least} times in the training pairs; {advice}")
    return Vocabulary(often), 1 - sum(map(counts.get, often)) / counts.total()


# ---- batches -----------------------------------------------------------------------------------------------


def batches_of_like_length(corpus, size):
    """A function that draws a training batch: rng -> data.Batch.

    The pairs are sorted by length and cut into buckets. A batch comes from one bucket, each bucket with the
    chance of its share, each pair with the same one: there is hardly any padding, and no pair is favoured.
    Draws are independent, so that the generator's state is all there is to know of how far a run has come.
    """
    order = corpus.by_length(corpus.parts[0])
    buckets = np.array_split(order, max(len(order) // (BUCKET * size), 1))
    ends = np.cumsum([len(bucket) for bucket in buckets])

    def draw(rng):
        bucket = buckets[np.searchsorted(ends, rng.integers(len(order)), side="right")]
        return corpus.batch(rng.choice(bucket, min(size, len(order))))

    return draw


def evaluation_batches(corpus, rows):
    """Held-out pairs as batches of like length, small enough that their logits fit into the memory."""
    rows = corpus.by_length(rows[:MOST_EVALUATED])
    longest = int(corpus.lengths[1][rows].max()) + 1
    size = int(np.clip(LOGITS // (len(corpus.vocabularies[1]) * longest), 1, EVALUATED))
    return [corpus.batch(rows[k : k + size]) for k in range(0, len(rows), size)]


def mean_loss(params, config, batches):
    """Loss over several batches, in nats per target token."""
    total = count = 0
    for batch in batches:
        logits, _, _ = seq2seq_forward(batch, params, config)
        tokens = int(batch.target_mask.sum())
        total += tokens * float(cross_entropy_forward(logits, batch.targets, batch.target_mask)[0])
        count += tokens
    return total / count
