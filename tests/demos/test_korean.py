"""The Korean is right, its alignment is the true one, and what is held out never occurs in training."""

from collections import Counter

import numpy as np
import pytest

from demos.shared import Result, Run
from demos.translate import __main__ as demo
from demos.translate.hangul import B, L, PARTICLES, final, formal, particle, romanize
from demos.translate.korean import LONGEST, SETS, SHORTEST, Clause, Phrase, draw_translations, translate
from demos.translate.lexicon import ADJECTIVES, MANNERS, NOUNS, TIMES, VERBS
from numpy_seq2seq.tasks import is_held_out

NOUN = {noun.english: noun for noun in NOUNS}
VERB = {verb.english: verb for verb in VERBS}
ADJECTIVE = {adjective.english: adjective for adjective in ADJECTIVES}

# ---- Hangul ------------------------------------------------------------------------------------------------

PARTICLE_TABLE = """사과 는 가 를 로 | 시 는 가 를 로 | 빵 은 이 을 으로 | 선생님 은 이 을 으로
    닭 은 이 을 으로 | 물 은 이 을 로 | 교실 은 이 을 로"""


@pytest.mark.parametrize("row", PARTICLE_TABLE.replace("\n", "|").split("|"))
def test_particle_by_hand(row):
    word, *wanted = row.split()
    assert [particle(word, role) for role in ("topic", "subject", "object", "to")] == wanted
    assert particle(word, "in") == "에서"


FORMS = """먹 먹습니다, 마시 마십니다, 팔 팝니다, 크 큽니다, 길 깁니다, 돕 돕습니다,
    않 않습니다, 좋 좋습니다, 게으르 게으릅니다, 빨갛 빨갛습니다, 맛있 맛있습니다"""
ROMAN = """서울 seoul, 부산 busan, 제주 jeju, 한글 hangeul, 김치 gimchi, 학교 hakgyo, 태권도 taegwondo,
    빵 ppang, 꽃 kkot, 의자 uija, 왕 wang, 먹습니다 meokseupnida, 않고 ango, 읽다 ikda,
    뜨겁고 tteugeopgo, 여우 yeou, 원숭이 wonsungi, 새 sae, 폐 pye, 7! 7!"""
WRITTEN = [(formal, *pair.split()) for pair in FORMS.split(",")]
WRITTEN += [(romanize, *pair.split()) for pair in ROMAN.split(",")]


@pytest.mark.parametrize("function, word, wanted", WRITTEN)
def test_forms_and_romanisation_by_hand(function, word, wanted):
    assert function(word) == wanted


def before_noun(stem):
    """The rule: ㄴ after a vowel or ㄹ, else 은; but 있는, 귀여운 of 귀엽, 빨간 of 빨갛."""
    last, beginning = final(stem[-1]), stem[:-1]
    if stem[-1] == "있":
        return stem + "는"
    if last not in (0, L, B, 27) or stem == "좋":
        return stem + "은"
    bare = chr(ord(stem[-1]) - last)
    return beginning + (bare + "운" if last == B else chr(ord(bare) + 4))


def test_adjectives_before_nouns():
    assert [a.before for a in ADJECTIVES] == [before_noun(a.stem) for a in ADJECTIVES]


# ---- sentences translated by hand --------------------------------------------------------------------------


def the(noun, adjective=None, definite=True):
    return Phrase(NOUN[noun], ADJECTIVE.get(adjective), definite)


def a(noun, adjective=None):
    return the(noun, adjective, False)


