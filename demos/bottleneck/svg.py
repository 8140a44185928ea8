"""Charts as SVG: lines, bars and heat maps.

A picture is 360 units wide, about the width of a telephone, and scales with the page. Its text alternative
(its aria-label) holds the key figures. Lines are told apart by colour, dash and marker. Colours are CSS
variables (STYLE), so that a dark page has its own.

Not here: drawings without numbers (the *.svg files beside this); which picture belongs to which experiment
(page.py).
"""

import html
import math
from pathlib import Path
from typing import NamedTuple

from numpy_seq2seq import show

from ..shared import percent

WIDTH, HEIGHT = 360, 150  # of a picture, and of the plot in it
LEFT = 46  # the plot's left edge; the right one lies 10 before the picture's
ROW = 16  # height of a line of text
MARKERS = (
    "m-3 0a3 3 0 1 0 6 0a3 3 0 1 0-6 0z",  # circle
    "m-3-3h6v6h-6z",  # square
    "m0-4l4 7h-8z",  # triangle
    "m0-4l4 4-4 4-4-4z",  # diamond
    "m0 4l4-7h-8z",  # triangle, upside down
)

STYLE = Path(__file__).with_name("svg.css").read_text(encoding="utf-8")


class Line(NamedTuple):
    """One curve: its points, and how it is told apart."""

    name: str
    xs: list
    ys: list  # None and NaN leave a gap
    colour: int = 0  # and marker
    dash: int = 0  # 0 is solid
    hollow: bool = False  # the markers
    band: tuple = ()  # (lowest, highest) at each point: shaded


class Axis(NamedTuple):
    """The vertical axis: where it begins and ends."""

    low: float
    high: float
    log: bool = False


SHARES = Axis(0, 1)


def known(value):
    """Whether a value can be drawn: a finite number."""
    return value is not None and math.isfinite(value)


def share(value):
    """A share in [0, 1] in words: per cent, or a dash where there is none."""
    return percent(value) if known(value) else "–"


def number(value):
    """Any other number, with two digits that count."""
    return f"{value:.2g}" if known(value) else "–"


def lines(title, across, curves, up=SHARES, log=False, beyond=None, level=None, size=(WIDTH, HEIGHT)):
    """A line chart.

    Args:
        across: what the horizontal axis is.
        curves: list of Line.
        up:     the vertical axis; on SHARES values are shown in per cent.
        log:    a logarithmic horizontal axis.
        beyond: (place, text): what lies to the right of the place is shaded, and the text says why.
        level:  (height, text): a dotted line across.
        size:   of the picture across, of the plot down.
    """
    say, right = share if up is SHARES else number, size[0] - 10
    xs = [x for c in curves for x in c.xs if known(x)]
    x_at, ticks = _scale(min(xs, default=0), max(xs, default=1), LEFT + 8, right - 8, log)
    legend, y0 = _legend(curves, right)
    shaded = beyond is not None and beyond[0] < max(xs, default=0)
    y0 += ROW if shaded or level else 0
    y1 = y0 + size[1]
    y_at, heights = _scale(up.low, up.high, y1, y0, up.log)
    drawn = [text(LEFT, 14, title, "t"), *legend]
    if shaded:
        edge = x_at(beyond[0])
        drawn.append(f'<path class="b" d="M{edge} {y0}H{right}V{y1}H{edge}z"/>')
        drawn.append(text(right, y0 - 5, beyond[1], "e q"))
    for value in heights:
        drawn.append(f'<path class="g" d="M{LEFT} {y_at(value):.0f}H{right}"/>')
        drawn.append(text(LEFT - 5, y_at(value) + 4, say(value), "e"))
    drawn += [text(x_at(x), y1 + 15, f"{x:g}", "m") for x in ticks]
    drawn.append(text((LEFT + right) / 2, y1 + 31, across, "m q"))
    if level:
        drawn.append(f'<path class="l s5 d3" d="M{LEFT} {y_at(level[0]):.1f}H{right}"/>')
        drawn.append(text(right, y0 - 5, level[1], "e q"))
    drawn += [_curve(c, x_at, y_at, say) for c in curves]
    return picture(size[0], y1 + 36, f"{title}; {across}. {_told(curves, say)}", drawn)


