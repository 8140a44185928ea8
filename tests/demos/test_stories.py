"""Stories: every answer is that of a world which is told the same words one by one; one fact decides it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from demos.answer import __main__ as answer
from demos.answer.stories import LONGEST, PLACES, QUESTIONS, SHORTEST, THINGS, draw_stories, draw_story
from demos.shared import Result, Run
from numpy_seq2seq.config import Config

from ..helpers import few

GOING, TAKING = {"reached", "visited", "entered"}, {"took", "bought", "found"}
stories = st.builds(
    lambda seed, length, held_out: draw_story(np.random.default_rng(seed), length, held_out),
    st.integers(0, 2**32 - 1),
    st.integers(SHORTEST, LONGEST),
    st.booleans(),
)


def key(words):
    """Live through a story, fact by fact, and answer its question: a word, or None if there is no answer."""
    *told, question = " ".join(words).split(" . ")
    where, holds, held_by = {}, {}, {}
    for fact in told:
        person, verb, thing = fact.split()
        if verb in GOING:
            where[person] = thing
        else:
            assert verb in TAKING
            holds.pop(held_by.pop(thing, None), None)  # whoever had it has it no more
            held_by.pop(holds.get(person), None)  # and what was in this hand is put down
            holds[person], held_by[thing] = thing, person
    first, *_, last, _ = question.split()
    return {"where": where, "what": holds, "who": held_by}[first].get(last)


EXAMPLES = (
    ("mary entered rome . mary reached oslo . where is mary ?", "oslo"),
    ("mary reached oslo . john entered rome . where is mary ?", "oslo"),
    ("mary took salt . mary found gold . what is held by mary ?", "gold"),
    ("mary took salt . mary found gold . who holds salt ?", None),
    ("mary took salt . john bought salt . who holds salt ?", "john"),
    ("mary took salt . john bought salt . what is held by mary ?", None),
    ("john took salt . mary visited lima . where is john ?", None),
    ("mary took gold . john took gold . mary took gold . who holds gold ?", "mary"),
)


@pytest.mark.parametrize("text, answer", EXAMPLES)
def test_the_key_by_hand(text, answer):
    assert key(text.split()) == answer


def test_answer_is_the_worlds():
    for story in draw_stories(np.random.default_rng(0), 800):
        assert key(story.source) == story.answer, " ".join(story.source)


@few
@given(stories)
def test_decisive_fact_decides(story):
    """Facts after it change nothing; before it the answer was outdated, or there was none."""
    n = story.decisive
    assert story.distance == len(story.facts) - 1 - n
    upto, without = (sum(s, []) + story.asked for s in (story.sentences[: n + 1], story.sentences[:n]))
    assert key(upto) == story.answer
    assert story.answer in story.facts[n] and story.question[1] in story.facts[n]
    outdated = {word for k in story.outdated for word in story.facts[k]}
    assert key(without) is None or key(without) in outdated
    after = story.sentences[n + 1 :]
    assert key(sum(after, []) + story.asked) is None if after else True


@few
@given(stories)
def test_sentences_say_their_facts_and_nothing_more(story):
    for (kind, person, thing), (who, verb, what, stop) in zip(story.facts, story.sentences):
        assert (who, what, stop) == (person, thing, ".") and verb in (GOING if kind == "go" else TAKING)
        assert thing in (PLACES if kind == "go" else THINGS)


def test_latest_fact_wins_over_outdated_ones_often():
    drawn = draw_stories(np.random.default_rng(1), 400, LONGEST)
    with_rival = [story for story in drawn if story.outdated and story.decisive >= 6]
    assert len(with_rival) > 0.9 * sum(story.decisive >= 6 for story in drawn)


def test_everything_comes_equally_often():
    drawn = draw_stories(np.random.default_rng(2), 1200, LONGEST)
    distances = np.bincount([story.distance for story in drawn])
    kinds = np.array([sum(story.question[0] == kind for story in drawn) for kind in QUESTIONS])
    assert len(distances) == LONGEST and np.abs(distances / 100 - 1).max() < 0.4
    assert np.abs(kinds / 400 - 1).max() < 0.15
    lengths = [len(story.facts) for story in draw_stories(np.random.default_rng(3), 400)]
    assert set(lengths) == set(range(SHORTEST, LONGEST + 1))


# ---- the demo ----------------------------------------------------------------------------------------------


def planted(is_right, weigh=None, lengths=(2, LONGEST)):
    """(stories, Result) with answers that are right where is_right(story) says so, and the maps of weigh."""
    rng = np.random.default_rng(7)
    told = [story for n in lengths for story in draw_stories(rng, 300, n)]
    said = [[story.answer if is_right(story) else "nobody"] for story in told]
    run = Run("model", Config(5, 5), {}, None, 1, 1.0, None, 0)
    maps = weigh and list(map(weigh, told))
    result = Result(run, answer.pairs_of(told), said, maps, 0.0, 0.0)
    return result._replace(more=answer.figures(told, result))


def claims(result):
    """{beginning of a claim's text: whether it held}"""
    return {claim.text.split(": ")[1]: claim.held for claim in answer.claimed([result])}


def looking_at(place):
    """A map whose first step lies on one word of the fact in the place given by place(story).

    The step of EOS lies elsewhere; behind the source is padding.
    """

    def weigh(story):
        weights = np.zeros((3, len(story.source) + 4))
        weights[0, 4 * place(story) + 2] = weights[1:, 4 * ((place(story) + 1) % len(story.facts))] = 1
        return weights

    return weigh


def test_length_does_not_pass_for_distance():
    """Short stories are answered, long ones are not: the distance has nothing to do with it."""
    result = planted(lambda story: len(story.facts) < 10, lengths=range(2, LONGEST + 1))
    near, far = result.more["near_and_far"]
    assert near == far and 0 < near < 1
    assert claims(result)["near facts and far facts, equal length, differ by"]
    assert claims(result)[f"right answers lost from 2 facts to {LONGEST}"]


def test_figures_of_planted_results():
    figures = planted(lambda story: story.distance < 6).more
    assert figures["exact_by_length"] == {2: 1.0, LONGEST: pytest.approx(0.5, abs=0.15)}
    assert figures["exact_by_distance"] == {d: float(d < 6) for d in range(LONGEST)}
    assert figures["near_and_far"] == (1.0, 0.0) and figures["peak_on_deciding_fact"] is None
    of_two = {2: 1, LONGEST: 0}  # of the short stories the other fact: they do not count
    place = looking_at(lambda story: (story.decisive + of_two[len(story.facts)]) % len(story.facts))
    peak = planted(lambda story: True, place).more
    assert (peak["peak_on_deciding_fact"], peak["weight_on_deciding_fact"]) == (1.0, 1.0)


@few
@given(stories, st.integers(0, LONGEST))
def test_weight_by_fact_adds_up_the_words_of_each(story, place):
    place = min(place, len(story.facts) - 1)
    found = answer.weight_by_fact(story, looking_at(lambda _: place)(story))
    np.testing.assert_array_equal(found, np.eye(len(story.facts) + 1)[place])


def test_claims_follow_the_figures():
    right, near = planted(lambda story: True), planted(lambda story: story.distance < 6)
    far = planted(lambda story: story.distance >= 6)
    equal = "near facts and far facts, equal length, differ by"
    assert claims(right)[equal] and not claims(near)[equal] and not claims(far)[equal]
    few = f"right answers, {LONGEST} facts"  # without attention
    assert not claims(right)[few] and claims(planted(lambda story: story.distance < 2))[few]
    decisive, peak = looking_at(lambda story: story.decisive), "peak of the map on the deciding fact"
    assert claims(planted(lambda story: True, decisive)) == {few: True, equal: True, peak: True}
    elsewhere = looking_at(lambda story: (story.decisive + 1) % 2)
    assert claims(planted(lambda story: True, elsewhere))[peak] is False