TODAY, NOW, OFTEN, ALONE = TIMES[0], TIMES[1], MANNERS[0], MANNERS[3]
BY_HAND = [  # clauses, conjunctions, English, Korean, place that each Korean token comes from
    ([Clause(the("cat"), VERB["eat"], object=the("fish"))], [],
     "the cat eats the fish", "고양이 는 생선 을 먹습니다", [1, 1, 4, 4, 2]),
    ([Clause(a("dog"), VERB["see"], object=a("apple"))], [],
     "a dog sees an apple", "개 는 사과 를 봅니다", [1, 1, 4, 4, 2]),
    ([Clause(a("student", "smart"), VERB["read"], object=the("book", "interesting"))], [],
     "a smart student reads the interesting book", "똑똑한 학생 은 재미있는 책 을 읽습니다",
     [1, 2, 2, 5, 6, 6, 3]),
    ([Clause(the("Mina"), VERB["drink"], True, the("milk"))], [],
     "Mina does not drink the milk", "미나 는 우유 를 마시지 않습니다", [0, 0, 5, 5, 3, 2]),
    ([Clause(the("Jihun"), VERB["sleep"], place=the("park"))], [],
     "Jihun sleeps in the park", "지훈 은 공원 에서 잡니다", [0, 0, 4, 4, 1]),
    ([Clause(the("teacher"), VERB["go"], place=the("classroom"))], [],
     "the teacher goes to the classroom", "선생님 은 교실 로 갑니다", [1, 1, 5, 5, 2]),
    ([Clause(the("bread"), ADJECTIVE["tasty"])], [], "the bread is tasty", "빵 이 맛있습니다", [1, 1, 3]),
    ([Clause(a("house"), ADJECTIVE["big"], True)], [],
     "a house is not big", "집 이 크지 않습니다", [1, 1, 4, 3]),
    ([Clause(the("farmer"), VERB["sell"], object=the("rice"), place=the("market"), time=TODAY)], [],
     "the farmer sells the rice in the market today", "농부 는 오늘 시장 에서 밥 을 팝니다",
     [1, 1, 8, 7, 7, 4, 4, 2]),
    ([Clause(the("child"), VERB["draw"], object=a("flower", "red"), manner=OFTEN)], [],
     "the child draws a red flower often", "아이 는 빨간 꽃 을 자주 그립니다", [1, 1, 4, 5, 5, 6, 2]),
    ([Clause(the("dog"), VERB["play"]), Clause(the("cat"), VERB["sleep"])], ["and"],
     "the dog plays and the cat sleeps", "개 는 놀고 고양이 는 잡니다", [1, 1, 2, 5, 5, 6]),
    ([Clause(the("singer"), VERB["sing"], True), Clause(a("king"), VERB["laugh"], manner=ALONE)], ["but"],
     "the singer does not sing but a king laughs alone",
     "가수 는 노래하지 않지만 왕 은 혼자 웃습니다", [1, 1, 4, 3, 7, 7, 9, 8]),
    ([Clause(the("tea"), ADJECTIVE["hot"]), Clause(the("water"), ADJECTIVE["cold"], True),
      Clause(the("Sujin"), VERB["cry"], time=NOW)], ["and", "but"],
     "the tea is hot and the water is not cold but Sujin cries now",
     "차 가 뜨겁고 물 이 차갑지 않지만 수진 은 지금 웁니다", [1, 1, 3, 6, 6, 9, 8, 11, 11, 13, 12]),
]  # fmt: skip


@pytest.mark.parametrize("clauses, joins, english, korean, places", BY_HAND, ids=[c[2] for c in BY_HAND])
def test_translate_by_hand(clauses, joins, english, korean, places):
    found = translate(clauses, joins)
    assert " ".join(found.source) == english
    assert " ".join(found.target) == korean
    assert found.sure == [(place,) for place in places]


# ---- what is drawn -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def drawn():
    counts = zip(SETS, (1500, 300, 300))
    rng = np.random.default_rng(0)
    return {which: draw_translations(rng, count, which) for which, count in counts}


def test_drawn_sentences_have_all_lengths(drawn):
    for sentences in drawn.values():
        assert {len(s.source) for s in sentences} == set(range(SHORTEST, LONGEST + 1))


def test_articles_fit_the_word_behind_them(drawn):
    masses = {noun.english for noun in NOUNS if noun.mass}
    pairs = {pair for s in drawn["training"] for pair in zip(s.source, s.source[1:]) if pair[0][0] == "a"}
    pairs = {pair for pair in pairs if pair[0] in ("a", "an")}
    assert len(pairs) > 50 and all((article == "an") == (word[0] in "aeiou") for article, word in pairs)
    assert not masses & {word for _, word in pairs}


def test_alignment_covers_every_token_within_range(drawn):
    for found in drawn["combinations"]:
        assert len(found.target) == len(found.sure) == len(found.possible)
        for sure, possible in zip(found.sure, found.possible):
            assert sure and set(sure) <= set(possible) <= set(range(len(found.source)))


def dictionary():
    """English word -> its Korean beginnings, from the lexicon alone."""
    words = {noun.english: [noun.korean] for noun in NOUN.values()} | {w: [k] for w, k in (*TIMES, *MANNERS)}
    for verb in VERBS:
        words[verb.english] = words[verb.third] = [verb.stem, formal(verb.stem)]
    return words | {a.english: [a.stem, a.before, formal(a.stem)] for a in ADJECTIVES} | {"not": ["않"]}


