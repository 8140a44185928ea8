"""Chapter: multi-head attention. The same attention, several times side by side.

Before this: step_decoders.py. After it: transformer.py.

Notation: B batch, T queries, S memories, H hidden size, A = H / heads the size of one head; x (B, T, H) asks,
memory (B, S, H) answers. In the paper x is Q, memory is K and V, H is d_model, A is d_k = d_v.

One attention gives each memory one weight for all its columns. Several small ones, the heads, weigh a memory
differently, each for its own columns:

    q = x Wq,  k = memory Wk,  v = memory Wv        each cut into heads of A columns
    c_i = softmax(q_i k_iᵀ / √A) v_i                for each head i: attention.py with the score scaled_dot
    out = [c_1; …; c_heads] Wo

Each head has columns of its own in Wq, Wk and Wv, so scores and a softmax of its own. Wo mixes what they
found: without it, head i could write into its own A numbers of out alone.

**Self-attention** and **cross-attention** are two ways to call it. A sequence that asks itself is
memory = x; a decoder that asks the source is memory = the encoder's output. Nothing else differs, except for
the mask: who may look at whom.

Keys and values have functions of their own, so that they can be kept. Those of the source are made once; to
those of the decoder's own past, each step adds the key and the value of one token.

Not here: layers and the order of things (transformer.py).
"""

import numpy as np

from .attention import attention_backward, attention_forward
from .layers import glorot, project, rows_of
from .scores import SCORES


