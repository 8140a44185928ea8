"""Appendix: Deviations, and the way to PyTorch and back.

Before this: cells.py, encoders.py. It stands apart: no chapter needs it.

"GRU" and "LSTM" are names of families. Who moves weights from one program to another, or compares a paper
with its code, has to know which member is meant.

Notation: D input size, H hidden size, G gates of the cell, σ the logistic function; where others are quoted, W
is a matrix from x, U one from h, and ⊙ the element-wise product.

**GRU: the reset gate before or after the product.**

    before      n = tanh(x W + (r ⊙ h_prev) U)          Cho et al. (2014), equation 8, as published (arXiv v3);
                                                        Chung et al. (2014); Bahdanau et al. (2015), A.1.1
    after       n = tanh(x W + b + r ⊙ (h_prev U + bh)) Cho et al. (2014), arXiv v1, and the decoder in the
                                                        appendix of v3; cuDNN, PyTorch, and here

The second form takes all three blocks of h_prev U at once. They are different functions: unless the block of U is
diagonal, no choice of weights turns one into the other, and a model trained with one cannot be loaded into the
other. Keras has both; its reset_after=True is the one here.

**GRU: z or 1 − z.**

    z keeps     h = z h_prev + (1 − z) n        Cho et al. (2014), equation 7; cuDNN, PyTorch, and here
    z renews    h = (1 − z) h_prev + z n        Chung et al. (2014); Bahdanau et al. (2015)

The same function with another sign: 1 − σ(a) = σ(−a), so negating block z of Wx, Wh, b and bh leads from one
to the other.

**LSTM: which gates, and what they see.** The first one (Hochreiter & Schmidhuber 1997) has no forget gate,
f = 1, squashes the candidate with a logistic function stretched to (−2, 2) and c with one stretched to (−1, 1),
which is tanh(c/2), and cuts off the gradient that would go on back in time through the inputs of a cell and its
gates. Gers, Schmidhuber & Cummins (2000) add f. Peepholes (Gers & Schmidhuber 2000) let the gates see c too. The
whole gradient is taken since Graves & Schmidhuber (2005). The LSTM here, like PyTorch's, has f, tanh for both, no
peepholes, and the whole gradient.

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

**The optimiser.** AdamW multiplies θ by 1 − ηλ before Adam's own step, there and here. clip_grad_norm_
divides by ‖g‖ + 1e-6; here it is ‖g‖, as in the paper, so that a clipped gradient has exactly the norm asked
for. The two agree to a relative 1e-6 / ‖g‖.

The functions below move recurrent layers; PyTorch itself is not needed. An Embedding's weight is E as it
stands, a Linear's is Wᵀ. The tests hold whole models to what PyTorch makes of the same weights.

    module = torch.nn.LSTM(D, H, num_layers=2)          any of RNN (tanh), GRU, LSTM, with their biases
    arrays = {name: tensor.numpy() for name, tensor in module.state_dict().items()}
    params |= from_torch(arrays, encoder_layers(config), config.cell)

    arrays = to_torch(params, encoder_layers(config), config.cell)
    module.load_state_dict({name: torch.from_numpy(a) for name, a in arrays.items()})

Not here: what PyTorch can do and this package cannot (projections, dropout along time, other non-linear
functions); files (they hold whatever the caller writes).
"""

import numpy as np

from .cells import CELLS
from .config import check_choice

TORCH_GATES = {"rnn": "h", "gru": "rzn", "lstm": "ifgo"}  # one block of H rows for each; ours: Cell.gates


def to_torch(params, layers, cell):
    """Recurrent layers as nn.RNN, nn.GRU or nn.LSTM name and lay them out.

        weight_ih = Wxᵀ,  weight_hh = Whᵀ       rows in PyTorch's order of gates
        GRU         bias_ih = b,  bias_hh = bh
        RNN, LSTM   bias_ih = b,  bias_hh = 0

    Args:
        params: of the model; only the layers named are read.
        layers: their names from the bottom up, [("encoder", "encoder_reverse"), …]: encoder_layers(config).
        cell:   a name of cells.CELLS, as in config.cell.
    Returns:
        arrays: weight_ih_l0, weight_hh_l0, bias_ih_l0, bias_hh_l0, …, in the order of a state dict; copies,
            in the dtype of params.
    Raises:
        ValueError: a parameter is missing, unexpected or of a wrong shape; names it, what was expected, and
            what came.
    """
    check_choice("cell", cell, TORCH_GATES)
    names, ours, theirs = _names(layers), CELLS[cell].gates, TORCH_GATES[cell]
    arrays = {f"{layer}.{name}": a for layer in names for name, a in params.get(layer, {}).items()}
    _check(arrays, layers, cell, torch=False)
    result = {}
    for layer, suffix in names.items():
        Wx, Wh, b = (_reordered(params[layer][name], ours, theirs) for name in ("Wx", "Wh", "b"))
        bh = -np.zeros_like(b)  # added to 0 or −0, as to anything, −0 changes nothing; 0 would turn −0 into 0
        if CELLS[cell].recurrent_bias:
            bh = _reordered(params[layer]["bh"], ours, theirs)
        weights = {"weight_ih": Wx.T, "weight_hh": Wh.T, "bias_ih": b, "bias_hh": bh}
        result |= {f"{name}_{suffix}": np.ascontiguousarray(a) for name, a in weights.items()}
    return result


