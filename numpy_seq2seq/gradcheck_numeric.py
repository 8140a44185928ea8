"""Appendix: Gradient checking, the numbers. The derivative of a function that can only be called.

Before this: nothing. After it: gradcheck.py.

    central differences   g ≈ (8 (f(x+h) − f(x−h)) − (f(x+2h) − f(x−2h))) / 12h      error ~ h⁴
    complex step          g = Im f(x + ih) / h                                       exact to rounding

The complex step subtracts nothing, so its h can be as small as you like, but it needs a function that is
analytic and takes complex numbers. A difference has an h that suits it: too large, and f bends or breaks off
within the step; too small, and the rounding of f, divided by h, is all that is left. So h is relative to the
size of x, and where the first h does not confirm what backward says, others are tried.

Not here: what the numbers are compared with (gradcheck.py).

Source: complex step: Squire & Trapp (1998).
"""

import numpy as np

TOLERANCE = {"central": 1e-7, "complex": 1e-12}  # × the largest gradient of the array
STEP = {"central": 2.0**-11, "complex": 1e-30}  # central: × the size of the entry, at least 1
FACTORS = (2.0**6, 1, 2.0**-6, 2.0**-10, 2.0**-12)  # of other steps to try


def numeric_gradient(f, x, method="central", entries=None, factor=1):
    """Derivative of a scalar function by an array, entry by entry.

    Args:
        f:       function without arguments that reads x and returns a scalar.
        x:       the array, float64 for "central", complex128 for "complex"; written, and put back.
        method:  "central" or "complex".
        entries: flat indices to differentiate by; by default all.
        factor:  of the step.
    Returns:
        one number for each entry.
    """
    gradient = []
    for k in range(x.size) if entries is None else entries:
        at = _moved(f, x, k)
        if method == "complex":
            gradient.append(at(1j * STEP[method]).imag / STEP[method])
        else:
            h = factor * _step(x, k)
            gradient.append((8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h))
    return np.array(gradient)


def _moved(f, x, k):
    """f as a function of how far entry k of x is moved."""
    def at(offset):
        value = x.flat[k]
        x.flat[k] = value + offset
        with np.errstate(all="ignore"):  # a step may leave the domain: the log of a negative number
            result = f()
        x.flat[k] = value
        return result

    return at


def _step(x, k):
    """Relative to the size of entry k, and a power of two: x + h is then exact."""
    return STEP["central"] * max(1.0, 2.0 ** np.frexp(abs(x.flat[k]))[1])


def careful_gradient(f, x, entries, analytic):
    """numeric_gradient; where it does not confirm backward, of two neighbouring steps that agree best.

    Args:
        f, x, entries: as for numeric_gradient; the dtype of x chooses the method.
        analytic:      what backward says of these entries. It decides which of them are looked at again, and
                       not which numbers they get.
    """
    if np.iscomplexobj(x):
        return numeric_gradient(f, x, "complex", entries)
    numeric = numeric_gradient(f, x, "central", entries)
    allowed = TOLERANCE["central"] * np.abs(numeric).max(initial=0)
    wrong = np.flatnonzero(~(np.abs(analytic - numeric) <= allowed))
    if not wrong.size:
        return numeric
    tried = np.array([numeric_gradient(f, x, "central", entries[wrong], factor) for factor in FACTORS])
    change = np.nan_to_num(np.abs(np.diff(tried, axis=0)), nan=np.inf)
    steps = np.array([[factor * _step(x, k) for k in entries[wrong]] for factor in FACTORS])
    change += np.finfo(float).eps * abs(f()) / steps[1:]  # rounding: two small steps can agree by chance
    numeric[wrong] = tried[change.argmin(axis=0), np.arange(len(wrong))]
    return numeric


def kink(f, x, k):
    """(slope on the left, slope on the right) of entry k where f has a kink there, else None.

    At a kink the difference of the slopes is the same for two steps; where f only bends, it shrinks with the
    step, and where it is rounding alone, it grows.
    """
    at, jumps = _moved(f, x, k), []
    here = at(0)
    for factor in FACTORS[-2:]:
        h = factor * _step(x, k)
        left, right = float(here - at(-h)) / h, float(at(h) - here) / h
        jumps.append(right - left)
    same = abs(jumps[1] - jumps[0]) < abs(jumps[1]) / 2
    noticeable = abs(jumps[1]) > max(1e-3 * abs(left), 1e-3 * abs(right), 1e-6 * abs(here))
    return (left, right) if same and noticeable else None


def compare(f, copy, said, tolerance, samples, seed):
    """Backward against forward: {name of each array: (largest error, largest gradient, wrong entries)}.

    Args:
        f:       function of a tree to a scalar.
        copy:    the tree; its arrays are written, and put back.
        said:    {name: what backward says}.
        tolerance: an entry is wrong if its error is more than this × the largest gradient of its array.
        samples: how many entries of each array; None for all.
        seed:    of the choice.
    """
    rng, compared = np.random.default_rng(seed), {}
    for path, x in floats(copy).items():
        entries = sampled_entries(said[path], samples, rng)
        analytic = said[path].reshape(-1)[entries]
        numeric = careful_gradient(lambda: f(copy), x, entries, analytic)
        error, largest = np.abs(analytic - numeric), np.abs(numeric).max(initial=0)
        compared[path] = error.max(initial=0), largest, entries[~(error <= tolerance * largest)]
    return compared


def sampled_entries(gradient, samples, rng):
    """Flat indices to check: all, or the largest ones and as many random ones."""
    if samples is None or samples >= gradient.size:
        return np.arange(gradient.size)
    by_size = np.argsort(-np.abs(gradient), axis=None)
    largest, others = by_size[: samples // 2], by_size[samples // 2 :]
    return np.concatenate([largest, rng.permutation(others)[: samples - len(largest)]])


# ---- the nesting of tuples, lists and dicts ----


def walk(change, tree, path=""):
    """The same nesting with change(path, array) in place of every array; paths are like params.decoder.Wh."""
    if isinstance(tree, (np.ndarray, np.inexact)):
        return change(path, tree)
    if isinstance(tree, dict):
        return {key: walk(change, branch, f"{path}.{key}" if path else key) for key, branch in tree.items()}
    if isinstance(tree, (tuple, list)):
        fields = getattr(tree, "_fields", None)
        names = [f".{field}" for field in fields] if fields else [f"[{k}]" for k in range(len(tree))]
        branches = [walk(change, branch, path + name) for name, branch in zip(names, tree)]
        return type(tree)(*branches) if fields else type(tree)(branches)
    return tree


def floats(tree):
    """{path: array} of the floating-point arrays."""
    found = {}
    walk(found.__setitem__, tree)
    return {path: x for path, x in found.items() if np.issubdtype(x.dtype, np.inexact)}


def pairs(a, b):
    """(path, array of a, array of b) for the floating-point arrays of two trees alike."""
    return ((path, x, y) for (path, x), y in zip(floats(a).items(), floats(b).values()))


def writable(tree, method):
    """Arrays that may be written; complex ones for the complex step."""
    def copied(_, x):
        return np.array(x, complex if method == "complex" and np.issubdtype(x.dtype, np.inexact) else x.dtype)

    return walk(copied, tree)


# Exercises
# 1. Plot the error of two-point differences against h from 1e-1 to 1e-15. Explain both slopes.
# 2. Derive the five-point formula: which weights of f(x±h), f(x±2h) leave f′ alone and remove f‴?
