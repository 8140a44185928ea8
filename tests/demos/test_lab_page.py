"""The laboratory's page is well-formed, says in words and tables what its pictures show, needs no network."""

import json
import math
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from demos.bottleneck import svg
from demos.bottleneck.experiments import LENGTHS, LONG, TRAINED
from demos.bottleneck.interventions import CHANGES
from demos.bottleneck.measures import Grid, places
from demos.bottleneck.page import DECODING, PICTURES, page, tables
from demos.bottleneck.sentences import Finding

ABOUT = {"cell": "rnn", "hidden": 64, "lengths": "1–20"}
VOID = {"meta", "input", "br"}
BOTH, CELLS, TASKS = ["fixed", "luong"], ["rnn", "gru", "lstm"], ["reverse", "sort", "first", "last"]
MODELS = ["reverse", "reverse, attention only", "sort", "last"]
MEASURES = ["aligned", "within one place", "entropy"]


class Page(HTMLParser):
    """What a browser would make of it: open tags, ids, tables as rows of text, pictures, text of scripts."""

    def __init__(self, text):
        super().__init__()
        self.open, self.ids, self.links, self.pictures, self.tables, self.said = [], [], [], [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.note(tag, dict(attrs))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.note(tag, dict(attrs))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def note(self, tag, attrs):
        self.ids += [attrs["id"]] if "id" in attrs else []
        self.links += [attrs["href"]] if "href" in attrs else []
        if tag == "svg":
            self.pictures.append(attrs)
        elif tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")

    def handle_data(self, data):
        if "td" in self.open or "th" in self.open:
            self.tables[-1][-1][-1] += data
        elif "script" not in self.open and "style" not in self.open:
            self.said.append(data)


def grid(rng, *axes):
    return Grid(rng.uniform(size=[len(labels) for _, labels in axes]), axes)


def made_up(seed=0):
    """Findings of all six experiments, of full size; random numbers."""
    rng, lengths, short = np.random.default_rng(seed), ("length", list(LENGTHS)), ("length", TRAINED)
    two, four = ("decoder", BOTH), ("decoder", ["fixed", "peeky", "luong", "bahdanau"])
    task, cell, model, measure = ("task", TASKS), ("cell", CELLS), ("model", MODELS), ("measure", MEASURES)
    variants, running = ("task", ["reverse", "reverse, lstm", "copy, lstm"]), ("running", ["forced", "free"])
    step, source, position = places("output", LONG + 1), places("source", LONG + 1), places("position", LONG)
    order, what = ("source", ["as it is", "reversed"]), ("what", ["letters", "exact"])
    swapped, outputs = ("swapped", ["values", "values and keys"]), ("outputs", ["aligned", "others"])
    weights, changed = ("weights", list(CHANGES)), ("what", ["changed"])
    sizes, bits = rng.integers(10**4, 10**6, 4), rng.uniform(4, 94, (4, len(TRAINED)))
    grids = {
        "length": {"exact": grid(rng, four, lengths), "parameters": Grid(sizes, (four,))},
        "position": {"accuracy": grid(rng, variants, two, running, position)},
        "dilution": {"probe": grid(rng, cell, places("place", LONG)),
                     "gradient": grid(rng, cell, two, step, source)},
        "capacity": {"exact": grid(rng, task, two, ("hidden", [16, 64]), short),
                     "bits": Grid(bits, (task, short))},
        "training": {"exact": grid(rng, two, ("trained up to", [10, 20]), lengths),
                     "reading": grid(rng, two, order, what)},
        "mechanism": {"weights": grid(rng, model, weights), "alignment": grid(rng, model, measure),
                      "by step": grid(rng, measure, position), "swap": grid(rng, swapped, outputs, changed),
                      **decoded(rng)},
    }  # fmt: skip
    told = ["One.", "Two."]
    return [Finding(name, f"Title of {name}", f"Question of {name}?", told, g) for name, g in grids.items()]


def decoded(rng, H=64):
    """Grids as measures.decoding returns them; one token is markup."""
    output, source = (("output", ["1 c", "2 </script>", "3 ⏎"]), ("source", ["1 <b>", "2 c", "3 ⏎"]))
    rank, unit = places("rank", 5), places("unit", H)
    tokens = np.array([list("cabde"), ["</script>", *"abde"], list("⏎abde")])
    grids = {
        "state": Grid(rng.normal(size=(3, H)), (output, unit)),
        "scores": Grid(rng.normal(size=(3, 3)), (output, source)),
        "weights": grid(rng, output, source),
        "context": Grid(rng.normal(size=(3, H)), (output, unit)),
        "tokens": Grid(tokens, (output, rank)),
        "probabilities": grid(rng, output, rank),
    }
    return {DECODING + name: g for name, g in grids.items()}


FINDINGS = made_up()
WHOLE = page(FINDINGS, ABOUT)
READ = Page(WHOLE)


# ---- the page ----------------------------------------------------------------------------------------------


def test_it_is_one_small_file_that_needs_no_network():
    assert len(WHOLE.encode()) <= 1_000_000
    assert not re.search(r"https?:|\bsrc=|@import|url\(|<link", WHOLE)
    assert READ.links and all(link.startswith("#") and link[1:] in READ.ids for link in READ.links)


def test_ids_are_unique():
    assert len(set(READ.ids)) == len(READ.ids)


def test_it_says_what_was_found_and_how():
    said = " ".join(READ.said)
    for finding in FINDINGS:
        assert all(text in said for text in (finding.title, finding.question, *finding.sentences))
    assert all(f"{name} {value}" in said for name, value in ABOUT.items())


EXPERIMENTS = {experiment for experiment, _ in PICTURES}


@pytest.mark.parametrize("chosen", ([], [0], [1], [2], [3], [4], [5], [5, 3, 0]), ids=str)
def test_any_findings_in_any_order(chosen):
    some = [FINDINGS[k] for k in chosen]
    text = page(some, {})
    read = Page(text)
    assert [name for name in read.ids if name in EXPERIMENTS] == [f.name for f in some]
    assert ("<script" in text) == ("step-by-step" in read.ids) == (5 in chosen)


def test_without_a_decoding_there_is_no_slider():
    last = FINDINGS[-1]
    part = last._replace(grids={k: g for k, g in last.grids.items() if k != DECODING + "scores"})
    assert "<script" not in page([part], {})


def test_text_appears_literally():
    evil = 'a <b>& "c"</b> <script>'
    finding = Finding("x\" onload='y'", evil, evil, [evil], {evil: Grid(np.array([0.5]), ((evil, [evil]),))})
    text = page([finding], {evil: evil})
    read = Page(text)
    assert "<script" not in text and "onload=" not in text
    assert read.said.count(evil) >= 4  # link, title, question, sentence
    assert read.tables == [[[evil, evil], [evil, "50.0%"]]]


def test_every_picture_has_a_text_alternative_with_figures():
    assert len(READ.pictures) == WHOLE.count("<svg") >= len(PICTURES)
    for attrs in READ.pictures:
        assert attrs["role"] == "img" and len(attrs["aria-label"]) > 20
        assert attrs["aria-label"].startswith("Diagram") or re.search(r"\d", attrs["aria-label"])


def test_every_grid_is_in_the_tables():
    cells = [cell for table in READ.tables for row in table[1:] for cell in row[1:]]
    skipped = {DECODING + "state", DECODING + "context"}  # strips of colour, described in words
    shown = [g for f in FINDINGS for name, g in f.grids.items() if name not in skipped]
    assert len(cells) == sum(g.values.size for g in shown)


def test_what_is_missing_is_a_dash_and_never_nan():
    holes = []
    for finding in made_up(seed=1):
        grids = {name: _with_hole(g) for name, g in finding.grids.items()}
        holes.append(finding._replace(grids=grids))
    text = page(holes, ABOUT)
    read = Page(text)
    assert not re.search(r"\bnan\b|\bNaN\b|\bNone\b|\binf\b", text)
    assert sum(cell == "–" for table in read.tables for row in table for cell in row) >= len(holes)


def _with_hole(g):
    if g.values.dtype.kind != "f":
        return g
    values = g.values.astype(object)
    values.flat[0], values.flat[-1] = None, math.nan
    return g._replace(values=values)


def test_the_slider_has_the_grids_numbers():
    data = json.loads(re.search(r"const DATA = (\{.*\});", WHOLE).group(1))
    grids = FINDINGS[-1].grids
    for name in ("state", "scores", "weights", "context", "probabilities"):
        np.testing.assert_allclose(data[name], grids[DECODING + name].values, atol=5.1e-5)
    assert data["tokens"] == grids[DECODING + "tokens"].values.tolist()
    assert (data["output"], data["source"]) == tuple(labels for _, labels in grids[DECODING + "weights"].axes)


# ---- tables ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", ((3,), (2, 3), (4, 2), (3, 3), (2, 3, 4), (1, 2, 4, 3)), ids=str)
def test_tables_hold_the_grid(shape):
    axes = ((f"axis{k}", [f"{k}.{place}" for place in range(n)]) for k, n in enumerate(shape))
    g = grid(np.random.default_rng(0), *axes)
    count = 0
    for text in tables("name", g):
        where = dict(re.findall(r"(axis\d) ([\d.]+)", re.search("<caption>(.*?)</caption>", text).group(1)))
        (corner, *columns), *rows = Page(text).tables[0]
        down, across = (corner.split(" \\ ") + [None])[:2]
        for label, *cells in rows:
            for column, cell in zip(columns, cells, strict=True):
                at = where | {down: label} | ({across: column} if across else {})
                assert float(cell.rstrip("%")) / 100 == pytest.approx(float(g.at(**at)), abs=5.1e-4)
                count += 1
        assert across is None or len(columns) <= len(rows)
    assert count == g.values.size


def test_units():
    entropy = Grid(np.array([[0.25, 3.14159]]), (("model", ["a"]), ("measure", ["aligned", "entropy"])))
    assert Page(tables("alignment", entropy)[0]).tables[0][1:] == [["aligned", "25.0%"], ["entropy", "3.14"]]
    sizes = Grid(np.array([61726]), (("decoder", ["fixed"]),))
    assert Page(tables("parameters", sizes)[0]).tables[0][1:] == [["fixed", "61,726"]]


# ---- pictures ----------------------------------------------------------------------------------------------


def drawn(picture):
    """Path of the first curve, as pieces of points."""
    path = re.findall(r'<path class="l s\d d\d" d="(M[^"h]*L[^"]*)"', picture)[0]
    return [[tuple(map(float, p.split())) for p in piece.split("L")] for piece in path.split("M")[1:]]


def test_a_line_goes_through_its_points():
    xs, ys = [1, 2, 4, 8, 16], [0.0, 1.0, 0.25, 0.5, 0.75]
    [points] = drawn(svg.lines("title", "across", [svg.Line("a", xs, ys), svg.Line("b", xs, ys[::-1])]))
    x, y = np.array(points).T
    assert np.allclose(np.diff(x) / np.diff(xs), (x[-1] - x[0]) / 15, atol=0.1)
    assert np.allclose(y, y[0] - svg.PLOT * np.array(ys), atol=0.1)  # upwards, and all of the height for 100%


def test_a_logarithmic_axis_has_equal_steps_for_equal_ratios():
    [points] = drawn(svg.lines("title", "bits", [svg.Line("a", [1, 2, 4, 8, 16], [0.5] * 5)], log=True))
    assert np.allclose(np.diff([x for x, _ in points]), (points[-1][0] - points[0][0]) / 4, atol=0.2)


def test_a_hole_breaks_the_line():
    picture = svg.lines("title", "across", [svg.Line("a", [1, 2, 3, 4, 5], [0.1, 0.2, math.nan, 0.4, 0.5])])
    assert [len(piece) for piece in drawn(picture)] == [2, 2]


def test_a_line_chart_tells_its_ends_and_tells_its_lines_apart():
    curves = [svg.Line("a", [1, 9], [0.97, 0.12]), svg.Line("b", [1, 9], [0.5, 0.6], 1, 1)]
    picture = svg.lines("title", "length", curves)
    label = Page(picture).pictures[0]["aria-label"]
    assert "a: 97% at 1, 12% at 9." in label and "b: 50% at 1, 60% at 9." in label
    assert "s0 d0" in picture and "s1 d1" in picture
    markers = [re.search(rf'class="s{k} f{k}" d="M\S+ [\d.]+(m[^"]*)"', picture).group(1) for k in (0, 1)]
    assert markers[0] != markers[1]


@pytest.mark.parametrize("beyond, shaded", ((None, False), (9, False), (20, False), (5, True)))
def test_only_what_lies_beyond_training_is_shaded(beyond, shaded):
    picture = svg.lines("title", "length", [svg.Line("a", [1, 9], [0, 1])], beyond=beyond)
    assert (svg.UNSEEN in picture) == ('class="b"' in picture) == shaded


def test_a_heat_map_has_the_square_roots():
    values = np.random.default_rng(0).uniform(size=(4, 7)) ** 4
    seen = np.zeros((4, 7))
    for strength, path in re.findall(r'<path opacity="([\d.]+)" d="([^"]*)"', svg.heat("title", values)):
        for s, t in re.findall(r"M(\d+) (\d+)h1v1h-1z", path):
            seen[int(t), int(s)] += float(strength)
    np.testing.assert_allclose(seen, np.sqrt(values), atol=0.5 / svg.LEVELS + 1e-9)


def test_a_heat_map_tells_where_its_rows_look():
    label = Page(svg.heat("title", np.eye(5)[::-1])).pictures[0]["aria-label"]
    assert "output step 1: most on source place 5, 100%." in label
    assert "output step 5: most on source place 1, 100%." in label


def test_bars_are_as_long_as_their_shares():
    values = [[1.0, 0.5], [0.25, None]]
    picture = svg.bars("title", ["g", "h"], ["a", "b"], values)
    long = [float(x) for x in re.findall(r"h([\d.]+)v11", picture)]
    np.testing.assert_allclose(np.array(long) / long[0], [1, 0.5, 0.25, 0], atol=0.01)
    assert "g: a 100%, b 50%. h: a 25%, b –." in Page(picture).pictures[0]["aria-label"]


def test_no_picture_runs_over_its_edge():
    for text in re.findall(r"<svg.*?</svg>", WHOLE, re.S):
        width, height = map(float, re.search(r'viewBox="0 0 (\d+) (\d+)"', text).groups())
        for x, y in re.findall(r'<text x="([-\d]+)" y="([-\d]+)"', text):
            assert 0 <= float(x) < width and 0 < float(y) < height
