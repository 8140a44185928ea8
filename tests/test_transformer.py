"""The Transformer: positions, sublayers and their gradients. Whole models: test_seq2seq.py, test_encoders.py."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numpy_seq2seq.config import Config
from numpy_seq2seq.gradcheck import check_pair
from numpy_seq2seq.seq2seq import decode_forward
from numpy_seq2seq.transformer import (
    cross_backward,
    cross_forward,
    feed_forward_backward,
    feed_forward_forward,
    head_maps,
    positions,
    self_backward,
    self_forward,
    transformer_init,
)

from .helpers import assert_close, few, normal, seeds
from .models import away_from_kinks, encoded

methods = pytest.mark.parametrize("method", ("central", "complex"))


def test_positions_known_answer():
    """Two clocks: one turns by 1 at each step, the other by 1/100."""
    P = positions(3, 4, "float64")
    for t in range(3):
        assert_close(P[t], np.array([np.sin(t), np.cos(t), np.sin(t / 100), np.cos(t / 100)]))
    np.testing.assert_array_equal(positions(2, 4, "float64", first=1), P[1:])
    assert positions(3, 4, "float32").dtype == "float32"


def test_positions_a_shift_is_a_rotation():
    """P[t + k] = P[t] R_k with one matrix R_k for all t: what makes relative places learnable."""
    P = positions(50, 8, "float64")
    R = np.linalg.lstsq(P[:40], P[7:47], rcond=None)[0]
    assert_close(P[:40] @ R, P[7:47], 1e-9)


# heads, half of a head's size (two numbers, normalised, would not move), T, B, seed
sublayers = st.tuples(*(st.integers(least, 3) for least in (1, 2, 2, 1)), seeds)


def layer(drawn):
    """(x, params of one decoder layer, rng, H, heads)."""
    heads, half, T, B, seed = drawn
    H, rng = 2 * heads * half, np.random.default_rng(seed)
    config = Config(5, 5, H, H, decoder="transformer", heads=heads, dtype="float64")
    params = {k: {n: a + 0.1 * normal(rng, *a.shape) for n, a in part.items()} for k, part in
              transformer_init(rng, config).items()}
    return normal(rng, B + 1, T, H), params, rng, H, heads


def own(params, name):
    return {layer: part for layer, part in params.items() if layer.startswith(name)}


@methods
@few
@given(sublayers)
def test_feed_forward_backward(method, drawn):
    x, params, _, _, _ = layer(drawn)
    params = own(away_from_kinks(params) if method == "central" else params, "decoder_1_feed")
    args = (x, params, "decoder_1_feed", 0.0, None)
    check_pair(feed_forward_forward, feed_forward_backward, args, method=method, samples=6)


@methods
@pytest.mark.parametrize("kept", (0, 2))
@few
@given(sublayers)
def test_self_backward(method, kept, drawn):
    """With a past of two tokens, too: what was kept is read again, and has a gradient."""
    x, params, rng, H, heads = layer(drawn)
    B, T, _ = x.shape
    past = tuple(normal(rng, B, heads, kept, H // heads) for _ in "kv") if kept else None
    mask = (np.arange(kept + T) <= kept + np.arange(T)[:, None])[None, None]

    def forward(x, past, params):
        y, _, after, cache = self_forward(x, past, mask, params, "decoder_1_self", heads, 0.0, None)
        return y, after, cache

    def backward(dy, dkept, cache):
        dx, dpast, grads = self_backward(dy, dkept, cache)
        return (dx, dpast, grads) if kept else (dx, grads)

    backward.__name__ = "self_backward"  # for the message
    args = (x, past, own(params, "decoder_1_self"))
    check_pair(forward, backward, args, method=method, samples=6)


@methods
@few
@given(sublayers)
def test_cross_backward(method, drawn):
    x, params, rng, H, heads = layer(drawn)
    B, S = len(x), 4
    k, v = (normal(rng, B, heads, S, H // heads) for _ in "kv")
    mask = (np.arange(S) < rng.integers(1, S + 1, (B, 1)))[:, None, None]
    reads = {n: p for n, p in own(params, "decoder_1_cross").items() if not n.endswith("keys")}
    args = (x, k, v, mask, reads, "decoder_1_cross", heads, 0.0, None)
    check_pair(cross_forward, cross_backward, args, looked_at=(1,), method=method, samples=6)


def test_head_maps_of_every_layer_are_distributions():
    config = Config(8, 9, 4, 4, encoder="transformer", decoder="transformer", heads=2, layers=3, dtype="float64")
    params, batch, state, source = encoded(config, 1)
    _, weights, _, (_, cache, *_) = decode_forward(batch.inputs, state, source, params, config)
    maps = head_maps(cache)
    assert len(maps) == 3
    for own_map, cross_map in maps:
        assert own_map.shape[:2] == cross_map.shape[:2] == (len(batch.source), 2)
        assert_close(own_map.sum(axis=3), np.ones(own_map.shape[:3]))
        assert not np.triu(own_map, 1).any()  # nothing later than itself
        assert_close(cross_map.sum(axis=3), np.ones(cross_map.shape[:3]))
    assert_close(maps[-1][1].mean(axis=1), weights)
