"""Appendix D: weights go to PyTorch and come back, and with its weights everything says what PyTorch says."""

import numpy as np
import pytest
from hypothesis import given

from numpy_seq2seq.cells import CELLS
from numpy_seq2seq.config import Config
from numpy_seq2seq.data import Batch
from numpy_seq2seq.encoders import encoder_layers, recurrent_encoder_init
from numpy_seq2seq.losses import cross_entropy_forward
from numpy_seq2seq.optim import adam_init, adam_step, clip_by_global_norm
from numpy_seq2seq.pytorch import TORCH_GATES, from_torch, to_torch
from numpy_seq2seq.recurrent import recurrent_forward
from numpy_seq2seq.seq2seq import loss_and_gradients, seq2seq_forward
from numpy_seq2seq.stacks import stack_backward, stack_forward

from .helpers import assert_close, few, frozen, frozen_answers, leaves, normal, seeds, sizes
from .models import assert_equal

EXACT = 1e-10
cells = pytest.mark.parametrize("cell", TORCH_GATES)
ways = pytest.mark.parametrize("directions", (1, 2))


def random_layers(cell, directions=1, layers=2, D=3, H=2, dtype="float64", seed=0):
    """(params, layers): a random encoder, with zeros of both signs in its bias."""
    rng = np.random.default_rng(seed)
    config = Config(5, 5, D, H * directions, cell, "fixed", directions=directions, layers=layers, dtype=dtype)
    params = {
        name: {n: rng.standard_normal(a.shape).astype(dtype) for n, a in layer.items()}
        for name, layer in recurrent_encoder_init(rng, config).items()
    }
    params["encoder"]["b"][0], params["encoder"]["b"][-1] = 0.0, -0.0
    return frozen(params), encoder_layers(config)


def bits(tree):
    return {k: {n: a.view("uint32") for n, a in layer.items()} for k, layer in tree.items()}


def torch_grads(grads, layers, cell):
    """A state dict of gradients in our layout. Of two biases in one sum each has the gradient of the sum."""
    if not CELLS[cell].recurrent_bias:
        grads = {name: 0 * g if name.startswith("bias_hh") else g for name, g in grads.items()}
    return from_torch(grads, layers, cell)


# ---- there and back ----------------------------------------------------------------------------------------


@cells
@ways
@pytest.mark.parametrize("dtype", ("float32", "float64"))
@few
@given(size=sizes(3, smallest=1), seed=seeds)
def test_to_torch_and_from_torch_change_nothing(cell, directions, dtype, size, seed):
    D, H, count = size
    params, layers = random_layers(cell, directions, count, D, H, dtype, seed)
    back = from_torch(to_torch(params, layers, cell), layers, cell)
    assert_equal(bits(back), bits({name: params[name] for names in layers for name in names}))
    assert {a.dtype for a in leaves(back)} == {np.dtype(dtype)}


@cells
@ways
def test_from_torch_and_to_torch_keep_what_pytorch_computes(cell, directions):
    """Only the sum of the RNN's and the LSTM's two biases is kept."""
    arrays = frozen_answers("stacked")[cell]["two" if directions == 2 else "one"]["state_dict"]
    _, layers = random_layers(cell, directions)
    back = to_torch(from_torch(arrays, layers, cell), layers, cell)
    assert list(back) == list(arrays)
    for name in arrays:
        if name.startswith("bias") and not CELLS[cell].recurrent_bias:
            other = name.replace("_ih_", "_hh_") if "_ih_" in name else name.replace("_hh_", "_ih_")
            np.testing.assert_array_equal(back[name] + back[other], arrays[name] + arrays[other])
        else:
            np.testing.assert_array_equal(back[name], arrays[name], strict=True)


@cells
def test_to_torch_and_from_torch_return_copies(cell):
    """Whoever trains the result must not train what it was made from."""
    params, layers = random_layers(cell)
    arrays = to_torch(params, layers, cell)
    for there, here in ((arrays, params), (from_torch(arrays, layers, cell), arrays)):
        for a in leaves(there):
            assert a.flags.c_contiguous and a.flags.writeable
            others = [*leaves(here), *(b for b in leaves(there) if b is not a)]
            assert not any(np.shares_memory(a, b) for b in others)


@cells
def test_to_torch_reads_only_the_layers_named(cell):
    """The rest of the model may be there, and a decoder's layer goes the same way."""
    params, _ = random_layers(cell, layers=1)
    arrays = to_torch({"decoder": params["encoder"], "output": {"W": np.ones(2)}}, [("decoder",)], cell)
    assert_equal({"": arrays}, {"": to_torch(params, [("encoder",)], cell)})


