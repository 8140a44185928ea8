"""Where the time of a step goes: a kind of array that takes the time of every NumPy call that touches it.

NumPy lets a subclass of its array see each call before it is made. So no function of the package has to be
changed, listed or written down again: a step runs as ever, on such arrays.
"""

import sys
import time
from collections import Counter
from unittest import mock

import numpy as np

KINDS = ("products", "loss and softmax", "optimiser", "other", "attention", "flop")
MADE = ("empty", "zeros", "ascontiguousarray")  # what makes plain arrays, whatever it is given


def recorder():
    """A kind of array, and a function recorded(work).

    recorded(work) is a function that does the work, which must begin with arrays of this kind, and returns
    seconds: of "products", "loss and softmax", "optimiser", "other" NumPy calls; of "attention", all those
    that the functions of attention.py make; and "flop", the multiplications and additions of the products.
    """
    spent = Counter()  # filled by call, emptied by measured

    class Recorded(np.ndarray):
        def __array_ufunc__(self, ufunc, method, *arguments, **named):
            if ufunc is not np.matmul:
                return call(getattr(ufunc, method), arguments, named)
            result = call(ufunc, arguments, named, "products")
            spent["flop"] += 2 * np.size(result) * len(arguments[0].T)
            return result

        def __array_function__(self, function, types, arguments, named):
            return call(function, arguments, named)

    def call(function, arguments, named, part=None):
        arguments, named = _viewed((arguments, named), Recorded, np.ndarray)
        started = time.perf_counter()
        result = function(*arguments, **named)
        seconds = time.perf_counter() - started
        callers = list(_callers())
        spent[part or _part(*callers[0])] += seconds
        spent["attention"] += seconds * any(module == "attention" for module, _ in callers)
        return _viewed(result, np.ndarray, Recorded)

    def recorded(work):
        def measured():
            spent.clear()
            spent.update(dict.fromkeys(KINDS, 0))
            made = {name: _made(getattr(np, name), Recorded) for name in MADE}
            with mock.patch.multiple(np, **made):
                work()
            return dict(spent)

        return measured

    return Recorded, recorded


def _viewed(tree, kind, other):
    """The same nesting of lists, tuples and dictionaries, every array of one kind as one of the other."""
    if isinstance(tree, dict):
        return {name: _viewed(branch, kind, other) for name, branch in tree.items()}
    if isinstance(tree, (list, tuple)):
        return type(tree)(_viewed(branch, kind, other) for branch in tree)
    return tree.view(other) if isinstance(tree, kind) else tree


def _made(function, kind):
    return lambda *arguments, **named: function(*arguments, **named).view(kind)


def _callers():
    """Chapter and name of each function of the package that is being run, innermost first; then two ""."""
    frame = sys._getframe(1)
    while frame is not None:
        package, _, module = frame.f_globals["__name__"].partition(".")
        if package == "numpy_seq2seq":
            yield module, frame.f_code.co_name
        frame = frame.f_back
    yield "", ""


def _part(module, function):
    if module == "losses" or "softmax" in function:
        return "loss and softmax"
    return "optimiser" if module in ("optim", "training") else "other"
