"""Optimisers against the paper's lines, one number at a time; clipping at any size; schedules, their ends."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numpy_seq2seq.optim import (
    adam_init, adam_step, clip_by_global_norm, exponential_decay, global_norm, inverse_sqrt, sgd_init,
    sgd_step, warmup_cosine,
)

from .helpers import few
from .models import assert_equal, flat

seeds = st.integers(0, 2**32 - 1)


def random_tree(seed, scale=1.0, dtype="float64"):
    rng = np.random.default_rng(seed)

    def draw(*shape):
        return (scale * rng.standard_normal(shape)).astype(dtype)

    return {"encoder": {"Wx": draw(3, 4), "b": draw(4)}, "output": {"W": draw(4, 5), "b": draw(5)}}


def copy(tree):
    return {layer: {name: a.copy() for name, a in arrays.items()} for layer, arrays in tree.items()}


def vector(tree):
    return np.concatenate([a.reshape(-1) for a in flat(tree).values()])


def one(g, dtype="float64"):
    """A tree of one array."""
    return {"layer": {"w": np.array(g, dtype)}}


# ---- Adam --------------------------------------------------------------------------------------------------


def slow_adam(theta, gradients, alpha, beta1=0.9, beta2=0.999, epsilon=1e-8):
    """Kingma & Ba (2015), algorithm 1, for one number."""
    m, v, t = 0.0, 0.0, 0
    for g in gradients:
        t = t + 1
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        m_hat = m / (1 - beta1**t)
        v_hat = v / (1 - beta2**t)
        theta = theta - alpha * m_hat / (math.sqrt(v_hat) + epsilon)
    return theta


@pytest.mark.parametrize("betas", [{}, {"beta1": 0.5, "beta2": 0.9}, {"epsilon": 0.1}], ids=str)
@few
@given(seeds)
def test_adam_step_is_algorithm_1(betas, seed):
    params = random_tree(seed)
    start, state = vector(params), adam_init(params)
    gradients = [random_tree(seed + k, scale=10.0 ** (k % 4 - 2)) for k in range(1, 11)]
    for grads in gradients:
        adam_step(params, grads, state, 0.01, **betas)
    histories = zip(*(vector(grads) for grads in gradients))
    expected = [slow_adam(theta, history, 0.01, **betas) for theta, history in zip(start, histories)]
    np.testing.assert_allclose(vector(params), expected, rtol=0, atol=1e-13)
    assert state["t"] == 10


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_adam_step_keeps_the_dtype_and_the_arrays(dtype):
    params, grads = random_tree(1, dtype=dtype), random_tree(2, dtype=dtype)
    state, arrays, given_grads = adam_init(params), flat(params), copy(grads)
    adam_step(params, grads, state, 0.01)
    assert all(flat(params)[name] is array and array.dtype == dtype for name, array in arrays.items())
    assert {a.dtype.name for tree in (state["m"], state["v"]) for a in flat(tree).values()} == {dtype}
    assert_equal(grads, given_grads)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_adam_step_whose_squares_would_overflow_has_length_lr_too(dtype):
    most = float(np.finfo(dtype).max)
    for size in (1e15, most**0.5, most):
        params, grads = one([1.0, 2.0], dtype), one([size, -size], dtype)
        state = adam_init(params)
        for _ in range(3):
            adam_step(params, grads, state, 0.25)
        np.testing.assert_allclose(params["layer"]["w"], [0.25, 2.75], rtol=1e-5)
        assert np.isfinite(vector(state["v"])).all()


def test_adam_step_decay_pulls_towards_zero_beside_the_gradient():
    """θ ← θ − η λ θ, then the step of length η: 1 − 0.1 · 0.5 · 1 − 0.1."""
    params = one([1.0])
    adam_step(params, one([3.0]), adam_init(params), 0.1, decay=0.5)
    np.testing.assert_allclose(params["layer"]["w"], [0.85])
    params, still = {"embedding": {"E": np.ones((3, 2))}}, {"embedding": {"E": np.zeros((3, 2))}}
    adam_step(params, still, adam_init(params), 0.5, decay=0.1)  # of all parameters alike
    np.testing.assert_allclose(params["embedding"]["E"], 0.95)


def test_adam_init_is_zero_and_shares_nothing():
    params = random_tree(4)
    state = adam_init(params)
    assert state["t"] == 0 and not vector(state["m"]).any() and not vector(state["v"]).any()
    arrays = [a for tree in (params, state["m"], state["v"]) for a in flat(tree).values()]
    assert not any(np.shares_memory(a, b) for k, a in enumerate(arrays) for b in arrays[:k])


# ---- SGD ---------------------------------------------------------------------------------------------------


def test_sgd_step():
    params, grads, state = random_tree(5), random_tree(6), sgd_init(random_tree(5))
    before, arrays = vector(params), flat(params)
    sgd_step(params, grads, state, 0.25)
    sgd_step(params, grads, state, 0.5)
    np.testing.assert_allclose(vector(params), before - 0.75 * vector(grads), rtol=0, atol=1e-14)
    assert all(flat(params)[name] is array for name, array in arrays.items())
    assert sgd_init(params) == {}


# ---- clipping ----------------------------------------------------------------------------------------------


def test_global_norm_known_answer():
    grads = {"a": {"W": np.array([[3.0], [0.0]]), "b": np.array([0.0])}, "c": {"W": np.array([-4.0])}}
    assert global_norm(grads) == 5
    assert global_norm({}) == 0


@few
@given(seeds, st.floats(0.01, 100))
def test_clip_by_global_norm_keeps_the_direction_and_not_the_length(seed, most):
    grads = random_tree(seed)
    before = vector(grads)
    norm = clip_by_global_norm(grads, most)
    np.testing.assert_allclose(norm, np.linalg.norm(before), rtol=1e-13)
    np.testing.assert_allclose(vector(grads), before * min(1, most / norm), rtol=1e-13)
    np.testing.assert_allclose(global_norm(grads), min(norm, most), rtol=1e-13)


def test_clip_by_global_norm_leaves_a_short_gradient_as_it_is():
    grads = random_tree(7)
    before = copy(grads)
    assert clip_by_global_norm(grads, 1e6) == global_norm(before)
    assert_equal(grads, before)


SIZES = [("float32", e) for e in (-44, -25, 0, 19, 37)] + [("float64", e) for e in (-320, -200, 0, 200, 307)]


@pytest.mark.parametrize("dtype, exponent", SIZES)
def test_global_norm_and_clip_by_global_norm_at_any_size(dtype, exponent):
    """Squares of these over- or underflow; the norm of (3, 4) is 5 at any size."""
    a = np.array([3 * 10.0**exponent], dtype)
    b = np.array([4 * 10.0**exponent], dtype)
    grads = {"a": {"w": a.copy()}, "b": {"w": b.copy()}}
    rough = {"rtol": 0.3 if exponent in (-44, -320) else 1e-5}  # there the dtype has one or two digits left
    np.testing.assert_allclose(clip_by_global_norm(grads, 1.0), 5 * 10.0**exponent, **rough)
    if exponent > 0:
        np.testing.assert_allclose(vector(grads), [0.6, 0.8], rtol=1e-5)
    else:
        np.testing.assert_array_equal(vector(grads), np.concatenate([a, b]) if exponent else vector(grads))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_global_norm_of_what_is_not_finite_is_not_finite(value):
    for arrays in ([value, 1.0], [2.0, 3.0]), ([2.0, 3.0], [1.0, value]):
        norm = global_norm({str(k): {"w": np.array(a)} for k, a in enumerate(arrays)})
        np.testing.assert_equal(norm, value)


@pytest.mark.parametrize("most", [1.0, math.inf])
def test_clip_by_global_norm_of_nothing_is_nothing(most):
    grads = {"a": {"W": np.zeros((2, 3))}, "b": {"b": np.zeros(3)}}
    assert clip_by_global_norm(grads, most) == 0
    assert not vector(grads).any()


def test_clip_by_global_norm_keeps_float32():
    grads = random_tree(8, scale=100, dtype="float32")
    clip_by_global_norm(grads, 1.0)
    assert {a.dtype.name for a in flat(grads).values()} == {"float32"}
    np.testing.assert_allclose(global_norm(grads), 1, rtol=1e-6)


# ---- schedules ---------------------------------------------------------------------------------------------


ROOT = math.sqrt(0.5)
POINTS = [(1, 0.2), (5, 1.0), (10, 2.0), (35, 1 + ROOT), (60, 1.0), (85, 1 - ROOT), (110, 0.0)]


@pytest.mark.parametrize("step,expected", POINTS)
def test_warmup_cosine_known_points(step, expected):
    assert math.isclose(warmup_cosine(step, 110, 2.0, 10), expected, abs_tol=1e-12)


@few
@given(st.integers(1, 50), st.integers(0, 50), st.floats(1e-5, 1))
def test_warmup_cosine_rises_to_its_peak_and_falls_to_zero(falling, warmup, peak):
    steps = warmup + falling
    rates = [warmup_cosine(step, steps, peak, warmup) for step in range(1, steps + 1)]
    assert all(a < b for a, b in zip(rates[: warmup - 1], rates[1:warmup])) if warmup else True
    assert all(a > b for a, b in zip(rates[warmup:], rates[warmup + 1 :]))
    assert math.isclose(rates[-1], 0, abs_tol=1e-12) and min(rates) >= 0 and max(rates) <= peak * (1 + 1e-12)
    assert warmup == 0 or math.isclose(rates[warmup - 1], peak)


@pytest.mark.parametrize("warmup", [0, 1, 20, 200, 300])
def test_warmup_cosine_is_zero_for_ever_after_its_end(warmup):
    assert [warmup_cosine(step, 200, 0.01, warmup) for step in range(201, 700)] == [0] * 499
    assert warmup_cosine(1, 1, 0.01, 0) == 0  # one step alone is the end of its cosine
    assert warmup_cosine(200, 200, 0.01, 200) == 0.01  # no step is left to fall in


@pytest.mark.parametrize("step", [1, 7, 10**6, 10**300])
def test_schedules_never_rise_after_their_peak(step):
    assert warmup_cosine(step + 1, 50, 1.0, 0) <= warmup_cosine(step, 50, 1.0, 0) <= 1
    assert exponential_decay(step + 1, 1.0, 0.9) <= exponential_decay(step, 1.0, 0.9) <= 1
    assert inverse_sqrt(step + 1, 1.0, 1) <= inverse_sqrt(step, 1.0, 1) <= 1


def test_exponential_decay_shrinks_by_one_factor():
    rates = [exponential_decay(step, 0.5, 0.9) for step in range(1, 20)]
    assert rates[0] == 0.5 == exponential_decay(7, 0.5, 1)  # a rate of 1 decays nothing
    np.testing.assert_allclose(np.divide(rates[1:], rates[:-1]), 0.9)


def test_inverse_sqrt_rises_to_its_peak_and_falls_like_one_over_the_root():
    rates = [inverse_sqrt(step, 0.3, 10) for step in range(1, 1001)]
    np.testing.assert_allclose(rates[:10], 0.03 * np.arange(1, 11))
    assert max(rates) == rates[9]
    np.testing.assert_allclose(rates[999], 0.3 / 10)
    # Vaswani et al. (2017), equation 3, with d_model = 512 and 4000 steps of warm-up
    for step in (1, 4000, 100_000):
        paper = 512**-0.5 * min(step**-0.5, step * 4000**-1.5)
        np.testing.assert_allclose(inverse_sqrt(step, 512**-0.5 * 4000**-0.5, 4000), paper)
