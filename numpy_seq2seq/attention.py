"""Chapter: attention. Every query looks at every memory, and takes what it needs.

Before this: scores.py. After it: losses.py.

Notation: as in scores.py; α weights, c contexts. For the symbols of the papers see notation.py.

    scores   e_ts = how well query t fits key s         scores.py
    weights  α_ts = softmax over s of e_ts              zero where the mask is False
    context  c_t = Σ_s α_ts m_s                         fresh for each query: no bottleneck

The number T of queries is free: it may be the whole target at once, or 1, one step at a time. A sequence
that asks itself is self-attention (multihead.py).

A mask says what may be looked at: True at memories that are real. It has as many axes as the scores
(..., T, S) and broadcasts to them. Each row below is a query, each column a memory, ✓ is True:

    padding (B, 1, S)    ✓ ✓ ·      nothing later      ✓ · ·      both, by &    ✓ · ·
    one row for all      ✓ ✓ ·      than yourself      ✓ ✓ ·                    ✓ ✓ ·
    queries              ✓ ✓ ·      (1, T, S)          ✓ ✓ ✓                    ✓ ✓ ·

Not here: the scores themselves (scores.py); recurrence (recurrent.py); what a decoder does with the context
(decoders.py).
"""

import numpy as np

from .activations import softmax_backward


def masked_softmax_forward(scores, mask):
    """Softmax over the memories that may be looked at; exactly zero elsewhere.

        α_ts = exp(e_ts) / Σ_{s' allowed} exp(e_ts')        a row where nothing is allowed gives zeros

    Args:
        scores:  (..., T, S).
        mask:    boolean, as many axes as the scores, broadcasts to them; or None where all is allowed.
    Returns:
        weights: (..., T, S), each row sums to 1 (or to 0 where nothing is allowed).
        cache:   for masked_softmax_backward.
    Raises:
        ValueError: a mask that does not fit.
    """
    if mask is not None:
        _check_mask(mask, scores)
        scores = np.where(mask, scores, -np.inf)
    lowest = -3e38  # counts as a score in max: a row of −∞ gives exp(−∞ − lowest) = 0, and not exp(−∞ − (−∞))
    exp_e = np.exp(scores - scores.max(axis=-1, keepdims=True, initial=lowest))
    total = exp_e.sum(axis=-1, keepdims=True)
    weights = exp_e / (total + (total == 0))  # where nothing is allowed both are 0: 0 / (0 + 1) = 0
    return weights, weights


def masked_softmax_backward(dweights, cache):
    """Backward of masked_softmax_forward.

        α = softmax(e)          de_s = α_s (dα_s − Σ_j dα_j α_j)        0 where α_s = 0: no mask needed

    Derived in activations.softmax_backward.
    """
    return softmax_backward(dweights, cache)


def align_forward(queries, keys, params, mask, score):
    """Where each query looks.

        e_ts = score(q_t, k_s)
        α_ts = softmax over the allowed s of e_ts

    Args:
        queries: (..., T, Q).
        keys:    (..., S, A), from keys_forward.
        params:  of the score.
        mask:    as in masked_softmax_forward.
        score:   a record of SCORES.
    Returns:
        weights: (..., T, S).
        cache:   for align_backward.
    Source: Bahdanau et al. (2015), equation 6, α_ij = exp(e_ij) / Σ_k exp(e_ik) with e_ij = a(s_{i−1}, h_j);
        Luong et al. (2015), equation 7, a_t(s) = align(h_t, h̄_s).
    """
    scores, score_cache = score.forward(queries, keys, params)
    weights, softmax_cache = masked_softmax_forward(scores, mask)
    return weights, (score_cache, softmax_cache, score)


def align_backward(dweights, cache):
    """Backward of align_forward, last line first.

        α_t  = softmax(e_t)     de_ts = α_ts (dα_ts − Σ_j dα_tj α_tj)
        e_ts = score(q_t, k_s)  dq_t, dk_s = score backward(de_ts)

    Returns:
        dqueries (..., T, Q), dkeys (..., S, A), grads of the score.
    """
    score_cache, softmax_cache, score = cache
    de = masked_softmax_backward(dweights, softmax_cache)
    dq, dk, grads = score.backward(de, score_cache)
    return dq, dk, grads


