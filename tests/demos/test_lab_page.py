"""The laboratory's page is well-formed, says in words and tables what its pictures show, needs no network,
and is there in two languages."""

import json
import math
import re
import xml.etree.ElementTree as xml
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from demos.bottleneck import __main__ as bottleneck
from demos.bottleneck import figures, svg, texts
from demos.bottleneck.claims import find_claims
from demos.bottleneck.measures import Grid
from demos.bottleneck.page import DECODING, PICTURES, page, tables
from demos.bottleneck.terminal import told
from demos.bottleneck.texts import LANGUAGES, Texts, read_texts
from demos.shared import Claim
from numpy_seq2seq import show

from .lab_grids import planted

ABOUT = {"seed": 0, "steps": 500, "cell": "rnn", "hidden": 64, "lengths": "1–20"}
VOID = {"meta", "input", "br"}
FIGURES = Path(bottleneck.__file__).parents[1] / "figures"


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


class Seen(Texts):
    """Texts that remember which of them were asked for."""

    asked = set()

    def __getitem__(self, key):
        self.asked.add(key)
        return super().__getitem__(key)

    def get(self, key, default=None):
        self.asked.add(key)
        return super().get(key, default)


EN, KO = (Seen(read_texts(language)) for language in LANGUAGES)


def findings(text, change=lambda grid: grid):
    """Findings of all experiments, of full size."""
    found = []
    for name, grids in planted().items():
        claims = find_claims(name, grids, text)
        found.append(bottleneck.Finding(name, {label: change(g) for label, g in grids.items()}, claims))
    return found


FOUND = findings(EN)
WHOLE = page(FOUND, ABOUT, EN)
READ = Page(WHOLE)


# ---- the page ----------------------------------------------------------------------------------------------


def test_it_is_one_small_file_that_needs_no_network():
    assert len(WHOLE.encode()) <= 1_000_000
    assert not re.search(r"https?:|\bsrc=|@import|url\(|<link|\{\{", WHOLE)
    assert READ.links and all(link.startswith("#") and link[1:] in READ.ids for link in READ.links)


def test_ids_are_unique():
    assert len(set(READ.ids)) == len(READ.ids)


def test_pictures_come_first_then_claims_with_figure_threshold_and_verdict():
    for name, _, claims in FOUND:
        section = re.search(f'<section id="{name}">(.*?)</section>', WHOLE, re.S).group(1)
        assert section.index("<svg") < section.rindex("</figure>") < section.index('class="scroll claims"')
        *_, table = Page(section).tables
        assert table[0] == ["claim", "measured", "needed", "held"]
        assert table[1:] == [[c.text, c.form.format(c.measured), c.needed, "✓"] for c in claims]
    assert all(f"{name} {value}" in " ".join(READ.said) for name, value in ABOUT.items())


def test_a_claim_that_does_not_hold_says_so():
    false = FOUND[0]._replace(claims=[Claim("a < b & c", 0.2, 0.9)])
    *_, table = [t for t in Page(page([false], ABOUT, EN)).tables if t[0][0] == "claim"]
    assert table[1:] == [["a < b & c", "20.0%", "≥ 90.0%", "✗"]]


@pytest.mark.parametrize("chosen", ([], [0], [3], [6], [6, 3, 0]), ids=str)
def test_any_findings_in_any_order(chosen):
    some = [FOUND[k] for k in chosen]
    text = page(some, ABOUT, EN)
    read = Page(text)
    assert [name for name in read.ids if name in planted()] == [f.name for f in some]
    assert ("<script" in text) == ("step-by-step" in read.ids) == (6 in chosen)


def test_tokens_and_settings_appear_literally():
    evil = 'a <b>& "c"</b> <script>'
    strange = FOUND[0]._replace(grids={evil: Grid(np.array([0.5]), ((evil, [evil]),))})
    text = page([strange], {evil: evil}, EN)
    assert "<script" not in text
    assert Page(text).tables[0] == [[evil, evil], [evil, "50.0%"]]


def test_every_picture_has_a_text_alternative_with_figures():
    assert len(READ.pictures) == WHOLE.count("<svg") >= len(PICTURES)
    drawn = {value for key, value in EN.items() if key.startswith("drawing.")}
    for attrs in READ.pictures:
        assert attrs["role"] == "img" and len(attrs["aria-label"]) > 20
        assert attrs["aria-label"] in drawn or re.search(r"\d%|→", attrs["aria-label"])


def test_every_grid_is_in_the_tables():
    numbers = [t for t in READ.tables if t[0][0] != "claim"]
    cells = [cell for table in numbers for row in table[1:] for cell in row[1:]]
    skipped = {DECODING + "state", DECODING + "context"}  # strips of colour, described in words
    shown = [g for f in FOUND for name, g in f.grids.items() if name not in skipped]
    assert len(cells) == sum(g.values.size for g in shown)


