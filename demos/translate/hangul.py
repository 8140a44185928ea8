"""Hangul by arithmetic: final consonants, the particles that depend on them, endings, romanisation.

Read before korean.py, which makes sentences out of it.

A Hangul syllable is one code point, and its three letters can be computed from it (Unicode, chapter 3.12):

    code point − 0xAC00 = (initial · 21 + vowel) · 28 + final       final 0: the syllable ends in its vowel

Not here: words and sentences (korean.py).
"""

FIRST, VOWELS, FINALS = 0xAC00, 21, 28
L, B = 8, 17  # the finals ㄹ and ㅂ

PARTICLES = {  # after a final consonant, after a vowel
    "topic": ("은", "는"),
    "subject": ("이", "가"),
    "object": ("을", "를"),
    "to": ("으로", "로"),
    "in": ("에서", "에서"),
}

ROMAN_INITIALS = "g kk n d tt r m b pp s ss - j jj ch k t p h".replace("-", "").split(" ")
ROMAN_VOWELS = "a ae ya yae eo e yeo ye o wa wae oe yo u wo we wi yu eu ui i".split()
ROMAN_FINALS = "- k k k n n n t l k m l l l p l m p p t t ng t t k t p t".replace("-", "").split(" ")


def final(syllable):
    """Number of the final consonant of a syllable, 1 to 27, or 0 where there is none."""
    return (ord(syllable) - FIRST) % FINALS


def particle(word, role):
    """The particle for a word in a role of PARTICLES.

        final consonant:  은  이  을  으로
        vowel:            는  가  를  로         로 also after ㄹ
    """
    last = final(word[-1])
    after_consonant, after_vowel = PARTICLES[role]
    return after_vowel if last == 0 or (role == "to" and last == L) else after_consonant


def formal(stem):
    """Stem of a verb or adjective to its formal polite form (합쇼체): 먹습니다, 갑니다, 팝니다."""
    last = final(stem[-1])
    if last in (0, L):  # a ㄹ gives way to the ㅂ
        return stem[:-1] + chr(ord(stem[-1]) - last + B) + "니다"
    return stem + "습니다"


def romanize(text):
    """Revised Romanization, syllable by syllable, each as it sounds alone; other characters stay.

    Left out is what happens *between* syllables: linking (먹은 is spoken meogeun, written here meokeun),
    nasals (습니다 seumnida, here seupnida), ㄹ beside ㄴ or ㄹ, aspiration (않고 anko, here ango).

    Source: Ministry of Culture and Tourism, Proclamation 2000-8 (2000): the letters of its chapter 2, without
        what the notes there and chapter 3, item 1, say of neighbouring syllables.
    """
    return "".join(map(_romanize_one, text))


def _romanize_one(character):
    number = ord(character) - FIRST
    if not 0 <= number < 19 * VOWELS * FINALS:
        return character
    syllable, last = divmod(number, FINALS)
    return ROMAN_INITIALS[syllable // VOWELS] + ROMAN_VOWELS[syllable % VOWELS] + ROMAN_FINALS[last]
