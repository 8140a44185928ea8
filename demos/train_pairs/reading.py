"""Pairs of texts from a file, a source and a target on each line: read and counted. Then: corpus.py.

A symbol is a character (a code point, after NFC: é is one, however it was typed) or a word (what stands
between spaces). Spaces around a side are no part of it. Every line of the file is a pair or is counted by its
reason. A million pairs of lists of symbols would take gigabytes, so texts are kept whole.
"""

import hashlib
import itertools
import re
import unicodedata
from argparse import ArgumentTypeError
from collections import Counter
from typing import NamedTuple

import numpy as np

LEVELS = {"characters": list, "words": str.split}  # a text to its symbols
SIDES = "source", "target"
LINE = 1 << 16  # characters; no more of a line is ever held
SAY_EVERY = 100_000  # lines
NOT_UTF8 = re.compile("[\ud800-\udfff]")  # what errors="surrogateescape" makes of such a byte
UNSEEN = re.compile(  # controls that are no spaces, and what Unicode calls default ignorable; blank letters
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u202a-\u202e\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)


class LeftOut(ValueError):
    """Why a line is no pair for this training: a reason to count lines by, and where in the line."""

    def __init__(self, reason, place=""):
        super().__init__(reason + place)
        self.reason = reason


class BadLine(LeftOut):
    """A line that is no pair for any training."""


class TooManyColumns(BadLine):
    """A line with more than two columns, of which nobody chose two."""


class Pairs(NamedTuple):
    """N pairs, and what became of the other lines."""

    sides: tuple  # sources and targets, lists of N texts
    source_keys: np.ndarray  # (N,) 64-bit hashes of the sources: equal where a person sees no difference
    pair_keys: np.ndarray  # (N,) of sources with their targets
    lines: int
    left_out: Counter  # reason -> lines; N and these add up to `lines`

    def fingerprint(self):
        """A hash of all that a model can see of the pairs."""
        digest = hashlib.sha256()
        for text in itertools.chain(*self.sides):
            digest.update(f"{text}\n".encode())
        return digest.hexdigest()[:12]


# ---- reading -----------------------------------------------------------------------------------------------


def read_pairs(path, levels=("characters",) * 2, longest=50, skip_bad=False, say=None, columns=None):
    """Read a UTF-8 file of `source<TAB>target`; a BOM, ends of line of any system and blank lines do no harm.

    Args:
        levels:   (source's, target's), names of LEVELS.
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
    sides, left_out, number = ([], []), Counter(), 0
    with open_text(path) as file:
        lines = numbered_lines(file)
        for number, line in lines:
            if say is not None and number % SAY_EVERY == 0:
                say(number)
            try:
                pair = _pair(line, levels, longest, columns)
            except LeftOut as why:
                if isinstance(why, BadLine) and not skip_bad:
                    rest = lines if number == left_out["blank"] + 1 else ()
                    raise ValueError(_explained(path, number, line, why, rest)) from None
                left_out[why.reason] += 1
            else:
                for texts, text in zip(sides, pair):
                    texts.append(text)
    sources = _keys(sides[0])
    return Pairs(sides, sources, _keys(sides[1], (key.tobytes() for key in sources)), number, left_out)


def _keys(texts, before=itertools.repeat(b"")):
    """Of each text a hash of what a person sees of it, and of what is `before` it."""
    hashes = (hashlib.blake2b(seen(text).encode(), digest_size=8, key=k) for text, k in zip(texts, before))
    return np.fromiter((int.from_bytes(h.digest(), "little") for h in hashes), np.uint64)


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


def _pair(line, levels, longest, columns):
    """Source and target of a line. Raises LeftOut."""
    if is_cut(line):
        _refuse_nul(line)
        raise LeftOut(f"longer than {LINE:,} characters")
    pair = _two_sides([side.strip() for side in checked(line).split("\t")], columns)
    for name, text in zip(SIDES, pair):
        if not text or UNSEEN.match(text) and not seen(text):  # most sides begin with what is seen
            raise BadLine(f"an empty {name}")
    for name, level, text in zip(SIDES, levels, pair):
        if len(LEVELS[level](text)) > longest:
            raise LeftOut(f"{name} longer than {longest} {level}")
    return pair


def _two_sides(found, columns):
    """The two columns that are meant."""
    if found == [""]:
        raise LeftOut("blank")
    if len(found) == 1:
        raise BadLine("no tab between source and target")
    if columns is None and len(found) > 2:
        raise TooManyColumns(f"{len(found)} columns in place of 2; --columns 1,2 takes the first two")
    if columns is not None and len(found) < max(columns):
        raise BadLine(f"{len(found)} columns, and --columns asks for number {max(columns)}")
    return [found[k - 1] for k in columns or (1, 2)]


def _explained(path, number, line, bad, rest):
    """One line about the first bad line; rest: the lines behind it, if only blank ones came before it."""
    count = line.count("\t") + 1
    alike = isinstance(bad, TooManyColumns) and rest
    if alike and all(row.count("\t") + 1 == count for _, row in rest if row.strip()):
        first = " | ".join(column.strip()[:20] for column in line.split("\t")[:5])
        choose = f"choose the source's and the target's, such as --columns 1,2 (line {number}: {first})"
        return f"{path}: every line has {count} columns in place of 2; {choose}"
    return f"{path}, line {number}: {bad}; --skip-bad leaves such lines out"
