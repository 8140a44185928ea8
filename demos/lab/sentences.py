"""What the figures say, in sentences.

Every number comes from the grids, and so does every verdict: where a run contradicts the claim that is always
told, the sentence says so. `tell_X(grids)` tells experiment X; what it can say is all written here.

Read experiments.py before this. Not here: pictures (terminal.py, page.py).
"""

from typing import NamedTuple

import numpy as np

from numpy_seq2seq.tasks import LETTERS

from .experiments import LONG, TRAINED

CLEAR = 0.3  # a difference between two shares that a sentence may call one


class Finding(NamedTuple):
    """One experiment, told."""

    name: str
    title: str
    question: str
    sentences: list
    grids: dict


def find(name, grids):
    """Finding of an experiment from its grids."""
    title, question, tell = TOLD[name]
    return Finding(name, title, question, tell(grids), grids)


def percent(share):
    """A share in [0, 1] as a reader wants it: no 100% and no 0% that is none."""
    if 0.995 <= share < 1 or 0 < share < 0.005:
        return f"{min(max(share, 0.001), 0.999):.1%}"
    return f"{share:.0%}"


def rank_correlation(x, y):
    """Spearman's: that of the ranks, equal values sharing their mean rank; 0 if one of them is constant."""
    return correlation(_ranks(np.asarray(x)), _ranks(np.asarray(y)))


def _ranks(v):
    return (v[:, None] > v).sum(axis=1) + (v[:, None] == v).sum(axis=1) / 2


def correlation(x, y):
    """Pearson's; 0 if one of them is constant."""
    x, y = np.ravel(x) - np.mean(x), np.ravel(y) - np.mean(y)
    size = np.sqrt((x @ x) * (y @ y))
    return float(x @ y / size) if size > 0 else 0.0


# ---- length ------------------------------------------------------------------------------------------------


def tell_length(grids):
    exact, sizes = grids["exact"], grids["parameters"]
    luong, fixed = sizes.at(decoder="luong"), sizes.at(decoder="fixed")
    return [
        _looking_back(exact),
        _half_way(exact),
        _peeky(exact),
        _beyond(exact),
        _size(luong, fixed),
    ]


def _size(luong, fixed):
    more = "more" if luong >= fixed else "fewer"
    return (
        f"luong has {abs(luong / fixed - 1):.0%} {more} parameters than fixed ({luong:,} and {fixed:,}); steps "
        "and strings were the same."
    )


def _looking_back(exact):
    luong, bahdanau, fixed = (exact.at(decoder=d, length=LONG) for d in ("luong", "bahdanau", "fixed"))
    if min(luong, bahdanau) - fixed < CLEAR:
        verdict = "In this run looking back makes no clear difference."
    else:
        verdict = f"Looking back {'removes' if min(luong, bahdanau) >= 0.9 else 'widens'} the bottleneck."
    return (
        f"At length {LONG}, the longest in training, luong writes {percent(luong)} of the strings without an "
        f"error and bahdanau {percent(bahdanau)}; the fixed vector {percent(fixed)}. {verdict}"
    )


def _half_way(exact):
    below = [n for n, x in zip(exact.axes[1][1], exact.at(decoder="fixed")) if x < 0.5]
    if not below or below[0] > LONG:
        return f"The fixed vector answers at least half of the strings of every length up to {LONG}."
    return f"The fixed vector first fails on more than half of the strings at length {below[0]}."


def _peeky(exact):
    fixed, peeky = (exact.at(decoder=d)[: len(TRAINED)].mean() for d in ("fixed", "peeky"))
    gain = peeky - fixed
    helps = "helps" if gain > 0.1 else "is no gain" if gain < 0.02 else "hardly helps"
    return (
        f"Showing a fixed vector again at every step (peeky) {helps}: {percent(peeky)} of the strings over "
        f"all training lengths, against {percent(fixed)}."
    )


def _beyond(exact):
    (_, decoders), (_, lengths) = exact.axes
    longest = max(lengths)
    shares = exact.at(length=longest)
    each = ", ".join(f"{d} {percent(x)}" for d, x in zip(decoders, shares))
    if max(shares) >= 0.5:
        verdict = "In this run a model holds out there too."
    else:
        verdict = "Attention is no cure for lengths never seen: some carry on a little, then all fail."
    return f"Beyond the training lengths, at {longest}: {each}. {verdict}"


