"""Chapter 5b. Attention: every query looks at every memory, and takes what it needs.

Before this: scores.py. After it: losses.py.

Letters: as in scores.py; α weights, c contexts.

    scores   e_ts = how well query t fits key s         scores.py
    weights  α_ts = softmax over s of e_ts              zero where the mask says padding
    context  c_t = Σ_s α_ts m_s                         fresh for each query: no bottleneck

One function serves any number of queries. A decoder that attends after its recurrence (Luong) asks with
all T states at once; one that attends inside it (Bahdanau), and generation, ask with T = 1; a sequence
that asks itself is self-attention.

Not here: the scores themselves (scores.py); recurrence (recurrent.py); what a decoder does with the context
(decoders.py).
"""

import numpy as np

from .activations import softmax_backward


def masked_softmax_forward(scores, mask):
    """Softmax over the memories that are real; exactly zero on padding.

        α_ts = exp(e_ts) / Σ_{s' real} exp(e_ts')       a row without a real memory gives zeros

    Args:
        scores:  (B, T, S).
        mask:    (B, S) boolean, True at a real token, or None where all are.
    Returns:
        weights: (B, T, S), each row sums to 1 (or to 0 where nothing is real).
        cache:   for masked_softmax_backward.
    """
    if mask is not None:
        scores = np.where(mask[:, None], scores, -np.inf)
    top = scores.max(axis=2, keepdims=True, initial=-np.inf)
    e = np.exp(scores - np.where(np.isneginf(top.real), 0, top))
    total = e.sum(axis=2, keepdims=True)
    weights = e / np.where(total == 0, 1, total)
    return weights, weights


def masked_softmax_backward(dweights, cache):
    """Backward of masked_softmax_forward.

        α = softmax(e)          de_s = α_s (dα_s − Σ_j dα_j α_j)        0 where α_s = 0: no mask needed
    """
    return softmax_backward(dweights, cache)


def align_forward(queries, keys, params, mask, score):
    """Where each query looks.

        e_ts = score(q_t, k_s)
        α_ts = softmax over real s of e_ts

    Args:
        queries: (B, T, Q).
        keys:    (B, S, A), from keys_forward(memory, params).
        params:  of the score.
        mask:    (B, S) boolean, True at a real token, or None.
        score:   a record of SCORES.
    Returns:
        weights: (B, T, S).
        cache:   for align_backward.
    Source: Bahdanau et al. (2015), equation 6.
    """
    scores, score_cache = score.forward(queries, keys, params)
    weights, softmax_cache = masked_softmax_forward(scores, mask)
    return weights, (score_cache, softmax_cache, score)


def align_backward(dweights, cache):
    """Backward of align_forward, last line first.

        α_t  = softmax(e_t)     de_ts = α_ts (dα_ts − Σ_j dα_tj α_tj)
        e_ts = score(q_t, k_s)  dq_t, dk_s = score backward(de_ts)

    Returns:
        dqueries (B, T, Q), dkeys (B, S, A), grads of the score.
    """
    score_cache, softmax_cache, score = cache
    return score.backward(masked_softmax_backward(dweights, softmax_cache), score_cache)


def attention_forward(queries, keys, memory, params, mask, score):
    """Each query weighs all memories and receives their weighted mean.

        α_t = align(q_t, keys)
        c_t = Σ_s α_ts m_s

    Args:
        queries, keys, params, mask, score: as align_forward.
        memory:  (B, S, M).
    Returns:
        context: (B, T, M).
        weights: (B, T, S), to be looked at; they take no gradient from outside.
        cache:   for attention_backward.
    Source: Bahdanau et al. (2015), equation 5.
    """
    weights, align_cache = align_forward(queries, keys, params, mask, score)
    return weights @ memory, weights, (align_cache, weights, memory)


def attention_backward(dcontext, cache):
    """Backward of attention_forward, last line first.

        c_t = Σ_s α_ts m_s      dα_ts = dc_t · m_s,  dm_s = Σ_t α_ts dc_t
        α_t = align(q_t, keys)  dq_t, dk_s = align backward(dα_t)

    Args:
        dcontext: (B, T, M).
    Returns:
        dqueries (B, T, Q), dkeys (B, S, A),
        dmemory  (B, S, M): the path through the values only; keys_backward(dkeys) has the other one,
        grads of the score.
    """
    align_cache, weights, memory = cache
    dqueries, dkeys, grads = align_backward(dcontext @ memory.transpose(0, 2, 1), align_cache)
    return dqueries, dkeys, weights.transpose(0, 2, 1) @ dcontext, grads


# Exercises
# 1. Self-attention: call keys_forward and attention_forward so that a sequence asks itself. What are the
#    three gradients of the sequence, and why must they be added?
# 2. Let all scores of a row be equal. What is the context, and which model without attention is that? (decoders.py,
#    exercise 1)
# 3. Multiply every score by 100. What happens to the weights, and to the gradient of the scores?
# 4. Write this room again: `python -m numpy_seq2seq.homework make DIR --set attention`.