def test_what_is_missing_is_a_dash_and_never_nan():
    text = page(findings(EN, _with_hole), ABOUT, EN)
    assert not re.search(r"\bnan\b|\bNaN\b|\bNone\b|\binf\b", text)
    assert sum(cell == "–" for table in Page(text).tables for row in table for cell in row) >= len(FOUND)


def _with_hole(g):
    if g.values.dtype.kind != "f":
        return g
    values = g.values.astype(object)
    values.flat[0], values.flat[-1] = None, math.nan
    return g._replace(values=values)


def test_the_slider_has_the_grids_numbers():
    data = json.loads(re.search(r"const DATA = (\{.*\});", WHOLE).group(1))
    grids = FOUND[-1].grids
    for name in ("state", "scores", "weights", "context", "probabilities"):
        np.testing.assert_allclose(data[name], grids[DECODING + name].values, atol=5.1e-5)
    assert data["tokens"] == grids[DECODING + "tokens"].values.tolist()
    assert (data["output"], data["source"]) == tuple(labels for _, labels in grids[DECODING + "weights"].axes)


# ---- two languages -----------------------------------------------------------------------------------------


def test_no_text_is_missing_and_both_languages_say_the_same_figures():
    table = json.loads(Path(texts.__file__).with_name("texts.json").read_text(encoding="utf-8"))
    for key, both in table.items():
        assert list(both) == list(LANGUAGES) and all(both.values()), key
        for form in (r"\{\w+\}", r"</?\w+>"):
            fields = [set(re.findall(form, said)) for said in both.values()]
            assert fields[0] == fields[1], key


NAMES = set("fixed peeky luong bahdanau rnn gru lstm LSTM seq2seq hidden BLEU BOS EOS script".split())
NAMES |= set("Sutskever Cho Luong Bahdanau Vaswani transformer".split())


def test_the_korean_page_is_in_korean():
    text = page(findings(KO), ABOUT, KO)
    read = Page(text)
    cells = [cell for table in read.tables for row in table for cell in row]
    said = " ".join([*read.said, *cells, *(picture["aria-label"] for picture in read.pictures)])
    assert not set(re.findall(r"[A-Za-z][A-Za-z0-9]{2,}", said)) - NAMES and 'lang="ko"' in text
    english = [cell for table in READ.tables for row in table for cell in row]
    assert [c for c in cells if c.endswith("%")] == [c for c in english if c.endswith("%")]


def test_the_terminal_shows_the_same_in_both_languages():
    for finding, korean in zip(FOUND, findings(KO)):
        shown = [told(f, text) for f, text in ((finding, EN), (korean, KO))]
        assert all(claim.text in shown[0] for claim in finding.claims)
        claimed = [line for text in shown for line in text.split("\n") if line[-1:] in "✓✗"]
        assert max(map(show.width, claimed)) <= 100
        assert not set(re.findall(r"[A-Za-z]{3,}", shown[1])) - NAMES
        assert [re.findall(r"[\d.]+%", text) for text in shown][0] == re.findall(r"[\d.]+%", shown[1])


def test_no_text_is_left_over():
    figures.figures(EN, [planted()["length"]] * 3)
    for finding in FOUND:
        told(finding, EN)
    templates = [Path(texts.__file__).with_name(name).read_text() for name in ("page.html", "slider.html")]
    used = EN.asked | set(re.findall(r"\{\{(.+?)\}\}", "".join(templates)))
    in_script = {key for key in EN if key.startswith("slider.") and key.split(".")[1] in templates[1]}
    assert set(EN) - used - in_script == {"terminal.kept", "terminal.stopped"}


# ---- figures of README -------------------------------------------------------------------------------------


def test_a_figure_stands_alone():
    made = figures.figures(EN, [planted()["length"]] * 3)
    kept = {path.name: path.read_text(encoding="utf-8") for path in FIGURES.glob("*.svg")}
    assert made.keys() == kept.keys()
    for text in [*made.values(), *kept.values()]:
        root, svg_tag = xml.fromstring(text), "{http://www.w3.org/2000/svg}svg"
        assert root.tag == svg_tag and float(root.get("width")) <= 760
        assert "prefers-color-scheme: dark" in text
        assert not re.search(r"href|url\(|@import|@font|<script", text)
        assert all(part.get("aria-label") for part in root.findall(svg_tag))


def test_the_drawings_that_are_kept_are_those_that_the_program_draws():
    for name, text in figures.figures(EN, [planted()["length"]] * 3).items():
        assert name == "length.svg" or text == (FIGURES / name).read_text(encoding="utf-8")


