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

from .hangul import PARTICLES, formal, particle
from .lexicon import ADJECTIVES, DESCRIBING, MANNERS, NOUNS, OF_KIND, TIMES, VERBS
from .lexicon import Adjective, Adverb, Noun, Verb

SETS = ("training", "sentences", "combinations")
SHORTEST, LONGEST, MOST_CLAUSES = 4, 25, 3
ENDINGS = {None: formal, "and": lambda stem: stem + "고", "but": lambda stem: stem + "지만"}

_STATES = ("like", "want", "love", "remember")  # nobody does that quietly, or in the park
_DOERS = {"person": VERBS, "animal": [verb for verb in VERBS if not verb.people_only]}
_BEINGS = [*OF_KIND["person"], *OF_KIND["animal"]]
_THINGS = [noun for noun in NOUNS if noun.kind != "name"]
_NEVER = Adverb("", "")


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
    manner: Adverb = _NEVER
    place: Phrase | None = None
    time: Adverb = _NEVER


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
        target += [(word, [(k, role) for role in roles]) for word, roles in _korean(clause, join) if word]
    places = {role: place for place, (role, _) in enumerate(source)}
    possible = [tuple(places[role] for role in roles if role in places) for _, roles in target]
    return Translation([w for _, w in source], [w for w, _ in target], [p[:1] for p in possible], possible)


def _english(clause):
    """(role, word) of each English word; an empty word is none."""
    describes, negated = isinstance(clause.verb, Adjective), clause.negated
    yield from _english_phrase("subject", clause.subject)
    yield "auxiliary", "is" if describes else "does" if negated else ""
    yield "not", "not" if negated else ""
    yield "verb", clause.verb.english if describes or negated else clause.verb.third
    yield from _english_phrase("object", clause.object)
    yield "manner", clause.manner.english
    yield "preposition", _direction(clause) if clause.place else ""
    yield from _english_phrase("place", clause.place)
    yield "time", clause.time.english


def _english_phrase(role, phrase):
    if phrase:
        words = [word.english for word in (phrase.adjective, phrase.noun) if word]
        if phrase.noun.kind != "name":
            yield role + " article", "the" if phrase.definite else "an" if words[0][0] in "aeiou" else "a"
        yield from zip((role + " adjective", role)[-len(words) :], words)


def _korean(clause, join):
    """(token, roles it comes from: the sure one first) of each Korean token; an empty token is none."""
    case = "subject" if isinstance(clause.verb, Adjective) else "topic"
    stem, role = ("않", "not") if clause.negated else (clause.verb.stem, "verb")
    yield from _korean_phrase("subject", clause.subject, case)
    yield clause.time.korean, ["time"]
    yield from _korean_phrase("place", clause.place, _direction(clause), "preposition")
    yield from _korean_phrase("object", clause.object, "object")
    yield clause.manner.korean, ["manner"]
    yield clause.verb.stem + "지" if clause.negated else "", ["verb", "auxiliary"]
    yield ENDINGS[join](stem), [role, "auxiliary", "join"]


def _korean_phrase(role, phrase, case, *others):
    if phrase:
        yield phrase.adjective.before if phrase.adjective else "", [role + " adjective"]
        yield phrase.noun.korean, [role, role + " article"]
        yield particle(phrase.noun.korean, case), [role, role + " article", *others]


def _direction(clause):
    return "to" if getattr(clause.verb, "objects", "") == "place" else "in"


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
    """
    found = []
    while len(found) < count:
        clauses = range(rng.integers(1, MOST_CLAUSES + 1))
        clauses = [_draw_clause(rng, which != "combinations") for _ in clauses]
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
    nouns = _THINGS if describes else _BEINGS
    subject = Phrase(_pick(rng, OF_KIND["name"])) if dice[0] < 0.15 else _draw_phrase(rng, nouns)
    kind = "person" if subject.noun.kind == "name" else subject.noun.kind
    if describes:
        return Clause(subject._replace(adjective=None), _pick(rng, DESCRIBING[kind]), negated)
    verb, object = _pick(rng, _DOERS[kind]), None
    state, goes = verb.english in _STATES, verb.objects == "place"
    if verb.objects and not goes:
        object = _draw_phrase(rng, OF_KIND[_pick(rng, verb.objects.split())])
    manner = _pick(rng, MANNERS) if dice[3] < 0.25 and not state else _NEVER
    place = _draw_phrase(rng, OF_KIND["place"]) if goes or (dice[4] < 0.25 and not state) else None
    time = _pick(rng, TIMES) if rng.random() < 0.2 else _NEVER
    return Clause(subject, verb, negated, object, manner, place, time)


def _draw_phrase(rng, nouns):
    noun, dice = _pick(rng, nouns), rng.random(2)
    adjective = _pick(rng, DESCRIBING[noun.kind]) if dice[0] < 0.4 else None
    return Phrase(noun, adjective, bool(noun.mass or dice[1] < 0.6))


def _pick(rng, things):
    return things[int(rng.random() * len(things))]  # faster than rng.integers


def vocabularies():
    """Every English word and every Korean token of the fragment: two sorted lists."""
    named, stems = [*NOUNS, *TIMES, *MANNERS], [word.stem for word in (*VERBS, *ADJECTIVES)]
    english = {"the", "a", "an", "is", "does", "not", "in", "to", "and", "but"}
    english |= {verb.third for verb in VERBS} | {word.english for word in (*named, *VERBS, *ADJECTIVES)}
    korean = {form for forms in PARTICLES.values() for form in forms} | {word.korean for word in named}
    korean |= {ending(stem) for stem in (*stems, "않") for ending in ENDINGS.values()}
    korean |= {stem + "지" for stem in stems} | {adjective.before for adjective in ADJECTIVES}
    return sorted(english), sorted(korean)
