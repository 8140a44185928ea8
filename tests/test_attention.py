"""Scores and attention: real memories are weighed and nothing else; gradients alike."""

import numpy as np
import pytest
from hypothesis import given

from numpy_seq2seq.activations import softmax
from numpy_seq2seq.attention import (
    align_backward, align_forward, attention_backward, attention_forward, masked_softmax_backward,
    masked_softmax_forward,
)
from numpy_seq2seq.gradcheck import check_pair
from numpy_seq2seq.scores import (
    SCORES, additive_score_backward, additive_score_forward, dot_score_backward, dot_score_forward,
    keys_backward, keys_forward, scaled_dot_score_backward, scaled_dot_score_forward,
)

from . import slow_reference
from .helpers import (
    assert_close, few, frozen, leaves, normal, padding_mask, pick, seeds, sizes, very_few,
)

# ---- one query, one key: the gradients can be written down -------------------------------------------------

Q1, K1, DE = np.array([[[1.0, -2.0]]]), np.array([[[0.5, 3.0]]]), np.array([[[2.0]]])


def test_dot_score_backward_known_answer():
    scores, cache = dot_score_forward(Q1, K1, {})
    dq, dk, grads = dot_score_backward(DE, cache)
    assert scores[0, 0, 0] == -5.5 and grads == {}
    np.testing.assert_array_equal(dq, 2 * K1)
    np.testing.assert_array_equal(dk, 2 * Q1)


def test_scaled_dot_score_backward_known_answer():
    scores, cache = scaled_dot_score_forward(Q1, K1, {})
    dq, dk, _ = scaled_dot_score_backward(DE, cache)
    np.testing.assert_allclose(scores, -5.5 / np.sqrt(2))
    np.testing.assert_allclose(dq, np.sqrt(2) * K1)
    np.testing.assert_allclose(dk, np.sqrt(2) * Q1)


def test_additive_score_backward_known_answer():
    params = {"Wq": np.array([[1.0], [1.0]]), "v": np.array([3.0])}
    scores, cache = additive_score_forward(Q1, np.array([[[1.5]]]), params)  # tanh(1 − 2 + 1.5)
    dq, dk, grads = additive_score_backward(DE, cache)
    slope = 2 * 3 * (1 - np.tanh(0.5) ** 2)
    np.testing.assert_allclose(scores, 3 * np.tanh(0.5))
    np.testing.assert_allclose(dk, [[[slope]]])
    np.testing.assert_allclose(dq, [[[slope, slope]]])
    np.testing.assert_allclose(grads["v"], [2 * np.tanh(0.5)])
    np.testing.assert_allclose(grads["Wq"], [[slope], [-2 * slope]])


# ---- any sizes
# ----------------------------------------------------------------------------------------------

AXES = {  # of what goes in and of what comes out: b a sequence, t a query, s a memory
    **{"queries": "bt", "memory": "bs", "mask": "bs", "dcontext": "bt"},
    **{"context": "bt", "weights": "bts", "dqueries": "bt", "dmemory": "bs"},
}


def attend(score, data):
    keys, keys_cache = keys_forward(data["memory"], data["key_params"])
    mask = None if data["mask"] is None else data["mask"][:, None]
    return *attention_forward(data["queries"], keys, data["memory"], data["params"], mask, score), keys_cache


def outputs(score, data):
    context, weights, *_ = attend(score, data)
    return {"context": context, "weights": weights}


def gradients(score, data):
    """With both paths to a memory: through its key and as a value."""
    _, _, cache, keys_cache = attend(score, data)
    dqueries, dkeys, dvalues, grads = attention_backward(data["dcontext"], cache)
    dmemory, keys_grads = keys_backward(dkeys, keys_cache)
    return {"dqueries": dqueries, "dmemory": dmemory + dvalues, "grads": {**grads, **keys_grads}}


