"""Weights go to PyTorch and come back, and with its weights everything says what PyTorch says."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given

from numpy_seq2seq.cells import CELLS
from numpy_seq2seq.config import Config
from numpy_seq2seq.data import Batch
from numpy_seq2seq.encoders import encoder_layers
from numpy_seq2seq.layers import layer_norm_backward, layer_norm_forward
from numpy_seq2seq.losses import cross_entropy_forward
from numpy_seq2seq.multihead import (
    keys_values_backward, keys_values_forward, multihead_backward, multihead_forward,
)
from numpy_seq2seq.optim import adam_init, adam_step, clip_by_global_norm
from numpy_seq2seq.pytorch import TORCH_GATES, from_torch, to_torch
from numpy_seq2seq.recurrent import recurrent_forward
from numpy_seq2seq.seq2seq import loss_and_gradients, seq2seq_forward
from numpy_seq2seq.stacks import stack_backward, stack_forward
from numpy_seq2seq.transformer import (
    cross_backward, cross_forward, feed_forward_backward, feed_forward_forward, self_backward, self_forward,
)

from .helpers import assert_close, few, frozen, frozen_answers, leaves, normal, seeds, sizes, very_few
from .models import assert_equal, random_params

EXACT = 1e-10
cells = pytest.mark.parametrize("cell", TORCH_GATES)
ways = pytest.mark.parametrize("directions", (1, 2))


def stacked(cell, directions=1, layers=2, D=3, H=2, **choices):
    """A configuration whose encoder is that of the frozen answers, with H units in each direction."""
    choices = {"decoder": "fixed", "dtype": "float64", **choices}
    return Config(5, 6, D, H * directions, cell, directions=directions, layers=layers, **choices)


def transformer(H=4, heads=2, layers=2, **choices):
    choices = {"source_vocabulary": 5, "target_vocabulary": 6, "dtype": "float64", **choices}
    sizes = {"embedding_size": H, "hidden_size": H, "heads": heads, "layers": layers}
    return Config(encoder="transformer", decoder="transformer", **sizes, **choices)


MOVED = {
    **{f"{cell}-{ways}way": stacked(cell, ways) for cell in TORCH_GATES for ways in (1, 2)},
    **{name: Config(5, 6, 3, 4, "gru", name, dtype="float64") for name in ("peeky", "bahdanau")},
    "luong_feeding": Config(5, 6, 3, 4, "lstm", "luong_feeding", dtype="float64"),
    "transformer": transformer(),
    "transformer-3layers": transformer(6, 1, 3),
}
moved = pytest.mark.parametrize("config", MOVED.values(), ids=list(MOVED))
sides = pytest.mark.parametrize("side", ("encoder", "decoder"))


def random_side(config, side, seed=0):
    """Random parameters of one side alone, with zeros of both signs in a bias."""
    params = random_params(config, seed)
    params = {layer: params[layer] for layer in from_torch(to_torch(params, config, side), config, side)}
    first = next(arrays["b"] for arrays in params.values() if "b" in arrays)
    first[0], first[-1] = 0.0, -0.0
    return frozen(params)


def bits(tree):
    return {k: {n: a.view("uint32") for n, a in layer.items()} for k, layer in tree.items()}


def torch_grads(grads, config, side):
    """A state dict of gradients in our layout. Of two biases in one sum each has the gradient of the sum."""
    if config.cell and not CELLS[config.cell].recurrent_bias:
        grads = {name: 0 * g if name.startswith("bias_hh") else g for name, g in grads.items()}
    return from_torch(grads, config, side)


# ---- there and back ----------------------------------------------------------------------------------------


def test_from_torch_known_answer():
    """nn.TransformerEncoderLayer keeps Wqᵀ, Wkᵀ, Wvᵀ in one matrix, one below the other."""
    config = transformer(H=2, heads=1, layers=1)
    arrays = to_torch(random_params(config, 0), config, "encoder")
    arrays["layers.0.self_attn.in_proj_weight"] = np.arange(1, 13).reshape(6, 2)
    params = from_torch(arrays, config, "encoder")
    assert params["encoder_1_self"]["Wq"].tolist() == [[1, 3], [2, 4]]
    assert params["encoder_1_self_keys"]["Wk"].tolist() == [[5, 7], [6, 8]]
    assert params["encoder_1_self_keys"]["Wv"].tolist() == [[9, 11], [10, 12]]


@moved
@sides
@pytest.mark.parametrize("dtype", ("float32", "float64"))
@very_few
@given(seed=seeds)
def test_to_torch_and_from_torch_change_nothing(config, side, dtype, seed):
    config = dataclasses.replace(config, dtype=dtype)
    params = random_side(config, side, seed)
    back = from_torch(to_torch(params, config, side), config, side)
    assert_equal(bits(back), bits(params))
    assert {a.dtype for a in leaves(back)} == {np.dtype(dtype)}


@cells
@ways
@few
@given(size=sizes(3, smallest=1))
def test_to_torch_and_from_torch_of_any_size(cell, directions, size):
    D, H, count = size
    config = stacked(cell, directions, count, D, H)
    params = random_side(config, "encoder")
    assert_equal(from_torch(to_torch(params, config, "encoder"), config, "encoder"), params)


@cells
@ways
def test_from_torch_and_to_torch_keep_what_pytorch_computes(cell, directions):
    """Only the sum of the RNN's and the LSTM's two biases is kept."""
    arrays = frozen_answers("stacked")[cell]["two" if directions == 2 else "one"]["state_dict"]
    config = stacked(cell, directions, H=4)
    back = to_torch(from_torch(arrays, config, "encoder"), config, "encoder")
    assert list(back) == list(arrays)
    for name in arrays:
        if name.startswith("bias") and not CELLS[cell].recurrent_bias:
            other = name.replace("_ih_", "_hh_") if "_ih_" in name else name.replace("_hh_", "_ih_")
            np.testing.assert_array_equal(back[name] + back[other], arrays[name] + arrays[other])
        else:
            np.testing.assert_array_equal(back[name], arrays[name], strict=True)


@sides
def test_from_torch_and_to_torch_give_a_transformer_back(side):
    arrays = dotted(frozen_answers("transformer")[side]["state_dict"])
    config = transformer(layers=1)
    back = to_torch(from_torch(arrays, config, side), config, side)
    assert list(back) == list(arrays)
    for name in arrays:
        np.testing.assert_array_equal(back[name], arrays[name], strict=True)


@moved
@sides
def test_to_torch_and_from_torch_return_copies(config, side):
    """Whoever trains the result must not train what it was made from."""
    params = random_side(config, side)
    arrays = to_torch(params, config, side)
    for there, here in ((arrays, params), (from_torch(arrays, config, side), arrays)):
        for a in leaves(there):
            assert a.flags.c_contiguous and a.flags.writeable
            others = [*leaves(here), *(b for b in leaves(there) if b is not a)]
            assert not any(np.shares_memory(a, b) for b in others)


@moved
@sides
def test_to_torch_reads_only_the_layers_of_its_side(config, side):
    params = random_params(config, 3)
    own = {layer: params[layer] for layer in random_side(config, side)}
    assert_equal({"": to_torch(own, config, side)}, {"": to_torch(params, config, side)})


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
    ("encoder.bh", None, r"encoder.bh is missing in the encoder .*: expected 8 arrays, got 7: encoder.Wx, "),
    ("encoder2.We", np.ones(3), r"encoder2.We is unexpected in the encoder .*, which has 8: encoder.Wx, "),
    ("encoder.b", np.ones(8), r"encoder.b must have shape \(6,\) .*, got \(8,\)"),
    ("encoder2.Wx", np.ones((3, 6)), r"encoder2.Wx must have shape \(2, 6\) .*, got \(3, 6\)"),
    ("encoder.Wh", np.array(1.0), r"encoder.Wh must have shape \(2, 6\) .*, got \(\)"),
]
WRONG_THERE = [
    ("bias_hh_l1", None, r"bias_hh_l1 is missing .*: expected 8 arrays, got 7: weight_ih_l0, "),
    ("weight_ih_l0_reverse", np.ones(3), r"_reverse is unexpected .*, which has 8: weight_ih_l0, "),
    ("weight_hr_l0", np.ones(3), r"weight_hr_l0 is unexpected"),
    ("bias_ih_l0", np.ones((6, 1)), r"bias_ih_l0 must have shape \(6,\) .*, got \(6, 1\)"),
    ("weight_ih_l1", np.ones((6, 4)), r"weight_ih_l1 must have shape \(6, 2\) .*, got \(6, 4\)"),
]
NO_BIASES = "must be zero, got numbers up to 0.25: attention has no biases here, as in Vaswani"
WRONG_TRANSFORMER = [
    ("layers.1.self_attn.in_proj_bias", -np.eye(12)[5] / 4, NO_BIASES),
    ("layers.0.multihead_attn.out_proj.bias", np.eye(4)[3] / 4, NO_BIASES),
    ("layers.0.linear1.bias", None, "layers.0.linear1.bias is missing in the decoder"),
    ("norm.weight", None, "norm.weight is missing in the decoder"),
    ("layers.0.linear1.weight", np.ones((20, 4)), r"must have shape \(16, 4\) .*, got \(20, 4\)"),
    ("layers.2.norm1.bias", np.ones(4), "layers.2.norm1.bias is unexpected in the decoder"),
]


@pytest.mark.parametrize("path, value, message", WRONG_HERE)
def test_to_torch_names_what_is_wrong(path, value, message):
    config = stacked("gru")
    with pytest.raises(ValueError, match=message):
        to_torch(changed(random_params(config, 0), path, value), config, "encoder")


@pytest.mark.parametrize("path, value, message", WRONG_THERE)
def test_from_torch_names_what_is_wrong(path, value, message):
    config = stacked("gru")
    arrays = to_torch(random_params(config, 0), config, "encoder")
    with pytest.raises(ValueError, match=message):
        from_torch(changed(arrays, path, value), config, "encoder")


@pytest.mark.parametrize("name, value, message", WRONG_TRANSFORMER)
def test_from_torch_names_what_is_wrong_in_a_transformer(name, value, message):
    config = transformer()
    arrays = {**to_torch(random_params(config, 0), config, "decoder"), name: value}
    with pytest.raises(ValueError, match=message) as error:
        from_torch({k: a for k, a in arrays.items() if a is not None}, config, "decoder")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("move", (to_torch, from_torch))
def test_to_torch_and_from_torch_want_a_side_and_something_to_move(move):
    with pytest.raises(ValueError, match=r"side must be one of encoder, decoder; got 'bridge'"):
        move({}, stacked("gru"), "bridge")
    with pytest.raises(ValueError, match="is missing .*: expected 8 arrays, got none"):
        move({}, stacked("gru"), "encoder")


# ---- the same weights, the same answers --------------------------------------------------------------------


@cells
@ways
def test_from_torch_and_stacked_layers_say_what_pytorch_says(cell, directions):
    """stack_forward and stack_backward, two layers, ragged lengths: outputs, last states, every gradient."""
    known = frozen_answers("stacked")[cell]["two" if directions == 2 else "one"]
    config = stacked(cell, directions, H=4)
    params = from_torch(known["state_dict"], config, "encoder")
    h, state, cache = stack_forward(known["x"], params, encoder_layers(config), CELLS[cell], known["mask"])
    assert_close(np.where(known["mask"][..., None], h, 0), known["h"], EXACT)
    assert_close(state, tuple(known["state"].values()), EXACT)
    dx, grads = stack_backward(known["dh"], tuple(known["dstate"].values()), cache)
    assert_close(dx, known["dx"], EXACT)
    assert_close(grads, torch_grads(known["grads"], config, "encoder"), EXACT)


def our_model(theirs, config, move):
    """The whole state dict of a model, or its gradients, in our layout."""
    Wc, Wd = np.split(theirs["readout"]["weight"].T, 2)  # tanh(W_c [c; h])
    keys, attention = {"Wk": theirs["W_a"].T}, {}
    if config.score == "additive":
        keys, attention = {"Wk": theirs["U_a"].T}, {"Wq": theirs["W_a"].T, "v": theirs["v_a"]}
    start = {"start": {"Ws": theirs["bridge"]["weight"].T}} if "bridge" in theirs else {}
    return {
        **ends(theirs),
        **move(theirs["encoder"], config, "encoder"),
        **start,
        **move(theirs["decoder"], config, "decoder"),
        "keys": keys,
        "attention": attention,
        "readout": {"Wd": Wd, "Wc": Wc},
    }


def ends(theirs):
    """Embeddings and output layer."""
    return {
        "source_embedding": {"E": theirs["source_embedding"]["weight"]},
        "target_embedding": {"E": theirs["target_embedding"]["weight"]},
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


# ---- the Transformer ---------------------------------------------------------------------------------------


def dotted(tree, path=""):
    """{"layers.0.norm1.weight": array}, the names of a state dict, of nested ones."""
    if not isinstance(tree, dict):
        return {path[:-1]: tree}
    return {name: a for key, branch in tree.items() for name, a in dotted(branch, f"{path}{key}.").items()}


def says(known, config, side, which="state_dict"):
    """Parameters or gradients of one side in our layout."""
    return from_torch(dotted(known[which]), config, side)


def causal(T):
    return np.tri(T, dtype=bool)[None, None]


def test_layer_norm_forward_and_layer_norm_backward_say_what_pytorch_says():
    known = frozen_answers("transformer")["layer_norm"]
    params, known_grads = ({"g": a["weight"], "b": a["bias"]} for a in (known["state_dict"], known["grads"]))
    y, cache = layer_norm_forward(known["x"], params)
    assert_close(y, known["y"], EXACT)
    assert_close(layer_norm_backward(known["dy"], cache), (known["dx"], known_grads), EXACT)


def our_attention(theirs):
    """(parameters of the queries, of the keys and values) of a MultiheadAttention; its biases are zero."""
    assert not theirs["in_proj_bias"].any() and not theirs["out_proj"]["bias"].any()
    Wq, Wk, Wv = np.split(theirs["in_proj_weight"].T, 3, axis=1)
    return {"Wq": Wq, "Wo": theirs["out_proj"]["weight"].T}, {"Wk": Wk, "Wv": Wv}


@pytest.mark.parametrize("kind", ("self", "cross"))
def test_multihead_forward_and_multihead_backward_say_what_pytorch_says(kind):
    """Two heads; padded memories, and in self-attention the causal mask too."""
    known, heads = frozen_answers("transformer")["attention"][kind], 2
    params, key_params = our_attention(known["state_dict"])
    mask, memory = known["real"][:, None, None], known.get("memory", known["x"])
    if kind == "self":
        mask = mask & causal(mask.shape[3])
    k, v, keys_cache = keys_values_forward(memory, key_params, heads)
    y, weights, cache = multihead_forward(known["x"], k, v, mask, params, heads)
    assert_close(y, known["y"], EXACT)
    assert_close(weights, known["weights"], EXACT)

    dx, dk, dv, grads = multihead_backward(known["dy"], cache)
    dmemory, key_grads = keys_values_backward(dk, dv, keys_cache)
    assert_close((grads, key_grads), our_attention(known["grads"]), EXACT)
    if kind == "self":
        assert_close(dx + dmemory, known["dx"], EXACT)
    else:
        assert_close((dx, dmemory), (known["dx"], known["dmemory"]), EXACT)


def test_from_torch_and_self_forward_and_feed_forward_forward_say_what_pytorch_says():
    """One encoder layer and the norm behind it, padded: outputs and every gradient."""
    known, config = frozen_answers("transformer")["encoder"], transformer(layers=1)
    params, real = says(known, config, "encoder"), known["real"]
    mask = real[:, None, None]
    x, _, _, self_cache = self_forward(known["x"], None, mask, params, "encoder_1_self", 2, 0.0, None)
    x, feed_cache = feed_forward_forward(x, params, "encoder_1_feed", 0.0, None)
    y, norm_cache = layer_norm_forward(x, params["encoder_norm"])
    assert_close(y[real], known["y"][real], EXACT)

    dtop, dnorm = layer_norm_backward(known["dy"], norm_cache)
    dmiddle, dfeed = feed_forward_backward(dtop, feed_cache)
    dx, _, dself = self_backward(dmiddle, None, self_cache)
    assert_close(dx, known["dx"], EXACT)
    assert_close({**dself, **dfeed, "encoder_norm": dnorm}, says(known, config, "encoder", "grads"), EXACT)


def test_from_torch_and_cross_forward_say_what_pytorch_says():
    """One decoder layer, causal, above a padded memory, and the norm behind it."""
    known, config = frozen_answers("transformer")["decoder"], transformer(layers=1)
    params, name, mask = says(known, config, "decoder"), "decoder_1", known["real"][:, None, None]
    k, v, keys_cache = keys_values_forward(known["memory"], params[f"{name}_cross_keys"], 2)
    mine = causal(known["x"].shape[1])
    x, _, _, self_cache = self_forward(known["x"], None, mine, params, f"{name}_self", 2, 0.0, None)
    x, _, cross_cache = cross_forward(x, k, v, mask, params, f"{name}_cross", 2, 0.0, None)
    x, feed_cache = feed_forward_forward(x, params, f"{name}_feed", 0.0, None)
    y, norm_cache = layer_norm_forward(x, params["decoder_norm"])
    assert_close(y, known["y"], EXACT)

    dtop, dnorm = layer_norm_backward(known["dy"], norm_cache)
    dmiddle, dfeed = feed_forward_backward(dtop, feed_cache)
    dlow, dk, dv, dcross = cross_backward(dmiddle, cross_cache)
    dx, _, dself = self_backward(dlow, None, self_cache)
    dmemory, dkeys = keys_values_backward(dk, dv, keys_cache)
    assert_close((dx, dmemory), (known["dx"], known["dmemory"]), EXACT)
    grads = {**dself, **dcross, f"{name}_cross_keys": dkeys, **dfeed, "decoder_norm": dnorm}
    assert_close(grads, says(known, config, "decoder", "grads"), EXACT)


def our_transformer(theirs, config):
    both = {side: from_torch(dotted(theirs[side]), config, side) for side in ("encoder", "decoder")}
    return {**ends(theirs), **both["encoder"], **both["decoder"]}


def pytorchs_transformer():
    """(known answers, config, params, batch)."""
    known = frozen_answers("transformer")["model"]
    V, H = known["state_dict"]["output"]["weight"].shape
    U, _ = known["state_dict"]["source_embedding"]["weight"].shape
    config = transformer(H, source_vocabulary=U, target_vocabulary=V)
    return known, config, our_transformer(known["state_dict"], config), Batch(*known["batch"].values())


def test_from_torch_and_the_whole_transformer_say_what_pytorch_says():
    """Logits, masked loss and every gradient; ragged sources and targets."""
    known, config, params, batch = pytorchs_transformer()
    logits, _, _ = seq2seq_forward(batch, params, config)
    assert_close(logits[batch.target_mask], known["logits"][batch.target_mask], EXACT)
    loss, grads = loss_and_gradients(batch, params, config)
    assert_close(loss, known["losses"][0], EXACT)
    assert_close(grads, our_transformer(known["grads"], config), EXACT)


def test_loss_and_gradients_of_a_transformer_descend_as_in_pytorch():
    """Ten steps of Adam, β₂ and ε as in Vaswani et al. (2017): every loss, and all parameters at the end."""
    known, config, params, batch = pytorchs_transformer()
    params = {layer: {name: a.copy() for name, a in part.items()} for layer, part in params.items()}
    state, losses = adam_init(params), []
    for _ in known["losses"]:
        loss, grads = loss_and_gradients(batch, params, config)
        losses.append(loss)
        adam_step(params, grads, state, 0.01, beta2=0.98, epsilon=1e-9)
    assert losses[-1] < losses[0]
    assert_close(losses, list(known["losses"]), EXACT)
    assert_close(params, our_transformer(known["trained"], config), EXACT)


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
