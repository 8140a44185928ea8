"""What the figures say, in sentences. Every number comes from the grids, and so does every verdict: where a run contradicts
the claim that is always told, the sentence says so.
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
    """Spearman's: the correlation of the ranks, equal values sharing their mean rank; in [−1, 1], 0 if one is constant."""
    ranks = [(v[:, None] > v).sum(axis=1) + (v[:, None] == v).sum(axis=1) / 2 for v in (np.asarray(x), np.asarray(y))]
    return correlation(*ranks)


def correlation(x, y):
    """Pearson's; 0 if one of them is constant."""
    x, y = np.ravel(x) - np.mean(x), np.ravel(y) - np.mean(y)
    size = np.sqrt((x @ x) * (y @ y))
    return float(x @ y / size) if size > 0 else 0.0


# ---- length ------------------------------------------------------------------------------------------------


def tell_length(grids):
    exact, sizes = grids["exact"], dict(zip(grids["parameters"].axes[0][1], grids["parameters"].values))
    at = {n: dict(zip(exact.axes[0][1], exact.at(length=n))) for n in exact.axes[1][1]}
    longest = max(at)
    attending = min(at[LONG]["luong"], at[LONG]["bahdanau"])
    verdict = ("Looking back removes the bottleneck." if attending - at[LONG]["fixed"] >= CLEAR else
               "In this run looking back makes no clear difference.")
    return [
        f"At length {LONG}, the longest in training, luong writes {percent(at[LONG]['luong'])} of the strings without an error and "
        f"bahdanau {percent(at[LONG]['bahdanau'])}; the fixed vector {percent(at[LONG]['fixed'])}. {verdict}",
        _half_way(exact),
        _peeky(exact),
        f"Beyond the training lengths, at {longest}: " + ", ".join(f"{d} {percent(x)}" for d, x in at[longest].items()) + ". " +
        ("Attention is no cure for lengths never seen." if max(at[longest].values()) < 0.5 else
         "In this run a model holds out there too."),
        f"luong has {sizes['luong'] / sizes['fixed'] - 1:.0%} more parameters than fixed ({sizes['luong']:,} and {sizes['fixed']:,}); "
        "steps and strings were the same.",
    ]


def _half_way(exact):
    below = [n for n, x in zip(exact.axes[1][1], exact.at(decoder="fixed")) if x < 0.5]
    if not below or below[0] > LONG:
        return f"The fixed vector answers at least half of the strings of every length up to {LONG}."
    return f"From length {below[0]} on, the fixed vector fails on more than half of the strings."


def _peeky(exact):
    fixed, peeky = (exact.at(decoder=d)[: len(TRAINED)].mean() for d in ("fixed", "peeky"))
    helps = "helps" if peeky - fixed > 0.1 else "does not help" if peeky - fixed < 0.02 else "hardly helps"
    return (f"Showing the same vector again at every step (peeky) {helps}: {percent(peeky)} of the strings over all training "
            f"lengths, against {percent(fixed)}.")


# ---- position ----------------------------------------------------------------------------------------------


def tell_position(grids):
    accuracy = grids["accuracy"]
    forced, free = (accuracy.at(task="reverse", decoder="fixed", running=r) for r in ("forced", "free"))
    order, gap = rank_correlation(forced, np.arange(LONG)), forced - free
    falls = ("It falls throughout" if order <= -0.9 else "It falls, with exceptions" if order < -0.3 else "It does not fall")
    bias = (f"at position {gap.argmax() + 1} another {percent(gap.max())} of the letters are lost: wrong letters lead to more of them "
            "(exposure bias)." if gap.max() >= 0.05 else "hardly anything more is lost.")
    attended = accuracy.at(task="reverse", decoder="luong", running="forced")
    return [
        f"Reverse, told the right past: the fixed vector knows the first letter of the answer in {percent(forced[0])} of the strings and "
        f"the last in {percent(forced[-1])}. {falls} (rank correlation with position {order:+.2f}). Only memory can be to blame.",
        f"Left alone, {bias}",
        f"With attention every position is right in at least {percent(attended.min())}.",
        _bend(accuracy.at(task="reverse, lstm", decoder="fixed", running="forced")),
        _copy(accuracy.at(task="copy, lstm", decoder="fixed", running="forced")),
    ]


def _bend(forced):
    low = int(forced.argmin())
    if forced[-1] - forced[low] >= 0.05:
        return (f"An LSTM in its place bends up again: {percent(forced[0])} at the first position, {percent(forced[low])} at position {low + 1}, "
                f"{percent(forced[-1])} at the last. Its gates can hold what was read first.")
    return f"An LSTM in its place falls too, from {percent(forced[0])} to {percent(forced[-1])}."


