"""Chapter: optimisers. SGD, Adam, clipping by global norm, learning-rate schedules.

Before this: seq2seq.py. After it: generate.py.

Notation: θ a parameter, g its gradient, η the learning rate, t the number of the step, from 1.

params and grads are dict[layer][name] -> array. The optimisers write *in place* into params and into their
own state; clipping writes in place into grads. They, and train, which calls them, are the only functions that
change their arguments; all others return new arrays. A schedule is a function of the step and nothing else.

    η(t)   warmup_cosine          inverse_sqrt           exponential_decay
           │  ╭╮                  │  ╱╲                  │╲
           │ ╱  ╲                 │ ╱  ╲__               │ ╲_
           │╱    ╲                │╱      ╲_____         │   ╲____
           └──────╰─── t          └───────────── t       └───────── t
                  steps, then 0     for ever               for ever

At first Adam's means rest on few gradients, and yet its steps are as long as η: a warm-up keeps them short.
Near the end, long steps would jump from one side of the minimum to the other: so η falls. Take
warmup_cosine where the number of steps is known, as in all demos, and inverse_sqrt where it is not.

Not here: the loop over batches (training.py).
"""

import math

import numpy as np

from .checks import check_adam, check_finite, check_layers, check_norm, check_schedule, check_size, check_step
from .checks import is_number, shown
from .trees import tree_map


def sgd_init(params: dict) -> dict:
    """State of plain SGD: none."""
    check_layers("params", params)
    return {}


def sgd_step(params: dict, grads: dict, state: dict, learning_rate: float) -> None:
    """One step of stochastic gradient descent, in place on params.

        θ ← θ − η g

        >>> params = {"layer": {"w": np.array([1.0])}}
        >>> sgd_step(params, {"layer": {"w": np.array([2.0])}}, {}, learning_rate=0.25)
        >>> params["layer"]["w"].tolist()               # 1 − ¼ · 2
        [0.5]

    As in adam_step, an entry so large that its square would overflow is clipped first (_limited).

    Raises:
        ValueError: gradients of another shape, a state that is not SGD's, a negative learning rate.
    """
    if not isinstance(state, dict) or state:
        raise ValueError("the state of SGD is {}, from sgd_init(params); got that of another optimiser")
    check_step(params, grads, learning_rate)
    grads = _limited(grads)
    for layer, arrays in params.items():
        for name, theta in arrays.items():
            theta -= learning_rate * grads[layer][name]


def adam_init(params: dict) -> dict:
    """State of Adam: m and v, zero, in the shape of params; t, the number of steps taken."""
    check_layers("params", params)
    return {"m": tree_map(np.zeros_like, params), "v": tree_map(np.zeros_like, params), "t": 0}


def adam_step(params: dict, grads: dict, state: dict, learning_rate: float, beta1: float = 0.9,
              beta2: float = 0.999, epsilon: float = 1e-8, decay: float = 0.0) -> None:
    """One step of Adam, in place on params and state; with decay it is AdamW.

        m ← β₁ m + (1 − β₁) g           running mean of the gradient, over about 1/(1 − β₁) = 10 steps
        v ← β₂ v + (1 − β₂) g²          running mean of its square, over some 1000
        m̂ = m / (1 − β₁ᵗ),  v̂ = v / (1 − β₂ᵗ)      undoes that both began at zero
        θ ← θ − η λ θ                   decay, towards 0; "decoupled": it does not pass through m and v
        θ ← θ − η m̂ / (√v̂ + ε)

    Why divide by √v̂: a parameter whose gradients are always small moves as far as one whose gradients are
    always large, by about η. Where g changes its sign from step to step, m̂ is small against √v̂, and the
    steps are short, as the second one below.

    For a constant g, m_t − g = β₁ (m_{t−1} − g), and m_0 = 0, so m_t − g = −β₁ᵗ g and m_t = (1 − β₁ᵗ) g:
    dividing by the factor gives g. In the first step m̂/√v̂ = ±1, so a parameter moves by η, however large
    its gradient (if |g| is far above ε, and λ = 0). Two steps by hand, with g = 4, then −4, from θ = 1, with
    η = 0.1:

        t = 1   m = 0.4       m̂ = m / 0.1 = 4           v = 0.016      v̂ = v / 0.001 = 16
                θ = 1 − 0.1 · 4 / 4 = 0.9
        t = 2   m = −0.04     m̂ = m / 0.19 = −0.21      v = 0.031984   v̂ = v / 0.001999 = 16
                θ = 0.9 + 0.1 · 0.21 / 4 = 0.905

        >>> params = {"layer": {"w": np.array([1.0])}}
        >>> state = adam_init(params)
        >>> for g in (4.0, -4.0):
        ...     adam_step(params, {"layer": {"w": np.array([g])}}, state, learning_rate=0.1)
        ...     print(params["layer"]["w"].round(3), state["m"]["layer"]["w"].round(3))
        [0.9] [0.4]
        [0.905] [-0.04]

    An entry so large that g² would overflow is clipped first (_limited).

    Args:
        learning_rate: η.
        decay:         λ, for all parameters alike.
    Raises:
        ValueError: gradients, or a state, of another shape; a gradient that is not finite; a state that is
            not Adam's; a learning rate, β, ε or λ that cannot be one.
    Source: Kingma & Ba (2015), algorithm 1; decay: Loshchilov & Hutter (2019), algorithm 2. Deviation: there
        λ is multiplied by the schedule alone; here, as in PyTorch, by the learning rate η.
    """
    check_step(params, grads, learning_rate)
    check_adam(params, state, beta1, beta2, epsilon, decay)
    grads = _limited(grads)
    state["t"] += 1
    correction1, correction2 = 1 - beta1 ** state["t"], 1 - beta2 ** state["t"]
    for layer, arrays in params.items():
        for name, theta in arrays.items():
            g, m, v = grads[layer][name], state["m"][layer][name], state["v"][layer][name]
            m += (1 - beta1) * (g - m)  # β₁ m + (1 − β₁) g, with one product
            v += (1 - beta2) * (g * g - v)
            if decay:
                theta -= learning_rate * decay * theta
            theta -= (learning_rate / correction1) * m / (np.sqrt(v / correction2) + epsilon)


