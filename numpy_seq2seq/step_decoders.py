"""Chapter 7d. Decoders whose recurrence waits for the attention: Bahdanau's, and Luong's with input feeding.

Before this: decoders.py. After it: config.py.

Letters: as in decoders.py; s_t the decoder's state (its first vector), c_t the context, M its size; in the tuple
(h, c, out) c is the LSTM's memory cell.

    bahdanau        c_t = attention(s_{t−1})                    the previous state asks
                    s_t = cell([x_t; c_t], s_{t−1})             the answer enters the recurrence
                    out_t = tanh(s_t Wh + c_t Wc)

    luong_feeding   s_t = cell([x_t; out_{t−1}], s_{t−1})       what was decided last enters the recurrence
                    c_t = attention(s_t)                        the new state asks
                    out_t = tanh(s_t Wh + c_t Wc)

Step t needs the attention of step t or t−1, so the steps are taken one by one. With u_t for what enters beside
x_t, c_t or out_{t−1}, [x_t; u_t] times one matrix is x_t Wx + u_t We: the first product is taken for all steps
at once, the second inside the loop. The gradient of the memory, Σ_t α_ts dc_t, is again one product, after the
loop: therefore attention stands here in its two lines, align and weighted mean.

Not here: decoders that attend after the whole recurrence (decoders.py).
"""

import numpy as np

from .attention import align_backward, align_forward
from .cells import CELLS
from .layers import glorot
from .readout import Source, readout_backward, readout_forward, readout_init
from .recurrent import input_part, recurrent_init, step_backward, step_forward, weight_gradients
from .scores import SCORES


def bahdanau_init(rng, config):
    """Parameters: decoder (a recurrent layer, and We for what enters it besides x), attention (of the score),
    readout (Wh, Wc)."""
    D, H, cell = config.embedding_size, config.hidden_size, CELLS[config.cell]
    We = np.hstack([glorot(rng, H, H, config.dtype) for _ in cell.gates])
    return {
        "decoder": {**recurrent_init(rng, D, H, cell, config.dtype), "We": We},
        "attention": SCORES[config.score].init(rng, H, H, config.dtype),
        "readout": readout_init(rng, config, context=True),
    }


luong_feeding_init = bahdanau_init  # the same shapes: out_t and c_t are both as large as a state


def bahdanau_forward(x, state, source, params, config):
    """Attention inside the recurrence: the previous state asks, the context enters the next one.

        c_t   = attention(s_{t−1}, source)
        s_t   = cell(x_t Wx + b + c_t We, s_{t−1})
        out_t = tanh(s_t Wh + c_t Wc)

    Args:
        x:       (B, T, D) embedded target tokens, one step behind those to be predicted.
        state:   tuple of (B, H).
        source:  `memory`, `keys` and `mask` are looked at.
        params:  of the model: decoder, attention, readout.
    Returns:
        out:     (B, T, H).
        weights: (B, T, S), to be looked at.
        state:   tuple of (B, H) after step T.
        cache:   for bahdanau_backward.
    Source: Bahdanau et al. (2015), section 3.1 and appendix A; there the cell is a GRU and the score additive.
        Deviation: out_t is the tanh readout that all decoders here share, in place of a maxout layer that sees
        the previous word and s_{t−1}.
    """
    layer, cell, score = params["decoder"], CELLS[config.cell], SCORES[config.score]
    x = np.ascontiguousarray(x.transpose(1, 0, 2))
    gx, caches = input_part(x, layer), []
    s, context, weights = _room(len(x), state[0], source)
    for t in range(len(x)):
        weights_t, align_cache = align_forward(s[t][:, None], source.keys, params["attention"], source.mask, score)
        weights[t], context[t] = weights_t[:, 0], (weights_t @ source.memory)[:, 0]
        state, step_cache = step_forward(gx[t] + context[t] @ layer["We"], state, layer, cell)
        s[t + 1] = state[0]
        caches.append((align_cache, step_cache))
    out, readout_cache = readout_forward(s[1:].transpose(1, 0, 2), context.transpose(1, 0, 2), params["readout"])
    cache = (x, s[:-1], context, weights, caches, readout_cache, source, layer)
    return out, weights.transpose(1, 0, 2), state, cache


