"""Tests of the tests: the mistakes that people make with these functions, and which check notices each.

Finite differences find a backward that is not the derivative of its forward. A forward that is wrong together
with its backward they cannot find; for those see the second half, where each fault is shown to everything
that we know of the whole model.
"""

import dataclasses
import functools
import itertools
import os
import pathlib
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest

from numpy_seq2seq import attention, cells, decoders, generate, optim, readout, recurrent, seq2seq, stacks
from numpy_seq2seq.attention import (
    attention_backward,
    attention_forward,
    masked_softmax_backward,
    masked_softmax_forward,
)
from numpy_seq2seq.cells import CELLS
from numpy_seq2seq.config import Config
from numpy_seq2seq.data import EOS, Batch
from numpy_seq2seq.config import DECODERS
from numpy_seq2seq.gradcheck import GradientError, check_gradients, check_pair
from numpy_seq2seq.layers import affine_backward, affine_forward, embedding_backward, embedding_forward
from numpy_seq2seq.losses import cross_entropy_backward, cross_entropy_forward
from numpy_seq2seq.recurrent import recurrent_backward, recurrent_forward, step_backward
from numpy_seq2seq.scores import SCORES, keys_backward, keys_forward
from numpy_seq2seq.seq2seq import encode_backward, encode_forward

from .models import SIZES, assert_same, one_by_one, random_batch, random_params

CONFIG = Config(**SIZES, cell="lstm", decoder="luong", score="general", dtype="float64")
each_cell = pytest.mark.parametrize("cell", CELLS.values(), ids=list(CELLS))


def normal(*shape):
    return np.random.default_rng(shape).normal(size=shape)


def complaint(forward, backward, args, **options):
    with pytest.raises(GradientError) as caught:
        check_pair(forward, backward, args, **options)
    return str(caught.value)


# ---- any gradient of any function, damaged in any of four ways ---------------------------------------------


def cell_arguments(cell, B=2, H=3):
    columns = len(cell.gates) * H
    return normal(B, columns), normal(2, B, columns)[1], tuple(normal(cell.states, B, H))


def unread(cell):
    """Vectors of the state that the element-wise part does not read; check_pair then makes sure of it."""
    dstate, cache = cell.forward(*cell_arguments(cell))
    return [f"state[{k}]" for k, d in enumerate(cell.backward(dstate, cache)[2]) if not d.any()]


def time_arguments(cell, B=2, T=4, D=3, H=2):
    columns = len(cell.gates) * H
    params = {"Wx": normal(D, columns), "Wh": normal(H, columns), "b": normal(columns)}
    if cell.recurrent_bias:
        params["bh"] = normal(1, columns)[0]
    mask = np.arange(T) < np.array([[T], [T - 1]])
    return normal(B, T, D), tuple(normal(cell.states, B, H)), params, cell, mask


def score_arguments(score, B=2, T=3, S=4, A=5):
    return normal(B, T, A), normal(B, S, A), score.init(np.random.default_rng(0), A, A, "float64")[1]


def embedding_arguments():
    return np.array([[1, 0, 1], [4, 1, 3]]), {"E": normal(5, 4)}


def loss_arguments():
    return normal(2, 4, 5), np.array([[1, 0, 4, 0], [2, 2, 0, 0]]), MASK


MASK = np.array([[True, True, True, False], [True, True, False, False]])
PAIRS = {
    "affine": (affine_forward, affine_backward, (normal(2, 3, 4), {"W": normal(4, 5), "b": normal(5)})),
    "embedding": (embedding_forward, embedding_backward, embedding_arguments()),
    "keys": (keys_forward, keys_backward, (normal(2, 3, 4), {"Wk": normal(4, 5)})),
    "masked softmax": (masked_softmax_forward, masked_softmax_backward, (normal(2, 3, 4), MASK[:, None])),
    "cross entropy": (cross_entropy_forward, cross_entropy_backward, loss_arguments()),
    **{f"{name} cell": (c.forward, c.backward, cell_arguments(c), c) for name, c in CELLS.items()},
    **{f"{n} in time": (recurrent_forward, recurrent_backward, time_arguments(c)) for n, c in CELLS.items()},
    **{f"{name} score": (s.forward, s.backward, score_arguments(s)) for name, s in SCORES.items()},
}


