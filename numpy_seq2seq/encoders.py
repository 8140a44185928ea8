"""Chapter: encoders. From embedded source tokens to one memory for each token, and a last state.

Before this: losses.py. After it: readout.py.

Notation: B batch, S source length, D embedding size, H hidden size.

The two things that an encoder returns are the whole story of this project:

    h_1  ──→ h_2  ──→ h_3  ──→ state         one vector (two in an LSTM) for the whole source: **the fixed
     ↑ ╲      ↑ ╲      ↑ ╲                   vector**, all that a model without attention will ever know of it
    x_1 m_1  x_2 m_2  x_3 m_3                memory: m_s = h_s, one vector for each token, to look back at

Every encoder has the same shape of functions, so one can take the place of another:

    encoder.forward(x, mask, params, config, rng) -> memory, state, cache
    encoder.backward(dmemory, dstate, cache)      -> dx, grads

Which token the state has read last depends on the configuration. By default it is the last one. With
config.reverse_source (Sutskever's trick) the layers run from the last token to the first, so it is the first
one, where a copy has to begin; memory s still belongs to token s. With two directions it holds both, half
each: each direction has H/2 units, so that memory and state have size H either way.

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
    reads: frozenset  # the optional choices of Config that it uses
    init: Callable  # (rng, config) -> params
    forward: Callable
    backward: Callable


def encoder_layers(config):
    """Names of the recurrent layers, bottom first: [("encoder",), ("encoder2",)], with two directions
    [("encoder", "encoder_reverse"), …]."""
    names = ["encoder" if k == 0 else f"encoder{k + 1}" for k in range(config.layers)]
    return [(name, f"{name}_reverse")[: config.directions] for name in names]


def recurrent_encoder_init(rng, config):
    """Parameters: one recurrent layer for every name of encoder_layers(config)."""
    cell, size = CELLS[config.cell], config.hidden_size // config.directions
    params, below = {}, config.embedding_size
    for names in encoder_layers(config):
        params |= {name: recurrent_init(rng, below, size, cell, config.dtype) for name in names}
        below = config.hidden_size
    return params


def recurrent_encoder_forward(x, mask, params, config, rng=None):
    """Read the source token by token.

        memory, state = recurrent layers(x)

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
