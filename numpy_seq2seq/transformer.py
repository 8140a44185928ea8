"""Chapter: the Transformer. Attention without recurrence: a sequence asks itself.

Before this: multihead.py. After it: config.py.

Notation: B batch, S source length, T target length, t number of tokens written before, H hidden size
(d_model), A = H / heads. N layers.

A recurrent layer passes what it knows from step to step; a self-attention layer lets every token look at
every other token at once. Two things are needed so that this can replace recurrence. A weighted mean does
not know in which order its parts stood, so the tokens are told where they stand: positions. And in training
all target tokens are there at once, so the decoder is kept from looking at those it has still to say: the
causal mask.

    encoder layer                       decoder layer
    x ← x + self(norm(x))               x ← x + self(norm(x))       causal: nothing later than itself
    x ← x + feed_forward(norm(x))       x ← x + cross(norm(x))      asks the encoder's memory
                                        x ← x + feed_forward(norm(x))

`x + …` is a residual connection: what a sublayer returns is *added* to what it was given. On the way back
the sum hands the gradient unchanged to both paths.

Deviation from Vaswani et al. (2017): there x ← norm(x + self(x)), the norm after the sum ("post-norm"), and
the gradient of x passes through every norm. Here the norm belongs to what is added ("pre-norm", Xiong et al.
2020), with one more norm after the last layer, since the sums have made x large. Below that norm, one part of
the gradient reaches the lowest layer unchanged, and deep models train without a warm-up.

    measured on reverse, exact match, seeds 0, 1, 2     here                norm after the sum
    6 layers, no warm-up                                100%, 100%, 100%    9%, 8%, 4%
    2 layers, with a warm-up of 100 steps or none       99.9% or more       99.9% or more

    (1–10 letters, H = 64, 4 heads, batches of 64, 750 steps of Adam with β₂ = 0.98, peak 0.002, cosine, clip
    1.0; 1,000 held-out strings)

Besides: the embeddings of source, target and output layer are three matrices, not one. pytorch.py has the
whole list of deviations.

The layers' parameters are named by layer and part: encoder_1_self_norm, encoder_1_self (Wq, Wo),
encoder_1_self_keys (Wk, Wv), encoder_1_feed_norm, encoder_1_feed_in, encoder_1_feed_out; decoder_1_cross, …

Not here: embedding and output layer (seq2seq.py); recurrence: there is none.
"""

import numpy as np

from .activations import relu, relu_backward
from .decoders import Decoder
from .encoders import Encoder
from .layers import (
    affine_backward, affine_forward, affine_init, dropout_backward, dropout_forward, layer_norm_backward,
    layer_norm_forward, layer_norm_init,
)
from .multihead import (
    keys_values_backward, keys_values_forward, keys_values_init, multihead_backward, multihead_forward,
    queries_init,
)
from .readout import without_padding

FEED_FORWARD = 4  # times H: the size of the hidden layer of feed_forward; a choice, the paper's


def positions(T, H, dtype, first=0):
    """A vector for every position, so that a token knows where it stands: (T, H).

        P[pos, 2i]     = sin(pos / 10000^(2i/H))
        P[pos, 2i + 1] = cos(pos / 10000^(2i/H))    i = 0 … H/2 − 1 counts the pairs of columns

    Each pair of columns, (sin, cos), is the hand of a clock; the first runs fast, the last slowly. A shift of
    d positions turns hand i by the angle d / 10000^(2i/H), whatever pos is:
    sin(a + b) = sin a cos b + cos a sin b is a fixed mixture of sin a and cos a. So a layer can learn to look
    "d places before".

        >>> positions(2, 4, "float64").round(2).tolist()
        [[0.0, 1.0, 0.0, 1.0], [0.84, 0.54, 0.01, 1.0]]

    Args:
        T:     number of positions.
        H:     even.
        first: the first position; while generating, the number of tokens before.
    Source: Vaswani et al. (2017), section 3.5, PE(pos, 2i) = sin(pos / 10000^(2i/d_model)),
        PE(pos, 2i + 1) = cos(pos / 10000^(2i/d_model)).
    """
    pos = np.arange(first, first + T)[:, None]
    angle = pos / 10000 ** (np.arange(0, H, 2) / H)
    return np.stack([np.sin(angle), np.cos(angle)], axis=2).reshape(T, H).astype(dtype)


