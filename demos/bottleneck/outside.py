"""What is seen of the models from outside, in sentences: length, position, capacity, training.

Read words.py before this, sentences.py and inside.py after it. Not here: what goes on within (inside.py).
"""

import numpy as np

from numpy_seq2seq.tasks import LETTERS

from ..shared import percent
from .experiments import LONG, TRAINED
from .words import ALIKE, CLEAR, LOOSE, SLIGHT, along, course, rank_correlation

# ---- length ------------------------------------------------------------------------------------------------


def tell_length(grids):
    said = [tell(grids["exact"]) for tell in (_looking_back, _half_way, _peeky, _beyond)]
    return [*said, _size(grids["parameters"])]


def _size(sizes):
    luong, fixed = sizes.at(decoder="luong"), sizes.at(decoder="fixed")
    more = f"{percent(abs(luong / fixed - 1))} {'more' if luong > fixed else 'fewer'} parameters than"
    return (
        f"luong has {more if luong != fixed else 'as many parameters as'} fixed ({luong:,} and {fixed:,}); "
        "steps and strings were the same."
    )


def _looking_back(exact):
    luong, bahdanau, fixed = (exact.at(decoder=d, length=LONG) for d in ("luong", "bahdanau", "fixed"))
    return (
        f"At length {LONG}, the longest in training, luong writes {percent(luong)} of the strings without an "
        f"error and bahdanau {percent(bahdanau)}; the fixed vector {percent(fixed)}. "
        f"{_helped({'luong': luong, 'bahdanau': bahdanau}, fixed)}"
    )


def _helped(attending, fixed):
    better = [d for d, share in attending.items() if share - fixed >= CLEAR]
    worse = [d for d, share in attending.items() if fixed - share >= CLEAR]
    if len(better) == len(attending):
        return f"Looking back {'removes' if min(attending.values()) >= 0.9 else 'widens'} the bottleneck."
    said = [f"helps {d}" for d in better] + [f"harms {d}" for d in worse]
    return f"In this run looking back {' and '.join(said) or 'makes no clear difference'}."


def _half_way(exact):
    below = [n for n, x in zip(exact.axes[1][1], exact.at(decoder="fixed")) if x < 0.5]
    if not below or below[0] > LONG:
        return f"The fixed vector answers at least half of the strings of every length tried up to {LONG}."
    return f"The fixed vector first fails on more than half of the strings at length {below[0]}."


def _peeky(exact):
    fixed, peeky = (exact.at(decoder=d)[: len(TRAINED)].mean() for d in ("fixed", "peeky"))
    gain = peeky - fixed
    helps = "helps" if gain >= SLIGHT else "helps a little" if gain >= ALIKE else "hardly matters"
    return (
        f"Showing a fixed vector again at every step (peeky) {helps if gain > 0 else 'is no gain'}: "
        f"{percent(peeky)} of the strings over all training lengths, against {percent(fixed)}."
    )


def _beyond(exact):
    (_, decoders), (_, lengths) = exact.axes
    shares, best = exact.at(length=max(lengths)), exact.values[:, np.array(lengths) > LONG].max(axis=0)
    each = ", ".join(f"{d} {percent(x)}" for d, x in zip(decoders, shares))
    if max(shares) > LOOSE:
        holds = max(shares) >= 0.9
        end = f"In this run {'a model holds out there too' if holds else 'not all of them fail out there'}."
    else:
        some = f"some carry on{' a little' if best.mean() < 0.5 else ''}, then " if max(best) > LOOSE else ""
        end = f"Attention is no cure for lengths never seen: {some}all fail."
    return f"Beyond the training lengths, at {max(lengths)}: {each}. {end}"


# ---- position ----------------------------------------------------------------------------------------------


def tell_position(grids):
    accuracy = grids["accuracy"]
    forced, free = (accuracy.at(task="reverse", decoder="fixed", running=r) for r in ("forced", "free"))
    attended = accuracy.at(task="reverse", decoder="luong", running="forced")
    return [
        _falls(forced),
        _bias(forced - free),
        f"With attention, told the right past, the worst position is right in {percent(attended.min())}.",
        _bend(accuracy.at(task="reverse, lstm", decoder="fixed", running="forced")),
        _copy(accuracy.at(task="copy, lstm", decoder="fixed", running="forced")),
    ]


def _falls(forced):
    order = rank_correlation(forced, range(len(forced)))
    return (
        "Reverse, told the right past: the fixed vector knows the first letter of the answer in "
        f"{percent(forced[0])} of the strings and the last in {percent(forced[-1])}. It {course(forced)} (rank "
        f"correlation with position {order:+.2f}). Its own earlier errors cannot be to blame."
    )


def _bias(gap):
    if gap.max() < LOOSE or gap.mean() <= 0:
        return "Left alone, hardly anything more is lost on the whole."
    return (
        f"Left alone, at position {gap.argmax() + 1} another {percent(gap.max())} of the letters are lost: "
        "wrong letters lead to more of them (exposure bias)."
    )