def largest_flipped(gradient):
    at = np.abs(gradient).argmax()
    return np.where(np.arange(gradient.size).reshape(gradient.shape) == at, -gradient, gradient)


DAMAGE = {
    "times 1.001": lambda gradient: 1.001 * gradient,
    "one sign flipped": largest_flipped,
    "never computed": np.zeros_like,
    "not a number": lambda gradient: gradient * np.nan,
}


def damaged(tree, k, damage):
    """The tree with its k-th array damaged."""
    position = itertools.count()

    def walk(branch):
        if isinstance(branch, dict):
            return {name: walk(b) for name, b in branch.items()}
        if isinstance(branch, (tuple, list)):
            return tuple(walk(b) for b in branch)
        if isinstance(branch, np.ndarray) and next(position) == k:
            return damage(branch) if branch.any() else branch + 1  # what is rightly zero becomes one
        return branch

    return walk(tree)


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=list(DAMAGE))
@pytest.mark.parametrize("pair", PAIRS.values(), ids=list(PAIRS))
def test_no_damaged_gradient_passes_under_a_wrong_name(pair, damage):
    forward, backward, args, *cell = pair
    options = {"unused": unread(*cell) if cell else (), "method": "complex"}
    errors = check_pair(forward, backward, args, **options)
    named = []
    for k in range(len(errors)):
        text = complaint(forward, lambda *upstream: damaged(backward(*upstream), k, damage), args, **options)
        assert f": 1 of {len(errors)} gradients are wrong" in text
        named += [name for name in errors if f"\n  {name}[" in text]
    assert sorted(named) == sorted(errors)


# ---- faults of a backward: finite differences name the array -----------------------------------------------


@each_cell
@pytest.mark.parametrize("reverse", (False, True), ids=("forward in time", "backward in time"))
def test_the_future_forgotten(cell, reverse, monkeypatch):
    def forgetful(dstate, cache):
        dgx, dprev, dgh = step_backward(dstate, cache)
        return dgx, tuple(0 * d for d in dprev), dgh

    monkeypatch.setattr(recurrent, "step_backward", forgetful)
    args = *time_arguments(cell)[:4], None, reverse
    text = complaint(recurrent_forward, recurrent_backward, args, gates=cell.gates)
    where = "first step and wrong after it" if reverse else "last step and wrong before it: does step t add"
    assert "\n  x[" in text and f"looks like: right at the {where}" in text
    assert "\n  state[0][" in text and "looks like: it is zero: never computed" in text


def test_a_recurrent_matrix_not_transposed(monkeypatch):
    """Wh is square in a cell with one gate, so that nothing else breaks."""
    x, state, params, cell, _ = time_arguments(CELLS["rnn"])

    def backward(dstate, cache):
        dgx, _, dgh = step_backward(dstate, cache)
        return dgx, (dgh @ params["Wh"],), dgh

    monkeypatch.setattr(recurrent, "step_backward", backward)
    text = complaint(recurrent_forward, recurrent_backward, (x, state, params, cell))
    assert "\n  x[" in text and "looks like: right at the last step" in text


def test_a_matrix_not_transposed():
    x, params = normal(2, 3, 4), {"W": normal(4, 4), "b": normal(4)}

    def backward(dy, cache):
        return dy @ params["W"], affine_backward(dy, cache)[1]

    text = complaint(affine_forward, backward, (x, params))
    assert "\n  x[" in text and "right: params.W, params.b" in text


