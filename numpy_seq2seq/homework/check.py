"""Homework: the check. A function beside what is right, and what is said where they differ.

Before this: assignment.py. After it: answers.py. A student's tree holds a copy of this module, so that its
tests and the lecturer's grading say the same.

A function is called as the teacher's was. What counts is what it returns (but for its cache), with nesting
and dtype, what it writes in place, and which exception it raises. A backward gets random gradients and the
cache of a forward. It is right if it returns the teacher's gradients, or if it is the derivative of the
student's own forward: a mistake there is counted once. What is drawn at random is right if its means and
covariances over many draws are.

Not here: the calls and their answers (answers.py); processes and limits (judge.py).
"""

import contextlib
import copy
import re
from typing import NamedTuple

import numpy as np

from ..gradcheck_message import explain
from ..gradcheck_numeric import floats, pairs

DRAWS, NUMBERS, SIGMAS = 300, 60, 5
SHOWN = 5  # arrays, or calls, that one message names
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


def check(function, calls, forward=None, own=False):
    """Raise Wrong unless the function does what is right in every call.

    Args:
        forward: where the function is a backward, what makes the caches.
        own:     that is the student's, too.
    """
    said, found, wrong, paths, slopes = None, {"wrong": {}, "right": {}}, set(), set(), []
    for call in calls:
        total = {path for path, _ in leaves(call.answer)} | call.written.keys()
        try:
            with np.errstate(all="ignore"):
                faults = _faults(function, forward, call)
                if faults and own and call.upstream:
                    slopes.append(_slope(function, forward, call))
                    faults = faults if slopes[-1] is None else {}
        except Exception as error:
            if said is None:
                error.label = call.label
                raise
            faults = dict.fromkeys(total, ())
        found["wrong" if faults else "right"][call.label] = True
        wrong, paths = wrong | faults.keys(), paths | total
        if faults and said is None:
            said = _message(function, call, faults, total)
    if slopes and not said and not any(slopes):
        said = f"{calls[0].name}: all gradients are zero, and the right ones are not"
    if said:
        for what, labels in found.items():
            shown = [label for label in labels if label.removesuffix(", float32") not in {*labels} - {label}]
            said += f"\n  {what} with: {'; '.join(shown[:SHOWN])}" if shown else ""
        raise Wrong(said, len(paths - wrong), len(paths))


def check_cache(forward, backward, calls):
    """Raise Wrong unless the cache of a forward serves a backward that is right."""
    try:
        check(backward, calls, forward, own=True)
    except Exception as error:
        what = f"with its cache {calls[0].name} goes wrong, which is not yours to change"
        raise Wrong(f"{what}: {type(error).__name__}: {error}") from error


def _message(function, call, faults, total):
    """What is wrong in one call."""
    what = "gradients" if call.upstream else "outputs"
    lines = [f"{call.name}: {len(faults)} of {len(total)} {what} wrong, with {call.label}"]
    if right := sorted(total - faults.keys()):
        lines.append(f"  right: {', '.join(right[:SHOWN])}")
    lines += [line for path in [*faults][:SHOWN] for line in dict.fromkeys(faults[path])]
    unused = call.matters - influences(function, call) if call.matters else ()
    return "\n".join(lines + [f"  it does not use {path}" for path in sorted(unused)[:SHOWN]])


# ---- one call ----------------------------------------------------------------------------------------------


def _faults(function, forward, call):
    """{path: lines} of what is wrong in one call."""
    args = arguments(call)
    before = dict(leaves(args))
    _protect({path: a for path, a in before.items() if path not in call.written})
    try:
        got = run(function, forward, call, args)
    except Exception as error:
        if isinstance(call.answer, type) and isinstance(error, call.answer):
            return {}
        if "read-only" in str(error):
            raise Wrong(f"{call.name} writes into an array that it was given, with {call.label}") from error
        raise
    if isinstance(call.answer, type):
        return {"": [f"  it must raise {call.answer.__name__}, and it returns"]}
    faults = compared(got, call.answer, call) | _writing(before, dict(leaves(args)), call)
    if faults and call.moments is not None and _types(got) == _types(call.answer):
        return dict.fromkeys(faults, lines) if (lines := _drawn_otherwise(function, call)) else {}
    return faults


def arguments(call, seed=0):
    """Arguments of its own for each call."""
    return {k: RNG(seed) if value is RNG else copy.deepcopy(value) for k, value in call.args.items()}


def _protect(arrays):
    for a in arrays.values():
        if isinstance(a, np.ndarray):
            a.flags.writeable = False


def run(function, forward, call, args):
    """What the function returns, as {output: value}. A backward is asked twice."""
    if not call.upstream:
        return _named(call, called(function, call, args))
    cache = called(forward, call, args)[-1]
    upstream, behind = copy.deepcopy(([*call.upstream.values()], call.behind))
    _protect(floats([upstream, behind]))
    result, again = (_named(call, function(*upstream, cache, *behind)) for _ in range(2))
    if compared(again, result, call):
        raise Wrong(f"{call.name} called twice gives two answers: does it change its cache?")
    return result


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


