"""Homework: the answers. Calls of every function that can be set, and what the teacher's makes of them.

Before this: check.py, transplant.py. After it: judge.py, student_tree.py.

    recorded    small models of every kind are trained and asked, and each function on the way keeps what it
                was called with. A new cell, score, encoder, decoder or layer needs no line here: it is called
                as soon as a Config can name it.
    by hand     what does not occur there: extreme numbers, errors, what no model does.
                TO ADD A FUNCTION that no model calls, add a line to by_hand(): name, label, arguments.

The calls of a forward serve its backward too.

Not here: comparing (check.py).
"""

import copy
import inspect
import itertools
import re
from functools import partial

import numpy as np

from .. import beam, generate, optim, seq2seq, tasks, training
from ..cells import CELLS
from ..config import DECODERS, ENCODERS, Config
from ..data import EOS, Vocabulary, make_batch
from ..gradcheck_numeric import walk
from ..scores import SCORES
from ..trees import tree_map
from .assignment import partner
from .check import RNG, Call, arguments, called, influences, leaves, moments, outputs
from .transplant import instead, original

DRAWING = ("draw_pairs", "glorot", "dropout_forward", "generate_sample", "sampled_inputs")  # themselves
MOST_DRAWN = 2  # calls of these whose draws are looked at
VOCABULARIES = Vocabulary("abcd"), Vocabulary("abcde")
PADDING = ("abca", "ed"), ("", "aeba"), ("db", "")
PAIRS = {"padding": PADDING, "one row": (("bad", "cab"),), "one step": (("", ""), ("", ""))}
ROUGH = {"dtype": "float32"}
KINDS = (  # of a model; what its encoder and its decoder do not read is left out
    {}, ROUGH, {"cell": "gru"}, {"cell": "rnn"}, *({"score": score} for score in SCORES), {"directions": 2},
    {"directions": 2, "cell": "gru"}, {"layers": 2}, {"reverse_source": True}, {"attention_only": True},
    {"source_positions": False}, {"cell": "gru", **ROUGH}, {"cell": "rnn", **ROUGH},
    {"dropout": 0.3, "layers": 2}, {"dropout": 0.3, "layers": 2, **ROUGH},
)  # fmt: skip


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
    found, seen, now = [], set(), [""]

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


def programs():
    """(label, function without arguments): what models are trained for and asked."""
    batches = {name: make_batch(pairs, *VOCABULARIES) for name, pairs in PAIRS.items()}
    for encoder, decoder, kind in itertools.product(ENCODERS, DECODERS, KINDS):
        shape = {"embedding_size": 5} if "transformer" not in (encoder, decoder) else {"heads": 2}
        chosen = {"encoder": encoder, "decoder": decoder, "dtype": "float64", **shape, **kind}
        try:
            config = Config(8, 9, hidden_size=6, **chosen)
        except ValueError:
            continue
        params, rng = _params(config), RNG(1) if config.dropout else None
        label = ", ".join([f"{encoder} → {decoder}", *(f"{name} {value}" for name, value in kind.items())])
        for name, batch in batches.items():
            if kind in ({}, ROUGH) or name == "padding":
                yield f"{label}, {name}", partial(seq2seq.loss_and_gradients, batch, params, config, rng)
        if kind in ({}, ROUGH):
            yield from _asked(label, batches["padding"], params, config)


def _params(config):
    """The initial ones and some noise, so that no bias is zero."""
    rng, params = RNG(0), seq2seq.seq2seq_init(RNG(0), config)
    return tree_map(lambda a: (a + 0.3 * rng.standard_normal(a.shape)).astype(a.dtype), params)


