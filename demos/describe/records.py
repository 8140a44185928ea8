"""Records, the sentences that say them, and a checker: many sentences are right, so equality cannot judge.

    source    name: M I R A  food: soup  hour: seven        fields in any order, some missing
    target    M I R A likes soup and gets up at seven .
    or        M I R A , who rises at seven , enjoys soup .

A name is spelled, one capital letter a token. The names of held-out records never occur in training: they can
only be copied. Without a name the sentence is about "somebody", or about "a baker".

    sentence    subject predicates .  |  subject , who predicate , predicates .
    subject     NAME  |  NAME from CITY  |  NAME , a JOB ,  |  the JOB NAME
                somebody  |  somebody from CITY  |  a JOB
    predicates  P  |  P and P  |  P , P and P  |  …          one for each field that the subject has not said

Not here: how a model is trained on them (describe.py).
"""

import re
import string

from numpy_seq2seq.tasks import is_held_out

NOBODY = "somebody"
VALUES = {
    "job": "baker doctor teacher farmer singer painter writer pilot cook nurse judge lawyer".split(),
    "city": """Oslo Rome Paris London Berlin Vienna Seoul Tokyo Lima Cairo Delhi Madrid Lisbon Prague Dublin
        Athens""".split(),
    "food": """soup rice bread cheese fish pasta salad pizza cake noodles beans olives honey apples plums
        kimchi""".split(),
    "pet": "dog cat horse rabbit parrot turtle snake goat mouse pony".split(),
    "hour": "one two three four five six seven eight nine ten eleven noon".split(),
}
FIELDS = ("name", *VALUES)
PREDICATES = {
    "job": ("works as a {}", "is a {}"),
    "city": ("lives in {}", "comes from {}", "is from {}"),
    "food": ("likes {}", "enjoys {}", "eats {} every day"),
    "pet": ("has a {}", "keeps a {}"),
    "hour": ("gets up at {}", "rises at {}", "wakes at {}"),
}
_CONSONANTS, _VOWELS = "BCDFGHJKLMNPQRSTVWXYZ", "AEIOU"


# ---- records -----------------------------------------------------------------------------------------------


def draw_records(rng, count, held_out=False):
    """Random records: dicts of field -> value in random order, the name missing in one of seven.

    Args:
        rng:      np.random.Generator.
        count:    number of records.
        held_out: records (names, where there is one) that never occur in training, or only such as may.
    """
    records = []
    while len(records) < count:
        record = _draw_record(rng)
        if is_held_out(key(record)) == held_out:
            records.append(record)
    return records


def _draw_record(rng):
    fields = [field for field in VALUES if rng.random() < 0.6] or [_pick(rng, list(VALUES))]
    record = {field: _pick(rng, VALUES[field]) for field in fields}
    if rng.random() < 6 / 7:
        record["name"] = draw_name(rng)
    return {field: record[field] for field in rng.permutation(list(record)).tolist()}


def draw_name(rng):
    """A name of 3 to 8 letters: one to four syllables of consonant and vowel, perhaps another consonant."""
    syllables = rng.integers(1, 5)
    name = "".join(_pick(rng, _CONSONANTS) + _pick(rng, _VOWELS) for _ in range(syllables))
    closed = syllables == 1 or (syllables < 4 and rng.random() < 0.5)
    return name + _pick(rng, _CONSONANTS) if closed else name


def key(record):
    """What decides whether a record is held out: its name, or without one all its values."""
    return record.get("name") or " ".join(sorted(record.values()))


def source_tokens(record):
    """A record as a model reads it."""
    return [token for field, value in record.items() for token in (f"{field}:", *_spelled(field, value))]


def _spelled(field, value):
    return list(value) if field == "name" else [value]


def _pick(rng, things):
    return things[int(rng.random() * len(things))]  # faster than rng.integers


# ---- sentences ---------------------------------------------------------------------------------------------


def draw_sentence(rng, record):
    """One of the right sentences for a record, drawn: a list of tokens."""
    return sentence(record, lambda things: _pick(rng, things))