methods = pytest.mark.parametrize("method", ("central", "complex"))
scores = pytest.mark.parametrize("score", SCORES.values(), ids=lambda score: score.name)
backwards = pytest.mark.parametrize("score", SCORES.values(), ids=lambda s: f"{s.backward.__name__}-{s.name}")
known_scores = [SCORES[name] for name in slow_reference.SCORES]
papers = pytest.mark.parametrize("score", known_scores, ids=lambda score: score.name)
looks = pytest.mark.parametrize(
    "look", (outputs, gradients), ids=("attention_forward-keys_forward", "attention_backward-keys_backward")
)


def draw(score, size, seed, dtype="float64"):
    """(B, T, S, Q, M), but M = Q without a projection. Padding may be anywhere but in the first row."""
    B, T, S, Q, M = size
    rng = np.random.default_rng(seed)
    key_params, params = score.init(rng, Q, M, dtype)
    if not key_params:
        M = Q
    mask = padding_mask(rng, B, S) & (rng.random((B, S)) < 0.8)
    mask[0] = True
    return {
        "queries": normal(rng, B, T, Q, dtype=dtype),
        "memory": normal(rng, B, S, M, dtype=dtype),
        "mask": frozen(mask),
        "dcontext": normal(rng, B, T, M, dtype=dtype),
        "key_params": frozen(key_params),
        "params": frozen(params),
    }


# ---- gradients ---------------------------------------------------------------------------------------------


@methods
@backwards
@very_few
@given(size=sizes(5), seed=seeds)
def test_gradient(score, method, size, seed):
    data = draw(score, size, seed)
    keys, _ = keys_forward(data["memory"], data["key_params"])
    check_pair(score.forward, score.backward, (data["queries"], keys, data["params"]), method=method)


@methods
@pytest.mark.parametrize("projected", (False, True))
@very_few
@given(size=sizes(4), seed=seeds)
def test_keys_backward_gradient(method, projected, size, seed):
    B, S, M, A = size
    rng = np.random.default_rng(seed)
    params = {"Wk": normal(rng, M, A)} if projected else {}
    check_pair(keys_forward, keys_backward, (normal(rng, B, S, M), params), method=method)


@methods
@very_few
@given(size=sizes(3), seed=seeds)
def test_masked_softmax_backward_gradient(method, size, seed):
    rng = np.random.default_rng(seed)
    args = normal(rng, *size), padding_mask(rng, size[0], size[2])[:, None]
    check_pair(masked_softmax_forward, masked_softmax_backward, args, method=method)


@methods
@scores
@very_few
@given(size=sizes(5), seed=seeds)
def test_attention_backward_gradient(score, method, size, seed):
    """Keys and values as inputs of their own."""
    data = draw(score, size, seed)
    keys, _ = keys_forward(data["memory"], data["key_params"])
    args = data["queries"], keys + 0, data["memory"], data["params"], data["mask"][:, None], score
    check_pair(attention_forward, attention_backward, args, looked_at=(1,), method=method)


# ---- masked softmax ----------------------------------------------------------------------------------------


@few
@given(size=sizes(3, smallest=1), seed=seeds)
def test_masked_softmax_forward_is_softmax_of_the_real_and_exactly_zero_elsewhere(size, seed):
    rng = np.random.default_rng(seed)
    x, mask = normal(rng, *size), padding_mask(rng, size[0], size[2])
    weights, _ = masked_softmax_forward(x, mask[:, None])
    for row, scores, real in zip(weights, x, mask):
        assert not row[:, ~real].any()
        if real.any():
            assert_close(row[:, real], softmax(scores[:, real]))


@few
@given(size=sizes(3, smallest=1), seed=seeds)
def test_masked_softmax_forward_without_a_mask_is_softmax(size, seed):
    x = normal(np.random.default_rng(seed), *size)
    assert_close(masked_softmax_forward(x, None)[0], softmax(x))


