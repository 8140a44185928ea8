"""Appendix: Gradient checking, the message. What a wrong gradient looks like.

Before this: gradcheck.py, which calls `explain`.

The commonest mistakes leave traces that can be told apart: a constant factor, a flipped sign, a transpose,
one gate of four, all time steps but the last. The message names the trace and asks the question that it
suggests.

Not here: the check itself.
"""

import numpy as np

GATED = ("gx", "gh", "Wx", "Wh", "b", "bh")  # arrays whose last axis is one block per gate


def explain(path, analytic, numeric, tolerance, gates):
    """Lines about one wrong gradient: its worst entry, by gate, by time step, and what it looks like.

    Args:
        path:      name of the array.
        analytic:  what backward says.
        numeric:   what the forward pass says; the same shape.
        tolerance: largest error allowed ÷ largest gradient.
        gates:     letters of the cell's gates, or "".
    """
    error, largest = np.abs(analytic - numeric), np.abs(numeric).max()
    worst = np.unravel_index(np.nan_to_num(error, nan=np.inf).argmax(), error.shape)
    wrong = ~(error <= tolerance * largest)
    place = f"{path}[{', '.join(map(str, worst))}]" if worst else path
    yield (
        f"  {place}: backward says {analytic[worst]:.6g}, the forward pass {numeric[worst]:.6g}; "
        f"{wrong.sum()} of {wrong.size} entries wrong, "
        f"error {_ratio(error, largest):.1e} × the largest, allowed {tolerance:.0e}"
    )
    if gates and path.split(".")[-1] in GATED and numeric.shape[-1] % len(gates) == 0:
        blocks = wrong.reshape(-1, len(gates), numeric.shape[-1] // len(gates)).any(axis=(0, 2))
        verdicts = (f"{gate} {'wrong' if bad else 'right'}" for gate, bad in zip(gates, blocks))
        yield f"    by gate: {', '.join(verdicts)}"
    steps = wrong.any(axis=(0, 2)) if wrong.ndim == 3 else None
    if steps is not None and not steps.all():
        yield f"    by step: wrong at {', '.join(map(str, np.flatnonzero(steps)))} of 0 to {len(steps) - 1}"
    guess = _guess(analytic, numeric, wrong, steps, tolerance * largest, gates)
    if guess:
        yield f"    looks like: {guess}"


def _ratio(error, largest):
    return np.nan_to_num(error, nan=np.inf, posinf=np.inf).max() / largest if largest else np.inf


def _guess(analytic, numeric, wrong, steps, allowed, gates):
    """The commonest mistakes, each known by its trace."""
    if not np.isfinite(analytic).all():
        return "not a number: an overflow, or a division by zero"
    if not analytic.any():
        return "it is zero: never computed, or never added"
    if not numeric.any():
        return "it should be zero: nothing here depends on this array"
    loud = wrong & (np.abs(numeric) > 0.01 * np.abs(numeric).max())
    ratios = (analytic / np.where(loud, numeric, 1))[loud]
    ratio = np.median(ratios) if ratios.size else np.inf
    if ratios.size and np.abs(ratios - ratio).max() < 1e-6 * max(abs(ratio), 1):
        if abs(ratio + 1) < 1e-6:
            return "the sign of the wrong entries is flipped"
        if abs(ratio) < 1e-6:
            return "the wrong entries are zero: never computed, or never added"
        if ratios.size > 1 and abs(ratio - 1) > 1e-5:  # one number alone always has a ratio
            return f"the wrong entries are exactly {ratio:.6g} × the right ones: {_reason(abs(ratio))}"
    square = numeric.ndim == 2 and numeric.shape[0] == numeric.shape[1]
    if square and np.abs(analytic.T - numeric).max() <= allowed:
        return "the transpose of the right gradient"
    if steps is not None and len(steps) > 1 and steps[:-1].all() and not steps[-1]:
        return "right at the last step and wrong before it: does step t add the gradient from step t+1?"
    if steps is not None and len(steps) > 1 and steps[1:].all() and not steps[0]:
        return "right at the first step and wrong after it: a layer that runs backwards, a step out of place?"
    if gates and numeric.shape[-1] % len(gates) == 0:
        a, n = (np.split(g, len(gates), axis=-1) for g in (analytic, numeric))
        for j, k in ((j, k) for j in range(len(gates)) for k in range(len(gates)) if j != k):
            if np.abs(a[j] - n[k]).max() <= allowed and np.abs(n[k]).max() > allowed:
                return f"block {gates[j]} holds the gradient of gate {gates[k]}"
    return None


def _reason(ratio):
    times = max(ratio, 1 / ratio)
    if round(times) == 1 or abs(times - round(times)) > 1e-6 * times:
        return "a factor too many or too few, or divided by another number of things?"
    if ratio > 1:
        return f"counted {times:.0f} times, or a sum where the forward has a mean?"
    return f"divided by {times:.0f}, or a mean where the forward has a sum?"


# Exercises
# 1. One student's db is the mean over the batch; another's takes the first sequence only. Which of the two
#    does the message recognise? What would `explain` have to be given to recognise the other?
