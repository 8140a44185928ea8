"""Chapter: tasks. Strings whose right answer is known.

Before this: data.py. After it: activations.py; and the demos.

A task is a function from a source string to its target. copy and reverse need every letter and its place;
sort needs only how often each letter occurs; first and last need one letter, read early or late.

There are two sets of strings, training and held-out. A checksum, a number computed from the string alone,
decides to which of them a string belongs: it is held out if the checksum is divisible by 8. So training may
draw fresh strings for ever, and none of them is held out.

    >>> [task("bca") for task in (copy, reverse, sort, first, last)]
    ['bca', 'acb', 'abc', 'b', 'a']
    >>> right_places("reverse", "bca").tolist()     # the answer's letters stood at places 2, 1, 0
    [2, 1, 0]
    >>> bits("reverse", 3, letters=4), bits("first", 3, letters=4)      # 4³ answers are possible, or 4
    (6.0, 2.0)

Not here: ids, padding and masks (data.py).
"""

import math
import string
import zlib

import numpy as np

from .checks import check_choice, check_count, check_rng, check_strings, shown

LETTERS = string.ascii_lowercase
HELD_OUT = 8  # one string in so many is held out
MOST_DRAWS = 1000  # for one string; past that there is none


def copy(source):
    """The same letters in the same order."""
    return source


def reverse(source):
    """The same letters, last one first."""
    return source[::-1]


def sort(source):
    """The same letters in the order of their code points; equal ones stay in order."""
    return "".join(sorted(source))


def first(source):
    """The first letter alone; of the empty string, nothing."""
    return source[:1]


def last(source):
    """The last letter alone; of the empty string, nothing."""
    return source[-1:]


TASKS = {task.__name__: task for task in (copy, reverse, sort, first, last)}


def right_places(task, source):
    """For each letter of the answer, the place of the source letter that it comes from; integers.

    Raises:
        TypeError:  source is no string.
        ValueError: an unknown task.
    """
    check_choice("task", task, TASKS)
    if not isinstance(source, str):
        raise TypeError(f"source must be a string, got {shown(source)}")
    places = list(range(len(source)))
    if task == "sort":
        places.sort(key=lambda k: source[k])
    chosen = {"reverse": places[::-1], "first": places[:1], "last": places[-1:]}
    return np.array(chosen.get(task, places), int)  # copy and sort take them all


def bits(task, length, letters):
    """log₂ of the number of different answers: how many bits the answer may need.

    A decoder without attention must get this many bits through the one fixed vector.

        copy, reverse   L log₂ A
        sort            log₂ C(L + A − 1, L)        C(n, k): the number of ways to choose k of n places
        first, last     log₂ A                      of an empty source 0

    For sort, write an answer as stars, with a bar where the next letter of the alphabet begins: over abc, aab
    is **|*| and ccc is ||***. Such a row has L + A − 1 places, and L of them, freely chosen, hold a star.
    (Not all answers are equally probable; on average slightly fewer bits are enough.)

        >>> round(2 ** bits("sort", 3, letters=3))      # C(5, 3) = 10 answers: aaa aab aac abb … ccc
        10

    Args:
        length:  L.
        letters: A, size of the alphabet.
    Units: bits.
    Raises:
        ValueError: an unknown task, a negative length, no letters.
    """
    check_choice("task", task, TASKS)
    check_count("length", length)
    check_count("letters", letters, least=1)
    if task == "sort":
        return math.log2(math.comb(length + letters - 1, length))
    return math.log2(letters) * (length if task in ("copy", "reverse") else min(length, 1))


def is_held_out(source):
    """Whether a string is kept for evaluation; about one in HELD_OUT is, by a checksum, CRC-32."""
    if not isinstance(source, str):
        raise TypeError(f"only a string is held out or not, got {shown(source)}")
    return zlib.crc32(source.encode()) % HELD_OUT == 0


def draw_pairs(task: str, rng: np.random.Generator, count: int, lengths: tuple[int, int] = (1, 10),
               alphabet: str = LETTERS, held_out: bool = False) -> list[tuple[str, str]]:
    """Random strings with their answers.

    Length and letters are drawn uniformly; a string that belongs to the other set is drawn again, with a
    new length. The empty string, whose checksum is 0, is always held out.

    Args:
        task:     a name of TASKS.
        rng:      np.random.Generator.
        count:    number of pairs.
        lengths:  (shortest, longest).
        alphabet: distinct letters to draw from.
        held_out: True: only held-out strings; False: only strings that training may have.
    Returns:
        pairs:    list of (source, target) strings.
    Raises:
        TypeError:  rng is no generator.
        ValueError: an unknown task, an impossible range, a bad alphabet, or no string to be found.
    """
    check_choice("task", task, TASKS)
    check_strings(lengths, alphabet)
    check_rng(rng)
    check_count("count", count)
    if not isinstance(held_out, bool):
        raise ValueError(f"held_out must be True or False, got {shown(held_out)}")
    lengths = [int(length) for length in lengths]  # a small NumPy integer would overflow
    sources = (_draw(rng, lengths, alphabet, held_out) for _ in range(count))
    return [(source, TASKS[task](source)) for source in sources]


def _draw(rng, lengths, alphabet, held_out):
    for _ in range(MOST_DRAWS):
        length = rng.integers(lengths[0], lengths[1] + 1)
        source = "".join([alphabet[k] for k in rng.integers(0, len(alphabet), length)])
        if is_held_out(source) == held_out:
            return source
    raise ValueError(
        f"found no {'held-out' if held_out else 'training'} string of length {lengths[0]} to {lengths[1]} "
        f"over {len(alphabet)} letters; allow longer strings or a larger alphabet"
    )


# Exercises
# 1. Add `swap halves` to TASKS, and its case to right_places and bits. Which of the present tasks is it most
#    like?
# 2. List all strings of length 1–3 over two letters. How many of each length are held out? Why would they be
#    a poor test?
# 3. Write them again: `python -m numpy_seq2seq.homework make DIR --functions right_places,draw_pairs`.
