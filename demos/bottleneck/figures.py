"""The SVG files that README shows: `python -m demos.bottleneck --figures DIR`.

Read svg.py before this. Each file stands alone: its style, with colours for a light and a
dark screen, and its background are in it, and it needs no font and no network.
"""

import re

import numpy as np

from . import svg
from .experiments import COMPARED, LENGTHS, LONG, Experiment, length
from .models import MODELS
from .texts import fill

SEEDS = 5


def compared_models(lab):
    """Those of COMPARED, on reverse."""
    return {name: ("reverse", name, {}) for name in COMPARED}


MEASURED = Experiment(compared_models, length)


def figures(words, found):
    """Files by name.

    Args:
        words: Texts.
        found: of each seed the Grids that MEASURED returns.
    """
    return {
        "bottleneck.svg": alone(*(fill(f"{name}.svg", words) for name in ("neck", "looking_back"))),
        "length.svg": alone(length_chart(words, found)),
        **{f"{name}.svg": alone(fill(f"{name}.svg", words)) for name in ("unrolled", "shift", "beam")},
    }


def length_chart(words, found):
    """Exact match against length: the median of the seeds, and all of them as a band."""
    exact = [grids["exact"].values for grids in found]
    middle, low, high = (f(exact, axis=0) for f in (np.median, np.min, np.max))
    curves = []
    for k, name in enumerate(COMPARED):
        colour, band = list(MODELS).index(name), (list(low[k]), list(high[k]))
        curves.append(svg.Line(name, list(LENGTHS), list(middle[k]), colour, colour, band=band))
    title, unseen = words["figure.length"].format(seeds=len(found)), (LONG, words["chart.unseen"])
    return svg.lines(title, words["axis.length"], curves, beyond=unseen, size=(2 * svg.WIDTH, 200))


def alone(*pictures):
    """Pictures side by side as one SVG file."""
    boxes = [tuple(map(float, re.search(r'viewBox="0 0 (\S+) (\S+)"', p).groups())) for p in pictures]
    width, height = sum(w for w, _ in boxes) + 20 * len(boxes), max(h for _, h in boxes) + 20
    x, placed = 10, []
    for (w, h), drawn in zip(boxes, pictures):
        placed.append(drawn.replace("<svg ", f'<svg x="{x:g}" y="10" width="{w:g}" height="{h:g}" ', 1))
        x += w + 20
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}">'
    ground = f'<rect width="{width:g}" height="{height:g}" rx="8" style="fill: var(--paper)"/>'
    return f"{head}\n<style>{svg.STYLE}</style>\n{ground}\n" + "\n".join(placed) + "\n</svg>\n"
