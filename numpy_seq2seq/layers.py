"""Chapter 2. Layers without time: embedding, affine, dropout.

Before this: activations.py. After it: cells.py.

Letters: B batch, T length, V vocabulary, D input size, K output size; `...` any leading axes, such as
(B, T).

The mirror rule begins here: backward takes the gradients of what forward returned, in that order, then
the cache; it returns the gradients of what forward took, in that order, then `grads`, when there are
parameters. Token ids are integers and have no gradient.

Not here: anything that depends on a neighbour in time (recurrent.py).
"""

import numpy as np


def glorot(rng, rows, columns, dtype):
    """A random (rows, columns) matrix that keeps the size of signals and of gradients alike.

        W ~ Uniform(−a, a)      a = √(6 / (rows + columns))

    Source: Glorot & Bengio (2010), equation 16. Drawn in float64 and rounded, so that a float32 and a
    float64 model of one seed start at the same point.
    """
    limit = np.sqrt(6 / (rows + columns))
    return rng.uniform(-limit, limit, (rows, columns)).astype(dtype)


def embedding_init(rng, vocabulary_size, size, dtype):
    """Parameters of an embedding: E (V, D), normal with standard deviation 1/√D (rows of length ≈ 1)."""
    return {"E": (rng.standard_normal((vocabulary_size, size)) / np.sqrt(size)).astype(dtype)}


def embedding_forward(ids, params):
    """Each token id becomes its row of the table.

        x_n = E[id_n]           the same as onehot(id_n) E, without the product

    Args:
        ids:    (...) integers in [0, V).
        params: E (V, D).
    Returns:
        x:      (..., D).
        cache:  for embedding_backward.
    """
    return params["E"][ids], (ids, params["E"].shape)


def embedding_backward(dx, cache):
    """Backward of embedding_forward.

        x_n = E[id_n]           dE[v] = Σ dx_n over all n with id_n = v

    A token that occurs k times collects k gradients. The sum over equal ids is a sum over runs once the
    rows are sorted by id; that is several times faster than np.add.at.

    Args:
        dx:     (..., D).
    Returns:
        grads:  E (V, D). The ids have no gradient.
    """
    ids, shape = cache
    dE = np.zeros(shape, dx.dtype)
    ids = ids.reshape(-1)
    if ids.size:
        order = np.argsort(ids, kind="stable")
        present, starts = np.unique(ids[order], return_index=True)
        dE[present] = np.add.reduceat(dx.reshape(-1, shape[1])[order], starts, axis=0)
    return {"E": dE}


def affine_init(rng, input_size, output_size, dtype):
    """Parameters of an affine map: W (D, K) by glorot, b (K,) zero."""
    return {"W": glorot(rng, input_size, output_size, dtype), "b": np.zeros(output_size, dtype)}


def affine_forward(x, params):
    """One matrix product and a bias, over all leading axes at once.

        y = x W + b

    Args:
        x:      (..., D).
        params: W (D, K), b (K,).
    Returns:
        y:      (..., K).
        cache:  for affine_backward.
    """
    W, b = params["W"], params["b"]
    rows = x.reshape(-1, W.shape[0])
    return (rows @ W + b).reshape(*x.shape[:-1], W.shape[1]), (rows, W)


def affine_backward(dy, cache):
    """Backward of affine_forward.

        y = x W + b             db = Σ dy,  dW = xᵀ dy,  dx = dy Wᵀ     Σ, ᵀ over all rows

    Args:
        dy:     (..., K).
    Returns:
        dx:     (..., D).
        grads:  W, b.
    """
    rows, W = cache
    drows = dy.reshape(-1, W.shape[1])
    dx = (drows @ W.T).reshape(*dy.shape[:-1], W.shape[0])
    return dx, {"W": rows.T @ drows, "b": drows.sum(axis=0)}


def dropout_forward(x, rate, rng):
    """Switch off a random share of the numbers, so that none becomes indispensable (inverted dropout).

        y = x · k / (1 − p)     k = 1 with probability 1 − p, else 0; the mean of y is x

    Args:
        x:     (...).
        rate:  p in [0, 1).
        rng:   np.random.Generator; None while evaluating: then y = x.
    Returns:
        y:     (...).
        cache: for dropout_backward: the factors, or None where y = x.
    Source: Srivastava et al. (2014), who multiply the weights at test time by the probability to keep a unit
        (their p, here 1 − p). Dividing in training, as here, they name as another way to the same end: then
        evaluation has nothing to undo.
    """
    if rng is None or rate == 0:
        return x, None
    factors = ((rng.random(x.shape) >= rate) / (1 - rate)).astype(x.dtype)
    return x * factors, factors


def dropout_backward(dy, cache):
    """Backward of dropout_forward.

        y = x · factors         dx = dy · factors
    """
    return dy if cache is None else dy * cache


# Exercises
# 1. Write embedding_backward with np.add.at, and as a product with a one-hot matrix. Time the three.
# 2. Let forward see x of shape (B, T, D), and let backward sum dW and db over B only, at the last step. For which
#    T is that right? Predict, then try gradcheck.check_pair.
# 3. Why does dW need x, while db does not? Which product could you drop if nothing below x were trained?
# 4. Write this room again: `python -m numpy_seq2seq.homework make DIR --set layers`.
