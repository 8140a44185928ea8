"""Pairs of texts from a file, a source and a target on each line: read and counted. Then: corpus.py.

A million pairs of Python strings would take gigabytes. Here each side is one array of symbol numbers with an
array of offsets: pair n's source is `ids[offsets[n] : offsets[n + 1]]`.

A symbol is a character (a code point, after NFC: é is one, however it was typed) or a word (what stands
between spaces). Spaces around a side are no part of it. Every line of the file is a pair or is counted by its
reason.
"""

import hashlib
import re
import unicodedata
from argparse import ArgumentTypeError
from array import array
from collections import Counter
from typing import NamedTuple

import numpy as np

LEVELS = {"characters": str, "words": str.split}  # a text to its symbols
LINE = 1 << 16  # characters; no more of a line is ever held
SAY_EVERY = 100_000  # lines
NOT_UTF8 = re.compile("[\ud800-\udfff]")  # what errors="surrogateescape" makes of such a byte
UNSEEN = re.compile(  # controls that are no spaces, and what Unicode calls default ignorable; blank letters
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u202a-\u202e\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)


class BadLine(ValueError):
    """What is wrong with a line: its kind, and where in the line; whether it is the number of columns."""

    def __init__(self, kind, place="", columns=False):
        super().__init__(kind + place)
        self.kind, self.columns = kind, columns


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
    source_keys: np.ndarray  # (N,) 64-bit hashes of the sources: equal where a person sees no difference
    pair_keys: np.ndarray  # (N,) of sources with their targets
    lines: int
    left_out: Counter  # reason -> lines; N and these add up to `lines`

    def fingerprint(self):
        """A hash of all that a model can see of the pairs."""
        digest = hashlib.sha256()
        for side in (self.source, self.target):
            for part in (side.ids, side.offsets, "\n".join(side.symbols).encode()):
                digest.update(part)
        return digest.hexdigest()[:12]


# ---- reading -----------------------------------------------------------------------------------------------


def read_pairs(
    path, level="characters", longest=50, skip_bad=False, say=None, target_level=None, columns=None
):
    """Read a UTF-8 file of `source<TAB>target`; a BOM, ends of line of any system and blank lines do no harm.

    Args:
        level:    a name of LEVELS, for both sides unless the target has its own.
        longest:  most symbols of a source or target; longer pairs are left out and counted.
        skip_bad: leave a line out that is no pair, and count it, instead of raising.
        say:      called with the number of lines, now and then.
        columns:  (source's, target's), from 1, where a line has more than two.
    Returns:
        Pairs.
    Raises:
        ValueError: a line that is not UTF-8, has a NUL byte, other than two columns, or an empty side.
        OSError:    a file that cannot be read.
    """
    source, target, left_out, number = _Texts(), _Texts(), Counter(), 0
    levels = level, target_level or level
    with open_text(path) as file:
        lines = numbered_lines(file)
        for number, line in lines:
            if say is not None and number % SAY_EVERY == 0:
                say(number)
            try:
                sides = _two_sides(line, columns)
            except BadLine as bad:
                if not skip_bad:
                    nothing_before = number == left_out["blank"] + 1
                    raise ValueError(
                        _explained(path, number, line, bad, lines if nothing_before else ())
                    ) from None
                left_out[bad.kind] += 1
                continue
            symbols = [LEVELS[name](side) for name, side in zip(levels, sides or ())]
            reason = _too_long(line, symbols, levels, longest)
            if reason:
                left_out[reason] += 1
            else:
                target.add(symbols[1], sides[1], source.add(symbols[0], sides[0]))
    return Pairs(source.side(), target.side(), source.hashed(), target.hashed(), number, left_out)


def two_columns(chosen):
    """'1,3' to (1, 3). Raises ArgumentTypeError."""
    if not re.fullmatch("[1-9][0-9]{0,3},[1-9][0-9]{0,3}", chosen):
        raise ArgumentTypeError(f"must be two numbers from 1 on, as in 1,3; got {chosen[:20]!r}")
    return tuple(map(int, chosen.split(",")))