def bahdanau_backward(dout, dstate, cache):
    """Backward of bahdanau_forward, last step first.

        out_t = tanh(s_t Wh + c_t Wc)               ds_t, dc_t, readout         all steps at once
        s_t   = cell(x_t Wx + b + c_t We, s_{t−1})  dgx_t, ds_{t−1}, dc_t += dgx_t Weᵀ
        c_t   = attention(s_{t−1}, source)          ds_{t−1} += dq, dkeys, dmemory, attention
        after the loop                              dx = dgx Wxᵀ and the weights, one product each

    Returns:
        dx (B, T, D), dstate, dsource (memory, keys), grads: decoder, attention, readout.
    """
    x, s_prev, context, weights, caches, readout_cache, source, layer = cache
    ds, dcontext, readout = readout_backward(dout, readout_cache)
    dgx, dgh = _gate_gradients(s_prev, layer)
    dc, dkeys, attention = np.empty_like(context), np.zeros_like(source.keys), {}
    for t in reversed(range(len(x))):
        align_cache, step_cache = caches[t]
        # s_t is read by the readout, and by step t+1 as its past and as its query: dstate has those two
        dgx[t], dstate, dgh[t] = step_backward((dstate[0] + ds[:, t], *dstate[1:]), step_cache)
        # c_t is read by the readout and by the cell
        dc[t] = dcontext[:, t] + dgx[t] @ layer["We"].T
        dquery, dkeys_t, grads_t = align_backward(_dweights(dc[t], source), align_cache)
        dstate = (dstate[0] + dquery[:, 0], *dstate[1:])
        # every step read the same keys with the same parameters
        dkeys += dkeys_t
        attention = _add(attention, grads_t)
    dx, decoder = _after_the_loop(x, s_prev, context, dgx, dgh, layer)
    dsource = Source(np.zeros_like(source.vector), _dmemory(weights, dc), dkeys, None)
    return dx, dstate, dsource, {"decoder": decoder, "attention": attention, "readout": readout}


def luong_feeding_forward(x, state, source, params, config):
    """Luong's decoder with input feeding: the last readout, too, enters the recurrence.

        s_t   = cell(x_t Wx + b + out_{t−1} We, s_{t−1})
        c_t   = attention(s_t, source)
        out_t = tanh(s_t Wh + c_t Wc)

    So the decoder knows what it has already looked at.

    Args, Returns: as bahdanau_forward, but the state has one vector more: (h, out) or (h, c, out), each (B, H);
        out_0 is zero.
    Source: Luong et al. (2015), section 3.3 and figure 4; scores as in luong_forward.
    """
    layer, cell, score = params["decoder"], CELLS[config.cell], SCORES[config.score]
    x = np.ascontiguousarray(x.transpose(1, 0, 2))
    gx, caches = input_part(x, layer), []
    *state, feed = state
    out, s_prev, weights = _room(len(x), feed, source)
    for t in range(len(x)):
        s_prev[t] = state[0]
        state, step_cache = step_forward(gx[t] + out[t] @ layer["We"], state, layer, cell)
        query = state[0][:, None]
        weights_t, align_cache = align_forward(query, source.keys, params["attention"], source.mask, score)
        out_t, readout_cache = readout_forward(query, weights_t @ source.memory, params["readout"])
        out[t + 1], weights[t] = out_t[:, 0], weights_t[:, 0]
        caches.append((step_cache, align_cache, readout_cache))
    cache = (x, s_prev, out[:-1], weights, caches, source, layer)
    return out[1:].transpose(1, 0, 2), weights.transpose(1, 0, 2), (*state, out[-1]), cache


