"""Chapter 7a: the encoder's gradients; its memory and its last state do not depend on padding."""

import dataclasses

import numpy as np
import pytest

from numpy_seq2seq.cells import CELLS
from numpy_seq2seq.config import Config
from numpy_seq2seq.encoders import encoder_backward, encoder_forward, encoder_init, encoder_layers
from numpy_seq2seq.gradcheck import check_pair

from .models import SIZES, assert_same, flat, one_by_one, random_batch, random_params

ENCODERS = [
    Config(**SIZES, cell=cell, directions=directions, layers=layers, dtype="float64")
    for cell in CELLS
    for directions in (1, 2)
    for layers in (1, 3)
]
names = [f"{c.cell}-{c.directions}way-{c.layers}layers" for c in ENCODERS]
each_encoder = pytest.mark.parametrize("config", ENCODERS, ids=names)


def encoder_params(config, seed):
    wanted = encoder_init(np.random.default_rng(0), config)
    return {layer: arrays for layer, arrays in random_params(config, seed).items() if layer in wanted}


def read(config, seed):
    params, batch = encoder_params(config, seed), random_batch(config, seed + 1)
    return params, batch, encoder_forward(batch.source, batch.source_mask, params, config)


@pytest.mark.parametrize("method", ["central", "complex"])
@each_encoder
def test_encoder_backward(config, method):
    batch = random_batch(config, 1)
    args = (batch.source, batch.source_mask, encoder_params(config, 2), config)
    gates = CELLS[config.cell].gates
    check_pair(encoder_forward, encoder_backward, args, method=method, samples=6, seed=3, gates=gates)


@pytest.mark.parametrize("directions", [1, 2])
def test_encoder_backward_without_a_gradient_on_the_memory_or_on_the_state(directions):
    """A decoder without attention sends none to the memory; both parts together are the whole."""
    config = Config(**SIZES, directions=directions, layers=2, dtype="float64")
    _, _, (memory, state, cache) = read(config, 4)
    rng = np.random.default_rng(5)
    dmemory, dstate = rng.standard_normal(memory.shape), tuple(rng.standard_normal(s.shape) for s in state)
    whole = flat(encoder_backward(dmemory, dstate, cache))
    one = flat(encoder_backward(dmemory, tuple(np.zeros_like(d) for d in dstate), cache))
    other = flat(encoder_backward(np.zeros_like(dmemory), dstate, cache))
    assert all(np.abs(one[name]).max() > 0 and np.abs(other[name]).max() > 0 for name in whole)
    assert_same({"sum": whole}, {"sum": {name: one[name] + other[name] for name in whole}})


@each_encoder
def test_encoder_backward_gives_padding_no_gradient(config):
    _, _, (memory, state, cache) = read(config, 6)
    grads = encoder_backward(np.ones_like(memory), tuple(np.ones_like(s) for s in state), cache)
    assert not grads["source_embedding"]["E"][0].any()
    assert grads["source_embedding"]["E"][2:].any(axis=1).all()


@each_encoder
def test_encoder_forward_of_a_padded_batch_is_that_of_its_sequences(config):
    params, batch, (memory, state, _) = read(config, 7)
    for b, one in enumerate(one_by_one(batch)):
        alone, last, _ = encoder_forward(one.source, one.source_mask, params, config)
        np.testing.assert_allclose(memory[b, batch.source_mask[b]], alone[0], rtol=0, atol=1e-12)
        for padded, exact in zip(state, last):
            np.testing.assert_allclose(padded[b], exact[0], rtol=0, atol=1e-12)


@each_encoder
def test_encoder_forward_last_state_is_the_memory_where_each_direction_ends(config):
    _, batch, (memory, state, _) = read(config, 8)
    size, last = config.hidden_size // config.directions, batch.source_mask.sum(axis=1) - 1
    np.testing.assert_array_equal(state[0][:, :size], memory[np.arange(len(last)), last, :size])
    if config.directions == 2:
        np.testing.assert_array_equal(state[0][:, size:], memory[:, 0, size:])


@each_encoder
def test_encoder_forward_reads_ahead_only_with_two_directions(config):
    params, batch, (memory, _, _) = read(config, 9)
    changed = batch.source.copy()
    changed[:, 2] = (changed[:, 2] + 1) % config.source_vocabulary
    moved, _, _ = encoder_forward(changed, batch.source_mask, params, config)
    real = batch.source_mask[:, 2]
    before, after = np.abs(moved - memory)[real, :2], np.abs(moved - memory)[real, 2:]
    assert (after[:, 0].max(axis=1) > 1e-6).all()
    assert (before.max() > 1e-6) == (config.directions == 2)


@each_encoder
def test_encoder_init_makes_the_layers_of_encoder_layers(config):
    params = encoder_init(np.random.default_rng(10), config)
    layers = encoder_layers(config)
    assert [len(layer) for layer in layers] == [config.directions] * config.layers
    assert set(params) == {"source_embedding", *(name for layer in layers for name in layer)}
    assert {a.dtype for a in flat(params).values()} == {np.dtype("float64")}
    _, _, (memory, state, cache) = read(config, 11)
    grads = flat(encoder_backward(memory, state, cache))
    assert {name: g.shape for name, g in grads.items()} == {name: a.shape for name, a in flat(params).items()}


@pytest.mark.parametrize("directions", [1, 2])
def test_encoder_forward_memory_and_state_have_the_decoders_size(directions):
    config = dataclasses.replace(ENCODERS[0], cell="lstm", directions=directions)
    _, batch, (memory, state, _) = read(config, 12)
    assert memory.shape == (*batch.source.shape, config.hidden_size)
    assert [s.shape for s in state] == [(len(batch.source), config.hidden_size)] * 2
