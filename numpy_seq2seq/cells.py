"""Chapter: cells. RNN, GRU and LSTM: the element-wise part of one time step.

Before this: layers.py. After it: recurrent.py.

A recurrent network reads one token at each step and keeps a vector h: h_t = tanh(x_t Wx + b + h_{t−1} Wh).

Notation: B batch, H hidden size; h the output of a step, c the LSTM's cell state; h_prev, c_prev the same
one step earlier. gx = x Wx + b comes from the input, gh = h_prev Wh (+ bh in a GRU) from the previous output;
both have one block of H columns for each gate, then one for the candidate. a_k is what stands inside
the non-linear function of gate k. dX is ∂L/∂X.

Every cell has the same shape of function, so one can take the place of another:

    cell_forward(gx, gh, state)  -> state, cache
    cell_backward(dstate, cache) -> dgx, dgh, dstate_prev

**Why gates.** Along the simple network h_t = tanh(… + h_{t−1} Wh) the gradient passes through one factor for
each step: ∂h_t[j]/∂h_{t−1}[i] = Wh[i, j] (1 − h_t[j]²), for H = 1 a single number. The product of many such
factors shrinks to nothing (0.9¹⁰⁰ = 0.00003) or grows without limit ("vanishes" or "explodes", Bengio et al.
1994). The LSTM's c has another path: c_t = f c_{t−1} + …, and along this path ∂c_t/∂c_{t−1} is f alone, a
number that the network can learn to keep near 1. In the GRU h_t = z h_{t−1} + …, and z plays the part of f.
`python -m demos.bottleneck` measures all three.

Not here: matrix products, parameters, loops over time, masks (recurrent.py).
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from .activations import sigmoid, sigmoid_backward, tanh_backward


def rnn_cell_forward(gx, gh, state):
    """One step of the simple recurrent network, element-wise part.

        h = tanh(gx + gh)

    Args:
        gx:    (B, H) input part, x Wx + b.
        gh:    (B, H) recurrent part, h_prev Wh.
        state: (h_prev,) with h_prev (B, H).
    Returns:
        state: (h,).
        cache: for rnn_cell_backward.
    Source: Elman (1990); there with the logistic function in place of tanh.
    """
    h = np.tanh(gx + gh)
    return (h,), h


def rnn_cell_backward(dstate, cache):
    """Backward of rnn_cell_forward.

        h = tanh(a)             da = dh (1 − h²)
        a = gx + gh             dgx = dgh = da

    With gx = 0.3, gh = 0.2: a = 0.5, h = tanh(0.5) = 0.462, 1 − h² = 0.786. For dh = 2, da = 1.573.

        >>> (h,), cache = rnn_cell_forward(np.array([[0.3]]), np.array([[0.2]]), (np.array([[0.0]]),))
        >>> dgx, dgh, _ = rnn_cell_backward((np.array([[2.0]]),), cache)
        >>> round(h.item(), 3), round(dgx.item(), 3), dgx is dgh
        (0.462, 1.573, True)

    Returns:
        dgx, dgh:    (B, H), one and the same array.
        dstate_prev: (0,): h_prev enters through gh alone; recurrent.py adds dgh Whᵀ.
    """
    (dh,), h = dstate, cache
    da = tanh_backward(dh, h)
    return da, da, (np.zeros_like(dh),)


def gru_cell_forward(gx, gh, state):
    """One step of the gated recurrent unit, element-wise part.

        r = σ(gx_r + gh_r)          reset: how much of the past the candidate sees
        z = σ(gx_z + gh_z)          update: how much of the past stays
        n = tanh(gx_n + r gh_n)     the candidate
        h = (1 − z) n + z h_prev

    Args:
        gx:    (B, 3H) input part x Wx + b, blocks in the order r z n.
        gh:    (B, 3H) recurrent part h_prev Wh + bh, same order.
        state: (h_prev,) with h_prev (B, H).
    Returns:
        state: (h,).
        cache: for gru_cell_backward.
    Source: Cho et al. (2014), equations 5–8. Deviation: in equation 8 r multiplies h_prev before the product
        with Wh. Here, as in cuDNN and PyTorch, it multiplies gh_n, so that one product gives all three
        blocks. Because r multiplies gh_n, a bias inside gh_n is not the same as one in gx_n: hence bh. More:
        pytorch.py.
    """
    (h_prev,) = state
    gx_r, gx_z, gx_n = _blocks(gx, 3)
    gh_r, gh_z, gh_n = _blocks(gh, 3)
    r = sigmoid(gx_r + gh_r)
    z = sigmoid(gx_z + gh_z)
    n = np.tanh(gx_n + r * gh_n)
    h = n + z * (h_prev - n)  # (1 − z) n + z h_prev, with one product
    return (h,), (r, z, n, gh_n, h_prev)


def gru_cell_backward(dstate, cache):
    """Backward of gru_cell_forward, last line first.

        h = (1 − z) n + z h_prev    dn = dh (1 − z),  dz = dh (h_prev − n),  dh_prev = dh z
        n = tanh(gx_n + r gh_n)     da_n = dn (1 − n²),  dgx_n = da_n,  dgh_n = da_n r,  dr = da_n gh_n
        z = σ(gx_z + gh_z)          da_z = dz z (1 − z) = dgx_z = dgh_z
        r = σ(gx_r + gh_r)          da_r = dr r (1 − r) = dgx_r = dgh_r

    dz: h contains −z n + z h_prev, whose derivative by z is h_prev − n.

    One number in each place, gx = (0, 0, 0), gh = (0, 0, 2), h_prev = 1: r = z = ½, n = tanh(½ · 2) = 0.7616,
    h = ½ · 0.7616 + ½ · 1 = 0.8808. For dh = 1: dn = ½, dz = 1 − 0.7616 = 0.2384, dh_prev = ½,
    da_n = ½ (1 − 0.7616²) = 0.21, dr = 2 · 0.21 = 0.42, da_z = 0.2384/4 = 0.0596, da_r = 0.42/4 = 0.105.

        >>> gx, gh, one = np.zeros((1, 3)), np.array([[0, 0, 2.0]]), np.ones((1, 1))
        >>> (h,), cache = gru_cell_forward(gx, gh, (one,))
        >>> dgx, dgh, (dh_prev,) = gru_cell_backward((one,), cache)
        >>> h.round(4).item(), dgx.round(4).tolist(), dgh.round(4).tolist(), dh_prev.item()
        (0.8808, [[0.105, 0.0596, 0.21]], [[0.105, 0.0596, 0.105]], 0.5)

    Returns:
        dgx, dgh:    (B, 3H); block n of dgh is r times that of dgx.
        dstate_prev: (dh_prev,), the direct path only; recurrent.py adds what flows through gh.
    """
    (dh,), (r, z, n, gh_n, h_prev) = dstate, cache
    dn = dh * (1 - z)
    dz = dh * (h_prev - n)
    dh_prev = dh * z
    da_n = tanh_backward(dn, n)
    dr = da_n * gh_n
    da_z = sigmoid_backward(dz, z)
    da_r = sigmoid_backward(dr, r)
    dgx = np.concatenate([da_r, da_z, da_n], axis=1)
    dgh = np.concatenate([da_r, da_z, da_n * r], axis=1)
    return dgx, dgh, (dh_prev,)


def lstm_cell_forward(gx, gh, state):
    """One step of the long short-term memory, element-wise part.

        i = σ(gx_i + gh_i)          input: how much of the candidate comes in
        f = σ(gx_f + gh_f)          forget: how much of the cell state stays
        o = σ(gx_o + gh_o)          output: how much of the cell state is shown
        g = tanh(gx_g + gh_g)       the candidate
        c = f c_prev + i g
        h = o tanh(c)

    Args:
        gx:    (B, 4H) input part x Wx + b, blocks in the order i f o g.
        gh:    (B, 4H) recurrent part h_prev Wh, same order.
        state: (h_prev, c_prev), each (B, H).
    Returns:
        state: (h, c).
        cache: for lstm_cell_backward.
    Source: Hochreiter & Schmidhuber (1997); forget gate: Gers, Schmidhuber & Cummins (2000). No peepholes.
        Deviations: tanh for both squashing functions; the gradient is taken in full, where the first paper
        cut it off at the gates (pytorch.py).
    """
    _, c_prev = state
    a_i, a_f, a_o, a_g = _blocks(gx + gh, 4)
    i = sigmoid(a_i)
    f = sigmoid(a_f)
    o = sigmoid(a_o)
    g = np.tanh(a_g)
    c = f * c_prev + i * g
    tanh_c = np.tanh(c)
    h = o * tanh_c
    return (h, c), (i, f, o, g, c_prev, tanh_c)


def lstm_cell_backward(dstate, cache):
    """Backward of lstm_cell_forward, last line first. Two arrows leave c; their gradients are added:

        c_prev ──── f ───→ c ────────────────→ c of the next step       dc arrives from here
        g ───────── i ─────┤
                           └─ tanh ── o ──→ h ──→ output, next step     dh arrives from here

        h = o tanh(c)               do = dh tanh(c),  dc += dh o (1 − tanh²(c))
        c = f c_prev + i g          di = dc g,  df = dc c_prev,  dg = dc i,  dc_prev = dc f
        i = σ(a_i)                  da_i = di i (1 − i);  f and o alike
        g = tanh(a_g)               da_g = dg (1 − g²)
        a = gx + gh                 dgx = dgh = da

    With half-open gates, i = f = o = 1/2 (a_g = 1, the other a = 0), c_prev = 2 and g = tanh(1) = 0.762:
    c = 1 + 0.381 = 1.381, tanh(c) = 0.881, h = 0.441. For dh = 1 and dc = 0:
    do = 0.881, dc = ½ (1 − 0.881²) = 0.112, df = 0.224, dc_prev = 0.056.

        >>> gx, gh, zero = np.array([[0, 0, 0, 1.0]]), np.zeros((1, 4)), np.zeros((1, 1))
        >>> (h, c), cache = lstm_cell_forward(gx, gh, (zero, np.array([[2.0]])))
        >>> round(h.item(), 3), round(c.item(), 3)
        (0.441, 1.381)
        >>> dgx, _, (_, dc_prev) = lstm_cell_backward((np.array([[1.0]]), zero), cache)
        >>> round(dc_prev.item(), 3)
        0.056
        >>> dgx.round(3)        # 0.762 · 0.112 / 4, 0.224 / 4, 0.881 / 4, and da_g = 0.112 / 2 · (1 − 0.762²)
        array([[0.021, 0.056, 0.22 , 0.023]])

    Returns:
        dgx, dgh:    (B, 4H), one and the same array.
        dstate_prev: (0, dc_prev): h_prev enters through gh alone.
    """
    (dh, dc), (i, f, o, g, c_prev, tanh_c) = dstate, cache
    do = dh * tanh_c
    dc = dc + tanh_backward(dh * o, tanh_c)  # c is read twice: by h at this step and by c at the next
    di = dc * g
    df = dc * c_prev
    dg = dc * i
    dc_prev = dc * f
    da_i = sigmoid_backward(di, i)
    da_f = sigmoid_backward(df, f)
    da_o = sigmoid_backward(do, o)
    da_g = tanh_backward(dg, g)
    da = np.concatenate([da_i, da_f, da_o, da_g], axis=1)
    return da, da, (np.zeros_like(dh), dc_prev)


def _blocks(a, count):
    """The blocks of H columns, one for each gate, as views."""
    H = a.shape[1] // count
    return [a[:, k * H : (k + 1) * H] for k in range(count)]


class Cell(NamedTuple):
    """What recurrent.py has to know of a cell."""

    name: str
    gates: str  # one letter for each block of H columns of Wx, Wh, b
    states: int  # vectors carried from step to step: (h,) or (h, c)
    recurrent_bias: bool  # True where gh is not simply added to gx: then gh has a bias of its own, bh
    forward: Callable
    backward: Callable


CELLS = {
    cell.name: cell
    for cell in (
        Cell("rnn", "h", 1, False, rnn_cell_forward, rnn_cell_backward),
        Cell("gru", "rzn", 1, True, gru_cell_forward, gru_cell_backward),
        Cell("lstm", "ifog", 2, False, lstm_cell_forward, lstm_cell_backward),
    )
}

# Exercises
# 1. Blank lstm_cell_backward and derive it again from the docstring of lstm_cell_forward.
# 2. Set f = 1, i = 0 for a hundred steps. What does dc_prev look like, and what would the RNN's dh look
#    like? That difference is why the LSTM was invented.
# 3. Write a cell of your own (a GRU without reset gate, say), add it to CELLS, and run `python -m pytest -k
#    NAME` with its name: the tests of cells, layers and models check it without a further line. (Tests that
#    name the three cells, such as those of the demos, will miss it.)
# 4. Write this chapter again: `python -m numpy_seq2seq.homework make DIR --set cells`.
