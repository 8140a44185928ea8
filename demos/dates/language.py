"""Dates as people write them, and what day they mean in ISO 8601.

    the 3rd of April 2005   Sunday, Apr 3, '05   SUN 4/3/05   3.4.2005   3 IV 05   050403   ->   2005-04-03

A pattern is a way to write a date, with or without the day of the week: PATTERNS has them all. A pair is a
day and a pattern, both uniform, in one of three cases. What is ambiguous among people is not so here:

    1. Days run from 1950-01-01 to 2049-12-31, the hundred years for which two digits are enough:
       50 to 99 are 1950 to 1999, and 00 to 49 are 2000 to 2049.
    2. Four digits at the beginning are the year; then come month and day.
    3. Six or eight digits in a row are year, month, day: 050403.
    4. Other dates in numbers have the month first with slashes (3/4/05 is March 4), and the day first with
       dots, hyphens or blanks (3.4.05 is April 3). The year is last.
    5. Where the month is a name or a Roman numeral, the year has four digits, or two and is last.
    6. The day of the week is always the right one, and it and the case of letters say nothing more.

Held-out days never occur in training, in no pattern: a checksum of the ISO date decides.
"""

import datetime
import itertools
import string

from numpy_seq2seq.tasks import is_held_out

FIRST, LAST = datetime.date(1950, 1, 1), datetime.date(2049, 12, 31)
MONTHS = "January February March April May June July August September October November December".split()
WEEKDAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
ROMAN = "I II III IV V VI VII VIII IX X XI XII".split()
FIRST_TO_LAST = (
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth "
    "fifteenth sixteenth seventeenth eighteenth nineteenth twentieth twenty-first twenty-second twenty-third "
    "twenty-fourth twenty-fifth twenty-sixth twenty-seventh twenty-eighth twenty-ninth thirtieth thirty-first"
).split()
LETTERS = string.digits + string.ascii_letters + " '(),-./"
ISO_LETTERS = string.digits + "-"
CASES = (str, str.lower, str.upper)


def _cores():
    """Every way to write day, month and year; the fields are those of `fields`."""
    years = ("{yyyy}", "{yy}")
    for year in years:
        yield from (f"{m}/{d}/{year}" for m, d in (("{m}", "{d}"), ("{mm}", "{dd}")))
        for day in (("{d}", "{m}"), ("{dd}", "{mm}")):
            yield from (s.join((*day, year)) for s in (".", "-", " ", ". "))
        yield f"{year}{{mm}}{{dd}}"
        yield from (s.join(("{d}", "{roman}", year)) for s in (".", "-", " ", "/"))
    yield from (s.join(("{yyyy}", "{mm}", "{dd}")) for s in "-/. ")
    yield from (s.join(("{yyyy}", "{m}", "{d}")) for s in "-/. ")
    for month, year in itertools.product(("{month}", "{mon}"), ("{yyyy}", "{yy}", "'{yy}")):
        yield from (f"{day} {month} {year}" for day in ("{d}", "{dd}", "{d}.", "{th}", "the {th} of"))
        yield from (f"{month} {day}, {year}" for day in ("{d}", "{dd}", "{th}", "the {th}"))
        yield from (f"{month} {day} {year}" for day in ("{d}", "{th}"))
        yield f"{{d}}-{month}-{year}"
    for month in ("{month}", "{mon}"):
        yield from (f"{{yyyy}} {month} {{d}}", f"{{yyyy}}, {month} {{th}}")
        yield from (f"{{yyyy}}-{month}-{{dd}}", f"{{dd}}{month}{{yyyy}}")
    yield from (f"the {{word}} of {{month}} {year}" for year in years)
    yield from (f"{{month}} {{word}}, {year}" for year in years)


WITH_WEEKDAY = ("D", "{wd} D", "{wd}, D", "{weekday} D", "{weekday}, D", "D ({wd})", "D, {weekday}")
PATTERNS = tuple(form.replace("D", core) for core in _cores() for form in WITH_WEEKDAY)


def fields(day):
    """What a pattern can ask for, as a dict of strings."""
    d, m, y = day.day, day.month, day.year
    ending = "th" if d in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(d % 10, "th")
    month, weekday = MONTHS[m - 1], WEEKDAYS[day.weekday()]
    return {
        "d": d, "dd": f"{d:02}", "th": f"{d}{ending}", "word": FIRST_TO_LAST[d - 1],
        "m": m, "mm": f"{m:02}", "month": month, "mon": month[:3], "roman": ROMAN[m - 1],
        "yyyy": y, "yy": f"{y % 100:02}", "weekday": weekday, "wd": weekday[:3],
    }


def write(day, pattern, case=str):
    """A datetime.date in one of PATTERNS and one of CASES."""
    return case(pattern.format(**fields(day)))


def draw_day(rng, held_out=False):
    """A day, uniform over those that are held out, or over those that are not."""
    while True:
        day = FIRST + datetime.timedelta(int(rng.integers((LAST - FIRST).days + 1)))
        if is_held_out(day.isoformat()) == held_out:
            return day


def draw(rng, held_out=False):
    """What to write and how: (day, pattern, case), each uniform; arguments as draw_pairs."""
    pattern, case = rng.integers(len(PATTERNS)), rng.integers(len(CASES))
    return draw_day(rng, held_out), PATTERNS[pattern], CASES[case]


def draw_pairs(rng, count, held_out=False):
    """Dates with their answers.

    Args:
        rng:      np.random.Generator.
        count:    number of pairs.
        held_out: days that never occur in training, or (default) only such as may.
    Returns:
        pairs:    list of (date as written, ISO date).
    """
    drawn = [draw(rng, held_out) for _ in range(count)]
    return [(write(*one), one[0].isoformat()) for one in drawn]


# Exercises
# 1. Add the day of the year, 2005-093. What must a model know to read it? Does it still reach its figure?
# 2. Read slashes with the day first wherever the month first gives no date: 13/4/05. What does this cost?
# 3. Draw one in ten days of the week wrong. Does the model notice? Should it?
