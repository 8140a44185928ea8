"""Chapter 7d. The model: encoder and decoder put together.

Before this: encoder.py, decoders.py. After it: optim.py.

Letters: B batch, S source length, T target length, V target vocabulary, H hidden size.

    source ids ─ encode ─┬─ state ───────────────────┐
                         └─ Source(vector, memory,   │
                                   keys, mask) ──┐   │
    target ids, one step behind ─────────────────┴───┴─ decode ─ logits ─ loss

Training calls decode_forward once with all T tokens ("teacher forcing": the inputs are the right tokens,
whatever the model would have said). Generation calls the same function with one token at a time and carries
the state along. There is no second forward pass.

Not here: the loop over batches (training.py), the choice of tokens (generate.py).
"""

import numpy as np

from .attention import keys_backward, keys_forward
from .config import Config
from .decoders import DECODERS, Source
from .encoder import encoder_backward, encoder_forward, encoder_init
from .layers import affine_backward, affine_forward, affine_init, embedding_backward, embedding_forward, embedding_init
from .losses import cross_entropy_backward, cross_entropy_forward


def seq2seq_init(rng, config):
    """Parameters of the whole model, dict[layer][name] -> array of dtype config.dtype.

    Args:
        rng:    np.random.Generator.
        config: Config.
    """
    return {
        **encoder_init(rng, config),
        "target_embedding": embedding_init(rng, config.target_vocabulary, config.embedding_size, config.dtype),
        **DECODERS[config.decoder].init(rng, config),
        "output": affine_init(rng, config.hidden_size, config.target_vocabulary, config.dtype),
    }


def encode_forward(source, mask, params, config):
    """Read the source, and lay out what a decoder may look at.

        memory, state = encoder(source)
        vector = h of state
        keys   = memory Wm, or memory itself        once per source

    Args:
        source: (B, S) token ids.
        mask:   (B, S) boolean, True at a real token.
    Returns:
        state:  tuple of (B, H): where the decoder starts.
        source: Source(vector, memory, keys, mask).
        cache:  for encode_backward.
    """
    memory, state, encoder_cache = encoder_forward(source, mask, params, config)
    keys, keys_cache = keys_forward(memory, params.get("attention", {}))
    return state, Source(state[0], memory, keys, mask), (encoder_cache, keys_cache)


def encode_backward(dstate, dsource, cache):
    """Backward of encode_forward, last line first.

        keys   = memory Wm              dmemory (more), attention.Wm
        vector = h of state             dstate's h (more)
        memory, state = encoder(source) grads of the encoder

    Returns:
        grads: of the encoder, and of `attention` where the keys are projected.
    """
    encoder_cache, keys_cache = cache
    dmemory, attention = keys_backward(dsource.keys, keys_cache)
    # a memory is read twice, as a key and as a value; h is read as the first state and as the vector
    dmemory = dmemory + dsource.memory
    dstate = (dstate[0] + dsource.vector, *dstate[1:])
    grads = encoder_backward(dmemory, dstate, encoder_cache)
    return {**grads, "attention": attention} if attention else grads


def decode_forward(tokens, state, source, params, config):
    """Write T tokens on from a state: all of them in training, one at a time in generation.

        x = E[tokens]
        out, weights, state = decoder(x, state, source)
        logits = out W + b

    Args:
        tokens:  (B, T) token ids that are known, one step behind those to be predicted.
        state:   tuple of (B, H).
        source:  Source.
    Returns:
        logits:  (B, T, V).
        weights: (B, T, S), or None where the decoder does not attend; no gradient enters here.
        state:   tuple of (B, H) after step T.
        cache:   for decode_backward.
    """
    x, embedding_cache = embedding_forward(tokens, params["target_embedding"])
    out, weights, state, decoder_cache = DECODERS[config.decoder].forward(x, state, source, params, config)
    logits, output_cache = affine_forward(out, params["output"])
    return logits, weights, state, (embedding_cache, decoder_cache, output_cache, config)


def decode_backward(dlogits, dstate, cache):
    """Backward of decode_forward, last line first.

        logits = out W + b              dout, output
        out, state = decoder(x, …)      dx, dstate, dsource, grads of the decoder
        x = E[tokens]                   target_embedding

    Returns:
        dstate, dsource, grads.
    """
    embedding_cache, decoder_cache, output_cache, config = cache
    dout, output = affine_backward(dlogits, output_cache)
    dx, dstate, dsource, grads = DECODERS[config.decoder].backward(dout, dstate, decoder_cache)
    target_embedding = embedding_backward(dx, embedding_cache)
    return dstate, dsource, {**grads, "target_embedding": target_embedding, "output": output}


def seq2seq_forward(batch, params, config):
    """The whole model with teacher forcing.

    Args:
        batch:   data.Batch.
    Returns:
        logits:  (B, T, V) for batch.targets.
        weights: (B, T, S), or None; no gradient enters here.
        cache:   for seq2seq_backward.
    """
    state, source, encode_cache = encode_forward(batch.source, batch.source_mask, params, config)
    logits, weights, state, decode_cache = decode_forward(batch.inputs, state, source, params, config)
    return logits, weights, (encode_cache, decode_cache, state)


def seq2seq_backward(dlogits, cache):
    """Backward of seq2seq_forward. The decoder's last state is read by nobody, so its gradient is zero.

    Returns:
        grads: dict[layer][name], the keys and shapes of params.
    """
    encode_cache, decode_cache, state = cache
    nothing = tuple(np.zeros_like(s) for s in state)
    dstate, dsource, decode_grads = decode_backward(dlogits, nothing, decode_cache)
    encode_grads = encode_backward(dstate, dsource, encode_cache)
    # `attention` has parameters on both sides: Wm makes the keys, Wq and v ask for them
    both = encode_grads.get("attention", {}) | decode_grads.get("attention", {})
    grads = {**encode_grads, **decode_grads}
    return {**grads, "attention": both} if "attention" in grads else grads


def loss_and_gradients(batch, params, config):
    """Mean loss of a batch in nats per target token, and its gradient with respect to every parameter."""
    logits, _, cache = seq2seq_forward(batch, params, config)
    loss, loss_cache = cross_entropy_forward(logits, batch.targets, batch.target_mask)
    return loss, seq2seq_backward(cross_entropy_backward(1.0, loss_cache), cache)


def parameter_count(params):
    """How many numbers the model has to learn."""
    return sum(array.size for layer in params.values() for array in layer.values())


# Exercises
# 1. Follow one letter of the source to the loss, once through `state` and once through `memory`. How many
#    steps of recurrence lie on each way? That number is what attention shortens.
# 2. Why may decode_backward drop dx into an embedding, while encode_backward's dmemory has to go on?
