"""The Transformer: positions, sublayers and their gradients, the paper's equations, where dropout stands."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numpy_seq2seq.config import Config
from numpy_seq2seq.gradcheck import check_pair
from numpy_seq2seq.layers import dropout_forward, layer_norm_forward
from numpy_seq2seq.multihead import keys_values_forward
from numpy_seq2seq.seq2seq import decode_forward
from numpy_seq2seq.transformer import (
    cross_backward, cross_forward, embedded_backward, embedded_forward, feed_forward_backward,
    feed_forward_forward, head_maps, positions, self_backward, self_forward, transformer_encoder_forward,
    transformer_forward, transformer_init, transformer_open_backward, transformer_open_forward,
)

from . import slow_reference
from .helpers import assert_close, few, normal, seeds
from .models import away_from_kinks, encoded, random_params

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


def test_embedded_forward_known_answer():
    """A token of √H-fold size, and its position added; or its size alone."""
    x = np.ones((1, 2, 4))
    config = Config(5, 5, 4, 4, encoder="transformer", dtype="float64")
    told, _ = embedded_forward(x, 7, True, config, None)
    untold, _ = embedded_forward(x, 7, False, config, None)
    np.testing.assert_array_equal(untold, 2 * x)  # √4
    assert_close(told, 2 + positions(2, 4, "float64", first=7)[None])


@methods
def test_embedded_backward(method):
    config = Config(5, 5, 4, 4, encoder="transformer", dropout=0.5, dtype="float64")

    def forward(x):
        return embedded_forward(x, 7, True, config, np.random.default_rng(0))

    check_pair(forward, embedded_backward, (normal(np.random.default_rng(1), 2, 3, 4),), method=method)


def test_feed_forward_forward_known_answer():
    """x = (1, −1) is normalised already, but for ε; only the hidden unit that fires says something."""
    x = np.array([[[1.0, -1.0]]])
    params = {
        "feed_norm": {"g": np.ones(2), "b": np.zeros(2)},
        "feed_in": {"W": np.array([[3.0, 0.0], [0.0, 3.0]]), "b": np.array([0.0, 1.0])},  # to (3, −2)
        "feed_out": {"W": np.array([[10.0, 20.0], [99.0, 99.0]]), "b": np.array([0.5, 0.25])},
    }
    y, _ = feed_forward_forward(x, params, "feed", 0.0, None)
    assert_close(y, np.array([[[1 + 30 + 0.5, -1 + 60 + 0.25]]]), 1e-4)


# ---- the paper's equations ---------------------------------------------------------------------------------

# half of a head's size, B, S, T, heads, layers, seed
stacks = st.tuples(*(st.integers(1, most) for most in (3, 3, 4, 4, 3, 2)), seeds)


def stack_of(drawn, **choices):
    """(config, noisy params of both sides, x, y, mask of x): embedded tokens of a source and of a target."""
    half, B, S, T, heads, layers, seed = drawn
    H, rng = 2 * half * heads, np.random.default_rng(seed)
    choices = {"encoder": "transformer", "decoder": "transformer", "dtype": "float64", **choices}
    config = Config(5, 5, H, H, heads=heads, layers=layers, **choices)
    mask = np.arange(S) < np.append(S, rng.integers(1, S + 1, B))[:, None]
    return config, random_params(config, seed), normal(rng, B + 1, S, H), normal(rng, B + 1, T, H), mask


def write(y, memory, mask, params, config, rng=None):
    """What the decoder returns after open."""
    state = (np.zeros((len(y), config.hidden_size)),)
    start, source, _ = transformer_open_forward(memory, state, mask, params, config)
    return transformer_forward(y, start, source, params, config, rng)


@few
@given(stacks, st.booleans())
def test_transformer_encoder_forward_and_transformer_forward_are_the_papers_equations(drawn, told):
    """Vaswani et al. (2017) with the norm before each sublayer: one token, one head, one number at a time.

    Where the source's positions are not told, those of the target still are.
    """
    config, params, x, y, mask = stack_of(drawn, source_positions=told)
    lists = {layer: {name: a.tolist() for name, a in part.items()} for layer, part in params.items()}
    memory, _, _ = transformer_encoder_forward(x, mask, params, config)
    out, weights, _, _ = write(y, memory, mask, params, config)
    for b, real in enumerate(mask):
        args = lists, config.heads, config.layers, real
        read = slow_reference.transformer_encoder(x[b].tolist(), *args, told)
        assert_close(memory[b, real], np.array(read)[real], 1e-11)
        written, looked = slow_reference.transformer_decoder(y[b].tolist(), read, *args)
        assert_close(out[b], np.array(written), 1e-11)
        assert_close(weights[b], np.mean(looked, axis=1), 1e-11)


# ---- dropout -----------------------------------------------------------------------------------------------


def test_dropout_forward_in_a_sublayer_known_answer():
    """x + dropout(f(norm(x))): x itself is never dropped, and what is kept of f counts 1 / (1 − p) times."""
    config, params, x, _, _ = stack_of((2, 2, 3, 1, 2, 1, 0))
    plain, _ = feed_forward_forward(x, params, "encoder_1_feed", 0.0, None)
    dropped, _ = feed_forward_forward(x, params, "encoder_1_feed", 0.75, np.random.default_rng(1))
    factors = (dropped - x) / (plain - x)
    assert_close(factors, np.where(np.random.default_rng(1).random(x.shape) >= 0.75, 4.0, 0.0), 1e-9)


def added(sublayer, x, args, rng):
    """x + dropout(sublayer(x) − x), for a sublayer that is computed without dropout."""
    return x + dropout_forward(sublayer(x, *args, 0.0, None)[0] - x, 0.5, rng)[0]


def test_dropout_forward_stands_behind_every_sublayer_and_on_the_embeddings_of_a_transformer():
    """Vaswani et al. (2017), section 5.4. Both sides, sublayer by sublayer, with the same random numbers."""
    config, params, x, y, mask = stack_of((2, 2, 3, 4, 2, 2, 1), dropout=0.5)
    seen, causal, rng = mask[:, None, None], np.tri(4, dtype=bool)[None, None], np.random.default_rng(7)
    whole, _, _ = transformer_encoder_forward(x, mask, params, config, np.random.default_rng(7))
    memory, _ = embedded_forward(np.where(mask[..., None], x, 0), 0, True, config, rng)
    for k in ("encoder_1", "encoder_2"):
        memory = added(self_forward, memory, (None, seen, params, f"{k}_self", 2), rng)
        memory = added(feed_forward_forward, memory, (params, f"{k}_feed"), rng)
    memory, _ = layer_norm_forward(memory, params["encoder_norm"])
    assert_close(whole, memory, 1e-11)

    whole, _, _, _ = write(y, memory, mask, params, config, np.random.default_rng(8))
    rng = np.random.default_rng(8)
    out, _ = embedded_forward(y, 0, True, config, rng)
    for k in ("decoder_1", "decoder_2"):
        keys, values, _ = keys_values_forward(memory, params[f"{k}_cross_keys"], 2)
        out = added(self_forward, out, (None, causal, params, f"{k}_self", 2), rng)
        out = added(cross_forward, out, (keys, values, seen, params, f"{k}_cross", 2), rng)
        out = added(feed_forward_forward, out, (params, f"{k}_feed"), rng)
    assert_close(whole, layer_norm_forward(out, params["decoder_norm"])[0], 1e-11)


# ---- gradients ---------------------------------------------------------------------------------------------

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


RATE = 0.2  # of dropout, with the same factors at every call, so that forward is a function


def own(params, name):
    return {layer: part for layer, part in params.items() if layer.startswith(name)}


@methods
@few
@given(sublayers)
def test_feed_forward_backward(method, drawn):
    x, params, _, _, _ = layer(drawn)
    params = own(away_from_kinks(params) if method == "central" else params, "decoder_1_feed")

    def forward(x, params):
        return feed_forward_forward(x, params, "decoder_1_feed", RATE, np.random.default_rng(1))

    check_pair(forward, feed_forward_backward, (x, params), method=method, samples=6)


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
        args = x, past, mask, params, "decoder_1_self", heads, RATE, np.random.default_rng(1)
        y, _, after, cache = self_forward(*args)
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
    lengths = np.append(S, rng.integers(1, S + 1, B - 1))  # one row sees all and has something to choose
    mask = (np.arange(S) < lengths[:, None])[:, None, None]
    reads = {n: p for n, p in own(params, "decoder_1_cross").items() if not n.endswith("keys")}

    def forward(x, k, v, params):
        return cross_forward(x, k, v, mask, params, "decoder_1_cross", heads, RATE, np.random.default_rng(1))

    check_pair(forward, cross_backward, (x, k, v, reads), looked_at=(1,), method=method, samples=6)


@methods
@few
@given(stacks)
def test_transformer_open_forward_and_transformer_open_backward(method, drawn):
    """Every layer reads the memory; the encoder's last state is not looked at."""
    config, params, memory, y, mask = stack_of(drawn)
    keys = {layer: part for layer, part in params.items() if layer.endswith("cross_keys")}
    args = (memory, (memory[:, 0],), mask, keys, config)
    how = {"unused": ("state",), "method": method, "samples": 6}
    check_pair(transformer_open_forward, transformer_open_backward, args, **how)


def test_head_maps_of_every_layer_are_distributions():
    sides = {"encoder": "transformer", "decoder": "transformer", "dtype": "float64"}
    config = Config(8, 9, 4, 4, heads=2, layers=3, **sides)
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
