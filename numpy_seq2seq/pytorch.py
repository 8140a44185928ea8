"""Appendix: Deviations, and the way to PyTorch and back.

Before this: cells.py, encoders.py, transformer.py. It stands apart: no chapter needs it.

"GRU", "LSTM" and "Transformer" are names of families. Who moves weights from one program to another, or
compares a paper with its code, has to know which member is meant.

Notation: D input size, H hidden size, G gates of the cell, σ the logistic function; where others are quoted,
W is a matrix from x, U one from h, and ⊙ the element-wise product.

**GRU: the reset gate before or after the product.**

    before      n = tanh(x W + (r ⊙ h_prev) U)          Cho et al. (2014), equation 8, in print (arXiv v3);
                                                        Chung et al. (2014); Bahdanau et al. (2015), A.1.1
    after       n = tanh(x W + b + r ⊙ (h_prev U + bh)) Cho et al. (2014), arXiv v1, and the decoder in the
                                                        appendix of v3; cuDNN, PyTorch, and here

The second form takes all three blocks of h_prev U at once. They are different functions: unless the block of
U is diagonal, no choice of weights turns one into the other, and a model trained with one cannot be loaded
into the other. Keras has both; its reset_after=True is the one here.

**GRU: z or 1 − z.**

    z keeps     h = z h_prev + (1 − z) n        Cho et al. (2014), equation 7; cuDNN, PyTorch, and here
    z renews    h = (1 − z) h_prev + z n        Chung et al. (2014); Bahdanau et al. (2015)

The same function with another sign: 1 − σ(a) = σ(−a), so negating block z of Wx, Wh, b and bh leads from one
to the other.

**LSTM: which gates, and what they see.** The first one (Hochreiter & Schmidhuber 1997) has no forget gate (f
= 1), squashes the candidate with a logistic function stretched to (−2, 2) and c with one stretched to (−1,
1), which is tanh(c/2), and cuts off the gradient that would go on back in time through the inputs of a cell
and its gates. Gers, Schmidhuber & Cummins (2000) add f. Peepholes (Gers & Schmidhuber 2000) let the gates see
c too. The whole gradient is taken since Graves & Schmidhuber (2005). The LSTM here, like PyTorch's, has f,
tanh for both, no peepholes, and the whole gradient.

**RNN.** Elman (1990) has the logistic function; tanh here, and in nn.RNN unless it is told "relu".

**Order of the gates** in the columns here, and in the rows of cuDNN and PyTorch:

                here        cuDNN, PyTorch
    rnn         h           h
    gru         r z n       r z n
    lstm        i f o g     i f g o                     here all the sigmoids stand together

**Number of biases.** cuDNN (unless told otherwise) and PyTorch have two for every gate, one beside W and one
beside U. Where the two are simply added, only their sum matters, and there is one here: b. In the GRU's
candidate they differ,

    n = tanh(x W + b_n + r ⊙ (h_prev U + bh_n))

so the GRU has bh, for all three blocks like PyTorch's, though in r and z it is superfluous. Cho et al. write
none; Bahdanau et al. say that theirs are only left out of the equations.

**Axes.** x @ Wx here, with Wx (D, GH); x @ weight_ih.T in PyTorch, with weight_ih (GH, D).

**The start.** Here: Wx Glorot, Wh orthogonal, biases 0, forget gate 1 (recurrent.py); embeddings normal with
deviation 1/√D. PyTorch: all of a recurrent layer, the biases too, uniform in ±1/√H; embeddings normal with
deviation 1. A PyTorch LSTM therefore begins with f ≈ ½ and loses half of its memory at every step.

**Padding.** Unpacked by PyTorch, outputs on padding are zero; here they are the state that is handed on. The
last states are the same. PyTorch returns those of all layers, stacked; here only the top layer's goes on to
the decoder, both directions side by side.

**Two names of one score.** PyTorch's scaled_dot_product_attention is `scaled_dot`; `dot` has no 1/√A.

**Transformer: the norm before or behind the sum.**

    behind      x ← norm(x + sublayer(x))       Vaswani et al. (2017), section 3.1; PyTorch by default
    before      x ← x + sublayer(norm(x))       here; PyTorch with norm_first=True

"Before" needs one more norm behind the last layer, which PyTorch's stacks have if they are given
norm=nn.LayerNorm(H). Why it stands before: transformer.py. The two are different functions of the same
parameters, and a state dict does not say to which of them it belongs.

**Transformer: no biases in attention.** The paper (section 3.2.2) has W_i^Q, W_i^K, W_i^V, W^O and no biases,
and so has this package. PyTorch adds one to each; its bias=False leaves out those of the norms and of the
feed-forward layer too, which are here. Two of the four add nothing: b_k moves all scores of a query alike,
and softmax does not see that; b_v is weighted with weights whose sum is 1, and arrives as the constant
b_v Wo, which the output's bias could hold as well.

**Transformer: dropout.** In the paper (section 5.4): on what a sublayer returns, before the sum, and on
embeddings + positions. Here: there, and once more before the output layer, as in every model here. PyTorch's
layers have it on what a sublayer returns, on the weights of attention, and behind the relu.

**Transformer: embeddings.** In the paper (section 3.4) source, target and output layer share one matrix; here
they are three. Both multiply an embedding by √H and add the positions; PyTorch has no module that does. The
numbers of nn.Embedding begin with deviation 1, and times √H they would be far larger than the positions; here
they begin with 1/√H, and times √H they are about as large.

**Transformer: sizes, ε, the start.** The hidden layer of the feed-forward layer is 4H, as 2048 is 4 · 512 in
the paper; PyTorch's dim_feedforward is 2048 whatever H is. The ε of the norm is 1e-5, under the root, as in
PyTorch; Ba et al. (2016) and Vaswani et al. name none. PyTorch keeps Wqᵀ, Wkᵀ and Wvᵀ in one matrix and draws
it as one, of 3H rows, so they begin √2 times smaller than here. Its nn.TransformerEncoder copies one layer N
times, and so all N begin with the same numbers.

**Masks.** True says "real, may be looked at" here. In nn.MultiheadAttention, and in all that is built of it,
True says "must not be looked at"; in PyTorch's scaled_dot_product_attention it says "may" again.

**The optimiser.** AdamW multiplies θ by 1 − ηλ before Adam's own step, there and here. clip_grad_norm_
divides by ‖g‖ + 1e-6; here it is ‖g‖, as in the paper, so that a clipped gradient has exactly the norm asked
for. The two agree to a relative 1e-6 / ‖g‖.

The functions below move the layers of one side of a model, encoder or decoder; PyTorch itself is not needed.
An Embedding's weight is E as it stands, a Linear's is Wᵀ. The tests hold whole models to what PyTorch makes
of the same weights.

    module = torch.nn.LSTM(D, H, num_layers=2)          any of RNN (tanh), GRU, LSTM, with their biases
    arrays = {name: tensor.numpy() for name, tensor in module.state_dict().items()}
    params |= from_torch(arrays, config, "encoder")

    layer = torch.nn.TransformerDecoderLayer(H, heads, 4 * H, dropout, norm_first=True, batch_first=True)
    module = torch.nn.TransformerDecoder(layer, config.layers, torch.nn.LayerNorm(H))
    arrays = to_torch(params, config, "decoder")
    module.load_state_dict({name: torch.from_numpy(a) for name, a in arrays.items()})

A decoder that reads something beside x_t has an input of D + H numbers in PyTorch: peeky [x_t; v], bahdanau
and luong_feeding [x_t; u_t].

Not here: what PyTorch can do and this package cannot (projections, dropout along time, other non-linear
functions); files (they hold whatever the caller writes).
"""