def split_heads(a, heads):
    """(B, T, H) to (B, heads, T, A). Head i has the columns from i A to (i + 1) A.

        >>> a = np.arange(8).reshape(1, 2, 4)       # two tokens of four numbers
        >>> split_heads(a, 2).tolist()              # two heads, of two numbers for each token
        [[[[0, 1], [4, 5]], [[2, 3], [6, 7]]]]
    """
    B, T, H = a.shape
    return np.ascontiguousarray(a.reshape(B, T, heads, H // heads).transpose(0, 2, 1, 3))


def merge_heads(a):
    """(B, heads, T, A) back to (B, T, H): the inverse of split_heads, and so its backward."""
    B, heads, T, A = a.shape
    return a.transpose(0, 2, 1, 3).reshape(B, T, heads * A)


def keys_values_init(rng, H, dtype):
    """Parameters: Wk, Wv (H, H), by glorot."""
    return {name: glorot(rng, H, H, dtype) for name in ("Wk", "Wv")}


def keys_values_forward(memory, params, heads):
    """What each memory is found by, and what it answers.

        k = memory Wk,  v = memory Wv

    Args:
        memory: (B, S, H).
        params: Wk, Wv (H, H).
        heads:  must divide H.
    Returns:
        k, v:   (B, heads, S, A).
        cache:  for keys_values_backward.
    """
    k = split_heads(project(memory, params["Wk"]), heads)
    v = split_heads(project(memory, params["Wv"]), heads)
    return k, v, (memory, params)


def keys_values_backward(dk, dv, cache):
    """Backward of keys_values_forward.

        k = memory Wk,  v = memory Wv       dmemory = dk Wkᵀ + dv Wvᵀ
                                            dWk = Σ memoryᵀ dk,  dWv = Σ memoryᵀ dv

    Returns:
        dmemory (B, S, H): the sum of the two ways in which it was read; grads: Wk, Wv.
    """
    memory, params = cache
    dk, dv = rows_of(merge_heads(dk)), rows_of(merge_heads(dv))
    dWk = rows_of(memory).T @ dk
    dWv = rows_of(memory).T @ dv
    dmemory = dk @ params["Wk"].T + dv @ params["Wv"].T
    return dmemory.reshape(memory.shape), {"Wk": dWk, "Wv": dWv}


def queries_init(rng, H, dtype):
    """Parameters of the side that asks: Wq, Wo (H, H), by glorot."""
    return {name: glorot(rng, H, H, dtype) for name in ("Wq", "Wo")}


def multihead_forward(x, k, v, mask, params, heads):
    """Every token of x asks, in every head.

        q   = x Wq
        c_i = attention(q_i, k_i, v_i)      for each head i
        out = [c_1; …; c_heads] Wo

    Two heads of one number (A = 1), one query x = (1, 1), Wq = Wo = I, two memories with k = v. In head 1
    their keys are ln 3 and 0, in head 2 they are 0 and ln 3. Head 1 weighs them 3/4 and 1/4, head 2 1/4 and
    3/4, so each gets 3/4 ln 3 = 0.824. A single head weighs a memory once, for both columns: both scores are
    ln 3 / √2, so the weights are ½ and ½, and it would get only ½ ln 3 = 0.549 in each column.

        >>> params = {"Wq": np.eye(2), "Wo": np.eye(2)}
        >>> k = split_heads(np.log([[[3.0, 1.0], [1.0, 3.0]]]), 2)
        >>> out, α, cache = multihead_forward(np.ones((1, 1, 2)), k, k, None, params, 2)
        >>> α.round(2).tolist(), out.round(3).tolist()
        ([[[[0.75, 0.25]], [[0.25, 0.75]]]], [[[0.824, 0.824]]])

    Args:
        x:       (B, T, H).
        k, v:    (B, heads, S, A), from keys_values_forward.
        mask:    boolean, broadcasts to (B, heads, T, S): padding is (B, 1, 1, S), a causal mask
                 (1, 1, T, S); or None.
        params:  Wq, Wo (H, H).
        heads:   must divide H.
    Returns:
        out:     (B, T, H).
        weights: (B, heads, T, S), to be looked at; they take no gradient from outside.
        cache:   for multihead_backward.
    Source: Vaswani et al. (2017), section 3.2.2: MultiHead(Q, K, V) = Concat(head_1, …, head_h) W^O with
        head_i = Attention(Q W_i^Q, K W_i^K, V W_i^V). All W_i^Q stand side by side in Wq. As there, no
        biases.
    """
    q = split_heads(project(x, params["Wq"]), heads)
    context, weights, attention_cache = attention_forward(q, k, v, {}, mask, SCORES["scaled_dot"])
    c = merge_heads(context)
    return project(c, params["Wo"]), weights, (x, c, attention_cache, params, heads)


def multihead_backward(dout, cache):
    """Backward of multihead_forward, last line first.

        out = c Wo                  dWo = Σ cᵀ dout,  dc = dout Woᵀ             c = [c_1; …; c_heads]
        c_i = attention(q_i, …)     dq, dk, dv from attention backward, head by head
        q   = x Wq                  dWq = Σ xᵀ dq,  dx = dq Wqᵀ

    In the example of multihead_forward, with dout = (1, 0): dc = dout Woᵀ = (1, 0), so only head 1 gets a
    gradient. dα_s = dc v_s, so dα = (ln 3, 0) and Σ α dα = ¾ ln 3. de = α (dα − ¾ ln 3) = (3/16 ln 3, −3/16
    ln 3), and with √A = 1 dq = Σ de k = 3/16 (ln 3)² = 0.226 in head 1, and dk = de q = (0.206, −0.206). In
    head 2 all is 0.

        >>> params = {"Wq": np.eye(2), "Wo": np.eye(2)}
        >>> k = split_heads(np.log([[[3.0, 1.0], [1.0, 3.0]]]), 2)
        >>> _, _, cache = multihead_forward(np.ones((1, 1, 2)), k, k, None, params, 2)
        >>> dx, dk, dv, _ = multihead_backward(np.array([[[1.0, 0.0]]]), cache)
        >>> dx.round(3).tolist(), dk[0, 0].round(3).tolist(), dv[0, 0].tolist()
        ([[[0.226, 0.0]]], [[0.206], [-0.206]], [[0.75], [0.25]])

    Returns:
        dx (B, T, H), dk, dv (B, heads, S, A), grads: Wq, Wo.
    """
    x, c, attention_cache, params, heads = cache
    dout = rows_of(dout)
    dWo = rows_of(c).T @ dout
    dc = (dout @ params["Wo"].T).reshape(c.shape)
    dq, dk, dv, _ = attention_backward(split_heads(dc, heads), attention_cache)
    dq = rows_of(merge_heads(dq))
    dWq = rows_of(x).T @ dq
    dx = (dq @ params["Wq"].T).reshape(x.shape)
    return dx, dk, dv, {"Wq": dWq, "Wo": dWo}


# Exercises
# 1. Replace transpose by reshape alone in split_heads: a.reshape(B, heads, T, A). Which tokens now meet in
#    one head? Which tests notice?
# 2. How many numbers do Wq, Wk, Wv, Wo hold for 1 head, and for 8? What do more heads cost?
# 3. Exchange the columns of head 1 and head 2 in Wq, Wk and Wv. What must be done to Wo so that nothing
#    changes?
# 4. Write this chapter again: `python -m numpy_seq2seq.homework make DIR --set transformer`.
