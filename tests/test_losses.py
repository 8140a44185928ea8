"""The loss is the mean surprise over real tokens, padding in neither sum nor number."""


import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numpy_seq2seq.gradcheck import check_pair
from numpy_seq2seq.losses import (
    cross_entropy_backward, cross_entropy_forward, sequence_accuracy, token_accuracy,
)

from . import slow_reference
from .helpers import assert_close, few, frozen, normal, padding_mask, seeds, sizes


def draw(size, seed, dtype="float64"):
    """logits (B, T, V), targets and mask (B, T), padding anywhere but in the first row."""
    B, T, V = size
    rng = np.random.default_rng(seed)
    mask = padding_mask(rng, B, T) & (rng.random((B, T)) < 0.8)
    mask[0] = True
    return normal(rng, *size, dtype=dtype), frozen(rng.integers(0, V, (B, T))), frozen(mask)


def loss_of(*args):
    return cross_entropy_forward(*args)[0]


def gradient_of(*args):
    return cross_entropy_backward(1.0, cross_entropy_forward(*args)[1])


looks = pytest.mark.parametrize(
    "look", (loss_of, gradient_of), ids=("cross_entropy_forward", "cross_entropy_backward")
)


# ---- cross-entropy -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ("central", "complex"))
@few
@given(size=sizes(3), seed=seeds)
def test_cross_entropy_backward_gradient(method, size, seed):
    check_pair(cross_entropy_forward, cross_entropy_backward, draw(size, seed), method=method)


@few
@given(size=sizes(3, smallest=1), seed=seeds)
def test_cross_entropy_forward_is_the_formula(size, seed):
    args = draw(size, seed)
    assert_close(loss_of(*args), slow_reference.cross_entropy(*(a.tolist() for a in args)))


@looks
@few
@given(size=sizes(3, smallest=1), share=st.floats(0.01, 0.99), seed=seeds)
def test_smoothing_is_a_mixture_of_all_labels(look, size, share, seed):
    """L_ε = (1 − ε) L + (ε/V) Σ_v L(v), L(v) being the loss if every right token were v. Gradients alike."""
    logits, targets, mask = draw(size, seed)
    of_all = sum(look(logits, np.full_like(targets, v), mask) for v in range(size[2])) / size[2]
    mixture = (1 - share) * look(logits, targets, mask) + share * of_all
    assert_close(look(logits, targets, mask, share), mixture)
    if size[2] > 1:
        assert abs(look(logits, targets, mask, share) - look(logits, targets, mask)).max() > 1e-9


@looks
@pytest.mark.parametrize("value", (np.nan, np.inf, -np.inf))
@pytest.mark.parametrize("smoothing", (0.0, 0.1))
def test_what_stands_at_a_padded_place_reaches_nothing(look, value, smoothing):
    """Not even nan, inf, or an id that does not exist; and no warning is given."""
    logits, targets, mask = draw((3, 4, 5), 1)
    wild = np.where(mask[..., None], logits, value), np.where(mask, targets, 10**6), mask
    assert not mask.all()
    assert_close(look(*wild, smoothing), look(logits, targets, mask, smoothing), 0)


@looks
@few
@given(size=sizes(3, smallest=1), seed=seeds)
def test_a_batch_is_its_tokens_one_by_one(look, size, seed):
    """N times the result is the sum over the N real tokens."""
    logits, targets, mask = draw(size, seed)
    expected = 0 if look is loss_of else np.zeros(size)
    for b, t in np.argwhere(mask):
        one = look(logits[b : b + 1, t : t + 1], targets[b : b + 1, t : t + 1], mask[b : b + 1, t : t + 1])
        if look is loss_of:
            expected += one
        else:
            expected[b, t] = one[0, 0]
    assert_close(look(logits, targets, mask) * mask.sum(), expected)


def test_cross_entropy_forward_does_not_overflow():
    logits = np.array([[[1000.0, -1000, 0], [-1000, 1000, 0]]])
    assert loss_of(logits, np.array([[0, 0]]), np.ones((1, 2), bool)) == 1000
    assert loss_of(logits, np.array([[0, 1]]), np.ones((1, 2), bool)) == 0


def test_cross_entropy_backward_does_not_overflow():
    logits = np.array([[[1000.0, -1000, 0], [-1000, 1000, 0]]])
    gradient = gradient_of(logits, np.array([[0, 0]]), np.ones((1, 2), bool))
    assert gradient.tolist() == [[[0, 0, 0], [-0.5, 0.5, 0]]]


@looks
@pytest.mark.parametrize("size", ((2, 3, 4), (2, 0, 4)), ids=("all_padding", "no_steps"))
def test_nothing_real_costs_nothing(look, size):
    result = look(np.ones(size), np.zeros(size[:2], int), np.zeros(size[:2], bool))
    assert_close(result, 0.0 if look is loss_of else np.zeros(size), 0)


@looks
def test_dtype_stays(look):
    assert look(*draw((2, 3, 4), 0, "float32")).dtype == "float32"


# ---- accuracies --------------------------------------------------------------------------------------------

TARGETS = np.array([[4, 5, 2], [6, 2, 0], [7, 8, 2], [2, 0, 0]])
REAL = np.array([[1, 1, 1], [1, 1, 0], [1, 1, 1], [1, 0, 0]], bool)
SAID = np.array([[4, 5, 2], [6, 2, 9], [7, 9, 2], [3, 0, 0]])  # two sequences right, 7 of 9 tokens


def test_token_accuracy_counts_real_tokens():
    assert token_accuracy(SAID, TARGETS, REAL) == pytest.approx(7 / 9)


def test_sequence_accuracy_wants_every_real_token():
    assert sequence_accuracy(SAID, TARGETS, REAL) == 0.5


@pytest.mark.parametrize("accuracy", (token_accuracy, sequence_accuracy), ids=lambda f: f.__name__)
@few
@given(size=sizes(2, smallest=1), seed=seeds)
def test_padding_is_not_graded(accuracy, size, seed):
    rng = np.random.default_rng(seed)
    targets, mask = rng.integers(0, 3, size), padding_mask(rng, *size)
    said = np.where(rng.random(size) < 0.8, targets, 1)
    other = np.where(mask, said, targets + 1)
    assert accuracy(said, targets, mask) == accuracy(other, targets, mask)


@pytest.mark.parametrize("accuracy", (token_accuracy, sequence_accuracy), ids=lambda f: f.__name__)
def test_all_right_and_all_wrong(accuracy):
    assert accuracy(TARGETS, TARGETS, REAL) == 1 and accuracy(TARGETS + 1, TARGETS, REAL) == 0


def test_accuracies_of_nothing_are_zero():
    assert token_accuracy(TARGETS, TARGETS, np.zeros_like(REAL)) == 0
    assert token_accuracy(TARGETS[:0], TARGETS[:0], REAL[:0]) == 0
    assert sequence_accuracy(TARGETS[:0], TARGETS[:0], REAL[:0]) == 0