def causal_mask(T, t=0):
    """Which of t + T tokens each of the last T may look at: itself and all before it. (T, t + T) boolean.

    It may look at itself: its input is the token before the one that it has to predict.

        >>> causal_mask(3).astype(int)
        array([[1, 0, 0],
               [1, 1, 0],
               [1, 1, 1]])
        >>> causal_mask(1, t=2).astype(int)     # one new token after two others
        array([[1, 1, 1]])

    Source: Vaswani et al. (2017), section 3.2.3, last item.
    """
    return np.arange(t + T) <= t + np.arange(T)[:, None]


def embedded_forward(x, first, with_positions, config, rng):
    """What enters the lowest layer.

        y = dropout(x √H + P)

    Args:
        x:              (B, T, H) embedded tokens.
        first:          the position of the first one.
        with_positions: whether P is added.
        rng:            np.random.Generator for dropout; None while evaluating.
    Returns:
        y:              (B, T, H).
        cache:          for embedded_backward.
    Source: Vaswani et al. (2017), sections 3.4 (the factor) and 3.5. An embedding row has length about 1
        here; times √H, its numbers are as large as those of P. Without the factor the position would outweigh
        the token.
    """
    y = x * x.shape[2] ** 0.5
    if with_positions:
        y = y + positions(y.shape[1], y.shape[2], y.dtype, first)
    return dropout_forward(y, config.dropout, rng)


def embedded_backward(dy, cache):
    """Backward of embedded_forward. P is a constant and takes no gradient.

        y = dropout(x √H + P)       dx = √H dropout backward(dy)

    Returns:
        dx: (B, T, H).
    """
    return dropout_backward(dy, cache) * dy.shape[2] ** 0.5


# ---- sublayers: each returns x + dropout(f(norm(x))) -------------------------------------------------------


def feed_forward_forward(x, params, name, rate, rng):
    """Each token by itself through one hidden layer. Attention mixes tokens; this works on each alone.

        y = x + dropout(relu(norm(x) W1 + b1) W2 + b2)

    Args:
        x:      (B, T, H).
        params: of the model: {name}_norm, {name}_in (W1, b1), {name}_out (W2, b2).
        name:   of this sublayer, such as "encoder_1_feed".
        rate:   of dropout.
    Returns:
        y (B, T, H), cache for feed_forward_backward.
    Source: Vaswani et al. (2017), equation 2, FFN(x) = max(0, x W_1 + b_1) W_2 + b_2, and section 5.4
        (dropout before the sum).
    """
    n, norm_cache = layer_norm_forward(x, params[f"{name}_norm"])
    a, in_cache = affine_forward(n, params[f"{name}_in"])
    hidden = relu(a)
    out, out_cache = affine_forward(hidden, params[f"{name}_out"])
    out, dropout_cache = dropout_forward(out, rate, rng)
    return x + out, (name, norm_cache, in_cache, hidden, out_cache, dropout_cache)


def feed_forward_backward(dy, cache):
    """Backward of feed_forward_forward, last line first. x is read twice: by the sum and by the norm.

        y      = x + dropout(out)       dx = dy,  dout = dropout backward(dy)
        out    = hidden W2 + b2         dhidden, grads of {name}_out
        hidden = relu(a)                da = dhidden where hidden > 0, else 0
        a      = n W1 + b1              dn, grads of {name}_in
        n      = norm(x)                dx += norm backward(dn), grads of {name}_norm

    Returns:
        dx (B, T, H), grads: {name}_norm, {name}_in, {name}_out.
    """
    name, norm_cache, in_cache, hidden, out_cache, dropout_cache = cache
    dout = dropout_backward(dy, dropout_cache)
    dhidden, out_grads = affine_backward(dout, out_cache)
    da = relu_backward(dhidden, hidden)
    dn, in_grads = affine_backward(da, in_cache)
    dx, norm_grads = layer_norm_backward(dn, norm_cache)
    grads = {f"{name}_norm": norm_grads, f"{name}_in": in_grads, f"{name}_out": out_grads}
    return dy + dx, grads