@few
@given(size=sizes(3), seed=seeds)
def test_masked_softmax_forward_does_not_see_a_shift_or_what_is_masked(size, seed):
    rng = np.random.default_rng(seed)
    x, mask = normal(rng, *size), padding_mask(rng, size[0], size[2])
    shifted = np.where(mask[:, None], x + 1000 * rng.standard_normal((*size[:2], 1)), 1e300)
    assert_close(
        masked_softmax_forward(shifted, mask[:, None])[0], masked_softmax_forward(x, mask[:, None])[0], 1e-10
    )


ALL_MASKED = np.array([[True, True, True], [False, False, False]])


@pytest.mark.parametrize("dtype", ("float32", "float64"))
def test_masked_softmax_forward_of_a_row_without_a_real_memory_is_zero(dtype):
    weights, _ = masked_softmax_forward(np.ones((2, 1, 3), dtype), ALL_MASKED[:, None])
    assert weights.dtype == dtype
    assert_close(weights, np.array([[[1 / 3] * 3], [[0] * 3]], dtype), 1e-7)


def test_masked_softmax_backward_of_a_row_without_a_real_memory_is_zero():
    rng = np.random.default_rng(0)
    _, cache = masked_softmax_forward(normal(rng, 2, 4, 3), ALL_MASKED[:, None])
    dscores = masked_softmax_backward(normal(rng, 2, 4, 3), cache)
    assert dscores[0].all() and not dscores[1].any()


# ---- edges -------------------------------------------------------------------------------------------------


@looks
@scores
def test_a_row_without_a_real_memory_gives_zeros(look, score):
    data = draw(score, (2, 4, 3, 5, 6), 0) | {"mask": ALL_MASKED}
    result = look(score, data)
    for name in result.keys() & AXES.keys():
        assert result[name][0].any() and not result[name][1].any()
    assert all(np.isfinite(a).all() for a in leaves(result))


@pytest.mark.parametrize("empty", ("t", "s", "ts"))
@looks
@scores
def test_no_queries_or_no_memories(look, score, empty):
    """T = 0 or S = 0: nothing is asked, or there is nothing to be found; the right shapes, and zeros."""
    data = draw(score, (2, 4, 3, 5, 6), 0)
    nothing = {letter: np.arange(0) for letter in empty}
    result = look(score, pick(data, AXES, **nothing))
    expected = pick(look(score, data), AXES, **nothing)
    for got, want in zip(leaves(result), leaves(expected), strict=True):
        assert_close(got, np.zeros_like(want), 0)


@looks
@scores
def test_dtype_stays(look, score):
    result = look(score, draw(score, (2, 4, 3, 5, 6), 0, "float32"))
    assert {a.dtype.name for a in leaves(result)} == {"float32"}


# ---- invariances, of outputs and of gradients --------------------------------------------------------------


@scores
@few
@given(size=sizes(5, smallest=1), seed=seeds)
def test_attention_backward_gives_a_masked_memory_no_gradient(score, size, seed):
    data = draw(score, size, seed)
    assert not gradients(score, data)["dmemory"][~data["mask"]].any()


@looks
@scores
@few
@given(size=sizes(5, smallest=1), seed=seeds)
def test_a_batch_is_its_sequences_one_by_one(look, score, size, seed):
    """Each source alone, cut to its real memories and without a mask."""
    data = draw(score, size, seed)
    result, total = look(score, data), {}
    for b in range(size[0]):
        real = np.flatnonzero(data["mask"][b])
        alone = look(score, pick(data, AXES, b=[b], s=real) | {"mask": None})
        total = {name: total.get(name, 0) + a for name, a in alone.pop("grads", {}).items()}
        expected = pick(result, AXES, b=[b], s=real)
        assert_close(alone, {name: expected[name] for name in alone})
    assert_close(total, result.get("grads", {}))


# ---- known answers -----------------------------------------------------------------------------------------


def in_lists(data):
    return {name: a.tolist() for name, a in (data["key_params"] | data["params"]).items()}


