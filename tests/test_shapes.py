"""Shapes are told without making arrays; parameters of another model are refused in words."""

import tracemalloc

import numpy as np
import pytest

from numpy_seq2seq.config import Config
from numpy_seq2seq.generate import generate_greedy
from numpy_seq2seq.optim import adam_init
from numpy_seq2seq.seq2seq import check_params, loss_and_gradients, seq2seq_init
from numpy_seq2seq.shapes import parameter_shapes
from numpy_seq2seq.training import evaluate, train

from .models import SIZES, every_model, random_batch, random_params


@every_model
def test_parameter_shapes_are_those_of_the_model(config):
    """Of odd sizes too, far from each other."""
    H = 12 * config.directions
    other = {"source_vocabulary": 31, "target_vocabulary": 5, "hidden_size": H, "layers": 3}
    for config in (config, Config(**{**vars(config), **other, "embedding_size": H if config.heads else 1})):
        params = seq2seq_init(np.random.default_rng(0), config)
        made = {layer: {name: a.shape for name, a in part.items()} for layer, part in params.items()}
        assert parameter_shapes(seq2seq_init, config) == made
        check_params(params, config)


def test_parameter_shapes_of_a_model_that_fits_into_no_memory():
    huge = Config(10**6, 10**6, hidden_size=10**6, embedding_size=10**6, layers=2)
    tracemalloc.start()
    found = parameter_shapes(seq2seq_init, huge)
    assert tracemalloc.get_traced_memory()[1] < 200e6  # the biases are made: 4 H numbers each
    tracemalloc.stop()
    assert found["encoder2"]["Wh"] == (10**6, 4 * 10**6) and found["output"]["W"] == (10**6, 10**6)


def test_parameter_shapes_ends_where_there_may_be_no_more():
    config = Config(**SIZES)
    numbers = sum(a.size for layer in random_params(config, 0).values() for a in layer.values())
    parameter_shapes(seq2seq_init, config, most=numbers)
    with pytest.raises(ValueError, match="its config asks for a larger model"):
        parameter_shapes(seq2seq_init, config, most=numbers // 2)


MIXED = (
    ({"layers": 2}, {}, "a layer too many, encoder2; params and config are not of the same model"),
    ({}, {"layers": 2}, "params have no layer encoder2"),
    ({"decoder": "luong"}, {"decoder": "fixed"}, "too many, (attention|readout.Wc)"),
    ({"score": "dot"}, {"score": "general"}, "params have no (layer|array) keys"),
    ({"cell": "lstm"}, {"cell": "rnn"}, r"encoder.Wx must be float32 \(3, 4\), got float32 \(3, 16\)"),
    ({"dtype": "float64"}, {"dtype": "float32"}, "must be float32"),
    ({"hidden_size": 6}, {"hidden_size": 4}, "must be float32"),
)


@pytest.mark.parametrize("own, other, said", MIXED)
def test_parameters_of_another_model_are_refused(own, other, said):
    sizes = SIZES | {"dtype": "float32"}
    params, config = random_params(Config(**sizes | own), 0), Config(**sizes | other)
    before = {layer: {name: a.copy() for name, a in part.items()} for layer, part in params.items()}
    batch = random_batch(config, 0)
    for call in (
        lambda: evaluate(params, config, batch),
        lambda: next(train(params, adam_init(params), config, [batch], 1, lambda step: 0.1)),
        lambda: loss_and_gradients(batch, params, config),
        lambda: generate_greedy(batch.source, batch.source_mask, params, config),
    ):
        with pytest.raises(ValueError, match=said):
            call()
    for layer, part in params.items():
        for name, array in part.items():
            assert np.array_equal(array, before[layer][name])
