"""Multi-head attention: heads are cut and joined right, gradients fit, and the paper says the same."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numpy_seq2seq.gradcheck import check_pair
from numpy_seq2seq.multihead import (
    keys_values_backward, keys_values_forward, keys_values_init, merge_heads, multihead_backward,
    multihead_forward, queries_init, split_heads,
)

from . import slow_reference
from .helpers import assert_close, few, leaves, normal, seeds

methods = pytest.mark.parametrize("method", ("central", "complex"))


def test_split_heads_known_answer():
    """Two tokens of four numbers, two heads: head 0 has the first two numbers of *every* token."""
    a = np.arange(8).reshape(1, 2, 4)
    np.testing.assert_array_equal(split_heads(a, 2), [[[[0, 1], [4, 5]], [[2, 3], [6, 7]]]])


def test_merge_heads_is_the_inverse_of_split_heads():
    a = normal(np.random.default_rng(0), 2, 5, 12)
    for heads in (1, 2, 3, 4, 6, 12):
        np.testing.assert_array_equal(merge_heads(split_heads(a, heads)), a)


# B, heads, half of a head's size, (T, S, …), which mask, seed
calls = st.tuples(*[st.integers(1, 3)] * 3, st.permutations([2, 3, 4]), st.integers(0, 3), seeds)


def call_of(drawn):
    """(x, memory, mask, query params, key params, heads); the mask is None, padding, causal, or both."""
    B, heads, half, (T, S, _), which, seed = drawn
    rng, H = np.random.default_rng(seed), 2 * heads * half
    lengths = np.append(S, rng.integers(1, S + 1, B - 1))  # one row sees all and has something to choose
    padding = (np.arange(S) < lengths[:, None])[:, None, None]
    causal = (np.arange(S) <= np.arange(T)[:, None])[None, None]
    mask = (None, padding, causal, padding & causal)[which]
    q, kv = queries_init(rng, H, "float64"), keys_values_init(rng, H, "float64")
    return normal(rng, B, T, H), normal(rng, B, S, H), mask, q, kv, heads


@methods
@few
@given(calls)
def test_multihead_backward(method, drawn):
    x, memory, mask, params, key_params, heads = call_of(drawn)
    k, v, _ = keys_values_forward(memory, key_params, heads)
    args = (x, k, v, mask, params, heads)
    check_pair(multihead_forward, multihead_backward, args, looked_at=(1,), method=method, samples=6)


@methods
@few
@given(calls)
def test_keys_values_backward(method, drawn):
    _, memory, _, _, params, heads = call_of(drawn)
    check_pair(keys_values_forward, keys_values_backward, (memory, params, heads), method=method, samples=6)


def attend(x, memory, mask, params, key_params, heads):
    k, v, _ = keys_values_forward(memory, key_params, heads)
    return multihead_forward(x, k, v, mask, params, heads)[:2]


@few
@given(calls)
def test_multihead_forward_is_the_papers_equations(drawn):
    """Vaswani et al. (2017), section 3.2.2, one query and one head after the other."""
    x, memory, mask, params, key_params, heads = call_of(drawn)
    out, weights = attend(x, memory, mask, params, key_params, heads)
    allowed = np.broadcast_to(True if mask is None else mask, weights.shape)[:, 0]
    q, kv = ({name: W.tolist() for name, W in p.items()} for p in (params, key_params))
    for b, t in np.ndindex(x.shape[:2]):
        lists = x[b, t].tolist(), memory[b].tolist()
        want, looked = slow_reference.multihead(*lists, q, kv, heads, allowed[b, t])
        assert_close(out[b, t], np.array(want))
        assert_close(weights[b, :, t], np.array(looked))


def test_dtype_stays_in_multihead_forward_and_multihead_backward():
    rng = np.random.default_rng(0)
    q, kv = queries_init(rng, 4, "float32"), keys_values_init(rng, 4, "float32")
    x = normal(rng, 2, 3, 4, dtype="float32")
    k, v, keys_cache = keys_values_forward(x, kv, 2)
    out, weights, cache = multihead_forward(x, k, v, None, q, 2)
    gradients = multihead_backward(out, cache), keys_values_backward(k, v, keys_cache)
    assert {a.dtype.name for a in leaves((q, kv, k, v, out, weights, gradients))} == {"float32"}


@few
@given(calls, seeds)
def test_multihead_forward_of_biased_keys_and_values(drawn, seed):
    """What pytorch.py says: a bias of the keys changes nothing, one of the values is a bias of the output."""
    x, memory, _, params, key_params, heads = call_of(drawn)
    k, v, _ = keys_values_forward(memory, key_params, heads)
    bk, bv = normal(np.random.default_rng(seed), 2, x.shape[2])
    biased = k + split_heads(bk[None, None], heads), v + split_heads(bv[None, None], heads)
    out, weights, _ = multihead_forward(x, k, v, None, params, heads)
    other, other_weights, _ = multihead_forward(x, *biased, None, params, heads)
    assert_close(other_weights, weights)
    assert_close(other, out + bv @ params["Wo"])
