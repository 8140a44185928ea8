"""Appendix: Gradient checking. Is this backward the derivative of that forward?

Before this: layers.py, gradcheck_numeric.py. No chapter needs it, and every test of a backward does.

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
what it looks like (gradcheck_message.py):

    >>> check_pair(lambda x: (x**2, x), lambda dy, x: dy * x, (x,))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    numpy_seq2seq.gradcheck.GradientError: <lambda>: 1 of 1 gradients are wrong
      x[4, 0]: backward says 5.40577, the forward pass 10.8115; ...
        looks like: the wrong entries are exactly 0.5 × the right ones: ...

The forward is suspected too. It must not write into its arguments, must give the same answer twice, and must
have a gradient at all:

    >>> def relu(x):
    ...     return np.maximum(x, 0), x
    >>> def relu_backward(dy, x):
    ...     return dy * (x > 0)
    >>> check_pair(relu, relu_backward, (np.array([-1.0, 0.0, 2.0]),))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    numpy_seq2seq.gradcheck.GradientError: relu_backward cannot be checked here: ... a kink at x[1] ...

Not here: a forward that computes the wrong thing. It has a perfectly matching gradient; known answers and
invariances find it (invariances.py, tests/).
"""

import inspect

import numpy as np

from .gradcheck_message import explain
from .gradcheck_numeric import TOLERANCE, careful_gradient, compare, floats, kink, pairs, walk, writable

METHODS = {  # what it means where only the other one finds a backward right
    "central": "central differences are too coarse or too noisy for this forward at these arguments",
    "complex": "this forward is not analytic: it has an abs, a maximum, a conj or the like",
}


class GradientError(AssertionError):
    """A gradient does not match its forward, or the check could not have noticed if it did not."""


def check_pair(forward, backward, args, *, looked_at=(), unused=(), **options):
    """Check a pair that follows the mirror rule, with a random gradient arriving from above.

    forward(*args) -> outputs…, cache; backward(gradients of the outputs…, cache) -> gradients of those args
    that hold floating-point arrays, in their order. Both are called twice, with everything read-only.

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
    if not isinstance(args, (tuple, list)):
        got = type(args).__name__
        raise TypeError(f"args must be the tuple of all arguments, such as (x,); got one {got}")
    rng = np.random.default_rng(options.get("seed", 0))
    differentiable = [k for k, arg in enumerate(args) if _has_gradient(arg)]
    if not differentiable:
        raise ValueError(f"nothing to check in {_name(backward)}: no argument holds a floating-point array")
    *outputs, cache = _outputs_and_cache(forward, args)
    chosen = [k for k in range(len(outputs)) if k not in looked_at]
    upstream = [walk(lambda _, y: 0 * y + rng.standard_normal(y.shape), outputs[k]) for k in chosen]
    gradients = _call_twice(backward, (*upstream, cache), args, "cache or gradient")
    names = list(inspect.signature(forward).parameters)
    tree = {names[k]: args[k] for k in differentiable}
    gradients = dict(zip(tree, _as_tuple(gradients, list(tree), _name(backward))))

    def loss(tree):
        *outputs, _ = forward(*(tree.get(name, arg) for name, arg in zip(names, args)))
        looked_for = [outputs[k] for k in chosen]
        return sum((y * dy).sum() for _, y, dy in pairs(looked_for, upstream))

    return check_gradients(loss, tree, gradients, unused=unused, name=_name(backward), **options)


def _has_gradient(arg):
    """Parameters and states have one, empty ones too; so has whatever holds a floating-point array."""
    return isinstance(arg, dict) or isinstance(arg, tuple) and not arg or bool(floats(arg))


def check_gradients(f, tree, gradients, *, method="central", tolerance=None, samples=None, unused=(),
                    gates="", name="backward", seed=0):
    """Check gradients of a scalar function of many arrays, such as a model's loss by its parameters.

    Args:
        f:         function of a tree (nested dict, tuple, list of arrays) to a scalar.
        tree:      where to differentiate.
        gradients: what backward says, in the same nesting.
        method:    "central" or "complex".
        tolerance: largest error allowed ÷ largest gradient of the array; by default 1e-7 or 1e-12.
        samples:   check only so many entries of each array: half of them the largest, the others random; by
                   default all.
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
    if samples is not None and not samples >= 1:
        raise ValueError(f"samples must be 1 or more, or None for all entries; got {samples!r}")
    tolerance = TOLERANCE[method] if tolerance is None else tolerance
    said = floats(gradients)
    _check_names(walk(lambda path, x: np.asarray(x), tree), said, unused, name)
    _check_value(f, writable(tree, method), name)
    errors, faults = {}, {}
    compared = compare(f, writable(tree, method), said, tolerance, samples, seed)
    for path, (error, largest, wrong) in compared.items():
        expected_zero = any(_within(path, u) for u in unused)
        if largest == 0 and not expected_zero:
            raise GradientError(f"the gradient of {path} is zero here: this check of {name} proves nothing")
        if largest > 0 and expected_zero:
            raise GradientError(f"{path} is said to be unused, but the forward pass of {name} depends on it")
        errors[path] = float(error / largest if largest else error)
        if wrong.size:
            faults[path] = wrong
    if faults:
        _refuse_kinks(f, writable(tree, "central"), faults, name)
        right = ", ".join(path for path in errors if path not in faults)
        first = f"{name}: {len(faults)} of {len(errors)} gradients are wrong"
        first += f" (right: {right})" if right else ""
        lines = _explain(f, writable(tree, method), said, faults, tolerance, gates)
        raise GradientError("\n".join([first, *lines, *_other_method(f, tree, said, method, samples, seed)]))
    return errors


