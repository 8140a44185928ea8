"""Cells: one step of every cell is the paper's equations, and its backward is their derivative."""

import numpy as np
import pytest
from hypothesis import given

from numpy_seq2seq.cells import CELLS
from numpy_seq2seq.gradcheck import check_pair

from . import slow_reference
from .helpers import assert_close, few, frozen_answers, leaves, normal, seeds, sizes

forwards = pytest.mark.parametrize("cell", CELLS.values(), ids=lambda cell: cell.forward.__name__)
backwards = pytest.mark.parametrize("cell", CELLS.values(), ids=lambda cell: cell.backward.__name__)
papers = pytest.mark.parametrize(
    "cell", [CELLS[name] for name in slow_reference.CELLS], ids=lambda cell: cell.forward.__name__
)


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


@papers
@few
@given(size=sizes(3, smallest=1), seed=seeds)
def test_one_step_is_the_papers_equations(cell, size, seed):
    B, D, H = size
    rng = np.random.default_rng(seed)
    columns = len(cell.gates) * H
    params = {"Wx": normal(rng, D, columns), "Wh": normal(rng, H, columns), "b": normal(rng, columns)}
    params["bh"] = normal(rng, columns) if cell.recurrent_bias else np.zeros(columns)
    x, state = normal(rng, B, D), tuple(normal(rng, B, H) for _ in range(cell.states))
    got, _ = cell.forward(x @ params["Wx"] + params["b"], state[0] @ params["Wh"] + params["bh"], state)
    lists = {name: a.tolist() for name, a in params.items()}
    for b in range(B):
        want = slow_reference.CELLS[cell.name](x[b].tolist(), [s[b].tolist() for s in state], lists)
        assert_close([s[b] for s in got], list(want))


@papers
def test_reference_framework_says_the_same(cell):
    known = frozen_answers(cell.name)["one"]
    params, state = known["params"]["layer0"], tuple(known["start"].values())
    gx = known["x"][:, 0] @ params["Wx"] + params["b"]
    (h, *_), _ = cell.forward(gx, state[0] @ params["Wh"] + params.get("bh", 0), state)
    assert_close(h, known["h"][:, 0], 1e-10)


@forwards
def test_dtype_stays_forward(cell):
    state, _ = cell.forward(*draw(cell, 2, 3, 0, "float32"))
    assert {s.dtype.name for s in state} == {"float32"}


@backwards
def test_dtype_stays_backward(cell):
    state, cache = cell.forward(*draw(cell, 2, 3, 0, "float32"))
    assert {a.dtype.name for a in leaves(cell.backward(state, cache))} == {"float32"}


@forwards
@few
@given(size=sizes(2, smallest=1), seed=seeds)
def test_rows_do_not_mix_forward(cell, size, seed):
    gx, gh, state = draw(cell, *size, seed)
    together, _ = cell.forward(gx, gh, state)
    for b in range(size[0]):
        alone, _ = cell.forward(gx[b : b + 1], gh[b : b + 1], tuple(s[b : b + 1] for s in state))
        assert_close(alone, tuple(s[b : b + 1] for s in together))


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


def test_lstm_cell_backward_hands_on_the_whole_gradient_with_f_open():
    """The reason for the LSTM: dc_prev = dc, however many steps."""
    lstm = CELLS["lstm"]
    _, cache = lstm.forward(*gates_held(lstm, 2, 3, f=1000, i=-1000))
    dc = normal(np.random.default_rng(1), 2, 3)
    _, _, (_, dc_prev) = lstm.backward((np.zeros((2, 3)), dc), cache)
    assert_close(dc_prev, dc, 0)


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