def _asked(label, batch, params, config):
    source, rng = (batch.source, batch.source_mask, params, config), RNG(2)
    yield f"{label}, two calls", partial(_in_two_calls, batch, params, config)
    yield f"{label}, smoothing 0.1", partial(seq2seq.loss_and_gradients, batch, params, config, None, 0.1)
    for length in (None, 3):
        yield f"{label}, max_length {length}", partial(generate.generate_greedy, *source, max_length=length)
        yield f"{label}, max_length {length}", partial(beam.generate_beam, *source, 3, 1.0, max_length=length)
    yield label, partial(generate.generate_sample, *source, rng, 0.7, max_length=1)
    yield label, partial(training.evaluate, params, config, batch)
    yield f"{label}, probability 0.5", partial(training.sampled_inputs, batch, params, config, 0.5, rng)
    for clip, init, step in ((0.1, optim.adam_init, optim.adam_step), (1e3, optim.sgd_init, optim.sgd_step)):
        mine, rate = copy.deepcopy(params), partial(optim.inverse_sqrt, peak=0.1, warmup=1)
        reports = training.train(mine, init(mine), config, [batch] * 2, 2, rate, clip=clip, update=step)
        yield f"{label}, training", partial(list, reports)


def _in_two_calls(batch, params, config):
    """The decoder begins with a past that is not empty."""
    state, source, _ = seq2seq.encode_forward(batch.source, batch.source_mask, params, config)
    state = seq2seq.decode_forward(batch.inputs[:, :2], state, source, params, config)[2]
    logits, _, state, cache = seq2seq.decode_forward(batch.inputs[:, 2:], state, source, params, config)
    seq2seq.decode_backward(logits, state, cache)


# ---- by hand -----------------------------------------------------------------------------------------------


def by_hand(dtype):
    """(name, label, arguments…) of calls with numbers of a type."""
    rng = RNG(4)

    def n(*shape):
        return rng.standard_normal(shape).astype(dtype)

    models = _models(Config(8, 9, hidden_size=4, dtype=dtype))
    return itertools.chain(_arrays(n), _trees(n), _words(n), models)


def _arrays(n):
    large, dtype = np.array([[-1000.0, 0, 1000], [30, -30, 2]], n().dtype), str(n().dtype)
    padding = np.array([[[1, 1, 0, 1]], [[0, 0, 0, 0]]], bool)
    for name in ("sigmoid", "relu", "softmax", "log_softmax"):
        for label, x in (("three axes", n(2, 3, 4)), ("one axis", n(4)), ("large numbers", large)):
            yield name, label, x
            yield f"{name}_backward", label, x, n(*x.shape).clip(0, 0.9)
    yield "glorot", "sizes 3 and 4", RNG(5), 3, 4, dtype
    for rate, rng in ((0.3, RNG(6)), (0.0, RNG(6)), (0.3, None)):
        yield "dropout_forward", f"rate {rate}" + ", no rng" * (rng is None), n(2, 3), rate, rng
    for name, cell in CELLS.items():
        gates, state = len(cell.gates), tuple(n(2, 4) for _ in range(cell.states))
        for k, gate in enumerate(cell.gates * (gates > 1)):
            gx = np.full((2, gates, 4), 40, state[0].dtype)
            gx[:, k] = n(2, 4)
            parts = gx.reshape(2, -1), n(2, gates * 4) / 9, state
            yield f"{name}_cell_forward", f"gate {gate}, the others wide open", *parts
    masks = {"no mask": None, "nothing allowed": padding, "causal": np.tri(3, 4, dtype=bool)[None]}
    for label, mask in {**masks, "a mask of two axes": padding[:, 0]}.items():
        yield "masked_softmax_forward", label, 400 * n(2, 3, 4), mask
        parts = n(2, 3, 6), n(2, 4, 5), n(2, 4, 7), {"Wq": n(6, 5), "v": n(5)}
        yield "attention_forward", label, *parts, mask, SCORES["additive"]
        yield "align_forward", label, n(2, 3, 5), n(2, 4, 5), {}, mask, SCORES["dot"]
    targets, real = np.array([[1, 4, 0], [2, 0, 0]]), np.array([[True, True, False], [True, True, False]])
    for label, mask in (("padding", real), ("no token", real & False), ("one token", targets == 4)):
        yield "cross_entropy_forward", label, n(2, 3, 5), targets, mask
        for name in ("token_accuracy", "sequence_accuracy"):
            yield name, label, np.array([[1, 4, 2], [2, 3, 3]]), targets, mask


