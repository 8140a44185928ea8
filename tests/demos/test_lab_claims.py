"""Each of the laboratory's claims holds where its grids say so, and fails where they say the contrary."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from demos.bottleneck.claims import CLAIMS, bits_reached, correlation, fading, find_claims, nearby
from demos.bottleneck.claims import rank_correlation
from demos.bottleneck.experiments import EXPERIMENTS, LONG
from demos.bottleneck.texts import read_texts

from .lab_grids import planted


class Keys(dict):
    """In place of texts: each key is its own text."""

    def __missing__(self, key):
        return key

    def name(self, label):
        return label


def claims(name, grids):
    """dict: key -> the claims with that key."""
    found = {}
    for claim in find_claims(name, grids, Keys()):
        found.setdefault(claim.text.removeprefix(f"{name}."), []).append(claim)
    return found


def test_a_claim_is_a_fixed_text_a_figure_a_threshold_and_a_verdict():
    first, *_ = find_claims("length", planted()["length"], read_texts("en"))
    assert first.text == "luong attends: strings of length 20 answered without an error"
    assert (first.measured, first.needed, first.held) == (1.0, "≥ 90.0%", True)
    ill = planted()["length"]
    ill["exact"].values[:] = 0.25
    first, *_ = find_claims("length", ill, read_texts("ko"))
    assert first.text == "luong: 되돌아보는 모델, 길이 20에서 오류 없이 답한 문자열"
    assert (first.measured, first.needed, first.held) == (0.25, "≥ 90.0%", False)


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_all_claims_hold_where_all_is_as_it_is_told(name):
    assert all(claim.held for claim in find_claims(name, planted()[name], read_texts("en")))


# claim, the grid that says the contrary, what stands there, where: axis=label
CONTRARY = [row.split("\t") for row in Path(__file__).with_name("contrary.tsv").read_text().splitlines()]


WHERE = [(*row[:3], dict(part.split("=") for part in row[3:])) for row in CONTRARY]


@pytest.mark.parametrize("claim, grid, value, where", WHERE)
def test_a_claim_fails_where_the_figures_say_the_contrary(claim, grid, value, where):
    name, key = claim.split(".")
    grids = planted()[name]
    place = [[*map(str, labels)].index(where[axis]) if axis in where else slice(None)
             for axis, labels in grids[grid].axes]
    grids[grid].values[tuple(place)] = Fraction(value)
    failed = {k for k, same in claims(name, grids).items() if not all(c.held for c in same)}
    assert key in failed
    assert failed == {key} or key in ("falls", "exposure")  # a level curve ends high, and begins low


def test_every_claim_can_fail():
    known = {f"{name}.{key}" for name in CLAIMS for key in claims(name, planted()[name])}
    assert known == {row[0] for row in CONTRARY}


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_a_figure_that_is_missing_holds_no_claim(name):
    grids = planted()[name]
    for label, grid in grids.items():
        if grid.values.dtype.kind in "fi":
            grids[label] = grid._replace(values=np.full(grid.values.shape, np.nan))
    assert not any(c.held for c in find_claims(name, grids, read_texts("en")) if np.isnan(c.measured))


# ---- figures that are not in the grids as they are ---------------------------------------------------------


def test_rank_correlation_and_correlation():
    assert rank_correlation([3, 2, 1], [1, 2, 3]) == pytest.approx(-1)
    assert rank_correlation([1, 8, 9], [1, 2, 3]) == pytest.approx(1)
    shared = rank_correlation([1, 1, 2, 3], [1, 2, 3, 4])  # ranks 1.5, 1.5, 3, 4
    assert shared == pytest.approx(4.5 / np.sqrt(4.5 * 5))
    assert rank_correlation([5, 7, 7, 7], [1, 2, 3, 4]) == pytest.approx(3 / np.sqrt(3 * 5))
    assert correlation([1, 1, 1], [1, 2, 3]) == 0


def test_bits_reached_are_those_of_the_longest_half_right():
    assert bits_reached([1, 0.5, 0.49, 0.6, 0], [5, 10, 15, 20, 25]) == 20
    assert bits_reached([0.4, 0.3], [5, 10]) == 0


def test_fading_and_nearby_of_planted_maps():
    fade, band = planted()["dilution"]["gradient"].values[:2]
    assert fading(fade) == pytest.approx(-1) and fading(fade[:, ::-1]) == pytest.approx(1)
    assert (nearby(band) == 1).all() and nearby(np.roll(band, 2, axis=1))[5] == 0
    assert nearby(np.full_like(band, 1 / (LONG + 1)))[5] == pytest.approx(3 / (LONG + 1))