def _copy(forced):
    first, low = forced[0], int(forced.argmin())
    said = f"Copy, where every letter is equally old when it is written ({LONG} steps): {percent(first)} at the first position, {percent(forced[low])} at position {low + 1}"
    if first - forced[low] >= CLEAR:
        return f"{said}. So age is not all: each step of writing wears the vector as well."
    return f"{said}: no clear fall, as one would expect if age were all."


# ---- dilution ----------------------------------------------------------------------------------------------


def tell_dilution(grids):
    found, chance = grids["probe"], 1 / len(LETTERS)
    return [_probed(cell, found.at(cell=cell), chance) for cell in found.axes[0][1]] + [
        "What a linear probe does not find may still be there in another form: the figures by position show what the decoder finds.",
        _faded(grids["gradient"]),
        _bright(grids["gradient"]),
    ]


def _probed(cell, found, chance):
    if found[-1] - found[0] < CLEAR:
        end = "No clear loss from the last to the first."
    else:
        end = "What was read first is as good as gone." if found[0] <= chance + 0.1 else "What was read first is still there, in part."
    return (f"{cell}: a linear probe reads the letter read last out of the fixed vector in {percent(found[-1])} of the strings, the one "
            f"read first in {percent(found[0])} (chance {percent(chance)}). {end}")


def fades(gradient):
    """For each cell, how the fixed vector's log share of the gradient goes with the lag, within each output step: mean
    correlation over the steps. The lag from source place s to output t is (S − s) + t; within a step only s changes."""
    lag = -np.arange(gradient.values.shape[3])
    rows = gradient.at(decoder="fixed")[:, :-1]
    logs = np.log(np.maximum(rows, 1e-12))
    return {cell: float(np.mean([correlation(row, lag) for row in of])) for cell, of in zip(gradient.axes[0][1], logs)}


def bands(gradient):
    """For each cell, the share of an output letter's squared gradient within one place of its source letter, with
    attention: (letters,)."""
    maps = gradient.at(decoder="luong")
    return {
        cell: np.array([m[t, max(LONG - 2 - t, 0) : LONG - t + 1].sum() for t in range(LONG)])
        for cell, m in zip(gradient.axes[0][1], maps)
    }


def _faded(gradient):
    faded = fades(gradient)
    verdict = "It fades with the distance." if max(faded.values()) <= -0.7 else "It does not fade clearly with the distance in every cell."
    each = ", ".join(f"{cell} {c:+.2f}" for cell, c in faded.items())
    return f"How much an output depends on each input, through the fixed vector: correlation of the logarithm with the lag {each}. {verdict}"


def _bright(gradient):
    bright = {cell: shares.min() for cell, shares in bands(gradient).items()}
    verdict = ("A bright band: a short path from each output to its input." if min(bright.values()) >= 0.6 else
               "The band is not as bright in every cell.")
    each = ", ".join(f"{cell} {percent(share)}" for cell, share in bright.items())
    return f"With attention at least so much of it lies within one place of the letter to be written: {each}. {verdict}"


# ---- capacity ----------------------------------------------------------------------------------------------


def tell_capacity(grids):
    exact, needed = grids["exact"], grids["bits"]
    tasks, sizes = exact.axes[0][1], exact.axes[2][1]
    return [
        *(_room(exact, needed, "fixed", H) for H in sizes),
        _bits_or_length(exact, needed, max(sizes)),
        f"With attention at length {LONG}, H = {max(sizes)}: " + ", ".join(
            f"{task} {percent(exact.at(task=task, decoder='luong', hidden=max(sizes), length=LONG))}" for task in tasks) + ".",
    ]


def room(exact, needed, decoder, hidden):
    """For each task the most bits at which at least half of the strings are right; 0 if there is no such length."""
    return {
        task: max((float(b) for b, x in zip(needed.at(task=task), exact.at(task=task, decoder=decoder, hidden=hidden)) if x >= 0.5), default=0.0)
        for task in exact.axes[0][1]
    }


def _room(exact, needed, decoder, H):
    each = ", ".join(f"{task} {bits:.0f}" for task, bits in room(exact, needed, decoder, H).items())
    return f"Fixed vector, H = {H}: most bits at which half of the strings are right: {each}."


