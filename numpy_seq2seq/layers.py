"""Chapter: layers. Embedding, affine map, dropout, layer normalisation: layers without time.

Before this: activations.py. After it: cells.py.

Notation: B batch, T length, V vocabulary, D input size, K output size; `...` stands for any leading axes,
such as (B, T). A vector is a row, and a matrix multiplies it from the right, x W. So xᵀ dy, a column times a
row, is a matrix.

The mirror rule begins here. Backward takes the gradients of what forward returned, then the cache. It returns
the gradients of what forward took, then `grads` where there are parameters. The order stays. What is not a
real number (ids, a rate, a generator) has no gradient.

    y, cache  = affine_forward(x, params)           x, cache = embedding_forward(ids, params)
    dx, grads = affine_backward(dy, cache)          grads    = embedding_backward(dx, cache)

Not here: anything that depends on a neighbour in time (recurrent.py).
"""

import numpy as np


def glorot(rng, rows, columns, dtype):
    """A random (rows, columns) matrix that keeps the size of signals and of gradients alike.

        W ~ Uniform(−a, a)      a = √(6 / (rows + columns))

    For independent numbers of mean 0, Var(Σ_d x_d W_dk) = rows · Var(x) · Var(W). So forward, x W has the
    variance of x if Var(W) = 1/rows. Backward, dy Wᵀ is a sum over the columns, and keeps the variance of dy
    if Var(W) = 1/columns. Uniform(−a, a) has variance a²/3; Glorot's a makes it 2 / (rows + columns), which
    lies between the two.

    Source: Glorot & Bengio (2010), equation 16. Drawn in float64 and rounded, so that a float32 and a
    float64 model of one seed start at the same point.
    """
    limit = np.sqrt(6 / (rows + columns))
    return rng.uniform(-limit, limit, (rows, columns)).astype(dtype)


def rows_of(a):
    """All leading axes as one: a matrix with one row for each token of each sequence."""
    return a.reshape(-1, a.shape[-1])


def project(a, W):
    """a W, as one product of all rows: a @ W would make a small product for each sequence."""
    return (rows_of(a) @ W).reshape(*a.shape[:-1], W.shape[1])


def embedding_init(rng, vocabulary_size, size, dtype):
    """Parameters of an embedding: E (V, D), normal with standard deviation 1/√D (rows of length ≈ 1)."""
    return {"E": (rng.standard_normal((vocabulary_size, size)) / np.sqrt(size)).astype(dtype)}