def self_forward(x, past, mask, params, name, heads, rate, rng):
    """A sequence asks itself, and its own past.

        n    = norm(x)
        k, v = what was kept of the past, and then those of n
        y    = x + dropout(multihead(n, k, v))

    In the decoder a token never looks at a later one, so its k and v never change. While generating they are
    kept, and only those of the new token are computed. In training everything is one call.

    Args:
        x:       (B, T, H).
        past:    (k, v) of earlier tokens, each (B, heads, t, A): t = 0 in training; None in an encoder.
        mask:    broadcasts to (B, heads, T, t + T): who may look at whom; or None.
        params:  of the model: {name}_norm, {name} (Wq, Wo), {name}_keys (Wk, Wv).
        name:    of this sublayer, such as "encoder_1_self".
    Returns:
        y:       (B, T, H).
        weights: (B, heads, T, t + T), to be looked at.
        kept:    (k, v) of all tokens so far.
        cache:   for self_backward.
    """
    n, norm_cache = layer_norm_forward(x, params[f"{name}_norm"])
    k, v, keys_cache = keys_values_forward(n, params[f"{name}_keys"], heads)
    t = 0
    if past is not None:
        t = past[0].shape[2]
        k, v = (np.concatenate(pair, axis=2) for pair in zip(past, (k, v)))
    out, weights, attention_cache = multihead_forward(n, k, v, mask, params[name], heads)
    out, dropout_cache = dropout_forward(out, rate, rng)
    return x + out, weights, (k, v), (name, t, norm_cache, keys_cache, attention_cache, dropout_cache)


def self_backward(dy, dkept, cache):
    """Backward of self_forward, last line first.

        y    = x + …                            dx = dy, and more below
        out  = multihead(n, k, v)               dn, dk, dv
        k, v = past, and those of n             the first t columns of dk, dv go to the past, the rest to n
        n    = norm(x)                          n asks and is asked: dn is the sum of both ways

    Args:
        dkept: gradient of kept, from later calls: zeros in training; None in an encoder.
    Returns:
        dx (B, T, H), dpast (dk, dv) each (B, heads, t, A), grads: {name}_norm, {name}, {name}_keys.
    """
    name, t, norm_cache, keys_cache, attention_cache, dropout_cache = cache
    dn, dk, dv, attention_grads = multihead_backward(dropout_backward(dy, dropout_cache), attention_cache)
    if dkept is not None:  # what later calls read of k and v; None in an encoder
        dk, dv = dk + dkept[0], dv + dkept[1]
    dn_asked, keys_grads = keys_values_backward(dk[:, :, t:], dv[:, :, t:], keys_cache)
    dx, norm_grads = layer_norm_backward(dn + dn_asked, norm_cache)
    grads = {f"{name}_norm": norm_grads, name: attention_grads, f"{name}_keys": keys_grads}
    return dy + dx, (dk[:, :, :t], dv[:, :, :t]), grads


def cross_forward(x, k, v, mask, params, name, heads, rate, rng):
    """A sequence asks another one, whose keys and values are ready.

        y = x + dropout(multihead(norm(x), k, v))

    Args:
        x:       (B, T, H).
        k, v:    (B, heads, S, A).
        mask:    (B, 1, 1, S), or None.
        params:  of the model: {name}_norm, {name} (Wq, Wo).
    Returns:
        y (B, T, H), weights (B, heads, T, S), cache for cross_backward.
    """
    n, norm_cache = layer_norm_forward(x, params[f"{name}_norm"])
    out, weights, attention_cache = multihead_forward(n, k, v, mask, params[name], heads)
    out, dropout_cache = dropout_forward(out, rate, rng)
    return x + out, weights, (name, norm_cache, attention_cache, dropout_cache)


