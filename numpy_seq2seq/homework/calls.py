"""Homework: the calls. Which models are trained and asked, and what is called by hand besides.

Before this: check.py. After it: answers.py.

A new cell, score, encoder or decoder is called as soon as a Config can name it. TO ADD A FUNCTION that no
model calls, add a line to by_hand(): name, label, arguments.

Not here: what the functions answer (answers.py).
"""

import copy
import itertools
from functools import partial

import numpy as np

from .. import beam, generate, optim, seq2seq, tasks, training
from ..cells import CELLS
from ..config import DECODERS, ENCODERS, Config
from ..data import EOS, Vocabulary, make_batch
from ..scores import SCORES
from ..trees import tree_map
from .trial import RNG

VOCABULARIES = Vocabulary("abcd"), Vocabulary("abcde")
PADDING = ("abca", "ed"), ("", "aeba"), ("db", "")
PAIRS = {"padding": PADDING, "one row": (("bad", "cab"),), "one step": (("", ""), ("", ""))}
ROUGH = {"dtype": "float32"}
KINDS = (  # of a model; what its encoder and its decoder do not read is left out
    {}, ROUGH, {"cell": "gru"}, {"cell": "rnn"}, *({"score": score} for score in SCORES), {"directions": 2},
    {"directions": 2, "cell": "gru"}, {"layers": 2}, {"reverse_source": True}, {"attention_only": True},
    {"source_positions": False}, {"cell": "gru", **ROUGH}, {"cell": "rnn", **ROUGH},
    {"score": "additive", **ROUGH}, {"attention_only": True, **ROUGH}, {"heads": 3},
    {"dropout": 0.3, "layers": 2}, {"dropout": 0.3, "layers": 2, **ROUGH},
)  # fmt: skip


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
    return itertools.chain(_arrays(n), _masked(n), _trees(n), _words(n), models)


def _arrays(n):
    large, dtype = np.array([[-1000.0, 0, 1000], [30, -30, 2]], n().dtype), str(n().dtype)
    for name in ("sigmoid", "relu", "softmax", "log_softmax"):
        for label, x in (("three axes", n(2, 3, 4)), ("one axis", n(4)), ("large numbers", large)):
            yield name, label, x
            yield f"{name}_backward", label, x, n(*x.shape).clip(0, 0.9)
    yield "glorot", "sizes 3 and 4", RNG(5), 3, 4, dtype
    ids = np.array([3, 1, 3, 0])
    for label, shape in (("no axis before the last", ()), ("one axis", (4,)), ("three axes", (2, 1, 3))):
        yield "affine_forward", label, n(*shape, 3), {"W": n(3, 2), "b": n(2)}
        yield "layer_norm_forward", label, n(*shape, 3), {"g": n(3), "b": n(3)}
        yield "embedding_forward", label, np.resize(ids, shape), {"E": n(5, 3)}
    yield "split_heads", "three heads", n(2, 4, 6), 3
    for rate, rng in ((0.3, RNG(6)), (0.0, RNG(6)), (0.3, None)):
        yield "dropout_forward", f"rate {rate}" + ", no rng" * (rng is None), n(2, 3), rate, rng
    for name, cell in CELLS.items():
        gates, state = len(cell.gates), tuple(n(2, 4) for _ in range(cell.states))
        for k, gate in enumerate(cell.gates * (gates > 1)):
            gx = np.full((2, gates, 4), 40, state[0].dtype)
            gx[:, [g == "z" for g in cell.gates]] = -40  # so that a GRU takes the candidate, and not h_prev
            gx[:, k] = n(2, 4)
            parts = gx.reshape(2, -1), n(2, gates * 4) / 9, state
            yield f"{name}_cell_forward", f"gate {gate}, the others wide open", *parts


def _masked(n):
    dtype, padding = n().dtype, np.array([[[1, 1, 0, 1]], [[0, 0, 0, 0]]], bool)
    masks = {"no mask": None, "nothing allowed": padding, "causal": np.tri(3, 4, dtype=bool)[None]}
    for label, mask in {**masks, "a mask of two axes": padding[:, 0]}.items():
        yield "masked_softmax_forward", label, 400 * n(2, 3, 4), mask
        parts = n(2, 3, 6), n(2, 4, 5), n(2, 4, 7), {"Wq": n(6, 5), "v": n(5)}
        yield "attention_forward", label, *parts, mask, SCORES["additive"]
        yield "align_forward", label, n(2, 3, 5), n(2, 4, 5), {}, mask, SCORES["dot"]
    targets, real = np.array([[1, 4, 0], [2, 0, 0]]), np.array([[True, True, False], [True, True, False]])
    spoilt = np.where(real[..., None], n(2, 3, 5), np.nan).astype(dtype)
    yield "cross_entropy_forward", "nan at padding", spoilt, targets, real
    yield "cross_entropy_forward", "nan at padding, smoothing 0.3", spoilt, targets, real, 0.3
    memory = np.where(real[..., None], n(2, 3, 4), np.nan).astype(dtype)
    yield "attention_forward", "nan at padding", n(2, 2, 4), memory, memory, {}, real[:, None], SCORES["dot"]
    for name, cell in CELLS.items():
        K = 2 * len(cell.gates)
        params = {"Wx": n(4, K), "Wh": n(2, K), "b": n(K), **({"bh": n(K)} if cell.recurrent_bias else {})}
        state = tuple(n(2, 2) for _ in range(cell.states))
        yield "recurrent_forward", f"{name}, nan at padding", memory, state, params, cell, real
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
    total = np.array([[0.0, 2, 1], [2, 0, 3], [5, 5, 5]], n().dtype)
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
