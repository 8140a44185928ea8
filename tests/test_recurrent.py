"""Recurrence and stacks: padding changes nothing, steps add up, every gradient reaches back in time."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given

from numpy_seq2seq.cells import CELLS
from numpy_seq2seq.gradcheck import check_pair
from numpy_seq2seq.recurrent import (
    recurrent_backward, recurrent_forward, recurrent_init, step_backward, step_forward, transposed,
    weight_gradients, zero_state,
)
from numpy_seq2seq.stacks import directions_backward, directions_forward, stack_backward, stack_forward

from . import slow_reference
from .helpers import (
    assert_close, few, frozen, leaves, normal, padding_mask, pick, seeds, sizes, very_few,
)


class Network(NamedTuple):
    """One of the three pairs of recurrent.py and stacks.py, and what it is set to."""

    name: str
    forward: Callable
    backward: Callable
    layers: int = 1
    directions: int = 1
    reverse: bool = False

    def names(self):
        return [(f"layer{k}", f"layer{k}_reverse")[: self.directions] for k in range(self.layers)]

    def arguments(self, data, params, cell):
        """What forward takes."""
        x, mask, names = data["x"], data["mask"], self.names()
        if self.forward is recurrent_forward:
            return x, data["start"], params[names[0][0]], cell, mask, self.reverse
        return x, params, (names[0] if self.forward is directions_forward else names), cell, mask


NETWORKS = [
    Network("once", recurrent_forward, recurrent_backward),
    Network("reversed", recurrent_forward, recurrent_backward, reverse=True),
    Network("one_way", directions_forward, directions_backward),
    Network("two_ways", directions_forward, directions_backward, directions=2),
    *(
        Network(f"{layers}x{directions}", stack_forward, stack_backward, layers, directions)
        for layers in (1, 2)
        for directions in (1, 2)
    ),
]
AXES = {  # of what goes in and of what comes out: b a sequence, t a step
    **{"x": "bt", "mask": "bt", "start": "b", "dh": "bt", "dstate": "b"},
    **{"h": "bt", "state": "b", "dx": "bt", "dstart": "b"},
}


def outputs(network, cell, params, data):
    h, state, _ = network.forward(*network.arguments(data, params, cell))
    return {"h": h, "state": state}


def gradients(network, cell, params, data):
    *_, cache = network.forward(*network.arguments(data, params, cell))
    dx, *dstart, grads = network.backward(data["dh"], data["dstate"], cache)
    if not dstart:  # these start at zero
        return {"dx": dx, "dstart": (), "grads": grads}
    return {"dx": dx, "dstart": dstart[0], "grads": {network.names()[0][0]: grads}}


def named(look, network):
    return (network.forward if look is outputs else network.backward).__name__


cells = pytest.mark.parametrize("cell", CELLS.values(), ids=lambda cell: cell.name)
pairs = [(look, network) for look in (outputs, gradients) for network in NETWORKS]
names = [f"{named(look, network)}-{network.name}" for look, network in pairs]
networks = pytest.mark.parametrize("look, network", pairs, ids=names)
backwards = pytest.mark.parametrize("network", NETWORKS, ids=lambda n: f"{n.backward.__name__}-{n.name}")
one_run = pytest.mark.parametrize("reverse", (False, True), ids=("forwards", "reversed"))
known_cells = [CELLS[name] for name in slow_reference.CELLS]
papers = pytest.mark.parametrize("cell", known_cells, ids=lambda cell: cell.name)


def draw_params(network, cell, D, H, rng, dtype):
    """As recurrent_init, and everything shaken, the biases too."""
    params = {}
    for layer in network.names():
        for name in layer:
            init = recurrent_init(rng, D, H, cell, dtype)
            params[name] = {k: frozen(a + normal(rng, *a.shape, dtype=dtype) / 2) for k, a in init.items()}
        D = H * len(layer)
    return params


def draw(network, cell, size, seed, dtype="float64"):
    """Parameters and data: (B, T, D, H), padding anywhere, upstream gradients zero on padding."""
    B, T, D, H = size
    rng = np.random.default_rng(seed)
    params = draw_params(network, cell, D, H, rng, dtype)
    mask = padding_mask(rng, B, T) & (rng.random((B, T)) < 0.8)
    mask[0] = True
    wide = H * network.directions
    data = {
        "x": normal(rng, B, T, D, dtype=dtype),
        "mask": frozen(mask),
        "start": tuple(normal(rng, B, H, dtype=dtype) for _ in range(cell.states)),
        "dh": frozen(normal(rng, B, T, wide, dtype=dtype) * mask[..., None]),
        "dstate": tuple(normal(rng, B, wide, dtype=dtype) for _ in range(cell.states)),
    }
    return params, data


# ---- gradients ---------------------------------------------------------------------------------------------


@backwards
@cells
@very_few
@given(size=sizes(3, 2, 4), seed=seeds)
def test_gradient(network, cell, size, seed):
    params, data = draw(network, cell, (*size, 2), seed)
    args = network.arguments(data, params, cell)
    check_pair(network.forward, network.backward, args, method="complex", gates=cell.gates)


@backwards
@cells
def test_gradient_by_differences(network, cell):
    params, data = draw(network, cell, (2, 4, 3, 2), 7)
    args = network.arguments(data, params, cell)
    check_pair(network.forward, network.backward, args, gates=cell.gates, samples=4)


# ---- invariances, of outputs and of gradients --------------------------------------------------------------


@networks
@cells
@very_few
@given(size=sizes(4, smallest=1), seed=seeds)
def test_a_batch_is_its_sequences_one_by_one(look, network, cell, size, seed):
    """Each sequence alone, cut to its real tokens and without a mask."""
    params, data = draw(network, cell, size, seed)
    result, total = look(network, cell, params, data), None
    for b in range(size[0]):
        real = np.flatnonzero(data["mask"][b])
        alone = look(network, cell, params, dict(pick(data, AXES, b=[b], t=real), mask=None))
        total = add(total, alone.pop("grads", {}))
        expected = pick(result, AXES, b=[b], t=real)
        assert_close(alone, {name: expected[name] for name in alone})
    assert_close(result.get("grads", {}), total)
    assert "dx" not in result or not result["dx"][~data["mask"]].any()


def add(a, b):
    """Sum of two nested dicts of arrays."""
    return b if a is None else {k: add(a[k], b[k]) for k in b} if isinstance(b, dict) else a + b


@networks
@cells
def test_dtype_stays(look, network, cell):
    result = look(network, cell, *draw(network, cell, (3, 4, 2, 5), 0, "float32"))
    assert {a.dtype.name for a in leaves(result)} == {"float32"}


@networks
@cells
def test_no_steps_at_all(look, network, cell):
    """T = 0: the state goes through, and so does its gradient."""
    params, data = draw(network, cell, (3, 4, 2, 5), 0)
    result = look(network, cell, params, pick(data, AXES, t=np.arange(0)))
    wide, from_zero = 5 * network.directions, network.forward is not recurrent_forward
    if look is outputs:
        start = zero_state(cell, 3, wide, float) if from_zero else data["start"]
        assert_close(result, {"h": np.zeros((3, 0, wide)), "state": start}, 0)
    else:
        assert_close(result["dx"], np.zeros((3, 0, 2)), 0)
        assert_close(result["dstart"], () if from_zero else data["dstate"], 0)
        assert not any(a.any() for a in leaves(result["grads"]))


# ---- known answers -----------------------------------------------------------------------------------------


@one_run
@papers
@few
@given(size=sizes(4, 1, 5), seed=seeds)
def test_recurrent_forward_is_the_papers_equations(cell, reverse, size, seed):
    params, data = draw(NETWORKS[reverse], cell, size, seed)
    result = outputs(NETWORKS[reverse], cell, params, data)
    (layer,) = params.values()
    for b in range(size[0]):
        h, state = slowly(cell, layer, data["x"][b], [s[b] for s in data["start"]], data["mask"][b], reverse)
        assert_close(pick(result, AXES, b=b), {"h": h, "state": state})


def slowly(cell, layer, x, start, mask, reverse):
    """slow_reference.run in arrays."""
    lists = {name: a.tolist() for name, a in layer.items()}
    state = tuple(s.tolist() for s in start)
    h, state = slow_reference.run(cell.name, x.tolist(), state, lists, mask.tolist(), reverse)
    return np.array(h), tuple(map(np.array, state))


@pytest.mark.parametrize("network", NETWORKS[2:], ids=lambda n: f"{n.forward.__name__}-{n.name}")
@papers
@very_few
@given(size=sizes(4, 1, 5), seed=seeds)
def test_layers_and_directions_are_the_papers_equations(network, cell, size, seed):
    """Each direction alone, side by side; the layer above reads both."""
    params, data = draw(network, cell, size, seed)
    result, start = outputs(network, cell, params, data), [np.zeros(size[3])] * cell.states
    for b in range(size[0]):
        x, mask = data["x"][b], data["mask"][b]
        for layer in network.names():
            runs = [slowly(cell, params[name], x, start, mask, k == 1) for k, name in enumerate(layer)]
            x = np.hstack([h for h, _ in runs])
        state = tuple(map(np.hstack, zip(*(state for _, state in runs))))
        assert_close(pick(result, AXES, b=b), {"h": x, "state": state})


@cells
def test_stack_forward_runs_every_layer_in_reverse(cell):
    """It is the same as the sequence turned round, read forwards, and the outputs turned back."""
    network = Network("two layers", stack_forward, stack_backward, layers=2)
    params, data = draw(network, cell, (2, 4, 3, 5), 8)
    names = network.names()
    h, state, _ = stack_forward(data["x"], params, names, cell, reverse=True)
    turned, last, _ = stack_forward(data["x"][:, ::-1], params, names, cell)
    assert_close({"h": h, "state": state}, {"h": turned[:, ::-1], "state": last})


def test_stack_forward_drops_out_between_all_layers(monkeypatch):
    """Three layers: twice, each time at the rate of the model."""
    network, cell, rates = Network("three layers", stack_forward, stack_backward, layers=3), CELLS["gru"], []
    params, data = draw(network, cell, (2, 4, 3, 5), 8)

    def counted(x, rate, rng):
        rates.append(rate)
        return x, None

    monkeypatch.setattr("numpy_seq2seq.stacks.dropout_forward", counted)
    stack_forward(data["x"], params, network.names(), cell, dropout=0.5, rng=np.random.default_rng(0))
    assert rates == [0.5, 0.5]


# ---- parameters and state at the start ---------------------------------------------------------------------


@cells
@few
@given(size=sizes(2, smallest=1, largest=20), seed=seeds)
def test_recurrent_init(cell, size, seed):
    """Wx in Glorot's bounds and Wh orthogonal, gate by gate; no bias, but 1 for a forget gate."""
    D, H = size
    params = recurrent_init(np.random.default_rng(seed), D, H, cell, "float64")
    assert params["Wx"].shape == (D, len(cell.gates) * H)
    assert np.abs(params["Wx"]).max() <= np.sqrt(6 / (D + H))
    for block in np.split(params["Wh"], len(cell.gates), axis=1):
        assert_close(block @ block.T, np.eye(H))
    assert params["b"].tolist() == [float(gate == "f") for gate in cell.gates for _ in range(H)]
    assert ("bh" in params) == cell.recurrent_bias
    if cell.recurrent_bias:
        assert_close(params["bh"], np.zeros(len(cell.gates) * H), 0)