def cross_backward(dy, cache):
    """Backward of cross_forward, last line first. x is read twice: by the sum and by the norm.

        y = x + dropout(multihead(n, k, v))     dx = dy;  dn, dk, dv, grads of {name}
        n = norm(x)                             dx += norm backward(dn), grads of {name}_norm

    Returns:
        dx (B, T, H), dk, dv (B, heads, S, A), grads: {name}_norm, {name}.
    """
    name, norm_cache, attention_cache, dropout_cache = cache
    dn, dk, dv, attention_grads = multihead_backward(dropout_backward(dy, dropout_cache), attention_cache)
    dx, norm_grads = layer_norm_backward(dn, norm_cache)
    return dy + dx, dk, dv, {f"{name}_norm": norm_grads, name: attention_grads}


def _feed_init(rng, name, config):
    H, dtype = config.hidden_size, config.dtype
    return {
        f"{name}_norm": layer_norm_init(H, dtype),
        f"{name}_in": affine_init(rng, H, FEED_FORWARD * H, dtype),
        f"{name}_out": affine_init(rng, FEED_FORWARD * H, H, dtype),
    }


def _attention_init(rng, name, config):
    H, dtype = config.hidden_size, config.dtype
    return {
        f"{name}_norm": layer_norm_init(H, dtype),
        name: queries_init(rng, H, dtype),
        f"{name}_keys": keys_values_init(rng, H, dtype),
    }


# ---- the encoder -------------------------------------------------------------------------------------------


def transformer_encoder_init(rng, config):
    """Parameters of N encoder layers, and encoder_norm after the last one."""
    params = {}
    for layer in range(1, config.layers + 1):
        params |= _attention_init(rng, f"encoder_{layer}_self", config)
        params |= _feed_init(rng, f"encoder_{layer}_feed", config)
    return {**params, "encoder_norm": layer_norm_init(config.hidden_size, config.dtype)}


def transformer_encoder_forward(x, mask, params, config, rng=None):
    """Read the source, all tokens at once.

        x ← dropout(x √H + P)               P only with config.source_positions
        x ← self, then feed_forward         N times
        memory = norm(x)
        state  = Σ_s share_s memory_s       one vector, for a decoder that has nothing else

    share_s is 1 ÷ the number of real tokens of the sentence, and 0 at padding: state is the mean memory.

    Args:
        x:      (B, S, H) embedded source tokens.
        mask:   (B, S) boolean, True at a real token.
        params: of the model.
        rng:    np.random.Generator for dropout; None while evaluating.
    Returns:
        memory (B, S, H), state ((B, H),), cache for transformer_encoder_backward.
    Source: Vaswani et al. (2017), section 3.1. The mean is not in the paper, whose decoder has
        cross-attention.
    """
    x = without_padding(x, mask)  # so that nothing that stands on padding can be nan or inf
    x, embedded_cache = embedded_forward(x, 0, config.source_positions, config, rng)
    source_mask = None if mask.all() else mask[:, None, None]  # (B, 1, 1, S): for all heads and queries
    caches = []
    for layer in range(1, config.layers + 1):
        name, heads, rate = f"encoder_{layer}", config.heads, config.dropout
        x, own, _, self_cache = self_forward(x, None, source_mask, params, f"{name}_self", heads, rate, rng)
        x, feed_cache = feed_forward_forward(x, params, f"{name}_feed", rate, rng)
        caches.append(((own,), self_cache, feed_cache))
    memory, norm_cache = layer_norm_forward(x, params["encoder_norm"])
    share = (mask / mask.sum(axis=1, keepdims=True))[:, None].astype(x.dtype)  # (B, 1, S)
    state = ((share @ memory)[:, 0],)
    return memory, state, (caches, mask, embedded_cache, norm_cache, share)


