"""Appendix A. Gradient checking: is this backward the derivative of that forward?

Before this: layers.py. It stands apart: no other room needs it, every test does.

    central differences   g ≈ (8 (f(x+h) − f(x−h)) − (f(x+2h) − f(x−2h))) / 12h      error ~ h⁴
    complex step          g = Im f(x + ih) / h                                       exact to rounding

Both are compared with what backward says. The complex step subtracts nothing, so it has no step size to
tune, but it needs a forward that is analytic and takes complex arrays, as all of this package does.

Because of the mirror rule one function checks any pair that follows it. From a prompt:

    >>> import numpy as np
    >>> from numpy_seq2seq.gradcheck import check_pair
    >>> from numpy_seq2seq.layers import affine_backward, affine_forward
    >>> rng = np.random.default_rng(0)
    >>> x, params = rng.normal(size=(5, 3)), {"W": rng.normal(size=(3, 4)), "b": rng.normal(size=4)}
    >>> errors = check_pair(affine_forward, affine_backward, (x, params))
    >>> max(errors.values()) < 1e-9
    True

A wrong gradient raises GradientError, and the message says which array, which gate, which time step, and
what it looks like.

Not here: faults of a forward. A wrong forward has a perfectly matching gradient; known answers and
invariances find those (tests/).

Source: complex step: Squire & Trapp (1998).
"""

import inspect

import numpy as np

from .gradcheck_message import explain

TOLERANCE = {"central": 1e-7, "complex": 1e-12}  # × the largest gradient of the array
STEP = {"central": 2.0**-11, "complex": 1e-30}


class GradientError(AssertionError):
    """A gradient does not match its forward, or the check could not have noticed if it did not."""


def numeric_gradient(f, x, method="central", entries=None):
    """Derivative of a scalar function by an array, entry by entry.

    Args:
        f:       function without arguments that reads x and returns a scalar.
        x:       the array, float64 for "central", complex128 for "complex"; written, and put back.
        method:  "central" or "complex".
        entries: flat indices to differentiate by; by default all.
    Returns:
        one number for each entry.
    """
    flat, h = x.flat, STEP[method]
    gradient = []
    for k in range(x.size) if entries is None else entries:
        value = flat[k]

        def at(offset):
            flat[k] = value + offset
            return f()

        if method == "complex":
            gradient.append(at(1j * h).imag / h)
        else:
            gradient.append((8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h))
        flat[k] = value
    return np.array(gradient)


def check_pair(forward, backward, args, *, looked_at=(), unused=(), **options):
    """Check a pair that follows the mirror rule, with a random gradient arriving from above.

    forward(*args) -> outputs…, cache; backward(gradients of the outputs…, cache) -> gradients of those args
    that hold floating-point arrays, in their order.

    Args:
        args:      arguments of forward, in any nesting of tuple, list and dict, floating arrays in float64.
        looked_at: positions of outputs that take no gradient, such as attention weights.
        unused:    names of arguments, or of arrays in them, that have no influence; their gradient must
                   be exactly zero. Any other zero gradient is refused: it would prove nothing.
        options:   of check_gradients.
    Returns:
        dict: name of each array -> largest error ÷ largest gradient.
    Raises:
        GradientError: with an explanation.
    """
    rng = np.random.default_rng(options.get("seed", 0))
    *outputs, cache = forward(*args)
    chosen = [k for k in range(len(outputs)) if k not in looked_at]
    upstream = [_map(lambda y: rng.standard_normal(np.shape(y)).astype(y.dtype)[()], outputs[k]) for k in chosen]
    gradients = _call_backward(backward, (*upstream, cache), args)

    names = list(inspect.signature(forward).parameters)
    differentiable = [k for k, arg in enumerate(args) if isinstance(arg, dict) or any(_leaves(arg))]
    if len(differentiable) == 1:
        gradients = (gradients,)
    if not differentiable:
        raise ValueError(f"nothing to check in {_name(backward)}: no argument holds a floating-point array")
    if not isinstance(gradients, tuple) or len(gradients) != len(differentiable):
        got = f"{len(gradients)} gradients" if isinstance(gradients, tuple) else f"one {type(gradients).__name__}"
        raise GradientError(
            f"{_name(backward)} returned {got}; by the mirror rule it owes "
            f"{len(differentiable)}: of {', '.join(names[k] for k in differentiable)}"
        )
    gradients = {names[k]: g for k, g in zip(differentiable, gradients)}

    def loss(tree):
        *outputs, _ = forward(*(tree.get(name, arg) for name, arg in zip(names, args)))
        pairs = (pair for k, dy in zip(chosen, upstream) for pair in zip(_leaves(outputs[k]), _leaves(dy)))
        return sum((y * dy).sum() for (_, y), (_, dy) in pairs)

    tree = {names[k]: args[k] for k in differentiable}
    return check_gradients(loss, tree, gradients, unused=unused, name=_name(backward), **options)


