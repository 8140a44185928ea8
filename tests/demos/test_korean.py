"""The Korean is right, its alignment is the true one, and what is held out never occurs in training."""

from collections import Counter

import numpy as np
import pytest

from demos.translate import __main__ as translate_demo
from demos.shared import Result, Run
from demos.translate.hangul import PARTICLES, attributive, final, formal, particle, romanize
from demos.translate.korean import (
    LONGEST,
    SETS,
    SHORTEST,
    Clause,
    Phrase,
    draw_translations,
    translate,
    vocabularies,
)  # fmt: skip
from demos.translate.lexicon import ADJECTIVES, MANNERS, NAMES, NOUNS, TIMES, VERBS
from numpy_seq2seq.tasks import is_held_out

NOUN = {noun.english: noun for noun in (*NAMES, *NOUNS)}
VERB = {verb.english: verb for verb in VERBS}
ADJECTIVE = {adjective.english: adjective for adjective in ADJECTIVES}

# ---- Hangul ------------------------------------------------------------------------------------------------

PARTICLE_TABLE = """사과 는 가 를 로 | 빵 은 이 을 으로 | 물 은 이 을 로 | 커피 는 가 를 로 | 선생님 은 이 을 으로 | 학교 는 가 를 로
    집 은 이 을 으로 | 교실 은 이 을 로 | 부엌 은 이 을 으로 | 꽃 은 이 을 으로 | 숲 은 이 을 으로 | 말 은 이 을 로
    미나 는 가 를 로 | 지훈 은 이 을 으로 | 의자 는 가 를 로 | 닭 은 이 을 으로 | 시 는 가 를 로 | 왕 은 이 을 으로"""


@pytest.mark.parametrize("row", PARTICLE_TABLE.replace("\n", "|").split("|"))
def test_particle_by_hand(row):
    word, *wanted = row.split()
    assert [particle(word, role) for role in ("topic", "subject", "object", "to")] == wanted
    assert particle(word, "in") == "에서"


FORMS = """먹 먹습니다, 마시 마십니다, 팔 팝니다, 자 잡니다, 크 큽니다, 길 깁니다, 돕 돕습니다, 않 않습니다, 좋 좋습니다, 오 옵니다,
    울 웁니다, 놀 놉니다, 게으르 게으릅니다, 빨갛 빨갛습니다, 맛있 맛있습니다, 아름답 아름답습니다"""


@pytest.mark.parametrize("pair", FORMS.split(","))
def test_formal_by_hand(pair):
    stem, wanted = pair.split()
    assert formal(stem) == wanted


ATTRIBUTIVES = {
    "big": "큰", "small": "작은", "strange": "이상한", "good": "좋은", "cute": "귀여운", "pretty": "예쁜", "quiet": "조용한",
    "kind": "친절한", "smart": "똑똑한", "brave": "용감한", "lazy": "게으른", "happy": "행복한", "sad": "슬픈", "red": "빨간",
    "white": "하얀", "heavy": "무거운", "light": "가벼운", "expensive": "비싼", "cheap": "싼", "tasty": "맛있는",
    "cold": "차가운", "hot": "뜨거운", "sweet": "단", "long": "긴", "interesting": "재미있는", "clean": "깨끗한",
    "beautiful": "아름다운",
}  # fmt: skip


def test_adjectives_before_nouns_by_hand():
    assert {a.english: a.before for a in ADJECTIVES} == ATTRIBUTIVES
    assert [attributive(stem) for stem in ("작", "크", "길")] == ["작은", "큰", "긴"]


ROMAN = """서울 seoul, 부산 busan, 제주 jeju, 한글 hangeul, 김치 gimchi, 학교 hakgyo, 태권도 taegwondo, 빵 ppang, 꽃 kkot,
    의자 uija, 왕 wang, 먹습니다 meokseupnida, 않고 ango, 읽다 ikda, 뜨겁고 tteugeopgo, 여우 yeou,
    원숭이 wonsungi, 새 sae, 쥐 jwi, 폐 pye"""


@pytest.mark.parametrize("pair", ROMAN.split(","))
def test_romanize_by_hand(pair):
    word, wanted = pair.split()
    assert romanize(word) == wanted


def test_romanize_leaves_other_characters():
    assert romanize("사과, apple 7!") == "sagwa, apple 7!"


