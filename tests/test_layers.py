"""Layers without time: a table look-up, a product, a norm, dropout; their parameters start in bounds."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numpy_seq2seq.gradcheck import check_pair
from numpy_seq2seq.layers import (
    affine_backward, affine_forward, affine_init, dropout_backward, dropout_forward, embedding_backward,
    embedding_forward, embedding_init, glorot, layer_norm_backward, layer_norm_forward, layer_norm_init,
)

from . import slow_reference
from .helpers import assert_close, few, frozen, leaves, normal, seeds, sizes

method = pytest.mark.parametrize("method", ("central", "complex"))
leading_axes = st.lists(st.integers(2, 4), max_size=3)


@few
@given(shape=sizes(2, 30, 90), seed=seeds)
def test_glorot_fills_its_bounds(shape, seed):
    W, limit = glorot(np.random.default_rng(seed), *shape, "float64"), np.sqrt(6 / sum(shape))
    assert W.shape == tuple(shape) and np.abs(W).max() <= limit
    assert W.max() > 0.9 * limit and W.min() < -0.9 * limit
    assert abs(W.std() * np.sqrt(3) / limit - 1) < 0.15  # of a uniform distribution


def test_embedding_init_rows_have_length_one_on_average():
    E = embedding_init(np.random.default_rng(0), 500, 40, "float64")["E"]
    assert E.shape == (500, 40)
    assert abs((E**2).sum(axis=1).mean() - 1) < 0.1 and abs(E.mean()) < 0.01
    assert abs((E**4).mean() / (E**2).mean() ** 2 - 3) < 0.2  # 3 if normal, 1.8 if uniform


def test_affine_init_is_glorot_and_no_bias():
    params = affine_init(np.random.default_rng(7), 3, 5, "float64")
    assert_close(params, {"W": glorot(np.random.default_rng(7), 3, 5, "float64"), "b": np.zeros(5)}, 0)


# ---- embedding ---------------------------------------------------------------------------------------------


@few
@given(leading=leading_axes, size=sizes(2), seed=seeds)
def test_embedding_forward_is_a_product_with_one_hot_rows(leading, size, seed):
    rng = np.random.default_rng(seed)
    E, ids = normal(rng, *size), frozen(np.array(rng.integers(0, size[0], leading)))
    x, _ = embedding_forward(ids, {"E": E})
    assert_close(x, np.eye(size[0])[ids] @ E)


@method
@few
@given(leading=leading_axes, size=sizes(2), seed=seeds)
def test_embedding_backward_gradient(method, leading, size, seed):
    rng = np.random.default_rng(seed)
    ids = np.array(rng.integers(0, size[0], leading))
    check_pair(embedding_forward, embedding_backward, (ids, {"E": normal(rng, *size)}), method=method)


@few
@given(size=sizes(3, smallest=1), seed=seeds)
def test_embedding_backward_adds_up_repeated_ids(size, seed):
    B, V, D = size
    rng = np.random.default_rng(seed)
    ids, dx = rng.integers(0, V, (B, 7)), normal(rng, B, 7, D)
    expected = np.zeros((V, D))
    for b, t in np.ndindex(ids.shape):
        expected[ids[b, t]] += dx[b, t]
    _, cache = embedding_forward(ids, {"E": normal(rng, V, D)})
    assert_close(embedding_backward(dx, cache)["E"], expected)


def test_embedding_backward_leaves_absent_ids_at_zero():
    _, cache = embedding_forward(np.array([3, 1, 3]), {"E": np.ones((5, 2))})
    dE = embedding_backward(np.ones((3, 2)), cache)["E"]
    assert dE[:, 0].tolist() == dE[:, 1].tolist() == [0, 1, 0, 2, 0]


def test_embedding_forward_of_nothing():
    assert embedding_forward(np.zeros((2, 0), int), {"E": np.ones((5, 3))})[0].shape == (2, 0, 3)


def test_embedding_backward_of_nothing():
    _, cache = embedding_forward(np.zeros((2, 0), int), {"E": np.ones((5, 3))})
    assert_close(embedding_backward(np.zeros((2, 0, 3)), cache), {"E": np.zeros((5, 3))}, 0)


# ---- affine ------------------------------------------------------------------------------------------------


def draw_affine(rng, leading, size, dtype="float64"):
    D, K = size
    params = {"W": normal(rng, D, K, dtype=dtype), "b": normal(rng, K, dtype=dtype)}
    return normal(rng, *leading, D, dtype=dtype), params


@few
@given(leading=leading_axes, size=sizes(2, smallest=1), seed=seeds)
def test_affine_forward_is_a_sum_of_products(leading, size, seed):
    x, params = draw_affine(np.random.default_rng(seed), leading, size)
    y, _ = affine_forward(x, params)
    expected = np.empty((*leading, size[1]))
    for *row, k in np.ndindex(expected.shape):
        terms = (x[(*row, d)] * params["W"][d, k] for d in range(size[0]))
        expected[(*row, k)] = params["b"][k] + sum(terms)
    assert_close(y, expected)


@method
@few
@given(leading=leading_axes, size=sizes(2), seed=seeds)
def test_affine_backward_gradient(method, leading, size, seed):
    args = draw_affine(np.random.default_rng(seed), leading, size)
    check_pair(affine_forward, affine_backward, args, method=method)


def test_affine_forward_of_nothing():
    x, params = draw_affine(np.random.default_rng(0), (2, 0), (3, 4))
    assert affine_forward(x, params)[0].shape == (2, 0, 4)


def test_affine_backward_of_nothing():
    x, params = draw_affine(np.random.default_rng(0), (2, 0), (3, 4))
    gradients = affine_backward(np.zeros((2, 0, 4)), affine_forward(x, params)[1])
    assert_close(gradients, (np.zeros((2, 0, 3)), {"W": np.zeros((3, 4)), "b": np.zeros(4)}), 0)


# ---- layer normalisation -----------------------------------------------------------------------------------

spread_out = st.integers(3, 6)  # two numbers, normalised, are always −1 and 1


def test_layer_norm_forward_known_answer():
    """(1, 3) has mean 2 and deviation 1, (10, 20, 30) has 20 and √(200/3); each vector by itself."""
    params = {"g": np.array([2.0, 10.0]), "b": np.array([5.0, 0.0])}
    y, _ = layer_norm_forward(np.array([[1.0, 3.0], [-700.0, -900.0]]), params)
    assert_close(y, np.array([[-2 + 5, 10.0], [2 + 5, -10.0]]), 1e-5)  # ε is 1e-5
    y, _ = layer_norm_forward(np.array([10.0, 20.0, 30.0]), layer_norm_init(3, "float64"))
    assert_close(y, np.array([-1, 0, 1]) * np.sqrt(1.5), 1e-6)


def test_layer_norm_backward_known_answer():
    """x = (−1, 0, 1) times √1.5 is n; dn = (1, 0, 0) loses its mean 1/3 and its part along n, (½, 0, −½)."""
    _, cache = layer_norm_forward(np.array([-100.0, 0.0, 100.0]), layer_norm_init(3, "float64"))
    dx, grads = layer_norm_backward(np.array([1.0, 0.0, 0.0]), cache)
    assert_close(dx * 100, np.array([1 - 1 / 3 - 1 / 2, -1 / 3, -1 / 3 + 1 / 2]) * np.sqrt(1.5), 1e-8)
    assert_close(grads, {"g": np.array([-np.sqrt(1.5), 0, 0]), "b": np.array([1.0, 0, 0])}, 1e-8)


def draw_norm(leading, D, seed, dtype="float64"):
    rng = np.random.default_rng(seed)
    return normal(rng, *leading, D, dtype=dtype), {name: normal(rng, D, dtype=dtype) for name in "gb"}


@few
@given(leading=leading_axes, D=st.integers(1, 6), seed=seeds)
def test_layer_norm_forward_is_the_papers_equation(leading, D, seed):
    x, params = draw_norm(leading, D, seed)
    y, _ = layer_norm_forward(x, params)
    lists = {name: a.tolist() for name, a in params.items()}
    for row in np.ndindex(*leading):
        assert_close(y[row], np.array(slow_reference.layer_norm(x[row].tolist(), lists)))


@method
@few
@given(leading=leading_axes, D=spread_out, seed=seeds)
def test_layer_norm_backward_gradient(method, leading, D, seed):
    check_pair(layer_norm_forward, layer_norm_backward, draw_norm(leading, D, seed), method=method)


def test_layer_norm_init_leaves_mean_0_and_variance_1():
    params = layer_norm_init(50, "float32")
    assert_close(params, {"g": np.ones(50), "b": np.zeros(50)}, 0)
    assert {a.dtype.name for a in leaves(params)} == {"float32"}
    y, _ = layer_norm_forward(np.random.default_rng(0).normal(7, 3, (20, 50)), params)
    assert_close(y.mean(axis=1), np.zeros(20))
    assert_close(y.var(axis=1), np.ones(20), 1e-5)


def test_dtype_stays_in_layer_norm_forward_and_layer_norm_backward():
    y, cache = layer_norm_forward(*draw_norm((2, 3), 4, 0, "float32"))
    assert {a.dtype.name for a in leaves((y, layer_norm_backward(y, cache)))} == {"float32"}


def test_layer_norm_forward_and_layer_norm_backward_of_nothing():
    y, cache = layer_norm_forward(*draw_norm((2, 0), 3, 0))
    dx, grads = layer_norm_backward(y, cache)
    assert_close((dx, grads), (np.zeros((2, 0, 3)), {"g": np.zeros(3), "b": np.zeros(3)}), 0)


# ---- both --------------------------------------------------------------------------------------------------


def test_dtype_stays_in_embedding_forward_and_affine_forward():
    x, params = draw_affine(np.random.default_rng(0), (2,), (3, 4), "float32")
    assert affine_forward(x, params)[0].dtype == "float32"
    assert embedding_forward(np.array([1, 1]), {"E": params["W"]})[0].dtype == "float32"


def test_dtype_stays_in_embedding_backward_and_affine_backward():
    x, params = draw_affine(np.random.default_rng(0), (2,), (3, 4), "float32")
    gradients = affine_backward(np.ones((2, 4), "float32"), affine_forward(x, params)[1])
    _, cache = embedding_forward(np.array([1, 1]), {"E": params["W"]})
    gradients += (embedding_backward(np.ones((2, 4), "float32"), cache),)
    assert {a.dtype.name for a in leaves(gradients)} == {"float32"}


# ---- dropout -----------------------------------------------------------------------------------------------


@method
def test_dropout_backward(method):
    x = np.random.default_rng(0).standard_normal((3, 4, 5))

    def forward(x):  # the same factors at every call
        return dropout_forward(x, 0.3, np.random.default_rng(1))

    # a dropped number has no gradient; the kept ones prove the check
    check_pair(forward, dropout_backward, (x,), method=method)


def test_dropout_forward_keeps_the_mean():
    x = np.random.default_rng(0).uniform(1, 2, 10)
    rng, rate, draws = np.random.default_rng(1), 0.3, 20_000
    mean = np.mean([dropout_forward(x, rate, rng)[0] for _ in range(draws)], axis=0)
    spread = x * np.sqrt(rate / (1 - rate) / draws)
    assert (np.abs(mean - x) < 5 * spread).all()


@pytest.mark.parametrize("rate, rng", ((0.0, np.random.default_rng(0)), (0.5, None)))
def test_dropout_forward_is_the_identity_without_rate_or_generator(rate, rng):
    x = np.random.default_rng(0).standard_normal((3, 4))
    y, cache = dropout_forward(x, rate, rng)
    np.testing.assert_array_equal(y, x)
    np.testing.assert_array_equal(dropout_backward(x, cache), x)


def test_dropout_forward_drops_its_share_and_keeps_float32():
    y, _ = dropout_forward(np.ones((200, 100), "float32"), 0.25, np.random.default_rng(0))
    assert y.dtype == "float32" and set(np.unique(y)) == {np.float32(0), np.float32(1 / 0.75)}
    assert abs((y == 0).mean() - 0.25) < 5 * np.sqrt(0.25 * 0.75 / y.size)
