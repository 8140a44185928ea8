"""The models that the tests run through, and data for them. Not a test.

A new cell, score or decoder joins by joining its registry.
"""

import functools
import itertools

import numpy as np
import pytest

from numpy_seq2seq.cells import CELLS
from numpy_seq2seq.config import DECODERS, Config
from numpy_seq2seq.data import BOS, EOS, UNK, Batch, pad
from numpy_seq2seq.scores import SCORES
from numpy_seq2seq.seq2seq import encode_forward, seq2seq_init
from numpy_seq2seq.trees import tree_map

from .helpers import sampled

# Pairwise different, so that no transposed or exchanged array can pass; 2 is half of H.
D, H, S, T, B = 3, 4, 5, 6, 7
SIZES = {"source_vocabulary": 8, "target_vocabulary": 9, "embedding_size": D, "hidden_size": H}


def scores(decoder):
    """The scores that make sense for a decoder."""
    return list(SCORES) if "score" in DECODERS[decoder].reads else [None]


RECURRENT = [name for name, decoder in DECODERS.items() if "cell" in decoder.reads]


def _recurrent_models():
    for decoder in RECURRENT:
        for score in scores(decoder):
            for cell in CELLS:
                for directions in (1, 2):
                    yield Config(*SIZES.values(), cell, decoder, score, directions, dtype="float64")
    for decoder in RECURRENT:
        for directions in (1, 2):
            yield Config(**SIZES, decoder=decoder, layers=2, directions=directions, dtype="float64")
        yield Config(**SIZES, cell="gru", decoder=decoder, reverse_source=True, dtype="float64")
        if DECODERS[decoder].attends:
            yield Config(**SIZES, cell="gru", decoder=decoder, attention_only=True, dtype="float64")


def _transformer_models():
    """A Transformer needs D = H; the numbers of its heads and layers vary."""
    sizes = {**SIZES, "embedding_size": H, "dtype": "float64"}
    for decoder in RECURRENT:
        for cell in CELLS:
            yield Config(**sizes, encoder="transformer", decoder=decoder, cell=cell, heads=2)
    yield Config(**sizes, encoder="transformer", decoder="bahdanau", attention_only=True, heads=1, layers=3)
    yield Config(**sizes, encoder="transformer", decoder="luong", source_positions=False, heads=4)
    for cell in CELLS:
        yield Config(**sizes, decoder="transformer", cell=cell, heads=2, layers=1 + (cell == "gru"))
    yield Config(**sizes, decoder="transformer", directions=2, heads=1)
    for layers, heads in ((1, 1), (1, 2), (2, 4), (3, 2)):
        yield Config(**sizes, encoder="transformer", decoder="transformer", layers=layers, heads=heads)


def model_name(config):
    encoder = None if config.encoder == "recurrent" else f"{config.encoder}_encoder"
    heads = f"{config.heads}heads" if config.heads else None
    deep = f"{config.layers}layers" if config.layers > 1 else None
    special = [name for name in ("reverse_source", "attention_only") if getattr(config, name)]
    special += [] if config.source_positions else ["no_positions"]
    parts = (
        config.decoder,
        encoder,
        config.cell,
        config.score,
        f"{config.directions}way",
        heads,
        deep,
        *special,
    )
    return "-".join(part for part in parts if part)


def pairwise(models):
    """Few of the models. Any two choices that occur together in some model occur together in one of these."""
    left, chosen = set().union(*map(_pairs, models)), []
    while left:
        chosen.append(max(models, key=lambda config: len(left & _pairs(config))))
        left -= _pairs(chosen[-1])
    return chosen


@functools.cache
def _pairs(config):
    return set(itertools.combinations(vars(config).items(), 2))


MODELS = [*_recurrent_models(), *_transformer_models()]
every_model = pytest.mark.parametrize("config", sampled(MODELS, *pairwise(MODELS)), ids=model_name)
ONE_WAY_LSTM = [c for c in MODELS if c.cell in ("lstm", None) and (c.directions, c.layers) == (1, 1)]
USUAL = [c for c in ONE_WAY_LSTM if c.score in ("dot", None) or c.decoder == "luong"]
each_decoder = pytest.mark.parametrize("config", sampled(ONE_WAY_LSTM, *USUAL), ids=model_name)


def random_params(config, seed):
    """Initial parameters and some noise, so that no bias is zero and nothing is symmetric."""
    rng = np.random.default_rng(seed)

    def noisy(a):
        return (a + 0.3 * rng.standard_normal(a.shape)).astype(a.dtype)

    return {k: {n: noisy(a) for n, a in layer.items()} for k, layer in seq2seq_init(rng, config).items()}