def test_the_chart_of_exact_match_is_the_median_between_lowest_and_highest():
    exact, found = planted()["length"]["exact"], []
    for share in (0.2, 0.6, 0.3):
        found.append({"exact": exact._replace(values=np.full(exact.values.shape, share))})
    text = figures.length_chart(EN, found)
    assert text.count('opacity=".2"') == 2 and "fixed: 1 → 30%, 16 → 30%, 30 → 30%." in text
    band = re.search(r'opacity=".2" d="M(.*?)z"', text).group(1)
    heights = [float(point.split()[1]) for point in band.split("L")]
    assert len(set(heights)) == 2 and max(heights) - min(heights) == pytest.approx(0.4 * 200, abs=0.2)


# ---- tables ------------------------------------------------------------------------------------------------


def grid(rng, *axes):
    return Grid(rng.uniform(size=[len(labels) for _, labels in axes]), axes)


@pytest.mark.parametrize("shape", ((3,), (2, 3), (4, 2), (3, 3), (2, 3, 4), (1, 2, 4, 3)), ids=str)
def test_tables_hold_the_grid(shape):
    axes = ((f"axis{k}", [f"{k}.{place}" for place in range(n)]) for k, n in enumerate(shape))
    g = grid(np.random.default_rng(0), *axes)
    count = 0
    for text in tables("name", g, EN):
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
    [table] = Page(tables("alignment", entropy, EN)[0]).tables
    assert table[1:] == [["aligned", "25.0%"], ["entropy", "3.14"]]
    sizes = Grid(np.array([61726]), (("decoder", ["fixed"]),))
    assert Page(tables("parameters", sizes, EN)[0]).tables[0][1:] == [["fixed", "61,726"]]


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
    assert np.allclose(y, y[0] - svg.HEIGHT * np.array(ys), atol=0.1)  # upwards; all of the height is 100%


def test_a_logarithmic_axis_has_equal_steps_for_equal_ratios():
    [points] = drawn(svg.lines("title", "bits", [svg.Line("a", [1, 2, 4, 8, 16], [0.5] * 5)], log=True))
    assert np.allclose(np.diff([x for x, _ in points]), (points[-1][0] - points[0][0]) / 4, atol=0.2)


def test_a_vertical_logarithm_has_equal_steps_for_equal_ratios():
    up = svg.Axis(1e-4, 1, log=True)
    [points] = drawn(svg.lines("title", "t", [svg.Line("a", [1, 2, 3], [1e-3, 1e-2, 1e-1])], up))
    assert np.allclose(np.diff([y for _, y in points]), -svg.HEIGHT / 4, atol=0.2)


def test_a_hole_breaks_the_line():
    picture = svg.lines("title", "across", [svg.Line("a", [1, 2, 3, 4, 5], [0.1, 0.2, math.nan, 0.4, 0.5])])
    assert [len(piece) for piece in drawn(picture)] == [2, 2]


def test_a_line_chart_tells_its_ends_and_tells_its_lines_apart():
    curves = [svg.Line("a", [1, 9], [0.97, 0.12]), svg.Line("b", [1, 9], [0.5, 0.6], 1, 1)]
    picture = svg.lines("title", "length", curves)
    label = Page(picture).pictures[0]["aria-label"]
    assert "a: 1 → 97%, 9 → 12%." in label and "b: 1 → 50%, 9 → 60%." in label
    assert "s0 d0" in picture and "s1 d1" in picture
    markers = [re.search(rf'class="s{k} f{k}" d="M\S+ [\d.]+(m[^"]*)"', picture).group(1) for k in (0, 1)]
    assert markers[0] != markers[1]


@pytest.mark.parametrize("beyond, shaded", ((None, False), (9, False), (20, False), (5, True)))
def test_only_what_lies_beyond_training_is_shaded(beyond, shaded):
    beyond = beyond and (beyond, "unseen")
    picture = svg.lines("title", "length", [svg.Line("a", [1, 9], [0, 1])], beyond=beyond)
    assert ("unseen" in picture) == ('class="b"' in picture) == shaded


def test_a_heat_map_has_the_square_roots():
    values = np.random.default_rng(0).uniform(size=(4, 7)) ** 4
    seen = np.zeros((4, 7))
    picture = svg.heat("title", values, "place", "step")
    for strength, path in re.findall(r'<path opacity="([\d.]+)" d="([^"]*)"', picture):
        for s, t in re.findall(r"M(\d+) (\d+)h1v1h-1z", path):
            seen[int(t), int(s)] += float(strength)
    np.testing.assert_allclose(seen, np.sqrt(values), atol=0.5 / svg.LEVELS + 1e-9)


def test_a_heat_map_tells_where_its_rows_look():
    label = Page(svg.heat("title", np.eye(5)[::-1], "source place", "output step")).pictures[0]["aria-label"]
    assert "output step 1: source place 5, 100%." in label
    assert "output step 5: source place 1, 100%." in label


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