@cells
def test_zero_state(cell):
    state = zero_state(cell, 3, 5, "float32")
    assert len(state) == cell.states
    for vector in state:
        assert vector.dtype == "float32" and vector.tolist() == [[0] * 5] * 3


@pytest.mark.parametrize("method", ("central", "complex"))
@pytest.mark.parametrize("cell", CELLS.values(), ids=lambda cell: cell.name)
def test_step_forward_and_step_backward(cell, method):
    """With the products that weight_gradients takes for all steps at once, here for one step."""
    B, D, H = 3, 2, 4
    rng = np.random.default_rng(0)
    params = {"Wh": rng.standard_normal((H, H * len(cell.gates)))}
    if cell.recurrent_bias:
        params["bh"] = rng.standard_normal(H * len(cell.gates))
    gx = rng.standard_normal((B, H * len(cell.gates)))
    state = tuple(rng.standard_normal((B, H)) for _ in range(cell.states))

    def forward(gx, state, params):
        after, cache = step_forward(gx, state, params, cell)
        return after, (cache, state, params)

    def backward(dstate, cache):
        cache, state, params = cache
        dgx, dstate_prev, dgh = step_backward(dstate, cache, transposed(params["Wh"]))
        grads = weight_gradients(np.zeros((1, B, D)), state[0][None], dgx[None], dgh[None], cell)
        return dgx, dstate_prev, {name: grads[name] for name in params}

    backward.__name__ = "step_backward"  # for the message
    check_pair(forward, backward, (gx, state, params), method=method, gates=cell.gates)


def test_directions_forward_takes_reverse_with_one_direction_alone():
    x, cell = np.random.default_rng(0).standard_normal((2, 3, 4)), CELLS["gru"]
    params = {name: recurrent_init(np.random.default_rng(5), 4, 5, cell, "float64") for name in "ab"}
    both = [directions_forward(x, params, ("a", "b"), cell, reverse=reverse)[0] for reverse in (False, True)]
    np.testing.assert_array_equal(*both)
    alone = directions_forward(x, params, ("b",), cell, reverse=True)[0]
    np.testing.assert_array_equal(alone, both[0][:, :, 5:])
