"""Chapter: encoders. From embedded source tokens to one memory for each token, and a last state.

Before this: losses.py. After it: readout.py.

Notation: B batch, S source length, D embedding size, H size of a memory: one direction has H units, two have
H/2 each. config has the choices of a model (config.py); used
here: cell, layers, directions, hidden_size, embedding_size, reverse_source, dropout, dtype.

An encoder returns two things. A decoder without attention gets the state alone; one with attention gets both:

    m_1      m_2      m_3                    memory: m_s = h_s, one vector for each token, to look back at
     ↑        ↑        ↑
    h_1 ───→ h_2 ───→ h_3 ───→ state         one vector (two in an LSTM) for the whole source:
     ↑        ↑        ↑                     **the fixed vector** (h and c together)
    x_1      x_2      x_3

Every encoder has the same shape of functions, so one can take the place of another:

    encoder.forward(x, mask, params, config, rng) -> memory, state, cache
    encoder.backward(dmemory, dstate, cache)      -> dx, grads

The state keeps best what was read last. With config.reverse_source (Sutskever's trick) that is the *first*
token, which the decoder needs first where the target has about the source's order, as in translation. The
order of the memory stays: m_s belongs to token s.

Here is the recurrent encoder. The other one, which has no recurrence at all, is in transformer.py.

Not here: embeddings (seq2seq.py); what a decoder does with memory and state (decoders.py).
"""

from collections.abc import Callable
from typing import NamedTuple

from .cells import CELLS
from .recurrent import recurrent_init
from .stacks import stack_backward, stack_forward


class Encoder(NamedTuple):
    """A way to read the source."""

    name: str
    reads: frozenset  # which of the optional choices of a Config it uses; config.py refuses the others
    init: Callable  # (rng, config) -> params
    forward: Callable
    backward: Callable


def encoder_layers(config):
    """Names of the recurrent layers, bottom first: [("encoder",), ("encoder2",)], with two directions
    [("encoder", "encoder_reverse"), …]."""
    names = ["encoder" if k == 0 else f"encoder{k + 1}" for k in range(config.layers)]
    both = [(name, f"{name}_reverse") for name in names]
    return [pair[: config.directions] for pair in both]  # one direction: the first name of each pair alone


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

    From left to right, the state is the memory of the last real token; with reverse_source it is that of the
    first token; with two directions, half of it is the one and half the other. Two sources of 3 and 2 tokens;
    1 where a column of the state equals the memory of the last, or of the first token:

        >>> import numpy as np
        >>> from numpy_seq2seq.config import Config
        >>> sizes = {"source_vocabulary": 9, "target_vocabulary": 9, "embedding_size": 2, "hidden_size": 4}
        >>> x = np.random.default_rng(0).standard_normal((2, 3, 2)).astype("float32")
        >>> mask = np.array([[True, True, True], [True, True, False]])
        >>> for choices in ({}, {"reverse_source": True}, {"directions": 2}):
        ...     config = Config(**sizes, cell="gru", **choices)
        ...     params = recurrent_encoder_init(np.random.default_rng(0), config)
        ...     memory, (h,), _ = recurrent_encoder_forward(x, mask, params, config)
        ...     last = memory[[0, 1], [2, 1]]       # row 0 at place 2, row 1 at place 1
        ...     first = memory[:, 0]
        ...     same = [(h == memories).all(axis=0).astype(int) for memories in (last, first)]
        ...     print("last", same[0], "first", same[1])
        last [1 1 1 1] first [0 0 0 0]
        last [0 0 0 0] first [1 1 1 1]
        last [1 1 0 0] first [0 0 1 1]

    Args:
        x:      (B, S, D) embedded source tokens.
        mask:   (B, S) boolean, True at a real token.
        params: of the model: the layers named by encoder_layers(config).
        rng:    np.random.Generator for dropout between layers; None while evaluating.
    Returns:
        memory: (B, S, H) the top layer's output at every source position; at padding the unchanged state,
                which readout.source_forward replaces by 0.
        state:  tuple of (B, H), the top layer's state after its last step: the fixed vector.
        cache:  for recurrent_encoder_backward.
    Source: Sutskever et al. (2014); Cho et al. (2014); Bahdanau et al. (2015), equation 1,
        h_t = f(x_t, h_{t−1}) and c = q({h_1, …}), the fixed vector: the last state.
        Two directions: section 3.2 there, whose annotation h_j = [h→_j; h←_j] (also equation 7) is our m_s.
    """
    cell, reverse = CELLS[config.cell], config.reverse_source
    return stack_forward(x, params, encoder_layers(config), cell, mask, reverse, config.dropout, rng)


def recurrent_encoder_backward(dmemory, dstate, cache):
    """Backward of recurrent_encoder_forward.

        memory, state = recurrent layers(x)     dx, grads of the layers

    The two gradients meet in recurrent_backward: dstate is that of the last state, and at each step dmemory_s
    is added to the gradient of h_s. From a decoder without attention dmemory is 0. Then dstate is all that
    arrives, and what concerns the token read first has to come back through every step.

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
