"""Chapter 7g: parameters of another model are refused in words, and those of the same one never."""

import numpy as np
import pytest

from numpy_seq2seq.config import Config
from numpy_seq2seq.optim import adam_init
from numpy_seq2seq.seq2seq import seq2seq_init
from numpy_seq2seq.shapes import check_params, parameter_shapes
from numpy_seq2seq.training import evaluate, train

from .models import SIZES, each_model, random_batch, random_params


@each_model
def test_parameter_shapes_are_those_of_the_model(config):
    params = seq2seq_init(np.random.default_rng(0), config)
    shapes = {layer: {name: a.shape for name, a in part.items()} for layer, part in params.items()}
    assert parameter_shapes(config) == shapes
    check_params(params, config)


MIXED = (
    ({"layers": 2}, {}, "the model has a parameter too many, encoder2."),
    ({}, {"layers": 2}, "the model has no parameter encoder2."),
    ({"decoder": "luong"}, {"decoder": "fixed"}, "the model has a parameter too many, readout.Wc"),
    ({"score": "dot"}, {"score": "general"}, "the model has no parameter keys.Wk"),
    ({"cell": "lstm"}, {"cell": "rnn"}, "must be float32"),
    ({"dtype": "float64"}, {"dtype": "float32"}, "must be float32"),
    ({"hidden_size": 6}, {"hidden_size": 4}, "must be float32"),
)


@pytest.mark.parametrize("own, other, said", MIXED)
def test_training_and_evaluation_refuse_parameters_of_another_model(own, other, said):
    sizes = SIZES | {"dtype": "float32"}
    params, config = random_params(Config(**sizes | own), 0), Config(**sizes | other)
    before = {layer: {name: a.copy() for name, a in part.items()} for layer, part in params.items()}
    batch = random_batch(config, 0)
    with pytest.raises(ValueError, match=said):
        evaluate(params, config, batch)
    with pytest.raises(ValueError, match=said):
        next(train(params, adam_init(params), config, [batch], 1, lambda step: 0.1))
    for layer, part in params.items():
        for name, array in part.items():
            assert np.array_equal(array, before[layer][name])