@pytest.mark.parametrize(
    "db, said",
    (
        (lambda dy: dy[:, -1].sum(axis=0), "\n  params.b["),
        (lambda dy: dy.sum(axis=(0, 2)), "\n  params.b["),
        (lambda dy: dy.sum(axis=0), "must return a gradient of params.b"),
        (lambda dy: dy.mean(axis=(0, 1)), "looks like: the wrong entries are exactly 0.125 × the right ones"),
    ),
    ids=("of the last step only", "over the wrong axes", "over the batch only", "as a mean"),
)
def test_a_bias_gradient_summed_wrongly(db, said):
    def backward(dy, cache):
        dx, grads = affine_backward(dy, cache)
        return dx, {**grads, "b": db(dy)}

    assert said in complaint(affine_forward, backward, (normal(2, 4, 3), {"W": normal(3, 4), "b": normal(4)}))


@each_cell
def test_neighbouring_gates_swapped(cell):
    """Where a cell has one gate only, its first two columns."""
    def backward(dstate, cache):
        dgx, dgh, dstate = cell.backward(dstate, cache)
        blocks = np.split(dgx, max(len(cell.gates), 3), axis=1)
        return np.concatenate([blocks[1], blocks[0], *blocks[2:]], axis=1), dgh, dstate

    text = complaint(cell.forward, backward, cell_arguments(cell), unused=unread(cell), gates=cell.gates)
    assert "\n  gx[" in text and "1 of" in text
    if len(cell.gates) > 1:
        assert f"looks like: block {cell.gates[0]} holds the gradient of gate {cell.gates[1]}" in text


def test_tanh_differentiated_at_its_input(monkeypatch):
    """1 − c² where 1 − tanh²(c) belongs; o is upstream of it and stays right."""
    monkeypatch.setattr(cells, "tanh_backward", lambda dy, y: dy * (1 - np.arctanh(y) ** 2))
    lstm = CELLS["lstm"]
    text = complaint(lstm.forward, lstm.backward, cell_arguments(lstm), unused=unread(lstm), gates=lstm.gates)
    assert "\n  gx[" in text and "\n  state[1][" in text and "i wrong, f wrong, o right, g wrong" in text


def test_the_reset_gate_left_out_of_one_gradient():
    def backward(dstate, cache):
        dgx, _, dstate = CELLS["gru"].backward(dstate, cache)
        return dgx, dgx, dstate

    text = complaint(CELLS["gru"].forward, backward, cell_arguments(CELLS["gru"]), gates="rzn")
    assert "\n  gh[" in text and "right: gx, state[0]" in text and "r right, z right, n wrong" in text


@pytest.mark.parametrize("target", ("y", "dy"), ids=("cache", "gradient from above"))
def test_an_array_overwritten(monkeypatch, target):
    def in_place(dy, y):
        return np.multiply(dy, 1 - y * y, out={"y": y, "dy": dy}[target])

    monkeypatch.setattr(cells, "tanh_backward", in_place)
    rnn = CELLS["rnn"]
    text = complaint(rnn.forward, rnn.backward, cell_arguments(rnn), unused=["state[0]"])
    assert "writes into an array" in text


def test_an_embedding_row_counted_once():
    def backward(dx, cache):
        dE = np.zeros((5, 4))
        dE[cache[0]] += dx  # NumPy keeps one of several additions to the same row
        return {"E": dE}

    ids, params = embedding_arguments()
    assert "\n  params.E[1" in complaint(embedding_forward, backward, (ids, params))
    check_pair(embedding_forward, backward, (np.array([4, 0, 3]), params))  # no token twice: nothing to see


def attention_arguments():
    return normal(2, 3, 5), normal(2, 4, 5), normal(2, 4, 6), {}, MASK[:, None], SCORES["dot"]


def test_a_softmax_without_its_sum(monkeypatch):
    check_pair(attention_forward, attention_backward, attention_arguments(), looked_at=(1,))
    monkeypatch.setattr(attention, "softmax_backward", lambda dy, y: y * dy)
    text = complaint(attention_forward, attention_backward, attention_arguments(), looked_at=(1,))
    assert "\n  queries[" in text and "\n  keys[" in text and "right: memory" in text


