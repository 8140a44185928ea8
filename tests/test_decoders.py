"""Decoders: what each looks at, step by step from its equations; their gradients; what all of them owe."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numpy_seq2seq.cells import CELLS
from numpy_seq2seq.config import DECODERS, Config
from numpy_seq2seq.gradcheck import check_pair
from numpy_seq2seq.readout import readout_backward, readout_forward, start_backward, start_forward

from .helpers import few, leaves, sampled
from .models import (
    MODELS, SIZES, B, H, T, away_from_kinks, encoded, model_name, pairwise, random_batch, random_params,
)

# one-way, one-layer models: what they read of the encoder is enough to test the decoder
ONE_WAY = [c for c in MODELS if c.directions == 1 and (c.layers == 1 or c.decoder == "transformer")]
ONE_WAY = [c for c in ONE_WAY if c.encoder == "recurrent" or c.decoder == "transformer"]


def each(direction, choose=lambda config: True):
    """Every decoder, in tests that carry the name of its forward or its backward."""

    def name(config):
        return model_name(config).replace(config.decoder, f"{config.decoder}_{direction}", 1)

    configs = [c for c in ONE_WAY if choose(c)]
    return pytest.mark.parametrize("config", sampled(configs, *pairwise(configs)), ids=name)


def only(decoder):
    """One decoder with every cell and score, for a transcription of its own forward."""
    return each("forward", lambda config: config.decoder == decoder and not config.attention_only)


def decoder_params(params, config, opening):
    """Its own parameters: those that `open` reads, or the others."""
    wanted = DECODERS[config.decoder].init(np.random.default_rng(0), config)
    opens = {layer for layer in wanted if layer in ("keys", "start") or layer.endswith("cross_keys")}
    return {layer: params[layer] for layer in wanted if (layer in opens) == opening}


def arguments(config, seed):
    """Arguments of its forward, after a ragged source."""
    params, _, state, source = encoded(config, seed)
    x = np.random.default_rng(seed + 2).standard_normal((B, T, config.embedding_size))
    return x, state, source, decoder_params(params, config, opening=False), config


def close(a, b, atol=1e-12):
    np.testing.assert_allclose(a, b, rtol=0, atol=atol)


# ---- the readout -------------------------------------------------------------------------------------------


def test_readout_forward_known_answer():
    h, context = np.array([[[0.5, -1.0]]]), np.array([[[2.0, 0.0, 1.0]]])
    params = {"Wd": np.array([[1.0, 0.0], [0.5, 2.0]]), "Wc": np.array([[0.25, 0.0], [9.0, 9.0], [0.0, 1.0]])}
    out, _ = readout_forward(h, context, params)
    close(out, np.tanh([[[0.5, -1.0]]]))
    out, _ = readout_forward(h, None, params)
    close(out, np.tanh([[[0.0, -2.0]]]))


@few
@given(st.permutations([1, 2, 3, 4, 5]), st.booleans(), st.integers(0, 2**32 - 1))
def test_readout_backward(sizes, with_context, seed):
    (b, t, h, m, _), rng = sizes, np.random.default_rng(seed)
    x, context, Wd, Wc = (rng.standard_normal(shape) for shape in ((b, t, h), (b, t, m), (h, h), (m, h)))
    for method in ("central", "complex"):
        if with_context:
            args = (x, context, {"Wd": Wd, "Wc": Wc})
            check_pair(readout_forward, readout_backward, args, method=method)
        else:
            check_pair(*without_context(), (x, {"Wd": Wd}), method=method)


def without_context():
    """The pair for a context of None, which has a gradient of None."""

    def forward(h, params):
        return readout_forward(h, None, params)

    def backward(dout, cache):
        dh, dcontext, grads = readout_backward(dout, cache)
        assert dcontext is None
        return dh, grads

    backward.__name__ = "readout_backward"  # for the message
    return forward, backward


# ---- the equations, one sequence and one step at a time ----------------------------------------------------


def slow_step(x, state, layer, config):
    """The state after one step, for one row."""
    gh = state[0] @ layer["Wh"] + layer.get("bh", 0)
    return CELLS[config.cell].forward((x @ layer["Wx"] + layer["b"])[None], gh, state)[0]


def slowly(config, seed, inputs, context):
    """out (B, T, H): inputs(x_t, source, b) feeds the cell, context(h_t, source, b, params) the readout."""
    x, state, source, params, _ = arguments(config, seed)
    out = np.empty((B, T, H))
    for b in range(B):
        now = tuple(s[b : b + 1] for s in state)
        for t in range(T):
            now = slow_step(inputs(x[b, t], source, b), now, params["decoder"], config)
            h = now[0][0]
            a = h @ params["readout"]["Wd"]
            c = context(h, source, b, params)
            out[b, t] = np.tanh(a if c is None else a + c @ params["readout"]["Wc"])
    return out


def forward_out(config, seed):
    return DECODERS[config.decoder].forward(*arguments(config, seed))[0]


def input_alone(x, source, b):
    return x


@only("fixed")
def test_transcription_of_no_attention(config):
    out = slowly(config, 20, input_alone, lambda *_: None)
    close(forward_out(config, 20), out)


@only("peeky")
def test_transcription_of_one_vector_at_every_step(config):
    def both(x, source, b):
        return np.concatenate([x, source[0][b]])

    out = slowly(config, 21, both, lambda h, source, b, params: source[0][b])
    close(forward_out(config, 21), out)


SLOW_SCORES = {
    "dot": lambda q, k, p: sum(q * k),
    "general": lambda q, k, p: sum(q * k),
    "scaled_dot": lambda q, k, p: sum(q * k) / len(q) ** 0.5,
    "additive": lambda q, k, p: sum(p["v"] * np.tanh(q @ p["Wq"] + k)),
}


def look_back(query, source, b, params, config):
    """The context of one query. Only real places exist here, so there is nothing to mask."""
    places = np.flatnonzero(source.mask[b, 0])
    e = [SLOW_SCORES[config.score](query, source.keys[b, s], params["attention"]) for s in places]
    total = sum(np.exp(e_s) for e_s in e)
    return sum(np.exp(e_s) / total * source.memory[b, s] for e_s, s in zip(e, places))


@only("luong")
def test_transcription_of_attention_after_the_recurrence(config):
    def context(h, source, b, params):
        return look_back(h, source, b, params, config)

    close(forward_out(config, 22), slowly(config, 22, input_alone, context))


@only("bahdanau")
def test_transcription_of_attention_inside_the_recurrence(config):
    """Nothing is moved out of the loop here: [x_t; c_t] times one matrix, step by step."""
    x, state, source, params, _ = arguments(config, 23)
    layer, readout = params["decoder"], params["readout"]
    joined = {**layer, "Wx": np.vstack([layer["Wx"], layer["We"]])}
    out = np.empty((B, T, H))
    for b in range(B):
        now = tuple(s[b : b + 1] for s in state)
        for t in range(T):
            c = look_back(now[0][0], source, b, params, config)
            now = slow_step(np.concatenate([x[b, t], c]), now, joined, config)
            out[b, t] = np.tanh(now[0][0] @ readout["Wd"] + c @ readout["Wc"])
    close(forward_out(config, 23), out)


@only("luong_feeding")
def test_transcription_of_input_feeding(config):
    x, state, source, params, _ = arguments(config, 24)
    layer, readout = params["decoder"], params["readout"]
    joined = {**layer, "Wx": np.vstack([layer["Wx"], layer["We"]])}
    out = np.empty((B, T, H))
    for b in range(B):
        *now, last = (s[b : b + 1] for s in state)
        for t in range(T):
            now = slow_step(np.concatenate([x[b, t], last[0]]), tuple(now), joined, config)
            c = look_back(now[0][0], source, b, params, config)
            last = np.tanh(now[0][0] @ readout["Wd"] + c @ readout["Wc"])[None]
            out[b, t] = last[0]
    close(forward_out(config, 24), out)


# ---- gradients ---------------------------------------------------------------------------------------------


def check_decoder(config, method):
    decoder = DECODERS[config.decoder]
    x, state, source, params, _ = arguments(config, 10)
    if method == "central":
        params = away_from_kinks(params)
    if config.decoder == "transformer":  # a past of two tokens, so that there is a state to differentiate by
        state = decoder.forward(x[:, :2], state, source, params, config)[2]
    gates = CELLS[config.cell].gates if "cell" in decoder.reads else ""
    args, options = (x, state, source, params, config), {"method": method, "samples": 2, "gates": gates}
    check_pair(decoder.forward, decoder.backward, args, looked_at=(1,), **options)


@each("backward")
def test_decoder(config):
    check_decoder(config, "complex")


@each("backward", lambda config: config.cell in ("lstm", None))
def test_decoder_by_differences(config):
    check_decoder(config, "central")


@pytest.mark.parametrize("method", ["central", "complex"])
@each("open_backward")
def test_decoder_open(config, method):
    """fixed_open_backward, peeky_open_backward, luong_open_backward, luong_feeding_open_backward,
    bahdanau_open_backward with bridge_backward, transformer_open_backward."""
    decoder = DECODERS[config.decoder]
    params, _, state, source = encoded(config, 11)
    rng = np.random.default_rng(12)
    count = 1 if config.encoder == "transformer" else CELLS[config.cell].states
    memory = rng.standard_normal((B, 5, H))
    last = tuple(rng.standard_normal((B, H)) for _ in range(count))
    mask = np.arange(5) < np.array([[5], [1], [3], [2], [4], [5], [1]])
    args = (memory, last, mask, decoder_params(params, config, opening=True), config)
    unused = [] if decoder.attends else ["memory"]
    if config.attention_only or config.decoder == "transformer":
        unused.append("state")
    if config.decoder == "bahdanau" and config.attention_only:
        args = (*args[:3], {"keys": params["keys"]}, config)
    check_pair(decoder.open_forward, decoder.open_backward, args, method=method, samples=4, unused=unused)


def test_bahdanau_open_forward_starts_from_the_backward_encoder():
    config = Config(**SIZES, decoder="bahdanau", directions=2, dtype="float64")
    params, _, _, _ = encoded(config, 402)
    rng = np.random.default_rng(403)
    h, c = rng.standard_normal((2, B, H))
    memory, mask, half = rng.standard_normal((B, 5, H)), np.ones((B, 5), bool), H // 2
    (h_0, c_0), _, _ = DECODERS["bahdanau"].open_forward(memory, (h, c), mask, params, config)
    close(h_0, np.tanh(h[:, half:] @ params["start"]["Ws"]))
    close(c_0, np.tanh(c[:, half:] @ params["start"]["Wsc"]))


@each("open_forward", lambda config: config.attention_only)
def test_attention_only_starts_from_zero_and_sends_no_gradient_back(config):
    params, _, state, source = encoded(config, 404)
    assert not any(s.any() for s in state)


def test_attention_only_starts_an_lstm_from_zero_above_a_transformer_too():
    config = Config(**SIZES, attention_only=True)
    start, cache = start_forward((np.ones((B, H)),), config)  # one vector for h_0 and c_0
    assert len(start) == 2 and not np.any(start)
    assert not np.any(start_backward((np.ones((B, H)), np.ones((B, H))), cache))


@each(
    "open_forward", lambda config: config.decoder in ("fixed", "peeky", "luong") and not config.attention_only
)
def test_the_decoder_starts_where_the_encoder_ended(config):
    rng = np.random.default_rng(405)
    params, _, _, _ = encoded(config, 406)
    last = tuple(rng.standard_normal((B, H)) for _ in range(CELLS[config.cell].states))
    memory, mask = rng.standard_normal((B, 5, H)), np.ones((B, 5), bool)
    start, source, _ = DECODERS[config.decoder].open_forward(memory, last, mask, params, config)
    for a, b in zip(start, last, strict=True):
        np.testing.assert_array_equal(a, b)
    if config.decoder == "peeky":
        np.testing.assert_array_equal(source[0], last[0])


# ---- what every decoder owes -------------------------------------------------------------------------------


@each("forward")
def test_weights_are_a_distribution_over_real_places_or_none(config):
    _, batch, _, _ = encoded(config, 31)
    weights = DECODERS[config.decoder].forward(*arguments(config, 31))[1]
    if not DECODERS[config.decoder].attends:
        assert weights is None
        return
    assert weights.shape == (B, T, batch.source.shape[1])
    close(weights.sum(axis=2), 1)
    padded = np.broadcast_to(~batch.source_mask[:, None], weights.shape)
    assert padded.any() and (weights[padded] == 0).all() and (weights[~padded] > 0).all()


@each("open_forward", lambda config: DECODERS[config.decoder].attends)
def test_padded_memories_are_never_read_be_they_nan(config):
    """Whatever the encoder left where the source is padded, nothing that is written or learned changes."""
    (params, batch), rng = (random_params(config, 33), random_batch(config, 34)), np.random.default_rng(35)
    decoder, mask = DECODERS[config.decoder], batch.source_mask
    memory, x = rng.standard_normal((*mask.shape, H)), rng.standard_normal((B, T, config.embedding_size))
    state = (rng.standard_normal((B, H)),)

    def answer(memory):
        start, source, open_cache = decoder.open_forward(memory, state, mask, params, config)
        out, _, last, cache = decoder.forward(x, start, source, params, config)
        dx, dstart, dsource, grads = decoder.backward(np.ones_like(out), last, cache)
        dmemory, dstate, open_grads = decoder.open_backward(dstart, dsource, open_cache)
        return out, dx, dmemory, dstate, grads, open_grads

    quiet, loud = answer(memory), answer(np.where(mask[..., None], memory, np.nan))
    for a, b in zip(leaves(quiet), leaves(loud), strict=True):
        np.testing.assert_array_equal(a, b)
    assert not quiet[2][~mask].any() and quiet[2][mask].all()
