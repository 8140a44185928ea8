"""What was found inside the models, in sentences: dilution, mechanism.

Read words.py before this. Not here: how often the models are right (outside.py).
"""

import numpy as np

from numpy_seq2seq.tasks import LETTERS

from ..shared import percent
from .experiments import LONG
from .words import CLEAR, LOOSE, SLIGHT, correlation, verdict

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
    first, last = found[0], found[-1]
    if found.max() <= chance + SLIGHT:
        end = "It finds hardly anything."
    elif first <= chance + SLIGHT:
        end = "It hardly finds what was read first."
    elif last - first < SLIGHT:
        end = "No clear loss from the last to the first."
    else:
        end = "What was read first is still found, in part."
    return (
        f"{cell}: a linear probe reads the letter read last out of the fixed vector in {percent(last)} "
        f"of the strings, the one read first in {percent(first)} (chance {percent(chance)}). {end}"
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
    end = verdict(
        [c <= -0.7 for c in faded.values()],
        "It fades with the distance.",
        "It does not fade clearly with the distance in every cell.",
        "It fades clearly with the distance in no cell.",
    )
    each = ", ".join(f"{cell} {c:+.2f}" for cell, c in faded.items())
    return (
        "How much an output depends on each input, through the fixed vector: correlation of the logarithm "
        f"with the lag {each}. {end}"
    )


def _bright(gradient):
    bright = {cell: shares.min() for cell, shares in bands(gradient).items()}
    end = verdict(
        [share >= 0.6 for share in bright.values()],
        "A bright band: a short path from each output to its input.",
        "The band is not bright throughout in every cell.",
        "The band is bright throughout in no cell.",
    )
    each = ", ".join(f"{cell} {percent(share)}" for cell, share in bright.items())
    return (
        "With attention at least so much of the squared gradient lies within one place of the letter to be "
        f"written: {each}. {end}"
    )


# ---- mechanism ---------------------------------------------------------------------------------------------


def tell_mechanism(grids):
    weights, looked = grids["weights"], grids["alignment"]
    models = weights.axes[0][1]
    return [
        *(_needed(model, weights.at(model=model), looked.at(model=model)) for model in models),
        _exchange(grids["swap"]),
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
    if exchanged >= 0.9 and others <= SLIGHT:
        end = "The map is the mechanism."
    elif changed >= 0.9 and others <= SLIGHT:
        end = "What is written comes from where the map looks; memory and state choose it together."
    else:
        end = "The map is not the whole mechanism."
    must = "as it must be" if both <= 0.01 else "more than there should"
    return (
        f"reverse: exchange the values of two memories behind its back, and {percent(exchanged)} of the two "
        f"letters that come from there are written in each other's place ({percent(changed)} change), of the "
        f"others {percent(others)} change. {end} Exchange their keys as well, and {percent(both)} change, "
        f"{must}: attention knows no order but what the memories themselves say."
    )


POINTING = "Needed, and pointing at the letter that is written: {}."
MOSTLY = "Needed, and mostly pointing at the letter that is written: {}."
BESIDE = (
    "Needed, and yet misleading: {}. The largest weight mostly lies just beside the letter that is written: "
    "a memory is a state of the encoder, not a letter."
)
ELSEWHERE = "Needed, though its largest weight mostly lies elsewhere than on the letter that is written: {}."
USEFUL = "Of some use: {}. With equal weights fewer letters are right, though most still are."
IDLE = (
    "Not to be trusted: {}. Equal weights do as well, so the answer does not depend on where the map looks, "
    "however it looks."
)


def _trust(weights, looked):
    """Which able models do as well without their map; which need it, and where it points."""
    said = {kind: [] for kind in (POINTING, MOSTLY, BESIDE, ELSEWHERE, USEFUL, IDLE)}
    for model in weights.axes[0][1]:
        plain, equal = (weights.at(model=model, weights=w) for w in ("as it is", "uniform"))
        if plain >= 0.9:
            said[_kind(plain - equal, *looked.at(model=model)[:2])].append(model)
    told = " ".join(kind.format(", ".join(models)) for kind, models in said.items() if models)
    return told or "No model here is right often enough to ask what it goes by."


def _kind(loss, aligned, near):
    if loss < CLEAR:
        return IDLE if loss < LOOSE else USEFUL
    if aligned >= 0.5:
        return POINTING if aligned >= 0.9 else MOSTLY
    return BESIDE if near - aligned > 0.5 else ELSEWHERE