def test_alignment_says_what_the_dictionary_says(drawn):
    words, particles = dictionary(), {p for pair in PARTICLES.values() for p in pair}
    for found in drawn["sentences"]:
        for t, (token, (place,)) in enumerate(zip(found.target, found.sure)):
            if token in particles and t and found.sure[t - 1] == (place,):
                assert token in [particle(found.target[t - 1], role) for role in PARTICLES]
            else:
                assert any(token.startswith(beginning) for beginning in words[found.source[place]])


def test_every_content_word_is_translated_once(drawn):
    words = dictionary()
    for found in drawn["combinations"]:
        places = Counter(place for (place,) in dict.fromkeys(found.sure))
        assert places == Counter(s for s, word in enumerate(found.source) if word in words)


def combinations_of(words):
    """The combinations of an English sentence, read from its words from left to right."""
    thirds, pairs, subject, verb = {v.third: v.english for v in VERBS}, [], None, None
    for before, word in zip(["", *words], words):
        if word in ("and", "but"):
            subject = verb = None
        elif word in ("in", "to"):
            verb = None
        elif word in VERB or word in thirds:
            verb = thirds.get(word, word)
        elif word in ADJECTIVE and (before == "is" or (before == "not" and subject)):
            pairs.append((word, subject))
        elif word in NOUN:
            pairs += [(before, word)] * (before in ADJECTIVE) + [(verb, word)] * bool(verb)
            subject, verb = subject or word, None
    return pairs


def test_held_out_combinations_never_occur_in_training(drawn):
    text = "the big dog does not eat the red apple in the small park and tea is hot"
    assert combinations_of(text.split()) == [
        ("big", "dog"), ("red", "apple"), ("eat", "apple"), ("small", "park"), ("hot", "tea")
    ]  # fmt: skip
    for which, sentences in drawn.items():
        held = {any(is_held_out(" ".join(pair)) for pair in combinations_of(s.source)) for s in sentences}
        assert held == {which == "combinations"}


def test_the_same_english_has_one_korean(drawn):
    korean = {}
    for found in (s for sentences in drawn.values() for s in sentences):
        assert korean.setdefault(tuple(found.source), found.target) == found.target


# ---- the figures of the demo, on planted links -------------------------------------------------------------


def linked(sentences, place):
    """One link for each Korean token, to a place chosen from (sentence, token)."""
    return [{(t, place(x, t)) for t in range(len(x.target))} for x in sentences]


def test_figures_of_planted_links(drawn):
    sentences = drawn["sentences"][:50]
    right = sentences, linked(sentences, lambda x, t: x.sure[t][0])
    monotone = sentences, linked(sentences, lambda x, t: len(x.source))  # everything looks at the end
    for asked, particles, errors in ((right, 1, 0), (monotone, 0, 1)):
        assert demo.error_rate(*asked) == errors
        found = demo.particles_on_nouns(*asked)
        assert found == dict.fromkeys(("은/는", "이/가", "을/를", "으로/로", "에서"), particles)
    assert demo.crossings(*right) > 1 > demo.crossings(*monotone) == 0


def test_crossings_by_hand():
    """고양이 는 생선 을 먹습니다: the verb comes from place 2, the object and its particle from behind it."""
    sentences = [translate(*BY_HAND[0][:2])]
    assert demo.crossings(sentences, linked(sentences, lambda x, t: x.sure[t][0])) == 2


def test_claims_follow_the_figures():
    run = Run("model", None, {}, None, 1, 1.0, None, 0)
    wrong = {  # of each claim a figure with which it does not hold
        "exact_by_length": {"20-25": 0.9},
        "combinations": {"exact_match": 0.5},
        "alignment_error_rate": 0.4,
        "particles_on_nouns": {"은/는": 0.2},
        "crossings": 0.1,
    }
    figures = {"exact_by_length": {"4-7": 1.0, "20-25": 0.97}, "combinations": {"exact_match": 0.96}}
    figures |= {"alignment_error_rate": 0.07, "particles_on_nouns": {"은/는": 0.95}, "crossings": 2.5}
    fixed = {"exact_by_length": {"4-7": 0.9, "20-25": 0.0}, "alignment_error_rate": None}
    for k, changed in enumerate([*({name: wrong[name]} for name in wrong), {}]):
        results = [Result(run, [], [], None, 0.0, 0.0, more) for more in ({**figures, **changed}, fixed)]
        assert [n for n, claim in enumerate(demo.claimed(results)) if not claim.held] == [k][: len(changed)]
