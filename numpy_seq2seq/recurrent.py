"""Chapter: recurrence. Unrolling a cell in time, and backpropagation through time (BPTT).

Before this: cells.py. After it: stacks.py.

Notation: B batch, T time steps, D input size, H hidden size, G number of the cell's blocks of H columns; x
the inputs, h the outputs. Outside, arrays are batch-first (B, T, ...). Inside, time comes first: the numbers
of a step then lie side by side in memory. A state is the tuple that the cell carries: (h,) or (h, c), each
(B, H).

The same cell, with the same parameters, is used at every step:

               h_1         h_2         h_3          the outputs
                ↑           ↑           ↑
    h_0 ──→ [cell] ─h_1→ [cell] ─h_2→ [cell] ─h_3→
                ↑           ↑           ↑
               x_1         x_2         x_3

Two arrows leave h_t: one up, to the output, and one to the next step. On the way back two gradients meet in
h_t: they are added.

A mask is boolean (B, T), True at a real token. A padded step leaves the state unchanged. So a run from left
to right ends with the state of the last *real* token. A run from right to left meets the padding first, and
reaches the last real token with its starting state still unchanged. So no sequence has to be turned round.

Not here: what happens inside a step (cells.py); several layers or directions (stacks.py); token ids
(layers.py).
"""

import numpy as np

from .layers import glorot, project, rows_of


def recurrent_init(rng, input_size, hidden_size, cell, dtype):
    """Parameters of one recurrent layer.

        Wx (D, GH)  by glorot, gate by gate
        Wh (H, GH)  orthogonal, gate by gate: ‖h Wh‖ = ‖h‖ in each block. The product with Wh is taken at
                    every step; before training it makes no vector longer or shorter
        b  (GH,)    zero, but 1 for a forget gate: it starts near σ(1) = 0.73 and not at σ(0) = 0.5
        bh (GH,)    zero, only where the cell has a bias inside its recurrent part (GRU)

    Source: orthogonal: Saxe et al. (2014), for deep linear networks; for recurrent ones Bahdanau et al.
        (2015), appendix B.1. Forget bias: Gers et al. (2000), Jozefowicz et al. (2015).
    """
    def orthogonal():
        return np.linalg.qr(rng.standard_normal((hidden_size, hidden_size)))[0]  # Q: orthonormal columns

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
        state:  state_prev, tuple of (B, H).
        params: Wh (H, GH), and bh (GH,) where cell.recurrent_bias.
        cell:   a record of cells.CELLS.
    Returns:
        state:  tuple of (B, H).
        cache:  for step_backward.
    """
    gh = state[0] @ params["Wh"]
    if cell.recurrent_bias:
        gh += params["bh"]
    state, cell_cache = cell.forward(gx, gh, state)
    return state, (cell_cache, cell)


def step_backward(dstate, cache, Wh_T):
    """Backward of step_forward, without the gradients of Wh and bh: weight_gradients takes those for all
    steps in one product.

        state = cell(gx, gh, state_prev)    dgx, dgh, dstate_prev = backward of the cell (dstate)
        gh = h_prev Wh (+ bh)               dh_prev += dgh Whᵀ

    Args:
        dstate: gradient of the state after the step.
        Wh_T:   Whᵀ (GH, H), from transposed.
    Returns:
        dgx:    (B, GH).
        dstate_prev: gradient of the state before the step.
        dgh:    (B, GH), in place of grads: for weight_gradients.
    """
    cell_cache, cell = cache
    dgx, dgh, dstate_prev = cell.backward(dstate, cell_cache)
    # h_prev is read by the cell itself and by the product with Wh; the c of an LSTM by the cell alone
    return dgx, (dstate_prev[0] + dgh @ Wh_T, *dstate_prev[1:]), dgh


def weight_gradients(x, h_prev, dgx, dgh, cell):
    """Gradients of a layer's parameters, each as one product over all T steps and B sequences.

        gx = x Wx + b           dWx = Σ x_tᵀ dgx_t,  db = Σ dgx_t
        gh = h_prev Wh + bh     dWh = Σ h_{t−1}ᵀ dgh_t,  dbh = Σ dgh_t

    The same Wh is used at every step, so its gradient is the sum over the steps. No loop is needed for it.
    Put the rows of all steps below one another, h_0 above h_1 above h_2 …, and dgh_1 above dgh_2 …: the
    product of the first matrix, transposed, and the second one is this sum.

    Args:
        x, h_prev: (T, B, ·).
        dgx, dgh:  (T, B, GH).
        cell:      a record of cells.CELLS.
    Returns:
        grads:     Wx, Wh, b, and bh where cell.recurrent_bias.
    """
    dWx = rows_of(x).T @ rows_of(dgx)
    dWh = rows_of(h_prev).T @ rows_of(dgh)
    grads = {"Wx": dWx, "Wh": dWh, "b": rows_of(dgx).sum(axis=0)}
    if cell.recurrent_bias:
        grads["bh"] = rows_of(dgh).sum(axis=0)
    return grads


def recurrent_forward(x, state, params, cell, mask=None, reverse=False):
    """Run a cell along time.

        gx = x Wx + b                       one product for all steps at once
        for t = 1 … T:                      T … 1 if reverse; in the code t counts from 0
            gh = h Wh (+ bh)                one product per step
            state = cell(gx_t, gh, state)   where step t is real; elsewhere the state stays
            h_t = the first vector of state

    Args:
        x:       (B, T, D). What stands at a padded step is not read.
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
    x = time_first(x)
    real = _padded_steps(mask, len(x))
    if any(column is not None for column in real):  # something is padded
        x = np.where(mask.T[:, :, None], x, 0)  # if x is nan there, 0 · nan = nan would get into dWx
    gx = input_part(x, params)
    h, h_prev = _one_step_apart(gx, state[0], reverse)
    steps = range(len(x))[::-1] if reverse else range(len(x))
    caches = [None] * len(x)
    for t in steps:
        after, caches[t] = step_forward(gx[t], state, params, cell)
        state = _where_real(real[t], after, state)
        h[t] = state[0]  # and so the h_prev of the next step, which lies at the same place
    return h.transpose(1, 0, 2), state, (x, h_prev, caches, params, cell, real, steps)


