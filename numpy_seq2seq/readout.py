"""Chapter: readout. What decoders share: where they start, what they look at, what the output layer reads.

Before this: encoders.py. After it: decoders.py.

Every decoder does three things besides its recurrence. It starts somewhere (start_forward). If it attends, it
looks at a source (source_forward); here `source` means memory, keys and mask together. At each step it hands
one vector to the layer that makes the logits (readout_forward).

    encoder ── state ───→ start_forward ──→ h_0 → h_1 → h_2 → …
       └────── memory ──→ source_forward        ↘ attention → c_t
                                                h_t, c_t → readout_forward → out_t → logits

Notation: B batch, T target length, S source length, H hidden size, also of a memory and of a context, A size
of a key; h_t the decoder's state, c_t the context.

Not here: the decoders themselves (decoders.py, step_decoders.py).
"""

from typing import NamedTuple

import numpy as np

from .activations import tanh_backward
from .cells import CELLS
from .layers import glorot, project, rows_of
from .scores import keys_backward, keys_forward


def without_padding(a, mask):
    """(B, S, H) with zeros where the mask (B, S) is False; as it is where nothing is padded.

    At padding the attention weights are 0, but 0 · nan = nan would spoil a sum.
    """
    return a if mask.all() else np.where(mask[..., None], a, 0)


class Source(NamedTuple):
    """What an attending decoder looks at while it writes. Its gradient is a Source too, with mask None."""

    memory: np.ndarray  # (B, S, H) the encoder's output at every position, zero at padding
    keys: np.ndarray  # (B, S, A) what a memory is compared by
    mask: np.ndarray | None  # (B, 1, S) boolean, the same for every query; None where nothing is padded


def source_forward(memory, mask, params):
    """What an attending decoder may look at, prepared once for each source.

        memory = memory where it is real, else 0
        keys   = memory Wk (general, additive), or memory itself (dot, scaled_dot)

    Args:
        memory: (B, S, H).
        mask:   (B, S) boolean, True at a real token.
        params: of the model: keys.
    Returns:
        source: Source.
        cache:  for source_backward.
    """
    memory = without_padding(memory, mask)
    keys, keys_cache = keys_forward(memory, params["keys"])
    return Source(memory, keys, None if mask.all() else mask[:, None]), (keys_cache, mask)


def source_backward(dsource, cache):
    """Backward of source_forward. A memory is read twice: it is averaged into the context (as a value), and
    it is compared with the query (as a key). Its two gradients are added.

        keys = memory Wk        dmemory = dsource.memory + dsource.keys Wkᵀ     without Wk: + dsource.keys
        0 at padding            0 at padding

    Returns:
        dmemory (B, S, H), grads: keys.
    """
    keys_cache, mask = cache
    dmemory, grads = keys_backward(dsource.keys, keys_cache)
    return without_padding(dsource.memory + dmemory, mask), {"keys": grads}


def start_forward(state, config):
    """Where a recurrent decoder starts.

        state_0 = the encoder's last state      the lesson: the fixed vector is handed over here
        state_0 = 0                             config.attention_only: all must pass through attention

    Args:
        state:   tuple of (B, H), the encoder's last state.
    Returns:
        state_0: tuple of (B, H), as many as the cell carries.
        cache:   for start_backward.
    """
    needed = CELLS[config.cell].states
    start = state if len(state) == needed else (state[0],) * needed  # a Transformer's one vector: h_0 and c_0
    if config.attention_only:
        start = tuple(np.zeros_like(s) for s in start)
    return start, (len(state), config.attention_only)


def start_backward(dstart, cache):
    """Backward of start_forward.

        state_0 = state         dstate = dstate_0
        h_0 = c_0 = vector      dvector = dh_0 + dc_0       one vector for both parts of an LSTM's state
        state_0 = 0             dstate = 0

    Returns:
        dstate: of the encoder's last state.
    """
    count, attention_only = cache
    if attention_only:
        return tuple(np.zeros_like(d) for d in dstart[:count])
    return dstart if len(dstart) == count else (sum(dstart),)  # one vector went to h_0 and to c_0


def readout_init(rng, config, context):
    """Parameters: Wd (H, H), and with a context Wc (H, H), both by glorot."""
    H, names = config.hidden_size, ("Wd", "Wc") if context else ("Wd",)
    return {name: glorot(rng, H, H, config.dtype) for name in names}


def readout_forward(h, context, params):
    """What the layer that makes the logits reads: the decoder's state, and the context if there is one.

        out_t = tanh(h_t Wd + c_t Wc)

    Which word comes next may depend on the two together, so they are mixed before words are scored.

    Args:
        h:       (B, T, H) the decoder's states.
        context: (B, T, H), or None: then the second term is absent.
        params:  Wd (H, H), and Wc (H, H) with a context.
    Returns:
        out:     (B, T, H).
        cache:   for readout_backward.
    Source: Luong et al. (2015), equation 5, h̃_t = tanh(W_c [c_t; h_t]). Call their matrix, transposed,
        W (2H, H): its upper H rows multiply c_t, our Wc; its lower H rows multiply h_t, our Wd (d as in
        decoder). A decoder without a context has Wd alone.
    """
    a = project(h, params["Wd"])
    if context is not None:
        a += project(context, params["Wc"])
    out = np.tanh(a)
    return out, (h, context, out, params)


def readout_backward(dout, cache):
    """Backward of readout_forward.

        out = tanh(a)           da = dout (1 − out²)
        a = h Wd + c Wc         dWd = Σ_bt h_btᵀ da_bt,  dWc = Σ_bt c_btᵀ da_bt,  dh = da Wdᵀ,  dc = da Wcᵀ

    One number in each place, h = 1, c = 2, Wd = ½, Wc = ¼: a = ½ + ½ = 1 and out = tanh(1) = 0.7616. For
    dout = 1, da = 1 − 0.7616² = 0.42, dh = da/2 = 0.21, dc = da/4 = 0.105, dWd = h da = 0.42 and
    dWc = c da = 0.84:

        >>> one = np.ones((1, 1, 1))
        >>> out, cache = readout_forward(one, 2 * one, {"Wd": one[0] / 2, "Wc": one[0] / 4})
        >>> dh, dc, grads = readout_backward(one, cache)
        >>> [round(a.item(), 3) for a in (out, dh, dc, grads["Wd"], grads["Wc"])]
        [0.762, 0.21, 0.105, 0.42, 0.84]

    Returns:
        dh:       (B, T, H).
        dcontext: (B, T, H), or None.
        grads:    Wd, and Wc with a context.
    """
    h, context, out, params = cache
    da = rows_of(tanh_backward(dout, out))
    dh = (da @ params["Wd"].T).reshape(h.shape)
    dWd = rows_of(h).T @ da
    if context is None:
        return dh, None, {"Wd": dWd}
    dc = (da @ params["Wc"].T).reshape(context.shape)
    dWc = rows_of(context).T @ da
    return dh, dc, {"Wd": dWd, "Wc": dWc}


# Exercises
# 1. Show that c Wc + h Wd is [c; h] times one matrix. Of which blocks? What would a bias in each of the two
#    products add?
# 2. Write them again: `python -m numpy_seq2seq.homework make DIR --functions readout_backward`.
