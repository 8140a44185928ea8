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


def cross_entropy_forward(logits, targets, mask):
    """How surprised the model is by the right token, averaged over real tokens.

        L = −(1/N) Σ_{bt real} log p_bt[target_bt]          p = softmax(logits)

    Args:
        logits:  (B, T, V).
        targets: (B, T) token ids.
        mask:    (B, T) boolean.
    Returns:
        loss:    scalar, nats per target token; 0 where no token is real.
        cache:   for cross_entropy_backward.
    """
    log_p = log_softmax(logits)
    right = np.take_along_axis(log_p, targets[..., None], axis=2)[..., 0]
    count = max(int(mask.sum()), 1)
    return -np.where(mask, right, 0).sum() / count, (log_p, targets, mask, count)


def cross_entropy_backward(dloss, cache):
    """Backward of cross_entropy_forward: what the model said, minus what was right.

        L = −(1/N) Σ log p[target]      dlogits = dL (p − onehot(target)) / N   on real tokens, else 0

    Args:
        dloss:   scalar, usually 1.
    Returns:
        dlogits: (B, T, V).
    """
    log_p, targets, mask, count = cache
    dlogits = np.exp(log_p)
    wrong = np.take_along_axis(dlogits, targets[..., None], axis=2) - 1
    np.put_along_axis(dlogits, targets[..., None], wrong, axis=2)
    return dlogits * (mask[..., None] * (dloss / count)).astype(dlogits.dtype)


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
