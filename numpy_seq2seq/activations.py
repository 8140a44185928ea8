"""Chapter 1. Activations: the non-linear functions that everything else is made of.

Before this: nothing. After it: layers.py.

Letters: x the input, y the output, dy = ∂loss/∂y the gradient that arrives from above, dx = ∂loss/∂x
the gradient that is handed down. All have the same shape.

Each function stands above its backward. All these derivatives can be written with the *output* y, so y
itself is the cache. Everything works for real and for complex x: gradcheck.py differentiates along the
imaginary axis.

Not here: masks (attention.py, losses.py).
"""

import numpy as np


def sigmoid(x):
    """Logistic function, element by element.

        σ(x) = 1 / (1 + exp(−x)) = ½ (1 + tanh(x/2))

    The second form never overflows and is a single transcendental.
    """
    return 0.5 * (1 + np.tanh(0.5 * x))


def sigmoid_backward(dy, y):
    """Backward of sigmoid.

        y = σ(x)        dx = dy · y (1 − y)
    """
    return dy * y * (1 - y)


def tanh_backward(dy, y):
    """Backward of np.tanh.

        y = tanh(x)     dx = dy · (1 − y²)
    """
    return dy * (1 - y * y)


def softmax(x):
    """Scores to probabilities along the last axis.

        y_i = exp(x_i − m) / Σ_j exp(x_j − m)       m = max_j x_j

    The shift m cancels in the quotient; it keeps exp from overflowing.
    """
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def softmax_backward(dy, y):
    """Backward of softmax.

        y = softmax(x)  dx_i = y_i (dy_i − Σ_j dy_j y_j)

    From ∂y_j/∂x_i = y_j (δ_ij − y_i): raising one score lowers every other probability. A constant dy
    gives dx = 0, since the probabilities always sum to one.
    """
    return y * (dy - (dy * y).sum(axis=-1, keepdims=True))


def log_softmax(x):
    """Logarithm of softmax along the last axis, exact where softmax itself would round to 0.

        y_i = (x_i − m) − log Σ_j exp(x_j − m)      m = max_j x_j
    """
    shifted = x - x.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def log_softmax_backward(dy, y):
    """Backward of log_softmax.

        y = log softmax(x)      dx_i = dy_i − exp(y_i) Σ_j dy_j
    """
    return dy - np.exp(y) * dy.sum(axis=-1, keepdims=True)


# Exercises
# 1. Derive softmax_backward from ∂y_j/∂x_i. Where does the sum over j come from?
# 2. sigmoid(−1000.0): what do the two forms in its docstring give in floating point, and why?
# 3. Chain log_softmax_backward by hand behind loss = −y_k. Which famous one-line gradient appears?
# 4. Write them again: `python -m numpy_seq2seq.homework make DIR --functions softmax,softmax_backward`.
