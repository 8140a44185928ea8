"""Chapter: step decoders. The recurrence waits for the attention: Bahdanau's, and Luong's with input feeding.

Before this: decoders.py. After it: multihead.py.

Notation: as in decoders.py; h_t the first vector of the decoder's state, c_t the context, both of size H; s
counts source tokens. The LSTM's cell state is written C here. What enters the cell is
g_t = x_t Wx + b + c_t We (or out_{t−1} We). gx holds the first two terms; dgx_t is the gradient of all of it.

    bahdanau        c_t = attention(h_{t−1})                    the previous state asks
                    h_t = cell([x_t; c_t], h_{t−1})             the answer enters the recurrence
                    out_t = tanh(h_t Wd + c_t Wc)

    luong_feeding   h_t = cell([x_t; out_{t−1}], h_{t−1})       the last readout enters the recurrence
                    c_t = attention(h_t)                        the new state asks
                    out_t = tanh(h_t Wd + c_t Wc)

The cell needs c_t or out_{t−1}, and these need the state of the step before. So the steps are taken one by
one. For one sentence, bahdanau is this loop (tests/test_decoders.py compares it with the code below):

    for t in range(T):
        α = softmax(score(h, keys))                 # (S,) one weight for each source token
        c = α @ memory                              # (H,)
        h = tanh(concatenate([x[t], c]) @ W + h @ Wh + b)      # here the cell of an RNN
        out[t] = tanh(h @ Wd + c @ Wc)

The code computes the same, and moves three products out of the loop:

    1. x Wx, before the loop. W is kept in two blocks of rows, Wx for x_t and We for what enters beside it,
       c_t or out_{t−1}: [x_t; c_t] W = x_t Wx + c_t We. x_t Wx does not depend on the state.
    2. The readout of bahdanau, after the loop. Nothing in the loop needs it.
    3. dm_s = Σ_t α_ts dc_t, after the loop backward: one product for all steps. So the loops call
       align_forward and align_backward; c_t = Σ_s α_ts m_s and dα_ts = dc_t · m_s are written out.

Not here: decoders that attend after the whole recurrence (decoders.py).
"""

import numpy as np

from .activations import tanh_backward
from .attention import align_backward, align_forward
from .cells import CELLS
from .decoders import Decoder, luong_init, luong_open_backward, luong_open_forward
from .layers import glorot, project, rows_of
from .readout import Source, readout_backward, readout_forward
from .recurrent import (
    empty_gate_gradients, input_part, step_backward, step_forward, time_first, transposed, weight_gradients,
)
from .scores import SCORES

BRIDGES = ("Ws", "Wsc")  # one matrix makes the first h, the other the first cell state of an LSTM


def luong_feeding_init(rng, config):
    """Parameters: as luong, and decoder.We for what enters beside x: the e stands for "enters"."""
    params, H = luong_init(rng, config), config.hidden_size
    gates = CELLS[config.cell].gates
    params["decoder"]["We"] = np.hstack([glorot(rng, H, H, config.dtype) for _ in gates])
    return params


