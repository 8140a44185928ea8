"""Homework: the comparison. Two nested results beside each other, and what is said where they differ.

Before this: nothing. After it: trial.py. A student's tree holds a copy.

Not here: which results (trial.py).
"""

import numpy as np

from ..gradcheck_message import explain


def _branches(tree, path):
    """{path: branch} of a dict, tuple or list; nothing of anything else."""
    if isinstance(tree, dict):
        return {f"{path}.{key}" if path else str(key): branch for key, branch in tree.items()}
    if isinstance(tree, (tuple, list)):
        names = [f".{name}" for name in getattr(tree, "_fields", ())] or map("[{}]".format, range(len(tree)))
        return {path + name: branch for name, branch in zip(names, tree)}
    return {}


def leaves(tree, path=""):
    """(path, value) of nested dicts, tuples and lists: params.decoder.Wx, state[0]."""
    if not isinstance(tree, (dict, tuple, list)):
        yield path, tree
    for place, branch in _branches(tree, path).items():
        yield from leaves(branch, place)


def compared(got, want, call, path=""):
    """{path: lines} where two trees differ."""
    faults, here = {}, list(_beside(got, want, path))
    for place, g, w in here:
        if lines := list(_difference(place, g, w, call)):
            alike = (p for p, y, x in here if np.size(x) > 1 and not list(_difference(p, g, x, call))
                     and list(_difference(p, y, x, call)))
            faults[place] = lines + [f"    it is what {p} should be: exchanged?" for p in [*alike][:1]]
    return faults


def _beside(got, want, path):
    """(path, got, want) of each leaf, or of the branch where the nesting differs."""
    ours, theirs = _branches(want, path), _branches(got, path)
    if not ours or ours.keys() != theirs.keys() or isinstance(got, list) != isinstance(want, list):
        yield path, got, want
    else:
        for place, branch in ours.items():
            yield from _beside(theirs[place], branch, place)


def _difference(path, got, want, call):
    """Lines on one leaf; none where it is right."""
    numbers = all(isinstance(value, (np.ndarray, np.generic, int, float)) for value in (got, want))
    g, w = (np.asarray(value if numbers else 0) for value in (got, want))
    kind, wanted = (a.dtype.kind.replace("u", "i") for a in (g, w))
    fits = kind == wanted and (kind != "f" or g.dtype == w.dtype) or isinstance(want, float) and kind in "if"
    if g.shape != w.shape or not fits or not numbers and (type(got) is not type(want) or got != want):
        yield f"  {path} must be {described(want)}, got {described(got)}"
        return
    allowed = call.tolerance * np.abs(w[np.isfinite(w)]).max(initial=1e-6) * (wanted == "f")
    wrong = (g != w) & ~((g != g) & (w != w)) & ~(np.abs(g * 1.0 - w) <= allowed)
    if wrong.any():
        place = np.unravel_index(wrong.argmax(), wrong.shape)
        where = f"{path}[{', '.join(map(str, place))}]" if place else path
        count = f"{wrong.sum()} of {wrong.size} entries wrong"
        digits = 6 if f"{g[place]:.6g}" != f"{w[place]:.6g}" else 12
        yield f"  {where}: yours is {g[place]:.{digits}g}, right is {w[place]:.{digits}g}; {count}"
        more = [*explain(path, g, w, call.tolerance, call.gates)][1:] if wanted == "f" and w.ndim else ()
        yield from (line for line in more if call.upstream or "gradient" not in line)


def described(value):
    """What a value is, for a message."""
    if isinstance(value, np.ndarray):
        return f"{value.dtype} {value.shape}"
    if isinstance(value, (dict, tuple, list)):
        keys = f" with {', '.join(map(str, value))}" if isinstance(value, dict) else f" of {len(value)}"
        return f"a {type(value).__name__}{keys}"
    return type(value).__name__ + f" {value!r}"[:80] * isinstance(value, (int, float, str))


def types(tree):
    """What a draw may not change: dtypes, and shapes of floating-point arrays."""
    arrays = [np.asarray(value) for _, value in leaves(tree)]
    return [(a.dtype, a.shape) if a.dtype.kind == "f" else a.dtype.kind for a in arrays]
