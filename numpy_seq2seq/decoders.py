"""Chapter: decoders. From what was read to what is written, with and without attention.

Before this: readout.py. After it: step_decoders.py.

Notation: B batch, T target length (1 while generating), S source length, D embedding size, H hidden size.
x are the embedded target tokens, one step behind those to be predicted; out is what the output layer reads;
v is the h of the encoder's last state. cell(x, h) means the whole step here: both products and the gates.

    fixed   h_t = cell(x_t, h_{t−1})            out_t = tanh(h_t Wd)
    peeky   h_t = cell([x_t; v], h_{t−1})       out_t = tanh(h_t Wd + v Wc)
    luong   h_t = cell(x_t, h_{t−1})            out_t = tanh(h_t Wd + c_t Wc)       c_t = attention(h_t)

All three start from the encoder's last state (luong from zeros with config.attention_only). `fixed` has
nothing else. `peeky` peeks at v again at every step, so its state does not have to remember v. But v is no
new information: the decoder started from it, h_0 = v. `luong` has a fresh context c_t for every step. Compare
the three forward functions: the difference between them is the lesson. Two more decoders, `luong_feeding` and
`bahdanau`, are in step_decoders.py.

Every decoder is two pairs of functions, so one can take the place of another. `open_forward` runs once for
each batch of sources, and prepares what stays the same: the first state, and `source`, what this decoder may
look at while it writes. `forward` writes T tokens. It takes a state and returns a state, so that generation
can call it again and again with T = 1.

    open_forward(memory, state, mask, params, config) -> start, source, cache
    open_backward(dstart, dsource, cache)             -> dmemory, dstate, grads
    forward(x, state, source, params, config, rng)    -> out, weights, state, cache
    backward(dout, dstate, cache)                     -> dx, dstate, dsource, grads

params has all layers of the model, grads only those that the function used. source is () for fixed, (v,) for
peeky, and a readout.Source for luong. The weights are for pictures: the loss does not use them
outside the decoder, so they take no gradient; they are None where nothing attends. rng is for dropout; the
decoders of this chapter do not use it.

No decoder needs the mask of the targets. Padding stands at the end, and step t reads only inputs up to t: so
no real step reads padding. And what is written at padding gets no gradient from the loss.

Not here: token ids and logits (seq2seq.py), the choice of the next token (generate.py).
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from .attention import attention_backward, attention_forward
from .cells import CELLS
from .readout import (
    Source, readout_backward, readout_forward, readout_init, source_backward, source_forward, start_backward,
    start_forward,
)
from .recurrent import recurrent_backward, recurrent_forward, recurrent_init
from .scores import SCORES


class Decoder(NamedTuple):
    """A way to write the target."""

    name: str
    attends: bool
    reads: frozenset  # which of the optional choices of a Config it uses
    init: Callable  # (rng, config) -> params
    open_forward: Callable
    open_backward: Callable
    forward: Callable
    backward: Callable


def fixed_init(rng, config):
    """Parameters: decoder (a recurrent layer), readout (Wd)."""
    D, H = config.embedding_size, config.hidden_size
    return {
        "decoder": recurrent_init(rng, D, H, CELLS[config.cell], config.dtype),
        "readout": readout_init(rng, config, context=False),
    }


def fixed_open_forward(memory, state, mask, params, config):
    """The encoder's last state is handed over, and nothing else: no memory is kept.

    Args:
        memory: (B, S, H) not looked at.
        state:  tuple of (B, H), the encoder's last state.
        mask:   (B, S) not looked at.
    Returns:
        start:  tuple of (B, H), where the decoder starts.
        source: (), empty.
        cache:  for fixed_open_backward.
    """
    start, start_cache = start_forward(state, config)
    return start, (), (start_cache, memory)  # backward makes zeros of the memory's shape and dtype


def fixed_open_backward(dstart, dsource, cache):
    """Backward of fixed_open_forward. The memory was not looked at, so its gradient is zero.

    Returns:
        dmemory (B, S, H) zero, dstate, grads (empty).
    """
    start_cache, memory = cache
    return np.zeros_like(memory), start_backward(dstart, start_cache), {}


def fixed_forward(x, state, source, params, config, rng=None):
    """No attention: the encoder's last state is all there is.

        h_t   = cell(x_t, h_{t−1})
        out_t = tanh(h_t Wd)

    h_0 is from `state`: at the first call the encoder's last state, later the state that the call before
    returned.

    Args:
        x:       (B, T, D) embedded target tokens, one step behind those to be predicted.
        state:   tuple of (B, H).
        source:  (), empty.
        params:  of the model: decoder, readout.
        rng:     not used.
    Returns:
        out:     (B, T, H).
        weights: None.
        state:   tuple of (B, H) after step T.
        cache:   for fixed_backward.
    Source: Sutskever et al. (2014); Luong et al. (2015), equation 3, h_j = f(h_{j−1}, s). Deviations: there
        no readout layer stands between h_t and the output layer, and the decoder has four layers, each
        started from the encoder's; here one, from the encoder's top layer.
    """
    h, state, recurrent_cache = recurrent_forward(x, state, params["decoder"], CELLS[config.cell])
    out, readout_cache = readout_forward(h, None, params["readout"])
    return out, None, state, (recurrent_cache, readout_cache)


def fixed_backward(dout, dstate, cache):
    """Backward of fixed_forward, last line first.

        out = tanh(h Wd)                    dh, grads of readout
        h_1 … h_T = recurrence(x, state)    dx, dstate, grads of decoder

    Returns:
        dx (B, T, D), dstate, dsource (), grads: decoder, readout.
    """
    recurrent_cache, readout_cache = cache
    dh, _, dreadout = readout_backward(dout, readout_cache)
    dx, dstate, ddecoder = recurrent_backward(dh, dstate, recurrent_cache)
    return dx, dstate, (), {"decoder": ddecoder, "readout": dreadout}


def peeky_init(rng, config):
    """Parameters: decoder (a recurrent layer over [x; v]), readout (Wd, Wc)."""
    D, H = config.embedding_size, config.hidden_size
    return {
        "decoder": recurrent_init(rng, D + H, H, CELLS[config.cell], config.dtype),
        "readout": readout_init(rng, config, context=True),
    }


def peeky_open_forward(memory, state, mask, params, config):
    """The encoder's last state is handed over; its h, here called v, stays in view.

    Args, Returns: as fixed_open_forward, but source is (v,) with v (B, H).
    """
    start, _, cache = fixed_open_forward(memory, state, mask, params, config)
    return start, (state[0],), cache


def peeky_open_backward(dstart, dsource, cache):
    """Backward of peeky_open_forward. h is read twice: as the first state, and as v.

    Returns:
        dmemory (B, S, H) zero, dstate, grads (empty).
    """
    dmemory, dstate, grads = fixed_open_backward(dstart, (), cache)
    (dv,) = dsource
    return dmemory, (dstate[0] + dv, *dstate[1:]), grads


def peeky_forward(x, state, source, params, config, rng=None):
    """No attention, but the fixed vector is shown again at every step.

        h_t   = cell([x_t; v], h_{t−1})     v: the h of the encoder's last state, the same for all t
        out_t = tanh(h_t Wd + v Wc)

    Args, Returns: as fixed_forward; source is (v,).
    Source: Cho et al. (2014), section 2.2 and appendix: both the state and the output see c at every step.
        Deviations: v and h_0 are the encoder's last state itself, there a tanh layer makes each; r, the reset
        gate, does not multiply v's part; the readout is the tanh of all decoders here.
    """
    (v,) = source
    v_t = np.repeat(v[:, None], x.shape[1], axis=1)  # (B, T, H): v at every step
    xv = np.concatenate([x, v_t], axis=2)
    h, state, recurrent_cache = recurrent_forward(xv, state, params["decoder"], CELLS[config.cell])
    out, readout_cache = readout_forward(h, v_t, params["readout"])
    return out, None, state, (recurrent_cache, readout_cache, x.shape[2])


def peeky_backward(dout, dstate, cache):
    """Backward of peeky_forward, last line first.

        out_t = tanh(h_t Wd + v Wc)             dh_t, dv_t (readout), grads of readout
        h_1 … h_T = recurrence([x_t; v], state) dx_t, dv_t (cell), dstate, grads of decoder
        the same v at every step                dv = Σ_t of both dv_t

    Returns:
        dx (B, T, D), dstate, dsource (dv,), grads: decoder, readout.
    """
    recurrent_cache, readout_cache, D = cache
    dh, dv_readout, dreadout = readout_backward(dout, readout_cache)
    dxv, dstate, ddecoder = recurrent_backward(dh, dstate, recurrent_cache)
    # v is read 2T times: by the cell, as the second part of [x; v], and by the readout, at each step
    dv = (dv_readout + dxv[:, :, D:]).sum(axis=1)
    return dxv[:, :, :D], dstate, (dv,), {"decoder": ddecoder, "readout": dreadout}


def luong_init(rng, config):
    """Parameters: decoder (a recurrent layer), keys and attention (of the score), readout (Wd, Wc)."""
    D, H = config.embedding_size, config.hidden_size
    decoder = recurrent_init(rng, D, H, CELLS[config.cell], config.dtype)
    keys, attention = SCORES[config.score].init(rng, H, H, config.dtype)
    readout = readout_init(rng, config, context=True)
    return {"decoder": decoder, "keys": keys, "attention": attention, "readout": readout}


def luong_open_forward(memory, state, mask, params, config):
    """The state is handed over, and the memory stays in view, with a key for each memory.

    Args:
        memory: (B, S, H).
        state:  tuple of (B, H), the encoder's last state.
        mask:   (B, S) boolean, True at a real token.
        params: of the model; used here: keys.
    Returns:
        start:  tuple of (B, H).
        source: Source.
        cache:  for luong_open_backward.
    """
    start, start_cache = start_forward(state, config)
    source, source_cache = source_forward(memory, mask, params)
    return start, source, (start_cache, source_cache)


def luong_open_backward(dstart, dsource, cache):
    """Backward of luong_open_forward.

        source = source_forward(memory)     dmemory, grads of keys
        start  = state                      dstate = dstart

    Returns:
        dmemory (B, S, H), dstate, grads: keys.
    """
    start_cache, source_cache = cache
    dmemory, grads = source_backward(dsource, source_cache)
    return dmemory, start_backward(dstart, start_cache), grads


def luong_forward(x, state, source, params, config, rng=None):
    """Attention after the recurrence: the new state asks, and the answer helps to choose the word.

        h_t   = cell(x_t, h_{t−1})
        c_t   = attention(h_t, source)      fresh at every step
        out_t = tanh(h_t Wd + c_t Wc)

    The recurrence does not wait for the attention, so all T queries are asked at once.

    Args:
        x:       (B, T, D) embedded target tokens, one step behind those to be predicted.
        state:   tuple of (B, H).
        source:  Source, from luong_open_forward.
        params:  of the model: decoder, attention, readout.
        rng:     not used.
    Returns:
        out:     (B, T, H).
        weights: (B, T, S), to be looked at.
        state:   tuple of (B, H) after step T.
        cache:   for luong_backward.
    Source: Luong et al. (2015), section 3.1, global attention without input feeding, equations 5–7. Not here:
        its location-based score, equation 8.
    """
    h, state, recurrent_cache = recurrent_forward(x, state, params["decoder"], CELLS[config.cell])
    context, weights, attention_cache = attention_forward(
        h, source.keys, source.memory, params["attention"], source.mask, SCORES[config.score]
    )
    out, readout_cache = readout_forward(h, context, params["readout"])
    return out, weights, state, (recurrent_cache, attention_cache, readout_cache)


def luong_backward(dout, dstate, cache):
    """Backward of luong_forward, last line first.

        out = tanh(h Wd + c Wc)             dh, dc, grads of readout
        c   = attention(h, source)          dq (added to dh), dkeys, dmemory, grads of attention
        h_1 … h_T = recurrence(x, state)    dx, dstate, grads of decoder

    One step with one number in each place: an RNN, Wx = Wd = Wc = 1, Wh = b = 0, dot scores, x = 1, m_1 = 1,
    m_2 = −1. So h = tanh(1) = 0.762, which is the query; the scores are 0.762 and −0.762, α = (0.821, 0.179),
    c = 0.642, and out = tanh(0.762 + 0.642) = 0.886. Backward, with dout = 1:

        dout (1 − out²) = 1 − 0.886² = 0.215:  dh = 0.215 from the readout,  dc = 0.215
        dα_s = dc m_s = (0.215, −0.215);  as values dm_s = dc α_s = (0.176, 0.038)
        Σ_s α_s dα_s = 0.138:  de_1 = 0.821 (0.215 − 0.138) = 0.063 = −de_2
        dq = Σ_s de_s m_s = 0.126;  as keys dm_s = de_s h = (0.048, −0.048)
        dh = 0.215 + 0.126 = 0.341,  dx = 0.341 (1 − 0.762²) = 0.143

        >>> from numpy_seq2seq.config import Config
        >>> one, nil = np.ones((1, 1)), np.zeros((1, 1))
        >>> layer, readout = {"Wx": one, "Wh": nil, "b": nil[0]}, {"Wd": one, "Wc": one}
        >>> params = {"decoder": layer, "attention": {}, "readout": readout}
        >>> config = Config(5, 5, cell="rnn", decoder="luong", score="dot")
        >>> memory = np.array([[[1.0], [-1.0]]])
        >>> source = Source(memory, memory, None)               # the keys of `dot` are the memory itself
        >>> out, α, state, cache = luong_forward(one[None], (nil,), source, params, config)
        >>> α.round(3).tolist(), out.round(3).tolist()
        ([[[0.821, 0.179]]], [[[0.886]]])
        >>> dx, dstate, dsource, grads = luong_backward(one[None], (nil,), cache)
        >>> dx.round(3).tolist(), dsource.memory.round(3).tolist(), dsource.keys.round(3).tolist()
        ([[[0.143]]], [[[0.176], [0.038]]], [[[0.048], [-0.048]]])

    Returns:
        dx (B, T, D), dstate, dsource (memory, keys), grads: decoder, attention, readout.
    """
    recurrent_cache, attention_cache, readout_cache = cache
    dh, dc, dreadout = readout_backward(dout, readout_cache)
    dq, dkeys, dmemory, dattention = attention_backward(dc, attention_cache)
    # h_t is read twice here: by the readout and, as the query, by the attention
    dx, dstate, ddecoder = recurrent_backward(dh + dq, dstate, recurrent_cache)
    grads = {"decoder": ddecoder, "attention": dattention, "readout": dreadout}
    return dx, dstate, Source(dmemory, dkeys, None), grads


FIXED = Decoder(
    "fixed", False, frozenset({"cell"}),
    fixed_init, fixed_open_forward, fixed_open_backward, fixed_forward, fixed_backward,
)
PEEKY = Decoder(
    "peeky", False, frozenset({"cell"}),
    peeky_init, peeky_open_forward, peeky_open_backward, peeky_forward, peeky_backward,
)
LUONG = Decoder(
    "luong", True, frozenset({"cell", "score", "attention_only"}),
    luong_init, luong_open_forward, luong_open_backward, luong_forward, luong_backward,
)

# Exercises
# 1. Write `mean`: luong with equal weights, so that c is the plain mean of all real memories at every step.
#    Compare it with luong on reverse. c has as many numbers in both; what does luong have that mean lacks?
# 2. In luong_backward, leave out `+ dq`. Which gradients become wrong, and does it still train?
# 3. Where does source.mask get its gradient? Why is that no omission?
# 4. Write this chapter again: `python -m numpy_seq2seq.homework make DIR --set decoders`.
