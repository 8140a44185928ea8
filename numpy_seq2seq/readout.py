"""Chapter 7b. What decoders share: what they may look at, and what the output layer reads.

Before this: attention.py, encoder.py. After it: decoders.py.

Letters: B batch, T target length, S source length, H hidden size, M size of a context, A size of a key.

Not here: the decoders themselves (decoders.py, step_decoders.py).
"""

from typing import NamedTuple

import numpy as np

from .activations import tanh_backward
from .layers import glorot


class Source(NamedTuple):
    """All that a decoder may look at while it writes. Its gradient is a Source too."""

    vector: np.ndarray  # (B, H) the encoder's last output: the fixed vector
    memory: np.ndarray  # (B, S, H) the encoder's output at every position
    keys: np.ndarray  # (B, S, A) what attention finds a memory by
    mask: np.ndarray | None  # (B, S) boolean, True at a real token


def no_gradient(source):
    """The gradient of a source that was not looked at: zeros."""
    return Source(*(np.zeros(a.shape, a.dtype) for a in source[:3]), None)


def readout_init(rng, config, context):
    """Parameters: Wh (H, H), and with a context Wc (H, H), both by glorot."""
    H = config.hidden_size
    return {name: glorot(rng, H, H, config.dtype) for name in (("Wh", "Wc") if context else ("Wh",))}


def readout_forward(h, context, params):
    """What the output layer will read: the state, and beside it the context if there is one.

        out_t = tanh(h_t Wh + c_t Wc)

    Args:
        h:       (B, T, H) the decoder's states.
        context: (B, T, M), or None: then the second term is absent.
        params:  Wh (H, H), and Wc (M, H) with a context.
    Returns:
        out:     (B, T, H).
        cache:   for readout_backward.
    Source: Luong et al. (2015), equation 5, h̃_t = tanh(W_c [c_t; h_t]), with W_c in two blocks. `fixed` keeps
        the block of h_t, so that it lacks the context and nothing else.
    """
    shape, H = h.shape, h.shape[2]
    h = h.reshape(-1, H)
    a = h @ params["Wh"]
    if context is not None:
        context = context.reshape(-1, context.shape[2])
        a += context @ params["Wc"]
    out = np.tanh(a)
    return out.reshape(shape), (h, context, out, params, shape)


def readout_backward(dout, cache):
    """Backward of readout_forward.

        out = tanh(a)           da = dout (1 − out²)
        a = h Wh + c Wc         dWh = Σ hᵀ da,  dWc = Σ cᵀ da,  dh = da Whᵀ,  dc = da Wcᵀ

    Returns:
        dh:       (B, T, H).
        dcontext: (B, T, M), or None.
        grads:    Wh, and Wc with a context.
    """
    h, context, out, params, shape = cache
    da = tanh_backward(dout.reshape(out.shape), out)
    dh, grads = (da @ params["Wh"].T).reshape(shape), {"Wh": h.T @ da}
    if context is None:
        return dh, None, grads
    dcontext = (da @ params["Wc"].T).reshape(*shape[:2], context.shape[1])
    return dh, dcontext, {**grads, "Wc": context.T @ da}


# Exercises
# 1. Show that h Wh + c Wc is [h; c] times one matrix. Of which blocks? What would a bias in each of the two
#    products add?
# 2. Write them again: `python -m numpy_seq2seq.homework make DIR --functions readout_backward`.
