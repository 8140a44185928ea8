"""Numbers that remember how they were made: what a model has to wait for, and how far apart two tokens are.

The package's own functions run on them unchanged: in an array of objects, NumPy leaves each sum and each
product to the objects. So this is counted and not derived, one operation at a time.

Not here: gradients along these ways (demos/bottleneck/measures.py), and seconds.
"""

import math
from typing import NamedTuple

import numpy as np

from numpy_seq2seq import Config, Vocabulary, make_batch, seq2seq_init
from numpy_seq2seq.seq2seq import seq2seq_forward
from numpy_seq2seq.tasks import LETTERS, reverse

COUNTED = 5, 10, 20  # letters
SMALL = 8  # hidden size; the lengths of chains do not depend on it


class Number:
    """A number, the operations on the longest and on the shortest way to it, and a tally of all of them.

    A product, a quotient and a function of one number are operations. A sum is not counted: how long a sum of
    many numbers has to wait depends on the order, which is free.

        >>> tally = [0]
        >>> a, b = Number(2.0, near=0, tally=tally), Number(3.0, tally=tally)
        >>> c = a * (b * b).tanh()
        >>> c.far, c.near, tally        # b * b, tanh, the last product; from a to c it is one
        (3, 1, [3])

    Args:
        far:   operations that had to wait for one another: 1 + the largest of those that went in.
        near:  operations since the token that is followed: 1 + the smallest of those that went in.
        tally: a list with one count, shared by all numbers of a model.
    """

    __slots__ = ("far", "near", "tally", "value")

    def __init__(self, value, far=0, near=math.inf, tally=None):
        self.value, self.far, self.near, self.tally = value, far, near, tally

    def _made(self, value, other=None, cost=1):
        far, near = self.far, self.near
        if isinstance(other, Number):
            far, near = max(far, other.far), min(near, other.near)
        self.tally[0] += cost
        return Number(value, far + cost, near + cost, self.tally)

    def __neg__(self):
        return self._made(-self.value, cost=0)

    def __add__(self, other):
        return self._made(self.value + plain(other), other, cost=0)

    def __sub__(self, other):
        return self._made(self.value - plain(other), other, cost=0)

    def __rsub__(self, other):
        return self._made(plain(other) - self.value, other, cost=0)

    def __mul__(self, other):
        return self._made(self.value * plain(other), other)

    def __truediv__(self, other):
        return self._made(self.value / plain(other), other)

    def __rtruediv__(self, other):
        return self._made(plain(other) / self.value, other)

    def __eq__(self, other):
        return self.value == plain(other)

    def __gt__(self, other):
        return self.value > plain(other)

    def __ge__(self, other):
        return self.value >= plain(other)

    def __le__(self, other):  # also what -inf >= a Number asks
        return self.value <= plain(other)

    def exp(self):
        return self._made(math.exp(self.value))

    def tanh(self):
        return self._made(math.tanh(self.value))

    def sqrt(self):
        return self._made(math.sqrt(self.value))

    __radd__, __rmul__ = __add__, __mul__


def plain(number):
    """The value of a Number; any other number as it is."""
    return number.value if isinstance(number, Number) else number


class Chain(NamedTuple):
    """What one string asks of a model, with teacher forcing."""

    in_a_row: int  # operations that have to wait for one another, from the ids to the logits
    between: float  # operations from the first letter of the source to the output that repeats it
    each: float  # operations of all kinds, for each token of source and target


def chain(choices, count):
    """Chain of a small model while it reverses so many letters.

    Args:
        choices: of a Config.
        count:   of letters, all of them different.
    """
    letters, tally = Vocabulary(LETTERS), [0]
    config = Config(len(letters), len(letters), SMALL, SMALL, dtype="float64", **choices)
    params, batch = seq2seq_init(np.random.default_rng(0), config), _batch(letters, count)
    for layer, followed in (("source_embedding", batch.source[0, 0]), ("target_embedding", None)):
        params[layer] = {"E": _numbers(params[layer]["E"], followed, tally)}
    logits, _, _ = seq2seq_forward(batch, params, config)
    each = tally[0] / (batch.source.size + batch.targets.size)
    return Chain(max(n.far for n in logits.flat), min(n.near for n in logits[0, count - 1]), each)


def _batch(letters, count):
    source = LETTERS[:count]
    return make_batch([(source, reverse(source))], letters, letters)


def _numbers(table, followed, tally):
    """A table of embeddings as Numbers; ways are counted from the row that is followed."""
    near = [0 if row == followed else math.inf for row in range(len(table))]
    return np.array([[Number(x, 0, start, tally) for x in row] for start, row in zip(near, table.tolist())])
