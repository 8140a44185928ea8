"""A fragment of English with its Korean, and which word comes from which.

Read hangul.py and lexicon.py first.

    English  the  big  dog     does  not  eat  the  apple  in  the  park
    Korean   큰  개 는  공원 에서  사과 를  먹지  않습니다

Order: subject, time, place, object, manner, verb; an adjective stands before its noun. Particles are tokens
of their own. The choices that make it a function:

    who does it     topic 은/는             who or what is so       subject 이/가
    object          을/를                   in, to                  에서, (으)로
    X and Y         X-고 Y                  X but Y                 X-지만 Y
    not             stem-지 않다, for verbs and adjectives alike
    the, a          nothing: Korean has no articles
    style           formal polite (-습니다/-ㅂ니다), on the last verb of the sentence only; present tense

A combination is an adjective with its noun, or a verb with the noun of its object. One in eight of them
never occurs in training, though each of its words does; nor does one in eight of the sentences made of the
others. tasks.is_held_out decides.

Not here: the words (lexicon.py), how a model is judged (metrics.py).
"""

from typing import NamedTuple

from numpy_seq2seq.tasks import is_held_out

from .hangul import formal, particle
from .lexicon import ADJECTIVES, DESCRIBING, MANNERS, NAMES, NOUNS, OF_KIND, TIMES, VERBS, Adjective, Noun, Verb

SETS = ("training", "sentences", "combinations")
SHORTEST, LONGEST, MOST_CLAUSES = 4, 25, 3
ENDINGS = {None: formal, "and": lambda stem: stem + "고", "but": lambda stem: stem + "지만"}

_STATES = ("like", "want", "love", "remember")  # nobody does that quietly, or in the park
_DOERS = {animals: [v for v in VERBS if v.animals or not animals] for animals in (False, True)}
_BEINGS = [*OF_KIND["person"], *OF_KIND["animal"]]


class Phrase(NamedTuple):
    """A noun with its adjective, or none, and its article."""

    noun: Noun
    adjective: Adjective | None = None
    definite: bool = True


class Clause(NamedTuple):
    """What one verb says. `place` is where it happens, or where the subject goes to."""

    subject: Phrase
    verb: Verb | Adjective
    negated: bool = False
    object: Phrase | None = None
    manner: tuple | None = None
    place: Phrase | None = None
    time: tuple | None = None


class Translation(NamedTuple):
    """A sentence in both languages, with its alignment."""

    source: list  # S English words
    target: list  # T Korean tokens
    sure: list  # for each target token the places in the source that it comes from
    possible: list  # those, and the places that may as well be named


# ---- from meaning to words ---------------------------------------------------------------------------------


def translate(clauses, joins=()):
    """Clauses, and between each two of them "and" or "but", to a Translation.

    Sure and possible places: a word comes from its word; a noun possibly also from its article; a particle
    from its noun, possibly from the article and the preposition; a verb possibly also from does, is, and the
    conjunction that its ending stands for; 않- from not, possibly from does or is, and the conjunction.
    """
    joins, source, target = (*joins, None), [], []
    for k, (clause, join) in enumerate(zip(clauses, joins, strict=True)):
        source += [((k, role), word) for role, word in (*_english(clause), ("join", join)) if word]
        target += [(word, [(k, role) for role in roles]) for word, roles in _korean(clause, join)]
    places = {role: place for place, (role, _) in enumerate(source)}
    possible = [tuple(places[role] for role in roles if role in places) for _, roles in target]
    return Translation([w for _, w in source], [w for w, _ in target], [p[:1] for p in possible], possible)


def _english(clause):
    """(role, word) of each English word."""
    yield from _english_phrase("subject", clause.subject)
    adjective = isinstance(clause.verb, Adjective)
    if adjective or clause.negated:
        yield "auxiliary", "is" if adjective else "does"
    if clause.negated:
        yield "not", "not"
    yield "verb", clause.verb.english if adjective or clause.negated else clause.verb.third
    if clause.object:
        yield from _english_phrase("object", clause.object)
    if clause.manner:
        yield "manner", clause.manner[0]
    if clause.place:
        yield "preposition", _direction(clause)
        yield from _english_phrase("place", clause.place)
    if clause.time:
        yield "time", clause.time[0]


def _english_phrase(role, phrase):
    words = [phrase.adjective.english, phrase.noun.english] if phrase.adjective else [phrase.noun.english]
    if phrase.noun.kind != "name":
        yield role + " article", "the" if phrase.definite else "an" if words[0][0] in "aeiou" else "a"
    if phrase.adjective:
        yield role + " adjective", words[0]
    yield role, words[-1]


def _korean(clause, join):
    """(token, roles it comes from: the sure one first) of each Korean token."""
    case = "subject" if isinstance(clause.verb, Adjective) else "topic"
    yield from _korean_phrase("subject", clause.subject, case)
    if clause.time:
        yield clause.time[1], ["time"]
    if clause.place:
        yield from _korean_phrase("place", clause.place, _direction(clause), "preposition")
    if clause.object:
        yield from _korean_phrase("object", clause.object, "object")
    if clause.manner:
        yield clause.manner[1], ["manner"]
    if clause.negated:
        yield clause.verb.stem + "지", ["verb", "auxiliary"]
    stem, role = ("않", "not") if clause.negated else (clause.verb.stem, "verb")
    yield ENDINGS[join](stem), [role, "auxiliary", "join"]


