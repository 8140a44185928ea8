"""Chapter: stacks. Two directions side by side, and layers above one another.

Before this: recurrent.py. After it: scores.py.

Notation: as in recurrent.py; h→ runs from the first token to the last, h← from the last to the first, and
[h→; h←] puts them side by side. H is the size of one direction here. params[name] has the parameters of the
layer called name.

                 h→_1 ──→ h→_2 ──→ h→_3           h→_2 knows x_1 and x_2
                 h←_1 ←── h←_2 ←── h←_3           h←_2 knows x_2 and x_3
                   ↑        ↑        ↑            [h→_2; h←_2] knows the whole sequence
                  x_1      x_2      x_3

Not here: the loop over time (recurrent.py); which layers a model has (encoders.py).
"""

import numpy as np

from .layers import dropout_backward, dropout_forward
from .recurrent import recurrent_backward, recurrent_forward, zero_state


def directions_forward(x, params, names, cell, mask=None, reverse=False):
    """One layer in one direction, or in two whose outputs stand side by side.

        h→ = recurrent(x),  h← = recurrent(x, reverse),  h = [h→; h←]

    Args:
        x:       (B, T, D).
        params:  the parameters of the model; those of this layer are params[name] for name in names.
        names:   ("encoder",) or ("encoder", "encoder_reverse"), say.
        cell:    a record of cells.CELLS.
        mask:    (B, T) boolean, or None.
        reverse: with one name: run from the last token to the first. With two names it is not used.
    Returns:
        h:       (B, T, len(names) H).
        state:   the state of each direction after its last step, side by side: h→ after the last real token,
                 h← after the first token.
        cache:   for directions_backward.
    x = (0, 1, 0) with all weights 1: h→ = (0, 0.762, 0.642), h← = (0.642, 0.762, 0), and the state holds the
    last h→ and the last h←, which is the one at the first token:

        >>> from numpy_seq2seq.cells import CELLS
        >>> one = {"Wx": np.eye(1), "Wh": np.eye(1), "b": np.zeros(1)}
        >>> x, params = np.array([[[0.0], [1.0], [0.0]]]), {"a": one, "b": one}
        >>> h, state, _ = directions_forward(x, params, ("a", "b"), CELLS["rnn"])
        >>> h[0].T.round(3).tolist(), state[0].round(3).tolist()
        ([[0.0, 0.762, 0.642], [0.642, 0.762, 0.0]], [[0.642, 0.642]])

    Source: Schuster & Paliwal (1997).
    """
    runs = []
    for name, from_right in zip(names, (reverse and len(names) == 1, True)):
        H = len(params[name]["Wh"])
        start = zero_state(cell, len(x), H, x.dtype)
        runs.append(recurrent_forward(x, start, params[name], cell, mask, from_right))
    h, states, caches = zip(*runs)  # the h, the states, the caches of all directions
    if len(names) == 1:
        return h[0], states[0], (names, caches)
    state = tuple(np.concatenate(pair, axis=1) for pair in zip(*states))  # [h→; h←], and of an LSTM [c→; c←]
    return np.concatenate(h, axis=2), state, (names, caches)


def directions_backward(dh, dstate, cache):
    """Backward of directions_forward.

        h = [h→; h←]            dh→, dh←: the two halves of dh; the state likewise
        both read x             dx = dx→ + dx←

    Returns:
        dx:    (B, T, D). The state before the first step is zero and takes no gradient.
        grads: grads[name] for every name.
    """
    names, caches = cache
    dh = np.split(dh, len(names), axis=2)
    dstates = zip(*(np.split(d, len(names), axis=1) for d in dstate))  # (dh→, dc→), then (dh←, dc←)
    dx, grads = 0, {}
    for name, dh_k, dstate_k, cache_k in zip(names, dh, dstates, caches):
        dx_k, _, grads[name] = recurrent_backward(dh_k, dstate_k, cache_k)
        dx = dx + dx_k  # both directions read the same x
    return dx, grads


def stack_forward(x, params, layers, cell, mask=None, reverse=False, dropout=0.0, rng=None):
    """Layers above one another: each reads the outputs of the one below, with dropout in between.

        x → layer 1 → dropout → layer 2 → … → h, state

    Args:
        x:         (B, T, D).
        params:    the parameters of the model.
        layers:    from the bottom up, the names of each: [("encoder", "encoder_reverse"), ("encoder2", …)].
        cell:      a record of cells.CELLS.
        mask:      (B, T) boolean, or None.
        reverse:   as in directions_forward, for every layer.
        dropout:   rate, between the layers only: the recurrence itself is left alone.
        rng:       np.random.Generator; None switches dropout off.
    Returns:
        h:         (B, T, ·) the outputs of the top layer.
        state:     its state, as in directions_forward.
        cache:     for stack_backward.
    Source: dropout between layers but not along time: Pham et al. (2013), Zaremba et al. (2014). Deviation
        from Zaremba et al.: there the embeddings, which enter the first layer, are dropped out too.
    """
    caches = []
    for names in layers:
        dropout_cache = None
        if caches:
            x, dropout_cache = dropout_forward(x, dropout, rng)
        x, state, cache = directions_forward(x, params, names, cell, mask, reverse)
        caches.append((dropout_cache, cache))
    return x, state, caches


def stack_backward(dh, dstate, cache):
    """Backward of stack_forward: top layer first. stack_forward returns the last state of the top layer only.
    Nobody reads the last state of a lower layer: its gradient is zero.

    Returns:
        dx:    (B, T, D).
        grads: grads[name] for every name of every layer.
    """
    grads = {}
    for k in reversed(range(len(cache))):
        dropout_cache, layer_cache = cache[k]
        dh, layer_grads = directions_backward(dh, dstate, layer_cache)
        if k:  # from here on dh and dstate belong to the layer below
            dh = dropout_backward(dh, dropout_cache)
            dstate = tuple(np.zeros((len(dh), dh.shape[2]), dh.dtype) for _ in dstate)  # as wide as its h
        grads |= layer_grads
    return dh, grads


# Exercises
# 1. Why does directions_backward add the two dx, and split dh?
# 2. Two directions with H/2 units each, or one with H: which has more parameters, and by how many?
# 3. Add a residual connection between layers of equal size, x + h. Which line of stack_backward changes?
# 4. Write this chapter again: `python -m numpy_seq2seq.homework make DIR --functions
#    directions_forward,directions_backward,stack_forward,stack_backward`.
