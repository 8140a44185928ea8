"""Pairs of texts from a file, `source<TAB>target` on each line: read and counted. Then: corpus.py.

A million pairs of Python strings would take gigabytes. Here each side is one array of symbol numbers with an
array of offsets: pair n's source is `ids[offsets[n] : offsets[n + 1]]`.

A symbol is a character (a code point, after NFC: é is one, however it was typed) or a word (what stands
between spaces). Spaces around a side are no part of it. Every line of the file is a pair or is counted by its
reason.
"""

import codecs
import hashlib
import unicodedata
from array import array
from collections import Counter
from typing import NamedTuple

import numpy as np

LEVELS = {"characters": str, "words": str.split}  # a text to its symbols
LINE_BYTES = 1 << 16  # no more of a line is ever held
SAY_EVERY = 100_000  # lines


class BadLine(ValueError):
    """What is wrong with a line: its kind, and where in the line."""

    def __init__(self, kind, place=""):
        super().__init__(kind + place)
        self.kind = kind


class Side(NamedTuple):
    """All sources, or all targets."""

    ids: np.ndarray  # of all N texts, one behind the other
    offsets: np.ndarray  # (N + 1,)
    symbols: list | tuple  # what the ids stand for

    @property
    def lengths(self):
        return np.diff(self.offsets)


class Pairs(NamedTuple):
    """N pairs, and what became of the other lines."""

    source: Side
    target: Side
    source_keys: np.ndarray  # (N,) 64-bit hashes of the sources: equal where they are
    pair_keys: np.ndarray  # (N,) of sources with their targets
    lines: int
    left_out: Counter  # reason -> lines; N and these add up to `lines`


# ---- reading -----------------------------------------------------------------------------------------------


def read_pairs(path, level="characters", longest=50, skip_bad=False, say=None):
    """Read a UTF-8 file of `source<TAB>target`; a BOM, CRLF and blank lines do no harm.

    Args:
        level:    a name of LEVELS.
        longest:  most symbols of a source or target; longer pairs are left out and counted.
        skip_bad: leave a line out that is no pair, and count it, instead of raising.
        say:      called with the number of lines, now and then.
    Returns:
        Pairs.
    Raises:
        ValueError: a line that is not UTF-8, has a NUL byte, no tab or several, or an empty side.
        OSError:    a file that cannot be read.
    """
    source, target, left_out, number = _Texts(), _Texts(), Counter(), 0
    with open(path, "rb") as file:
        for number, raw in numbered_lines(file):
            if say is not None and number % SAY_EVERY == 0:
                say(number)
            try:
                texts = _two_sides(raw)
            except BadLine as bad:
                if not skip_bad:
                    advice = "--skip-bad leaves such lines out"
                    raise ValueError(f"{path}, line {number}: {bad}; {advice}") from None
                left_out[bad.kind] += 1
                continue
            sides = [LEVELS[level](text) for text in texts or ()]
            reason = _too_long(raw, sides, level, longest)
            if reason:
                left_out[reason] += 1
            else:
                key = source.add(sides[0])
                target.add(sides[1], key)
    return Pairs(source.side(), target.side(), source.hashed(), target.hashed(), number, left_out)


def numbered_lines(file):
    """(number, bytes) of every line; of one longer than LINE_BYTES its beginning, without an end of line."""
    number = 0
    while raw := file.readline(LINE_BYTES):
        number += 1
        yield number, raw.removeprefix(codecs.BOM_UTF8) if number == 1 else raw
        while is_cut(raw):
            raw = file.readline(LINE_BYTES)


def is_cut(raw):
    """Whether this is only the beginning of a line."""
    return len(raw) >= LINE_BYTES - len(codecs.BOM_UTF8) and not raw.endswith(b"\n")


def decode(raw):
    """A line's bytes as text in NFC. Raises BadLine."""
    _refuse_nul(raw)
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        raise BadLine("not UTF-8", f" (byte 0x{raw[error.start]:02x} at place {error.start + 1})") from None
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def _refuse_nul(raw):
    if b"\0" in raw:
        utf16 = raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        raise BadLine("a NUL byte", " (the file is UTF-16; save it as UTF-8)" if utf16 else "")


def _two_sides(raw):
    """Source and target of a line; None for a blank one, or one of which there is only the beginning."""
    if is_cut(raw):
        _refuse_nul(raw)
        return None
    sides = [side.strip() for side in decode(raw).split("\t")]
    if sides == [""]:
        return None
    if len(sides) != 2:
        raise BadLine("no tab between source and target" if len(sides) == 1 else "more than one tab")
    for name, side in zip(("source", "target"), sides):
        if not side:
            raise BadLine(f"an empty {name}")
    return sides


def _too_long(raw, sides, level, longest):
    """Why a line that is not bad is no pair for this training, or None."""
    if not sides:
        return f"longer than {LINE_BYTES:,} bytes" if is_cut(raw) else "blank"
    for name, side in zip(("source", "target"), sides):
        if len(side) > longest:
            return f"{name} longer than {longest} {level}"
    return None


class _Texts:
    """A Side that grows; ids in the order in which symbols first occur."""

    def __init__(self):
        self.known, self.ids, self.offsets, self.keys = _Numbers(), array("I"), array("Q", [0]), array("Q")

    def add(self, symbols, before=b""):
        """Append a text; returns its hash, which covers `before` too."""
        self.ids.extend(map(self.known.__getitem__, symbols))
        self.offsets.append(len(self.ids))
        text = symbols if isinstance(symbols, str) else " ".join(symbols)
        key = hashlib.blake2b(text.encode(), digest_size=8, key=before).digest()
        self.keys.frombytes(key)
        return key

    def side(self):
        return Side(np.array(self.ids, np.uint32), np.array(self.offsets, np.int64), list(self.known))

    def hashed(self):
        return np.array(self.keys, np.uint64)


class _Numbers(dict):
    """symbol -> its number; a new symbol gets the next one."""

    def __missing__(self, symbol):
        self[symbol] = number = len(self)
        return number
