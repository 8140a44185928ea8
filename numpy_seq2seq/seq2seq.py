"""Chapter 7f. The model: encoder and decoder put together.

Before this: encoder.py, decoders.py, config.py. After it: shapes.py.

Letters: B batch, S source length, T target length, V target vocabulary, H hidden size. (PAD, BOS, EOS: data.py.)

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

from .activations import tanh_backward
from .cells import CELLS
from .decoders import DECODERS
from .encoder import encoder_backward, encoder_forward, encoder_init
from .layers import (
    affine_backward,
    affine_forward,
    affine_init,
    dropout_backward,
    dropout_forward,
    embedding_backward,
    embedding_forward,
    embedding_init,
    glorot,
)
from .losses import cross_entropy_backward, cross_entropy_forward
from .readout import Source
from .scores import keys_backward, keys_forward

# glibc returns freed memory to the system above a limit that it learns: twice the largest block freed so far, 32 MB
# counting at most. This block, which is never written to, sets it. Without it every training step would be given
# its arrays anew, page by page and zeroed: a third of its time. Elsewhere the line does nothing.
np.empty(32_000_000, np.uint8)


def seq2seq_init(rng, config):
    """Parameters of the whole model, dict[layer][name] -> array of dtype config.dtype.

    Args:
        rng:    np.random.Generator.
        config: Config.
    """
    H, dtype, decoder = config.hidden_size, config.dtype, DECODERS[config.decoder]
    params = {
        **encoder_init(rng, config),
        "target_embedding": embedding_init(rng, config.target_vocabulary, config.embedding_size, dtype),
        **decoder.init(rng, config),
        "output": affine_init(rng, H, config.target_vocabulary, dtype),
    }
    if decoder.bridges and not config.attention_only:
        params["bridge"] = {name: glorot(rng, H // config.directions, H, dtype) for name in _bridge_names(config)}
    return params


def _bridge_names(config):
    """Wh for the state's h, and Wc for the LSTM's c."""
    return ("Wh", "Wc")[: CELLS[config.cell].states]


def start_forward(state, params, config):
    """Where the decoder starts.

        state_0 = the encoder's last state      fixed, peeky, luong
        h_0 = tanh(h← Wh), c_0 = tanh(c← Wc)    bahdanau; h←, c← the backward encoder's
        state_0 = 0                             attention_only
        out_0 = 0                               luong_feeding, beside the others

    Args:
        state:   the encoder's last state, tuple of (B, H).
        params:  of the model: bridge, for bahdanau.
    Returns:
        state_0: tuple of (B, H), as the decoder takes it.
        cache:   for start_backward.
    Source: bahdanau: Bahdanau et al. (2015), appendix A.2.2, s_0 = tanh(W_s h←_1). Deviation: with one direction
        the only one is taken; an LSTM's c is treated like its h.
    """
    decoder, bridge = DECODERS[config.decoder], None
    if config.attention_only:
        start = tuple(np.zeros_like(s) for s in state)
    elif decoder.bridges:
        half = -(config.hidden_size // config.directions)
        last = [s[:, half:] for s in state]
        bridge = [(h, params["bridge"][name], name) for h, name in zip(last, _bridge_names(config))]
        start = tuple(np.tanh(h @ W) for h, W, _ in bridge)
    else:
        start = state
    if decoder.feeds:
        start = (*start, np.zeros_like(start[0]))
    return start, (start, bridge, config)


def start_backward(dstart, cache):
    """Backward of start_forward.

        h_0 = tanh(h← W)        da = dh_0 (1 − h_0²),  dh← = da Wᵀ,  dW = h←ᵀ da
        h_0 = h                 dh = dh_0
        h_0 = 0                 dh = 0

    Returns:
        dstate: of the encoder's last state.
        grads:  {"bridge": …}, or empty.
    """
    start, bridge, config = cache
    states = CELLS[config.cell].states  # out_0 is a constant: its gradient ends here
    if config.attention_only:
        return tuple(np.zeros_like(d) for d in dstart[:states]), {}
    if bridge is None:
        return dstart[:states], {}
    dstate, grads = [], {}
    for dh0, h0, (h, W, name) in zip(dstart, start, bridge):
        da = tanh_backward(dh0, h0)
        grads[name] = h.T @ da
        unread = np.zeros((len(h), W.shape[1] - W.shape[0]), h.dtype)  # the forward encoder's half
        dstate.append(np.concatenate([unread, da @ W.T], axis=1))
    return tuple(dstate), {"bridge": grads}


def encode_forward(source, mask, params, config, rng=None):
    """Read the source, and lay out what a decoder may look at.

        memory, state = encoder(source)
        vector = h of state
        keys   = memory Wm, or memory itself        once per source
        state  = start(state)

    Args:
        source: (B, S) token ids.
        mask:   (B, S) boolean, True at a real token.
        rng:    np.random.Generator for dropout; None while evaluating.
    Returns:
        state:  tuple of (B, H): where the decoder starts.
        source: Source(vector, memory, keys, mask).
        cache:  for encode_backward.
    """
    memory, state, encoder_cache = encoder_forward(source, mask, params, config, rng)
    keys, keys_cache = keys_forward(memory, params.get("attention", {}))
    start, start_cache = start_forward(state, params, config)
    return start, Source(state[0], memory, keys, mask), (encoder_cache, keys_cache, start_cache)


def encode_backward(dstate, dsource, cache):
    """Backward of encode_forward, last line first.

        state  = start(state)           dstate, bridge
        keys   = memory Wm              dmemory (more), attention.Wm
        vector = h of state             dstate's h (more)
        memory, state = encoder(source) grads of the encoder

    Returns:
        grads: of the encoder, of `bridge` where there is one, of `attention` where the keys are projected.
    """
    encoder_cache, keys_cache, start_cache = cache
    dstate, bridge = start_backward(dstate, start_cache)
    dmemory, attention = keys_backward(dsource.keys, keys_cache)
    # a memory is read twice, as a key and as a value; h is read as the first state and as the vector
    dmemory = dmemory + dsource.memory
    dstate = (dstate[0] + dsource.vector, *dstate[1:])
    grads = {**encoder_backward(dmemory, dstate, encoder_cache), **bridge}
    return {**grads, "attention": attention} if attention else grads


def decode_forward(tokens, state, source, params, config, rng=None):
    """Write T tokens on from a state: all of them in training, one at a time in generation.

        x = E[tokens]
        out, weights, state = decoder(x, state, source)
        logits = dropout(out) W + b

    Args:
        tokens:  (B, T) token ids that are known, one step behind those to be predicted.
        state:   tuple of (B, H).
        source:  Source.
        rng:     np.random.Generator for dropout; None while evaluating.
    Returns:
        logits:  (B, T, V).
        weights: (B, T, S), or None where the decoder does not attend; no gradient enters here.
        state:   tuple of (B, H) after step T.
        cache:   for decode_backward.
    """
    x, embedding_cache = embedding_forward(tokens, params["target_embedding"])
    out, weights, state, decoder_cache = DECODERS[config.decoder].forward(x, state, source, params, config)
    out, dropout_cache = dropout_forward(out, config.dropout, rng)
    logits, output_cache = affine_forward(out, params["output"])
    return logits, weights, state, (embedding_cache, decoder_cache, dropout_cache, output_cache, config)


def decode_backward(dlogits, dstate, cache):
    """Backward of decode_forward, last line first.

        logits = dropout(out) W + b     dout, output
        out, state = decoder(x, …)      dx, dstate, dsource, grads of the decoder
        x = E[tokens]                   target_embedding

    Returns:
        dstate, dsource, grads.
    """
    embedding_cache, decoder_cache, dropout_cache, output_cache, config = cache
    dout, output = affine_backward(dlogits, output_cache)
    dout = dropout_backward(dout, dropout_cache)
    dx, dstate, dsource, grads = DECODERS[config.decoder].backward(dout, dstate, decoder_cache)
    target_embedding = embedding_backward(dx, embedding_cache)
    return dstate, dsource, {**grads, "target_embedding": target_embedding, "output": output}


def seq2seq_forward(batch, params, config, rng=None):
    """The whole model with teacher forcing.

    Args:
        batch:   data.Batch.
        rng:     np.random.Generator for dropout; None while evaluating.
    Returns:
        logits:  (B, T, V) for batch.targets.
        weights: (B, T, S), or None; no gradient enters here.
        cache:   for seq2seq_backward.
    """
    state, source, encode_cache = encode_forward(batch.source, batch.source_mask, params, config, rng)
    logits, weights, state, decode_cache = decode_forward(batch.inputs, state, source, params, config, rng)
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


def loss_and_gradients(batch, params, config, rng=None, smoothing=0.0):
    """Mean loss of a batch in nats per target token, and its gradient with respect to every parameter.

    Args:
        rng:       for dropout, as in seq2seq_forward.
        smoothing: of the labels, as in losses.cross_entropy_forward.
    """
    logits, _, cache = seq2seq_forward(batch, params, config, rng)
    loss, loss_cache = cross_entropy_forward(logits, batch.targets, batch.target_mask, smoothing)
    return loss, seq2seq_backward(cross_entropy_backward(1.0, loss_cache), cache)


def parameter_count(params):
    """How many numbers the model has to learn."""
    return sum(array.size for layer in params.values() for array in layer.values())


# Exercises
# 1. Follow one letter of the source to the loss, once through `state` and once through `memory`. How many
#    steps of recurrence lie on each way? That number is what attention shortens.
# 2. Why may decode_backward drop dx into an embedding, while encode_backward's dmemory has to go on?
# 3. attention_only sets the start to zeros. Which gradient does start_backward cut, and which way remains?
# 4. Write everything again: `python -m numpy_seq2seq.homework make DIR --set the-whole-thing`; or of this room, with
#    --functions, seq2seq_forward,seq2seq_backward,encode_forward,encode_backward,decode_forward,decode_backward.