def transformer_encoder_backward(dmemory, dstate, cache):
    """Backward of transformer_encoder_forward, last line first.

        state  = Σ_s share_s memory_s       dmemory_s += share_s dstate
        memory = norm(x)                    dx, grads of encoder_norm
        for each layer, the last one first:
          x ← feed_forward(x)               dx, grads of encoder_k_feed…
          x ← self(x)                       dx, grads of encoder_k_self…
        x ← dropout(x √H + P)               dx = √H dropout backward(dx)

    Returns:
        dx (B, S, H), grads.
    """
    caches, mask, embedded_cache, norm_cache, share = cache
    (dvector,) = dstate
    dmemory = dmemory + share.swapaxes(1, 2) * dvector[:, None]
    dx, norm_grads = layer_norm_backward(dmemory, norm_cache)
    grads = {"encoder_norm": norm_grads}
    for _, self_cache, feed_cache in reversed(caches):
        dx, feed_grads = feed_forward_backward(dx, feed_cache)
        dx, _, self_grads = self_backward(dx, None, self_cache)
        grads |= feed_grads | self_grads
    dx = embedded_backward(dx, embedded_cache)
    return without_padding(dx, mask), grads


# ---- the decoder -------------------------------------------------------------------------------------------


def transformer_init(rng, config):
    """Parameters of N decoder layers, and decoder_norm after the last one."""
    params = {}
    for layer in range(1, config.layers + 1):
        for part in ("self", "cross"):
            params |= _attention_init(rng, f"decoder_{layer}_{part}", config)
        params |= _feed_init(rng, f"decoder_{layer}_feed", config)
    return {**params, "decoder_norm": layer_norm_init(config.hidden_size, config.dtype)}


def transformer_open_forward(memory, state, mask, params, config):
    """Keys and values of the source, once for every layer; and a past that is empty.

    Args:
        memory: (B, S, H).
        state:  not looked at: the encoder's last state.
        mask:   (B, S) boolean, True at a real token.
    Returns:
        start:  for each layer (k, v) of no tokens, each (B, heads, 0, A).
        source: for each layer (k, v), each (B, heads, S, A); and the mask (B, 1, 1, S), or None.
        cache:  for transformer_open_backward.
    """
    memory = without_padding(memory, mask)
    made = [
        keys_values_forward(memory, params[f"decoder_{layer}_cross_keys"], config.heads)
        for layer in range(1, config.layers + 1)
    ]
    keys = tuple((k, v) for k, v, _ in made)
    start = tuple((k[:, :, :0], v[:, :, :0]) for k, v in keys)  # no tokens; B, heads, A and dtype stay
    source_mask = None if mask.all() else mask[:, None, None]
    return start, (keys, source_mask), (state, mask, [cache for _, _, cache in made])


def transformer_open_backward(dstart, dsource, cache):
    """Backward of transformer_open_forward. Every layer has read the memory: the sum. dstart is empty.

    Returns:
        dmemory (B, S, H), dstate (zero), grads: decoder_k_cross_keys.
    """
    state, mask, caches = cache
    dmemory, grads = 0, {}
    for layer, ((dk, dv), keys_cache) in enumerate(zip(dsource[0], caches), 1):
        dmemory_layer, grads[f"decoder_{layer}_cross_keys"] = keys_values_backward(dk, dv, keys_cache)
        dmemory = dmemory + dmemory_layer
    return without_padding(dmemory, mask), tuple(np.zeros_like(s) for s in state), grads


