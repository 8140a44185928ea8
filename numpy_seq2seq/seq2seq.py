"""Chapter: the model. Encoder and decoder put together.

Before this: config.py. After it: optim.py.

Notation: B batch, S source length, T target length, V target vocabulary, H hidden size. (PAD, BOS, EOS:
data.py.) `seen` is what the decoder may look at; decoders.py calls it `source`. Here source is the ids.

    source ids ─ embedding ─ encoder ─┬─ state ──┐
                                      └─ memory ─┴─ open ─┬─ start ──┐
                                                          └─ seen ───┴──┐
    target ids, one step behind ─ embedding ─────────────────────── decoder ─ output ─ logits ─ loss

`open` is no layer: it prepares the decoder's first state, and what the decoder may see (decoders.py).

Training uses **teacher forcing**: at each step the decoder is told the right token before, whatever it would
have said itself. So all T tokens are known, and one call of decode_forward has them all. Generation calls the
same function with one token at a time and hands the state on. There is no second copy of the forward code.

Not here: the loop over batches (training.py), the choice of tokens (generate.py).
"""

import numpy as np

from . import allocator  # noqa: F401  for speed alone: a hint to the memory allocator
from .checks import check_config, check_layers, check_loss_options, check_parameters, check_rng
from .config import DECODERS, ENCODERS, Config
from .data import Batch, check_batch
from .layers import (
    affine_backward, affine_forward, affine_init, dropout_backward, dropout_forward, embedding_backward,
    embedding_forward, embedding_init,
)
from .losses import cross_entropy_backward, cross_entropy_forward
from .shapes import parameter_shapes
from .trees import tree_map


def seq2seq_init(rng: np.random.Generator, config: Config) -> dict:
    """Parameters of the whole model, dict[layer][name] -> array of dtype config.dtype.

    Args:
        rng:    np.random.Generator.
        config: Config.
    Raises:
        TypeError: something else in the place of one of the two.
    """
    check_rng(rng)
    check_config(config)
    D, dtype = config.embedding_size, config.dtype
    return {
        "source_embedding": embedding_init(rng, config.source_vocabulary, D, dtype),
        **ENCODERS[config.encoder].init(rng, config),
        "target_embedding": embedding_init(rng, config.target_vocabulary, D, dtype),
        **DECODERS[config.decoder].init(rng, config),
        "output": affine_init(rng, config.hidden_size, config.target_vocabulary, dtype),
    }


def encode_forward(source, mask, params, config, rng=None):
    """Read the source, and lay out what the decoder may look at.

        x = E[source]
        memory, state = encoder(x)
        start, seen = open(memory, state)       once per source

    Args:
        source: (B, S) token ids.
        mask:   (B, S) boolean, True at a real token.
        rng:    np.random.Generator for dropout; None while evaluating.
    Returns:
        start:  the state from which the decoder starts: nested tuples of arrays, batch axis first (trees.py).
        seen:   what the decoder may look at, nested likewise.
        cache:  for encode_backward.
    """
    encoder, decoder = ENCODERS[config.encoder], DECODERS[config.decoder]
    x, embedding_cache = embedding_forward(source, params["source_embedding"])
    memory, state, encoder_cache = encoder.forward(x, mask, params, config, rng)
    start, seen, open_cache = decoder.open_forward(memory, state, mask, params, config)
    return start, seen, (embedding_cache, encoder_cache, open_cache, config)


def encode_backward(dstart, dseen, cache):
    """Backward of encode_forward, last line first.

        start, seen = open(memory, state)       dmemory, dstate, grads of what `open` learns
        memory, state = encoder(x)              dx, grads of the encoder
        x = E[source]                           grads of source_embedding

    Returns:
        grads.
    """
    embedding_cache, encoder_cache, open_cache, config = cache
    dmemory, dstate, open_grads = DECODERS[config.decoder].open_backward(dstart, dseen, open_cache)
    dx, encoder_grads = ENCODERS[config.encoder].backward(dmemory, dstate, encoder_cache)
    source_embedding = embedding_backward(dx, embedding_cache)
    return {"source_embedding": source_embedding, **encoder_grads, **open_grads}


def decode_forward(tokens, state, seen, params, config, rng=None):
    """Write T tokens on from a state: all of them in training, one at a time in generation.

        x = E[tokens]
        out, weights, state = decoder(x, state, seen)
        logits = dropout(out) W + b

    Args:
        tokens:  (B, T) token ids that are known, one step behind those to be predicted.
        state:   from encode_forward, or from the call before.
        seen:    from encode_forward.
        rng:     np.random.Generator for dropout; None while evaluating.
    Returns:
        logits:  (B, T, V).
        weights: (B, T, S), or None where the decoder does not attend; no gradient from outside.
        state:   the state after step T.
        cache:   for decode_backward.
    Source: the softmax of the logits is p(y_t | y_<t, x). Bahdanau et al. (2015), equations 2–4:
        without attention   p(y_t | …) = g(y_{t−1}, s_t, c)         one c for all t
        with attention      p(y_t | …) = g(y_{t−1}, s_t, c_t)       p(y) is the product over t
        Luong et al. (2015), equation 6: softmax(W_s h̃_t), with W_s = Wᵀ and b added.
    """
    x, embedding_cache = embedding_forward(tokens, params["target_embedding"])
    decoder = DECODERS[config.decoder]
    out, weights, state, decoder_cache = decoder.forward(x, state, seen, params, config, rng)
    out, dropout_cache = dropout_forward(out, config.dropout, rng)
    logits, output_cache = affine_forward(out, params["output"])
    return logits, weights, state, (embedding_cache, decoder_cache, dropout_cache, output_cache, config)