# ---- position ----------------------------------------------------------------------------------------------


def tell_position(grids):
    accuracy = grids["accuracy"]
    forced, free = (accuracy.at(task="reverse", decoder="fixed", running=r) for r in ("forced", "free"))
    attended = accuracy.at(task="reverse", decoder="luong", running="forced")
    return [
        _falls(forced),
        _bias(forced - free),
        f"With attention, told the right past, every position is right in {percent(attended.min())} or more.",
        _bend(accuracy.at(task="reverse, lstm", decoder="fixed", running="forced")),
        _copy(accuracy.at(task="copy, lstm", decoder="fixed", running="forced")),
    ]


def _falls(forced):
    order = rank_correlation(forced, np.arange(LONG))
    if order > -0.5 or forced[0] - forced[-1] < CLEAR:
        falls = "No clear fall"
    else:
        falls = "It falls throughout" if order <= -0.9 else "It falls, with exceptions"
    return (
        "Reverse, told the right past: the fixed vector knows the first letter of the answer in "
        f"{percent(forced[0])} of the strings and the last in {percent(forced[-1])}. {falls} (rank "
        f"correlation with position {order:+.2f}). Its own earlier errors cannot be to blame."
    )


def _bias(gap):
    if gap.max() < 0.05:
        return "Left alone, hardly anything more is lost."
    return (
        f"Left alone, at position {gap.argmax() + 1} another {percent(gap.max())} of the letters are lost: "
        "wrong letters lead to more of them (exposure bias)."
    )


def _bend(forced):
    first, last, low = forced[0], forced[-1], int(forced.argmin())
    if last - forced[low] >= CLEAR / 2:
        return (
            f"An LSTM in its place bends up again: {percent(first)} at the first position, "
            f"{percent(forced[low])} at position {low + 1}, {percent(last)} at the last. It is the "
            "middle that is lost."
        )
    course = "falls too" if first - last >= CLEAR / 2 else "stays about level"
    return f"An LSTM in its place {course}: from {percent(first)} to {percent(last)}."


def _copy(forced):
    first, last, low = forced[0], forced[-1], int(forced.argmin())
    said = (
        f"Copy, where every letter is equally old when it is written ({LONG} steps): {percent(first)} at the "
        f"first position, {percent(forced[low])} at position {low + 1}, {percent(last)} at the last"
    )
    if first - forced[low] < CLEAR:
        return f"{said}: no clear fall, as one would expect if age were all."
    if last - forced[low] < CLEAR:
        return f"{said}. So age is not all: the later a letter is written, the less of it is left."
    return f"{said}. So age is not all: the ends of a string are held, and its middle is lost."


# ---- dilution ----------------------------------------------------------------------------------------------


def tell_dilution(grids):
    found, chance = grids["probe"], 1 / len(LETTERS)
    return [
        *(_probed(cell, found.at(cell=cell), chance) for cell in found.axes[0][1]),
        "What a linear probe does not find may still be there in another form: the figures by position show "
        "what the decoder finds.",
        _faded(grids["gradient"]),
        _bright(grids["gradient"]),
    ]


def _probed(cell, found, chance):
    if found[-1] <= chance + 0.1:
        end = "It finds hardly anything."
    elif found[-1] - found[0] < CLEAR:
        end = "No clear loss from the last to the first."
    elif found[0] <= chance + 0.1:
        end = "It hardly finds what was read first."
    else:
        end = "What was read first is still found, in part."
    return (
        f"{cell}: a linear probe reads the letter read last out of the fixed vector in {percent(found[-1])} "
        f"of the strings, the one read first in {percent(found[0])} (chance {percent(chance)}). {end}"
    )