def _writing(before, now, call):
    """{path: lines} of what stands in the arguments after the call and should not."""
    faults = {}
    for path, right in call.written.items():
        old = before[path] if isinstance(before.get(path), np.ndarray) else now.get(path)
        faults |= compared(old, right, call, path)
        if path in faults and not compared(now.get(path), right, call):
            faults[path] = [f"  {path} is another array than before: write in place, with -= or [...] ="]
    for path in (before.keys() | now.keys()) - call.written.keys():
        if now.get(path) is not before.get(path):
            raise Wrong(f"{call.name} changes {path}, which it was given, with {call.label}")
    return faults


# ---- what is right beside what was returned ----------------------------------------------------------------


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
            alike = (p for p, _, x in here if np.size(x) > 1 and not list(_difference(p, g, x, call)))
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
        yield f"  {where}: yours is {g[place]:.6g}, right is {w[place]:.6g}; {count}"
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


def _types(tree):
    arrays = [np.asarray(value) for _, value in leaves(tree)]
    return [(a.dtype, a.shape) if a.dtype.kind == "f" else a.dtype.kind for a in arrays]


def influences(function, call):
    """Paths of the floating-point and boolean arguments that change what the function returns or writes."""
    def outcome(path=None):
        args = arguments(call)
        a = dict(leaves(args)).get(path)
        new = np.logical_not(a) if np.asarray(a).dtype == bool else 1.1 * a + 0.1 if path else a
        if isinstance(a, np.ndarray):
            a[...] = new
        elif path:
            args[path] = new
        return run(function, None, call, args), [a for place, a in leaves(args) if place in call.written]

    found, usual = set(), outcome()
    for path, a in leaves(call.args):
        if np.asarray(a).dtype.kind in "fb" and (isinstance(a, np.ndarray) or path in call.args):
            with contextlib.suppress(Exception):
                found |= {path} if compared(outcome(path), usual, call) else set()
    return found


# ---- a student's own forward, and a student's own draws ----------------------------------------------------


def _slope(function, forward, call):
    """Along one direction in all arrays, what the forward and the backward beside it agree on; else None."""
    args, rng, h, moves = arguments(call), RNG(0), 2.0**-11, []
    got, right = floats(run(function, forward, call, arguments(call))), floats(call.answer)
    if {path: described(g) for path, g in got.items()} != {path: described(g) for path, g in right.items()}:
        return None
    taken = [k for k, a in args.items() if isinstance(a, dict) or floats(a)]
    names = dict(zip(call.answer, taken)) if len(taken) == len(call.answer) else {"grads": "params"}
    for path, g in got.items():
        part = re.split(r"[.[]", path)[0]
        x = floats(args).get(names.get(part, part) + path.removeprefix(part))
        if x is not None:  # else it is no argument, such as the dgh of a step
            moves.append((x, x.copy(), rng.standard_normal(x.shape), g))

    def loss(step):
        for x, start, direction, _ in moves:
            x[...] = start + step * direction
        results = called(forward, call, copy.deepcopy(args))
        return sum((y * dy).sum() for k, g in call.upstream.items() for _, y, dy in pairs(results[k], g))

    slope = (8 * (loss(h) - loss(-h)) - (loss(2 * h) - loss(-2 * h))) / (12 * h)
    said = sum((g * direction).sum() for *_, direction, g in moves)
    allowed = 0.01 if call.tolerance > 1e-6 else 1e-6  # float32 is rough
    return slope if abs(slope - said) <= allowed * max(abs(slope), 1) else None


def moments(function, call, center=None):
    """Of what is drawn: means and variances of its numbers, and of their products about a centre."""
    rows = np.array([_numbers(run(function, None, call, arguments(call, seed))) for seed in range(DRAWS)])
    about = rows - (rows.mean(axis=0) if center is None else center)
    squares = (rows**2).sum(axis=1, keepdims=True)  # of all numbers together: it varies least
    products = (about[:, :, None] * about[:, None]).reshape(DRAWS, -1)
    drawn = np.concatenate([rows, squares, products], axis=1)
    return drawn.mean(axis=0), drawn.var(axis=0)


def _numbers(tree):
    """NUMBERS of a tree: floats as they are, few integers as zeros and ones, letters by their codes."""
    found = []
    for _, value in leaves(tree):
        a = np.array([*value.encode().ljust(8)]) / 99.0 if isinstance(value, str) else np.asarray(value)
        few = a.dtype.kind != "f" and a.size <= 5
        found.append((a.ravel()[:, None] == np.arange(10)).ravel() if few else a.ravel())
    return np.concatenate([*found, np.zeros(NUMBERS)])[:NUMBERS].astype(float)


def _drawn_otherwise(function, call):
    """Lines on how the draws differ from the right ones; none where they do not."""
    if not call.moments:
        return []
    once, again = (run(function, None, call, arguments(call)) for _ in range(2))
    if compared(again, once, call):
        return ["  the same generator gives other numbers: draw from rng, and from nothing else"]
    mean, var = call.moments
    m, v = moments(function, call, mean[:NUMBERS])
    wrong = ~(np.abs(m - mean) - SIGMAS * np.sqrt((v + var) / DRAWS) <= 1e-4)
    where = "means" if wrong[:NUMBERS].any() else "covariances"
    return [f"  drawn {DRAWS} times, its {where} are not the right ones"] * int(wrong.any())