@papers
@few
@given(size=sizes(5, smallest=1), seed=seeds)
def test_attention_forward_is_the_papers_equations(score, size, seed):
    data = draw(score, size, seed)
    result, params = outputs(score, data), in_lists(data)
    for b, t in np.ndindex(size[0], size[1]):
        query, memory, mask = data["queries"][b, t].tolist(), data["memory"][b].tolist(), data["mask"][b]
        context, weights = slow_reference.attend(score.name, query, memory, params, mask)
        assert_close(result["context"][b, t], np.array(context))
        assert_close(result["weights"][b, t], np.array(weights))


# ---- parameters at the start -------------------------------------------------------------------------------


@scores
@pytest.mark.parametrize("size", ((200, 100), (100, 200), (300, 1)))
def test_score_init_fills_glorots_bounds(score, size):
    key_params, params = score.init(np.random.default_rng(0), *size, "float64")
    for name, a in (key_params | params).items():
        fans = {"Wk": sum(size), "Wq": 2 * size[0], "v": size[0] + 1}[name]
        assert 0.95 < np.abs(a).max() / np.sqrt(6 / fans) <= 1


@pytest.mark.parametrize("method", ("central", "complex"))
@pytest.mark.parametrize("score", SCORES.values(), ids=lambda score: score.name)
def test_align_forward_and_align_backward(score, method):
    B, T, S, A = 2, 3, 5, 4
    rng = np.random.default_rng(0)
    _, params = score.init(rng, A, A, "float64")
    mask = (np.arange(S) < np.array([[5], [3]]))[:, None]
    args = (rng.standard_normal((B, T, A)), rng.standard_normal((B, S, A)), params, mask, score)
    weights, _ = align_forward(*args)
    assert_close(weights.sum(axis=2), np.ones((B, T)))
    assert not weights[1, :, 3:].any()
    check_pair(align_forward, align_backward, args, method=method)


# ---- any leading axes, any mask ----------------------------------------------------------------------------


@pytest.mark.parametrize("bad", (np.nan, np.inf, 1e300))
@looks
@scores
def test_what_stands_on_padding_reaches_no_result_and_no_gradient(look, score, bad):
    """Keys and memories, whatever stands where nobody may look."""
    data = draw(score, (3, 4, 5, 2, 6), 3)
    loud = data | {"memory": np.where(data["mask"][..., None], data["memory"], bad)}
    if look is outputs:
        with np.errstate(all="ignore"):  # the projection of what is not read may overflow
            result = look(score, loud)
        assert_close(result, look(score, data))
    else:
        keys, _ = keys_forward(data["memory"], data["key_params"])
        keys_loud = np.where(data["mask"][..., None], keys, bad)
        answers = [
            attention_backward(
                data["dcontext"],
                attention_forward(data["queries"], k, m, data["params"], data["mask"][:, None], score)[2],
            )
            for k, m in ((keys, data["memory"]), (keys_loud, loud["memory"]))
        ]
        assert_close(answers[1], answers[0])


@pytest.mark.parametrize("shape", ((2, 4), (4,), (2, 4, 3, 4), (2, 3, 5), (3, 3, 4), (2, 2, 4)))
def test_masked_softmax_forward_refuses_a_mask_that_does_not_fit(shape):
    scores = np.zeros((2, 3, 4))
    with pytest.raises(ValueError, match=r"a mask of scores \(2, 3, 4\) must be boolean, have as many axes"):
        masked_softmax_forward(scores, np.ones(shape, bool))
    with pytest.raises(ValueError, match="have as many axes"):  # it would broadcast, (B, S) as (T, S)
        masked_softmax_forward(np.zeros((2, 2, 2)), np.ones((2, 2), bool))
    with pytest.raises(
        ValueError, match=r"got float64 \(2, 1, 4\)\. A padding mask \(B, S\) becomes mask\[:, None\]"
    ):
        masked_softmax_forward(scores, np.ones((2, 1, 4)))
