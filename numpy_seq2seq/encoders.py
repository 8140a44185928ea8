"""Chapter: encoders. From embedded source tokens to one memory for each token, and a last state.

Before this: losses.py. After it: readout.py.

Notation: B batch, S source length, D embedding size, H hidden size of both directions together (in stacks.py
H is that of one). config is described in config.py; read here: cell, layers, directions, hidden_size,
embedding_size, reverse_source, dropout, dtype.

An encoder returns two things. A decoder without attention gets the state alone; one with attention gets both:

    m_1      m_2      m_3                    memory: m_s = h_s, one vector for each token, to look back at
     ↑        ↑        ↑
    h_1 ───→ h_2 ───→ h_3 ───→ state         one vector (two in an LSTM) for the whole source:
     ↑        ↑        ↑                     **the fixed vector**
    x_1      x_2      x_3

Every encoder has the same shape of functions, so one can take the place of another:

    encoder.forward(x, mask, params, config, rng) -> memory, state, cache
    encoder.backward(dmemory, dstate, cache)      -> dx, grads

By default the state has just read the last token. With config.reverse_source (Sutskever's trick) the layers
run from the last token to the first: the state has just read the first one, with which a copy begins, and
memory s still belongs to token s. With two directions half of the state comes from each: a direction has H/2
units, so that memory and state have size H either way.

Here is the recurrent encoder. The other one, which has no recurrence at all, is in transformer.py.

Not here: embeddings (seq2seq.py); what a decoder does with memory and state (decoders.py).
"""

from collections.abc import Callable
from typing import NamedTuple

from .cells import CELLS
from .recurrent import recurrent_init
from .stacks import stack_backward, stack_forward


class Encoder(NamedTuple):
    """A way to read."""

    name: str
    reads: frozenset  # the optional choices of Config that it uses; config.py refuses the others
    init: Callable  # (rng, config) -> params
    forward: Callable
    backward: Callable


def encoder_layers(config):
    """Names of the recurrent layers, bottom first: [("encoder",), ("encoder2",)], with two directions
    [("encoder", "encoder_reverse"), …]."""
    names = ["encoder" if k == 0 else f"encoder{k + 1}" for k in range(config.layers)]
    return [(name, f"{name}_reverse")[: config.directions] for name in names]  # one name, or both


def recurrent_encoder_init(rng, config):
    """Parameters: one recurrent layer for every name of encoder_layers(config)."""
    cell, size = CELLS[config.cell], config.hidden_size // config.directions
    params, below = {}, config.embedding_size
    for names in encoder_layers(config):
        params |= {name: recurrent_init(rng, below, size, cell, config.dtype) for name in names}
        below = config.hidden_size  # the next layer reads all directions
    return params


def recurrent_encoder_forward(x, mask, params, config, rng=None):
    """Read the source token by token.

        memory, state = recurrent layers(x)

    With one direction and no padding, the state is the last memory:

        >>> import numpy as np
        >>> from numpy_seq2seq.config import Config
        >>> config, x = Config(9, 9, hidden_size=4, cell="gru"), np.ones((2, 3, 32), "float32")
        >>> params = recurrent_encoder_init(np.random.default_rng(0), config)
        >>> memory, state, _ = recurrent_encoder_forward(x, np.ones((2, 3), bool), params, config)
        >>> memory.shape, state[0].shape, bool((state[0] == memory[:, -1]).all())
        ((2, 3, 4), (2, 4), True)

    Args:
        x:      (B, S, D) embedded source tokens.
        mask:   (B, S) boolean, True at a real token.
        params: of the model: the layers named by encoder_layers(config).
        rng:    np.random.Generator for dropout between layers; None while evaluating.
    Returns:
        memory: (B, S, H) the top layer's output at every source position.
        state:  tuple of (B, H), the top layer's state after its last step: the fixed vector.
        cache:  for recurrent_encoder_backward.
    Source: Sutskever et al. (2014); Cho et al. (2014); Bahdanau et al. (2015), equation 1,
        h_t = f(x_t, h_{t−1}) and c = q({h_1, …}), here the last state; two directions: section 3.2 there,
        where the annotation h_j = [h→_j; h←_j] is our memory m_s (equation 7).
    """
    cell, reverse = CELLS[config.cell], config.reverse_source
    return stack_forward(x, params, encoder_layers(config), cell, mask, reverse, config.dropout, rng)


def recurrent_encoder_backward(dmemory, dstate, cache):
    """Backward of recurrent_encoder_forward.

        memory, state = recurrent layers(x)     dx, grads of the layers

    Returns:
        dx (B, S, D), grads of every recurrent layer.
    """
    return stack_backward(dmemory, dstate, cache)


RECURRENT_ENCODER = Encoder(
    "recurrent",
    frozenset({"cell", "layers", "directions", "reverse_source"}),
    recurrent_encoder_init,
    recurrent_encoder_forward,
    recurrent_encoder_backward,
)

# Exercises
# 1. How many numbers does `state` hold for H = 64 (RNN? LSTM?), and how many bits do 10 random letters need?
#    Would they fit? Then why does the fixed-vector model fail?
# 2. Which rows of dmemory are zero for a decoder without attention? Which path is left for the gradient?
# 3. Write them again: `python -m numpy_seq2seq.homework make DIR --functions recurrent_encoder_backward`.
