"""Homework: a trial. One call of a function, made as the teacher's was.

Before this: compare.py. After it: chance.py. A student's tree holds a copy.

Not here: whether what it returns is right (check.py).
"""

import contextlib
import copy
from typing import NamedTuple

import numpy as np

from ..gradcheck_numeric import floats
from .compare import compared, described

RNG = np.random.default_rng  # among the arguments it stands for a generator


class Wrong(AssertionError):
    """What a function does not do as it should; how many of its outputs are right in every call."""

    def __init__(self, said, right=0, of=1):
        super().__init__(said)
        self.right, self.of = right, of


class Call(NamedTuple):
    """One call of a function, and what is right."""

    name: str
    label: str
    args: dict  # {parameter: value}; of a backward those of its forward
    positional: int  # so many of them; the others by name
    tolerance: float  # × the largest entry of an array
    gates: str = ""
    answer: object = None  # {output: value}, or the class of an exception
    upstream: dict | None = None  # of a backward: {which output: its gradient}
    behind: tuple = ()  # of a backward: its arguments behind the cache
    written: dict = {}  # {path: value} of what is written in place
    matters: frozenset = frozenset()  # paths of arguments that change the answer
    moments: tuple | None = None  # of what is drawn at random; () where other calls have them


def arguments(call, seed=0):
    """Arguments of its own for each call."""
    return {k: RNG(seed) if value is RNG else copy.deepcopy(value) for k, value in call.args.items()}


def protect(arrays):
    """Nothing can be written into these arrays, {path: array}, any more."""
    for a in arrays.values():
        if isinstance(a, np.ndarray):
            a.flags.writeable = False


def run(function, forward, call, args):
    """What the function returns, as {output: value}. A backward is asked twice."""
    if not call.upstream:
        return _named(call, called(function, call, args))
    cache = called(forward, call, args)[-1]
    call_again(forward, call)
    upstream, behind = copy.deepcopy(([*call.upstream.values()], call.behind))
    protect(floats([upstream, behind]))
    result, again = (_named(call, function(*upstream, cache, *behind)) for _ in range(2))
    if compared(again, result, call):
        raise Wrong(f"{call.name} called twice gives two answers: does it change its cache?")
    return result


def call_again(function, call):
    """Call it with other numbers. What a call returned before, and its cache, must not change by it."""
    args = arguments(call, seed=1)
    for a in floats(args).values():
        a *= 1.1
    with contextlib.suppress(Exception):
        called(function, call, args)


def called(function, call, args):
    """The function with these arguments."""
    items = list(args.items())
    return function(*(a for _, a in items[: call.positional]), **dict(items[call.positional :]))


def outputs(name, result):
    """What was returned, one by one, without the cache of a forward."""
    parts = result if type(result) is tuple else (result,)
    return parts[:-1] if name.endswith("_forward") else parts


def _named(call, result):
    """What was returned, under the names of the answer."""
    parts, names = outputs(call.name, result), [*call.answer] if isinstance(call.answer, dict) else []
    if result is None and names and call.answer[names[0]] is not None:
        raise NotImplementedError(f"{call.name} returns nothing")
    if names and len(parts) != len(names):
        wanted = ", ".join(names + ["cache"] * call.name.endswith("_forward"))
        raise Wrong(f"{call.name} must return {wanted}; it returns {described(result)}, with {call.label}")
    if call.name.endswith("_init") and len({id(a) for a in floats(parts).values()}) < len(floats(parts)):
        raise Wrong(f"{call.name} returns one array in two places, and one would be written with the other")
    return dict(zip(names or range(len(parts)), parts))
