"""Appendix: showing. Maps, bars and tables as text.

Before this: generate.py. Used by the demos; no chapter needs it.

Notation: T output tokens (down), S source tokens (across). Every function returns a string; nothing here
prints. Padding is never drawn: callers hand over the real part of a map only.

A worked example. The first output token looks at the second source token, the second one at both:

    >>> print(attention_map([[0.0, 1.0], [0.5, 0.5]], ["the", "cat"], ["chat", "le"]))
          the cat
    chat │    ████│
    le   │▒▒▒▒▒▒▒▒│
    >>> print(writable("le   │▒▒▒▒▒▒▒▒│  ✓", "ascii"))
    le   |::::::::|  ok

Not here: figures (training.py), files and pages (the demos).
"""

import re
import shutil
import unicodedata

import numpy as np

from .checks import check_size, listed, shown

SHADES = " ░▒▓█"
EOS_SIGN = "⏎"
SIGNS = "░▒▓█▏▎▍▌▋▊▉│⏎✓✗"  # all that is drawn here
ASCII = dict(zip(f"{SIGNS}…·–←→≥≤", (*".:+#...++++|$", "ok", "--", *"._-<>", ">=", "<=")))  # and the demos'
STEERING = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
UNSEEN = "Mn", "Me", "Mc", "Cf"  # categories of marks and of invisible characters
JOINER, EMOJI_STYLE, VIRAMA = "\u200d", "\ufe0f", 9  # the last one is a combining class


def printable(line):
    """A line from elsewhere (data, names of files, a student's words) with � for each character that steers a
    terminal in place of being shown: control characters, ends of lines, overridden directions.

    >>> printable("\x1b[2Jgone")
    '�[2Jgone'
    """
    return STEERING.sub("�", line)


def writable(text, encoding):
    """The text in characters that a stream of this encoding has; each line as wide as before.

    Where one of SIGNS is missing all of them become ASCII: a map without some of its shades would be misread.
    Any other character that is missing becomes ?. The encoding None has all characters.
    """
    if not _has(encoding, SIGNS):
        text = re.sub("(?<=[✓✗]) (?= )", "", text)  # "ok" takes one column more
        text = re.sub(f"[{SIGNS}]", lambda sign: ASCII[sign[0]], text)
    if _has(encoding, text):
        return text
    return "".join(c if _has(encoding, c) else ASCII.get(c, "?" * width(c)) for c in text)


def _has(encoding, text):
    try:
        text.encode(encoding or "utf-8")
    except UnicodeEncodeError:
        return False
    return True


def width(text):
    """Columns that a text takes on a terminal.

    Wide characters take two. Marks, invisible characters, and the vowels and final consonants of a decomposed
    Hangul syllable take none. Characters that are joined (after a virama, in an emoji) take two together, and
    so does a letter with a spacing mark.

    >>> [width(text) for text in ("cat", "한글", "कुत्ता", "👩‍👩‍👧")]
    [3, 4, 3, 2]
    """
    columns, joins = [0], False
    for c in text:
        category, before = unicodedata.category(c), columns[-1]
        if c == " ":
            columns += [1, 0]  # nothing behind it joins it
        elif before and (category == "Mc" or c == EMOJI_STYLE):
            columns[-1] = 2
        elif joins and category not in UNSEEN or before == 2 and "🏻" <= c <= "🏿":
            columns[-1] = 2
        elif not (category in UNSEEN or "\u1160" <= c <= "\u11ff" or "\ud7b0" <= c <= "\ud7ff"):
            columns.append(2 if unicodedata.east_asian_width(c) in "WF" else 1)
        joined = c == JOINER and (joins or before == 2)
        joins = joined or before > 0 and unicodedata.combining(c) == VIRAMA
    return sum(columns)


def fit(text, columns, right=False):
    """The text filled up with spaces to so many columns."""
    space = " " * max(columns - width(text), 0)
    return space + text if right else text + space


def mark(right):
    """The sign behind an answer that is right, or behind one that is wrong."""
    return "✓" if right else "✗"


def shade(weight):
    """A weight in [0, 1] as one of five shades; anything above 1/16 is visible."""
    return SHADES[min(int(weight * 4 + 0.75), 4)] if weight > 1 / 16 else SHADES[0]


def attention_row(weights, columns=2):
    """One row of a map, (S,) weights, as blocks of so many columns."""
    return "".join(shade(w) * columns for w in weights)


def attention_map(weights, source, output, columns=None):
    """An attention map: the source across, the output down, dark where much weight lies.

    Args:
        weights: (T, S) for the T output and S source tokens given.
        source:  S tokens.
        output:  T tokens.
        columns: of the screen (default: those of the terminal). A wider map is cut into blocks, one below the
            other, each with some of the source tokens and all output tokens.
    Raises:
        TypeError, ValueError: weights of another shape, tokens that are no strings, no number of columns.
    """
    source, output, weights = listed(source, "source"), listed(output, "output"), np.asarray(weights)
    if not all(isinstance(token, str) for token in source + output):
        raise TypeError(f"tokens must be strings, got {shown(source)} and {shown(output)}")
    numbers = weights.dtype.kind in "fiu" and np.isfinite(weights).all()
    if weights.shape != (len(output), len(source)) or not numbers:
        wanted = f"weights must be finite numbers ({len(output)}, {len(source)}), a row for each output token"
        raise ValueError(f"{wanted}; got {weights.dtype} {weights.shape}. EOS is a token, too")
    if columns is not None:
        check_size("columns", columns)
    cell = max(2, 1 + max(map(width, source), default=0))
    margin = max(map(width, output), default=0)
    across = max(((columns or shutil.get_terminal_size().columns) - margin - 3) // cell, 1)
    blocks = []
    for k in range(0, max(len(source), 1), across):
        head = " " * (margin + 2) + "".join(fit(token, cell) for token in source[k : k + across]).rstrip()
        rows = zip(output, weights)
        rows = (f"{fit(token, margin)} │{attention_row(row[k : k + across], cell)}│" for token, row in rows)
        blocks.append("\n".join([head, *rows]))
    return "\n\n".join(blocks)


def bar(value, columns=20):
    """A share in [0, 1] as a bar, in eighths of a column."""
    eighths = round(min(max(value, 0), 1) * columns * 8)
    return "█" * (eighths // 8) + ("", *"▏▎▍▌▋▊▉")[eighths % 8]


def table(head, rows):
    """Rows of cells under their heads; every column as wide as its widest cell, the first one to the left."""
    cells = [[str(cell) for cell in row] for row in (head, *rows)]
    columns = [max(map(width, column)) for column in zip(*cells)]
    rows = ([fit(c, w, right=k > 0) for k, (c, w) in enumerate(zip(row, columns))] for row in cells)
    return "\n".join(map("  ".join, rows))


# Exercises
# 1. Draw the map of a model before training, and after every 50 steps. When does the diagonal appear?
# 2. Draw the map of the additive score instead of the dot product. Is a sharper map a better model?