def test_a_gradient_averaged_over_padding():
    """Loss and gradient divide by different numbers: 5 real tokens, 8 places."""
    def backward(dloss, cache):
        return cross_entropy_backward(dloss, cache) * MASK.mean()

    text = complaint(cross_entropy_forward, backward, loss_arguments())
    assert "looks like: the wrong entries are exactly 0.625 × the right ones" in text


def test_a_mask_forgotten_in_a_gradient():
    def forward(logits, targets, mask):
        _, cache_without_mask = cross_entropy_forward(logits, targets, mask | True)
        return cross_entropy_forward(logits, targets, mask)[0], cache_without_mask

    def backward(dloss, cache):
        return cross_entropy_backward(dloss / MASK.mean(), cache)  # divided by the right number all the same

    text = complaint(forward, backward, loss_arguments())
    assert "\n  logits[" in text and "15 of 40 entries wrong" in text  # 3 places of padding, 5 symbols


# ---- a path forgotten where gradients meet, in the whole model ---------------------------------------------


def keys_path(patch):
    def backward(dkeys, cache):
        dmemory, grads = keys_backward(dkeys, cache)
        return 0 * dmemory, grads

    patch.setattr(readout, "keys_backward", backward)


def query_path(patch):
    def backward(dcontext, cache):
        dqueries, *rest = attention_backward(dcontext, cache)
        return 0 * dqueries, *rest

    patch.setattr(decoders, "attention_backward", backward)


def value_path(patch):
    def backward(dstate, dsource, cache):
        return encode_backward(dstate, dsource._replace(memory=0), cache)

    patch.setattr(seq2seq, "encode_backward", backward)


def cell_state_path(patch):
    def backward(dstate, dsource, cache):
        return encode_backward((dstate[0], 0 * dstate[1]), dsource, cache)

    patch.setattr(seq2seq, "encode_backward", backward)


READING, WRITING = {"source_embedding", "encoder"}, {"target_embedding", "decoder"}


@pytest.mark.parametrize(
    "fault, wrong",
    (
        (keys_path, READING),
        (value_path, READING),
        (cell_state_path, READING),
        (query_path, READING | WRITING),
    ),
)
def test_a_path_forgotten(monkeypatch, fault, wrong):
    fault(monkeypatch)
    params = random_params(CONFIG, 1)
    with pytest.raises(GradientError) as caught:
        gradients_fit(params, CONFIG)
    assert {layer for layer in params if f"\n  {layer}." in str(caught.value)} == wrong


# ---- everything that we know of a whole model --------------------------------------------------------------

BATCH = random_batch(CONFIG, 2)


def loss_of(batch, params, config):
    return seq2seq.loss_and_gradients(batch, params, config)


def gradients_fit(params, config):
    """Finite differences."""
    _, grads = loss_of(BATCH, params, config)
    f = lambda p: loss_of(BATCH, p, config)[0]  # noqa: E731
    check_gradients(f, params, grads, method="complex", samples=8)


def padding_changes_nothing(params, config):
    wider = [np.pad(a, ((0, 0), (0, 2))) for a in BATCH]
    agree(loss_of(Batch(*wider), params, config), loss_of(BATCH, params, config))


def batch_equals_one_by_one(params, config):
    """The loss is a mean over tokens: each sequence counts as often as it has tokens."""
    tokens = BATCH.target_mask.sum()
    alone = [(b.target_mask.sum() / tokens, *loss_of(b, params, config)) for b in one_by_one(BATCH)]
    loss = sum(share * loss for share, loss, _ in alone)
    grads = {k: {n: sum(s * g[k][n] for s, _, g in alone) for n in layer} for k, layer in params.items()}
    agree((loss, grads), loss_of(BATCH, params, config))


def agree(got, want):
    assert got[0] == pytest.approx(want[0], rel=1e-11)
    assert_same(got[1], want[1])


def no_token_moves_an_earlier_output(params, config):
    other = BATCH._replace(inputs=BATCH.inputs.copy())
    other.inputs[:, 3] = (other.inputs[:, 3] + 1) % config.target_vocabulary
    before, after = (seq2seq.seq2seq_forward(b, params, config)[0] for b in (BATCH, other))
    np.testing.assert_allclose(before[:, :3], after[:, :3], atol=1e-12)