def test_negating_the_update_gate_turns_z_into_one_minus_z():
    """What the page says of the two forms of a GRU, for one step in which z renews, as in Chung et al."""
    rng, H = np.random.default_rng(0), 4
    shapes = {"Wx": (3, 3 * H), "Wh": (H, 3 * H), "b": (3 * H,), "bh": (3 * H,)}
    params = {name: normal(rng, *shape) for name, shape in shapes.items()}
    x, h_prev = normal(rng, 5, 1, 3), normal(rng, 5, H)
    gx_r, gx_z, gx_n = np.split(x[:, 0] @ params["Wx"] + params["b"], 3, axis=1)
    gh_r, gh_z, gh_n = np.split(h_prev @ params["Wh"] + params["bh"], 3, axis=1)
    r, z = (1 / (1 + np.exp(-a)) for a in (gx_r + gh_r, gx_z + gh_z))
    chung = (1 - z) * h_prev + z * np.tanh(gx_n + r * gh_n)
    sign = np.repeat([1, -1, 1], H)
    negated = {name: a * sign for name, a in params.items()}
    assert_close(recurrent_forward(x, (h_prev,), negated, CELLS["gru"])[1], (chung,))


# ---- errors ------------------------------------------------------------------------------------------------


def changed(tree, path, value):
    """The tree with one array put in the place of another, or left out if None."""
    *branch, last = path.split(".")
    inner = {**(tree[branch[0]] if branch else tree), last: value}
    inner = {name: a for name, a in inner.items() if a is not None}
    return {**tree, branch[0]: inner} if branch else inner


WRONG_HERE = [
    ("encoder.bh", None, r"encoder.bh is missing: expected encoder.Wx, .*; got encoder.Wx, "),
    ("encoder2.We", np.ones(3), r"encoder2.We is unexpected: expected encoder.Wx, "),
    ("encoder.b", np.ones(8), r"encoder.b must have shape \(6,\) .*size 3 and hidden size 2.*, got \(8,\)"),
    ("encoder2.Wx", np.ones((3, 6)), r"encoder2.Wx must have shape \(2, 6\) .*, got \(3, 6\)"),
    ("encoder.Wx", np.ones((3, 8)), r"encoder.Wx must have shape \(3, 6\) .*, got \(3, 8\)"),
    ("encoder.Wh", np.array(1.0), r"encoder.Wh must be a matrix, got shape \(\)"),
]
WRONG_THERE = [
    ("bias_hh_l1", None, r"bias_hh_l1 is missing: expected weight_ih_l0, .*; got weight_ih_l0, "),
    ("weight_ih_l0_reverse", np.ones(3), r"weight_ih_l0_reverse is unexpected: expected weight_ih_l0, "),
    ("weight_hr_l0", np.ones(3), r"weight_hr_l0 is unexpected"),
    ("bias_ih_l0", np.ones((6, 1)), r"bias_ih_l0 must have shape \(6,\) .*, got \(6, 1\)"),
    ("weight_ih_l1", np.ones((6, 4)), r"weight_ih_l1 must have shape \(6, 2\) .*, got \(6, 4\)"),
    ("weight_hh_l0", np.ones(6), r"weight_hh_l0 must be a matrix, got shape \(6,\)"),
]


@pytest.mark.parametrize("path, value, message", WRONG_HERE)
def test_to_torch_names_what_is_wrong(path, value, message):
    params, layers = random_layers("gru")
    with pytest.raises(ValueError, match=message):
        to_torch(changed(params, path, value), layers, "gru")


@pytest.mark.parametrize("path, value, message", WRONG_THERE)
def test_from_torch_names_what_is_wrong(path, value, message):
    params, layers = random_layers("gru")
    with pytest.raises(ValueError, match=message):
        from_torch(changed(to_torch(params, layers, "gru"), path, value), layers, "gru")


@pytest.mark.parametrize("move", (to_torch, from_torch))
def test_to_torch_and_from_torch_want_a_known_cell_and_something_to_move(move):
    _, layers = random_layers("gru")
    with pytest.raises(ValueError, match=r"cell must be one of rnn, gru, lstm; got 'peephole'"):
        move({}, layers, "peephole")
    with pytest.raises(ValueError, match="is missing: expected .*; got nothing"):
        move({}, layers, "gru")


# ---- the same weights, the same answers --------------------------------------------------------------------


