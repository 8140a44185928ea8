"""Chapter 11a. Data: symbols to ids, sequences to padded arrays with masks.

Before this: nothing. After it: tasks.py.

Letters: B batch, S source length, T target length, both of the longest sequence of the batch and with its
EOS. A symbol is any string: a letter, or a word. PAD fills up, BOS begins what the decoder is told, EOS ends a
sequence, UNK stands for an unknown symbol.

    source          c a t EOS PAD       mask  True at c a t EOS
    inputs      BOS t a c               what the decoder is told
    targets         t a c EOS           what it should say, one step later

Every source ends with EOS, so that even an empty one is something to read.

Not here: where the pairs come from (tasks.py).
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

PAD, BOS, EOS, UNK = 0, 1, 2, 3
SPECIALS = ("<pad>", "<bos>", "<eos>", "<unk>")


class Vocabulary:
    """Symbols and their ids; ids 0–3 are PAD, BOS, EOS and UNK. Does not change once made.

    Args:
        symbols: the distinct symbols, in the order of their ids.
    Raises:
        ValueError: a symbol that occurs twice or is one of the special ones.
    """

    def __init__(self, symbols: Iterable[str]):
        self.symbols = (*SPECIALS, *symbols)
        ids = {symbol: k for k, symbol in enumerate(self.symbols)}
        self.ids = {symbol: k for symbol, k in ids.items() if k > UNK}  # a special token is never data
        if len(ids) < len(self.symbols):
            twice = next(s for k, s in enumerate(self.symbols) if ids[s] != k)
            needs = f"a vocabulary needs distinct symbols other than {SPECIALS}"
            raise ValueError(f"symbol {twice!r} occurs twice; {needs}")

    def __len__(self):
        return len(self.symbols)

    def encode(self, sequence: Iterable[str], unk: bool = False, where: str = "the input") -> list[int]:
        """Ids of a sequence of symbols, without BOS and EOS.

        Args:
            unk:   take UNK for an unknown symbol instead of raising.
            where: what to call the sequence in the error.
        Raises:
            ValueError: an unknown symbol, unless unk.
        """
        if unk:
            return [self.ids.get(symbol, UNK) for symbol in sequence]
        try:
            return [self.ids[symbol] for symbol in sequence]
        except KeyError as error:
            raise ValueError(
                f"token {error.args[0]!r} of {where} is not in the vocabulary ({len(self)} symbols); "
                "pass unk=True to read it as unknown, or build the vocabulary from this data"
            ) from None

    def decode(self, ids: Iterable[int]) -> list[str]:
        """Symbols of a row of ids, up to its EOS; PAD and BOS are left out. Raises ValueError on an unknown id."""
        symbols = []
        for k in ids:
            if not 0 <= k < len(self):
                raise ValueError(f"there is no id {k}; the vocabulary has ids 0 to {len(self) - 1}")
            if k == EOS:
                break
            if k not in (PAD, BOS):
                symbols.append(self.symbols[k])
        return symbols


def build_vocabulary(sequences: Iterable[Iterable[str]]) -> Vocabulary:
    """The vocabulary of all symbols that occur, in sorted order."""
    return Vocabulary(sorted({symbol for sequence in sequences for symbol in sequence}))


def pad(sequences: Sequence[Sequence[int]]) -> tuple[np.ndarray, np.ndarray]:
    """Sequences of unequal length to one array, PAD behind each.

    Returns:
        ids:  (B, longest) integers.
        mask: (B, longest) boolean, True at a real token.
    """
    lengths = np.array([len(s) for s in sequences], int)
    mask = np.arange(lengths.max(initial=0)) < lengths[:, None]
    ids = np.full(mask.shape, PAD)
    ids[mask] = [k for sequence in sequences for k in sequence]
    return ids, mask


class Batch(NamedTuple):
    """Padded arrays of B pairs; masks are True at real tokens."""

    source: np.ndarray  # (B, S) ids, EOS at the end
    source_mask: np.ndarray  # (B, S)
    inputs: np.ndarray  # (B, T) ids, BOS at the start
    targets: np.ndarray  # (B, T) ids, EOS at the end
    target_mask: np.ndarray  # (B, T)


def make_source(sources, vocabulary, unk=False):
    """Source sequences to ids (B, S) and mask (B, S). Raises ValueError on an empty batch."""
    if isinstance(sources, str):
        raise TypeError(f"sources must be a list of sequences, got the string {sources!r}; write [{sources!r}]")
    if not len(sources):
        raise ValueError("an empty batch: at least one sequence is needed")
    encoded = [vocabulary.encode(s, unk, f"source {n}") + [EOS] for n, s in enumerate(sources)]
    return pad(encoded)


def make_batch(pairs, source_vocabulary, target_vocabulary, unk=False):
    """Pairs of sequences of symbols to a Batch.

    Args:
        pairs: list of (source, target), each a string of letters or a list of words.
        unk:   read unknown symbols as UNK.
    Raises:
        TypeError:  a string where a pair should be.
        ValueError: an empty batch; an unknown symbol, unless unk.
    """
    for pair in pairs:
        if isinstance(pair, str):
            raise TypeError(f"pairs must be a list of (source, target), got the string {pair!r} in it")
    source, source_mask = make_source([s for s, _ in pairs], source_vocabulary, unk)
    encoded = [target_vocabulary.encode(t, unk, f"target {n}") for n, (_, t) in enumerate(pairs)]
    targets, target_mask = pad([t + [EOS] for t in encoded])
    inputs, _ = pad([[BOS] + t for t in encoded])
    return Batch(source, source_mask, inputs, targets, target_mask)


def check_source(source, mask, config):
    """Raise, with what was expected and what came, unless ids and mask fit each other and the model.

    Raises:
        TypeError:  ids that are not integers, a mask that is not boolean.
        ValueError: shapes that do not fit, an empty batch, an id out of range; a row without a real token, or
            with padding before one.
    """
    _check_ids("source", source, mask, config.source_vocabulary)


def check_batch(batch, config):
    """check_source for a whole Batch: source and target, and that they belong together.

    Raises: as check_source; ValueError: inputs that do not begin with BOS.
    """
    check_source(batch.source, batch.source_mask, config)
    _check_ids("targets", batch.targets, batch.target_mask, config.target_vocabulary)
    _check_ids("inputs", batch.inputs, batch.target_mask, config.target_vocabulary)
    if len(batch.source) != len(batch.targets):
        raise ValueError(f"source has {len(batch.source)} rows and targets {len(batch.targets)}; they must be pairs")
    if (batch.inputs[:, 0] != BOS).any():
        raise ValueError("inputs must begin with BOS and stay one step behind targets; make_batch does it")


def _check_ids(name, ids, mask, size):
    if not isinstance(ids, np.ndarray) or not isinstance(mask, np.ndarray):
        raise TypeError(f"{name} and its mask must be NumPy arrays, got {type(ids).__name__} and {type(mask).__name__}")
    if ids.ndim != 2 or not len(ids):
        raise ValueError(f"{name} must be (batch, length) with at least one row, got shape {ids.shape}")
    if not np.issubdtype(ids.dtype, np.integer):
        raise TypeError(f"{name} must be integer token ids, got {ids.dtype}")
    if mask.dtype != bool:
        raise TypeError(f"the mask of {name} must be boolean (True at a real token), got {mask.dtype}")
    if mask.shape != ids.shape:
        raise ValueError(f"the mask of {name} must have its shape {ids.shape}, got {mask.shape}")
    outside = (ids < 0) | (ids >= size)
    if outside.any():
        b, t = np.argwhere(outside)[0]
        raise ValueError(f"{name}[{b}, {t}] is id {ids[b, t]}; the vocabulary has ids 0 to {size - 1}")
    empty = np.flatnonzero(~mask.any(axis=1))
    if empty.size:
        raise ValueError(f"{name} row {empty[0]} has no real token; end every sequence with EOS, the empty one too")
    if (mask[:, 1:] > mask[:, :-1]).any():
        raise ValueError(f"the mask of {name} has padding before a real token; padding comes last")


# Exercises
# 1. Sort the pairs by length before they are cut into batches. How much padding is saved, and what do you
#    lose if you forget to shuffle the batches?
# 2. Drop the source's EOS. Which inputs become impossible, and what would the encoder return for them?
# 3. Write them again: `python -m numpy_seq2seq.homework make DIR --functions make_source,make_batch`.
