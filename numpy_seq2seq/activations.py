"""Chapter: activations. The non-linear functions that everything else is made of.

Before this: tasks.py. After it: layers.py.

Notation: x the input, y the output, L the loss, a single number; dy = ∂L/∂y and dx = ∂L/∂x are its
gradients. All but L have the same shape.

*Forward* computes y from x. *Backward* computes dx from dy by the chain rule, dx_i = Σ_j dy_j ∂y_j/∂x_i. What
forward keeps for backward is its *cache*. Each function stands above its backward. Every derivative here can
be written with the *output* y, so y itself is the cache. All of them take complex x, too: the gradient
checker (gradcheck.py) needs it.

Not here: masks (attention.py, losses.py).
"""

import numpy as np


def sigmoid(x):
    """Logistic function, element by element.

        σ(x) = 1 / (1 + exp(−x)) = ½ (1 + tanh(x/2))        tanh(x/2) = (1 − exp(−x)) / (1 + exp(−x))

    The second form cannot overflow.

        >>> float(sigmoid(np.array(0.0)))
        0.5
    """
    return 0.5 * (1 + np.tanh(0.5 * x))


def sigmoid_backward(dy, y):
    """Backward of sigmoid.

        y = σ(x)        dx = dy · y (1 − y)

    With u = exp(−x), y = 1/(1+u) and ∂u/∂x = −u. So ∂y/∂x = −1/(1+u)² · (−u) = 1/(1+u) · u/(1+u) = y (1 − y).
    It is at most ¼, at x = 0, and nearly 0 where y is near 0 or 1.

        >>> float(sigmoid_backward(1.0, 0.5))
        0.25
    """
    return dy * y * (1 - y)


def tanh_backward(dy, y):
    """Backward of np.tanh.

        y = tanh(x)     dx = dy · (1 − y²)

    tanh(x) = 2σ(2x) − 1. With s = σ(2x) = (1 + y)/2, the derivative is 4 s (1 − s) = (1 + y)(1 − y) = 1 − y².
    """
    return dy * (1 - y * y)


def relu(x):
    """Rectified linear unit, element by element.

        y = max(x, 0)

        >>> relu(np.array([0.0, 3.0]))
        array([0., 3.])
    """
    return x * (x.real > 0)  # np.maximum would compare complex numbers by their imaginary parts, too


def relu_backward(dy, y):
    """Backward of relu.

        y = max(x, 0)   dx = dy where y > 0, else 0

    At x = 0 there is a kink and no derivative; 0 is taken, as everywhere.

        >>> relu_backward(np.array([5.0, 5.0]), np.array([0.0, 3.0]))
        array([0., 5.])
    """
    return dy * (y > 0)


def softmax(x):
    """Scores to probabilities along the last axis.

        y_i = exp(x_i − m) / Σ_j exp(x_j − m)       m = max_j x_j

    The shift m cancels in the quotient; it keeps exp from overflowing. With pencil and paper,
    x = (0, ln 3): exp gives 1 and 3, so y = (1/4, 3/4).

        >>> y = softmax(np.array([0, np.log(3)]))
        >>> y.round(4)
        array([0.25, 0.75])
    """
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def softmax_backward(dy, y):
    """Backward of softmax.

        y = softmax(x)  dx_i = y_i (dy_i − Σ_j dy_j y_j)

    With e_i = exp(x_i) and S = Σ_j e_j, y_i = e_i / S. The quotient rule gives

        ∂y_i/∂x_i = (e_i S − e_i e_i) / S² = y_i (1 − y_i)
        ∂y_j/∂x_i = −e_j e_i / S² = −y_j y_i            for j ≠ i

    or in one formula ∂y_j/∂x_i = y_j (δ_ij − y_i), where δ_ij is 1 if i = j, else 0. Raising one score raises
    its own probability and lowers every other one. The chain rule sums over all j that x_i moves:

        dx_i = Σ_j dy_j ∂y_j/∂x_i = Σ_j dy_j y_j (δ_ij − y_i) = y_i dy_i − y_i Σ_j dy_j y_j

    For y = (1/4, 3/4) and dy = (1, 0) the sum is 1/4, so dx = (1/4 · 3/4, 3/4 · (−1/4)) = (3/16, −3/16).
    The two add up to 0, as they always do: adding a constant to all scores changes nothing.

        >>> softmax_backward(np.array([1.0, 0.0]), np.array([0.25, 0.75]))
        array([ 0.1875, -0.1875])
    """
    return y * (dy - (dy * y).sum(axis=-1, keepdims=True))


def log_softmax(x):
    """Logarithm of softmax along the last axis, exact where softmax itself would round to 0.

        y_i = (x_i − m) − log Σ_j exp(x_j − m)      m = max_j x_j

        >>> log_softmax(np.array([0.0, -1000.0]))       # np.log(softmax(…)) would be (0, −∞)
        array([    0., -1000.])
    """
    shifted = x - x.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def log_softmax_backward(dy, y):
    """Backward of log_softmax.

        y = log softmax(x)      dx_i = dy_i − exp(y_i) Σ_j dy_j

    y_j = x_j − log Σ_k exp(x_k), and the derivative of that logarithm by x_i is exp(x_i) / Σ_k exp(x_k) =
    exp(y_i). So ∂y_j/∂x_i = δ_ij − exp(y_i), and dx_i = Σ_j dy_j (δ_ij − exp(y_i)).

    For probabilities (1/4, 3/4) and the loss L = −y_1: dy = (−1, 0), dx = (−1 + ¼, 0 + ¾).

        >>> log_softmax_backward(np.array([-1.0, 0.0]), np.log([0.25, 0.75]))
        array([-0.75,  0.75])
    """
    return dy - np.exp(y) * dy.sum(axis=-1, keepdims=True)


# Exercises
# 1. Write the Jacobian of softmax for three classes as a matrix. Why do its rows add up to 0?
# 2. sigmoid(−1000.0): what do the two forms in its docstring give in floating point, and why?
# 3. Put log_softmax_backward behind loss = −y_k by hand. Which famous one-line gradient appears?
# 4. Write them again: `python -m numpy_seq2seq.homework make DIR --functions softmax,softmax_backward`.
