"""Chapter 5. Attention: every query looks at every memory, and takes what it needs.

Before this: activations.py. After it: losses.py.

Letters: B batch, T queries, S memories (source positions), Q size of a query, M size of a memory, A size
of a key.

    keys     k_s = what a memory is found by            computed once per source
    scores   e_ts = how well query t fits key s         dot, scaled_dot, general, additive
    weights  α_ts = softmax over s of e_ts              zero where the mask says padding
    context  c_t = Σ_s α_ts m_s                         fresh for each query: no bottleneck

One function serves any number of queries. A decoder that attends after its recurrence (Luong) asks with
all T states at once; one that attends inside it (Bahdanau), and generation, ask with T = 1; a sequence
that asks itself is self-attention.

Not here: recurrence (recurrent.py); what a decoder does with the context (decoders.py).
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from .activations import softmax_backward
from .layers import glorot


def keys_forward(memory, params):
    """What each memory is found by. Does not depend on the query: once per source, not once per step.

        k_s = m_s Wm            with a projection (general, additive)
        k_s = m_s               without one (dot, scaled_dot)

    Args:
        memory: (B, S, M).
        params: Wm (M, A), or no Wm.
    Returns:
        keys:   (B, S, A).
        cache:  for keys_backward.
    """
    if "Wm" not in params:
        return memory, (memory, None)
    return memory @ params["Wm"], (memory, params["Wm"])


def keys_backward(dkeys, cache):
    """Backward of keys_forward.

        k_s = m_s Wm            dm_s = dk_s Wmᵀ,  dWm = Σ_s m_sᵀ dk_s       Σ over the batch too

    Returns:
        dmemory: (B, S, M), the part that comes through the keys.
        grads:   Wm, or empty.
    """
    memory, Wm = cache
    if Wm is None:
        return dkeys, {}
    rows, drows = memory.reshape(-1, Wm.shape[0]), dkeys.reshape(-1, Wm.shape[1])
    return dkeys @ Wm.T, {"Wm": rows.T @ drows}


def dot_score_forward(queries, keys, params):
    """Dot product; with projected keys this is Luong's `general`.

        e_ts = q_t · k_s        general: k_s = m_s Wm, hence e_ts = q_t Wmᵀ m_sᵀ

    Args:
        queries: (B, T, A).
        keys:    (B, S, A).
        params:  not used.
    Returns:
        scores:  (B, T, S).
        cache:   for dot_score_backward.
    Source: Luong et al. (2015), equation 8, `dot` and `general` with W_a = Wmᵀ.
    """
    return queries @ keys.transpose(0, 2, 1), (queries, keys)


def dot_score_backward(dscores, cache):
    """Backward of dot_score_forward.

        e_ts = q_t · k_s        dq_t = Σ_s de_ts k_s,  dk_s = Σ_t de_ts q_t

    Returns:
        dqueries (B, T, A), dkeys (B, S, A), grads (empty).
    """
    queries, keys = cache
    return dscores @ keys, dscores.transpose(0, 2, 1) @ queries, {}


def scaled_dot_score_forward(queries, keys, params):
    """Dot product over √A, so that its spread does not grow with the size of the vectors.

        e_ts = q_t · k_s / √A

    Args, Returns: as dot_score_forward.
    Source: Vaswani et al. (2017), equation 1.
    """
    return dot_score_forward(queries * queries.shape[2] ** -0.5, keys, params)


def scaled_dot_score_backward(dscores, cache):
    """Backward of scaled_dot_score_forward.

        e_ts = (q_t / √A) · k_s     dq_t = Σ_s de_ts k_s / √A,  dk_s = Σ_t de_ts q_t / √A

    Returns:
        dqueries (B, T, A), dkeys (B, S, A), grads (empty).
    """
    dqueries, dkeys, grads = dot_score_backward(dscores, cache)
    return dqueries * dqueries.shape[2] ** -0.5, dkeys, grads


def additive_score_forward(queries, keys, params):
    """A small network with one hidden layer judges each pair of query and key.

        e_ts = v · tanh(q_t Wq + k_s)           k_s = m_s Wm

    Args:
        queries: (B, T, Q).
        keys:    (B, S, A).
        params:  Wq (Q, A), v (A,).
    Returns:
        scores:  (B, T, S).
        cache:   for additive_score_backward; it holds B T S A numbers.
    Source: Bahdanau et al. (2015), appendix A.1.2, with W_a = Wqᵀ, U_a = Wmᵀ; Luong et al. (2015),
        equation 8, `concat`.
    """
    hidden = (queries @ params["Wq"])[:, :, None] + keys[:, None]
    np.tanh(hidden, out=hidden)  # in place: this is the largest array of a model
    return hidden @ params["v"], (queries, hidden, params)


def additive_score_backward(dscores, cache):
    """Backward of additive_score_forward. u_ts is what stands inside tanh.

        e_ts = v · tanh(u_ts)       dv = Σ de_ts tanh(u_ts),  du_ts = v de_ts (1 − tanh²(u_ts))
        u_ts = q_t Wq + k_s         dk_s = Σ_t du_ts,  dWq = Σ_t q_tᵀ Σ_s du_ts,  dq_t = Σ_s du_ts Wqᵀ

    v stands before both sums, and what is left of each is a product with de: du itself is never needed.

    Returns:
        dqueries (B, T, Q), dkeys (B, S, A), grads: Wq, v.
    """
    queries, hidden, params = cache
    slope = 1 - hidden * hidden
    # every query met every key
    du_query = params["v"] * (dscores[:, :, None] @ slope)[:, :, 0]
    dkeys = params["v"] * np.einsum("bts,btsa->bsa", dscores, slope)
    rows, drows = queries.reshape(-1, queries.shape[2]), du_query.reshape(-1, du_query.shape[2])
    grads = {"Wq": rows.T @ drows, "v": dscores.reshape(-1) @ hidden.reshape(-1, hidden.shape[3])}
    return du_query @ params["Wq"].T, dkeys, grads


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
        dqueries (B, T, Q), dkeys (B, S, A), grads of the score, with in between
        dmemory  (B, S, M): the path through the values only; keys_backward(dkeys) has the other one.
    """
    align_cache, weights, memory = cache
    dqueries, dkeys, grads = align_backward(dcontext @ memory.transpose(0, 2, 1), align_cache)
    return dqueries, dkeys, weights.transpose(0, 2, 1) @ dcontext, grads


