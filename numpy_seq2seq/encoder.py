"""Chapter 7a. The encoder: token ids to one memory per token, and a last state.

Before this: layers.py, stacks.py. After it: readout.py.

Letters: B batch, S source length, D embedding size, H hidden size.

The two things that it returns are the whole story of this project. `state` is the fixed vector: all that a
model without attention will ever know of the source. `memory` keeps what was read at every place, for
whoever can look back.

With config.reverse_source the layers run from the last token to the first (Sutskever's trick): the state has
then just read the *beginning* of the source, where a copy has to begin. Since padding hands the state on,
each sequence is reversed at its own length, and memory s still belongs to token s.

With two directions each has H/2 units, so that memory and state have size H either way and no layer is
needed to fit them to the decoder.

Not here: what a decoder does with either (decoders.py).
"""

from .cells import CELLS
from .layers import embedding_backward, embedding_forward, embedding_init
from .recurrent import recurrent_init
from .stacks import stack_backward, stack_forward


def encoder_layers(config):
    """Names of the recurrent layers, bottom first: [("encoder",), ("encoder2",)], with two directions
    [("encoder", "encoder_reverse"), …]."""
    names = ["encoder" if k == 0 else f"encoder{k + 1}" for k in range(config.layers)]
    return [(name, f"{name}_reverse")[: config.directions] for name in names]


def encoder_init(rng, config):
    """Parameters: source_embedding, and one layer for every name of encoder_layers(config)."""
    cell, size = CELLS[config.cell], config.hidden_size // config.directions
    params = {"source_embedding": embedding_init(rng, config.source_vocabulary, config.embedding_size, config.dtype)}
    below = config.embedding_size
    for names in encoder_layers(config):
        params |= {name: recurrent_init(rng, below, size, cell, config.dtype) for name in names}
        below = config.hidden_size
    return params


def encoder_forward(source, mask, params, config, rng=None):
    """Read the source.

        x = E[source]
        memory, state = recurrent layers(x)

    Args:
        source: (B, S) token ids.
        mask:   (B, S) boolean, True at a real token.
        rng:    np.random.Generator for dropout between layers; None while evaluating.
    Returns:
        memory: (B, S, H) the top layer's output at every source position.
        state:  tuple of (B, H), its state after the last token: the fixed vector.
        cache:  for encoder_backward.
    """
    x, embedding_cache = embedding_forward(source, params["source_embedding"])
    memory, state, stack_cache = stack_forward(
        x, params, encoder_layers(config), CELLS[config.cell], mask, config.reverse_source, config.dropout, rng
    )
    return memory, state, (embedding_cache, stack_cache)


def encoder_backward(dmemory, dstate, cache):
    """Backward of encoder_forward, last line first.

        memory, state = recurrent layers(x)     dx, grads of the layers
        x = E[source]                           dE

    Returns:
        grads: of source_embedding and of every recurrent layer. Token ids and mask have no gradient.
    """
    embedding_cache, stack_cache = cache
    dx, grads = stack_backward(dmemory, dstate, stack_cache)
    return {"source_embedding": embedding_backward(dx, embedding_cache), **grads}


# Exercises
# 1. How many numbers does `state` hold for H = 64 (RNN? LSTM?), and how many bits do 10 random letters need? Is there
#    room in principle? Then why does the fixed-vector model fail?
# 2. Which rows of dmemory are zero for a decoder without attention? Which path is left for the gradient?
# 3. Write them again: `python -m numpy_seq2seq.homework make DIR --functions encoder_backward`.