def sentence(record, choose):
    """A right sentence for a record. `choose` takes one of a list, and so decides which."""
    subject, said = choose(_subjects(record))
    rest, predicates = [field for field in record if field not in ("name", *said)], []
    while rest:
        field = choose(rest)
        rest.remove(field)
        predicates.append(choose(PREDICATES[field]).format(record[field]))
    if len(predicates) > 1 and choose([False, True]):
        subject += f" , who {predicates.pop(0)} ,"
    *commas, last = predicates
    words = f"{' , '.join(commas)} and {last}" if commas else last
    return f"{subject} {words} .".replace(" , ,", " ,").split()


def _subjects(record):
    """(words, fields that they say) of each subject that leaves something to be said."""
    name, job, city = (record.get(field) for field in ("name", "job", "city"))
    who = " ".join(name) if name else NOBODY
    subjects = [(who, ())]
    if city:
        subjects.append((f"{who} from {city}", ("city",)))
    if job:
        forms = (f"{who} , a {job} ,", f"the {job} {who}") if name else (f"a {job}",)
        subjects += [(form, ("job",)) for form in forms]
    return [(words, said) for words, said in subjects if len(record) - bool(name) > len(said)]


def written(tokens):
    """Tokens as a person would write them: 'M I R A likes soup .' becomes 'Mira likes soup.'"""
    text = re.sub(r"\b[A-Z]( [A-Z])*\b", lambda m: m[0].replace(" ", "").title(), " ".join(tokens))
    return re.sub(r" ([,.])", r"\1", text[:1].upper() + text[1:])


def vocabularies():
    """Every token of a record, and every token of a sentence: two sorted lists."""
    shared = {*string.ascii_uppercase, *(value for values in VALUES.values() for value in values)}
    words = {word for forms in PREDICATES.values() for form in forms for word in form.split()} - {"{}"}
    glue = {NOBODY, "from", "a", "the", "who", "and", ",", "."}
    return sorted(shared | {f"{field}:" for field in FIELDS}), sorted(shared | words | glue)


# ---- the checker -------------------------------------------------------------------------------------------

_SUBJECT = r"(N|N F|the J N|S|S F|a J)( , who P ,)?|N , a J ,( who P ,)?"
_SKELETON = re.compile(rf"({_SUBJECT}) P(( , P)* and P)? \.")
_PHRASES = [  # symbol, field or None, pattern with one group, in the order in which they are tried
    *(("P", field, form.format(f"({'|'.join(VALUES[field])})"))
      for field, forms in PREDICATES.items() for form in forms),
    ("F", "city", f"from ({'|'.join(VALUES['city'])})"),
    ("J", "job", f"({'|'.join(VALUES['job'])})"),
    ("N", "name", "([A-Z](?: [A-Z])*)"),
    ("S", None, f"({NOBODY})"),
]
_PHRASE = re.compile(rf"(?<!\S)(?:{'|'.join(pattern for *_, pattern in _PHRASES)})(?!\S)")


def facts(tokens):
    """What a sentence says: (field, value) in the order of its words; and whether the grammar has it.

    Phrases are replaced by letters, N a name, S somebody, F from a city, J a job, P a predicate; what is left
    must be one of a few skeletons.
    """
    found = []

    def symbol(match):
        letter, field, _ = _PHRASES[match.lastindex - 1]
        found.extend([(field, match[match.lastindex].replace(" ", ""))] if field else [])
        return letter

    return found, bool(_SKELETON.fullmatch(_PHRASE.sub(symbol, " ".join(tokens))))


def faults(record, tokens):
    """What is wrong with a sentence as a description of a record: a list of words, empty if it is right.

    Right is a sentence of the grammar, of any phrasing and order, which mentions every field of the record
    exactly once, with its value, and nothing else.
    """
    said, grammatical = facts(tokens)
    wrong = [] if grammatical else ["not a sentence of the grammar"]
    for field in FIELDS:
        values = [value for name, value in said if name == field]
        if field in record and not values:
            wrong.append(f"{field} is missing")
        elif field not in record and values:
            wrong.append(f"{field} is not in the record")
        elif len(values) > 1:
            wrong.append(f"{field} is said {len(values)} times")
        elif values and values[0] != record[field]:
            wrong.append(f"{field} is {record[field]}, not {values[0]}")
    return wrong


# Exercises
# 1. Add "at seven NAME gets up …". Which skeletons are new, and does `facts` need another line?
# 2. The checker knows the same phrases as the generator. Plant a fault in PREDICATES that no test can find.
