"""Chapter 4a. Recurrence: unrolling a cell in time, and backpropagation through time (BPTT).

Before this: cells.py. After it: stacks.py.

Letters: B batch, T time steps, D input size, H hidden size, G gates of the cell; x the inputs, h the
outputs. Outside, arrays are batch-first (B, T, ...); inside, time comes first, because a step is then one
contiguous block. A state is the tuple that the cell carries: (h,) or (h, c), each (B, H).

A mask is boolean (B, T), True at a real token. A padded step hands the state on unchanged, so the last
state is the last *real* token's, in both directions, and no sequence has to be flipped.

Not here: what happens inside a step (cells.py); several layers or directions (stacks.py); token ids
(layers.py).
"""

import numpy as np

from .layers import glorot


def recurrent_init(rng, input_size, hidden_size, cell, dtype):
    """Parameters of one recurrent layer.

        Wx (D, GH)  by glorot, gate by gate
        Wh (H, GH)  orthogonal, gate by gate: at the start the product h Wh is, in each block, as long as h
        b  (GH,)    zero, but 1 for a forget gate: at the start c keeps σ(1) = 73% in a step, not half
        bh (GH,)    zero, only where the cell has a bias inside its recurrent part (GRU)

    Source: orthogonal: Saxe et al. (2014), for deep linear networks; for recurrent ones Bahdanau et al. (2015),
        appendix B.1. Forget bias: Gers et al. (2000), Jozefowicz et al. (2015).
    """
    def orthogonal():
        return np.linalg.qr(rng.standard_normal((hidden_size, hidden_size)))[0]

    b = np.zeros((len(cell.gates), hidden_size), dtype)
    if "f" in cell.gates:
        b[cell.gates.index("f")] = 1
    params = {
        "Wx": np.hstack([glorot(rng, input_size, hidden_size, dtype) for _ in cell.gates]),
        "Wh": np.hstack([orthogonal() for _ in cell.gates]).astype(dtype),
        "b": b.reshape(-1),
    }
    if cell.recurrent_bias:
        params["bh"] = np.zeros_like(params["b"])
    return params


def zero_state(cell, batch, hidden_size, dtype):
    """The state before the first step: all zeros."""
    return tuple(np.zeros((batch, hidden_size), dtype) for _ in range(cell.states))


def step_forward(gx, state, params, cell):
    """One time step: the product with the past, then the cell.

        gh = h_prev Wh (+ bh)
        state = cell(gx, gh, state_prev)

    Args:
        gx:     (B, GH) what this step's input contributes.
        state:  tuple of (B, H).
        params: Wh (H, GH), and bh (GH,) where cell.recurrent_bias.
        cell:   a record of cells.CELLS.
    Returns:
        state:  tuple of (B, H).
        cache:  for step_backward.
    """
    gh = state[0] @ params["Wh"]
    if cell.recurrent_bias:
        gh = gh + params["bh"]
    state, cell_cache = cell.forward(gx, gh, state)
    return state, (cell_cache, params["Wh"], cell)


def step_backward(dstate, cache):
    """Backward of step_forward, without the gradients of Wh and bh: weight_gradients takes those for all
    steps in one product.

        state = cell(gx, gh, state_prev)    dgx, dgh, dstate_prev
        gh = h_prev Wh (+ bh)               dh_prev += dgh Whᵀ

    Returns:
        dgx:    (B, GH).
        dstate: gradient of the state before the step.
        dgh:    (B, GH), for weight_gradients.
    """
    cell_cache, Wh, cell = cache
    dgx, dgh, dstate = cell.backward(dstate, cell_cache)
    # h_prev is read by the cell itself and by the product with Wh
    return dgx, (dstate[0] + dgh @ Wh.T, *dstate[1:]), dgh


def weight_gradients(x, h_prev, dgx, dgh):
    """Gradients of a layer's parameters, each as one product over all T steps and B sequences.

        gx = x Wx + b           dWx = Σ x_tᵀ dgx_t,  db = Σ dgx_t
        gh = h_prev Wh + bh     dWh = Σ h_{t−1}ᵀ dgh_t,  dbh = Σ dgh_t

    Args:
        x, h_prev: (T, B, ·).
        dgx, dgh:  (T, B, GH); one and the same array means that gh has no bias.
    Returns:
        grads:     Wx, Wh, b, and bh where dgh is an array of its own.
    """
    grads = {"Wx": _rows(x).T @ _rows(dgx), "Wh": _rows(h_prev).T @ _rows(dgh), "b": _rows(dgx).sum(axis=0)}
    return grads if dgh is dgx else {**grads, "bh": _rows(dgh).sum(axis=0)}


