"""Chapter 8. Optimisers: SGD, Adam, clipping by global norm, learning-rate schedules.

Before this: shapes.py. After it: training.py.

Letters: θ a parameter, g its gradient, η the learning rate, t the number of the step, from 1.

params and grads are dict[layer][name] -> array. The optimisers write *in place* into params and into
their own state; clipping writes in place into grads. Besides train, which calls them, no function of the models
writes into what it is given. A schedule is a pure function of the step.

Not here: the loop over batches (training.py).
"""

import math

import numpy as np


def sgd_init(params):
    """State of plain SGD: none."""
    return {}


def sgd_step(params, grads, state, learning_rate):
    """One step of stochastic gradient descent, in place on params.

        θ ← θ − η g
    """
    for layer, arrays in params.items():
        for name, theta in arrays.items():
            theta -= learning_rate * grads[layer][name]


def adam_init(params):
    """State of Adam: m and v, zero, in the shape of params; t, the number of steps taken."""
    def zeros():
        return {layer: {name: np.zeros_like(a) for name, a in arrays.items()} for layer, arrays in params.items()}

    return {"m": zeros(), "v": zeros(), "t": 0}


def adam_step(params, grads, state, learning_rate, beta1=0.9, beta2=0.999, epsilon=1e-8, decay=0.0):
    """One step of Adam, in place on params and state; with decay it is AdamW.

        m ← β₁ m + (1 − β₁) g           mean of the gradient
        v ← β₂ v + (1 − β₂) g²          mean of its square
        m̂ = m / (1 − β₁ᵗ),  v̂ = v / (1 − β₂ᵗ)      both began at zero: undo that
        θ ← θ − η λ θ                   decoupled: the decay does not pass through m and v
        θ ← θ − η m̂ / (√v̂ + ε)

    In the first step m̂/√v̂ = ±1 wherever g ≠ 0: such a parameter moves by η, however large its gradient.

    Args:
        learning_rate: η.
        decay:         λ, for all parameters alike.
    Source: Kingma & Ba (2015), algorithm 1; decay: Loshchilov & Hutter (2019), algorithm 2. Deviation: there λ is
        multiplied by the schedule alone; here, as in PyTorch, by the learning rate η.
    """
    state["t"] += 1
    correction1, correction2 = 1 - beta1 ** state["t"], 1 - beta2 ** state["t"]
    for layer, arrays in params.items():
        for name, theta in arrays.items():
            g, m, v = grads[layer][name], state["m"][layer][name], state["v"][layer][name]
            m += (1 - beta1) * (g - m)
            v += (1 - beta2) * (g * g - v)
            if decay:
                theta -= learning_rate * decay * theta
            theta -= (learning_rate / correction1) * m / (np.sqrt(v / correction2) + epsilon)


def global_norm(grads):
    """Length of all gradients taken as one vector, √Σ g²; a Python float."""
    return math.sqrt(sum(float(np.vdot(g, g).real) for arrays in grads.values() for g in arrays.values()))


def clip_by_global_norm(grads, max_norm):
    """Shorten the gradient, in place, if it is longer than max_norm; its direction stays.

        g ← g · min(1, max_norm / ‖g‖)      ‖g‖ over *all* parameters together

    One common factor: clipping by array or by element would turn the direction.

    Returns:
        norm: ‖g‖ before clipping.
    Source: Pascanu et al. (2013), algorithm 1.
    """
    norm = global_norm(grads)
    if norm > max_norm:
        for arrays in grads.values():
            for g in arrays.values():
                g *= max_norm / norm
    return norm


def warmup_cosine(step, steps, peak, warmup):
    """Learning rate that rises linearly to its peak and falls along half a cosine to zero.

        η = peak · t / warmup                                   t ≤ warmup
        η = peak · ½ (1 + cos(π (t − warmup) / (steps − warmup)))    after that

    Args:
        step:   t, from 1 to steps.
        steps:  length of the whole training.
        peak:   highest learning rate.
        warmup: number of steps to get there.
    Source: the cosine: Loshchilov & Hutter (2017), equation 5, one period, η_min = 0.
    """
    if step <= warmup:
        return peak * step / warmup
    return peak * 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(steps - warmup, 1)))


def exponential_decay(step, peak, rate):
    """Learning rate that shrinks by the same factor every step.

        η = peak · rate^(t − 1)
    """
    return peak * rate ** (step - 1)


def inverse_sqrt(step, peak, warmup):
    """Learning rate that rises linearly to its peak and then falls like 1/√t.

        η = peak · min(t / warmup, √(warmup / t))

    Source: Vaswani et al. (2017), equation 3, with peak = d_model^−½ · warmup^−½.
    """
    return peak * min(step / warmup, math.sqrt(warmup / step))


# Exercises
# 1. Write momentum as a pair momentum_init, momentum_step, and train the reverse task with it.
# 2. Start Adam without the two corrections. How long is the first step? And the tenth?
# 3. A gradient of norm 10 is clipped to 1 and given to Adam. What does clipping change in the first step?
# 4. Write this room again: `python -m numpy_seq2seq.homework make DIR --set optimisers`.