def away_from_kinks(params):
    """Every relu clearly on or clearly off, so that no finite difference steps over its kink."""

    def moved(layer, arrays):
        if not layer.endswith("_feed_in"):
            return arrays
        b = arrays["b"]
        return {**arrays, "b": b + np.resize([6.0, -6.0], b.shape).astype(b.dtype)}

    return {layer: moved(layer, arrays) for layer, arrays in params.items()}


def random_batch(config, seed, count=B, source=S, target=T):
    """A ragged batch with sequences of every length, empty ones among them, and every symbol somewhere."""
    rng = np.random.default_rng(seed)
    sources = _ragged(rng, count, source, config.source_vocabulary)
    targets = _ragged(rng, count, target, config.target_vocabulary)
    inputs, _ = pad([[BOS, *t] for t in targets])
    return Batch(*pad([[*s, EOS] for s in sources]), inputs, *pad([[*t, EOS] for t in targets]))


def _ragged(rng, count, longest, vocabulary):
    lengths = rng.permutation(np.arange(count)[::-1] % longest)
    symbols = rng.permutation(np.resize(np.arange(UNK, vocabulary), lengths.sum()))
    return [part.tolist() for part in np.split(symbols, np.cumsum(lengths)[:-1])]


def encoded(config, seed):
    """(params, batch, state, source): a model that has read its batch and may begin to write."""
    params, batch = random_params(config, seed), random_batch(config, seed + 1)
    state, source, _ = encode_forward(batch.source, batch.source_mask, params, config)
    return params, batch, state, source


def flat(tree):
    """{"layer.name": array} of params or grads."""
    return {f"{layer}.{name}": array for layer, arrays in tree.items() for name, array in arrays.items()}


def assert_same(a, b, tolerance=1e-11):
    """Two trees of params or grads agree, up to the rounding of another order of summation."""
    a, b = flat(a), flat(b)
    assert a.keys() == b.keys()
    for name in a:
        allowed = tolerance * max(np.abs(b[name]).max(), 1e-3)
        np.testing.assert_allclose(a[name], b[name], rtol=0, atol=allowed, err_msg=name)


def assert_slopes(loss, params, grads, seed):
    """Each array along a random direction, by the complex step: all entries count, for the price of one."""
    rng, wide = np.random.default_rng(seed), tree_map(lambda a: a.astype(complex), params)
    ways = tree_map(lambda a: rng.standard_normal(a.shape), params)
    parts = {k: {name: ways[k][name] * g for name, g in arrays.items()} for k, arrays in grads.items()}
    allowed = 1e-12 * sum(np.abs(part).sum() for part in flat(parts).values())
    for layer, arrays in wide.items():
        for name, a in arrays.items():
            moved = {**wide, layer: {**arrays, name: a + 1e-30j * ways[layer][name]}}
            assert abs(parts[layer][name].sum() - loss(moved).imag / 1e-30) <= allowed, f"{layer}.{name}"


def assert_equal(a, b):
    """Two trees of params or grads agree to the last bit."""
    a, b = flat(a), flat(b)
    assert a.keys() == b.keys()
    for name in a:
        np.testing.assert_array_equal(a[name], b[name], err_msg=name, strict=True)


def letters_config(vocabulary, **choices):
    """A small float32 model for strings of letters, as the demos train it."""
    sizes = {"embedding_size": 16 if "transformer" in choices.values() else 10, "hidden_size": 16}
    return Config(len(vocabulary), len(vocabulary), **sizes, **choices)


def successor_model(letters, after_last=EOS, **choices):
    """(params, config): a model made by hand. It says the letters that follow the last one of the source.

    Letters a b c d: of "b" it says c d, of "d" nothing. Each vector has one place for each token id, and the
    state fades to 0.3 of itself at each step, so that the newest token is always the loudest.
    """
    size = 4 + len(letters)
    config = Config(size, size, size, size, cell="rnn", dtype="float64", **{"decoder": "fixed", **choices})
    eye, letter = np.eye(size), np.diag((np.arange(size) > UNK).astype(float))
    params = {k: {n: 0 * a for n, a in layer.items()} for k, layer in random_params(config, 0).items()}
    for layer in ("source_embedding", "target_embedding"):
        params[layer]["E"] = letter  # EOS and BOS are silent: what was said before them stays the loudest
    for layer in ("encoder", "decoder"):
        params[layer] |= {"Wx": 10 * eye, "Wh": 0.3 * eye}
    params["readout"]["Wd"] = eye
    following = [*range(UNK + 2, size), after_last]
    params["output"]["W"][range(UNK + 1, size), following] = 1
    return params, config