def attention_forward(queries, keys, memory, params, mask, score):
    """Each query weighs all memories and receives their weighted mean.

        α_t = align(q_t, keys)
        c_t = Σ_s α_ts m_s

    Three memories of two numbers, which are their own keys, and one query, with the dot score:

        m_1 = (1, 0), m_2 = (0, 1), m_3 = (1, 1), q = (ln 2, 0)
        e = (ln 2, 0, ln 2),  exp(e) = (2, 1, 2),  α = (0.4, 0.2, 0.4)
        c = 0.4 m_1 + 0.2 m_2 + 0.4 m_3 = (0.8, 0.6)

        >>> from numpy_seq2seq.scores import SCORES
        >>> m, q = np.array([[1.0, 0], [0, 1], [1, 1]]), np.array([[np.log(2), 0]])
        >>> c, α, cache = attention_forward(q, m, m, {}, None, SCORES["dot"])
        >>> α.round(6), c.round(6)
        (array([[0.4, 0.2, 0.4]]), array([[0.8, 0.6]]))

    Args:
        queries, keys, params, mask, score: as in align_forward.
        memory:  (..., S, M). What stands where nobody may look is not read.
    Returns:
        context: (..., T, M).
        weights: (..., T, S), for pictures: no gradient arrives from outside.
        cache:   for attention_backward.
    Source: Bahdanau et al. (2015), equation 5, c_i = Σ_j α_ij h_j. With scaled_dot it is Vaswani et al.
        (2017), equation 1, Attention(Q, K, V) = softmax(Q Kᵀ / √d_k) V.
    """
    memory, keys = visible(memory, mask), visible(keys, mask)
    weights, align_cache = align_forward(queries, keys, params, mask, score)
    context = weights @ memory  # the lesson: a fresh weighted mean of all memories for every query
    return context, weights, (align_cache, weights, memory)


def attention_backward(dcontext, cache):
    """Backward of attention_forward, last line first.

        c_t = Σ_s α_ts m_s      dα_ts = dc_t · m_s,  dm_s = Σ_t α_ts dc_t
        α_t = align(q_t, keys)  dq_t, dk_s = align backward(dα_t)

    Entry by entry c_tk = Σ_s α_ts m_sk, so ∂L/∂α_ts = Σ_k dc_tk m_sk, which is dc_t · m_s.

    The example of attention_forward again, for a gradient of the context dc of (1, 0):

        dα = (m_1 · dc, m_2 · dc, m_3 · dc) = (1, 0, 1)         Σ α dα = 0.8
        de = α (dα − 0.8) = (0.08, −0.16, 0.08)
        dq = 0.08 k_1 − 0.16 k_2 + 0.08 k_3 = (0.16, −0.08)
        dk_s = de_s q:  (0.0555, 0), (−0.1109, 0), (0.0555, 0)
        dm_s = α_s dc:  (0.4, 0), (0.2, 0), (0.4, 0)

    Keys and memories are one array there, so its gradient is dk + dm = (0.4555, 0), (0.0891, 0), (0.4555, 0).

        >>> from numpy_seq2seq.scores import SCORES
        >>> m, q = np.array([[1.0, 0], [0, 1], [1, 1]]), np.array([[np.log(2), 0]])
        >>> _, _, cache = attention_forward(q, m, m, {}, None, SCORES["dot"])
        >>> dq, dk, dm, _ = attention_backward(np.array([[1.0, 0]]), cache)
        >>> dq.round(6), dk[:, 0].round(4), dm[:, 0].round(6)
        (array([[ 0.16, -0.08]]), array([ 0.0555, -0.1109,  0.0555]), array([0.4, 0.2, 0.4]))

    Args:
        dcontext: (..., T, M).
    Returns:
        dqueries: (..., T, Q).
        dkeys:    (..., S, A).
        dmemory:  (..., S, M), the path through the values only; keys_backward(dkeys) has the other one.
        grads:    of the score.
    """
    align_cache, weights, memory = cache
    dα = dcontext @ memory.swapaxes(-1, -2)
    dm = weights.swapaxes(-1, -2) @ dcontext
    dq, dk, grads = align_backward(dα, align_cache)
    return dq, dk, dm, grads


def visible(a, mask):
    """a (..., S, M). If it holds nan or inf, the rows that no query may look at become 0.

    Their weight is 0, but 0 · nan = nan would spoil the sum.
    """
    if mask is None:
        return a
    seen = mask.any(axis=-2)  # (..., S): some query may look at memory s
    if seen.all() or np.isfinite(np.vdot(a, a)):  # one nan or inf would be in the sum of all squares
        return a
    return np.where(seen[..., None], a, 0)


def _check_mask(mask, scores):
    """Raise ValueError unless the mask says for each score whether it counts."""
    fits = mask.ndim == scores.ndim and all(m in (1, s) for m, s in zip(mask.shape, scores.shape))
    if not fits or mask.dtype != bool:
        raise ValueError(
            f"a mask of scores {scores.shape} must be boolean, have as many axes, and broadcast to them; got "
            f"{mask.dtype} {mask.shape}. A padding mask (B, S) becomes mask[:, None]"
        )


# Exercises
# 1. Self-attention: call keys_forward and attention_forward so that a sequence asks itself. What are the
#    three gradients of the sequence, and why must they be added?
# 2. Let all scores of a row be equal. What is the context, and which model without attention is that?
#    (decoders.py, exercise 1)
# 3. Multiply every score by 100. What happens to the weights, and to the gradient of the scores?
# 4. In the example, add 7 to all scores. What changes? Then mask m_2: what are α and c?
# 5. Write this chapter again: `python -m numpy_seq2seq.homework make DIR --set attention`.
