"""Encoders: what memory and state hold, their gradients, and that neither depends on padding."""

import numpy as np
import pytest

from numpy_seq2seq.cells import CELLS
from numpy_seq2seq.config import ENCODERS, Config
from numpy_seq2seq.gradcheck import check_pair

from .models import SIZES, B, H, S, assert_same, away_from_kinks, flat, random_batch, random_params

RECURRENT = [
    Config(**SIZES, cell=cell, directions=directions, layers=layers, dtype="float64")
    for cell in CELLS
    for directions in (1, 2)
    for layers in (1, 2)
]
TRANSFORMERS = [
    Config(
        8,
        9,
        H,
        H,
        encoder="transformer",
        decoder="fixed",
        cell="gru",
        heads=heads,
        layers=layers,
        dtype="float64",
    )
    for layers, heads in ((1, 1), (1, 2), (2, 4), (3, 2))
]


def name(config):
    how = f"{config.directions}way" if config.heads is None else f"{config.heads}heads"
    return f"{config.encoder}_encoder-{config.cell}-{how}-{config.layers}layers"


def each(configs):
    return pytest.mark.parametrize("config", configs, ids=map(name, configs))


def read(config, seed):
    """(params of the encoder, x, mask, what the encoder returns) for a ragged batch."""
    wanted = ENCODERS[config.encoder].init(np.random.default_rng(0), config)
    params = {layer: arrays for layer, arrays in random_params(config, seed).items() if layer in wanted}
    mask = random_batch(config, seed + 1).source_mask
    x = np.random.default_rng(seed + 2).standard_normal((B, S, config.embedding_size))
    return params, x, mask, ENCODERS[config.encoder].forward(x, mask, params, config, None)


def test_recurrent_encoder_forward_of_an_lstm_has_a_cell_state_too():
    config = Config(**SIZES, cell="lstm", directions=2, dtype="float64")
    _, _, _, (_, state, _) = read(config, 0)
    assert [s.shape for s in state] == [(B, H), (B, H)]


@each(RECURRENT)
def test_recurrent_encoder_forward_ends_where_each_direction_has_read_its_last_token(config):
    _, _, mask, (memory, state, _) = read(config, 8)
    size, last = config.hidden_size // config.directions, mask.sum(axis=1) - 1
    np.testing.assert_array_equal(state[0][:, :size], memory[np.arange(len(last)), last, :size])
    if config.directions == 2:
        np.testing.assert_array_equal(state[0][:, size:], memory[:, 0, size:])


@pytest.mark.parametrize("layers", (1, 2, 3))
def test_reverse_source_ends_with_the_first_token(layers):
    config = Config(**SIZES, reverse_source=True, layers=layers, dtype="float64")
    _, _, _, (memory, state, _) = read(config, 9)
    np.testing.assert_array_equal(state[0], memory[:, 0])


@each(TRANSFORMERS)
def test_transformer_encoder_forward_ends_with_the_mean_of_the_real_memories(config):
    _, _, mask, (memory, (vector,), _) = read(config, 8)
    for b in range(B):
        np.testing.assert_allclose(vector[b], memory[b, mask[b]].mean(axis=0), rtol=0, atol=1e-12)


@pytest.mark.parametrize("method", ["central", "complex"])
@each(RECURRENT + TRANSFORMERS)
def test_encoder_backward(config, method):
    encoder = ENCODERS[config.encoder]
    params, x, mask, _ = read(config, 2)
    if method == "central":
        params = away_from_kinks(params)
    gates = CELLS[config.cell].gates if config.encoder == "recurrent" else ""
    args = (x, mask, params, config, None)
    check_pair(encoder.forward, encoder.backward, args, method=method, samples=2, seed=3, gates=gates)


@each([Config(**SIZES, directions=2, layers=2, dtype="float64"), TRANSFORMERS[2]])
def test_encoder_backward_without_a_gradient_on_the_memory_or_on_the_state(config):
    """A decoder without attention sends none to the memory; both parts together are the whole."""
    _, _, _, (memory, state, cache) = read(config, 4)
    rng, backward = np.random.default_rng(5), ENCODERS[config.encoder].backward
    dmemory, dstate = rng.standard_normal(memory.shape), tuple(rng.standard_normal(s.shape) for s in state)
    whole = flat(backward(dmemory, dstate, cache)[1])
    one = flat(backward(dmemory, tuple(np.zeros_like(d) for d in dstate), cache)[1])
    other = flat(backward(np.zeros_like(dmemory), dstate, cache)[1])
    assert all(np.abs(one[name]).max() > 0 for name in whole)
    assert_same({"sum": whole}, {"sum": {name: one[name] + other[name] for name in whole}})


@each(RECURRENT + TRANSFORMERS)
def test_encoder_forward_of_a_padded_batch_is_that_of_its_sequences(config):
    """And what stands on padding, be it nan, reaches neither a real memory nor a gradient."""
    params, x, mask, _ = read(config, 7)
    encoder = ENCODERS[config.encoder]
    x = np.where(mask[:, :, None], x, np.nan)
    memory, state, cache = encoder.forward(x, mask, params, config, None)
    for b in range(B):
        alone, last, _ = encoder.forward(
            x[b : b + 1, mask[b]], mask[b : b + 1, mask[b]], params, config, None
        )
        np.testing.assert_allclose(memory[b, mask[b]], alone[0], rtol=0, atol=1e-12)
        for padded, exact in zip(state, last):
            np.testing.assert_allclose(padded[b], exact[0], rtol=0, atol=1e-12)
    dx, grads = encoder.backward(np.where(mask[:, :, None], 1.0, 0.0) * np.arange(H), state, cache)
    assert not dx[~mask].any() and dx[mask].any(axis=1).all()
    assert all(np.isfinite(g).all() for g in flat(grads).values())


@each(RECURRENT + TRANSFORMERS)
def test_encoder_forward_reads_ahead_unless_it_has_one_direction(config):
    params, x, mask, (memory, _, _) = read(config, 9)
    changed = x.copy()
    changed[:, 2] += 1 + np.arange(config.embedding_size)  # a shift of all numbers alike is normalised away
    moved, _, _ = ENCODERS[config.encoder].forward(changed, mask, params, config, None)
    real = mask[:, 2]
    before, after = np.abs(moved - memory)[real, :2], np.abs(moved - memory)[real, 2:]
    assert (after[:, 0].max(axis=1) > 1e-6).all()
    assert (before.max() > 1e-6) == (config.encoder == "transformer" or config.directions == 2)
