"""Cells: one step of every cell is the paper's equations, and its backward is their derivative."""

import numpy as np
import pytest
from hypothesis import given

from numpy_seq2seq.cells import CELLS
from numpy_seq2seq.gradcheck import check_pair

from .helpers import assert_close, few, leaves, normal, seeds, sizes

forwards = pytest.mark.parametrize("cell", CELLS.values(), ids=lambda cell: cell.forward.__name__)
backwards = pytest.mark.parametrize("cell", CELLS.values(), ids=lambda cell: cell.backward.__name__)
def draw(cell, B, H, seed, dtype="float64"):
    rng, columns = np.random.default_rng(seed), len(cell.gates) * H
    state = tuple(normal(rng, B, H, dtype=dtype) for _ in range(cell.states))
    return normal(rng, B, columns, dtype=dtype), normal(rng, B, columns, dtype=dtype), state


def unread_states(cell, gx, gh, state):
    """Vectors of the state that the element-wise part never reads: poison in them does not come out."""
    for k in range(cell.states):
        poisoned = tuple(s * np.nan if j == k else s for j, s in enumerate(state))
        if all(np.isfinite(s).all() for s in cell.forward(gx, gh, poisoned)[0]):
            yield f"state[{k}]"


@pytest.mark.parametrize("method", ("central", "complex"))
@backwards
@few
@given(size=sizes(2), seed=seeds)
def test_gradient(cell, method, size, seed):
    args = draw(cell, *size, seed)
    unused = tuple(unread_states(cell, *args))
    check_pair(cell.forward, cell.backward, args, method=method, unused=unused, gates=cell.gates)


@backwards
def test_dtype_stays_backward(cell):
    state, cache = cell.forward(*draw(cell, 2, 3, 0, "float32"))
    assert {a.dtype.name for a in leaves(cell.backward(state, cache))} == {"float32"}


def gates_held(cell, B, H, **held):
    """gx with chosen gates far into saturation, gh zero, and a random state."""
    gx, gh, state = draw(cell, B, H, 0)
    gx = gx.copy()
    for gate, value in held.items():
        k = cell.gates.index(gate)
        gx[:, k * H : (k + 1) * H] = value
    return gx, gh * 0, state


def test_lstm_cell_forward_keeps_its_memory_with_f_open_and_i_shut():
    gx, gh, state = gates_held(CELLS["lstm"], 2, 3, f=1000, i=-1000)
    (_, c), _ = CELLS["lstm"].forward(gx, gh, state)
    assert_close(c, state[1], 0)


def test_lstm_cell_forward_shows_nothing_with_o_shut():
    (h, _), _ = CELLS["lstm"].forward(*gates_held(CELLS["lstm"], 2, 3, o=-1000))
    assert_close(h, np.zeros((2, 3)), 0)


def test_gru_cell_forward_keeps_its_state_with_z_open():
    gx, gh, state = gates_held(CELLS["gru"], 2, 3, z=1000)
    assert_close(CELLS["gru"].forward(gx, gh, state)[0], state)


def test_gru_cell_backward_hands_on_the_whole_gradient_with_z_open():
    gru = CELLS["gru"]
    _, cache = gru.forward(*gates_held(gru, 2, 3, z=1000))
    dh = normal(np.random.default_rng(1), 2, 3)
    assert_close(gru.backward((dh,), cache)[2], (dh,), 0)


def test_gru_cell_forward_forgets_with_r_and_z_shut():
    """Only the input decides: h = tanh(gx_n)."""
    gx, _, state = gates_held(CELLS["gru"], 2, 3, r=-1000, z=-1000)
    gh = np.hstack([np.zeros((2, 6)), normal(np.random.default_rng(1), 2, 3)])
    assert_close(CELLS["gru"].forward(gx, gh, state)[0], (np.tanh(gx[:, 6:]),))


def test_rnn_cell_forward_reads_the_past_through_gh_alone():
    gx, gh, state = draw(CELLS["rnn"], 2, 3, 0)
    assert_close(CELLS["rnn"].forward(gx, gh, (state[0] * np.nan,))[0], (np.tanh(gx + gh),))