def global_norm(grads):
    """Length of all gradients taken as one vector, √Σ g²; a Python float.

        >>> round(global_norm({"a": {"w": np.array([3.0])}, "b": {"w": np.array([0.0, -4.0])}}), 6)
        5.0

    Where the sum of squares overflows, or is nearly 0, all g are divided by the largest |g|, s, before they
    are squared: ‖g‖ = s √Σ (g/s)².
    """
    check_layers("grads", grads)
    squares = _sum_of_squares(grads)
    if 1e-30 < squares < np.inf:
        return math.sqrt(squares)
    s = np.max([np.abs(g).max(initial=0) for arrays in grads.values() for g in arrays.values()], initial=0)
    if not 0 < s < np.inf:
        return float(s)
    return float(s) * math.sqrt(_sum_of_squares(grads, s))


def _sum_of_squares(grads, s=1):
    parts = (g if s == 1 else g / s for arrays in grads.values() for g in arrays.values())
    return sum(float(np.vdot(g, g).real) for g in parts)


def clip_by_global_norm(grads, max_norm):
    """Shorten the gradient, in place, if it is longer than max_norm; its direction stays.

        g ← g · min(1, max_norm / ‖g‖)      ‖g‖ over *all* parameters together

    One common factor: clipping by array or by element would turn the direction.

        >>> grads = {"a": {"w": np.array([3.0])}, "b": {"w": np.array([4.0])}}
        >>> clip_by_global_norm(grads, 1.0)
        5.0
        >>> grads["a"]["w"].round(3), grads["b"]["w"].round(3)      # a fifth of each
        (array([0.6]), array([0.8]))

    Returns:
        norm: ‖g‖ before clipping.
    Raises:
        ValueError: max_norm is no positive number.
    Source: Pascanu et al. (2013), algorithm 1.
    """
    check_norm("max_norm", max_norm)
    norm = global_norm(grads)
    if norm > max_norm:
        for arrays in grads.values():
            for g in arrays.values():
                g *= max_norm / norm
    return norm


# ---- schedules ---------------------------------------------------------------------------------------------


def warmup_cosine(step: int, steps: int, peak: float, warmup: int) -> float:
    """Learning rate that rises linearly to its peak and falls along half a cosine to zero, where it stays.

        η = peak · t / warmup                                       t ≤ warmup
        η = peak · ½ (1 + cos(π (t − warmup) / (steps − warmup)))   after that
        η = 0                                                       t > steps

        >>> [round(warmup_cosine(t, 100, peak=1, warmup=10), 3) for t in (5, 10, 55, 100)]
        [0.5, 1.0, 0.5, 0.0]

    Args:
        step:   t, from 1.
        steps:  length of the whole training.
        peak:   highest learning rate.
        warmup: number of steps to get there; 0 begins at the peak.
    Raises:
        ValueError: a number that cannot be one of these.
    Source: the cosine: Loshchilov & Hutter (2017), equation 5, one period, η_min = 0.
    """
    step, peak, warmup = check_schedule(step, peak, warmup)
    check_size("steps", steps)
    if step > steps:
        return 0.0
    if step <= warmup:
        return peak * step / warmup
    return peak * 0.5 * (1 + math.cos(math.pi * (step - warmup) / (steps - warmup)))


def exponential_decay(step, peak, rate):
    """Learning rate that shrinks by the same factor every step.

        η = peak · rate^(t − 1)

    Raises:
        ValueError: a step below 1, a negative peak, a rate outside (0, 1].
    """
    step, peak, _ = check_schedule(step, peak, 0)
    if not (is_number(rate) and 0 < rate <= 1):
        raise ValueError(f"rate must be a factor in (0, 1], got {shown(rate)}")
    return peak * rate ** (step - 1)


def inverse_sqrt(step, peak, warmup):
    """Learning rate that rises linearly to its peak and then falls like 1/√t.

        η = peak · min(t / warmup, √(warmup / t))

    Raises:
        ValueError: a step or a warmup below 1, a negative peak.
    Source: Vaswani et al. (2017), equation 3, lrate = d_model^−0.5 · min(step_num^−0.5, step_num ·
        warmup_steps^−1.5), with peak = d_model^−0.5 · warmup_steps^−0.5.
    """
    check_size("warmup", warmup)
    step, peak, warmup = check_schedule(step, peak, warmup)
    return peak * min(step / warmup, math.sqrt(warmup / step))


def _limited(grads):
    """The gradients, no entry so large that its square is not finite."""
    if _sum_of_squares(grads) < np.inf:
        return grads
    check_finite(grads, "the gradient of", "no parameter was moved")

    def limited(g):
        largest = np.sqrt(np.finfo(g.dtype).max) / 2
        return np.clip(g, -largest, largest)

    return tree_map(limited, grads)


# Exercises
# 1. Write momentum as a pair momentum_init, momentum_step, and train the reverse task with it.
# 2. Start Adam without the two corrections. How long is the first step? And the tenth?
# 3. A gradient of norm 10 is clipped to 1 and given to Adam. What does clipping change in the first step?
# 4. Write this chapter again: `python -m numpy_seq2seq.homework make DIR --set optimisers`.