def _trees(n):
    def tree(scale=1.0):
        return {"a": {"W": scale * n(2, 3), "b": scale * n(3)}, "c": {"v": scale * n(4)}}

    state, large = {"m": tree(), "v": tree_map(np.abs, tree()), "t": 3}, float(np.finfo(n().dtype).max) ** 0.7
    yield "adam_init", "some parameters", tree()
    yield "adam_step", "decay", tree(), tree(), state, 0.1, 0.8, 0.9, 1e-3, 0.2
    yield "adam_step", "step 1", tree(), tree(1e-7), {"m": tree(0.0), "v": tree(0.0), "t": 0}, 0.1
    for label, scale in (("gradients", 1), ("huge", large), ("tiny", 1 / large), ("zeros", 0)):
        yield "global_norm", label, tree(scale)
        for most in (0.5, 50.0, -1.0):
            yield "clip_by_global_norm", f"{label}, max_norm {most}", tree(scale), most
    for step in (0, 1, 9, 10, 11, 50, 100, 101):
        yield "warmup_cosine", f"step {step}", step, 100, 0.3, 10
        yield "inverse_sqrt", f"step {step}", step, 0.3, 10
        yield "exponential_decay", f"step {step}", step, 0.3, 0.9


def _words(n):
    for words, unk in itertools.product((["ab", "", "dcba"], [], "ab", ["xa"]), (False, True)):
        yield "make_source", f"{words}, unk={unk}", words, VOCABULARIES[0], unk
        pairs = words if words == "ab" else [(word, word[::-1]) for word in words]
        yield "make_batch", f"{words}, unk={unk}", pairs, *VOCABULARIES, unk
    yield "make_batch", "three parts", [("a", "b", "c")], *VOCABULARIES
    for task, word in itertools.product([*tasks.TASKS, "nothing"], ("", "cabacb", "b")):
        yield "right_places", f"{task} of {word!r}", task, word
    for word in ("", "가", 3, *map("".join, itertools.product("abcdef", "xyz"))):
        yield "is_held_out", repr(word), word
    for alphabet, held_out in (("abc", False), ("abc", True), ("aa", False)):
        yield "draw_pairs", f"{alphabet=}, {held_out=}", "reverse", RNG(7), 2, (1, 3), alphabet, held_out
    for length, alpha in ((1, 0.6), (7, 0.6), (7, 0.0)):
        yield "length_penalty", f"length {length}, alpha {alpha}", length, alpha
    total = np.array([[0.0, 2, 1], [2, 0, 3], [5, 5, 5]])
    yield "_best", "ties", total, np.array([0, 0, 2]), np.array([3, 1, 2])


def _models(config):
    batch, params = make_batch(PADDING, *VOCABULARIES), _params(config)
    params["output"]["W"] *= 3  # so that the answers are not all alike
    endless = copy.deepcopy(params)
    endless["output"]["b"][EOS] -= 9
    for mine, length in ((endless, None), (params, 2), (params, 0)):
        source = batch.source, batch.source_mask, mine, config
        yield "_generate", f"max_length={length}", partial(np.argmax, axis=1), *source, length
        yield "generate_greedy", f"max_length={length}", *source, length
        yield "generate_beam", f"max_length={length}", *source, 2, 0.6, length
        yield "evaluate", f"max_length={length}", mine, config, batch, length
    for width, alpha in ((0, 1.0), (2, -1.0), (1, 0.0)):
        yield "generate_beam", f"width {width}, alpha {alpha}", *source, width, alpha
    for temperature, top_k in ((4.0, 3), (0.3, None), (0.0, None), (1.0, 0), (1.0, 100)):
        yield "generate_sample", f"{temperature=}, {top_k=}", *source, RNG(8), temperature, top_k, 1
    for probability in (0.5, 0.0, 2.0):
        yield "sampled_inputs", f"{probability=}", batch, params, config, probability, RNG(8)


# Exercises
# 1. A function is wrong for a batch of one sentence alone. Which of the two sources of calls shows it?
