"""Chapter 6. Losses: masked cross-entropy, and two accuracies.

Before this: activations.py. After it: encoder.py.

Letters: B batch, T target length, V vocabulary; logits are scores before softmax. mask (B, T) is True at
a real target token; N is the number of real tokens. Loss is in nats per target token: ln V is what pure
guessing costs. Accuracies are in [0, 1].

Padding is in neither the sum nor the number, so more padding changes nothing.

Not here: the model that made the logits (seq2seq.py).
"""

import numpy as np

from .activations import log_softmax


def cross_entropy_forward(logits, targets, mask, smoothing=0.0):
    """How surprised the model is by the right token, averaged over real tokens.

        L = −(1/N) Σ_{bt real} Σ_v q_v log p_v      p = softmax(logits)
        q = (1 − ε) onehot(target) + ε / V          ε = 0: L = −(1/N) Σ log p[target]

    Args:
        logits:    (B, T, V).
        targets:   (B, T) token ids.
        mask:      (B, T) boolean.
        smoothing: ε in [0, 1), the share of the labels that is spread evenly over all V tokens.
    Returns:
        loss:      scalar, nats per target token; 0 where no token is real.
        cache:     for cross_entropy_backward.
    Source: label smoothing: Szegedy et al. (2016), section 7, with u(k) = 1/V.
    """
    log_p = log_softmax(logits)
    surprise = -np.take_along_axis(log_p, targets[..., None], axis=2)[..., 0]
    if smoothing:
        surprise = (1 - smoothing) * surprise - smoothing * log_p.mean(axis=2)
    count = max(int(mask.sum()), 1)
    loss = (np.where(mask, surprise, 0).sum() / count).astype(log_p.dtype)
    return loss, (log_p, targets, mask, smoothing, count)


def cross_entropy_backward(dloss, cache):
    """Backward of cross_entropy_forward: what the model said, minus what it should have said.

        L = −(1/N) Σ q log p        dlogits = dL (p − q) / N        on real tokens, else 0

    Args:
        dloss:   scalar, usually 1.
    Returns:
        dlogits: (B, T, V).
    """
    log_p, targets, mask, smoothing, count = cache
    difference = np.exp(log_p) - smoothing / log_p.shape[2]
    at_target = np.take_along_axis(difference, targets[..., None], axis=2) - (1 - smoothing)
    np.put_along_axis(difference, targets[..., None], at_target, axis=2)
    return difference * (mask[..., None] * (dloss / count)).astype(difference.dtype)


def token_accuracy(predicted, targets, mask):
    """Share of real tokens that are right. Arrays (B, T) of ids; mask (B, T) boolean."""
    return float((predicted == targets)[mask].mean()) if mask.any() else 0.0


def sequence_accuracy(predicted, targets, mask):
    """Share of sequences in which every real token is right. Arrays (B, T) of ids; mask (B, T) boolean."""
    return float(((predicted == targets) | ~mask).all(axis=1).mean())


# Exercises
# 1. Average over B·T in place of N. Which test notices, and why do finite differences not?
# 2. A model that knows nothing but the length of the alphabet: what loss, what token accuracy?
# 3. Each token is right with probability 0.99, independently. Sequence accuracy at length 20?
# 4. Write this room again: `python -m numpy_seq2seq.homework make DIR --set loss`.
