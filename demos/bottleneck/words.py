"""Figures in words: one share, and what shares do from place to place.

Read before outside.py and inside.py, which say what an experiment found. Not here: any experiment.
"""

import numpy as np

from ..shared import percent

SLIGHT = 0.1  # a difference between two shares below which a sentence speaks of none
CLEAR = 0.3  # one that it may call clear
LOOSE = 0.05  # one that may be chance: 300 strings are a sample
ALIKE = 0.02  # the same, of means over many lengths


def verdict(held, every, some, none):
    """One of three sentences, by whether what was asked held every time, sometimes or never."""
    return every if all(held) else some if any(held) else none


def course(shares):
    """What shares do from the first place to the last: a verb, and how far it is true.

    Level: no two places differ by SLIGHT. Bent: the mean of the middle half lies SLIGHT below both ends, or
    above. Falling: the last lies SLIGHT below the first, and no place lies LOOSE above an earlier one; or
    some do, but less than that far, and the ranks follow the places all the same. So rising.
    """
    first, last, middle = shares[0], shares[-1], _middle(shares)
    rise, fall = _climb(shares), _climb(-shares)
    if max(rise, fall) < SLIGHT:
        return "stays about level"
    if min(first, last) - middle >= SLIGHT:
        return "bends up again"
    if middle - max(first, last) >= SLIGHT:
        return "is best in the middle"
    verb, back = ("falls", rise) if first > last else ("rises", fall)
    order = abs(rank_correlation(shares, range(len(shares))))
    if abs(first - last) < max(SLIGHT, back) or (back > LOOSE and order < 0.5):
        return "goes up and down"
    if back > LOOSE:
        return f"{verb}, with exceptions"
    return f"{verb} throughout" if order >= 0.9 else verb


def _middle(shares):
    """Mean of the middle half."""
    quarter = len(shares) // 4
    return shares[quarter : len(shares) - quarter].mean()


def _climb(shares):
    """The most by which a place lies above an earlier one."""
    return (shares - np.minimum.accumulate(shares)).max()


def along(shares):
    """Both ends; between them the worst place, or the best where the middle is better, if it lies beyond both."""
    first, last = shares[0], shares[-1]
    k = int(shares.argmin() if _middle(shares) < (first + last) / 2 else shares.argmax())
    beyond = max(min(first, last) - shares[k], shares[k] - max(first, last))
    between = f", {percent(shares[k])} at position {k + 1}" if beyond > LOOSE else ""
    return f"{percent(first)} at the first position{between}, {percent(last)} at the last"


def correlation(x, y):
    """Pearson's; 0 if one of them is constant."""
    x, y = np.ravel(x) - np.mean(x), np.ravel(y) - np.mean(y)
    size = np.sqrt((x @ x) * (y @ y))
    return float(x @ y / size) if size > 0 else 0.0


def rank_correlation(x, y):
    """Spearman's: that of the ranks, equal values sharing their mean rank; 0 if one of them is constant."""
    return correlation(_ranks(np.asarray(x)), _ranks(np.asarray(y)))


def _ranks(v):
    return (v[:, None] > v).sum(axis=1) + (v[:, None] == v).sum(axis=1) / 2