def luong_feeding_backward(dout, dstate, cache):
    """Backward of luong_feeding_forward, last step first.

        out_t = tanh(s_t Wh + c_t Wc)                       ds_t, dc_t, readout
        c_t   = attention(s_t, source)                      ds_t += dq, dkeys, dmemory, attention
        s_t   = cell(x_t Wx + b + out_{t−1} We, s_{t−1})    dgx_t, ds_{t−1}, dout_{t−1} += dgx_t Weᵀ
        after the loop                                      dx = dgx Wxᵀ and the weights, one product each

    Returns:
        dx (B, T, D), dstate, dsource (memory, keys), grads: decoder, attention, readout.
    """
    x, s_prev, out_prev, weights, caches, source, layer = cache
    *dstate, dfeed = dstate
    dgx, dgh = _gate_gradients(s_prev, layer)
    dc, dkeys, attention, readout = np.empty_like(s_prev), np.zeros_like(source.keys), {}, {}
    for t in reversed(range(len(x))):
        step_cache, align_cache, readout_cache = caches[t]
        # out_t is read by the output layer and by step t+1
        ds_t, dc_t, readout_t = readout_backward((dout[:, t] + dfeed)[:, None], readout_cache)
        dc[t] = dc_t[:, 0]
        dquery, dkeys_t, attention_t = align_backward(_dweights(dc[t], source), align_cache)
        # s_t is read by the readout, by the attention as its query, and by step t+1 as its past
        dstate = (dstate[0] + ds_t[:, 0] + dquery[:, 0], *dstate[1:])
        dgx[t], dstate, dgh[t] = step_backward(dstate, step_cache)
        dfeed = dgx[t] @ layer["We"].T
        # every step read the same keys with the same parameters
        dkeys += dkeys_t
        attention, readout = _add(attention, attention_t), _add(readout, readout_t)
    dx, decoder = _after_the_loop(x, s_prev, out_prev, dgx, dgh, layer)
    dsource = Source(np.zeros_like(source.vector), _dmemory(weights, dc), dkeys, None)
    return dx, (*dstate, dfeed), dsource, {"decoder": decoder, "attention": attention, "readout": readout}


def _room(T, first, source):
    """Arrays, time first, for T + 1 vectors like `first` (which begins them), T vectors, and T rows of weights."""
    (B, S, M), H = source.memory.shape, first.shape[1]
    shapes = (T + 1, B, H), (T, B, M), (T, B, S)
    vectors, contexts, weights = (np.empty(shape, first.dtype) for shape in shapes)
    vectors[0] = first
    return vectors, contexts, weights


def _gate_gradients(s_prev, layer):
    """Room for dgx and dgh (T, B, GH): one array for both where gh has no bias of its own."""
    dgx = np.empty((*s_prev.shape[:2], len(layer["b"])), s_prev.dtype)
    return dgx, np.empty_like(dgx) if "bh" in layer else dgx


def _after_the_loop(x, s_prev, entered, dgx, dgh, layer):
    """dx and the gradients of the recurrent layer, each as one product; `entered` went through We."""
    dx = (dgx @ layer["Wx"].T).transpose(1, 0, 2)
    grads = weight_gradients(x, s_prev, dgx, dgh)
    rows = dgx.reshape(-1, dgx.shape[2])
    return dx, {**grads, "We": entered.reshape(len(rows), -1).T @ rows}


def _dweights(dc_t, source):
    """c_t = Σ_s α_ts m_s, hence dα_ts = dc_t · m_s: (B, M) to (B, 1, S)."""
    return dc_t[:, None] @ source.memory.transpose(0, 2, 1)


def _dmemory(weights, dc):
    """c_t = Σ_s α_ts m_s, hence dm_s = Σ_t α_ts dc_t: one product per sequence for all steps."""
    return weights.transpose(1, 2, 0) @ dc.transpose(1, 0, 2)


def _add(total, grads):
    return {name: total.get(name, 0) + g for name, g in grads.items()}


# Exercises
# 1. Let the *new* state ask in bahdanau_forward. Which context is then ready to enter the recurrence at step t? In
#    what does the result still differ from luong_feeding?
# 2. Remove the feeding from luong_feeding by setting We to zero. Which model must it equal? Test it.
# 3. Attend to the memory of step t−1's argmax only. What gradient reaches the scores?
# 4. Write this room again: `python -m numpy_seq2seq.homework make DIR --set decoders`.
