"""Charts as inline SVG: lines, bars, heat maps, and the diagram that opens the page.

Every picture is 360 units wide, about the width of a telephone, so that its text (12 units) is legible there,
and scales with the page. Its text alternative, with the key figures, is its aria-label. Lines are told apart
by colour, dash and marker; colours are CSS variables (STYLE), so that a dark page has its own.

Not here: which picture belongs to which experiment (page.py).
"""

import html
import math
from typing import NamedTuple

from ..shared import percent

WIDTH = 360
LEFT, RIGHT = 40, 350  # the plot's edges
ROW = 16  # height of a line of text
PLOT = 150  # height of the plot
UNSEEN = "longer than any seen in training"
MARKERS = (
    "m-3 0a3 3 0 1 0 6 0a3 3 0 1 0-6 0z",  # circle
    "m-3-3h6v6h-6z",  # square
    "m0-4l4 7h-8z",  # triangle
    "m0-4l4 4-4 4-4-4z",  # diamond
)

STYLE = """
  :root { --c0: #c24e00; --c1: #00805e; --c2: #0067a8; --c3: #a8447f; --c4: #6b6b6b; --soft: #8883; }
  @media (prefers-color-scheme: dark) {
    :root { --c0: #ff9350; --c1: #3fcf9f; --c2: #67b7ff; --c3: #f09acb; --c4: #b0b0b0; } }
  svg { display: block; width: 100%; height: auto; font: 12px system-ui, sans-serif; fill: var(--ink); }
  svg .t { font-weight: 600; } svg .q { opacity: .75; }
  svg .m { text-anchor: middle; } svg .e { text-anchor: end; }
  svg .l { stroke-width: 2; } svg .l:not(.o) { fill: none; } svg .g { stroke: var(--line); fill: none; }
  svg .b { fill: var(--soft); }
  svg .d1 { stroke-dasharray: 6 4; } svg .d2 { stroke-dasharray: 12 3; } svg .d3 { stroke-dasharray: 2 3; }
  svg .s0 { stroke: var(--c0); } svg .s1 { stroke: var(--c1); } svg .s2 { stroke: var(--c2); }
  svg .s3 { stroke: var(--c3); } svg .s4 { stroke: var(--c4); }
  svg .f0 { fill: var(--c0); } svg .f1 { fill: var(--c1); } svg .f2 { fill: var(--c2); }
  svg .f3 { fill: var(--c3); } svg .f4 { fill: var(--c4); } svg .o { fill: var(--paper); }
"""


class Line(NamedTuple):
    """One curve: its points, and how it is told apart."""

    name: str
    xs: list
    ys: list  # None and NaN leave a gap
    colour: int = 0  # and marker
    dash: int = 0  # 0 is solid; the markers of a dashed line of the same colour are hollow
    hollow: bool = False


def known(value):
    """Whether a value can be drawn: a finite number."""
    return value is not None and math.isfinite(value)


def share(value):
    """A share in [0, 1] in words: per cent, or a dash where there is none."""
    return percent(value) if known(value) else "–"


def lines(title, across, curves, beyond=None, chance=None, log=False, top=None):
    """A line chart.

    Args:
        across: what the horizontal axis is.
        curves: list of Line.
        beyond: shade what lies to the right of it, as never seen in training.
        chance: draw a line at this height, the accuracy of a guess.
        log:    a logarithmic horizontal axis.
        top:    the vertical axis ends here; without it the values are shares and it ends at 100%.
    """
    say = share if top is None else "{:.3g}".format
    xs = [x for c in curves for x in c.xs if known(x)]
    x_at, ticks = _scale(min(xs, default=0), max(xs, default=1), LEFT + 8, RIGHT - 8, log)
    legend, y0 = _legend(curves)
    shaded = beyond is not None and beyond < max(xs, default=0)
    y0 += ROW if shaded or chance is not None else 0
    y1, height = y0 + PLOT, top or 1.0
    y_at = lambda y: y1 - PLOT * y / height  # noqa: E731
    drawn = [_text(LEFT, 14, title, "t"), *legend]
    if shaded:
        edge = x_at(beyond)
        drawn.append(f'<path class="b" d="M{edge} {y0}H{RIGHT}V{y1}H{edge}z"/>')
        drawn.append(_text(RIGHT, y0 - 5, UNSEEN, "e q"))
    for part in (0, 0.25, 0.5, 0.75, 1):
        y = y_at(part * height)
        drawn.append(f'<path class="g" d="M{LEFT} {y:.0f}H{RIGHT}"/>')
        drawn.append(_text(LEFT - 5, y + 4, say(part * height), "e"))
    drawn += [_text(x_at(x), y1 + 15, f"{x:g}", "m") for x in ticks]
    drawn.append(_text((LEFT + RIGHT) / 2, y1 + 31, across, "m q"))
    if chance is not None:
        drawn.append(f'<path class="l s4 d3" d="M{LEFT} {y_at(chance):.1f}H{RIGHT}"/>')
        drawn.append(_text(RIGHT, y0 - 5, f"dotted: by chance, {chance:.1%}", "e q"))
    drawn += [_curve(c, x_at, y_at, say) for c in curves]
    return _svg(y1 + 36, f"Line chart. {title}, by {across}. {_told(curves, say)}", drawn)


