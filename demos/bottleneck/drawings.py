"""Drawings that show nothing measured: what passes through the neck and what looks back; an unrolled graph;
the
shift of inputs and targets; a beam.

Read svg.py before this. Not here: charts (svg.py); which drawing stands where (page.py, figures.py).
"""

import math

from .svg import WIDTH, picture, text


def neck(words):
    """Everything through one vector. Like every drawing it takes the Texts of a language."""
    label = words["drawing.fixed.label"]
    return picture(WIDTH, 136, label, [text(8, 14, words["drawing.fixed"], "t"), *_chain(words, "s0 o")])


def looking_back(words):
    """The same with attention, while c is written."""
    arcs = [
        f'<path class="l s2" style="stroke-width:{width}" d="M246 62C246 16 {x} 16 {x} 62"/>'
        for x, width in ((30, 1), (68, 1), (106, 6), (144, 2))
    ]
    drawn = [text(8, 14, words["drawing.attention"], "t"), *arcs, *_chain(words, "s5 o")]
    return picture(WIDTH, 136, words["drawing.attention.label"], drawn)


def _chain(words, neck):
    """Encoder, vector and decoder in a row, with what they read and write."""
    drawn = [
        '<path class="l s5" d="M20 76H340"/>',
        f'<path class="l {neck}" style="stroke-width:3" d="M172 63h10v26h-10z"/>',
    ]
    for k, (read, write) in enumerate(zip("abcd", "dcba")):
        x, z = 30 + 38 * k, 208 + 38 * k
        drawn.append(f'<path class="l s5 o" d="M{x - 12} 64h24v24h-24zM{z - 12} 64h24v24h-24z"/>')
        drawn.append(text(x, 106, read, "m t") + text(z, 106, write, "m t"))
    under = ((87, "drawing.reads"), (177, "drawing.vector"), (272, "drawing.writes"))
    return [*drawn, *(text(x, 128, words[key], "m q") for x, key in under)]


def unrolled(words):
    """Three steps in time; backward, two arrows meet in each state."""
    drawn = [text(8, 14, words["drawing.unrolled"], "t")]
    for t, x in zip("₁₂₃", (60, 180, 300)):
        drawn += [_box(x, 120, f"h{t}"), _box(x, 60, f"L{t}", "s5"), text(x, 192, f"x{t}", "m t")]
        drawn += [_arrow(x, 180, x, 138, 2)]
        drawn += [_arrow(x - 7, 104, x - 7, 76, 2), _arrow(x + 7, 76, x + 7, 104, 0)]
    for x in (60, 180):
        drawn += [_arrow(x + 20, 113, x + 100, 113, 2), _arrow(x + 100, 127, x + 20, 127, 0)]
    drawn += [text(192, 95, "∂L₂/∂h₂"), text(240, 145, "dh₃ → dh₂", "m")]
    for x, colour, key in ((110, 2, "drawing.forward"), (230, 0, "drawing.backward")):
        drawn += [_arrow(x - 38, 210, x - 8, 210, colour), text(x, 214, words[key])]
    return picture(WIDTH, 222, words["drawing.unrolled.label"], drawn)


def shift(words):
    """What the decoder is told, and one step behind it what it should say."""
    drawn = [text(8, 14, words["drawing.shift"], "t")]
    drawn += [text(8, 64, words["drawing.targets"], "q"), text(8, 124, words["drawing.inputs"], "q")]
    for k, (told, said) in enumerate(zip(("BOS", "d", "o", "g"), ("d", "o", "g", "EOS"))):
        x = 110 + 70 * k
        drawn += [_box(x, 60, said, "s1"), _box(x, 120, told), _arrow(x, 104, x, 78, 2)]
        drawn += [_arrow(x + 16, 74, x + 54, 106, 5)] if said != "EOS" else []
    return picture(WIDTH, 150, words["drawing.shift.label"], drawn)


BEAM = {  # hypothesis: place across and down, probability, whether it is kept
    "": (45, 96, "", True),
    **{"a": (155, 56, "0.5", True), "b": (155, 106, "0.4", True), "c": (155, 156, "0.1", False)},
    **{"aa": (285, 40, "0.20", True), "ab": (285, 76, "0.15", False)},
    **{"ba": (285, 112, "0.32", True), "bb": (285, 148, "0.04", False)},
}


def beam(words):
    """Two steps of a beam of width two: the best answer does not begin with the best token."""
    drawn = [text(8, 14, words["drawing.beam"], "t")]
    for name, (x, y, share, kept) in BEAM.items():
        if name:
            from_x, from_y, _, _ = BEAM[name[:-1]]
            drawn.append(_arrow(from_x + 36, from_y, x - 38, y, 1 if kept else 5, "" if kept else "d3"))
        drawn.append(_box(x, y, f"{name} {share}" if name else "BOS", "s1" if kept else "s5 d3", 34))
    for x, kind, key in ((90, "s1", "drawing.kept"), (200, "s5 d3", "drawing.dropped")):
        drawn += [f'<path class="l {kind}" d="M{x} 186h26"/>', text(x + 32, 190, words[key])]
    return picture(WIDTH, 198, words["drawing.beam.label"], drawn)


def _box(x, y, name, kind="s2", half=18):
    outline = f'<path class="l o {kind}" d="M{x - half} {y - 14}h{2 * half}v28h-{2 * half}z"/>'
    return outline + text(x, y + 4, name, "m t")


def _arrow(x, y, to_x, to_y, colour, kind=""):
    """A line with a head at its end."""
    turn = math.degrees(math.atan2(to_y - y, to_x - x))
    place = f"translate({to_x} {to_y}) rotate({turn:.0f})"
    head = f'<path class="f{colour}" transform="{place}" d="M2 0l-8-4v8z"/>'
    return f'<path class="l s{colour} {kind}" d="M{x} {y}L{to_x} {to_y}"/>{head}'
