"""Stories of a few facts, a question, and its answer. Words are the tokens.

    mary reached paris . john took salt . mary visited rome . anna found silk . where is mary ?  ->  rome

A fact is a triple. The words around it are chosen at random and say nothing more:

    ("go", person, place)       mary reached paris      mary visited paris      mary entered paris
    ("take", person, thing)     mary took salt          mary bought salt        mary found salt

A question has a kind and a subject. Its answer is one word, and one fact decides it, the latest that could:

    where is mary ?             the place of the latest `go` of mary
    what is held by mary ?      the thing of the latest `take` of mary
    who holds salt ?            the person of the latest `take` of salt

A person holds one thing at most, and a thing is held by one person at most: whoever takes another thing puts
down the first one, and whoever loses a thing holds nothing. A question whose answer would be nothing or
nobody is not asked.

The distance of a story is the number of facts after the deciding one. It is uniform, whatever the length: a
fact that lies far back is as frequent as one that was just told. The other facts distract. Some of those
before the deciding one are earlier answers to the same question (mary in paris), which are now wrong.

The facts of a held-out story never occur in training, in whatever words and with whatever question: a
checksum of the triples decides.
"""

from typing import NamedTuple

from numpy_seq2seq.tasks import is_held_out

PERSONS = "mary john anna peter lucy tom".split()
PLACES = "paris rome oslo cairo lima delhi tokyo quito".split()
THINGS = "salt silk gold tea wine bread wood wool".split()
OBJECTS = {"go": PLACES, "take": THINGS}
VERBS = {"go": ("reached", "visited", "entered"), "take": ("took", "bought", "found")}
QUESTIONS = {"where": "where is {} ?", "what": "what is held by {} ?", "who": "who holds {} ?"}
SHORTEST, LONGEST = 2, 12  # facts
OUTDATED = 0.3  # share of the facts before the deciding one that answer the same question


class Story(NamedTuple):
    """Facts in the order in which they are told, the question, and what decides it."""

    facts: tuple  # of (kind, person, object)
    sentences: tuple  # of lists of words, one for each fact
    question: tuple  # (kind, subject)
    decisive: int  # place of the deciding fact
    answer: str

    @property
    def distance(self):
        """Number of facts after the deciding one."""
        return len(self.facts) - 1 - self.decisive

    @property
    def source(self):
        """All words, facts first: list of str."""
        return [word for sentence in self.sentences for word in sentence] + self.asked

    @property
    def asked(self):
        """The words of the question: list of str."""
        kind, subject = self.question
        return QUESTIONS[kind].format(subject).split()

    @property
    def outdated(self):
        """Places of the facts before the deciding one that answer the same question."""
        kind, subject = self.question
        told, place = "go" if kind == "where" else "take", 2 if kind == "who" else 1
        earlier = enumerate(self.facts[: self.decisive])
        return [n for n, fact in earlier if fact[0] == told and fact[place] == subject]


def vocabulary_words():
    """Every word of the language, in a fixed order: (words that are read, words that may be the answer)."""
    answers = [*PERSONS, *PLACES, *THINGS]
    others = [*VERBS["go"], *VERBS["take"], ".", *" ".join(QUESTIONS.values()).replace("{}", "").split()]
    return [*answers, *dict.fromkeys(others)], answers


def draw_story(rng, length, held_out=False):
    """One story with so many facts.

    Kind and subject of the question, the answer, and the place of the deciding fact are uniform.

    Args:
        rng:      np.random.Generator.
        length:   number of facts.
        held_out: facts that never occur in training, or (default) only such as may.
    Returns:
        Story.
    """
    while True:
        kind, decisive = _pick(rng, list(QUESTIONS)), int(rng.integers(length))
        fact = _fact(rng, "go" if kind == "where" else "take")
        subject, answer = fact[:0:-1] if kind == "who" else fact[1:]
        before = [_before(rng, kind, fact) for _ in range(decisive)]
        after = [_after(rng, fact) for _ in range(length - 1 - decisive)]
        facts = (*before, fact, *after)
        if is_held_out(repr(facts)) == held_out:
            return Story(facts, tuple(_say(rng, f) for f in facts), (kind, subject), decisive, answer)


def draw_stories(rng, count, length=None, held_out=False):
    """Stories of so many facts, or of SHORTEST to LONGEST, uniform; otherwise as draw_story."""
    lengths = rng.integers(SHORTEST, LONGEST + 1, count) if length is None else [length] * count
    return [draw_story(rng, int(n), held_out) for n in lengths]


def _pick(rng, options):
    return options[rng.integers(len(options))]


def _fact(rng, kind=None, person=None, thing=None):
    kind = kind or _pick(rng, list(OBJECTS))
    return kind, person or _pick(rng, PERSONS), thing or _pick(rng, OBJECTS[kind])


def _before(rng, question, decisive):
    """Any fact, or an outdated answer to the question."""
    if rng.random() >= OUTDATED:
        return _fact(rng)
    kind, person, thing = decisive
    return _fact(rng, kind, thing=thing) if question == "who" else _fact(rng, kind, person)


def _after(rng, decisive):
    """A fact that leaves the answer as it is."""
    while True:
        kind, person, thing = fact = _fact(rng)
        if kind != decisive[0] or (person != decisive[1] and (kind == "go" or thing != decisive[2])):
            return fact


def _say(rng, fact):
    kind, person, thing = fact
    return [person, _pick(rng, VERBS[kind]), thing, "."]


# Exercises
# 1. Leave out the question `who`. Is what remains learned sooner, or later? Which gradient is missing?
# 2. Ask where a thing is: held by mary, and mary is in rome. Which two facts decide? How many looks at the
#    story does an answer need, and how many does a decoder have that writes one word?
# 3. Leave the outdated answers out, OUTDATED = 0. Does the fixed-vector model become better or worse?
