"""Chapter: tasks. Strings whose right answer is known.

Before this: data.py. After it: activations.py; and the demos.

A task is a function from a source string to its target. Held-out strings never occur in training: which
of the two a string belongs to is decided by a checksum of the string alone, so that training may go on
drawing fresh strings for ever.

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

from .checks import check_choice, check_count, check_rng, check_strings

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
        raise TypeError(f"source must be a string, got {source!r}")
    places = list(range(len(source)))
    if task == "sort":
        places.sort(key=lambda k: source[k])
    chosen = {"reverse": places[::-1], "first": places[:1], "last": places[-1:]}
    return np.array(chosen.get(task, places), int)  # copy and sort take them all


def bits(task, length, letters):
    """How many bits of a random source the answer needs: log₂ of the number of different answers.

        copy, reverse   L log₂ V
        sort            log₂ C(L + V − 1, L)        how often each letter occurs says it all: of L + V − 1
                                                    places, L hold stars and V − 1 bars, **|*| = aab for V = 3
        first, last     log₂ V                      of an empty source 0

    For sort this counts the answers; they are not equally probable, so their entropy is a little smaller.

    Args:
        length:  L.
        letters: V, size of the alphabet.
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
        raise TypeError(f"only a string is held out or not, got {source!r}")
    return zlib.crc32(source.encode()) % HELD_OUT == 0


def draw_pairs(task: str, rng: np.random.Generator, count: int, lengths: tuple[int, int] = (1, 10),
               alphabet: str = LETTERS, held_out: bool = False) -> list[tuple[str, str]]:
    """Random strings with their answers.

    Length and letters are drawn uniformly; a string that belongs to the other set is drawn again, length and
    all. So lengths of which few strings exist are not quite as frequent as the others, and the empty string,
    whose checksum is 0, is always held out.

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
        raise ValueError(f"held_out must be True or False, got {held_out!r}")
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
# 2. Draw lengths 1–3 over two letters and list both sets (one may be empty). What does a fair split of a tiny
#    world look like?
# 3. Write them again: `python -m numpy_seq2seq.homework make DIR --functions right_places,draw_pairs`.
