"""Chapter 3. Cells: RNN, GRU and LSTM, the element-wise part of one time step.

Before this: activations.py. After it: recurrent.py.

Letters: B batch, H hidden size; h the output of a step, c the LSTM's memory cell; h_prev, c_prev the same
one step earlier. gx = x Wx + b comes from the input, gh = h_prev Wh from the previous output; both have
one block of H columns per gate, sigmoid gates first and the candidate last. dX is ∂loss/∂X.

Every cell has the same shape of function, so one can take the place of another:

    cell_forward(gx, gh, state)  -> state, cache
    cell_backward(dstate, cache) -> dgx, dgh, dstate_prev

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

    Returns:
        dgx, dgh:    (B, H), one and the same array.
        dstate_prev: (0,): h_prev enters through gh alone.
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
        with Wh; here, as in cuDNN and PyTorch, it multiplies the product gh_n, so that all of h_prev Wh can
        be taken at once. gh_n then needs a bias of its own, inside the reset: bh. More: pytorch.py.
    """
    (h_prev,) = state
    H = h_prev.shape[1]
    rz = sigmoid(gx[:, : 2 * H] + gh[:, : 2 * H])
    r, z = rz[:, :H], rz[:, H:]
    gh_n = gh[:, 2 * H :]
    n = np.tanh(gx[:, 2 * H :] + r * gh_n)
    h = n + z * (h_prev - n)
    return (h,), (rz, n, gh_n, h_prev)


def gru_cell_backward(dstate, cache):
    """Backward of gru_cell_forward. a_k is what stands inside the non-linear function of gate k.

        h = (1 − z) n + z h_prev    dz = dh (h_prev − n),  dn = dh (1 − z),  dh_prev = dh z
        n = tanh(gx_n + r gh_n)     da_n = dn (1 − n²),  dgx_n = da_n,  dgh_n = da_n r,  dr = da_n gh_n
        z = σ(gx_z + gh_z)          da_z = dz z (1 − z) = dgx_z = dgh_z
        r = σ(gx_r + gh_r)          da_r = dr r (1 − r) = dgx_r = dgh_r

    Returns:
        dgx, dgh:    (B, 3H); they differ in block n, where the reset stands between them.
        dstate_prev: (dh_prev,), the direct path only; recurrent.py adds what flows through gh.
    """
    (dh,), (rz, n, gh_n, h_prev) = dstate, cache
    H = h_prev.shape[1]
    r, z = rz[:, :H], rz[:, H:]
    da_n = tanh_backward(dh * (1 - z), n)
    da_rz = sigmoid_backward(np.concatenate([da_n * gh_n, dh * (h_prev - n)], axis=1), rz)
    dgx = np.concatenate([da_rz, da_n], axis=1)
    dgh = np.concatenate([da_rz, da_n * r], axis=1)
    return dgx, dgh, (dh * z,)


def lstm_cell_forward(gx, gh, state):
    """One step of the long short-term memory, element-wise part.

        i = σ(gx_i + gh_i)          input: how much of the candidate comes in
        f = σ(gx_f + gh_f)          forget: how much of the memory stays
        o = σ(gx_o + gh_o)          output: how much of the memory is shown
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
        Deviations: tanh for both squashing functions, and the whole gradient (pytorch.py).
    """
    _, c_prev = state
    H = c_prev.shape[1]
    a = gx + gh
    ifo = sigmoid(a[:, : 3 * H])
    i, f, o = ifo[:, :H], ifo[:, H : 2 * H], ifo[:, 2 * H :]
    g = np.tanh(a[:, 3 * H :])
    c = f * c_prev + i * g
    tanh_c = np.tanh(c)
    return (o * tanh_c, c), (ifo, g, c_prev, tanh_c)


def lstm_cell_backward(dstate, cache):
    """Backward of lstm_cell_forward. a_k is what stands inside the non-linear function of gate k.

        h = o tanh(c)               do = dh tanh(c),  dc += dh o (1 − tanh²(c))
        c = f c_prev + i g          df = dc c_prev,  di = dc g,  dg = dc i,  dc_prev = dc f
        g = tanh(a_g)               da_g = dg (1 − g²)
        o = σ(a_o)                  da_o = do o (1 − o);  i and f alike
        a = gx + gh                 dgx = dgh = da

    Returns:
        dgx, dgh:    (B, 4H), one and the same array.
        dstate_prev: (0, dc_prev): h_prev enters through gh alone.
    """
    (dh, dc), (ifo, g, c_prev, tanh_c) = dstate, cache
    H = c_prev.shape[1]
    i, f, o = ifo[:, :H], ifo[:, H : 2 * H], ifo[:, 2 * H :]
    dc = dc + tanh_backward(dh * o, tanh_c)  # c is read twice: by h at this step and by c at the next
    difo = np.concatenate([dc * g, dc * c_prev, dh * tanh_c], axis=1)
    da = np.concatenate([sigmoid_backward(difo, ifo), tanh_backward(dc * i, g)], axis=1)
    return da, da, (np.zeros_like(dh), dc * f)


class Cell(NamedTuple):
    """What recurrent.py has to know of a cell."""

    name: str
    gates: str  # one letter per block of H columns of Wx, Wh, b
    states: int  # vectors carried from step to step: (h,) or (h, c)
    recurrent_bias: bool  # True where gh is not simply added to gx: then it has a bias bh inside
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
# 3. Write a cell of your own (a GRU without reset gate, say), add it to CELLS, and run `python -m pytest -k NAME`
#    with its name: the tests of cells, layers and models check it without a further line. (Tests that name the
#    three cells, such as those of the demos, will miss it.)
# 4. Write this room again: `python -m numpy_seq2seq.homework make DIR --set cells`.