def _korean_phrase(role, phrase, case, *others):
    if phrase.adjective:
        yield phrase.adjective.before, [role + " adjective"]
    yield phrase.noun.korean, [role, role + " article"]
    yield particle(phrase.noun.korean, case), [role, role + " article", *others]


def _direction(clause):
    return "to" if "place" in getattr(clause.verb, "objects", ()) else "in"


# ---- drawing -----------------------------------------------------------------------------------------------


def draw_translations(rng, count, which="training"):
    """Random sentences of SHORTEST to LONGEST English words.

    Args:
        rng:   np.random.Generator.
        count: number of sentences.
        which: of SETS: "training"; "sentences" that never occur in training, of combinations that do;
               sentences with at least one of the "combinations" that never occur in training.
    Returns:
        list of Translation.
    Raises:
        ValueError: an unknown set.
    """
    if which not in SETS:
        raise ValueError(f"which must be one of {', '.join(SETS)}; got {which!r}")
    found = []
    while len(found) < count:
        count_clauses = rng.integers(1, MOST_CLAUSES + 1)
        clauses = [_draw_clause(rng, which != "combinations") for _ in range(count_clauses)]
        drawn = translate(clauses, [("and", "but")[rng.integers(2)] for _ in clauses[1:]])
        if SHORTEST <= len(drawn.source) <= LONGEST and _belongs(clauses, drawn.source, which):
            found.append(drawn)
    return found


def _belongs(clauses, source, which):
    """Whether a sentence is of that set; outside "combinations" the clauses are known ones already."""
    if which == "combinations":
        return any(is_held_out(pair) for clause in clauses for pair in combinations(clause))
    return is_held_out(" ".join(source)) == (which == "sentences")


def combinations(clause):
    """The combinations of a clause: an adjective or a verb, a space, and its noun."""
    phrases = (clause.subject, clause.object, clause.place)
    pairs = [f"{p.adjective.english} {p.noun.english}" for p in phrases if p and p.adjective]
    if isinstance(clause.verb, Adjective):
        pairs.append(f"{clause.verb.english} {clause.subject.noun.english}")
    elif clause.object:
        pairs.append(f"{clause.verb.english} {clause.object.noun.english}")
    return pairs


def _draw_clause(rng, known):
    """A clause; with `known` one without held-out combinations."""
    while True:
        clause = _draw_any_clause(rng)
        if not (known and any(map(is_held_out, combinations(clause)))):
            return clause


def _draw_any_clause(rng):
    dice = rng.random(5)
    negated, describes = bool(dice[1] < 0.3), dice[2] < 0.2
    nouns = NOUNS if describes else _BEINGS
    subject = Phrase(_pick(rng, NAMES)) if dice[0] < 0.15 else _draw_phrase(rng, nouns)
    kind = "person" if subject.noun.kind == "name" else subject.noun.kind
    if describes:
        return Clause(subject._replace(adjective=None), _pick(rng, DESCRIBING[kind]), negated)
    verb = _pick(rng, _DOERS[kind == "animal"])
    state, goes = verb.english in _STATES, "place" in verb.objects
    return Clause(
        subject,
        verb,
        negated,
        object=_draw_phrase(rng, OF_KIND[_pick(rng, verb.objects)]) if verb.objects and not goes else None,
        manner=_pick(rng, MANNERS) if dice[3] < 0.25 and not state else None,
        place=_draw_phrase(rng, OF_KIND["place"]) if goes or (dice[4] < 0.25 and not state) else None,
        time=_pick(rng, TIMES) if rng.random() < 0.2 else None,
    )


def _draw_phrase(rng, nouns):
    noun, dice = _pick(rng, nouns), rng.random(2)
    adjective = _pick(rng, DESCRIBING[noun.kind]) if dice[0] < 0.4 else None
    return Phrase(noun, adjective, bool(noun.mass or dice[1] < 0.6))


def _pick(rng, things):
    return things[int(rng.random() * len(things))]  # faster than rng.integers


def vocabularies():
    """Every English word and every Korean token of the fragment: two sorted lists."""
    english = {"the", "a", "an", "is", "does", "not", "in", "to", "and", "but"}
    korean = {"은", "는", "이", "가", "을", "를", "로", "으로", "에서"}
    english.update(w for w, _ in (*TIMES, *MANNERS))
    korean.update(w for _, w in (*TIMES, *MANNERS))
    for noun in (*NAMES, *NOUNS):
        english.add(noun.english)
        korean.add(noun.korean)
    for word in (*VERBS, *ADJECTIVES):
        english.update((word.english, getattr(word, "third", word.english)))
        korean.update(ending(word.stem) for ending in ENDINGS.values())
        korean.update((word.stem + "지", getattr(word, "before", word.stem + "지")))
    korean.update(ending("않") for ending in ENDINGS.values())
    return sorted(english), sorted(korean)
