"""Chapter: losses. Masked cross-entropy, and two accuracies.

Before this: attention.py. After it: encoders.py.

Notation: B batch, T target length, V vocabulary; logits are scores before softmax. mask (B, T) is True at a
real target token, EOS included; N is the number of real tokens. Loss is in nats per target token: log is the
natural logarithm, ln. A model that gives each token the same probability 1/V has the loss ln V. Accuracies
are in [0, 1].

Padding adds nothing to the sum and is not counted in N, so more padding changes nothing.

Not here: the model that made the logits (seq2seq.py).
"""

import numpy as np

from .activations import log_softmax


def cross_entropy_forward(logits, targets, mask, smoothing=0.0):
    """How surprised the model is by the right token, averaged over real tokens.

        ℓ = −Σ_v y_v log p_v                        of one real token, p = softmax(its logits)
        y = (1 − ε) onehot(target) + ε / V          its labels
        L = (1/N) Σ ℓ                               the mean over all real tokens

    With ε = 0, ℓ = −log p[target]: it is 0 at p = 1 and grows as p falls. It falls for ever as p → 1, and the
    logits grow without end. ε > 0 is **label smoothing**: ℓ = (1 − ε) (−log p[target]) − ε mean_v(log p_v),
    and the best p is below 1.

    One sequence of two positions, the second is padding, and a vocabulary of two tokens. At the first
    position the logits (ln 3, 0) give p = (3/4, 1/4). The right token has id 1, the second one, so
    L = −ln ¼ = ln 4 = 1.386:

        >>> logits = np.log([[[3.0, 1.0], [5.0, 7.0]]])
        >>> targets, mask = np.array([[1, 0]]), np.array([[True, False]])
        >>> loss, cache = cross_entropy_forward(logits, targets, mask)
        >>> round(float(loss), 3)
        1.386

    With ε = ½ the labels are y = ½ (0, 1) + ½ (½, ½) = (¼, ¾): L = −¼ ln ¾ − ¾ ln ¼ = 1.112.

        >>> round(float(cross_entropy_forward(logits, targets, mask, smoothing=0.5)[0]), 3)
        1.112

    Args:
        logits:    (B, T, V).
        targets:   (B, T) token ids.
        mask:      (B, T) boolean. What stands at a padded place, nan too, reaches no result.
        smoothing: ε in [0, 1), the share of the labels that is spread evenly over all V tokens.
    Returns:
        loss:      scalar, nats per target token; 0 where no token is real.
        cache:     for cross_entropy_backward.
    Source: label smoothing: Szegedy et al. (2016), section 7, with u(k) = 1/V.
    """
    log_p = log_softmax(logits[mask])  # (N, V): from here on there is no padding
    target = targets[mask][:, None]
    surprise = -np.take_along_axis(log_p, target, axis=1)[:, 0]  # −log_p[n, target[n]] for every n
    if smoothing:  # Σ_v (ε/V) log p_v is ε times the mean
        surprise = (1 - smoothing) * surprise - smoothing * log_p.mean(axis=1)
    N = max(int(mask.sum()), 1)  # no real token: 0 / 1
    loss = (surprise.sum() / N).astype(log_p.dtype)
    return loss, (log_p, target, mask, smoothing, N)


def cross_entropy_backward(dloss, cache):
    """Backward of cross_entropy_forward: what the model said, minus what it should have said.

        L = −(1/N) Σ_n Σ_v y_nv log p_nv        dlogits = dL (p − y) / N        on real tokens, else 0

    By the chain rule, with log p_v = z_v − log Σ_u exp z_u for the logits z of one token:

        ∂ log p_v / ∂z_k = δ_vk − p_k
        ∂L / ∂z_k = −(1/N) Σ_v y_v (δ_vk − p_k) = (p_k − y_k) / N       since Σ_v y_v = 1

    The example of cross_entropy_forward: p − y = (3/4, 1/4) − (0, 1), and the padded place gets nothing.

        >>> logits = np.log([[[3.0, 1.0], [5.0, 7.0]]])
        >>> _, cache = cross_entropy_forward(logits, np.array([[1, 0]]), np.array([[True, False]]))
        >>> cross_entropy_backward(1.0, cache).round(3).tolist()
        [[[0.75, -0.75], [0.0, 0.0]]]

    Args:
        dloss:   scalar, usually 1.
    Returns:
        dlogits: (B, T, V).
    """
    log_p, target, mask, smoothing, N = cache
    difference = np.exp(log_p) - smoothing / log_p.shape[1]  # p − ε/V; then 1 − ε off the right token
    at_target = np.take_along_axis(difference, target, axis=1) - (1 - smoothing)
    np.put_along_axis(difference, target, at_target, axis=1)
    dlogits = np.zeros((*mask.shape, log_p.shape[1]), log_p.dtype)
    dlogits[mask] = difference * (dloss / N)
    return dlogits


def token_accuracy(predicted, targets, mask):
    """Share of real tokens that are right. Arrays (B, T) of ids; mask (B, T) boolean."""
    return float((predicted == targets)[mask].mean()) if mask.any() else 0.0


def sequence_accuracy(predicted, targets, mask):
    """Share of sequences in which every real token is right. Arrays (B, T) of ids; mask (B, T) boolean."""
    right = (predicted == targets) | ~mask  # padding counts as right
    return float(right.all(axis=1).mean()) if len(mask) else 0.0


# Exercises
# 1. Average over B·T in place of N. Which test notices, and why do finite differences not?
# 2. A model that knows nothing but the length of the alphabet: what loss, what token accuracy?
# 3. Each token is right with probability 0.99, independently. Sequence accuracy at length 20?
# 4. Write this chapter again: `python -m numpy_seq2seq.homework make DIR --set loss`.
