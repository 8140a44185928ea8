"""Homework: chance. What is drawn at random is right if its means and covariances over many draws are.

Before this: trial.py. After it: check.py. A student's tree holds a copy.

Not here: functions that hand a generator on: they have to do with it what the teacher's do (check.py).
"""

import numpy as np

from .compare import compared, leaves
from .trial import arguments, run

DRAWS, NUMBERS, SIGMAS = 300, 60, 5


def moments(function, call, center=None):
    """Of what is drawn: means and variances of its numbers, of their products about a centre, and of two sums
    of all: its square grows with their correlation, that of fourth powers with the length of the tails.
    """
    rows = np.array([_numbers(run(function, None, call, arguments(call, seed))) for seed in range(DRAWS)])
    about = rows - (rows.mean(axis=0) if center is None else center)
    squares = (rows**2).sum(axis=1, keepdims=True)  # of all numbers together: it varies least
    products = (about[:, :, None] * about[:, None]).reshape(DRAWS, -1)
    total, tails = about.sum(axis=1, keepdims=True) ** 2, (about**4).sum(axis=1, keepdims=True)
    drawn = np.concatenate([rows, squares, products, total, tails], axis=1)
    return drawn.mean(axis=0), drawn.var(axis=0)


def _numbers(tree):
    """NUMBERS of a tree: floats as they are, few integers as zeros and ones, letters by their codes."""
    found = []
    for _, value in leaves(tree):
        a = np.array([*value.encode().ljust(8)]) / 99.0 if isinstance(value, str) else np.asarray(value)
        few = a.dtype.kind != "f" and a.size <= 5
        found.append((a.ravel()[:, None] == np.arange(10)).ravel() if few else a.ravel())
    return np.concatenate([*found, np.zeros(NUMBERS)])[:NUMBERS].astype(float)


def drawn_otherwise(function, call, same):
    """Lines that say how the draws differ from the right ones; none where they do not.

    Args:
        same: the call gave the teacher's numbers. Then only this is checked, that they come from rng.
    """
    if not call.moments:
        return []
    once, *others = (run(function, None, call, arguments(call)) for _ in range(9))  # two can agree by chance
    if any(compared(again, once, call) for again in others):
        return ["  the same generator gives other numbers: draw from rng, and from nothing else"]
    if same:
        return []
    mean, var = call.moments
    m, v = moments(function, call, mean[:NUMBERS])
    wrong = ~(np.abs(m - mean) - SIGMAS * np.sqrt((v + var) / DRAWS) <= 1e-4)
    where = "means" if wrong[:NUMBERS].any() else "covariances"
    return [f"  drawn {DRAWS} times, its {where} are not the right ones"] * int(wrong.any())