def step_by_step_equals_all_at_once(params, config):
    """What generation looks at and says is what training does when it is fed the generated words."""
    b = params["output"]["b"] - 10 * (np.arange(config.target_vocabulary) == EOS)  # nobody stops early
    params = {**params, "output": {**params["output"], "b": b}}
    tokens, weights = generate.generate_greedy(BATCH.source, BATCH.source_mask, params, config, max_length=4)
    fed = BATCH._replace(inputs=np.concatenate([BATCH.inputs[:, :1], tokens[:, :-1]], axis=1))
    logits, expected, _ = seq2seq.seq2seq_forward(fed, params, config)
    np.testing.assert_array_equal(tokens, EOS + logits[:, :, EOS:].argmax(axis=2))
    np.testing.assert_allclose(weights, expected, atol=1e-12)


def writing_carries_on_from_reading(params, config):
    """Of a decoder without attention that has the encoder's parameters: both are one recurrence."""
    config = dataclasses.replace(config, decoder="fixed", score=None, directions=1)
    params = random_params(config, 3)
    params["decoder"] = params["encoder"]
    batch, cell = max(one_by_one(BATCH), key=lambda pair: pair.targets.size), CELLS[config.cell]
    x, _ = embedding_forward(batch.source, params["source_embedding"])
    y, _ = embedding_forward(batch.inputs, params["target_embedding"])
    start = recurrent.zero_state(cell, 1, config.hidden_size, config.dtype)
    h, _, _ = recurrent_forward(np.concatenate([x, y], axis=1), start, params["encoder"], cell)
    out, _ = decoders.readout_forward(h[:, x.shape[1] :], None, params["readout"])
    expected, _ = affine_forward(out, params["output"])
    np.testing.assert_allclose(seq2seq.seq2seq_forward(batch, params, config)[0], expected, atol=1e-12)


CHECKS = (
    gradients_fit,
    PADDING := padding_changes_nothing,
    ALONE := batch_equals_one_by_one,
    CAUSAL := no_token_moves_an_earlier_output,
    STEPS := step_by_step_equals_all_at_once,
    CARRY := writing_carries_on_from_reading,
)


def who_notices(config):
    params = random_params(config, 1)

    def notices(check):
        try:
            check(params, config)
        except AssertionError:
            return True

    return {check for check in CHECKS if notices(check)}


@pytest.mark.parametrize("directions", (1, 2))
@pytest.mark.parametrize("decoder", [name for name, decoder in DECODERS.items() if "score" in decoder.reads])
def test_nobody_complains_of_a_right_model(decoder, directions):
    assert who_notices(dataclasses.replace(CONFIG, decoder=decoder, directions=directions)) == set()


# ---- faults of a forward, with a backward that matches -----------------------------------------------------


def mask_ignored_by_the_recurrence(patch):
    def forward(x, state, params, cell, mask=None, reverse=False):
        return recurrent_forward(x, state, params, cell, None, reverse)

    patch.setattr(stacks, "recurrent_forward", forward)


def padded_rows_flipped(patch):
    """The layer that reads from right to left begins with the padding."""
    def forward(x, state, params, cell, mask=None, reverse=False):
        return recurrent_forward(x, state, params, cell, None if reverse else mask, reverse)

    patch.setattr(stacks, "recurrent_forward", forward)


def mask_ignored_by_the_attention(patch):
    def forward(scores, mask):
        return masked_softmax_forward(scores, None)

    patch.setattr(attention, "masked_softmax_forward", forward)
    patch.setattr(attention, "visible", lambda a, mask: a)


def mask_ignored_by_the_loss(patch):
    def forward(logits, targets, mask, *smoothing):
        return cross_entropy_forward(logits, targets, mask | True, *smoothing)

    patch.setattr(seq2seq, "cross_entropy_forward", forward)


