"""What the zoo's detectors look at: small models and pairs of strings; and how two answers are compared."""

import numpy as np

from numpy_seq2seq import seq2seq as model
from numpy_seq2seq.config import Config
from numpy_seq2seq.data import Batch, Vocabulary, make_batch

LETTERS = Vocabulary("abcde")
# Lengths differ from pair to pair and from side to side; letters come more than once.
PAIRS = (("abcdea", "ab"), ("ba", "bcdee"), ("d", "e"), ("eecb", "a"), ("cadab", "dcba"), ("ca", ""),
         ("aeb", "cd"))
SIZES = {"source_vocabulary": len(LETTERS), "target_vocabulary": len(LETTERS), "embedding_size": 3}
SIZES |= {"dtype": "float64"}
MODELS = (
    Config(**SIZES, hidden_size=4, decoder="luong", score="scaled_dot", directions=2, dropout=0.3),
    Config(**SIZES, hidden_size=4, cell="gru", decoder="bahdanau", score="additive", directions=2),
    Config(**SIZES, hidden_size=4, cell="rnn", decoder="luong_feeding", score="general", layers=2),
    Config(**SIZES, hidden_size=5, cell="lstm", decoder="fixed", reverse_source=True),
)
MASK = np.array([[True, True, True, False], [True, True, False, False]])


class Noticed(AssertionError):
    """Something is not as it should be."""


def same(what, got, want, tolerance=1e-9):
    """Raise Noticed unless two arrays, or two trees of arrays, agree up to rounding."""
    if isinstance(want, (dict, tuple, list)):
        if len(got) != len(want):
            raise Noticed(f"{what}: {len(got)} and not {len(want)}")
        for key in want if isinstance(want, dict) else range(len(want)):
            same(f"{what}.{key}" if isinstance(want, dict) else what, got[key], want[key], tolerance)
        return
    got, want = np.asarray(got, float), np.asarray(want, float)
    if got.shape != want.shape:
        raise Noticed(f"{what}: shape {got.shape} and not {want.shape}")
    error = np.abs(got - want).max(initial=0)
    if not error <= tolerance * max(np.abs(want).max(initial=0), 1e-3):
        k = np.unravel_index(np.abs(got - want).argmax(), want.shape)
        raise Noticed(f"{what}: {got[k]:.6g} and not {want[k]:.6g}")


def normal(*shape):
    return np.random.default_rng(shape).normal(size=shape)


def random_params(config, scale=1.0):
    """Parameters of the shapes of the initial ones, but so large that sources get different answers."""
    rng = np.random.default_rng(6)
    start = model.seq2seq_init(rng, config)
    return {
        layer: {name: scale * rng.standard_normal(a.shape) for name, a in arrays.items()}
        for layer, arrays in start.items()
    }


def each_model(scale=1.0):
    """(its name, params, config, batch) for every model."""
    for config in MODELS:
        name = f"{config.decoder} {config.cell}"
        yield name, random_params(config, scale), config, make_batch(PAIRS, LETTERS, LETTERS)


def one_by_one(batch):
    """Each pair as a batch of its own, without padding."""
    for b in range(len(batch.source)):
        source, target = batch.source_mask[b], batch.target_mask[b]
        yield Batch(*(a[b : b + 1, real] for a, real in zip(batch, (source, source, target, target, target))))