def check_gradients(f, tree, gradients, *, method="central", tolerance=None, samples=None, unused=(),
                    gates="", name="backward", seed=0):
    """Check gradients of a scalar function of many arrays, such as a model's loss by its parameters.

    Args:
        f:         function of a tree (nested dict, tuple, list of arrays) to a scalar.
        tree:      where to differentiate.
        gradients: what backward says, in the same nesting.
        method:    "central" or "complex".
        tolerance: largest error allowed ÷ largest gradient of the array; by default 1e-7 or 1e-12.
        samples:   check only so many entries of each array: the largest half, and random others; by default all.
        unused:    as in check_pair.
        gates:     letters of a cell's gates, so that the message can say which one is wrong.
        name:      what to call the function in the message.
    Returns:
        dict: name of each array -> largest error ÷ largest gradient.
    Raises:
        GradientError: with an explanation.
    """
    if method not in TOLERANCE:
        raise ValueError(f"method must be one of {', '.join(TOLERANCE)}; got {method!r}")
    rng = np.random.default_rng(seed)
    tolerance = TOLERANCE[method] if tolerance is None else tolerance
    copy = _map(lambda x: np.array(x, complex if method == "complex" else x.dtype), tree)
    said, errors, faults = dict(_leaves(gradients)), {}, []
    _check_names(_map(np.asarray, tree), said, unused, name)
    for path, x in _leaves(copy):
        entries = _entries(said[path], samples, rng)
        numeric = numeric_gradient(lambda: f(copy), x, method, entries)
        largest = np.abs(numeric).max(initial=0)
        error = np.abs(said[path].reshape(-1)[entries] - numeric).max(initial=0)
        expected_zero = any(_within(path, u) for u in unused)
        if largest == 0 and not expected_zero:
            raise GradientError(f"the gradient of {path} is zero here, so this check of {name} proves nothing")
        if largest > 0 and expected_zero:
            raise GradientError(f"{path} is said to be unused, but the forward pass of {name} depends on it")
        errors[path] = float(error / largest if largest else error)
        if not errors[path] <= (0 if expected_zero else tolerance):
            faults.append(path)
    if faults:
        raise GradientError(_explain(f, copy, said, errors, faults, method, tolerance, gates, name))
    return errors