def _scale(low, high, start, end, log):
    """From values to places between start and end, and the values to be marked."""
    if high <= low:
        high = low + 1
    turn = (lambda v: math.log10(max(v, 1e-12))) if log else float
    a, b = turn(low), turn(high)
    place = lambda v: round(start + (end - start) * (turn(v) - a) / (b - a), 1)  # noqa: E731
    if log:
        digits = (1,) if b - a > 3 else (1, 2, 5)
        marks = [m * 10.0**k for k in range(math.floor(a), math.ceil(b) + 1) for m in digits]
        return place, [v for v in marks if low <= v <= high]
    step = next(s for s in (0.25, 1, 2, 5, 10, 20, 50, 100, 200, 500, 10**9) if (high - low) / s <= 7)
    return place, [step * k for k in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _legend(curves, right):
    """Names of the curves, in two columns or one, and where the plot may begin."""
    if len(curves) < 2:
        return [], 28
    columns = 2 if all(len(c.name) <= 20 for c in curves) else 1
    drawn = []
    for k, c in enumerate(curves):
        x, y = LEFT + k % columns * (right - LEFT) // 2, 14 + ROW * (1 + k // columns)
        drawn.append(f'<path class="l s{c.colour} d{c.dash}" d="M{x} {y - 4}h26"/>')
        drawn += [_marker(x + 13, y - 4, c), text(x + 32, y, c.name)]
    return drawn, 28 + ROW * math.ceil(len(curves) / columns)


def _curve(c, x_at, y_at, say):
    pairs = [(x, y) if known(x) and known(y) else None for x, y in zip(c.xs, c.ys)]
    places = [(x_at(p[0]), y_at(p[1]), *p) if p else None for p in pairs]
    path = "".join(f"{'L' if k and places[k - 1] else 'M'}{p[0]} {p[1]}" for k, p in enumerate(places) if p)
    marks = [_marker(p[0], p[1], c, f"{c.name}, {p[2]:.4g}: {say(p[3])}") for p in places if p]
    low, high = ([f"{x_at(x)} {y_at(y)}" for x, y in zip(c.xs, edge)] for edge in c.band or ((), ()))
    band = f'<path class="f{c.colour}" opacity=".2" d="M{"L".join(low + high[::-1])}z"/>' if c.band else ""
    return f'{band}<path class="l s{c.colour} d{c.dash}" d="{path}"/>{"".join(marks)}' if path else ""


def _marker(x, y, c, tip=""):
    tip = f"<title>{html.escape(tip)}</title>" if tip else ""
    fill, shape = "o" if c.hollow else f"f{c.colour}", MARKERS[c.colour % len(MARKERS)]
    return f'<path class="s{c.colour} {fill}" d="M{x} {y}{shape}">{tip}</path>'


def _told(curves, say):
    """The curves in figures: where each begins, its middle, where it ends."""
    told = []
    for c in curves:
        points = [(x, y) for x, y in zip(c.xs, c.ys) if known(x) and known(y)]
        some = [points[k] for k in sorted({0, len(points) // 2, len(points) - 1})] if points else []
        told.append(f"{c.name}: {', '.join(f'{x:.4g} → {say(y)}' for x, y in some) or '–'}.")
    return " ".join(told)


def bars(title, groups, names, values):
    """Horizontal bars in groups, each with its name before it and its share behind it; a name has one colour.

    Args:
        groups: labels of the first axis of values, names those of the second.
        values: shares in [0, 1], or None.
    """
    left = 16 + 6.5 * max(map(show.width, names), default=0)
    full, y, drawn = WIDTH - 48 - left, 14, [text(4, 14, title, "t")]
    for group, row in zip(groups, values):
        y += ROW + 6
        drawn.append(text(4, y, group))
        for k, (name, value) in enumerate(zip(names, row)):
            y += ROW
            long = round(full * min(max(value, 0), 1), 1) if known(value) else 0
            drawn.append(text(left - 6, y, name, "e q") + text(left + long + 5, y, share(value)))
            drawn.append(f'<path class="f{k % 5}" d="M{left:.0f} {y - 10}h{long}v11h-{long}z"/>')
        drawn.append(f'<path class="g" d="M{left:.0f} {y - ROW * len(names) + 4}V{y + 3}"/>')
    told = [", ".join(f"{name} {share(value)}" for name, value in zip(names, row)) for row in values]
    return picture(WIDTH, y + 10, f"{title}. {' '.join(f'{g}: {t}.' for g, t in zip(groups, told))}", drawn)


LEVELS = 20  # shades of a heat map


def heat(title, values, across, down):
    """A heat map of shares, rows down, columns across; a colour is as strong as the square root of its share.

    All cells of one shade are one path, which keeps a map of 21 × 21 cells at some 6 KB.

    Args:
        values:       (rows, columns) in [0, 1].
        across, down: what the columns and the rows are.
    """
    count, right = (len(values), len(values[0])), WIDTH - 10
    side = (right - LEFT) / max(count[1], 1)
    shades = [[] for _ in range(LEVELS + 1)]
    for t, row in enumerate(values):
        for s, value in enumerate(row):
            strength = math.sqrt(min(max(value, 0), 1)) if known(value) else 0
            shades[round(LEVELS * strength)].append(f"M{s} {t}h1v1h-1z")
    paths = [(k / LEVELS, "".join(cells)) for k, cells in enumerate(shades) if k and cells]
    bottom = 40 + side * count[0]
    drawn = [
        text(LEFT, 14, title, "t"),
        text(LEFT, 32, f"{down} ↓   {across} →", "q"),
        f'<g class="f2" shape-rendering="crispEdges" transform="translate({LEFT} 40) scale({side:.3f})">',
        *(f'<path opacity="{strength:g}" d="{path}"/>' for strength, path in paths),
        f'</g><path class="g" d="M{LEFT} 40H{right}V{bottom:.1f}H{LEFT}z"/>',
        *(text(LEFT + side * (s - 0.5), bottom + 15, s, "m") for s in _few(count[1])),
        *(text(LEFT - 5, 44 + side * (t - 0.5), t, "e") for t in _few(count[0])),
    ]
    for k, value in enumerate((0.01, 0.04, 0.25, 1)):
        x, swatch = LEFT + 78 * k, f"M{LEFT + 78 * k} {bottom + 26:.0f}h18v12h-18z"
        drawn.append(f'<path class="f2" opacity="{math.sqrt(value):g}" d="{swatch}"/>')
        drawn.append(text(x + 23, bottom + 36, share(value)))
    return picture(WIDTH, bottom + 44, f"{title}. {_peaks(values, across, down)}", drawn)


def _few(count):
    return [1, *range(5, count + 1, 5)] if count > 5 else range(1, count + 1)


def _peaks(values, across, down):
    """The map in figures: where the largest share of the first, a middle and the last row lies."""
    told = []
    for t in sorted({0, len(values) // 2, len(values) - 1}):
        row = [v if known(v) else -1 for v in values[t]]
        peak = f"{across} {row.index(max(row)) + 1}, {share(max(row))}" if max(row) >= 0 else "–"
        told.append(f"{down} {t + 1}: {peak}.")
    return " ".join(told)


# ---- parts of a picture ------------------------------------------------------------------------------------


def text(x, y, said, names=""):
    """A line of text; names are classes of STYLE."""
    kind = f' class="{names}"' if names else ""
    return f'<text x="{x:.0f}" y="{y:.0f}"{kind}>{html.escape(str(said))}</text>'


def picture(width, height, label, drawn):
    """One SVG element with its text alternative."""
    box = f'viewBox="0 0 {width} {height:.0f}"'
    return f'<svg {box} role="img" aria-label="{html.escape(label)}">{"".join(drawn)}</svg>'