import numpy as np

from .cells import CELLS
from .checks import check_choice
from .config import DECODERS, ENCODERS
from .encoders import encoder_layers
from .seq2seq import seq2seq_init
from .shapes import parameter_shapes

TORCH_GATES = {"rnn": "h", "gru": "rzn", "lstm": "ifgo"}  # one block of H rows for each; ours: Cell.gates


def to_torch(params, config, side):
    """The layers of one side as PyTorch names and lays them out.

        recurrent   weight_ih = Wxᵀ,  weight_hh = Whᵀ       rows in PyTorch's order of gates
                    bias_ih = b,  bias_hh = bh in a GRU, 0 in RNN and LSTM
        attention   in_proj_weight = [Wqᵀ; Wkᵀ; Wvᵀ],  out_proj.weight = Woᵀ,  biases 0
        others      weight = Wᵀ or g,  bias = b

    Args:
        params: of the model; only these layers are read.
        config: of the model.
        side:   "encoder" or "decoder".
    Returns:
        arrays: the state dict of nn.RNN, nn.GRU, nn.LSTM, nn.TransformerEncoder or nn.TransformerDecoder
            (with norm), in its order; copies, in the dtype of params.
    Raises:
        ValueError: a parameter is missing, unexpected or of a wrong shape; names it, what was expected, and
            what came.
    """
    names, shapes, (ours, theirs) = _layout(config, side)
    given = {layer: {name: a.shape for name, a in params.get(layer, {}).items()} for layer in shapes}
    _check(_flat(given), _flat(shapes), side)
    arrays, moved = {}, set()
    for name, places in names.items():
        new = [place for place in places if place not in moved]
        parts = [_reordered(params[layer][part], ours, theirs).T for layer, part in new]
        if not parts:  # −0: added to 0 or −0, as to anything, it changes nothing; 0 would turn −0 into 0
            parts = [-np.zeros_like(arrays[name.replace("bias", "weight")][:, 0])]
        arrays[name] = np.ascontiguousarray(np.concatenate(parts, _axis(name)))
        moved.update(new)
    return arrays