def _bend(forced):
    how = course(forced)
    most = " Most is lost in the middle." if how == "bends up again" else ""
    return f"An LSTM in its place {how}: {along(forced)}.{most}"


def _copy(forced):
    how = course(forced)
    age = {
        "stays about level": "No clear fall, as one would expect if age were all.",
        "bends up again": "So age is not all: the ends of a string are held better than its middle.",
        "falls throughout": "So age is not all: the later a letter is written, the less of it is left.",
    }.get(how, f"So age is not all: accuracy {how}.")
    if forced.max() <= 1 / len(LETTERS) + SLIGHT:
        age = "It has not learnt to copy, which says nothing about age."
    return (
        f"Copy, where every letter is equally old when it is written ({LONG} steps): {along(forced)}. {age}"
    )


# ---- capacity ----------------------------------------------------------------------------------------------


def tell_capacity(grids):
    exact, needed = grids["exact"], grids["bits"]
    (_, tasks), _, (_, sizes), _ = exact.axes
    attended = exact.at(decoder="luong", hidden=max(sizes), length=LONG)
    each = ", ".join(f"{task} {percent(x)}" for task, x in zip(tasks, attended))
    return [
        *(_room(exact, needed, "fixed", H) for H in sizes),
        _bits_or_length(exact, needed, max(sizes)),
        f"With attention at length {LONG}, H = {max(sizes)}: {each}.",
    ]


def room(exact, needed, decoder, hidden):
    """For each task the most bits at which at least half of the strings are right; 0 if there are none."""
    most = {}
    for task in exact.axes[0][1]:
        shares = exact.at(task=task, decoder=decoder, hidden=hidden)
        held = [float(b) for b, x in zip(needed.at(task=task), shares) if x >= 0.5]
        most[task] = max(held, default=0.0)
    return most


def _room(exact, needed, decoder, H):
    most = room(exact, needed, decoder, H)
    each = ", ".join(f"{task} {round(bits) or 'none'}" for task, bits in most.items())
    return (
        f"Fixed vector, H = {H}: most bits at which half of the strings are right: {each}. (first and last "
        "never need more than 5.)"
    )


def _bits_or_length(exact, needed, H):
    at = {task: exact.at(task=task, decoder="fixed", hidden=H, length=LONG) for task in exact.axes[0][1]}
    bits = {task: needed.at(task=task, length=LONG) for task in at}
    each = ", ".join(f"{task} ({bits[task]:.0f} bits) {percent(x)}" for task, x in at.items())
    reverse, sort, first, last = (at[task] for task in ("reverse", "sort", "first", "last"))
    if abs(first - last) >= CLEAR:
        end = "Bits are not all: first and last need equally many, but not equally old ones."
    elif min(at.values()) >= 0.9:
        end = "This vector holds all of it."
    elif max(at.values()) - min(at.values()) < CLEAR:
        end = "In this run it makes no clear difference what the answer needs."
    elif min(first, last) - reverse >= CLEAR and reverse - SLIGHT <= sort <= min(first, last) + SLIGHT:
        end = "It is not the length of the source: what the answer needs decides."
    else:
        end = "In this run the bits do not explain it."
    return f"All at length {LONG}, through the same vector: {each}. {end}"


# ---- training ----------------------------------------------------------------------------------------------


def tell_training(grids):
    return [_short_and_long(grids["exact"]), _backwards(grids["reading"])]


def _short_and_long(exact):
    seen = ("luong", LONG // 2), ("fixed", LONG)
    short, long = (exact.at(decoder=d, **{"trained up to": n})[: len(TRAINED)].mean() for d, n in seen)
    better = "more"
    if abs(short - long) < ALIKE:
        better = "about as many"
    elif short < long:
        better = "fewer: short training does not make up for lengths never seen, not even with attention"
    return (
        f"Attention trained on strings up to {LONG // 2} gets {percent(short)} of the strings up to {LONG} "
        f"right, the fixed vector trained on all of them {percent(long)}: {better}. (Bahdanau et al. 2015, "
        "table 1, on translation: more, 21.50 BLEU trained up to 30 words against 17.82 up to 50.)"
    )


def _backwards(reading):
    fixed, luong = (reading.at(decoder=d, what="letters") for d in ("fixed", "luong"))
    gains = fixed[1] - fixed[0], luong[1] - luong[0]
    if gains[0] >= LOOSE and abs(gains[1]) < LOOSE and luong[0] >= 0.9:
        end = "The trick helps the fixed vector, and attention does not need it."
    elif abs(gains[0] - gains[1]) < LOOSE:
        end = "In this run the trick does not set the two apart."
    elif max(gains) < LOOSE:
        end = "In this run the trick clearly helps neither."
    elif gains[0] > gains[1]:
        end = "The fixed vector gains more from the trick than attention does."
    else:
        end = "Attention gains more from the trick than the fixed vector does."
    return (
        f"Copy at length {LONG // 2}, the source read backwards (Sutskever et al. 2014): fixed from "
        f"{percent(fixed[0])} to {percent(fixed[1])} of the letters, attention from {percent(luong[0])} to "
        f"{percent(luong[1])}, told the right past. {end}"
    )
