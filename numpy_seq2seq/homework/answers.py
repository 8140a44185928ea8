"""Homework: the answers. Calls of every function that can be set, and what the teacher's makes of them.

Before this: calls.py, transplant.py. After it: judge.py, student_tree.py.

    recorded    small models of every kind are trained and asked, and each function on the way keeps what it
                was called with
    by hand     what does not occur there: extreme numbers, errors, what no model does

The calls of a forward serve its backward too.

Not here: the calls (calls.py); comparing (check.py).
"""

import copy
import inspect
import re
from functools import partial

import numpy as np

from ..cells import CELLS
from ..config import Config
from ..gradcheck_numeric import walk
from .assignment import partner
from .calls import by_hand, programs
from .chance import moments
from .check import influences
from .compare import leaves
from .transplant import instead, original
from .trial import RNG, Call, arguments, called, outputs

DRAWING = ("draw_pairs", "glorot", "dropout_forward", "generate_sample", "sampled_inputs")  # themselves
MOST_DRAWN = 2  # calls of these whose draws are looked at


def answers(functions, names):
    """{name: [Call, …]} for the named ones of these functions.

    Args:
        functions: {name: function} of all that can be set.
    """
    pairs = {partner(name) for name in names if name.endswith("_backward")}
    wanted = {name: f for name, f in functions.items() if name in pairs | {*names}}
    found = {name: [] for name in names}
    with np.errstate(all="ignore"):
        for dtype, end in (("float64", ""), ("float32", ", float32")):
            for name, label, *args in by_hand(dtype):
                if name in wanted:
                    _add(found, functions, name, label + end, *_kept(functions[name], args, {}))
        for entry in recorded(wanted):
            _add(found, functions, *entry)
    return found


def _add(found, functions, name, label, args, positional):
    """Append what a call of a forward or a plain function gives, and what it gives its backward."""
    cells = [CELLS.get(name.partition("_")[0]), CELLS.get(getattr(args.get("config"), "cell", None))]
    gates = next((cell.gates for cell in (*cells, *args.values()) if hasattr(cell, "gates")), "")
    rough = "float32" in [str(getattr(value, "dtype", value)) for _, value in leaves(args)]
    call = Call(name, label, args, positional, 1e-4 if rough else 1e-11, gates)
    if name in found:
        found[name].append(_answered(functions[name], call, found[name]))
    if name.endswith("_forward") and partner(name) in found:
        found[partner(name)] += _gradients(functions[partner(name)], functions[name], call)


def _answered(function, call, others):
    """The call with what the function makes of it. What costs time, some calls have for all."""
    args, before = arguments(call), dict(leaves(call.args))
    try:
        result = called(function, call, args)
    except Exception as error:
        return call._replace(answer=type(error))
    numbers = {path: a for path, a in leaves(args) if isinstance(a, (np.ndarray, int, float))}
    written = {path: a for path, a in numbers.items() if not np.array_equal(a, before.get(path))}
    call = call._replace(answer=_named(function, call.name, result), written=written)
    if call.name in DRAWING and any(value is RNG for value in call.args.values()):
        few = sum(bool(other.moments) for other in others) < MOST_DRAWN
        return call._replace(moments=moments(function, call) if few else ())
    few = len(others) < 2 or len(before) < 15
    return call._replace(matters=frozenset(influences(function, call))) if few else call


def _gradients(function, forward, call):
    """[call] of a backward, with random gradients of the outputs it asks for; [] where the forward raises."""
    try:
        *results, cache = called(forward, call, arguments(call))
    except Exception:
        return []
    rng, named = RNG(3), [*_named(forward, call.name, (*results, cache))]
    taken = list(inspect.signature(function).parameters)
    asked = [name[1:] for name in taken[: taken.index("cache")]]  # dout, dstate, cache, Wh_T
    behind = tuple(call.args["params"][name.removesuffix("_T")].T.copy() for name in taken[len(asked) + 1 :])
    places = [named.index(name) for name in asked] if {*asked} <= {*named} else range(len(asked))
    upstream = {k: walk(lambda _, a: _noise(rng, a), results[k]) for k in places}
    answer = _named(function, partner(call.name), function(*upstream.values(), cache, *behind))
    answer = {name.removeprefix("d"): value for name, value in answer.items()}
    return [call._replace(name=partner(call.name), upstream=upstream, behind=behind, answer=answer)]


def _noise(rng, a):
    """Random numbers in the shape and of the type of an array."""
    return rng.standard_normal(a.shape).astype(a.dtype)[()]


def _named(function, name, result):
    """{output: value}, by the names under "Returns:" in the docstring, or else by number."""
    parts, doc, names = outputs(name, result), inspect.getdoc(function), []
    if other := re.search(r"Returns: as (\w+)", doc):
        doc = inspect.getdoc(function.__globals__[other[1]])
    doc = re.sub(r"\([^()]*\)", "", re.sub(r"\([^()]*\)", "", doc)).partition("\nReturns:\n")[2]
    for line in re.findall(r"^    (\w.*)", doc.partition("\nRaises")[0], re.MULTILINE):
        for part in re.findall(r"^[^:;]+|; \w+(?=:)|; \w+, \w+(?= as )", line):  # "dx, grads: …; state"
            names += [word.split()[0].strip(".") for word in part.strip("; ").split(",") if word.split()]
    if len(set(names[: len(parts)])) < len(parts):
        names = [f"result_{k}" for k in range(1, len(parts) + 1)] if len(parts) > 1 else ["result"]
    return dict(zip(names, parts))


def _kept(function, args, options):
    """Arguments by name, copied, and how many came by position."""
    bound = inspect.signature(function).bind(*args, **options).arguments
    for name, value in bound.items():
        if isinstance(value, np.random.Generator):
            bound[name] = RNG
        elif inspect.isfunction(value):  # it cannot be stored
            bound[name] = partial(np.argmax, axis=1)
    return copy.deepcopy(bound), len(args)


# ---- recorded ----------------------------------------------------------------------------------------------


def recorded(functions):
    """[name, label, arguments, how many by position] of what programs() call."""
    found, seen, now = [], set(), ["the initial parameters"]

    def recorder(name, function):
        def record(*args, **options):
            pair = name.endswith("_backward") and partner(name) in functions  # its forward's calls serve it
            if not pair and (kind := _kind((name, args, options))) not in seen:
                seen.add(kind)
                found.append([name, now[0], *_kept(function, args, options)])
            return function(*args, **options)

        return record

    with instead({f: recorder(name, original(f)) for name, f in functions.items()}):
        for now[0], run in programs():
            run()
    return found


def _kind(value):
    """What makes two calls alike: types, which sizes are 0, 1 or equal, what is padded, which record."""
    if isinstance(value, np.ndarray):
        sizes = tuple((min(n, 2), value.shape.index(n)) for n in value.shape)
        return value.dtype.str, sizes, value.dtype == bool and bool(value.all())
    if isinstance(value, dict):
        layers = {name: [*branch] for name, branch in value.items() if isinstance(branch, dict)}
        return str(layers), tuple(value), _kind(next(iter(value.values()), None))
    if isinstance(value, (tuple, list)) and len(value) < 10:
        return type(value).__name__, tuple(_kind(branch) for branch in value)
    said = isinstance(value, (bool, str, Config, type(None)))
    return repr(value) if said else type(value).__name__, value == 0


# Exercises
# 1. A function is wrong for a batch of one sentence alone. Which of the two sources of calls shows it?