def _no_params(rng, query_size, memory_size, dtype):
    return {}


def _general_init(rng, query_size, memory_size, dtype):
    return {"Wm": glorot(rng, memory_size, query_size, dtype)}


def _additive_init(rng, query_size, memory_size, dtype):
    return {
        "Wm": glorot(rng, memory_size, query_size, dtype),
        "Wq": glorot(rng, query_size, query_size, dtype),
        "v": glorot(rng, query_size, 1, dtype)[:, 0],
    }


class Score(NamedTuple):
    """A way to judge how well a query fits a key."""

    name: str
    init: Callable  # (rng, query_size, memory_size, dtype) -> params
    forward: Callable
    backward: Callable


SCORES = {
    score.name: score
    for score in (
        Score("dot", _no_params, dot_score_forward, dot_score_backward),
        Score("scaled_dot", _no_params, scaled_dot_score_forward, scaled_dot_score_backward),
        Score("general", _general_init, dot_score_forward, dot_score_backward),
        Score("additive", _additive_init, additive_score_forward, additive_score_backward),
    )
}

# Exercises
# 1. Self-attention: call keys_forward and attention_forward so that a sequence asks itself. What are the
#    three gradients of the sequence, and why must they be added?
# 2. Let all scores of a row be equal. What is the context, and which model without attention is that?
# 3. Multiply every score by 100. What happens to the weights, and to the gradient of the scores?
# 4. Write this room again: `python -m numpy_seq2seq.homework make DIR --set attention`.