def embedding_forward(ids, params):
    """Each token id becomes its row of the table.

        x_r = E[id_r]           row r; the same as onehot(id_r) E, without the product

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

        x_r = E[id_r]           dE[v] = Σ dx_r over all rows r with id_r = v

    (x is what forward returned, so dx arrives here.)

    A token that occurs k times collects k gradients. The plain form is a loop over the rows:

        dE = np.zeros((V, D))
        for r, v in enumerate(ids):     # in NumPy: np.add.at(dE, ids, dx)
            dE[v] += dx[r]

    The code sorts the rows by id instead. Equal ids then stand together, and each run of them is summed at
    once: the same numbers, faster.

        >>> dE = embedding_backward(np.array([[1.0], [2.0], [3.0]]), (np.array([7, 5, 7]), (8, 1)))["E"]
        >>> dE.T            # id 5 occurs once, id 7 twice: 1 + 3
        array([[0., 0., 0., 0., 0., 2., 0., 4.]])

    Args:
        dx:     (..., D).
    Returns:
        grads:  E (V, D). The ids have no gradient.
    """
    ids, shape = cache
    dE = np.zeros(shape, dx.dtype)
    ids = ids.reshape(-1)
    if ids.size:
        order = np.argsort(ids, kind="stable")  # of the ids 7 5 7: the rows 1 0 2, with ids 5 7 7
        present, starts = np.unique(ids[order], return_index=True)  # ids 5 7; they begin at 0 and 1
        # reduceat sums the rows 0:1 for id 5, and 1: for id 7
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

        y = x W + b             db = Σ_r dy_r,  dW = xᵀ dy,  dx = dy Wᵀ

    All leading axes are taken as one here: r counts the rows. Element by element
    y_rk = Σ_d x_rd W_dk + b_k. W_dk is used once in each row r, hence
    ∂L/∂W_dk = Σ_r dy_rk ∂y_rk/∂W_dk = Σ_r x_rd dy_rk, which is (xᵀ dy)_dk. In the same way x_rd is used in
    every column k: ∂L/∂x_rd = Σ_k dy_rk W_dk, which is (dy Wᵀ)_rd.

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
    """Set a random share of the numbers to zero, so that none is relied on alone (inverted dropout).

        y = x · k / (1 − p)     k = 1 with probability 1 − p, else 0

    The mean of k is 1 − p. Dividing by it keeps the mean of y at x, so y = x is right while evaluating.

    Args:
        x:     (...).
        rate:  p in [0, 1).
        rng:   np.random.Generator; None while evaluating: then y = x.
    Returns:
        y:     (...).
        cache: for dropout_backward: the factors, or None where y = x.
    Source: Srivastava et al. (2014). Deviation: their p is the probability to *keep* a number, and they
        multiply the weights by it when the model is used, in place of dividing in training.
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

        μ = mean of x,  σ = √(mean of (x − μ)² + ε)        over the last axis, D numbers; no sigmoid here
        n = (x − μ) / σ         the normalised vector
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
    centred = x - x.sum(axis=-1, keepdims=True) / D  # x − μ
    σ = np.sqrt((centred * centred).sum(axis=-1, keepdims=True) / D + EPSILON)
    n = np.divide(centred, σ, out=centred)  # in place: centred is new
    return n * params["g"] + params["b"], (n, σ, params["g"])


def layer_norm_backward(dy, cache):
    """Backward of layer_norm_forward.

        y = n g + b             db = Σ dy,  dg = Σ dy n,  dn = dy g         Σ: over all vectors
        n = (x − μ) / σ         dx = (dn − mean(dn) − n mean(dn n)) / σ     mean(a) = (1/D) Σ_i a_i

    x_i reaches n_j in three ways: directly (only j = i), through μ, and through σ. First ∂μ/∂x_i = 1/D.
    In σ² = (1/D) Σ_k (x_k − μ)² + ε, the part through μ is −(2/D) Σ_k (x_k − μ) ∂μ/∂x_i = 0, since
    Σ_k (x_k − μ) = 0. So ∂σ²/∂x_i = (2/D) (x_i − μ). And since ∂σ²/∂x_i = 2σ ∂σ/∂x_i,
    ∂σ/∂x_i = (x_i − μ) / (D σ) = n_i/D. Then, with δ_ij = 1 if i = j, else 0,

        n_j = (x_j − μ) / σ
        ∂n_j/∂x_i = (δ_ij − 1/D) / σ − (x_j − μ) / σ² · n_i/D = (δ_ij − 1/D − n_j n_i/D) / σ

        Σ_j dn_j ∂n_j/∂x_i = (dn_i − (1/D) Σ_j dn_j − n_i (1/D) Σ_j dn_j n_j) / σ

    If a constant is added to x, n does not change; if x − μ is
    multiplied by a constant, n does not change either (for ε = 0). So dx has no part in these two directions:
    mean(dx) = 0, and mean(dx n) = 0.

    x = (1, 3) has μ = 2, σ = 1 and n = (−1, 1). For dn = (1, 0): mean(dn) = ½, mean(dn n) = −½, hence
    dx = (1 − ½ − ½, 0 − ½ + ½) = (0, 0): except for ε, two different numbers always become −1 and 1.
    With three numbers something is left. x = (−1, 0, 1) has σ² = 2/3 and n_1² = 3/2, so for dn = (1, 0, 0)
    n_1 mean(dn n) = n_1²/3 = ½:

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
    dg = np.einsum("nd,nd->d", rows_of(dy), rows_of(n))  # Σ dy n, without the array of all products
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
