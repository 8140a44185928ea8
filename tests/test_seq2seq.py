"""Whole models: their gradients, and what must change neither loss, nor gradients, nor logits."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numpy_seq2seq.cells import CELLS
from numpy_seq2seq.config import DECODERS, ENCODERS, Config
from numpy_seq2seq.data import Vocabulary, make_batch
from numpy_seq2seq.gradcheck import check_gradients, check_pair
from numpy_seq2seq.invariances import INVARIANCES
from numpy_seq2seq.losses import cross_entropy_forward
from numpy_seq2seq.seq2seq import (
    decode_backward, decode_forward, encode_backward, encode_forward, loss_and_gradients, parameter_count,
    seq2seq_backward, seq2seq_forward, seq2seq_init,
)

from .helpers import few, leaves, sampled
from .models import (
    MODELS, USUAL, B, assert_equal, assert_slopes, away_from_kinks, each_decoder, encoded, every_model, flat,
    model_name, pairwise, random_batch, random_params, scores, successor_model,
)


def model(config, seed):
    return random_params(config, seed), random_batch(config, seed + 1)


def close(a, b, atol=1e-12):
    np.testing.assert_allclose(a, b, rtol=0, atol=atol)


def options(config, method):
    """Other entries of each array for each model."""
    gates = CELLS[config.cell].gates if config.cell else ""
    return {"method": method, "samples": 2, "seed": MODELS.index(config), "gates": gates}


# ---- gradients ---------------------------------------------------------------------------------------------


def loss_of(batch, config, smoothing=0.0, seed=None):
    """The loss by the parameters. With a seed the same factors of dropout are drawn every time."""
    def loss(params):
        rng = None if seed is None else np.random.default_rng(seed)
        logits, _, _ = seq2seq_forward(batch, params, config, rng)
        return cross_entropy_forward(logits, batch.targets, batch.target_mask, smoothing)[0]

    return loss


def check_model(config, params, batch, **how):
    loss, (value, grads) = loss_of(batch, config), loss_and_gradients(batch, params, config)
    assert value == loss(params)
    return check_gradients(loss, params, grads, name="loss_and_gradients", **how)


@pytest.mark.parametrize("config", pairwise(MODELS), ids=model_name)  # all at every entry: below
def test_loss_and_gradients(config):
    params, batch = random_params(config, 100), random_batch(config, 101, B, 3, 4)
    assert_slopes(loss_of(batch, config), params, loss_and_gradients(batch, params, config)[1], 102)


@pytest.mark.parametrize("config", sampled(MODELS, *USUAL[::4]), ids=model_name)
def test_loss_and_gradients_by_differences(config):
    params, batch = away_from_kinks(random_params(config, 103)), random_batch(config, 104, B, 3, 4)
    check_model(config, params, batch, **options(config, "central"))


@pytest.mark.slow
@every_model
def test_loss_and_gradients_at_every_entry(config):
    check_model(config, random_params(config, 110), random_batch(config, 111, B, 3, 4), method="complex")


@pytest.mark.slow
@each_decoder
def test_loss_and_gradients_at_every_entry_by_differences(config):
    params, batch = away_from_kinks(random_params(config, 110)), random_batch(config, 111, B, 3, 4)
    check_model(config, params, batch, method="central")


@st.composite
def any_model(draw):
    """(config, batch, seed) of any size."""
    d, half, layers, count, directions = (draw(st.integers(1, most)) for most in (5, 3, 3, 4, 2))
    decoder, encoder = draw(st.sampled_from(list(DECODERS))), draw(st.sampled_from(list(ENCODERS)))
    read = ENCODERS[encoder].reads | DECODERS[decoder].reads
    options = {
        "cell": list(CELLS),
        "score": scores(decoder),
        "heads": [n for n in (1, 2, half) if 2 * half % n == 0],
    }
    chosen = {name: draw(st.sampled_from(values)) for name, values in options.items() if name in read}
    chosen |= {"directions": directions} if "directions" in read else {}
    chosen |= {"layers": layers} if "layers" in read else {}
    d = 2 * half if "heads" in read else d
    config = Config(5, 6, d, 2 * half, decoder=decoder, encoder=encoder, dtype="float64", **chosen)
    seed = draw(st.integers(0, 2**32 - 2))
    return config, random_batch(config, seed, count, draw(st.integers(2, 6)), draw(st.integers(1, 6))), seed


@few
@given(any_model())
def test_loss_and_gradients_of_any_size(drawn):
    config, batch, seed = drawn
    params = random_params(config, seed + 1)
    assert_slopes(loss_of(batch, config), params, loss_and_gradients(batch, params, config)[1], seed)


@each_decoder
def test_seq2seq_backward(config):
    params, batch = model(config, 120)
    args, how = (batch, params, config), options(config, "complex")
    check_pair(seq2seq_forward, seq2seq_backward, args, looked_at=(1,), **how)


def encode_params(params):
    """The parameters that encode_forward reads, and the others."""
    def reads(layer):
        first = layer.startswith(("source_embedding", "encoder", "start", "keys"))
        return first or layer.endswith("cross_keys")

    return tuple({k: p for k, p in params.items() if reads(k) == side} for side in (True, False))


@each_decoder
def test_encode_backward(config):
    params, batch = model(config, 130)
    params = away_from_kinks(params)
    args = (batch.source, batch.source_mask, encode_params(params)[0], config)
    check_pair(encode_forward, encode_backward, args, **options(config, "central"))


@each_decoder
def test_decode_backward(config):
    params, batch, state, source = encoded(config, 140)
    _, _, state, _ = decode_forward(batch.inputs[:, :2], state, source, params, config)  # two tokens ago
    args = (batch.inputs, state, source, encode_params(params)[1], config)
    how = options(config, "complex") | {"samples": 4}
    check_pair(decode_forward, decode_backward, args, looked_at=(1,), **how)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@every_model
def test_seq2seq_init_and_loss_and_gradients_agree_in_names_shapes_and_dtype(config, dtype):
    config = dataclasses.replace(config, dtype=dtype)
    params, batch = seq2seq_init(np.random.default_rng(150), config), random_batch(config, 151)
    loss, grads = loss_and_gradients(batch, params, config)
    one, two = ({name: (a.shape, a.dtype) for name, a in flat(tree).items()} for tree in (params, grads))
    assert one == two
    assert {a.dtype.name for a in flat(params).values()} == {dtype}
    logits, weights, _ = seq2seq_forward(batch, params, config)
    assert logits.dtype == dtype and np.asarray(loss).dtype == dtype
    assert weights is None or weights.dtype == dtype


@every_model
def test_loss_and_gradients_writes_into_nothing(config):
    params, batch = model(config, 160)
    for a in (*flat(params).values(), *batch):
        a.flags.writeable = False
    first, second = (loss_and_gradients(batch, params, config) for _ in range(2))
    assert first[0] == second[0]
    assert_equal(first[1], second[1])


# ---- what changes nothing ----------------------------------------------------------------------------------


@every_model
def test_decode_forward_and_loss_and_gradients_keep_every_invariance(config):
    params, batch = random_params(config, 200), random_batch(config, 201, 4)
    for invariance in INVARIANCES:
        invariance(params, config, batch)


@every_model
def test_seq2seq_forward_does_not_look_at_the_targets(config):
    params, batch = model(config, 260)
    other = batch._replace(targets=batch.targets % (config.target_vocabulary - 1) + 1)  # never PAD
    np.testing.assert_array_equal(*(seq2seq_forward(b, params, config)[0] for b in (batch, other)))
    assert loss_and_gradients(batch, params, config)[0] != loss_and_gradients(other, params, config)[0]


# ---- dropout -----------------------------------------------------------------------------------------------


@each_decoder
def test_loss_and_gradients_with_dropout_and_label_smoothing(config):
    config = dataclasses.replace(config, dropout=0.4, layers=2)
    params, batch = model(config, 405)
    _, grads = loss_and_gradients(batch, params, config, np.random.default_rng(7), 0.1)
    assert_slopes(loss_of(batch, config, 0.1, seed=7), params, grads, 406)


class Always:
    """In the place of a random generator: one number, wherever one is drawn."""

    def __init__(self, number):
        self.number = number

    def random(self, shape):
        return np.full(shape, self.number)


@each_decoder
def test_dropout_has_its_rate_between_the_layers_and_before_the_output(config):
    """At a rate of 0.4, where 0.39 is drawn everything is dropped: nothing of the source passes the first
    layer, and the logits are the bias alone. Where 0.4 is drawn nothing is."""
    config = dataclasses.replace(config, dropout=0.4, layers=2)
    params, batch = model(config, 407)
    other = np.where(batch.source_mask, 5, batch.source)
    read = [encode_forward(ids, batch.source_mask, params, config, Always(0.39))[:2]
            for ids in (batch.source, other)]
    for a, b in zip(*map(leaves, read), strict=True):
        np.testing.assert_array_equal(a, b)
    for number, dropped in ((0.39, True), (0.4, False)):
        logits, _, _ = seq2seq_forward(batch, params, config, Always(number))
        assert np.allclose(logits, params["output"]["b"]) == dropped


# ---- known answers -----------------------------------------------------------------------------------------


@every_model
def test_seq2seq_init_knows_nothing_yet(config):
    """Pure guessing costs ln V. Logits of variance 2H/(H + V), at most, cost half of that more, and luck."""
    h, v = 8, 150
    config = dataclasses.replace(config, target_vocabulary=v, embedding_size=8, hidden_size=h)
    batch = random_batch(config, 320, 40, 8, 9)
    for seed in range(3):
        logits, _, _ = seq2seq_forward(batch, seq2seq_init(np.random.default_rng(seed), config), config)
        loss, _ = cross_entropy_forward(logits, batch.targets, batch.target_mask)
        assert abs(loss - np.log(v)) < 4 * h / (h + v)


def test_seq2seq_forward_known_answer():
    """The hand-made model says the letters that follow: told the right ones, it is always right."""
    params, config = successor_model("abcde")
    letters = Vocabulary("abcde")
    batch = make_batch([("b", "cde"), ("ca", "bcde"), ("e", "")], letters, letters)
    logits, weights, _ = seq2seq_forward(batch, params, config)
    assert weights is None
    assert (logits.argmax(axis=2) == batch.targets)[batch.target_mask].all()


@each_decoder
def test_seq2seq_init_draws_each_matrix_at_its_size(config):
    """Embeddings with standard deviation 1/√D; matrices in Glorot's bounds, which they fill, block by block;
    Wh orthogonal, each block another one."""
    D, H, V = 64 if config.heads else 48, 64, 60
    sizes = {"source_vocabulary": V, "target_vocabulary": V, "embedding_size": D, "hidden_size": H}
    config = dataclasses.replace(config, **sizes)
    for name, a in flat(seq2seq_init(np.random.default_rng(350), config)).items():
        layer, kind = name.split(".")
        if a.ndim == 1 and kind != "v":
            assert set(np.unique(a)) <= {0, 1}, name  # a bias, or the gain of a norm
        elif kind == "E":
            assert 0.93 < a.std() * np.sqrt(D) < 1.07, name
        elif kind == "Wh":
            blocks = np.split(a, a.shape[1] // H, axis=1)
            assert all(np.allclose(block @ block.T, np.eye(H)) for block in blocks), name
            assert not any(np.allclose(blocks[0], block) for block in blocks[1:]), name
        else:
            gates = a.shape[1] // H if kind in ("Wx", "We") else 1
            for block in np.split(a.reshape(len(a), -1), gates, axis=1):  # v becomes a column
                bound = np.sqrt(6 / sum(block.shape))
                assert (0.85 if kind == "v" else 0.97) * bound < np.abs(block).max() <= bound, name


@each_decoder
def test_seq2seq_init_same_seed_same_model_in_both_precisions(config):
    wide = flat(seq2seq_init(np.random.default_rng(340), config))
    narrow = flat(seq2seq_init(np.random.default_rng(340), dataclasses.replace(config, dtype="float32")))
    assert wide.keys() == narrow.keys()
    for name in wide:
        np.testing.assert_array_equal(wide[name].astype("float32"), narrow[name], err_msg=name)
    other = flat(seq2seq_init(np.random.default_rng(341), config))
    assert not any(np.array_equal(wide[name], other[name]) for name in wide if wide[name].ndim == 2)


def test_parameter_count():
    """By hand for D = 3, H = 4, V = 8 and 9, an LSTM and general attention."""
    config = Config(8, 9, 3, 4, cell="lstm", decoder="luong", score="general")
    embeddings, lstm, attention = 8 * 3 + 9 * 3, 3 * 16 + 4 * 16 + 16, 4 * 4
    expected = embeddings + 2 * lstm + attention + 2 * 4 * 4 + 4 * 9 + 9
    assert parameter_count(seq2seq_init(np.random.default_rng(0), config)) == expected
