"""Chapter 5a. Scores: how well a query fits a memory. Four ways, one shape of function.

Before this: activations.py, layers.py. After it: attention.py.

Letters: B batch, T queries q, S memories m (an encoder output for each source position; not the LSTM's cell c),
Q size of a query, M size of a memory, A size of a key.

    keys     k_s = what a memory is found by        computed once per source
    scores   e_ts = how well q_t fits k_s           dot, scaled_dot, general, additive

Every score has the same shape of function, so one can take the place of another:

    score_forward(queries, keys, params) -> scores, cache
    score_backward(dscores, cache)       -> dqueries, dkeys, grads

Not here: what is done with the scores (attention.py).
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

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
    Source: Luong et al. (2015), section 3.1, the content-based scores below equation 7: `dot`, and `general`
        with W_a = Wmᵀ.
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
        section 3.1, `concat`, with W_a in two blocks.
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
# 1. `general` projects the memory and not the query. Which products does that save while an answer is written?
# 2. With queries and keys of independent entries of variance 1, what is the variance of a dot product? What
#    does scaled_dot do to it?
# 3. Add Luong's score `location` (2015, section 3.1), which looks at the query alone. Why does it need no keys,
#    and what must be known beforehand instead?
# 4. Write this room again: `python -m numpy_seq2seq.homework make DIR --set attention`.
