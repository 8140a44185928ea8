"""Chapter: data. Symbols to ids, sequences to padded arrays with masks.

Before this: nothing but the picture in __init__.py. After it: tasks.py.

Notation: B batch; S, T the length of the longest source and target of the batch, EOS counted. A symbol is any
string: a letter, or a word. PAD fills up, BOS begins what the decoder is told, EOS ends a sequence, UNK
stands for an unknown symbol.

    source          c    a    t    EOS  PAD
    mask            True True True True False

    inputs      BOS t   a   c               what the decoder is told
                   ╱   ╱   ╱
    targets      t   a   c   EOS            what it should say: each is the next input; EOS at the end

The decoder is the part that writes the target, one token at each step. In training it is told at each step
the *right* token of the step before, even if it would have said another one. This is **teacher forcing**, and
shifting the targets by one place does it.
Every source ends with EOS, so even an empty one has a token, and no row is padding alone.

    >>> letters = build_vocabulary(["cat"])
    >>> letters.symbols
    ('<pad>', '<bos>', '<eos>', '<unk>', 'a', 'c', 't')
    >>> batch = make_batch([("cat", "tac"), ("a", "a")], letters, letters)
    >>> batch.source
    array([[5, 4, 6, 2],
           [4, 2, 0, 0]])
    >>> batch.source_mask[1]
    array([ True,  True, False, False])
    >>> batch.inputs
    array([[1, 6, 4, 5],
           [1, 4, 0, 0]])
    >>> batch.targets
    array([[6, 4, 5, 2],
           [4, 2, 0, 0]])
    >>> letters.decode(batch.targets[0])
    ['t', 'a', 'c']
    >>> letters.encode("cut", unk=True)
    [5, 3, 6]

Not here: where the pairs come from (tasks.py).
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from .checks import check_config, check_ids, listed, shown

PAD, BOS, EOS, UNK = 0, 1, 2, 3
SPECIALS = ("<pad>", "<bos>", "<eos>", "<unk>")


class Vocabulary:
    """Symbols and their ids; ids 0–3 are PAD, BOS, EOS and UNK. A vocabulary never changes.

    Args:
        symbols: the distinct symbols, in the order of their ids.
    Raises:
        TypeError:  a symbol that is no string.
        ValueError: a symbol that occurs twice or is one of the special ones.
    """

    def __init__(self, symbols: Iterable[str]):
        self.symbols = (*SPECIALS, *map(_text, listed(symbols, "symbols")))
        ids = {symbol: k for k, symbol in enumerate(self.symbols)}  # of equal symbols the last one's id wins
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
            TypeError:  no sequence, or one of something else than strings; unk neither True nor False.
            ValueError: an unknown symbol, unless unk.
        """
        sequence = listed(sequence, where)
        if not isinstance(unk, bool):  # such as a second vocabulary
            raise TypeError(f"unk must be True or False, got {shown(unk)}")
        if unk:
            return [self.ids.get(_text(symbol, f"the tokens of {where}"), UNK) for symbol in sequence]
        try:
            return [self.ids[symbol] for symbol in sequence]
        except TypeError:  # such as a list in it
            raise TypeError(f"the tokens of {where} must be strings, got {shown(sequence)}") from None
        except KeyError as error:
            raise ValueError(
                f"token {error.args[0]!r} of {where} is not in the vocabulary ({len(self)} symbols); "
                "pass unk=True to read it as unknown, or build the vocabulary from this data"
            ) from None

    def decode(self, ids: Iterable[int]) -> list[str]:
        """Symbols of a row of ids, up to its EOS; PAD and BOS are left out.

        Raises:
            TypeError:  ids that are no row of integers.
            ValueError: an unknown id.
        """
        symbols = []
        for k in listed(ids, "ids"):
            if not isinstance(k, (int, np.integer)):
                raise TypeError(f"ids must be a row of integers, got {shown(k)} in it")
            if not 0 <= k < len(self):
                raise ValueError(f"there is no id {k}; the vocabulary has ids 0 to {len(self) - 1}")
            if k == EOS:
                break
            if k not in (PAD, BOS):
                symbols.append(self.symbols[k])
        return symbols


def build_vocabulary(sequences: Iterable[Iterable[str]]) -> Vocabulary:
    """The vocabulary of all symbols that occur, in sorted order."""
    sequences = (listed(sequence, "each sequence") for sequence in listed(sequences, "sequences"))
    return Vocabulary(sorted({_text(symbol) for sequence in sequences for symbol in sequence}))


def _text(symbol, what="the symbols of a vocabulary"):
    if not isinstance(symbol, str):
        raise TypeError(f"{what} must be strings, got {shown(symbol)}")
    return symbol


def pad(sequences):
    """Sequences of unequal length to one array, PAD behind each.

    Returns:
        ids:  (B, longest) integers.
        mask: (B, longest) boolean, True at a real token.
    """
    lengths = np.array([len(s) for s in sequences], int)
    mask = np.arange(lengths.max(initial=0)) < lengths[:, None]  # row n: its first lengths[n] places
    ids = np.full(mask.shape, PAD)
    ids[mask] = [k for sequence in sequences for k in sequence]  # row by row, only the real places
    return ids, mask