def open_text(path):
    """A text file whose lines end in any system's way, and that may hold anything; see `checked`."""
    return open(path, encoding="utf-8-sig", errors="surrogateescape")


def numbered_lines(file):
    """(number, text) of every line; of one longer than LINE its beginning, without an end of line."""
    number = 0
    while line := file.readline(LINE):
        number += 1
        yield number, line
        while is_cut(line):
            line = file.readline(LINE)


def is_cut(line):
    """Whether this is only the beginning of a line."""
    return len(line) >= LINE and not line.endswith("\n")


def checked(line):
    """A line in NFC. Raises BadLine if it is not UTF-8 or has a NUL byte."""
    _refuse_nul(line)
    if odd := NOT_UTF8.search(line):
        raise BadLine("not UTF-8", f" (byte 0x{ord(odd[0]) & 0xFF:02x} at place {odd.start() + 1})")
    return unicodedata.normalize("NFC", line)


def _refuse_nul(line):
    if "\0" in line:
        utf16 = line.startswith(("\udcff\udcfe", "\udcfe\udcff"))
        raise BadLine("a NUL byte", " (the file is UTF-16; save it as UTF-8)" if utf16 else "")


def seen(text):
    """A text as a person sees it: without invisible characters, one space for any, no fullwidth forms (NFKC).

    >>> seen("fi\\u00adne\\u00a0 day\\u200b")
    'fine day'
    """
    if not (text.isascii() and text.isprintable()):
        text = UNSEEN.sub("", unicodedata.normalize("NFKC", text))
    return " ".join(text.split())


def _two_sides(line, columns):
    """Source and target of a line; None for a blank one, or one of which there is only the beginning."""
    if is_cut(line):
        _refuse_nul(line)
        return None
    sides = [side.strip() for side in checked(line).split("\t")]
    if sides == [""]:
        return None
    if len(sides) == 1:
        raise BadLine("no tab between source and target")
    if columns is None and len(sides) > 2:
        advice = "--columns 1,2 takes the first two"
        raise BadLine(f"{len(sides)} columns in place of 2; {advice}", columns=True)
    if columns is not None and len(sides) < max(columns):
        raise BadLine(f"{len(sides)} columns, and --columns asks for number {max(columns)}")
    sides = [sides[k - 1] for k in columns or (1, 2)]
    for name, side in zip(("source", "target"), sides):
        if not side or UNSEEN.match(side) and not seen(side):  # most sides begin with what is seen
            raise BadLine(f"an empty {name}")
    return sides


def _explained(path, number, line, bad, rest):
    """One line about the first bad line; rest: the lines behind it, if only blank ones came before it."""
    count = line.count("\t") + 1
    if bad.columns and rest and all(row.count("\t") + 1 == count for _, row in rest if row.strip()):
        first = " | ".join(column.strip()[:20] for column in line.split("\t")[:5])
        choose = f"choose the source's and the target's, such as --columns 1,2 (line {number}: {first})"
        return f"{path}: every line has {count} columns in place of 2; {choose}"
    return f"{path}, line {number}: {bad}; --skip-bad leaves such lines out"


def _too_long(line, symbols, levels, longest):
    """Why a line that is not bad is no pair for this training, or None."""
    if not symbols:
        return f"longer than {LINE:,} characters" if is_cut(line) else "blank"
    for name, level, side in zip(("source", "target"), levels, symbols):
        if len(side) > longest:
            return f"{name} longer than {longest} {level}"
    return None


class _Texts:
    """A Side that grows; ids in the order in which symbols first occur."""

    def __init__(self):
        self.known, self.ids, self.offsets, self.keys = _Numbers(), array("I"), array("Q", [0]), array("Q")

    def add(self, symbols, text, before=b""):
        """Append a text; returns the hash of what is seen of it, which covers `before` too."""
        self.ids.extend(map(self.known.__getitem__, symbols))
        self.offsets.append(len(self.ids))
        key = hashlib.blake2b(seen(text).encode(), digest_size=8, key=before).digest()
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