def recurrent_forward(x, state, params, cell, mask=None, reverse=False):
    """Run a cell along time.

        gx = x Wx + b                       one product for all steps at once
        for t = 0 … T−1:                    T−1 … 0 if reverse
            gh = h Wh (+ bh)                one product per step
            state = cell(gx_t, gh, state)   where step t is real; elsewhere the state stays
            h_t = the first vector of state

    Args:
        x:       (B, T, D).
        state:   tuple of (B, H), the state before the first step.
        params:  Wx (D, GH), Wh (H, GH), b (GH,), and bh (GH,) where cell.recurrent_bias.
        cell:    a record of cells.CELLS.
        mask:    (B, T) boolean, or None where every step is real.
        reverse: run from the last step to the first.
    Returns:
        h:       (B, T, H) the output of every step.
        state:   the state after the last step.
        cache:   for recurrent_backward.
    """
    x = np.ascontiguousarray(x.transpose(1, 0, 2))
    gx = input_part(x, params)
    h, h_prev = _one_step_apart(gx, state[0], reverse)
    real = _padded_steps(mask, len(x))
    steps = range(len(x))[::-1] if reverse else range(len(x))
    caches = [None] * len(x)
    for t in steps:
        after, caches[t] = step_forward(gx[t], state, params, cell)
        state = _where_real(real[t], after, state)
        h[t] = state[0]
    return h.transpose(1, 0, 2), state, (x, h_prev, caches, params, cell, real, steps)


def recurrent_backward(dh, dstate, cache):
    """Backpropagation through time: recurrent_forward, last step first.

        h_t = first of state                    dstate gets dh_t
        state = cell(gx_t, gh, state_prev)      dgx_t, dgh_t, dstate_prev = cell backward(dstate)
        gh = h_prev Wh (+ bh)                   dh_prev += dgh_t Whᵀ
        — after the loop, over all steps at once —
        gh = h_prev Wh + bh                     dWh = Σ_t h_{t−1}ᵀ dgh_t,  dbh = Σ dgh
        gx = x Wx + b                           dWx = Σ_t x_tᵀ dgx_t,  db = Σ dgx,  dx_t = dgx_t Wxᵀ

    Args:
        dh:      (B, T, H) gradient of every output.
        dstate:  gradient of the state after the last step.
    Returns:
        dx:      (B, T, D).
        dstate:  gradient of the state before the first step.
        grads:   Wx, Wh, b (and bh).
    Source: Werbos (1990).
    """
    x, h_prev, caches, params, cell, real, steps = cache
    dh = dh.transpose(1, 0, 2)
    dgx = np.empty((*h_prev.shape[:2], len(params["b"])), h_prev.dtype)
    dgh = np.empty_like(dgx) if cell.recurrent_bias else dgx
    nothing = tuple(np.zeros_like(d) for d in dstate)
    for t in reversed(steps):
        # h_t is read twice, as an output and by the step after it: the two gradients meet here
        dstate = (dstate[0] + dh[t], *dstate[1:])
        dgx[t], dbefore, dgh_t = step_backward(_where_real(real[t], dstate, nothing), caches[t])
        if cell.recurrent_bias:
            dgh[t] = dgh_t
        # a padded step handed its state on, so it hands its gradient back
        dstate = _where_real(real[t], dbefore, dstate)
    dx = (_rows(dgx) @ params["Wx"].T).reshape(x.shape).transpose(1, 0, 2)
    return dx, dstate, weight_gradients(x, h_prev, dgx, dgh)


def input_part(x, params):
    """gx = x Wx + b for all steps: (T, B, D) to (T, B, GH) in one product."""
    gx = _rows(x) @ params["Wx"]
    gx += params["b"]  # in place: this is the largest array of a step
    return gx.reshape(*x.shape[:2], len(params["b"]))


def _one_step_apart(gx, first, reverse):
    """Room for h and h_prev as two views, one step apart, of one array; h_prev begins with `first` (B, H)."""
    h = np.empty((len(gx) + 1, *first.shape), gx.dtype)
    h[-1 if reverse else 0] = first
    return (h[:-1], h[1:]) if reverse else (h[1:], h[:-1])


def _padded_steps(mask, T):
    """For each step its column of the mask, or None where no sequence is padded: then there is nothing to do."""
    if mask is None:
        return [None] * T
    return [None if column.all() else column[:, None] for column in mask.T]


def _where_real(real, yes, no):
    """Two states into one: rows of `yes` where real (B, 1) is True, else rows of `no`."""
    return yes if real is None else tuple(np.where(real, y, n) for y, n in zip(yes, no))


def _rows(a):
    """All leading axes as one: a matrix with a row for every step of every sequence."""
    return a.reshape(-1, a.shape[-1])


# Exercises
# 1. Delete the `+ dh[t]` in recurrent_backward. Which tests fail, and which gradients stay right?
# 2. Truncated BPTT: stop the gradient every k steps. Which line changes?
# 3. Why is `Wh` multiplied inside the loop and `Wx` before it? Count the products of each kind.
# 4. Write this room again: `python -m numpy_seq2seq.homework make DIR --set bptt`.
