"""What the zoo's detectors look at: small models, their parameters, and pairs of strings."""

import numpy as np

from numpy_seq2seq.config import Config
from numpy_seq2seq.data import Vocabulary, make_batch
from numpy_seq2seq.seq2seq import seq2seq_forward, seq2seq_init

LETTERS = Vocabulary("abcde")
# Lengths differ from pair to pair and from side to side; letters come more than once.
PAIRS = (("abcdea", "ab"), ("ba", "bcdee"), ("d", "e"), ("eecb", "a"), ("cadab", "dcba"), ("ca", ""),
         ("aeb", "cd"))
BATCH = make_batch(PAIRS, LETTERS, LETTERS)
MASK = np.array([[True, True, True, False], [True, True, False, False]])


def model(**choices):
    sizes = {"source_vocabulary": len(LETTERS), "target_vocabulary": len(LETTERS), "dtype": "float64"}
    return Config(**sizes, **choices)


MODELS = {
    "luong": model(embedding_size=3, hidden_size=4, score="scaled_dot", directions=2, dropout=0.3),
    "bahdanau": model(embedding_size=3, hidden_size=4, cell="gru", decoder="bahdanau", score="additive",
                      directions=2),
    "luong_feeding": model(embedding_size=3, hidden_size=4, cell="rnn", decoder="luong_feeding",
                           score="general", layers=2),
    "fixed": model(embedding_size=3, hidden_size=5, decoder="fixed"),
    "peeky": model(hidden_size=6, encoder="transformer", heads=3, decoder="peeky"),
    "transformer": model(hidden_size=4, encoder="transformer", decoder="transformer", heads=2, layers=2,
                         dropout=0.3),
}


def normal(*shape):
    return np.random.default_rng(shape).normal(size=shape)


def random_params(config, scale=1.0):
    """Parameters so large that sources get different answers, and no token is the best everywhere.

    Every relu is clearly on or clearly off, so that no finite difference steps over its kink.
    """
    rng = np.random.default_rng(6)
    start = seq2seq_init(rng, config)
    params = {
        k: {n: scale * rng.standard_normal(a.shape) for n, a in part.items()} for k, part in start.items()
    }
    for layer in params:
        if layer.endswith("_feed_in"):
            params[layer]["b"] += np.resize([6.0, -6.0], params[layer]["b"].shape)
    params["output"]["b"] -= seq2seq_forward(BATCH, params, config)[0][BATCH.target_mask].mean(axis=0)
    return params
