"""Chapter: layers. Embedding, affine map, dropout, layer normalisation: layers without time.

Before this: activations.py. After it: cells.py.

Notation: B batch, T length, V vocabulary, D input size, K output size; `...` stands for any leading axes,
such as (B, T).

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


def rows_of(a):
    """All leading axes as one: a matrix with one row for each token of each sequence."""
    return a.reshape(-1, a.shape[-1])


def project(a, W):
    """a W over all leading axes as one product: a @ W would be one for each sequence, which takes longer."""
    return (rows_of(a) @ W).reshape(*a.shape[:-1], W.shape[1])


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

    A token that occurs k times collects k gradients. The plain form is two lines:

        dE = np.zeros((V, D))
        np.add.at(dE, ids, dx)

    The code sorts the rows by id instead. Equal ids then stand together, and each run of them is summed at
    once: the same numbers, several times faster.

        >>> dE = embedding_backward(np.array([[1.0], [2.0], [3.0]]), (np.array([1, 0, 1]), (3, 1)))["E"]
        >>> dE.T            # id 0 occurs once, id 1 twice, id 2 never
        array([[2., 4., 0.]])

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
        dE[present] = np.add.reduceat(rows_of(dx)[order], starts, axis=0)
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
    y = project(x, W)
    y += b  # in place: y is new, and the largest array here
    return y, (x, W)


def affine_backward(dy, cache):
    """Backward of affine_forward.

        y = x W + b             db = Σ dy,  dW = xᵀ dy,  dx = dy Wᵀ     Σ, ᵀ over all rows

    Element by element y_nk = Σ_d x_nd W_dk + b_k. W_dk is read once in each row n, hence
    ∂L/∂W_dk = Σ_n dy_nk ∂y_nk/∂W_dk = Σ_n x_nd dy_nk, which is (xᵀ dy)_dk. In the same way x_nd is read by
    every column k: ∂L/∂x_nd = Σ_k dy_nk W_dk, which is (dy Wᵀ)_nd.

    One row, x = (1, 2), W = (3, 4)ᵀ, b = 5 gives y = 3 + 8 + 5 = 16. For dy = 10:

        >>> params = {"W": np.array([[3.0], [4.0]]), "b": np.array([5.0])}
        >>> y, cache = affine_forward(np.array([[1.0, 2.0]]), params)
        >>> dx, grads = affine_backward(np.array([[10.0]]), cache)
        >>> y.item(), dx.tolist(), grads["W"].tolist(), grads["b"].tolist()
        (16.0, [[30.0, 40.0]], [[10.0], [20.0]], [10.0])

    Args:
        dy:     (..., K).
    Returns:
        dx:     (..., D).
        grads:  W, b.
    """
    x, W = cache
    dy = rows_of(dy)
    db = dy.sum(axis=0)
    dW = rows_of(x).T @ dy
    dx = (dy @ W.T).reshape(x.shape)
    return dx, {"W": dW, "b": db}


def dropout_forward(x, rate, rng):
    """Set a random share of the numbers to zero, so that none becomes indispensable (inverted dropout).

        y = x · k / (1 − p)     k = 1 with probability 1 − p, else 0; the mean of y is x

    Args:
        x:     (...).
        rate:  p in [0, 1).
        rng:   np.random.Generator; None while evaluating: then y = x.
    Returns:
        y:     (...).
        cache: for dropout_backward: the factors, or None where y = x.
    Source: Srivastava et al. (2014), who multiply the weights at test time by the probability to keep a unit
        (their p, here 1 − p). They name dividing in training, as here, as another way to the same end: then
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


EPSILON = 1e-5  # in layer normalisation; the paper names none, this is PyTorch's


def layer_norm_init(size, dtype):
    """Parameters of layer normalisation: g (D,) one, b (D,) zero."""
    return {"g": np.ones(size, dtype), "b": np.zeros(size, dtype)}


def layer_norm_forward(x, params):
    """Every vector is shifted to mean 0 and scaled to variance 1, each by itself.

        μ = mean of x,  σ = √(mean of (x − μ)² + ε)        over the last axis, D numbers
        n = (x − μ) / σ
        y = n g + b

    Args:
        x:      (..., D).
        params: g (D,), b (D,).
    Returns:
        y:      (..., D).
        cache:  for layer_norm_backward.
    Source: Ba, Kiros & Hinton (2016), section 3; LayerNorm in Vaswani et al. (2017), section 3.1. The ε,
        which keeps a constant x from a division by zero, is under the root, as in PyTorch.
    """
    D = x.shape[-1]
    n = x - x.sum(axis=-1, keepdims=True) / D
    σ = np.sqrt((n * n).sum(axis=-1, keepdims=True) / D + EPSILON)
    n /= σ  # in place: n is new
    return n * params["g"] + params["b"], (n, σ, params["g"])


def layer_norm_backward(dy, cache):
    """Backward of layer_norm_forward.

        y = n g + b             db = Σ dy,  dg = Σ dy n,  dn = dy g         Σ over all vectors
        n = (x − μ) / σ         dx = (dn − mean(dn) − n mean(dn n)) / σ     means over one vector

    x_i reaches n_j in three ways: directly (only j = i), through μ, and through σ. With ∂μ/∂x_i = 1/D and
    ∂σ/∂x_i = (1/2σ) (2/D) (x_i − μ) = n_i/D,

        ∂n_j/∂x_i = (δ_ij − 1/D − n_j n_i/D) / σ

    and Σ_j dn_j ∂n_j/∂x_i is the line above. The two means take out of dn what the shift and the scale
    undo: dx has mean 0 and (for ε = 0) is at a right angle to n.

    x = (1, 3) has μ = 2, σ = 1 and n = (−1, 1). For dn = (1, 0): mean(dn) = ½, mean(dn n) = −½, hence
    dx = (1 − ½ − ½, 0 − ½ + ½) = (0, 0): but for ε, two different numbers always become −1 and 1.
    With three numbers something is left:

        >>> y, cache = layer_norm_forward(np.array([-1.0, 0.0, 1.0]), {"g": np.ones(3), "b": np.zeros(3)})
        >>> dx, _ = layer_norm_backward(np.array([1.0, 0.0, 0.0]), cache)
        >>> (dx * np.sqrt(2 / 3)).round(3) + 0     # times σ: 1 − 1/3 − 1/2, 0 − 1/3, 0 − 1/3 + 1/2
        array([ 0.167, -0.333,  0.167])

    Returns:
        dx:    (..., D).
        grads: g, b.
    """
    n, σ, g = cache
    D = n.shape[-1]
    db = rows_of(dy).sum(axis=0)
    dg = np.einsum("nd,nd->d", rows_of(dy), rows_of(n))
    dn = dy * g
    shift = dn.sum(axis=-1, keepdims=True) / D
    scale = np.einsum("...d,...d->...", dn, n)[..., None] / D
    dx = (dn - shift - n * scale) / σ
    return dx, {"g": dg, "b": db}


# Exercises
# 1. Write embedding_backward with np.add.at, and as a product with a one-hot matrix. Time the three.
# 2. Let forward see x of shape (B, T, D), and let backward sum dW and db over B only, at the last step. For
#    which T is that right? Predict, then try gradcheck.check_pair.
# 3. Why does dW need x, while db does not? Which product could you drop if nothing below x were trained?
# 4. Leave the two means out of layer_norm_backward. How large is the error for D = 2, and for D = 200?
# 5. Write this chapter again: `python -m numpy_seq2seq.homework make DIR --set layers`.
