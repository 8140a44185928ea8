"""Chapter 7c. Decoders: from what was read to what is written, with and without attention.

Before this: recurrent.py, attention.py, readout.py. After it: step_decoders.py.

Letters: B batch, T target length (1 while generating), S source length, D embedding size, H hidden size.
x are the embedded target tokens *before* the ones to be predicted; out is what the output layer reads.

    fixed   h_t = cell(x_t, h_{t−1})            out_t = tanh(h_t Wh)
    peeky   h_t = cell([x_t; v], h_{t−1})       out_t = tanh(h_t Wh + v Wc)
    luong   h_t = cell(x_t, h_{t−1})            out_t = tanh(h_t Wh + c_t Wc)       c_t = attention(h_t)

All start from the encoder's last state. `fixed` has nothing else. `peeky` sees the same vector v again at
every step, which spares its state the work of remembering but adds no information. `luong` has a fresh
context c_t for every step. Compare the three forward functions: the difference between them is the lesson.
Two more, whose recurrence waits for the attention, are in step_decoders.py: `luong_feeding`, `bahdanau`.

Decoders have one signature and can take each other's place:

    decoder_forward(x, state, source, params, config) -> out, weights, state, cache
    decoder_backward(dout, dstate, cache)             -> dx, dstate, dsource, grads

The weights are there to be looked at and take no gradient; they are None where nothing attends.

Not here: token ids and logits (seq2seq.py), the choice of the next token (generate.py).
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from .attention import attention_backward, attention_forward
from .cells import CELLS
from .readout import Source, no_gradient, readout_backward, readout_forward, readout_init
from .recurrent import recurrent_backward, recurrent_forward, recurrent_init
from .scores import SCORES
from .step_decoders import (
    bahdanau_backward,
    bahdanau_forward,
    bahdanau_init,
    luong_feeding_backward,
    luong_feeding_forward,
    luong_feeding_init,
)


def fixed_init(rng, config):
    """Parameters: decoder (a recurrent layer), readout (Wh)."""
    D, H = config.embedding_size, config.hidden_size
    return {
        "decoder": recurrent_init(rng, D, H, CELLS[config.cell], config.dtype),
        "readout": readout_init(rng, config, context=False),
    }


def fixed_forward(x, state, source, params, config):
    """No attention: the encoder's last state is all there is.

        h_t   = cell(x_t, h_{t−1})      h_0: the encoder's last state
        out_t = tanh(h_t Wh)

    Args:
        x:       (B, T, D) embedded target tokens, one step behind those to be predicted.
        state:   tuple of (B, H).
        source:  not looked at.
        params:  of the model: decoder, readout.
    Returns:
        out:     (B, T, H).
        weights: None.
        state:   tuple of (B, H) after step T.
        cache:   for fixed_backward.
    Source: Sutskever et al. (2014). Deviations: there no readout layer stands between h_t and the output layer, and
        the decoder has four layers, each started from the encoder's; here one, from the encoder's top layer.
    """
    h, state, recurrent_cache = recurrent_forward(x, state, params["decoder"], CELLS[config.cell])
    out, readout_cache = readout_forward(h, None, params["readout"])
    return out, None, state, (recurrent_cache, readout_cache, source)


def fixed_backward(dout, dstate, cache):
    """Backward of fixed_forward, last line first.

        out = tanh(h Wh)                dh, readout
        h   = cell(x, h_0)              dx, dstate, decoder

    Returns:
        dx (B, T, D), dstate, dsource (all zero), grads: decoder, readout.
    """
    recurrent_cache, readout_cache, source = cache
    dh, _, readout = readout_backward(dout, readout_cache)
    dx, dstate, decoder = recurrent_backward(dh, dstate, recurrent_cache)
    return dx, dstate, no_gradient(source), {"decoder": decoder, "readout": readout}


def peeky_init(rng, config):
    """Parameters: decoder (a recurrent layer over [x; v]), readout (Wh, Wc)."""
    D, H = config.embedding_size, config.hidden_size
    return {
        "decoder": recurrent_init(rng, D + H, H, CELLS[config.cell], config.dtype),
        "readout": readout_init(rng, config, context=True),
    }


def peeky_forward(x, state, source, params, config):
    """No attention, but the fixed vector is shown again at every step.

        h_t   = cell([x_t; v], h_{t−1})     v: the encoder's last output, the same for all t
        out_t = tanh(h_t Wh + v Wc)

    Args, Returns: as fixed_forward; of the source, `vector` is looked at.
    Source: Cho et al. (2014), section 2.2 and appendix: both the state and the output see c at every step.
        Deviations: v and h_0 are the encoder's last output and state themselves, there a tanh layer makes each; the
        reset gate does not cover v; the tanh readout stands in place of a maxout that sees x_t too.
    """
    v = np.repeat(source.vector[:, None], x.shape[1], axis=1)
    h, state, recurrent_cache = recurrent_forward(
        np.concatenate([x, v], axis=2), state, params["decoder"], CELLS[config.cell]
    )
    out, readout_cache = readout_forward(h, v, params["readout"])
    return out, None, state, (recurrent_cache, readout_cache, source, x.shape[2])


def peeky_backward(dout, dstate, cache):
    """Backward of peeky_forward, last line first.

        out = tanh(h Wh + v Wc)         dh, dv_t, readout
        h   = cell([x; v], h_0)         dx, dv_t, dstate, decoder
        the same v at every step        dv = Σ_t of both

    Returns:
        dx (B, T, D), dstate, dsource (vector), grads: decoder, readout.
    """
    recurrent_cache, readout_cache, source, D = cache
    dh, dv_readout, readout = readout_backward(dout, readout_cache)
    dxv, dstate, decoder = recurrent_backward(dh, dstate, recurrent_cache)
    # v is read 2T times: by the cell and by the readout, at each step
    dvector = (dv_readout + dxv[:, :, D:]).sum(axis=1)
    dsource = no_gradient(source)._replace(vector=dvector)
    return dxv[:, :, :D], dstate, dsource, {"decoder": decoder, "readout": readout}


def luong_init(rng, config):
    """Parameters: decoder (a recurrent layer), attention (of the score), readout (Wh, Wc)."""
    D, H = config.embedding_size, config.hidden_size
    return {
        "decoder": recurrent_init(rng, D, H, CELLS[config.cell], config.dtype),
        "attention": SCORES[config.score].init(rng, H, H, config.dtype),
        "readout": readout_init(rng, config, context=True),
    }


def luong_forward(x, state, source, params, config):
    """Attention after the recurrence: the new state asks, and the answer helps to choose the word.

        h_t   = cell(x_t, h_{t−1})
        c_t   = attention(h_t, source)      fresh at every step
        out_t = tanh(h_t Wh + c_t Wc)

    The recurrence does not wait for the attention, so all T queries are asked at once.

    Args, Returns: as fixed_forward, with params attention too; weights (B, T, S); of the source, `memory`,
        `keys` and `mask` are looked at.
    Source: Luong et al. (2015), section 3.1, global attention without input feeding, equations 5–7. Not here: its
        location-based score, equation 8.
    """
    h, state, recurrent_cache = recurrent_forward(x, state, params["decoder"], CELLS[config.cell])
    context, weights, attention_cache = attention_forward(
        h, source.keys, source.memory, params["attention"], source.mask, SCORES[config.score]
    )
    out, readout_cache = readout_forward(h, context, params["readout"])
    return out, weights, state, (recurrent_cache, attention_cache, readout_cache, source)


def luong_backward(dout, dstate, cache):
    """Backward of luong_forward, last line first.

        out = tanh(h Wh + c Wc)         dh, dc, readout
        c   = attention(h, source)      dh (more), dkeys, dmemory, attention
        h   = cell(x, h_0)              dx, dstate, decoder

    Returns:
        dx (B, T, D), dstate, dsource (memory, keys), grads: decoder, attention, readout.
    """
    recurrent_cache, attention_cache, readout_cache, source = cache
    dh, dcontext, readout = readout_backward(dout, readout_cache)
    dqueries, dkeys, dmemory, attention = attention_backward(dcontext, attention_cache)
    # h_t is read twice here: by the readout and, as the query, by the attention
    dx, dstate, decoder = recurrent_backward(dh + dqueries, dstate, recurrent_cache)
    dsource = Source(np.zeros_like(source.vector), dmemory, dkeys, None)
    return dx, dstate, dsource, {"decoder": decoder, "attention": attention, "readout": readout}


class Decoder(NamedTuple):
    """A way to write from what was read."""

    name: str
    attends: bool
    bridges: bool  # a learned layer stands between the encoder's last state and the decoder's first
    feeds: bool  # the state carries the last out too: (h, out) or (h, c, out)
    init: Callable  # (rng, config) -> params
    forward: Callable
    backward: Callable


DECODERS = {
    decoder.name: decoder
    for decoder in (
        Decoder("fixed", False, False, False, fixed_init, fixed_forward, fixed_backward),
        Decoder("peeky", False, False, False, peeky_init, peeky_forward, peeky_backward),
        Decoder("luong", True, False, False, luong_init, luong_forward, luong_backward),
        Decoder("luong_feeding", True, False, True, luong_feeding_init, luong_feeding_forward, luong_feeding_backward),
        Decoder("bahdanau", True, True, False, bahdanau_init, bahdanau_forward, bahdanau_backward),
    )
}

# Exercises
# 1. Write `mean`: luong with equal weights, so that c is the plain mean of all real memories at every step. Compare
#    it with luong on reverse. The size of c is the same; what alone differs?
# 2. In luong_backward, leave out `+ dqueries`. Which gradients become wrong, and does it still train?
# 3. Where does source.mask get its gradient? Why is that no omission?
# 4. Write this room again: `python -m numpy_seq2seq.homework make DIR --set decoders`.