def from_torch(arrays, config, side):
    """The way back: parameters of one side from a state dict of PyTorch.

    From here to PyTorch and back nothing changes, to the last bit. From PyTorch to here and back, RNN and
    LSTM keep the sum of their two biases, not the two, and compute the same.

    Args:
        arrays: of the state dict, all of them: {"weight_ih_l0": (GH, D), …}.
        config: of the model that they are for.
        side:   "encoder" or "decoder".
    Returns:
        params: {"encoder": {"Wx": …, "Wh": …, "b": …}, …}; copies, in the dtype of arrays.
    Raises:
        ValueError: an array is missing (bias=False? no norm?), unexpected (other layers or directions?) or of
            a wrong shape; biases of attention that are not zero. Names it, what was expected, and what came.
    """
    names, shapes, (ours, theirs) = _layout(config, side)
    zeros = {layer: {name: np.zeros(shape) for name, shape in part.items()} for layer, part in shapes.items()}
    want = {name: a.shape for name, a in to_torch(zeros, config, side).items()}
    _check({name: a.shape for name, a in arrays.items()}, want, side)
    params = {layer: {} for layer in shapes}
    for name, places in names.items():
        cuts = np.cumsum([shapes[layer][part][-1 - _axis(name)] for layer, part in places], dtype=int)[:-1]
        for (layer, part), block in zip(places, np.split(arrays[name], cuts, _axis(name))):
            a = np.ascontiguousarray(_reordered(block.T, theirs, ours))
            params[layer][part] = params[layer][part] + a if part in params[layer] else a
        if not places and arrays[name].any():
            raise ValueError(
                f"{name} must be zero, got numbers up to {np.abs(arrays[name]).max():.3g}: attention has no "
                "biases here, as in Vaswani et al. (2017); keep them at zero while PyTorch trains"
            )
    return params


