"""Chapter 7b: each decoder's gradients, and what it looks at, against a transcription step by step."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numpy_seq2seq.cells import CELLS
from numpy_seq2seq.config import Config
from numpy_seq2seq.config import DECODERS, readout_backward, readout_forward
from numpy_seq2seq.gradcheck import check_pair

from .helpers import few
from .models import MODELS, SIZES, B, D, H, T, assert_same, encoded, flat, model_name, scores

# What has no influence on a decoder; whoever attends looks at everything but the fixed vector.
UNUSED = {"fixed": ["source"], "peeky": ["source.memory", "source.keys"]}
ONE_WAY = [config for config in MODELS if config.directions == config.layers == 1]


def each(direction):
    """Every decoder, in tests that carry the name of its forward or its backward."""
    ids = [model_name(c).replace(c.decoder, f"{c.decoder}_{direction}", 1) for c in ONE_WAY]
    return pytest.mark.parametrize("config", ONE_WAY, ids=ids)


def only(decoder):
    """One decoder with every cell and score, for a transcription of its own forward."""
    configs = [c for c in ONE_WAY if c.decoder == decoder]
    ids = ["-".join(filter(None, (f"{decoder}_forward", c.cell, c.score))) for c in configs]
    return pytest.mark.parametrize("config", configs, ids=ids)


def decoder_params(params, config):
    """Its own parameters. Wm is not one of them: the keys are projected before, once per source."""
    wanted = DECODERS[config.decoder].init(np.random.default_rng(0), config)
    return {layer: {n: a for n, a in params[layer].items() if n != "Wm"} for layer in wanted}


def arguments(config, seed):
    """Arguments of its forward, after a ragged source."""
    params, _, state, source = encoded(config, seed)
    x = np.random.default_rng(seed + 2).standard_normal((B, T, D))
    return x, state, source, decoder_params(params, config), config


def close(a, b, atol=1e-12):
    np.testing.assert_allclose(a, b, rtol=0, atol=atol)


@pytest.mark.parametrize("method", ["central", "complex"])
@each("backward")
def test_decoder(config, method):
    decoder = DECODERS[config.decoder]
    unused = UNUSED.get(config.decoder, ["source.vector"])
    options = {"unused": unused, "method": method, "samples": 4, "gates": CELLS[config.cell].gates}
    check_pair(decoder.forward, decoder.backward, arguments(config, 10), looked_at=(1,), **options)


@few
@given(st.permutations([1, 2, 3, 4, 5]), st.booleans(), st.integers(0, 2**32 - 1))
def test_readout_backward(sizes, with_context, seed):
    (b, t, h, m, _), rng = sizes, np.random.default_rng(seed)
    x, context, Wh, Wc = (rng.standard_normal(shape) for shape in ((b, t, h), (b, t, m), (h, h), (m, h)))
    for method in ("central", "complex"):
        if with_context:
            args = (x, context, {"Wh": Wh, "Wc": Wc})
            check_pair(readout_forward, readout_backward, args, method=method)
        else:
            check_pair(*without_context(), (x, {"Wh": Wh}), method=method)


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


def test_readout_forward_known_answer():
    h, context = np.array([[[0.5, -1.0]]]), np.array([[[2.0, 0.0, 1.0]]])
    params = {"Wh": np.array([[1.0, 0.0], [0.5, 2.0]]), "Wc": np.array([[0.25, 0.0], [9.0, 9.0], [0.0, 1.0]])}
    out, _ = readout_forward(h, context, params)
    close(out, np.tanh([[[0.5, -1.0]]]))
    out, _ = readout_forward(h, None, params)
    close(out, np.tanh([[[0.0, -2.0]]]))


def test_readout_forward_writes_into_nothing():
    rng = np.random.default_rng(11)
    h, context, W = (rng.standard_normal(shape) for shape in ((B, T, H), (B, T, D), (H, H)))
    params = {"Wh": W, "Wc": rng.standard_normal((D, H))}
    copies = h.copy(), context.copy()
    for a in (h, context, *params.values()):
        a.flags.writeable = False
    readout_forward(h, context, params)
    assert np.array_equal(h, copies[0]) and np.array_equal(context, copies[1])


# ---- the equations, one sequence and one step at a time ----------------------------------------------------


def slow_step(x, state, layer, config):
    """h_t and its state for one row."""
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
            a = h @ params["readout"]["Wh"]
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
        return np.concatenate([x, source.vector[b]])

    out = slowly(config, 21, both, lambda h, source, b, params: source.vector[b])
    close(forward_out(config, 21), out)


SLOW_SCORES = {
    "dot": lambda q, k, p: sum(q * k),
    "general": lambda q, k, p: sum(q * k),
    "scaled_dot": lambda q, k, p: sum(q * k) / len(q) ** 0.5,
    "additive": lambda q, k, p: sum(p["v"] * np.tanh(q @ p["Wq"] + k)),
}


@only("luong")
def test_transcription_of_attention_after_the_recurrence(config):
    if config.score not in SLOW_SCORES:
        pytest.skip(f"no transcription of the score {config.score}")

    def look_back(h, source, b, params):
        """Only real places exist here, so there is nothing to mask."""
        places = np.flatnonzero(source.mask[b])
        e = [SLOW_SCORES[config.score](h, source.keys[b, s], params["attention"]) for s in places]
        total = sum(np.exp(e_s) for e_s in e)
        return sum(np.exp(e_s) / total * source.memory[b, s] for e_s, s in zip(e, places))

    close(forward_out(config, 22), slowly(config, 22, input_alone, look_back))


# ---- what every decoder owes -------------------------------------------------------------------------------


@each("forward")
def test_first_steps_and_then_the_rest_equal_the_whole(config):
    x, state, source, params, _ = arguments(config, 30)
    forward = DECODERS[config.decoder].forward
    whole, weights, last, _ = forward(x, state, source, params, config)
    for cut in (1, 4):
        one, w1, middle, _ = forward(x[:, :cut], state, source, params, config)
        two, w2, end, _ = forward(x[:, cut:], middle, source, params, config)
        close(np.concatenate([one, two], axis=1), whole)
        assert len(end) == len(last)
        for a, b in zip(end, last):
            close(a, b)
        if weights is not None:
            close(np.concatenate([w1, w2], axis=1), weights)


@each("forward")
def test_weights_are_a_distribution_over_real_places_or_none(config):
    x, state, source, params, _ = arguments(config, 31)
    weights = DECODERS[config.decoder].forward(x, state, source, params, config)[1]
    if not DECODERS[config.decoder].attends:
        assert weights is None
        return
    assert weights.shape == (B, T, source.memory.shape[1])
    close(weights.sum(axis=2), 1)
    padded = np.broadcast_to(~source.mask[:, None], weights.shape)
    assert padded.any() and (weights[padded] == 0).all() and (weights[~padded] > 0).all()


@each("forward")
def test_what_is_looked_at_moves_the_output_and_nothing_else_does(config):
    x, state, source, params, _ = arguments(config, 32)
    forward = DECODERS[config.decoder].forward
    out = forward(x, state, source, params, config)[0]
    unused = UNUSED.get(config.decoder, ["source.vector"])
    for field in ("vector", "memory", "keys"):
        other = source._replace(**{field: getattr(source, field) + 0.1 * np.arange(1, H + 1)})
        if field != "vector":  # a shift of all keys alike may cancel in the softmax
            other = source._replace(**{field: getattr(source, field)[:, ::-1]})
        moved = np.abs(forward(x, state, other, params, config)[0] - out).max()
        assert (moved == 0) == ("source" in unused or f"source.{field}" in unused)


@each("forward")
def test_padded_memories_are_never_read(config):
    x, state, source, params, _ = arguments(config, 33)
    forward = DECODERS[config.decoder].forward
    loud = np.where(source.mask[:, :, None], 0, 1e3)
    other = source._replace(memory=source.memory + loud, keys=source.keys + loud)
    np.testing.assert_array_equal(
        forward(x, state, other, params, config)[0], forward(x, state, source, params, config)[0]
    )


@each("backward")
def test_gradient_of_padded_memories_is_zero(config):
    x, state, source, params, _ = arguments(config, 34)
    decoder = DECODERS[config.decoder]
    out, _, last, cache = decoder.forward(x, state, source, params, config)
    _, _, dsource, _ = decoder.backward(np.ones_like(out), last, cache)
    for d in (dsource.memory, dsource.keys):
        assert not d[~source.mask].any()
        assert d[source.mask].any() == decoder.attends
    assert dsource.vector.shape == source.vector.shape
    assert dsource.memory.shape == source.memory.shape and dsource.keys.shape == source.keys.shape


@each("backward")
def test_two_halves_chained_equal_the_whole(config):
    """The gradient of the state carries everything that later steps want of earlier ones."""
    x, state, source, params, _ = arguments(config, 35)
    decoder, cut = DECODERS[config.decoder], 2
    out, _, last, cache = decoder.forward(x, state, source, params, config)
    rng = np.random.default_rng(36)
    dout, dlast = rng.standard_normal(out.shape), tuple(rng.standard_normal(s.shape) for s in last)
    dx, dstate, dsource, grads = decoder.backward(dout, dlast, cache)

    *_, middle, one = decoder.forward(x[:, :cut], state, source, params, config)
    *_, two = decoder.forward(x[:, cut:], middle, source, params, config)
    dx2, dmiddle, dsource2, grads2 = decoder.backward(dout[:, cut:], dlast, two)
    dx1, dfirst, dsource1, grads1 = decoder.backward(dout[:, :cut], dmiddle, one)

    close(np.concatenate([dx1, dx2], axis=1), dx, 1e-11)
    for a, b in zip(dfirst, dstate):
        close(a, b, 1e-11)
    for a, b, c in zip(dsource1[:3], dsource2[:3], dsource[:3]):
        close(a + b, c, 1e-11)
    one, two = flat(grads1), flat(grads2)
    assert_same({"sum": {name: one[name] + two[name] for name in one}}, {"sum": flat(grads)})


DTYPES = [(d, s, dtype) for d in DECODERS for s in scores(d) for dtype in ("float32", "float64")]
DTYPE_IDS = ["-".join(filter(None, (f"{d}_init", s, dtype))) for d, s, dtype in DTYPES]


@pytest.mark.parametrize("decoder,score,dtype", DTYPES, ids=DTYPE_IDS)
def test_init_has_the_dtype_and_the_seed_of_the_configuration(decoder, score, dtype):
    config = Config(**SIZES, decoder=decoder, score=score, dtype=dtype)
    params = flat(DECODERS[decoder].init(np.random.default_rng(40), config))
    assert {a.dtype for a in params.values()} == {np.dtype(dtype)}
    again = flat(DECODERS[decoder].init(np.random.default_rng(40), config))
    assert all(np.array_equal(params[name], again[name]) for name in params)
    matrices = [name for name, a in params.items() if a.ndim == 2]
    other = flat(DECODERS[decoder].init(np.random.default_rng(41), config))
    assert not any(np.array_equal(params[name], other[name]) for name in matrices)