@cells
@ways
def test_from_torch_and_stacked_layers_say_what_pytorch_says(cell, directions):
    """stack_forward and stack_backward, two layers, ragged lengths: outputs, last states, every gradient."""
    known = frozen_answers("stacked")[cell]["two" if directions == 2 else "one"]
    _, layers = random_layers(cell, directions)
    params = from_torch(known["state_dict"], layers, cell)
    h, state, cache = stack_forward(known["x"], params, layers, CELLS[cell], known["mask"])
    assert_close(np.where(known["mask"][..., None], h, 0), known["h"], EXACT)
    assert_close(state, tuple(known["state"].values()), EXACT)
    dx, grads = stack_backward(known["dh"], tuple(known["dstate"].values()), cache)
    assert_close(dx, known["dx"], EXACT)
    assert_close(grads, torch_grads(known["grads"], layers, cell), EXACT)


def our_model(theirs, config, recurrent):
    """The whole state dict of a model, or its gradients, in our layout."""
    encoder = recurrent(theirs["encoder"], encoder_layers(config), config.cell)
    decoder = recurrent(theirs["decoder"], [("decoder",)], config.cell)["decoder"]
    D = config.embedding_size
    if len(decoder["Wx"]) > D:  # the state sees [x; e]: x Wx + e We
        decoder |= {"Wx": decoder["Wx"][:D], "We": decoder["Wx"][D:]}
    Wc, Wd = np.split(theirs["readout"]["weight"].T, 2)  # tanh(W_c [c; h])
    keys, attention = {"Wk": theirs["W_a"].T}, {}
    if config.score == "additive":
        keys, attention = {"Wk": theirs["U_a"].T}, {"Wq": theirs["W_a"].T, "v": theirs["v_a"]}
    start = {"start": {"Ws": theirs["bridge"]["weight"].T}} if "bridge" in theirs else {}
    return {
        "source_embedding": {"E": theirs["source_embedding"]["weight"]},
        "target_embedding": {"E": theirs["target_embedding"]["weight"]},
        **encoder,
        **start,
        "decoder": decoder,
        "keys": keys,
        "attention": attention,
        "readout": {"Wd": Wd, "Wc": Wc},
        "output": {"W": theirs["output"]["weight"].T, "b": theirs["output"]["bias"]},
    }


MODELS = {
    "bahdanau": {"cell": "gru", "score": "additive", "directions": 2},
    "luong": {"cell": "lstm", "score": "general"},
    "luong_feeding": {"cell": "lstm", "score": "general"},
}


@pytest.mark.parametrize("decoder", MODELS)
def test_from_torch_and_whole_models_say_what_pytorch_says(decoder):
    """Logits, weights, masked loss and every gradient: Bahdanau's model, Luong's with and without feeding."""
    known = frozen_answers("models")[decoder]
    V, H = known["state_dict"]["output"]["weight"].shape
    U, D = known["state_dict"]["source_embedding"]["weight"].shape
    config = Config(U, V, D, H, decoder=decoder, dtype="float64", **MODELS[decoder])
    params, batch = our_model(known["state_dict"], config, from_torch), Batch(*known["batch"].values())

    logits, weights, _ = seq2seq_forward(batch, params, config)
    real = batch.target_mask
    assert_close(logits[real], known["logits"][real], EXACT)
    assert_close(weights[real], known["weights"][real], EXACT)
    loss, grads = loss_and_gradients(batch, params, config)
    assert_close(loss, known["loss"], EXACT)
    assert_close(cross_entropy_forward(known["logits"], batch.targets, real)[0], known["loss"], EXACT)
    assert_close(grads, our_model(known["grads"], config, torch_grads), EXACT)


# ---- optimisers --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name, decay", [("adam", 0.0), ("adamw", 0.1)])
@pytest.mark.parametrize("clipping, tolerance", [("exact", EXACT), ("torch", 1e-6)])
def test_adam_step_and_clip_by_global_norm_say_what_pytorch_says(name, decay, clipping, tolerance):
    """Ten steps, some of them clipped. PyTorch's own clipping has 1e-6 more below the line."""
    known = frozen_answers("optimisers")
    path = known[name][clipping]
    params = {layer: {n: a.copy() for n, a in arrays.items()} for layer, arrays in known["start"].items()}
    state, norms = adam_init(params), path.pop("norms")
    assert norms.min() < 1 < norms.max()
    for t, norm in enumerate(norms):
        grads = {layer: {n: g[t].copy() for n, g in a.items()} for layer, a in known["gradients"].items()}
        assert_close(clip_by_global_norm(grads, 1.0), norm, EXACT)
        adam_step(params, grads, state, 0.05, decay=decay)
        want = {layer: {n: a[t] for n, a in arrays.items()} for layer, arrays in path.items()}
        assert_close(params, want, tolerance)