def loss_averaged_over_padding(patch):
    def forward(logits, targets, mask, *smoothing):
        loss, cache = cross_entropy_forward(logits, targets, mask, *smoothing)
        return loss * mask.mean(), (mask.mean(), cache)

    def backward(dloss, cache):
        return cross_entropy_backward(dloss * cache[0], cache[1])

    patch.setattr(seq2seq, "cross_entropy_forward", forward)
    patch.setattr(seq2seq, "cross_entropy_backward", backward)


def future_read_by_the_decoder(patch):
    patch.setattr(decoders, "recurrent_forward", functools.partial(recurrent_forward, reverse=True))


def cell_state_dropped_before_the_decoder(patch):
    def forward(*args):
        state, source, cache = encode_forward(*args)
        return (state[0], 0 * state[1]), source, cache

    cell_state_path(patch)
    for module in (seq2seq, generate):
        patch.setattr(module, "encode_forward", forward)


def another_bos_at_decoding(patch):
    patch.setattr(generate, "BOS", EOS)


@pytest.mark.parametrize(
    "fault, directions, noticed_by",
    (
        (mask_ignored_by_the_recurrence, 1, {PADDING, ALONE}),
        (mask_ignored_by_the_attention, 1, {PADDING, ALONE}),
        (mask_ignored_by_the_loss, 1, {PADDING, ALONE}),
        (loss_averaged_over_padding, 1, {PADDING, ALONE}),
        (padded_rows_flipped, 2, {PADDING, ALONE}),
        (future_read_by_the_decoder, 1, {PADDING, ALONE, CAUSAL, STEPS, CARRY}),
        (cell_state_dropped_before_the_decoder, 1, {CARRY}),
        (another_bos_at_decoding, 1, {STEPS}),
    ),
)
def test_what_finite_differences_do_not_see(monkeypatch, fault, directions, noticed_by):
    fault(monkeypatch)
    assert who_notices(dataclasses.replace(CONFIG, directions=directions)) == noticed_by


def test_two_gates_exchanged_consistently():
    """Only an answer that is known beforehand tells i from f: with i shut and f open the memory stays."""
    def exchanged(a):
        return np.concatenate([a[:, 3:6], a[:, :3], a[:, 6:]], axis=1)

    def forward(gx, gh, state):
        return CELLS["lstm"].forward(exchanged(gx), exchanged(gh), state)

    def backward(dstate, cache):
        dgx, dgh, dstate = CELLS["lstm"].backward(dstate, cache)
        return exchanged(dgx), exchanged(dgh), dstate

    gx, gh, state = cell_arguments(CELLS["lstm"])
    check_pair(forward, backward, (gx, gh, state), unused=unread(CELLS["lstm"]))
    shut, open_ = np.full((2, 3), -50.0), np.full((2, 3), 50.0)
    args = np.concatenate([shut, open_, gx[:, 6:]], axis=1), 0 * gh, state
    np.testing.assert_allclose(CELLS["lstm"].forward(*args)[0][1], state[1], rtol=1e-12)
    assert not np.allclose(forward(*args)[0][1], state[1])


# ---- optimisers --------------------------------------------------------------------------------------------


def positions(step, gradients):
    """Where a parameter that begins at 0 is after each step with learning rate 1."""
    params = {"layer": {"w": np.zeros(1)}}
    state, seen = optim.adam_init(params), []
    for g in gradients:
        step(params, {"layer": {"w": np.full(1, float(g))}}, state, 1)
        seen.append(params["layer"]["w"][0])
    return seen


def after_one_and_none(beta1=0.9, beta2=0.999):
    """By hand for gradients 1, 0: m̂ = β₁/(1 + β₁), v̂ = β₂/(1 + β₂) in the second step."""
    return [-1, -1 - beta1 / (1 + beta1) / np.sqrt(beta2 / (1 + beta2))]