def recurrent_backward(dh, dstate, cache):
    """Backpropagation through time: recurrent_forward, last step first.

        h_t = first of state                    dh_t is added to the first of dstate
        state = cell(gx_t, gh, state_prev)      dgx_t, dgh_t, dstate_prev = backward of the cell (dstate)
        gh = h_prev Wh (+ bh)                   dh_prev += dgh_t Whᵀ
        state = state_prev at a padded step     dstate_prev = dstate,  dgx_t = dgh_t = 0
        — after the loop, over all steps at once —
        gx = x Wx + b                           dx_t = dgx_t Wxᵀ
        Wx, Wh, b and bh, read at every step    sums over t: weight_gradients

    Where nothing is padded, the loop does two things at each step, from the last to the first:

        dstate[0] += dh_t
        dgx_t, dgh_t, dstate = step_backward(dstate)        and from here on dstate is that of step t − 1

    At a padded step the cell gets the gradient 0, so dgx_t and dgh_t are 0, and dstate passes by unchanged.

    Two steps of a simple network with one number in each place: Wx = 1, Wh = ½, b = 0, x = (½, 0), h_0 = 0.
    The loss L = h_2 reads the final state, so dh_2 = 1 arrives by dstate:

        h_1 = tanh(½) = 0.462       h_2 = tanh(½ · 0.462) = 0.227
        L = h_2:    da_2 = dh_2 (1 − h_2²) = 1 − 0.227² = 0.948         dh_1 = Wh da_2 = ½ · 0.948 = 0.474
                    da_1 = dh_1 (1 − h_1²) = 0.474 (1 − 0.462²) = 0.373
        gradient of Wh: h_1 da_2 + h_0 da_1 = 0.438     of Wx: x_1 da_1 + x_2 da_2 = 0.186

        >>> from numpy_seq2seq.cells import CELLS
        >>> one = np.ones((1, 1))
        >>> params = {"Wx": one, "Wh": one / 2, "b": np.zeros(1)}
        >>> x = np.array([[[0.5], [0.0]]])
        >>> h, state, cache = recurrent_forward(x, (0 * one,), params, CELLS["rnn"])
        >>> h.round(3).tolist()
        [[[0.462], [0.227]]]
        >>> dx, dstate, grads = recurrent_backward(np.zeros((1, 2, 1)), (one,), cache)
        >>> [round(grads[name].item(), 3) for name in ("Wh", "Wx")]
        [0.438, 0.186]

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
    dgx, dgh = empty_gate_gradients(h_prev, cell)
    zeros = tuple(np.zeros_like(d) for d in dstate)
    Wh_T = transposed(params["Wh"])
    for t in reversed(steps):
        # h_t is read twice, as an output and by the step after it: the two gradients meet here
        dstate = (dstate[0] + dh[t], *dstate[1:])
        dstate_real = _where_real(real[t], dstate, zeros)  # padded rows: 0, so that dgx and dgh are 0
        dgx[t], dstate_prev, dgh[t] = step_backward(dstate_real, caches[t], Wh_T)
        dstate = _where_real(real[t], dstate_prev, dstate)  # padded rows: dstate goes on unchanged
    dx = project(dgx, params["Wx"].T).transpose(1, 0, 2)
    return dx, dstate, weight_gradients(x, h_prev, dgx, dgh, cell)


def input_part(x, params):
    """gx = x Wx + b for all steps: (T, B, D) to (T, B, GH) in one product."""
    gx = project(x, params["Wx"])
    gx += params["b"]  # in place: this is the largest array of a step
    return gx


def time_first(x):
    """(B, T, D) to (T, B, D), the numbers of each step side by side in memory."""
    return np.ascontiguousarray(x.transpose(1, 0, 2))


def transposed(W):
    """Wᵀ, copied once for all steps: W.T, read across its rows, makes each product up to a third slower."""
    return np.ascontiguousarray(W.T)


def empty_gate_gradients(h_prev, cell):
    """Arrays to be filled, dgx and dgh (T, B, GH). In an RNN and an LSTM dgh is dgx: one array, two names."""
    dgx = np.empty((*h_prev.shape[:2], len(cell.gates) * h_prev.shape[2]), h_prev.dtype)
    dgh = np.empty_like(dgx) if cell.recurrent_bias else dgx
    return dgx, dgh


def _one_step_apart(gx, first, reverse):
    """h and h_prev as two views of one array of T + 1 vectors, `first` (B, H) and T that are still empty.

        h_0 h_1 … h_T   h_prev is all but the last, h all but the first (reverse: the other way round)

    They are one step apart, so whoever writes h[t] has written the h_prev of the next step, too.
    """
    h = np.empty((len(gx) + 1, *first.shape), gx.dtype)
    h[-1 if reverse else 0] = first
    return (h[:-1], h[1:]) if reverse else (h[1:], h[:-1])


def _padded_steps(mask, T):
    """For each step its column of the mask, or None: no sequence is padded there, so nothing is chosen."""
    if mask is None or mask.all():
        return [None] * T
    return [None if column.all() else column[:, None] for column in mask.T]


def _where_real(real, yes, no):
    """Two states into one: rows of `yes` where real (B, 1) is True, else rows of `no`."""
    return yes if real is None else tuple(np.where(real, y, n) for y, n in zip(yes, no))


# Exercises
# 1. Delete the `+ dh[t]` in recurrent_backward. Which tests fail, and which gradients stay right?
# 2. Truncated BPTT: stop the gradient every k steps. Which line changes?
# 3. Why is `Wh` multiplied inside the loop and `Wx` before it? Count the products of each kind.
# 4. Continue the example of recurrent_backward by hand: what is dx_1? What would it be with Wh = 1?
# 5. Write this chapter again: `python -m numpy_seq2seq.homework make DIR --set bptt`.
