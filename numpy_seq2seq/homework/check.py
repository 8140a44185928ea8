"""Homework: the check. A function beside what is right, and what is said where they differ.

Before this: trial.py, chance.py. After it: calls.py. A student's tree holds a copy of this module, so that
its tests and the lecturer's grading say the same.

A function is called as the teacher's was. What counts is what it returns (but for its cache), with nesting
and dtype, what it writes in place, and which exception it raises. A backward gets random gradients and the
cache of a forward. It is right if it returns the teacher's gradients, or if it is the derivative of the
student's own forward: a mistake there is counted once. What is drawn at random is right if its means and
covariances over many draws are.

Not here: the comparison (compare.py); the calls and their answers (answers.py); processes (judge.py).
"""

import contextlib
import copy
import re

import numpy as np

from ..gradcheck_numeric import floats, pairs
from .chance import drawn_otherwise
from .compare import compared, described, leaves, types
from .trial import RNG, Wrong, arguments, call_again, called, protect, run

SHOWN = 5  # arrays, or calls, that one message names


def check(function, calls, forward=None, own=False):
    """Raise Wrong unless the function does what is right in every call.

    Args:
        forward: where the function is a backward, what makes the caches.
        own:     that is the student's, too.
    """
    said, found, wrong, paths, slopes = None, {"wrong": {}, "right": {}}, set(), set(), []
    in_place = {argument(path) for call in calls for path in call.written}
    for call in calls:
        total = {path for path, _ in leaves(call.answer)} | call.written.keys()
        try:
            with np.errstate(all="ignore"):
                faults = _faults(function, forward, call, in_place)
                if faults and own and call.upstream:
                    slopes.append(_slope(function, forward, call))
                    faults = faults if slopes[-1] is None else {}
        except Exception as error:
            if said is None:
                error.label = call.label
                raise
            faults = dict.fromkeys(total, ())
        if faults or call.moments != ():  # the draws of () are not looked at
            found["wrong" if faults else "right"][call.label] = True
        wrong, paths = wrong | faults.keys(), paths | total
        if faults and said is None:
            said = _message(function, call, faults, total)
    if slopes and not said and not any(slopes):
        said = f"{calls[0].name}: all gradients are zero, and the right ones are not"
    if said:
        found["right"] = {label: True for label in found["right"] if label not in found["wrong"]}
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
        kind = "" if isinstance(error, Wrong) else f"{type(error).__name__}: "
        raise Wrong(f"{what}: {kind}{error}") from error


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


def argument(path):
    """The name of the argument in which a path begins."""
    return re.split(r"[.[]", path)[0]


def _faults(function, forward, call, in_place):
    """{path: lines} of what is wrong in one call.

    Args:
        in_place: names of the arguments into which it has to write, in some call.
    """
    args = arguments(call)
    before = dict(leaves(args))
    protect({path: a for path, a in before.items() if argument(path) not in in_place})
    try:
        got = run(function, forward, call, args)
    except Exception as error:
        if isinstance(call.answer, type) and isinstance(error, call.answer):
            return {}
        if "read-only" in str(error):
            where = ", ".join(_written_to(function, call)) or "an array that it was given"
            raise Wrong(f"{call.name} writes into {where}, with {call.label}") from error
        raise
    if not call.upstream:
        call_again(function, call)
    if isinstance(call.answer, type):
        return {"": [f"  it must raise {call.answer.__name__}, and it returns"]}
    faults = compared(got, call.answer, call) | _writing(before, dict(leaves(args)), call)
    if call.moments is not None and types(got) == types(call.answer):
        lines = drawn_otherwise(function, call, same=not faults)
        return dict.fromkeys(faults or got, lines) if lines else {}
    return faults


def _writing(before, now, call):
    """{path: lines} of what stands in the arguments after the call and should not."""
    faults, given = {}, dict(leaves(call.args))
    for path, right in call.written.items():
        old = before[path] if isinstance(before.get(path), np.ndarray) else now.get(path)
        faults |= compared(old, right, call, path)
        if path in faults and not compared(now.get(path), right, call):
            faults[path] = [f"  {path} is another array than before: write in place, with -= or [...] ="]
    for path in (before.keys() | now.keys()) - call.written.keys():
        a = now.get(path)
        written = isinstance(a, np.ndarray) and a.flags.writeable and compared(a, given[path], call)
        if a is not before.get(path) or written:
            raise Wrong(f"{call.name} changes {path}, which it was given, with {call.label}")
    return faults


def _written_to(function, call):
    """The arrays among the arguments into which it writes."""
    args = arguments(call)
    with contextlib.suppress(Exception):
        called(function, call, args)
    now, given = dict(leaves(args)), dict(leaves(call.args))
    return [path for path, a in given.items() if isinstance(a, np.ndarray) and compared(now[path], a, call)]


def influences(function, call):
    """Paths of the floating-point and boolean arguments that change what the function returns or writes."""
    def outcome(path=None):
        args = arguments(call)
        a = dict(leaves(args)).get(path)
        boolean, noise = np.asarray(a).dtype == bool, RNG(0).uniform(0.1, 0.2, np.shape(a))
        new = np.logical_not(a) if boolean else a + noise * (1 + abs(a)) if path else a
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


# ---- a student's own forward ----------------------------------------------------


def _slope(function, forward, call):
    """Along one direction in all arrays, what the forward and the backward beside it agree on; else None."""
    args, rng, h, moves = arguments(call), RNG(0), 2.0**-11, []
    got, right = floats(run(function, forward, call, arguments(call))), floats(call.answer)
    if {path: described(g) for path, g in got.items()} != {path: described(g) for path, g in right.items()}:
        return None
    taken = [k for k, a in args.items() if isinstance(a, dict) or floats(a)]
    names = dict(zip(call.answer, taken)) if len(taken) == len(call.answer) else {"grads": "params"}
    for path, g in got.items():
        part = argument(path)
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
