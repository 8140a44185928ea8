"""What is measured: a training step, and writing; on random tokens, without padding."""

import itertools
from typing import NamedTuple

import numpy as np

from numpy_seq2seq import Batch, Config, adam_init, generate_greedy, seq2seq_init, train
from numpy_seq2seq.data import BOS, EOS, SPECIALS
from numpy_seq2seq.trees import tree_map

MODELS = {  # choices of a Config
    **{cell: {"cell": cell} for cell in ("rnn", "gru", "lstm")},
    "lstm fixed": {"cell": "lstm", "decoder": "fixed"},
    "transformer": {"encoder": "transformer", "decoder": "transformer", "layers": 2, "heads": 4},
}


class Size(NamedTuple):
    """A model, and the shape of its batch."""

    model: str  # of MODELS
    V: int  # both vocabularies
    D: int  # embedding size
    H: int  # hidden size
    B: int  # batch
    S: int  # source length
    T: int  # target length


def training_step(size, kind=np.ndarray):
    """A function that trains one step further, always on the same batch; the arrays are of that kind."""
    config, params, source, mask = _model(size, kind)
    inputs, targets = (source[:, np.arange(first, first + size.T) % size.S] for first in (0, 1))
    inputs[:, 0] = BOS
    batch = Batch(source, mask, inputs, targets, np.ones_like(targets, bool))
    reports = train(params, adam_init(params), config, itertools.repeat(batch), 10**9, lambda step: 1e-3)
    return lambda: next(reports)


def writer(size, kind=np.ndarray):
    """A function that writes T tokens for each of B sources."""
    config, params, source, mask = _model(size, kind)
    params["output"]["b"][EOS] = -1e9  # no answer ends before the limit
    return lambda: generate_greedy(source, mask, params, config, size.T)


def _model(size, kind):
    rng, config = np.random.default_rng(0), Config(size.V, size.V, size.D, size.H, **MODELS[size.model])
    params, source = seq2seq_init(rng, config), rng.integers(len(SPECIALS), size.V, (size.B, size.S))
    params, source, mask = tree_map(lambda a: a.view(kind), (params, source, np.ones_like(source, bool)))
    return config, params, source, mask