def transformer_forward(x, state, source, params, config, rng=None):
    """Write: all T tokens at once in training, one at a time in generation.

        x ← dropout(x √H + P)
        x ← self (causal), cross, feed_forward      N times
        out = norm(x)

    Args:
        x:       (B, T, H) embedded target tokens, one step behind those to be predicted.
        state:   for each layer the keys and values of the t tokens before, (B, heads, t, A).
        source:  from transformer_open_forward.
        params:  of the model.
        rng:     np.random.Generator for dropout; None while evaluating.
    Returns:
        out:     (B, T, H).
        weights: (B, T, S) the mean over the heads of the last layer's cross-attention, to be looked at.
        state:   keys and values of all t + T tokens.
        cache:   for transformer_backward; head_maps reads it too.
    Source: Vaswani et al. (2017), sections 3.1 and 3.2.3.
    """
    keys, mask = source  # (B, 1, 1, S), or None
    T, t = x.shape[1], state[0][0].shape[2]
    x, embedded_cache = embedded_forward(x, t, True, config, rng)
    causal = causal_mask(T, t)[None, None] if T > 1 else None  # a single new token may look at all there is
    after, caches = [], []
    for layer, (past, (k, v)) in enumerate(zip(state, keys), 1):
        name, heads, rate = f"decoder_{layer}", config.heads, config.dropout
        x, own, kept, self_cache = self_forward(x, past, causal, params, f"{name}_self", heads, rate, rng)
        x, crossed, cross_cache = cross_forward(x, k, v, mask, params, f"{name}_cross", heads, rate, rng)
        x, feed_cache = feed_forward_forward(x, params, f"{name}_feed", rate, rng)
        after.append(kept)
        caches.append(((own, crossed), self_cache, cross_cache, feed_cache))
    out, norm_cache = layer_norm_forward(x, params["decoder_norm"])
    weights = crossed.mean(axis=1)  # of the last layer, over its heads
    return out, weights, tuple(after), (caches, embedded_cache, norm_cache)


def transformer_backward(dout, dstate, cache):
    """Backward of transformer_forward, last line first.

        out = norm(x)                   dx, grads of decoder_norm
        for each layer, the last one first:
          x ← feed_forward(x)           dx, grads of decoder_k_feed…
          x ← cross(x, k, v)            dx, dk and dv of the source, grads of decoder_k_cross…
          x ← self(x, past)             dx, dpast, grads of decoder_k_self…
        x ← dropout(x √H + P)           dx = √H dropout backward(dx)

    Returns:
        dx (B, T, H), dstate, dsource, grads of all layers but decoder_k_cross_keys.
    """
    caches, embedded_cache, norm_cache = cache
    dx, norm_grads = layer_norm_backward(dout, norm_cache)
    grads, dkeys, dpast = {"decoder_norm": norm_grads}, [], []
    for (_, self_cache, cross_cache, feed_cache), dkept in zip(reversed(caches), reversed(dstate)):
        dx, feed_grads = feed_forward_backward(dx, feed_cache)
        dx, dk, dv, cross_grads = cross_backward(dx, cross_cache)
        dx, dpast_layer, self_grads = self_backward(dx, dkept, self_cache)
        dkeys.insert(0, (dk, dv))
        dpast.insert(0, dpast_layer)
        grads |= feed_grads | cross_grads | self_grads
    return embedded_backward(dx, embedded_cache), tuple(dpast), (tuple(dkeys), None), grads


def head_maps(cache):
    """What every head of every layer looked at: for each layer (self, cross), (B, heads, T, ·).

    Args: cache: of transformer_forward; or of transformer_encoder_forward, whose layers have self alone.
    """
    caches, *_ = cache
    return [maps for maps, *_ in caches]


TRANSFORMER_ENCODER = Encoder(
    "transformer", frozenset({"heads", "layers", "source_positions"}), transformer_encoder_init,
    transformer_encoder_forward, transformer_encoder_backward,
)
TRANSFORMER_DECODER = Decoder(
    "transformer", True, frozenset({"heads", "layers"}), transformer_init,
    transformer_open_forward, transformer_open_backward, transformer_forward, transformer_backward,
)

# Exercises
# 1. Leave out the positions on the source and train on sort, then on reverse. Predict both results first.
# 2. Which numbers of `state` must a step of generation compute anew, and which has it kept? What would a step
#    cost without keeping them?
# 3. Put the norm after the sum, as in the paper. Which lines change in self_forward and self_backward?
# 4. From an output to the first input: how many functions does the gradient pass in a recurrent encoder of S
#    steps, and how many here? (Vaswani et al. 2017, table 1; `python -m demos.transformer` measures it.)
# 5. Write this chapter again: `python -m numpy_seq2seq.homework make DIR --set transformer`.
