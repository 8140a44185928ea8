"""Chapter: scores. How well a query fits a memory: four ways, one shape of function.

Before this: stacks.py. After it: attention.py.

While a decoder writes token t it has a vector q_t, the **query**. For each source token s there is a vector
m_s, the **memory**, which the encoder has made. A score is a number that says how useful m_s is for q_t.

Notation: T queries q, S memories m (one encoder output for each source token), Q size of a query, M size of a
memory, A size of a key; `...` any leading axes: (B,) in most decoders, (B, heads) in the Transformer. dot and
scaled_dot have no matrix, so there Q = M = A; in general and additive, A = Q. q · k is the dot product of two
vectors.

    keys     k_s = what a memory is compared by     computed once per source
    scores   e_ts = how well q_t fits k_s           dot, scaled_dot, general, additive

Every score has the same shape of function, so one can take the place of another:

    score_forward(queries, keys, params) -> scores, cache
    score_backward(dscores, cache)       -> dqueries, dkeys, grads

Not here: what is done with the scores (attention.py).
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from .layers import glorot, project, rows_of


def keys_forward(memory, params):
    """What each memory is compared by. It does not depend on the query: once per source, not once per step.

        k_s = m_s Wk            with a projection (general, additive)
        k_s = m_s               without one (dot, scaled_dot)

    Args:
        memory: (..., S, M).
        params: Wk (M, A), or empty.
    Returns:
        keys:   (..., S, A).
        cache:  for keys_backward.
    """
    if not params:
        return memory, (memory, None)
    return project(memory, params["Wk"]), (memory, params["Wk"])


def keys_backward(dkeys, cache):
    """Backward of keys_forward.

        k_s = m_s Wk            dm_s = dk_s Wkᵀ,  dWk = Σ_s m_sᵀ dk_s       Σ over the batch too

    Returns:
        dmemory: (..., S, M), the part that comes through the keys.
        grads:   Wk, or empty.
    """
    memory, Wk = cache
    if Wk is None:
        return dkeys, {}
    return project(dkeys, Wk.T), {"Wk": rows_of(memory).T @ rows_of(dkeys)}


def dot_score_forward(queries, keys, params):
    """Dot product. Where keys_forward has multiplied the memory by Wk before, this is Luong's `general`.

        e_ts = q_t · k_s        general: k_s = m_s Wk, hence e_ts = q_t Wkᵀ m_sᵀ (rows)

    Args:
        queries: (..., T, A).
        keys:    (..., S, A).
        params:  not used; all scores take the same arguments.
    Returns:
        scores:  (..., T, S).
        cache:   for dot_score_backward.
    Source: Luong et al. (2015), section 3.1, the content-based scores below equation 7: `dot`, h_tᵀ h̄_s, and
        `general`, h_tᵀ W_a h̄_s, with W_a = Wkᵀ.
    """
    return queries @ keys.swapaxes(-1, -2), (queries, keys)


def dot_score_backward(dscores, cache):
    """Backward of dot_score_forward.

        e_ts = q_t · k_s        dq_t = Σ_s de_ts k_s,  dk_s = Σ_t de_ts q_t

    Returns:
        dqueries (..., T, A), dkeys (..., S, A), grads (empty).
    """
    queries, keys = cache
    return dscores @ keys, dscores.swapaxes(-1, -2) @ queries, {}


def scaled_dot_score_forward(queries, keys, params):
    """Dot product over √A, so that its spread does not grow with the size of the vectors.

        e_ts = q_t · k_s / √A

    A sum of A independent products of variance 1 has variance A; over √A it has variance 1. Scores far
    apart would make the softmax nearly one-hot, and its gradient nearly 0.

    Args, Returns: as dot_score_forward.
    Source: Vaswani et al. (2017), equation 1, with A = d_k.
    """
    return dot_score_forward(queries * queries.shape[-1] ** -0.5, keys, params)


def scaled_dot_score_backward(dscores, cache):
    """Backward of scaled_dot_score_forward.

        e_ts = (q_t / √A) · k_s     dq_t = Σ_s de_ts k_s / √A,  dk_s = Σ_t de_ts q_t / √A

    Returns:
        dqueries (..., T, A), dkeys (..., S, A), grads (empty).
    """
    dqueries, dkeys, grads = dot_score_backward(dscores, cache)
    return dqueries * dqueries.shape[-1] ** -0.5, dkeys, grads


def additive_score_forward(queries, keys, params):
    """A small network with one hidden layer judges each pair of query and key.

        u_ts = q_t Wq + k_s                     k_s = m_s Wk
        e_ts = v · tanh(u_ts)

    Args:
        queries: (..., T, Q).
        keys:    (..., S, A).
        params:  Wq (Q, A), v (A,).
    Returns:
        scores:  (..., T, S).
        cache:   for additive_score_backward; it holds T S A numbers for each sentence.
    Source: Bahdanau et al. (2015), appendix A.1.2, a(s_{i−1}, h_j) = v_aᵀ tanh(W_a s_{i−1} + U_a h_j), with
        W_a = Wqᵀ, U_a = Wkᵀ; Luong et al. (2015), section 3.1, `concat`, v_aᵀ tanh(W_a [h_t; h̄_s]).
    """
    # (..., T, 1, A) + (..., 1, S, A) -> (..., T, S, A): every query meets every key
    u = project(queries, params["Wq"])[..., :, None, :] + keys[..., None, :, :]
    tanh_u = np.tanh(u, out=u)  # in place: this is the largest array of a model
    return project(tanh_u, params["v"][:, None])[..., 0], (queries, tanh_u, params)


def additive_score_backward(dscores, cache):
    """Backward of additive_score_forward.

        e_ts = v · tanh(u_ts)       dv = Σ de_ts tanh(u_ts),  du_ts = v de_ts (1 − tanh²(u_ts))
        u_ts = q_t Wq + k_s         dk_s = Σ_t du_ts,  dWq = Σ_t q_tᵀ Σ_s du_ts,  dq_t = Σ_s du_ts Wqᵀ

    v does not depend on t or s, so Σ_s du_ts = v ⊙ Σ_s de_ts slope_ts with slope = 1 − tanh²(u), where ⊙
    multiplies entry by entry. For one t, slope_t is a matrix (S, A) and de_t a row of S numbers: the sum is
    their product. The code makes slope (T, S, A), and never du, which is as large.

    One query q = 0, two keys 0 and 1, v = 2, Wq = 1: u = (0, 1), e = (0, 2 tanh 1) = (0, 2 · 0.7616) =
    (0, 1.523). For de = (1, 1): du = 2 (1 − 0², 1 − 0.7616²) = (2, 0.840), dk = du, dq = 2 + 0.840,
    dv = tanh 0 + tanh 1 = 0.762. dWq = q (2 + 0.840) = 0 here.

        >>> q, k, params = np.zeros((1, 1)), np.array([[0.0], [1.0]]), {"Wq": np.eye(1), "v": np.array([2.0])}
        >>> e, cache = additive_score_forward(q, k, params)
        >>> dq, dk, grads = additive_score_backward(np.ones((1, 2)), cache)
        >>> e.round(3).tolist(), dk.round(3).tolist(), dq.round(3).tolist(), grads["v"].round(3).tolist()
        ([[0.0, 1.523]], [[2.0], [0.84]], [[2.84]], [0.762])

    Returns:
        dqueries (..., T, Q), dkeys (..., S, A), grads: Wq, v.
    """
    queries, tanh_u, params = cache
    Wq, v = params["Wq"], params["v"]
    slope = 1 - tanh_u * tanh_u
    # every query met every key: Σ_s du_ts for the queries, Σ_t du_ts for the keys
    # (..., T, 1, S) @ (..., T, S, A) -> (..., T, 1, A): None adds the axis of 1, and 0 takes it away
    du_sum = v * (dscores[..., None, :] @ slope)[..., 0, :]
    dk = v * np.einsum("...ts,...tsa->...sa", dscores, slope)
    dv = dscores.reshape(-1) @ rows_of(tanh_u)
    dWq = rows_of(queries).T @ rows_of(du_sum)
    dq = project(du_sum, Wq.T)
    return dq, dk, {"Wq": dWq, "v": dv}


def _no_params(rng, query_size, memory_size, dtype):
    """Parameters of keys_forward, and of the score."""
    return {}, {}


def _general_init(rng, query_size, memory_size, dtype):
    return {"Wk": glorot(rng, memory_size, query_size, dtype)}, {}


def _additive_init(rng, query_size, memory_size, dtype):
    keys = {"Wk": glorot(rng, memory_size, query_size, dtype)}
    Wq, v = glorot(rng, query_size, query_size, dtype), glorot(rng, query_size, 1, dtype)
    return keys, {"Wq": Wq, "v": v[:, 0]}


class Score(NamedTuple):
    """A way to judge how well a query fits a key."""

    name: str
    init: Callable  # (rng, query_size, memory_size, dtype) -> params of keys_forward, params of the score
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
# 1. `general` projects the memory and not the query. Which products does that save while an answer is
#    written?
# 2. With queries and keys of independent entries of mean 0 and variance 1, what is the variance of a dot
#    product? What does scaled_dot do to it?
# 3. Add Luong's score `location` (2015, section 3.1), which looks at the query alone. Why does it need no
#    keys, and what must be known beforehand instead?
# 4. Write this chapter again: `python -m numpy_seq2seq.homework make DIR --set attention`.