class Batch(NamedTuple):
    """Padded arrays of B pairs; masks are True at real tokens."""

    source: np.ndarray  # (B, S) ids, EOS at the end
    source_mask: np.ndarray  # (B, S)
    inputs: np.ndarray  # (B, T) ids, BOS at the start
    targets: np.ndarray  # (B, T) ids, EOS at the end
    target_mask: np.ndarray  # (B, T)


def make_source(sources: Iterable[Iterable[str]], vocabulary: Vocabulary,
                unk: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Source sequences to padded ids, each with its EOS.

    Args:
        sources: sequences of symbols, each a string of letters or a list of words.
        unk:     read unknown symbols as UNK.
    Returns:
        ids:     (B, S), EOS at the end.
        mask:    (B, S) boolean, True at a real token.
    Raises:
        TypeError:  a string where sequences should be.
        ValueError: an empty batch; an unknown symbol, unless unk.
    """
    if isinstance(sources, str):
        raise TypeError(f"sources must be a list of sequences, got one string; write [{shown(sources)}]")
    _check_vocabulary(vocabulary)
    return pad([s + [EOS] for s in _encoded("source", sources, vocabulary, unk)])


def make_batch(pairs: Iterable[tuple], source_vocabulary: Vocabulary, target_vocabulary: Vocabulary,
               unk: bool = False) -> Batch:
    """Pairs of sequences of symbols to a Batch.

    Args:
        pairs: (source, target) pairs, each side a string of letters or a list of words.
        unk:   read unknown symbols as UNK.
    Raises:
        TypeError:  something else where a pair should be.
        ValueError: an empty batch; a pair that has not two parts; an unknown symbol, unless unk.
    """
    _check_vocabulary(source_vocabulary)
    _check_vocabulary(target_vocabulary)
    pairs = listed(pairs, "pairs")
    for n, pair in enumerate(pairs):
        if not isinstance(pair, (tuple, list)):
            raise TypeError(f"pairs must be a list of (source, target), got {shown(pair)} in it")
        if len(pair) != 2:
            raise ValueError(f"pair {n} must be (source, target), got {len(pair)} parts: {shown(pair)}")
    source, source_mask = make_source([s for s, _ in pairs], source_vocabulary, unk)
    encoded = _encoded("target", [t for _, t in pairs], target_vocabulary, unk)
    targets, target_mask = pad([t + [EOS] for t in encoded])
    inputs, _ = pad([[BOS] + t for t in encoded])  # as long as the targets: the mask is the same
    return Batch(source, source_mask, inputs, targets, target_mask)


def _encoded(side, sequences, vocabulary, unk):
    """The ids of each sequence, without BOS and EOS."""
    sequences = listed(sequences, f"{side}s")
    if not sequences:
        raise ValueError("an empty batch: at least one sequence is needed")
    return [vocabulary.encode(s, unk, f"{side} {n}") for n, s in enumerate(sequences)]


def check_source(source, mask, config):
    """Raise unless ids and mask fit each other and the model. (Skip this on first reading.)

    Raises:
        TypeError:  ids that are not integers, a mask that is not boolean, no Config.
        ValueError: shapes that do not fit, an empty batch, an id out of range; a row without a real token, or
            with padding before one; PAD at a place that the mask calls real.
    """
    check_config(config)
    check_ids("source", source, mask, config.source_vocabulary, PAD)


def check_batch(batch, config):
    """check_source for a whole Batch: source and target, and that they belong together.

    Raises: as check_source; TypeError: no Batch; ValueError: inputs that do not begin with BOS.
    """
    if not isinstance(batch, Batch):
        raise TypeError(f"a batch must be one Batch, as make_batch(pairs, …) makes it; got {shown(batch)}")
    check_source(batch.source, batch.source_mask, config)
    check_ids("targets", batch.targets, batch.target_mask, config.target_vocabulary, PAD)
    check_ids("inputs", batch.inputs, batch.target_mask, config.target_vocabulary, PAD)
    if len(batch.source) != len(batch.targets):
        rows = f"source has {len(batch.source)} rows and targets {len(batch.targets)}"
        raise ValueError(f"{rows}; they must be pairs")
    if (batch.inputs[:, 0] != BOS).any():
        raise ValueError("inputs must begin with BOS and stay one step behind targets; make_batch does it")


def _check_vocabulary(vocabulary):
    if not isinstance(vocabulary, Vocabulary):
        raise TypeError(f"a vocabulary must be one of build_vocabulary's, got {shown(vocabulary)}")


# Exercises
# 1. Sort the pairs by length before they are cut into batches. How much padding is saved, and what do you
#    lose if you forget to shuffle the batches?
# 2. Drop the source's EOS. Which inputs become impossible, and what would the encoder return for them?
# 3. Write them again: `python -m numpy_seq2seq.homework make DIR --functions make_source,make_batch`.
