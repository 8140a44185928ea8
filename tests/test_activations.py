"""The activations are what their formulas say, do not overflow, and their backwards are right."""

import math

import numpy as np
import pytest
from hypothesis import given

from numpy_seq2seq.activations import (
    log_softmax, log_softmax_backward, relu, relu_backward, sigmoid, sigmoid_backward, softmax,
    softmax_backward, tanh_backward,
)
from numpy_seq2seq.gradcheck import check_pair

from .helpers import assert_close, few, normal, seeds, sizes

PAIRS = [
    pytest.param(forward, backward, id=backward.__name__)
    for forward, backward in (
        (sigmoid, sigmoid_backward),
        (np.tanh, tanh_backward),
        (relu, relu_backward),
        (softmax, softmax_backward),
        (log_softmax, log_softmax_backward),
    )
]


@pytest.mark.parametrize("method", ("central", "complex"))
@pytest.mark.parametrize("forward, backward", PAIRS)
@few
@given(shape=sizes(3), seed=seeds)
def test_gradient(forward, backward, method, shape, seed):
    def forward_with_cache(x):
        y = forward(x)
        return y, y

    x = normal(np.random.default_rng(seed), *shape)
    x = x + 0.01 * np.sign(x)  # away from the kink of relu
    x.flat[0] = 1  # one that is on
    check_pair(forward_with_cache, backward, (x,), method=method)


@pytest.mark.parametrize("forward, backward", PAIRS)
def test_dtype_stays(forward, backward):
    x = normal(np.random.default_rng(0), 2, 3, dtype="float32")
    y = forward(x)
    assert y.dtype == backward(x, y).dtype == "float32"


def test_sigmoid_is_the_logistic_function():
    x = np.linspace(-30, 30, 121)
    assert_close(sigmoid(x), np.array([1 / (1 + math.exp(-a)) for a in x]), 1e-15)


@pytest.mark.parametrize("dtype", ("float32", "float64"))
def test_sigmoid_does_not_overflow(dtype):
    assert sigmoid(np.array([-1000, 0, 1000], dtype)).tolist() == [0, 0.5, 1]


def test_sigmoid_backward_at_the_middle_and_the_ends():
    assert sigmoid_backward(np.full(3, 8.0), sigmoid(np.array([-1000.0, 0, 1000]))).tolist() == [0, 2, 0]


def test_relu_and_relu_backward_on_off_and_at_the_kink():
    x = np.array([-3.0, -1e-9, 0.0, 1e-9, 5.0])
    y = relu(x)
    np.testing.assert_array_equal(y, [0, 0, 0, 1e-9, 5])
    np.testing.assert_array_equal(relu_backward(np.full(5, 7.0), y), [0, 0, 0, 7, 7])


def test_relu_looks_at_the_real_part_alone():
    """A complex number is a real one and the way in which it moves: the gradient checker's step."""
    moved = relu(np.array([2 + 1e-30j, 2 - 1e-30j, -2 + 1e-30j]))
    np.testing.assert_array_equal(moved, [2 + 1e-30j, 2 - 1e-30j, 0])


@few
@given(shape=sizes(3, smallest=1), seed=seeds)
def test_softmax_is_exp_over_the_sum_of_exps(shape, seed):
    x = normal(np.random.default_rng(seed), *shape)
    rows = [[math.exp(a) for a in row] for row in x.reshape(-1, shape[-1])]
    assert_close(softmax(x), np.array([[e / sum(row) for e in row] for row in rows]).reshape(shape))


def test_softmax_does_not_overflow():
    x = np.array([[1000.0, 0, -1000], [-1000, -1000, -1e300]])
    assert softmax(x).tolist() == [[1, 0, 0], [0.5, 0.5, 0]]


@few
@given(shape=sizes(3, smallest=1), seed=seeds)
def test_log_softmax_is_the_logarithm_of_softmax(shape, seed):
    x = normal(np.random.default_rng(seed), *shape)
    assert_close(log_softmax(x), np.log(softmax(x)))


def test_log_softmax_is_exact_where_softmax_rounds_to_zero():
    assert log_softmax(np.array([0.0, -1000, 500])).tolist() == [-500, -1500, 0]