@pytest.mark.parametrize("wrong", ("a", "", "ㄱ", "사과", "\ud7a4"))
def test_final_wants_one_syllable(wrong):
    with pytest.raises(ValueError, match="expected one Hangul syllable"):
        final(wrong)


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
     "a smart student reads the interesting book", "똑똑한 학생 은 재미있는 책 을 읽습니다", [1, 2, 2, 5, 6, 6, 3]),
    ([Clause(the("Mina"), VERB["drink"], True, the("milk"))], [],
     "Mina does not drink the milk", "미나 는 우유 를 마시지 않습니다", [0, 0, 5, 5, 3, 2]),
    ([Clause(the("Jihun"), VERB["sleep"], place=the("park"))], [],
     "Jihun sleeps in the park", "지훈 은 공원 에서 잡니다", [0, 0, 4, 4, 1]),
    ([Clause(the("teacher"), VERB["go"], place=the("classroom"))], [],
     "the teacher goes to the classroom", "선생님 은 교실 로 갑니다", [1, 1, 5, 5, 2]),
    ([Clause(the("bear"), VERB["return"], True, place=the("forest"))], [],
     "the bear does not return to the forest", "곰 은 숲 으로 돌아가지 않습니다", [1, 1, 7, 7, 4, 3]),
    ([Clause(the("bread"), ADJECTIVE["tasty"])], [], "the bread is tasty", "빵 이 맛있습니다", [1, 1, 3]),
    ([Clause(a("house"), ADJECTIVE["big"], True)], [], "a house is not big", "집 이 크지 않습니다", [1, 1, 4, 3]),
    ([Clause(the("farmer"), VERB["sell"], object=the("rice"), place=the("market"), time=TODAY)], [],
     "the farmer sells the rice in the market today", "농부 는 오늘 시장 에서 밥 을 팝니다", [1, 1, 8, 7, 7, 4, 4, 2]),
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
    counts = zip(SETS, (3500, 700, 700))
    rng = np.random.default_rng(0)
    return {which: draw_translations(rng, count, which) for which, count in counts}


def test_drawn_sentences_have_all_lengths(drawn):
    for sentences in drawn.values():
        assert {len(s.source) for s in sentences} == set(range(SHORTEST, LONGEST + 1))


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
    held = {which: [any(is_held_out(" ".join(pair)) for pair in combinations_of(s.source)) for s in drawn[which]] for which in SETS}
    assert not any(held["training"]) and not any(held["sentences"]) and all(held["combinations"])


def test_held_out_sentences_never_occur_in_training(drawn):
    training = {tuple(s.source) for s in drawn["training"]}
    assert not training & {tuple(s.source) for which in SETS[1:] for s in drawn[which]}


def test_every_word_occurs_in_training_and_no_other(drawn):
    for side, vocabulary in zip(("source", "target"), vocabularies()):
        assert {word for s in drawn["training"] for word in getattr(s, side)} == set(vocabulary)


def test_the_same_english_has_one_korean(drawn):
    korean = {}
    for found in (s for sentences in drawn.values() for s in sentences):
        assert korean.setdefault(tuple(found.source), found.target) == found.target


def test_draw_translations_by_seed():
    one, again, other = (draw_translations(np.random.default_rng(seed), 20) for seed in (5, 5, 6))
    assert one == again != other


def test_unknown_set_is_refused():
    with pytest.raises(ValueError, match="training, sentences, combinations; got 'test'"):
        draw_translations(np.random.default_rng(0), 1, "test")


# ---- the figures of the demo, on planted links -------------------------------------------------------------


def planted(sentences, place):
    """Sentences with one link for each Korean token, to a place chosen from (sentence, token)."""
    links = [{(t, place(x, t)) for t in range(len(x.target))} for x in sentences]
    result = Result(Run("model", None, {}, None, 1, 1.0, None, 0), [], [], None, 0.0, 0.0)
    return translate_demo.Examined(sentences, result, links)


def test_figures_of_planted_links(drawn):
    sentences = drawn["sentences"][:50]
    right = planted(sentences, lambda x, t: x.sure[t][0])

    def all_of(share):
        return dict.fromkeys(("은/는", "이/가", "을/를", "으로/로", "에서"), share)

    assert translate_demo.error_rate(right) == 0 and translate_demo.particles_on_nouns(right) == all_of(1)
    monotone = planted(sentences, lambda x, t: len(x.source))  # everything looks at the end
    assert translate_demo.error_rate(monotone) == 1
    assert translate_demo.particles_on_nouns(monotone) == all_of(0)
    assert translate_demo.crossings(right) > 1 > translate_demo.crossings(monotone) == 0


def test_crossings_by_hand():
    """고양이 는 생선 을 먹습니다: the verb comes from place 2, the object and its particle from behind it."""
    assert translate_demo.crossings(planted([translate(*BY_HAND[0][:2])], lambda x, t: x.sure[t][0])) == 2


def test_claims_follow_the_figures(drawn):
    attends = planted(drawn["sentences"][:5], lambda x, t: x.sure[t][0])
    figures = {"exact_by_length": {"4-7": 1.0, "20-25": 0.97}, "combinations": {"exact_match": 0.96},
               "alignment_error_rate": 0.07, "particles_on_nouns": {"은/는": 0.95}, "crossings": 2.5}  # fmt: skip
    models = [(attends, attends), (attends._replace(links=None),) * 2]

    def held(**changed):
        found = [{**figures, **changed}, {"exact_by_length": {"4-7": 0.9, "20-25": 0.0}}]
        return [claim.held for claim in translate_demo.claimed(models, found)]

    assert held() == [True] * 6
    assert held(exact_by_length={"20-25": 0.9}) == [False, *[True] * 5]
    assert held(combinations={"exact_match": 0.5}) == [True, False, *[True] * 4]
    assert held(alignment_error_rate=0.4) == [*[True] * 2, False, *[True] * 3]
    assert held(particles_on_nouns={"은/는": 0.2}) == [*[True] * 3, False, *[True] * 2]
    assert held(crossings=0.1) == [*[True] * 4, False, True]
