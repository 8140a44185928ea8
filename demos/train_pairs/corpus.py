"""Pairs that were read (reading.py) as something to train on: split, in a vocabulary's ids, in batches.

Notation: N pairs of the file, B of a batch. "Rows" are numbers of pairs.
"""

from typing import NamedTuple

import numpy as np

from numpy_seq2seq.data import BOS, EOS, PAD, SPECIALS, UNK, Batch, Vocabulary
from numpy_seq2seq.losses import cross_entropy_forward
from numpy_seq2seq.seq2seq import seq2seq_forward

from .reading import Side

HELD_OUT, MOST_HELD_OUT = 20, 1000  # one source in so many for validation, one for the test; never more
BUCKET = 32  # batches' worth of pairs of nearly the same length
EVALUATED, LOGITS = 256, 4_000_000  # pairs of a batch that is evaluated, and numbers in its logits, at most
MOST_EVALUATED = 2000


class Corpus(NamedTuple):
    """Pairs in three parts, in the ids of two vocabularies."""

    sides: tuple  # (sources, targets), each a Side
    vocabularies: tuple
    parts: tuple  # rows to train on, to validate on, to test on
    rare: tuple  # of each side the share of training symbols that are read as unknown
    test: list  # [sources, targets] of the test as symbols, the unknown ones too


def make_corpus(pairs, least, name="the file"):
    """Pairs as a Corpus; least: for each side, how often a symbol occurs in training, or it is unknown.

    Raises:
        ValueError: fewer than 3 different sources; no symbol is left.
    """
    reasons = "".join(f" ({n:,} lines left out: {reason})" for reason, n in pairs.left_out.most_common(1))
    parts, both = split(pairs.source_keys, f"{name}{reasons}"), (pairs.source, pairs.target)
    named = zip(both, least, ("source", "target"))
    sides, vocabularies, rare = zip(*(with_vocabulary(side, parts[0], *rest) for side, *rest in named))
    return Corpus(sides, vocabularies, parts, rare, [texts_of(side, parts[2]) for side in both])


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


def with_vocabulary(side, rows, least=1, name="text"):
    """The same texts in the ids of a vocabulary: symbols that occur at least so often in the training rows.

    Returns:
        (Side, Vocabulary, share of the training symbols that are read as unknown).
    Raises:
        ValueError: no symbol is left.
    """
    training = np.zeros(len(side.lengths), bool)
    training[rows] = True
    counts = np.bincount(side.ids[np.repeat(training, side.lengths)], minlength=len(side.symbols))
    often = (symbol for symbol, n in zip(side.symbols, counts) if n >= max(least, 1))
    vocabulary = Vocabulary(sorted(symbol for symbol in often if symbol not in SPECIALS))
    if len(vocabulary) == len(SPECIALS):
        advice = f"lower --min-count, or take --{name}-level characters"
        raise ValueError(f"no symbol of the {name}s occurs {least} times in the training pairs; {advice}")
    table = np.array([vocabulary.ids.get(s, UNK) for s in side.symbols], np.min_scalar_type(len(vocabulary)))
    unknown = counts[table == UNK].sum() / counts.sum()
    return Side(table[side.ids], side.offsets, vocabulary.symbols), vocabulary, float(unknown)


def spread(lengths, rows, count):
    """So many of the rows, from the shortest to the longest."""
    by_length = rows[np.argsort(lengths[rows], kind="stable")]
    return by_length[np.linspace(0, len(rows) - 1, min(count, len(rows))).astype(int)]


def texts_of(side, rows):
    """The symbols of some rows."""
    return [[side.symbols[k] for k in side.ids[side.offsets[row] : side.offsets[row + 1]]] for row in rows]


def unknown_shares(side, rows):
    """(rows,) the share of symbols outside the vocabulary in each text."""
    return np.array([(side.ids[side.offsets[row] : side.offsets[row + 1]] == UNK).mean() for row in rows])


# ---- batches -----------------------------------------------------------------------------------------------


def gather(side, rows):
    """Texts of some rows as a padded array with EOS behind each, and its mask; both (B, longest + 1)."""
    start = side.offsets[rows, None]
    length = side.offsets[rows + 1, None] - start
    place = np.arange(length.max() + 1)
    ids = side.ids[np.minimum(start + place, len(side.ids) - 1)].astype(int)
    return np.where(place < length, ids, np.where(place == length, EOS, PAD)), place <= length


def make_batch(source, target, rows):
    """The pairs of some rows as a data.Batch."""
    targets, mask = gather(target, rows)
    inputs = np.full_like(targets, BOS)
    inputs[:, 1:] = np.where(mask[:, 1:], targets[:, :-1], PAD)
    return Batch(*gather(source, rows), inputs, targets, mask)


def batches_of_like_length(source, target, rows, size):
    """A function that draws a training batch: rng -> data.Batch.

    The pairs are sorted by length and cut into buckets. A batch comes from one bucket, each bucket with the
    chance of its share, each pair with the same one: there is hardly any padding, and no pair is favoured.
    Draws are independent, so that the generator's state is all there is to know of how far a run has come.
    """
    order = rows[np.lexsort((source.lengths[rows], target.lengths[rows]))]
    buckets = np.array_split(order, max(len(order) // (BUCKET * size), 1))
    ends = np.cumsum([len(bucket) for bucket in buckets])

    def draw(rng):
        bucket = buckets[np.searchsorted(ends, rng.integers(len(order)), side="right")]
        return make_batch(source, target, rng.choice(bucket, min(size, len(order))))

    return draw


# ---- evaluation --------------------------------------------------------------------------------------------


def evaluation_batches(source, target, rows, config):
    """Held-out pairs as batches of like length, small enough that their logits fit into the memory."""
    rows = rows[:MOST_EVALUATED]
    rows = rows[np.lexsort((source.lengths[rows], target.lengths[rows]))]
    longest = int(target.lengths[rows].max()) + 1
    size = int(np.clip(LOGITS // (config.target_vocabulary * longest), 1, EVALUATED))
    return [make_batch(source, target, rows[k : k + size]) for k in range(0, len(rows), size)]


def mean_loss(params, config, batches):
    """Loss over several batches, in nats per target token."""
    total = count = 0
    for batch in batches:
        logits, _, _ = seq2seq_forward(batch, params, config)
        tokens = int(batch.target_mask.sum())
        total += tokens * float(cross_entropy_forward(logits, batch.targets, batch.target_mask)[0])
        count += tokens
    return total / count