def test_the_first_beta_in_both_moments():
    wrong = functools.partial(optim.adam_step, beta2=0.9)
    right_path, wrong_path = positions(optim.adam_step, [1, 0]), positions(wrong, [1, 0])
    assert right_path == pytest.approx(after_one_and_none(), rel=1e-6)
    assert wrong_path[0] == pytest.approx(-1, rel=1e-6)  # the first step has length η either way
    assert abs(wrong_path[1] - after_one_and_none()[1]) > 0.01


def clip_by_array(grads, max_norm):
    for layer, arrays in grads.items():
        for name in arrays:
            optim.clip_by_global_norm({layer: {name: arrays[name]}}, max_norm)


def test_clipping_array_by_array():
    def direction_and_length(clip):
        grads = {"a": {"w": np.array([3.0, 4.0])}, "b": {"w": np.array([12.0])}}
        clip(grads, 1.0)
        g = np.concatenate([grads["a"]["w"], grads["b"]["w"]])
        return g @ [3, 4, 12] / 13 / np.linalg.norm(g), np.linalg.norm(g)

    assert direction_and_length(optim.clip_by_global_norm) == pytest.approx((1, 1))
    direction, length = direction_and_length(clip_by_array)
    assert direction < 0.95 and length > 1.4


# ---- the tests that bear a function's name -----------------------------------------------------------------

ROOT = pathlib.Path(__file__).parent.parent
SLIGHTLY_OFF = """
def slightly_off(function):
    def off(tree):
        if isinstance(tree, dict):
            return {name: off(branch) for name, branch in tree.items()}
        if isinstance(tree, tuple):
            return getattr(tree, "_make", tuple)([off(branch) for branch in tree])
        return tree if tree is None else tree * 1.001

    wrapped = lambda *arguments: off(function(*arguments))
    wrapped.__name__ = function.__name__
    return wrapped
"""

NO_SHRINKING = """
from hypothesis import Phase, settings
settings.register_profile("first failure", phases=[Phase.explicit, Phase.generate])
settings.load_profile("first failure")
"""


def backwards():
    for path in sorted((ROOT / "numpy_seq2seq").glob("*.py")):
        for name in re.findall(r"^def ([a-z]\w*_backward)\(", path.read_text(encoding="utf-8"), re.MULTILINE):
            yield path.name, name


def sampled(cases, sample):
    """The one that the default run looks at, and the others, marked slow; ids as `layers affine`."""
    for room, name in cases:
        marks = () if name == sample else pytest.mark.slow
        yield pytest.param(room, name, id=f"{room[:-3]} {name.removesuffix('_backward')}", marks=marks)


@pytest.mark.parametrize("room, name", list(sampled(backwards(), "tanh_backward")))
def test_the_tests_that_bear_its_name_notice_a_thousandth(tmp_path, room, name):
    """A copy of the project in which this one gradient is 1.001 times too large."""
    for folder in ("numpy_seq2seq", "demos", "tests"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    for file in ("setup.cfg", "README.md"):
        shutil.copy(ROOT / file, tmp_path)
    (tmp_path / "numpy_seq2seq" / "slightly_off.py").write_text(SLIGHTLY_OFF, encoding="utf-8")
    (tmp_path / "conftest.py").write_text(NO_SHRINKING, encoding="utf-8")
    path = tmp_path / "numpy_seq2seq" / room
    decorated = f"\n@__import__('numpy_seq2seq.slightly_off').slightly_off.slightly_off\ndef {name}("
    path.write_text(path.read_text(encoding="utf-8").replace(f"\ndef {name}(", decorated), encoding="utf-8")
    own = [path for path in tmp_path.glob("tests/test_*.py") if name in path.read_text(encoding="utf-8")]
    where = [tmp_path / "tests" / f"test_{room}"] if (tmp_path / "tests" / f"test_{room}").exists() else own
    command = [sys.executable, "-m", "pytest", *where, "-x", "-k", name, "-p", "no:cacheprovider", "--tb=line"]
    alone = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # plugins cost half of the time
    result = subprocess.run(command, cwd=tmp_path, env=alone, capture_output=True, text=True)
    assert result.returncode == 1, result.stdout  # 5 would mean that no test bears the name
    assert "1 failed" in result.stdout