def _scale(low, high, left, right, log):
    """From values to places, and the values to be marked."""
    if high <= low:
        high = low + 1
    turn = (lambda v: math.log(max(v, 1e-9))) if log else float
    a, b = turn(low), turn(high)
    place = lambda v: round(left + (right - left) * (turn(v) - a) / (b - a), 1)  # noqa: E731
    if log:
        rounds = [m * 10**k for k in range(-2, 6) for m in (1, 2, 5)]
        return place, [v for v in rounds if low <= v <= high]
    step = next(s for s in (1, 2, 5, 10, 20, 50, 100, 200, 500, 10**9) if (high - low) / s <= 7)
    return place, [step * k for k in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _legend(curves):
    """Names of the curves, in one or two columns, and where the plot may begin."""
    if len(curves) < 2:
        return [], 28
    columns = 2 if all(len(c.name) <= 20 for c in curves) else 1
    drawn = []
    for k, c in enumerate(curves):
        x, y = LEFT + k % columns * 155, 14 + ROW * (1 + k // columns)
        drawn.append(f'<path class="l s{c.colour} d{c.dash}" d="M{x} {y - 4}h26"/>')
        drawn += [_marker(x + 13, y - 4, c), _text(x + 32, y, c.name)]
    return drawn, 28 + ROW * math.ceil(len(curves) / columns)


def _curve(c, x_at, y_at, say):
    pairs = [(x, y) if known(x) and known(y) else None for x, y in zip(c.xs, c.ys)]
    places = [(x_at(p[0]), round(y_at(p[1]), 1), *p) if p else None for p in pairs]
    path = "".join(f"{'L' if k and places[k - 1] else 'M'}{p[0]} {p[1]}" for k, p in enumerate(places) if p)
    marks = [_marker(p[0], p[1], c, f"{c.name}, {p[2]:.4g}: {say(p[3])}") for p in places if p]
    return f'<path class="l s{c.colour} d{c.dash}" d="{path}"/>{"".join(marks)}' if path else ""


def _marker(x, y, c, tip=""):
    tip = f"<title>{html.escape(tip)}</title>" if tip else ""
    fill, shape = "o" if c.hollow else f"f{c.colour}", MARKERS[c.colour % len(MARKERS)]
    return f'<path class="s{c.colour} {fill}" d="M{x} {y}{shape}">{tip}</path>'


def _told(curves, say):
    """The curves in words: where each begins, its middle, where it ends."""
    told = []
    for c in curves:
        points = [(x, y) for x, y in zip(c.xs, c.ys) if known(x) and known(y)]
        some = [points[k] for k in sorted({0, len(points) // 2, len(points) - 1})] if points else []
        told.append(f"{c.name}: {', '.join(f'{say(y)} at {x:.4g}' for x, y in some) or 'no numbers'}.")
    return " ".join(told)


def bars(title, groups, names, values):
    """Horizontal bars in groups, each with its name before it and its share behind it; a name has one colour.

    Args:
        groups: labels of the first axis of values, names those of the second.
        values: shares in [0, 1], or None.
    """
    left = 16 + 6.5 * max(map(len, names), default=0)
    full, y, drawn = WIDTH - 48 - left, 14, [_text(4, 14, title, "t")]
    for group, row in zip(groups, values):
        y += ROW + 6
        drawn.append(_text(4, y, group))
        for k, (name, value) in enumerate(zip(names, row)):
            y += ROW
            long = round(full * min(max(value, 0), 1), 1) if known(value) else 0
            drawn.append(_text(left - 6, y, name, "e q") + _text(left + long + 5, y, share(value)))
            drawn.append(f'<path class="f{k % 5}" d="M{left:.0f} {y - 10}h{long}v11h-{long}z"/>')
        drawn.append(f'<path class="g" d="M{left:.0f} {y - ROW * len(names) + 4}V{y + 3}"/>')
    told = [", ".join(f"{name} {share(value)}" for name, value in zip(names, row)) for row in values]
    said = " ".join(f"{group}: {shares}." for group, shares in zip(groups, told))
    return _svg(y + 10, f"Bar chart. {title}. {said}", drawn)


LEVELS = 20  # shades of a heat map


def heat(title, values, across="source place", down="output step"):
    """A heat map of shares, rows down, columns across; a colour is as strong as the square root of its share.

    All cells of one shade are one path, which keeps a map of 21 × 21 cells at some 6 KB.

    Args:
        values: (rows, columns) in [0, 1].
    """
    rows, columns = len(values), len(values[0])
    side = (RIGHT - LEFT) / max(columns, 1)
    shades = [[] for _ in range(LEVELS + 1)]
    for t, row in enumerate(values):
        for s, value in enumerate(row):
            strength = math.sqrt(min(max(value, 0), 1)) if known(value) else 0
            shades[round(LEVELS * strength)].append(f"M{s} {t}h1v1h-1z")
    paths = [(k / LEVELS, "".join(cells)) for k, cells in enumerate(shades) if k and cells]
    cells = "".join(f'<path opacity="{strength:g}" d="{path}"/>' for strength, path in paths)
    bottom = 40 + side * rows
    drawn = [
        _text(LEFT, 14, title, "t"),
        _text(LEFT, 32, f"{down} ↓   {across} →", "q"),
        f'<g class="f2" shape-rendering="crispEdges" transform="translate({LEFT} 40) scale({side:.3f})">',
        f"{cells}</g>",
        f'<path class="g" d="M{LEFT} 40H{RIGHT}V{bottom:.1f}H{LEFT}z"/>',
    ]
    drawn += [_text(LEFT + side * (s - 0.5), bottom + 15, s, "m") for s in _few(columns)]
    drawn += [_text(LEFT - 5, 44 + side * (t - 0.5), t, "e") for t in _few(rows)]
    for k, value in enumerate((0.01, 0.04, 0.25, 1)):
        x = LEFT + 78 * k
        swatch = f"M{x} {bottom + 26:.0f}h18v12h-18z"
        drawn.append(f'<path class="f2" opacity="{math.sqrt(value):g}" d="{swatch}"/>')
        drawn.append(_text(x + 23, bottom + 36, share(value)))
    return _svg(bottom + 44, f"Heat map. {title}. {_peaks(values, across, down)}", drawn)


def _few(count):
    return [1, *range(5, count + 1, 5)] if count > 5 else range(1, count + 1)


def _peaks(values, across, down):
    """The map in words: where the largest share of the first, a middle and the last row lies."""
    told = []
    for t in sorted({0, len(values) // 2, len(values) - 1}):
        row = [v if known(v) else -1 for v in values[t]]
        most = max(row)
        found = f"most on {across} {row.index(most) + 1}, {share(most)}" if most >= 0 else "no numbers"
        told.append(f"{down} {t + 1}: {found}.")
    return " ".join(told)


def diagram():
    """Two pictures: all through one vector; looking back at every state. Nothing in them is measured."""
    fixed = (
        "Diagram. Without attention: four encoder boxes read a, b, c, d in turn; the last hands one vector "
        "to the decoder, which writes d, c, b, a."
    )
    looks = (
        "Diagram. With attention: the same, and while the decoder writes c it also looks back at all four "
        "encoder boxes, most at that of c."
    )
    arcs = [
        f'<path class="l s2" style="stroke-width:{width}" d="M246 62C246 16 {x} 16 {x} 62"/>'
        for x, width in ((30, 1), (68, 1), (106, 6), (144, 2))
    ]
    return [
        _svg(136, fixed, [_text(8, 14, "Fixed vector: all through one neck", "t"), *_chain()]),
        _svg(136, looks, [_text(8, 14, "Attention: look back at every state", "t"), *arcs, *_chain("s4 o")]),
    ]


def _chain(neck="s0 o"):
    """Encoder, vector and decoder in a row, with what they read and write."""
    drawn = [
        '<path class="l s4" d="M20 76H340"/>',
        f'<path class="l {neck}" style="stroke-width:3" d="M172 63h10v26h-10z"/>',
    ]
    for k, (read, write) in enumerate(zip("abcd", "dcba")):
        x, z = 30 + 38 * k, 208 + 38 * k
        drawn.append(f'<path class="l s4 o" d="M{x - 12} 64h24v24h-24zM{z - 12} 64h24v24h-24z"/>')
        drawn.append(_text(x, 106, read, "m t") + _text(z, 106, write, "m t"))
    under = ((87, "encoder reads →"), (177, "vector"), (272, "decoder writes →"))
    return [*drawn, *(_text(x, 128, text, "m q") for x, text in under)]


def _text(x, y, text, names=""):
    kind = f' class="{names}"' if names else ""
    return f'<text x="{x:.0f}" y="{y:.0f}"{kind}>{html.escape(str(text))}</text>'


def _svg(height, label, drawn):
    name = html.escape(label)
    return f'<svg viewBox="0 0 {WIDTH} {height:.0f}" role="img" aria-label="{name}">{"".join(drawn)}</svg>'