def _entries(gradient, samples, rng):
    """Flat indices to check: all, or the largest ones and as many random ones."""
    if samples is None or samples >= gradient.size:
        return np.arange(gradient.size)
    by_size = np.argsort(-np.abs(gradient), axis=None)
    largest, others = by_size[: samples // 2], by_size[samples // 2 :]
    return np.concatenate([largest, rng.permutation(others)[: samples - len(largest)]])


def _check_names(tree, said, unused, name):
    """Raise unless there is one gradient, of the right shape, for every array, and nothing else."""
    arrays = dict(_leaves(tree))
    for path, x in arrays.items():
        if x.dtype != np.float64:
            raise ValueError(f"{path} is {x.dtype}; a gradient check needs float64")
        if path not in said or (said[path].shape, said[path].dtype) != (x.shape, x.dtype):
            got = "none" if path not in said else f"{said[path].dtype} {said[path].shape}"
            raise GradientError(f"{name} must return a gradient of {path}, {x.dtype} {x.shape}, got {got}")
    if set(said) - set(arrays):
        stray = ", ".join(sorted(set(said) - set(arrays)))
        raise GradientError(f"{name} returns a gradient of {stray}, which the forward pass does not take")
    for u in unused:
        if not any(_within(path, u) for path in arrays):
            raise ValueError(f"unused names {u!r}; there are only {', '.join(arrays)}")


def _within(path, name):
    return path == name or path.startswith((name + ".", name + "["))


# ---- the nesting of tuples, lists and dicts ----------------------------------------------------------------


def _leaves(tree, path=""):
    """(path, array) for every floating-point array: params.decoder.Wh, state[0]."""
    if isinstance(tree, (np.ndarray, np.inexact)):
        if np.issubdtype(tree.dtype, np.inexact):
            yield path, tree
    elif isinstance(tree, dict):
        for key, branch in tree.items():
            yield from _leaves(branch, f"{path}.{key}" if path else key)
    elif isinstance(tree, (tuple, list)):
        fields = getattr(tree, "_fields", None)
        for k, branch in enumerate(tree):
            yield from _leaves(branch, f"{path}.{fields[k]}" if fields else f"{path}[{k}]")


def _map(change, tree):
    """The same nesting with change(array) for every floating-point array."""
    if isinstance(tree, (np.ndarray, np.inexact)):
        return change(tree) if np.issubdtype(tree.dtype, np.inexact) else tree
    if isinstance(tree, dict):
        return {key: _map(change, branch) for key, branch in tree.items()}
    if isinstance(tree, (tuple, list)):
        branches = [_map(change, branch) for branch in tree]
        return type(tree)(*branches) if hasattr(tree, "_fields") else type(tree)(branches)
    return tree


def _arrays(tree):
    if isinstance(tree, np.ndarray):
        yield tree
    elif isinstance(tree, (dict, tuple, list)):
        for branch in tree.values() if isinstance(tree, dict) else tree:
            yield from _arrays(branch)


def _name(function):
    return getattr(function, "__name__", "backward")


def _call_backward(backward, arguments, args):
    """Call it twice with everything read-only: it must not write, and must say the same both times."""
    writeable = [a for a in _arrays((arguments, args)) if a.flags.writeable]
    for a in writeable:
        a.flags.writeable = False
    answers = []
    try:
        for _ in range(2):
            answers.append(backward(*arguments))
    except Exception as error:
        if "read-only" in str(error):
            message = f"{_name(backward)} writes into an array that it was given (cache or gradient)"
            raise GradientError(message) from error
        if answers:
            raise GradientError(f"{_name(backward)} called twice fails: does it use up its cache?") from error
        raise
    finally:
        for a in sorted(writeable, key=lambda a: a.base is not None):  # the owner of the data before its views
            a.flags.writeable = True
    for (path, a), (_, b) in zip(*map(_leaves, answers)):
        if not np.array_equal(a, b, equal_nan=True):
            raise GradientError(f"{_name(backward)} called twice gives two answers (at {path or 'its result'})")
    return answers[0]


def _explain(f, copy, said, errors, faults, method, tolerance, gates, name):
    right = [path for path in errors if path not in faults]
    well = f" (right: {', '.join(right)})" if right else ""
    lines = [f"{name}: {len(faults)} of {len(errors)} gradients are wrong{well}"]
    for path in faults:
        x = dict(_leaves(copy))[path]
        numeric = numeric_gradient(lambda: f(copy), x, method).reshape(x.shape)
        lines += explain(path, said[path], numeric, tolerance, gates)
    return "\n".join(lines)


# Exercises
# 1. Plot the error of two-point differences against h from 1e-1 to 1e-15. Explain both slopes.
# 2. Check softmax, as lambda x: (softmax(x), softmax(x)), on an x of shape (3, 1). What does the check refuse, and
#    why is that right?
# 3. Break a forward and its backward consistently. What still finds the fault?