def decode_backward(dlogits, dstate, cache):
    """Backward of decode_forward, last line first.

        logits = dropout(out) W + b     dout, grads of output
        out, state = decoder(x, …)      dx, dstate, dseen, grads of the decoder
        x = E[tokens]                   grads of target_embedding

    Returns:
        dstate, dseen, grads.
    """
    embedding_cache, decoder_cache, dropout_cache, output_cache, config = cache
    dout, output = affine_backward(dlogits, output_cache)
    dout = dropout_backward(dout, dropout_cache)
    dx, dstate, dseen, grads = DECODERS[config.decoder].backward(dout, dstate, decoder_cache)
    target_embedding = embedding_backward(dx, embedding_cache)
    return dstate, dseen, {**grads, "target_embedding": target_embedding, "output": output}


def seq2seq_forward(batch, params, config, rng=None):
    """The whole model with teacher forcing.

        start, seen = encode(source)
        logits      = decode(inputs, start, seen)

    A model that was not trained gives each of the V tokens about the same probability, and loses about ln V:

        >>> from numpy_seq2seq.data import build_vocabulary, make_batch
        >>> letters = build_vocabulary(["cat"])         # V = 7: the four special ones, and a c t
        >>> batch, config = make_batch([("cat", "tac"), ("a", "a")], letters, letters), Config(7, 7)
        >>> params = seq2seq_init(np.random.default_rng(0), config)
        >>> logits, weights, _ = seq2seq_forward(batch, params, config)
        >>> batch.source.shape, logits.shape, weights.shape
        ((2, 4), (2, 4, 7), (2, 4, 4))
        >>> loss, _ = loss_and_gradients(batch, params, config)
        >>> bool(abs(loss - np.log(7)) < 0.1)
        True

    Args:
        batch:   data.Batch.
        rng:     np.random.Generator for dropout; None while evaluating.
    Returns:
        logits:  (B, T, V) for batch.targets.
        weights: (B, T, S), or None; no gradient from outside.
        cache:   for seq2seq_backward.
    """
    start, seen, encode_cache = encode_forward(batch.source, batch.source_mask, params, config, rng)
    logits, weights, state, decode_cache = decode_forward(batch.inputs, start, seen, params, config, rng)
    return logits, weights, (encode_cache, decode_cache, state)


def seq2seq_backward(dlogits, cache):
    """Backward of seq2seq_forward, last line first.

        logits      = decode(inputs, start, seen)       dstart, dseen, grads of the decoder
        start, seen = encode(source)                    grads of the encoder

    Nobody reads the decoder's last state in training: its gradient is zero.

    Returns:
        grads: dict[layer][name], the keys and shapes of params.
    """
    encode_cache, decode_cache, state = cache
    dstate = tree_map(np.zeros_like, state)  # zeros in the place of every array; None stays None (trees.py)
    dstart, dseen, decode_grads = decode_backward(dlogits, dstate, decode_cache)
    return encode_backward(dstart, dseen, encode_cache) | decode_grads  # they have no layer in common


def loss_and_gradients(batch: Batch, params: dict, config: Config, rng: np.random.Generator | None = None,
                       smoothing: float = 0.0) -> tuple[np.floating, dict]:
    """Mean loss of a batch in nats per target token, and its gradient with respect to every parameter.

    Args:
        rng:       for dropout, as in seq2seq_forward.
        smoothing: of the labels, as in losses.cross_entropy_forward.
    Raises:
        TypeError, ValueError: as data.check_batch, check_params; a smoothing outside [0, 1).
    """
    check_batch(batch, config)
    check_params(params, config)
    check_loss_options(smoothing, rng)
    return unchecked_loss_and_gradients(batch, params, config, rng, smoothing)


def unchecked_loss_and_gradients(batch, params, config, rng, smoothing):
    """loss_and_gradients without its checks, for a loop that has made them: forward, then backward.

        logits = seq2seq(batch)
        loss   = cross_entropy(logits, targets)

    Returns:
        loss:  scalar.
        grads: of every parameter.
    """
    logits, _, cache = seq2seq_forward(batch, params, config, rng)
    loss, loss_cache = cross_entropy_forward(logits, batch.targets, batch.target_mask, smoothing)
    dlogits = cross_entropy_backward(1.0, loss_cache)  # ∂L/∂L = 1
    return loss, seq2seq_backward(dlogits, cache)


def parameter_count(params: dict) -> int:
    """How many numbers the model has to learn."""
    check_layers("params", params)
    return sum(array.size for layer in params.values() for array in layer.values())


def check_params(params, config):
    """Raise, naming the first fault, unless these are finite parameters of such a model.

    Parameters of two layers under a Config of one layer would run, and give a wrong loss.
    """
    check_config(config)
    check_parameters(params, parameter_shapes(seq2seq_init, config), config.dtype)


# Exercises
# 1. Follow one letter of the source to the loss, once through `state` and once through `memory`. How many
#    steps of recurrence lie on each way? That number is what attention shortens.
# 2. decode_backward returns no gradient of its tokens, but it does return dseen. Why?
# 3. attention_only sets the start to zeros. Which gradient does start_backward (readout.py) cut, and which
#    way remains?
# 4. Write this chapter again: `python -m numpy_seq2seq.homework make DIR --functions seq2seq_forward,
#    seq2seq_backward,encode_forward,encode_backward,decode_forward,decode_backward`. Or everything:
#    `--set the-whole-thing`.