def _bits_or_length(exact, needed, H):
    at = {task: exact.at(task=task, decoder="fixed", hidden=H, length=LONG) for task in exact.axes[0][1]}
    each = ", ".join(f"{task} ({needed.at(task=task, length=LONG):.0f} bits) {percent(x)}" for task, x in at.items())
    if min(at["first"], at["last"]) - max(at["reverse"], at["sort"]) >= CLEAR:
        verdict = "It is information that counts, not length."
    elif abs(at["first"] - at["last"]) >= CLEAR:
        verdict = "Bits are not all: first and last need equally many, but not equally old ones."
    else:
        verdict = "In this run the bits alone do not explain it."
    return f"All at length {LONG}, through the same vector: {each}. {verdict}"


# ---- training ----------------------------------------------------------------------------------------------


def tell_training(grids):
    exact, reading = grids["exact"], grids["reading"]
    short, long = (exact.at(decoder=d, **{"trained up to": n})[: len(TRAINED)].mean() for d, n in (("luong", LONG // 2), ("fixed", LONG)))
    letters = {(d, s): reading.at(decoder=d, source=s, what="letters") for d in ("fixed", "luong") for s in ("as it is", "reversed")}
    gains = {d: letters[d, "reversed"] - letters[d, "as it is"] for d in ("fixed", "luong")}
    better = "more" if short > long else "no more"
    helped = ("The trick helps the fixed vector, and attention does not need it." if gains["fixed"] >= 0.05 and abs(gains["luong"]) < 0.05
              else "In this run the trick does not set the two apart.")
    return [
        f"Attention trained on strings up to {LONG // 2} gets {percent(short)} of the strings up to {LONG} right; the fixed vector trained on "
        f"all of them {percent(long)}: {better}. (Bahdanau et al. 2015, table 1: 21.50 BLEU trained up to 30 words, against 17.82 up to 50.)",
        f"Copy at length {LONG // 2}, the source read backwards (Sutskever et al. 2014): fixed from {percent(letters['fixed', 'as it is'])} to "
        f"{percent(letters['fixed', 'reversed'])} of the letters, attention from {percent(letters['luong', 'as it is'])} to "
        f"{percent(letters['luong', 'reversed'])}, told the right past. {helped}",
    ]


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
    return (f"{model}: {percent(as_it_is)} of the letters right; all weight on the largest {percent(arg_max)}, equal weights {percent(uniform)}, "
            f"the map shifted by one {percent(shifted)}. The largest weight lies on the right letter in {percent(aligned)}, within one place of it "
            f"in {percent(near)}; entropy {entropy:.1f} bits.")


def _exchange(swap):
    changed, exchanged = swap.at(swapped="values", outputs="aligned")
    others = swap.at(swapped="values", outputs="others", what="changed")
    both = swap.at(swapped="values and keys", what="changed").max()
    verdict = "The map is the mechanism." if exchanged >= 0.9 and others <= 0.1 else "The map is not the whole mechanism."
    content = ("It looks for content, not for places." if both <= 0.1 else "So places matter too.")
    return (f"reverse: exchange the values of two memories behind its back, and {percent(exchanged)} of the two letters that come from there are "
            f"written in each other's place ({percent(changed)} change), of the others {percent(others)} change. {verdict} Exchange their keys as "
            f"well, and {percent(both)} change. {content}")


def _trust(weights, looked):
    """Which able models do as well without their map, and which need it though it points beside the letter."""
    plain, equal, aligned = weights.at(weights="as it is"), weights.at(weights="uniform"), looked.at(measure="aligned")
    able = [k for k, p in enumerate(plain) if p >= 0.9]
    idle = [k for k in able if equal[k] >= 0.9 * plain[k]]
    beside = [k for k in able if k not in idle and aligned[k] < 0.5]
    names = lambda chosen: ", ".join(weights.axes[0][1][k] for k in chosen)
    if not able:
        return "No model here is right often enough to ask what it goes by."
    said = []
    if idle:
        said.append(f"Not to be trusted at all: {names(idle)}. Equal weights do as well; the state carries the answer, and the heat map "
                    "explains nothing, however it looks.")
    if beside:
        said.append(f"Needed, and yet misleading: {names(beside)}. The largest weight mostly lies beside the letter that is written: a memory "
                    "is a state of the encoder, and knows its neighbours.")
    return " ".join(said) or f"All able ones ({names(able)}) need their maps, and the maps point at the letter."


TOLD = {
    "length": ("Length", "What happens as the source grows?", tell_length),
    "position": ("Position", "Where in the output does it go wrong, and whose fault is it?", tell_position),
    "dilution": ("Dilution", "What is left in the fixed vector of what was read early?", tell_dilution),
    "capacity": ("Capacity", "Is it the length of the source, or the information that the answer needs?", tell_capacity),
    "training": ("Training", "Can short training sources, or a reversed source, make up for it?", tell_training),
    "mechanism": ("Mechanism", "Is the map what the model goes by?", tell_mechanism),
}