def _layout(config, side):
    """(names, shapes, gates) of one side.

    names:  {PyTorch's name: [(layer, name), …]}: it holds ours, transposed and joined. What occurs twice is
            the sum of both (the biases of RNN and LSTM). An empty list is a bias that we do not have.
    shapes: {layer: {name: shape}}, ours.
    gates:  (ours, theirs), the order of the blocks in the last axis of ours.
    """
    check_choice("side", side, ("encoder", "decoder"))
    record = ENCODERS[config.encoder] if side == "encoder" else DECODERS[config.decoder]
    shapes = parameter_shapes(seq2seq_init, config)
    if "cell" in record.reads:
        names = _recurrent_names(encoder_layers(config) if side == "encoder" else [("decoder",)], shapes)
        gates = CELLS[config.cell].gates, TORCH_GATES[config.cell]
    else:
        names, gates = _transformer_names(side, config.layers), ("-", "-")  # one block
    return names, {layer: shapes[layer] for places in names.values() for layer, _ in places}, gates


def _recurrent_names(layers, shapes):
    names = {}
    for k, directions in enumerate(layers):
        for layer, end in zip(directions, ("", "_reverse")):
            parts = {"weight_ih": ("Wx", "We"), "weight_hh": ("Wh",), "bias_ih": ("b",)}
            parts["bias_hh"] = ("bh",) if "bh" in shapes[layer] else ("b",)
            for name, ours in parts.items():
                names[f"{name}_l{k}{end}"] = [(layer, part) for part in ours if part in shapes[layer]]
    return names


def _transformer_names(side, count):
    attention = {"self": "self_attn"} | ({"cross": "multihead_attn"} if side == "decoder" else {})
    names = {}

    def add(name, layer, weight="W"):
        names[f"{name}.weight"], names[f"{name}.bias"] = [(layer, weight)], [(layer, "b")]

    for k in range(count):
        theirs, ours = f"layers.{k}", f"{side}_{k + 1}"
        for part, name in attention.items():
            layer, keys = f"{ours}_{part}", f"{ours}_{part}_keys"
            names[f"{theirs}.{name}.in_proj_weight"] = [(layer, "Wq"), (keys, "Wk"), (keys, "Wv")]
            names[f"{theirs}.{name}.in_proj_bias"] = []
            names[f"{theirs}.{name}.out_proj.weight"] = [(layer, "Wo")]
            names[f"{theirs}.{name}.out_proj.bias"] = []
        add(f"{theirs}.linear1", f"{ours}_feed_in")
        add(f"{theirs}.linear2", f"{ours}_feed_out")
        for j, part in enumerate((*attention, "feed"), 1):
            add(f"{theirs}.norm{j}", f"{ours}_{part}_norm", "g")
    add("norm", f"{side}_norm", "g")
    return names


def _axis(name):
    """Along which several of ours are joined: [x_t; e_t] is a wider input, q, k and v are more outputs."""
    return 1 if name.startswith("weight_ih") else 0


def _reordered(a, before, after):
    """The blocks of the last axis, one for every letter of `before`, in the order of `after`."""
    blocks = dict(zip(before, np.split(a, len(before), axis=-1)))
    return np.concatenate([blocks[gate] for gate in after], axis=-1)


def _flat(tree):
    return {f"{layer}.{name}": shape for layer, part in tree.items() for name, shape in part.items()}


def _check(got, want, side):
    """Raise ValueError unless both have the same names and shapes."""
    where = f"in the {side} of this configuration"
    for name in want:
        if name not in got:
            raise ValueError(f"{name} is missing {where}: expected {len(want)} arrays, got {_some(got)}")
    for name, shape in got.items():
        if name not in want:
            raise ValueError(f"{name} is unexpected {where}, which has {_some(want)}")
        if shape != want[name]:
            raise ValueError(f"{name} must have shape {want[name]} {where}, got {shape}")


def _some(names):
    return f"{len(names)}: " + ", ".join([*names][:3]) + ", …" if names else "none"


# Exercises
# 1. Turn a GRU of Chung et al. (2014), with 1 − z and the reset gate before the product, into one of Cho et
#    al. (2014). Then into one of this package. Which of the two deviations can you undo?
# 2. Move an LSTM of PyTorch here and back, and train both there with plain SGD. Compare with training here at
#    the same learning rate: which parameter learns twice as fast, and why?
# 3. Write from_keras. Its order is z r h for the GRU and i f c o for the LSTM; what does `reset_after` say?
