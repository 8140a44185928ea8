"""How good a translation is (BLEU, error rates), and how good an alignment (AER). By hand, of whole corpora.

Notation: T tokens of a target, S of a source, n length of an n-gram, p_n precision, c and r lengths of all
candidates and of all references together.

Not here: exact match (numpy_seq2seq/training.py); where the right answers come from (korean.py).
"""

import math
from collections import Counter

import numpy as np

ORDERS = (1, 2, 3, 4)


def bleu(candidates, references):
    """BLEU of a corpus, one reference for each candidate.

        p_n  = Σ min(count in candidate, count in reference) / Σ count in candidate    over n-grams, sentences
        BP   = 1 if c > r else exp(1 − r / c)
        BLEU = BP · exp(¼ Σ_{n=1…4} ln p_n)         0 if a p_n is 0

    The sums are taken over the corpus before they are divided: a sentence alone has no score here.

    Args:
        candidates, references: equally many lists of tokens.
    Returns:
        BLEU in [0, 1].
    Source: Papineni et al. (2002), sections 2.1.1 (p_n) and 2.3 (BP, BLEU), with one reference, uniform
        weights, and no smoothing.
    """
    precisions = [ngram_precision(candidates, references, n) for n in ORDERS]
    if min(precisions) == 0:
        return 0.0
    return brevity_penalty(candidates, references) * math.exp(sum(map(math.log, precisions)) / len(ORDERS))


def ngram_precision(candidates, references, n):
    """p_n of bleu. An n-gram counts as often as it occurs in the reference and no oftener ("clipped")."""
    found = total = 0
    for candidate, reference in zip(candidates, references, strict=True):
        counts = ngrams(candidate, n)
        found += (counts & ngrams(reference, n)).total()  # & of Counters: the smaller count of each
        total += counts.total()
    return found / total if total else 0.0


def brevity_penalty(candidates, references):
    """BP of bleu: precision alone would be best for an answer of one safe word."""
    c, r = (sum(map(len, sentences)) for sentences in (candidates, references))
    return 1.0 if c > r else math.exp(1 - r / c) if c else 0.0


def ngrams(tokens, n):
    """Counter of the n-grams of a sentence, as tuples."""
    return Counter(zip(*(tokens[k:] for k in range(n))))


def error_rate(candidates, references):
    """Error rate of a corpus: insertions, deletions and replacements, for each token that is wanted.

        ER = Σ edit distance(candidate, reference) / Σ length of reference      over sentences

    Of characters it is the character error rate (CER), of words the word error rate (WER). Above 1 if the
    candidates are much too long.

    Args:
        candidates, references: equally many sequences of tokens, in the references at least one.
    """
    return sum(map(edit_distance, candidates, references)) / sum(map(len, references))


def edit_distance(candidate, reference):
    """Fewest insertions, deletions and replacements that make one sequence the other.

        d[i, j] = min(d[i−1, j] + 1, d[i, j−1] + 1, d[i−1, j−1] + (x_i ≠ y_j))      d[i, 0] = i, d[0, j] = j

    A row at a time. The second one is a running minimum: d[i, j] − j = min over k ≤ j of (the others)[k] − k.

    >>> edit_distance("sitting", "kitten")
    3

    Source: Levenshtein (1966); the algorithm is that of Wagner & Fischer (1974).
    """
    places = np.arange(len(reference) + 1)
    row = places
    for i, x in enumerate(candidate, 1):
        differs = np.array([x != y for y in reference], int)
        others = np.minimum(row[1:] + 1, row[:-1] + differs)
        row = np.minimum.accumulate(np.array([i, *others]) - places) + places
    return int(row[-1])


def alignment_links(weights):
    """One link for each target token, to the source token with the largest weight.

    Args:
        weights: (T, S) attention of one sentence, without padding.
    Returns:
        set of (target place, source place).
    """
    return set(enumerate(np.argmax(weights, axis=1).tolist()))


def alignment_error_rate(links, sure, possible):
    """Alignment error rate of a corpus.

        AER = 1 − (|A ∩ S| + |A ∩ P|) / (|A| + |S|)     sums over all sentences

    A sure link that is missing is an error of recall, a link that is not even possible one of precision.

    Args:
        links:    A, for each sentence a set of (target place, source place).
        sure:     S, for each sentence the same.
        possible: P, which contains S.
    Returns:
        AER in [0, 1].
    Source: Och & Ney (2000); here in the form of Och & Ney (2003).
    """
    sentences = list(zip(links, sure, possible, strict=True))
    right = sum(len(a & s) + len(a & p) for a, s, p in sentences)
    return 1 - right / sum(len(a) + len(s) for a, s, _ in sentences)


# Exercises
# 1. Find two sentences whose mean of sentence scores and whose corpus score order two systems differently.
# 2. Permute the words of a candidate. Which p_n stays, and which falls first?
# 3. Give a link for every target token, at random. What is the expected error rate for S = P, one link each?