def fades(gradient):
    """For each cell, how the fixed vector's log share of the gradient goes with the lag, within each output
    step: mean correlation over the steps.

    The lag from source place s to output t is (S − s) + t; within a step only s changes.
    """
    lag = -np.arange(gradient.values.shape[3])
    logs = np.log(np.maximum(gradient.at(decoder="fixed")[:, :-1], 1e-12))
    return {
        cell: float(np.mean([correlation(row, lag) for row in rows]))
        for cell, rows in zip(gradient.axes[0][1], logs)
    }


def bands(gradient):
    """For each cell, the share of an output letter's squared gradient within one place of its source letter,
    with attention: (letters,)."""
    maps = gradient.at(decoder="luong")
    return {
        cell: np.array([m[t, max(LONG - 2 - t, 0) : LONG - t + 1].sum() for t in range(LONG)])
        for cell, m in zip(gradient.axes[0][1], maps)
    }


def _faded(gradient):
    faded = fades(gradient)
    verdict = (
        "It fades with the distance."
        if max(faded.values()) <= -0.7
        else "It does not fade clearly with the distance in every cell."
    )
    each = ", ".join(f"{cell} {c:+.2f}" for cell, c in faded.items())
    return (
        "How much an output depends on each input, through the fixed vector: correlation of the logarithm "
        f"with the lag {each}. {verdict}"
    )