def bahdanau_init(rng, config):
    """Parameters: as luong_feeding, since c_t is as large as out_t; and start: Ws, with an LSTM Wsc too."""
    params, H = luong_feeding_init(rng, config), config.hidden_size
    if not config.attention_only:
        names = BRIDGES[: CELLS[config.cell].states]
        params["start"] = {name: glorot(rng, H // config.directions, H, config.dtype) for name in names}
    return params


def bridge_forward(state, params):
    """A learned layer makes the decoder's first state.

        h_0 = tanh(h← Ws), C_0 = tanh(C← Wsc)

    With two directions, h← and C← are the last half of the encoder's state: that of the run from right to
    left. With one direction, or a Transformer encoder, they are the whole state.

    Args:
        state:  tuple of (B, H).
        params: Ws, with an LSTM Wsc too, each (H / directions, H).
    Returns:
        start:  tuple of (B, H).
        cache:  for bridge_backward.
    Source: Bahdanau et al. (2015), appendix A.2.2, s_0 = tanh(W_s h←_1). Deviations: with one direction the
        only one is taken; an LSTM's cell state is treated like its h.
    """
    start = []
    for h, name in zip(state, BRIDGES):  # zip stops at the shorter one: with one state vector only Ws
        W = params[name]
        size = len(W)  # H, or H/2 with two directions: h←, the last half of the state
        start.append(np.tanh(h[:, -size:] @ W))
    return tuple(start), (state, start, params)


def bridge_backward(dstart, cache):
    """Backward of bridge_forward.

        h_0 = tanh(h← Ws)       da = dh_0 (1 − h_0²),  dh← = da Wsᵀ,  dWs = h←ᵀ da

    Returns:
        dstate: zero in the half of the run from left to right, which was not read; grads: Ws (and Wsc).
    """
    state, start, params = cache
    dstate, grads = [], {}
    for h, h_0, dh_0, name in zip(state, start, dstart, BRIDGES):
        W, da = params[name], tanh_backward(dh_0, h_0)
        size = len(W)
        grads[name] = h[:, -size:].T @ da
        dh = np.zeros_like(h)
        dh[:, -size:] = da @ W.T
        dstate.append(dh)
    return tuple(dstate), grads


def bahdanau_open_forward(memory, state, mask, params, config):
    """As luong_open_forward; then bridge_forward makes the start, unless config.attention_only is set.

    Args, Returns: as luong_open_forward.
    """
    start, source, open_cache = luong_open_forward(memory, state, mask, params, config)
    bridge_cache = None
    if not config.attention_only:
        start, bridge_cache = bridge_forward(start, params["start"])
    return start, source, (open_cache, bridge_cache)


def bahdanau_open_backward(dstart, dsource, cache):
    """Backward of bahdanau_open_forward.

    Returns:
        dmemory (B, S, H), dstate, grads: keys, start.
    """
    open_cache, bridge_cache = cache
    dbridge = {}
    if bridge_cache is not None:
        dstart, dbridge["start"] = bridge_backward(dstart, bridge_cache)
    dmemory, dstate, grads = luong_open_backward(dstart, dsource, open_cache)
    return dmemory, dstate, grads | dbridge


def bahdanau_forward(x, state, source, params, config, rng=None):
    """Attention inside the recurrence: the previous state asks, and the context enters the new one.

        c_t   = attention(h_{t−1}, source)
        h_t   = cell(x_t Wx + b + c_t We, h_{t−1})
        out_t = tanh(h_t Wd + c_t Wc)

    One step with one number in each place: an RNN whose Wx, Wh and b are 0 and We, Wd, Wc are 1, dot scores,
    m_1 = 1, m_2 = −1, h_0 = 1. The scores are 1 and −1, so α = (0.881, 0.119) and c = 0.881 − 0.119 = 0.762.
    Then h_1 = tanh(c) = 0.642 and out = tanh(0.642 + 0.762) = 0.886. Backward, with dout = 1:

        out = tanh(h_1 + c)     da = 1 − 0.886² = 0.215:  dh_1 = 0.215, and 0.215 for dc
        h_1 = tanh(c)           dgx = 0.215 (1 − 0.642²) = 0.126:  dc = 0.215 (readout) + 0.126 (cell) = 0.341
        c = α_1 − α_2           dα = (0.341, −0.341);  as values dm_1 = 0.341 α_1 = 0.3, dm_2 = 0.041
        α = softmax(e)          Σ_s α_s dα_s = 0.26:  de_1 = 0.881 (0.341 − 0.26) = 0.0716 = −de_2
        e_s = h_0 m_s           dh_0 = 0.0716 · 1 + (−0.0716)(−1) = 0.143;  as keys dm_1 = 0.072 = −dm_2

        >>> one, nil = np.ones((1, 1)), np.zeros((1, 1))
        >>> layer = {"Wx": nil, "Wh": nil, "b": nil[0], "We": one}
        >>> params = {"decoder": layer, "attention": {}, "readout": {"Wd": one, "Wc": one}}
        >>> from numpy_seq2seq.config import Config
        >>> config = Config(5, 5, cell="rnn", decoder="bahdanau", score="dot")
        >>> memory = np.array([[[1.0], [-1.0]]])
        >>> source = Source(memory, memory, None)               # the keys of `dot` are the memory itself
        >>> out, α, (h_1,), cache = bahdanau_forward(nil[None], (one,), source, params, config)
        >>> α.round(3).tolist(), h_1.round(3).tolist(), out.round(3).tolist()
        ([[[0.881, 0.119]]], [[0.642]], [[[0.886]]])
        >>> dx, (dh_0,), dsource, grads = bahdanau_backward(one[None], (nil,), cache)
        >>> dh_0.round(3).tolist(), dsource.memory.round(3).tolist(), dsource.keys.round(3).tolist()
        ([[0.143]], [[[0.3], [0.041]]], [[[0.072], [-0.072]]])

    Args:
        x:       (B, T, D) embedded target tokens, one step behind those to be predicted.
        state:   tuple of (B, H).
        source:  Source, from bahdanau_open_forward.
        params:  of the model: decoder, attention, readout.
        rng:     not used.
    Returns:
        out:     (B, T, H).
        weights: (B, T, S), to be looked at.
        state:   tuple of (B, H) after step T.
        cache:   for bahdanau_backward.
    Source: Bahdanau et al. (2015), section 3.1, s_i = f(s_{i−1}, y_{i−1}, c_i), whose s is our h, and
        appendix A.1.1; there the cell is a GRU and the score additive. Deviation: out_t is the tanh readout
        that all decoders here share, in place of the maxout of A.2.2,
        t̃_i = U_o s_{i−1} + V_o E y_{i−1} + C_o c_i.
    """
    layer, cell, score = params["decoder"], CELLS[config.cell], SCORES[config.score]
    x = time_first(x)
    T, (B, S, H) = len(x), source.memory.shape
    gx, caches = input_part(x, layer), []
    h, context, weights = _empty(gx.dtype, (T + 1, B, H), (T, B, H), (T, B, S))
    h[0] = state[0]
    for t in range(T):  # t counts from 0: what the equations call h_{t−1} is h[t]; c_t is context[t]
        query = h[t][:, None]  # one query for each sentence, (B, 1, H)
        α, align_cache = align_forward(query, source.keys, params["attention"], source.mask, score)
        weights[t], context[t] = α[:, 0], (α @ source.memory)[:, 0]
        state, step_cache = step_forward(gx[t] + context[t] @ layer["We"], state, layer, cell)
        h[t + 1] = state[0]
        caches.append((align_cache, step_cache))
    states, contexts = h[1:].transpose(1, 0, 2), context.transpose(1, 0, 2)  # (B, T, H)
    out, readout_cache = readout_forward(states, contexts, params["readout"])
    cache = (x, h[:-1], context, weights, caches, readout_cache, source, layer, cell)
    return out, weights.transpose(1, 0, 2), state, cache


def bahdanau_backward(dout, dstate, cache):
    """Backward of bahdanau_forward, last step first.

        out_t = tanh(h_t Wd + c_t Wc)               dh_t, dc_t, grads of readout    all steps at once
        h_t   = cell(x_t Wx + b + c_t We, h_{t−1})  dgx_t, dh_{t−1}, dc_t += dgx_t Weᵀ
        c_t   = attention(h_{t−1}, source)          dq (added to dh_{t−1}), dkeys, dmemory, grads of attention
        after the loop                              dx = dgx Wxᵀ, dWe = Σ_t c_tᵀ dgx_t; Wx, Wh, b

    Returns:
        dx (B, T, D), dstate, dsource (memory, keys), grads: decoder, attention, readout.
    """
    x, h_prev, context, weights, caches, readout_cache, source, layer, cell = cache
    dh, dc_readout, dreadout = readout_backward(dout, readout_cache)  # (B, T, H): the parts of the readout
    dgx, dgh = empty_gate_gradients(h_prev, cell)  # one and the same array, except with a GRU
    Wh_T, We_T = transposed(layer["Wh"]), transposed(layer["We"])
    dc, dkeys, dattention = np.empty_like(context), np.zeros_like(source.keys), {}
    # dh and dc_readout are batch first; dgx, dgh, dc and context time first
    for t in reversed(range(len(x))):
        align_cache, step_cache = caches[t]
        # dstate is what step t+1 has sent back to h_t, as its past and its query; the readout's part is added
        dstate = (dstate[0] + dh[:, t], *dstate[1:])
        dgx[t], dstate_prev, dgh[t] = step_backward(dstate, step_cache, Wh_T)
        # c_t is read by the readout and by the cell
        dc[t] = dc_readout[:, t] + dgx[t] @ We_T
        dα = dc[t][:, None] @ source.memory.transpose(0, 2, 1)  # c_t = Σ_s α_ts m_s
        dq, dkeys_t, dattention_t = align_backward(dα, align_cache)
        dstate = (dstate_prev[0] + dq[:, 0], *dstate_prev[1:])  # h_{t−1} was the past, and the query
        # every step read the same keys with the same parameters
        dkeys += dkeys_t
        dattention = _add(dattention, dattention_t)
    dx, ddecoder = _after_the_loop(x, h_prev, context, dgx, dgh, layer, cell)
    dmemory = weights.transpose(1, 2, 0) @ dc.transpose(1, 0, 2)  # Σ_t α_ts dc_t: (B, S, T) @ (B, T, H)
    grads = {"decoder": ddecoder, "attention": dattention, "readout": dreadout}
    return dx, dstate, Source(dmemory, dkeys, None), grads


def luong_feeding_open_forward(memory, state, mask, params, config):
    """As luong_open_forward, and out_0 = 0, since there is no readout before the first.

    Returns:
        start: (h, out) or (h, C, out), each (B, H); source, cache as luong_open_forward.
    """
    start, source, cache = luong_open_forward(memory, state, mask, params, config)
    return (*start, np.zeros_like(start[0])), source, cache


def luong_feeding_open_backward(dstart, dsource, cache):
    """Backward of luong_feeding_open_forward. out_0 is a constant: its gradient ends here.

    Returns:
        dmemory (B, S, H), dstate, grads: keys.
    """
    return luong_open_backward(dstart[:-1], dsource, cache)


def luong_feeding_forward(x, state, source, params, config, rng=None):
    """Luong's decoder with input feeding: beside the last word, the last readout enters the recurrence.

        h_t   = cell(x_t Wx + b + out_{t−1} We, h_{t−1})
        c_t   = attention(h_t, source)
        out_t = tanh(h_t Wd + c_t Wc)

    out_{t−1} has been made from c_{t−1}. So the decoder can know what it has already looked at.

    Args, Returns: as bahdanau_forward, but the state has one vector more: (h, out) or (h, C, out).
    Source: Luong et al. (2015), section 3.3 and figure 4; scores as in luong_forward.
    """
    layer, cell, score = params["decoder"], CELLS[config.cell], SCORES[config.score]
    x = time_first(x)
    T, (B, S, H) = len(x), source.memory.shape
    gx, caches = input_part(x, layer), []
    out, h_prev, weights = _empty(gx.dtype, (T + 1, B, H), (T, B, H), (T, B, S))
    *state, out_0 = state
    out[0] = out_0
    for t in range(T):  # t counts from 0: what the equations call out_{t−1} is out[t]
        h_prev[t] = state[0]
        state, step_cache = step_forward(gx[t] + out[t] @ layer["We"], state, layer, cell)
        query = state[0][:, None]
        α, align_cache = align_forward(query, source.keys, params["attention"], source.mask, score)
        out_t, readout_cache = readout_forward(query, α @ source.memory, params["readout"])
        out[t + 1], weights[t] = out_t[:, 0], α[:, 0]
        caches.append((step_cache, align_cache, readout_cache))
    cache = (x, h_prev, out[:-1], weights, caches, source, layer, cell)
    return out[1:].transpose(1, 0, 2), weights.transpose(1, 0, 2), (*state, out[-1]), cache


def luong_feeding_backward(dout, dstate, cache):
    """Backward of luong_feeding_forward, last step first.

        out_t = tanh(h_t Wd + c_t Wc)                       dh_t, dc_t, grads of readout
        c_t   = attention(h_t, source)                      dq (added to dh_t), dkeys, dmemory, dattention
        h_t   = cell(x_t Wx + b + out_{t−1} We, h_{t−1})    dgx_t, dh_{t−1}, dout_{t−1} += dgx_t Weᵀ
        after the loop                                      dx = dgx Wxᵀ, grads of decoder

    New beside luong: dout_{t−1} += dgx_t Weᵀ. So the steps have to be undone one by one.

    Returns:
        dx (B, T, D), dstate, dsource (memory, keys), grads: decoder, attention, readout.
    """
    x, h_prev, out_prev, weights, caches, source, layer, cell = cache
    *dstate, dout_next = dstate  # dout_next: the gradient that out_t gets from step t + 1
    dgx, dgh = empty_gate_gradients(h_prev, cell)
    Wh_T, We_T = transposed(layer["Wh"]), transposed(layer["We"])
    dc, dkeys, dattention, dreadout = np.empty_like(h_prev), np.zeros_like(source.keys), {}, {}
    for t in reversed(range(len(x))):
        step_cache, align_cache, readout_cache = caches[t]
        # out_t is read by the output layer and by step t+1
        dh_t, dc_t, dreadout_t = readout_backward((dout[:, t] + dout_next)[:, None], readout_cache)
        dc[t] = dc_t[:, 0]
        dα = dc[t][:, None] @ source.memory.transpose(0, 2, 1)  # c_t = Σ_s α_ts m_s
        dq, dkeys_t, dattention_t = align_backward(dα, align_cache)
        # h_t is read by the readout, by the attention as its query, and by step t+1 as its past
        dstate = (dstate[0] + dh_t[:, 0] + dq[:, 0], *dstate[1:])
        dgx[t], dstate, dgh[t] = step_backward(dstate, step_cache, Wh_T)
        dout_next = dgx[t] @ We_T
        # every step read the same keys with the same parameters
        dkeys += dkeys_t
        dattention, dreadout = _add(dattention, dattention_t), _add(dreadout, dreadout_t)
    dx, ddecoder = _after_the_loop(x, h_prev, out_prev, dgx, dgh, layer, cell)
    dmemory = weights.transpose(1, 2, 0) @ dc.transpose(1, 0, 2)  # Σ_t α_ts dc_t: (B, S, T) @ (B, T, H)
    grads = {"decoder": ddecoder, "attention": dattention, "readout": dreadout}
    return dx, (*dstate, dout_next), Source(dmemory, dkeys, None), grads


def _empty(dtype, *shapes):
    """Arrays to be filled step by step: time comes first, so that what belongs to a step lies together."""
    return (np.empty(shape, dtype) for shape in shapes)


def _after_the_loop(x, h_prev, entered, dgx, dgh, layer, cell):
    """dx and the gradients of the recurrent layer, each as one product; `entered` is c_t or out_{t−1}."""
    dx = project(dgx, layer["Wx"].T).transpose(1, 0, 2)
    dWe = rows_of(entered).T @ rows_of(dgx)
    return dx, {**weight_gradients(x, h_prev, dgx, dgh, cell), "We": dWe}


def _add(total, grads):
    """Two dicts of gradients into one; a name that is in the second alone is taken as it is."""
    return {name: total.get(name, 0) + g for name, g in grads.items()}


ATTENDING = frozenset({"cell", "score", "attention_only"})
LUONG_FEEDING = Decoder(
    "luong_feeding", True, ATTENDING, luong_feeding_init,
    luong_feeding_open_forward, luong_feeding_open_backward, luong_feeding_forward, luong_feeding_backward,
)
BAHDANAU = Decoder(
    "bahdanau", True, ATTENDING, bahdanau_init,
    bahdanau_open_forward, bahdanau_open_backward, bahdanau_forward, bahdanau_backward,
)

# Exercises
# 1. Let the *new* state h_t ask in bahdanau_forward. Which context can then enter the recurrence at step t,
#    c_t or c_{t−1}? What is still different from luong_feeding?
# 2. Remove the feeding from luong_feeding by setting We to zero. Which model must it equal? Test it.
# 3. Let c_t be only the memory with the largest weight. What gradient reaches the scores?
# 4. Write this chapter again: `python -m numpy_seq2seq.homework make DIR --set decoders`.