def _explain(f, copy, said, faults, tolerance, gates):
    """Lines about each wrong gradient."""
    arrays = floats(copy)
    for path in faults:
        x = arrays[path]
        numeric = careful_gradient(lambda: f(copy), x, np.arange(x.size), said[path].reshape(-1))
        yield from explain(path, said[path], numeric.reshape(x.shape), tolerance, gates)


def _refuse_kinks(f, copy, faults, name):
    """Raise GradientError if the forward has a kink at every wrong entry: then backward may be right."""
    arrays, places = floats(copy), []
    for path, entries in faults.items():
        for k in entries:
            slopes = kink(lambda: f(copy), arrays[path], k)
            if slopes is None:
                return
            place = ", ".join(map(str, np.unravel_index(k, arrays[path].shape)))
            left, right = slopes
            places.append(f"{path}[{place}] (slope {left:.6g} on its left, {right:.6g} on its right)")
    more = f" and at {len(places) - 1} more" if len(places) > 1 else ""
    raise GradientError(
        f"{name} cannot be checked here: the forward has a kink at {places[0]}{more}, and no gradient there; "
        "choose arguments away from it"
    )


def _other_method(f, tree, said, method, samples, seed):
    """A line of advice where the other method finds backward right."""
    (other,) = METHODS.keys() - {method}
    try:
        compared = compare(f, writable(tree, other), said, TOLERANCE[other], samples, seed)
    except (TypeError, ValueError, np.exceptions.ComplexWarning):
        return  # it does not take complex numbers
    if not any(wrong.size for _, _, wrong in compared.values()):
        yield f"  but method={other!r} finds backward right: {METHODS[method]}. Pass method={other!r}"


def _check_value(f, copy, name):
    """Raise unless the function has a finite value, and a complex one at complex arrays."""
    complex_here = any(map(np.iscomplexobj, floats(copy).values()))
    try:
        value = f(copy)
        taken = np.iscomplexobj(value) or not complex_here
    except (TypeError, np.exceptions.ComplexWarning):
        if not complex_here:
            raise
        taken = False
    if not taken:
        raise ValueError(f"the forward pass of {name} does not take complex numbers; pass method='central'")
    if not np.isfinite(value):
        raise GradientError(f"the forward pass of {name} gives {value} here; choose other arguments")


def _check_names(tree, said, unused, name):
    """Raise unless there is one gradient, of the right shape, for every array, and nothing else."""
    arrays = floats(tree)
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


# ---- the two calls -----------------------------------------------------------------------------------------


def _outputs_and_cache(forward, args):
    """Its outputs and cache. Raises GradientError where the forward itself is at fault."""
    result = _call_twice(forward, args, (), "its argument")
    if not isinstance(result, tuple) or len(result) < 2:
        got = f"one {type(result).__name__}"
        raise GradientError(f"{_name(forward)} must return its outputs and a cache, as a tuple; got {got}")
    for path, y in floats(result[:-1]).items():
        if not np.isfinite(y).all():
            got = f"{y[~np.isfinite(y)][0]} in output {path}"
            raise GradientError(f"{_name(forward)} gives {got}; choose other arguments")
    return result


def _call_twice(function, arguments, others, given):
    """Its answer, with everything read-only: it must not write, and must say the same both times."""
    name = _name(function)
    writeable = []
    walk(lambda _, a: writeable.append(a) if a.flags.writeable else None, (arguments, others))
    for a in writeable:
        a.flags.writeable = False
    answers = []
    try:
        for _ in range(2):
            answers.append(function(*arguments))
    except Exception as error:
        if "read-only" in str(error):
            raise GradientError(f"{name} writes into an array that it was given ({given})") from error
        if answers:
            raise GradientError(f"{name} called twice fails: does it use up what it is given?") from error
        raise
    finally:
        for a in sorted(writeable, key=lambda a: a.base is not None):  # the owner of data before its views
            a.flags.writeable = True
    for path, a, b in pairs(*answers):
        if not np.array_equal(a, b, equal_nan=True):
            what = f"two answers (at {path or 'its result'})"
            raise GradientError(f"{name} called twice gives {what}: does it draw random numbers?")
    return answers[0]


def _as_tuple(gradients, names, name):
    """The gradients that a backward returned, one for each name; by the mirror rule one alone is no tuple."""
    if len(names) == 1:
        return (gradients,)
    if not isinstance(gradients, tuple) or len(gradients) != len(names):
        got = f"one {type(gradients).__name__}"
        got = f"{len(gradients)} gradients" if isinstance(gradients, tuple) else got
        raise GradientError(
            f"{name} returned {got}; by the mirror rule it owes {len(names)}: of {', '.join(names)}"
        )
    return gradients


def _name(function):
    return getattr(function, "__name__", repr(function))


# Exercises
# 1. Check softmax, as lambda x: (softmax(x), softmax(x)), on an x of shape (3, 1). What does the check
#    refuse, and why is that right?
# 2. Break a forward and its backward consistently. What still finds the fault?