def _bright(gradient):
    bright = {cell: shares.min() for cell, shares in bands(gradient).items()}
    verdict = (
        "A bright band: a short path from each output to its input."
        if min(bright.values()) >= 0.6
        else "The band is not as bright in every cell."
    )
    each = ", ".join(f"{cell} {percent(share)}" for cell, share in bright.items())
    return (
        "With attention at least so much of the squared gradient lies within one place of the letter to be "
        f"written: {each}. {verdict}"
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
    each = ", ".join(f"{task} {bits:.0f}" for task, bits in room(exact, needed, decoder, H).items())
    return (
        f"Fixed vector, H = {H}: most bits at which half of the strings are right: {each}. (first and last "
        "never need more than 5.)"
    )


def _bits_or_length(exact, needed, H):
    at = {task: exact.at(task=task, decoder="fixed", hidden=H, length=LONG) for task in exact.axes[0][1]}
    bits = {task: needed.at(task=task, length=LONG) for task in at}
    each = ", ".join(f"{task} ({bits[task]:.0f} bits) {percent(x)}" for task, x in at.items())
    short, long = (at["first"], at["last"]), (at["reverse"], at["sort"])
    if min(short) - max(long) >= CLEAR:
        verdict = "It is not the length of the source: what the answer needs decides."
    elif abs(at["first"] - at["last"]) >= CLEAR:
        verdict = "Bits are not all: first and last need equally many, but not equally old ones."
    elif min(long) >= 0.9:
        verdict = "This vector holds all of it."
    else:
        verdict = "In this run the bits do not explain it."
    return f"All at length {LONG}, through the same vector: {each}. {verdict}"


# ---- training ----------------------------------------------------------------------------------------------


def tell_training(grids):
    return [_short_and_long(grids["exact"]), _backwards(grids["reading"])]


def _short_and_long(exact):
    seen = ("luong", LONG // 2), ("fixed", LONG)
    short, long = (exact.at(decoder=d, **{"trained up to": n})[: len(TRAINED)].mean() for d, n in seen)
    if abs(short - long) < 0.02:
        better = "as many"
    else:
        better = "fewer: short training does not make up for lengths never seen, not even with attention"
        better = "more" if short > long else better
    return (
        f"Attention trained on strings up to {LONG // 2} gets {percent(short)} of the strings up to {LONG} "
        f"right, the fixed vector trained on all of them {percent(long)}: {better}. (Bahdanau et al. 2015, "
        "table 1, on translation: more, 21.50 BLEU trained up to 30 words against 17.82 up to 50.)"
    )


def _backwards(reading):
    fixed, luong = (
        [reading.at(decoder=d, source=s, what="letters") for s in ("as it is", "reversed")]
        for d in ("fixed", "luong")
    )
    gains = fixed[1] - fixed[0], luong[1] - luong[0]
    if gains[0] >= 0.05 and abs(gains[1]) < 0.05 and luong[0] >= 0.9:
        helped = "The trick helps the fixed vector, and attention does not need it."
    elif gains[0] - gains[1] >= 0.05:
        helped = "The fixed vector gains more from the trick than attention does."
    else:
        helped = "In this run the trick does not set the two apart."
    return (
        f"Copy at length {LONG // 2}, the source read backwards (Sutskever et al. 2014): fixed from "
        f"{percent(fixed[0])} to {percent(fixed[1])} of the letters, attention from {percent(luong[0])} to "
        f"{percent(luong[1])}, told the right past. {helped}"
    )


# ---- mechanism ---------------------------------------------------------------------------------------------


def tell_mechanism(grids):
    weights, looked, swap = grids["weights"], grids["alignment"], grids["swap"]
    models = weights.axes[0][1]
    return [
        *(_needed(model, weights.at(model=model), looked.at(model=model)) for model in models),
        _exchange(swap),
        _trust(weights, looked),
    ]


def _needed(model, accuracy, looked):
    as_it_is, arg_max, uniform, shifted = accuracy
    aligned, near, entropy = looked
    return (
        f"{model}: {percent(as_it_is)} of the letters right; all weight on the largest {percent(arg_max)}, "
        f"equal weights {percent(uniform)}, the map shifted by one {percent(shifted)}. The largest weight "
        f"lies on the right letter in {percent(aligned)}, within one place of it in {percent(near)}; entropy "
        f"{entropy:.1f} bits."
    )


def _exchange(swap):
    changed, exchanged = swap.at(swapped="values", outputs="aligned")
    others = swap.at(swapped="values", outputs="others", what="changed")
    both = swap.at(swapped="values and keys", what="changed").max()
    if exchanged >= 0.9 and others <= 0.1:
        verdict = "The map is the mechanism."
    elif changed >= 0.9 and others <= 0.1:
        verdict = "What is written comes from where the map looks; memory and state choose it together."
    else:
        verdict = "The map is not the whole mechanism."
    return (
        f"reverse: exchange the values of two memories behind its back, and {percent(exchanged)} of the two "
        f"letters that come from there are written in each other's place ({percent(changed)} change), of the "
        f"others {percent(others)} change. {verdict} Exchange their keys as well, and {percent(both)} "
        "change, as it must be: attention knows no order but what the memories themselves say."
    )


def _trust(weights, looked):
    """Which able models do as well without their map; which need it though it points beside the letter."""
    plain, equal = weights.at(weights="as it is"), weights.at(weights="uniform")
    aligned, near = looked.at(measure="aligned"), looked.at(measure="within one place")
    able = [k for k, p in enumerate(plain) if p >= 0.9]
    idle = [k for k in able if equal[k] >= 0.9 * plain[k]]
    beside = [k for k in able if k not in idle and aligned[k] < 0.5 and near[k] >= 0.9]
    true = [k for k in able if k not in idle and aligned[k] >= 0.9]
    names = lambda chosen: ", ".join(weights.axes[0][1][k] for k in chosen)
    if not able:
        return "No model here is right often enough to ask what it goes by."
    said = []
    if true:
        said.append(f"Needed, and pointing at the letter that is written: {names(true)}.")
    if beside:
        said.append(
            f"Needed, and yet misleading: {names(beside)}. The largest weight mostly lies just beside the "
            "letter that is written: a memory is a state of the encoder, not a letter."
        )
    if idle:
        said.append(
            f"Not to be trusted: {names(idle)}. Equal weights do as well, so the answer does not depend on "
            "where the map looks, however it looks."
        )
    return " ".join(said) or f"The maps of the able ones ({names(able)}) are needed, but point elsewhere."


TOLD = {
    "length": ("Length", "What happens as the source grows?", tell_length),
    "position": ("Position", "Where in the output does it go wrong, and whose fault is it?", tell_position),
    "dilution": ("Dilution", "What is left in the fixed vector of what was read early?", tell_dilution),
    "capacity": (
        "Capacity",
        "Is it the length of the source, or the information that the answer needs?",
        tell_capacity,
    ),
    "training": (
        "Training",
        "Can short training sources, or a reversed source, make up for it?",
        tell_training,
    ),
    "mechanism": ("Mechanism", "Is the map what the model goes by?", tell_mechanism),
}