def from_torch(arrays, layers, cell):
    """The way back: parameters of recurrent layers from a state dict of nn.RNN, nn.GRU or nn.LSTM.

        Wx = weight_ihᵀ,  Wh = weight_hhᵀ       columns in our order of gates
        GRU         b = bias_ih,  bh = bias_hh
        RNN, LSTM   b = bias_ih + bias_hh

    From here to PyTorch and back nothing changes, to the last bit. From PyTorch to here and back, RNN and
    LSTM keep the sum of their two biases, not the two, and compute the same.

    Args:
        arrays: of the state dict, all of them: {"weight_ih_l0": (GH, D), …}.
        layers: the names that the layers get here, as in to_torch.
        cell:   a name of cells.CELLS.
    Returns:
        params: {"encoder": {"Wx": …, "Wh": …, "b": …}, …}; copies, in the dtype of arrays.
    Raises:
        ValueError: an array is missing (bias=False?), unexpected (other layers or directions?) or of a wrong
            shape; names it, what was expected, and what came.
    """
    check_choice("cell", cell, TORCH_GATES)
    _check(arrays, layers, cell, torch=True)
    params = {}
    for layer, suffix in _names(layers).items():
        found = [arrays[f"{name}_{suffix}"] for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]
        Wx, Wh, b, bh = (_reordered(a.T, TORCH_GATES[cell], CELLS[cell].gates) for a in found)
        biases = {"b": b, "bh": bh} if CELLS[cell].recurrent_bias else {"b": b + bh}
        params[layer] = {name: np.ascontiguousarray(a) for name, a in {"Wx": Wx, "Wh": Wh, **biases}.items()}
    return params


def _names(layers):
    """{our name: what PyTorch's names end in}, such as {"encoder": "l0", "encoder_reverse": "l0_reverse"}."""
    directions = ("", "_reverse")
    return {name: f"l{k}{end}" for k, names in enumerate(layers) for name, end in zip(names, directions)}


def _reordered(a, before, after):
    """The blocks of the last axis, one for every letter of `before`, in the order of `after`."""
    blocks = dict(zip(before, np.split(a, len(before), axis=-1)))
    return np.concatenate([blocks[gate] for gate in after], axis=-1)


def _shapes(layers, cell, D, H, torch):
    """{name: shape} of every array of the layers, as PyTorch has it or as we do."""
    suffixes, shapes, GH = _names(layers), {}, len(cell.gates) * H
    for names in layers:
        for name in names:
            if torch:
                own = {"weight_ih": (GH, D), "weight_hh": (GH, H), "bias_ih": (GH,), "bias_hh": (GH,)}
                shapes |= {f"{key}_{suffixes[name]}": shape for key, shape in own.items()}
            else:
                bh = {"bh": (GH,)} if cell.recurrent_bias else {}
                own = {"Wx": (D, GH), "Wh": (H, GH), "b": (GH,), **bh}
                shapes |= {f"{name}.{key}": shape for key, shape in own.items()}
        D = len(names) * H  # the layer above reads all directions of this one
    return shapes


def _check(arrays, layers, cell, torch):
    """Raise ValueError unless arrays has the names and shapes of these layers, no more and no less.

    The two matrices of the lowest layer say what D and H are.
    """
    known, got = list(_shapes(layers, CELLS[cell], 0, 0, torch)), ", ".join(arrays) or "nothing"
    expected = f"expected {', '.join(known)}"
    for name in known:
        if name not in arrays:
            raise ValueError(f"{name} is missing: {expected} for these {cell} layers; got {got}")
    for name in arrays:
        if name not in known:
            raise ValueError(f"{name} is unexpected: {expected} for these {cell} layers, and no other")
    for name in known[:2]:
        if arrays[name].ndim != 2:
            raise ValueError(f"{name} must be a matrix, got shape {arrays[name].shape}")
    D, H = (arrays[name].shape[-1 if torch else 0] for name in known[:2])
    for name, shape in _shapes(layers, CELLS[cell], D, H, torch).items():
        if arrays[name].shape != shape:
            sizes = f"{cell} with input size {D} and hidden size {H}, by {' and '.join(known[:2])}"
            raise ValueError(f"{name} must have shape {shape} ({sizes}), got {arrays[name].shape}")


# Exercises
# 1. Turn a GRU of Chung et al. (2014), with 1 − z and the reset gate before the product, into one of Cho et
#    al. (2014). Then into one of this package. Which of the two deviations can you undo?
# 2. Move an LSTM of PyTorch here and back, and train both there with plain SGD. Compare with training here at
#    the same learning rate: which parameter learns twice as fast, and why?
# 3. Write from_keras. Its order is z r h for the GRU and i f c o for the LSTM; what does `reset_after` say?
