"""BLEU and the alignment error rate against answers worked out by hand, and at their limits."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from demos.shared.metrics import alignment_error_rate, alignment_links, bleu, brevity_penalty, edit_distance
from demos.shared.metrics import error_rate, ngram_precision

from ..helpers import few

sentences = st.lists(st.lists(st.sampled_from("abcde"), min_size=4, max_size=9), min_size=1, max_size=4)


def words(*texts):
    return [text.split() for text in texts]


def test_bleu_by_hand():
    """p = 5/5, 3/4, 2/3, 1/2, so their geometric mean is (1/4)^¼ = √½; 5 tokens for 6."""
    wanted = math.exp(1 - 6 / 5) * math.sqrt(0.5)
    assert bleu(words("a b c d e"), words("a b c d f e")) == pytest.approx(wanted)


def test_bleu_sums_over_the_corpus_before_it_divides():
    """p = 10/10, 4/8, 3/6, 2/4: the second sentence has its words and nothing else right, hence alone 0."""
    candidates, references = words("a b c d e", "f g x h i"), words("a b c d e", "g f x i h")
    assert [ngram_precision(candidates, references, n) for n in (1, 2, 3, 4)] == [1, 1 / 2, 1 / 2, 1 / 2]
    assert bleu(candidates, references) == pytest.approx(0.5**0.75)
    assert [bleu([c], [r]) for c, r in zip(candidates, references)] == [1, 0]


def test_ngrams_are_clipped():
    """Papineni et al. (2002), section 2.1, example 2."""
    candidate, reference = words("the the the the the the the"), words("the cat is on the mat")
    assert ngram_precision(candidate, reference, 1) == 2 / 7


@few
@given(sentences)
def test_bleu_of_the_references_is_one(references):
    assert bleu(references, references) == pytest.approx(1)


@pytest.mark.parametrize("candidate", ("a b c e d", "a b c", "x y z v", ""))
def test_bleu_without_a_common_4_gram_is_zero(candidate):
    assert bleu(words(candidate), words("a b c d e")) == 0


def test_brevity_penalty():
    reference = words("a b c d")
    assert brevity_penalty(words("a b c d"), reference) == 1
    assert brevity_penalty(words("a b c d e f"), reference) == 1
    assert brevity_penalty(words("a b"), reference) == pytest.approx(math.exp(-1))
    assert brevity_penalty(words(""), reference) == 0
    assert brevity_penalty(words("a b", "a b c d e f"), reference * 2) == 1  # of the corpus


# ---- alignment ---------------------------------------------------------------------------------------------


def fewest_edits(a, b):
    """The definition, without a table."""
    if not a or not b:
        return len(a) + len(b)
    if a[0] == b[0]:
        return fewest_edits(a[1:], b[1:])
    return 1 + min(fewest_edits(a[1:], b[1:]), fewest_edits(a[1:], b), fewest_edits(a, b[1:]))


@few
@given(st.text("abc", max_size=7), st.text("abc", max_size=7))
def test_edit_distance_is_that_of_the_definition(a, b):
    assert edit_distance(a, b) == edit_distance(b, a) == fewest_edits(a, b)


def test_error_rate_sums_over_the_corpus_and_may_exceed_one():
    assert error_rate(words("a b", "x"), words("a c", "x y z w")) == 4 / 6
    assert error_rate(words("a b c d"), words("x")) == 4
    assert error_rate([[]], words("x y")) == 1


def test_alignment_links_are_the_largest_weights():
    weights = np.array([[0.1, 0.7, 0.2], [0.5, 0.2, 0.3], [0.0, 0.4, 0.6]])
    assert alignment_links(weights) == {(0, 1), (1, 0), (2, 2)}


def test_alignment_error_rate_by_hand():
    """|A| = 3, |S| = 2; one link is sure, two are possible (that one among them): 1 − (1 + 2) / (3 + 2)."""
    links, sure, possible = {(0, 0), (1, 2), (2, 3)}, {(0, 0), (1, 1)}, {(0, 0), (1, 1), (1, 2)}
    assert alignment_error_rate([links], [sure], [possible]) == pytest.approx(1 - 3 / 5)


def test_alignment_error_rate_sums_over_the_corpus():
    one, two = ({(0, 0)}, {(0, 0)}, {(0, 0)}), ({(0, 0), (1, 0), (2, 0)}, {(2, 1)}, {(2, 1)})
    assert alignment_error_rate(*zip(one, two)) == pytest.approx(1 - 2 / 6)
