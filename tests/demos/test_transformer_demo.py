"""The Transformer in the programs: it takes the place of any encoder and decoder; the road leads there."""

import doctest
import json
import math
from argparse import Namespace

import numpy as np
import pytest

from demos import copy_task, reverse_task, shared
from demos.answer import __main__ as answer
from demos.dates import __main__ as dates
from demos.shared import Run, training
from demos.transformer import __main__ as road
from demos.transformer import chains, heads, ladder
from demos.translate import __main__ as translate
from numpy_seq2seq import Config, generate_greedy, make_source, seq2seq_init, show
from numpy_seq2seq.seq2seq import seq2seq_forward

from ..helpers import sampled

PROGRAMS = {
    "reverse": reverse_task, "copy": copy_task, "dates": dates, "answer": answer, "translate": translate
}  # fmt: skip
TRANSFORMER = ["--encoder", "transformer", "--decoder", "transformer", "--heads", "2", "--layers", "1"]


@pytest.mark.parametrize("name", sampled(PROGRAMS, "reverse", "translate"))
def test_programs_take_the_transformer_in_place_of_the_recurrent_model(name, tmp_path, capsys):
    path = tmp_path / "result.json"
    assert PROGRAMS[name].main(["--quick", "--steps", "2", *TRANSFORMER, "--json", str(path)]) == 0
    result = json.loads(path.read_text())
    assert (result["encoder"], result["decoder"]) == ("transformer", "transformer")
    assert result["fixed"]["encoder"] == "transformer"  # the same encoder, and one vector


def test_what_is_usual_gives_way_and_what_was_asked_for_is_never_ignored():
    none = dict.fromkeys(("cell", "score", "directions", "heads", "layers"))
    usual = {"cell": "gru", "directions": 2, "embedding_size": 16, "dropout": 0.1}

    def config(**asked):
        asked = {**none, "encoder": "recurrent", "decoder": "luong", "usual": usual, **asked}
        return Config(9, 9, hidden_size=8, **shared.choices(Namespace(**asked)))

    plain, transformer = config(), config(encoder="transformer", decoder="transformer", heads=2)
    assert (plain.cell, plain.directions, plain.layers, plain.embedding_size) == ("gru", 2, 1, 16)
    assert (transformer.cell, transformer.directions, transformer.layers) == (None, 1, 2)
    assert (transformer.heads, transformer.embedding_size) == (2, 8)
    assert transformer.dropout == plain.dropout == 0.1
    unread = {"heads": 2}, {"encoder": "transformer", "directions": 2}, {"decoder": "fixed", "score": "dot"}
    for refused in unread:
        with pytest.raises(ValueError, match="would be ignored"):
            config(**refused)


def test_a_transformer_learns_at_a_pace_of_its_own():
    recurrent, mixed = Config(9, 9), Config(9, 9, encoder="transformer")
    own = 0.1, training.TRANSFORMER_WARMUP
    for config, (peak, warmup) in ((recurrent, (0.5, 7)), (mixed, own)):
        rate, _ = training.pace(config, 1000, peak=0.5, warmup=7, transformer_peak=0.1)
        assert rate(warmup) == peak > max(rate(warmup - 1), rate(warmup + 1))


# ---- the road ----------------------------------------------------------------------------------------------


def test_a_number_remembers_how_it_was_made():
    assert doctest.testmod(chains).failed == 0
    tally = [0]
    a, b = chains.Number(3.0, near=0, tally=tally), chains.Number(4.0, tally=tally)
    c = (a * a + b * b).sqrt()
    assert (c.value, c.far, c.near, tally) == (5.0, 2, 2, [3])
    assert (2 / b).near == math.inf  # no way leads there from a
    assert (b > a, a >= 4, a <= 3, -1 * a == -3, (1 - a).value, (-a).far) == (True, False, True, True, -2, 0)


@pytest.mark.parametrize("name", ladder.ROAD)
def test_a_model_of_numbers_says_what_the_model_says(name, monkeypatch):
    """The counting model and the plain one have the same logits."""
    seen = []

    def forward(batch, params, config):
        found = seq2seq_forward(batch, params, config)
        seen.append((found[0], batch, config))
        return found

    monkeypatch.setattr(chains, "seq2seq_forward", forward)
    chains.chain(ladder.ROAD[name].choices, 4)
    ((logits, batch, config),) = seen
    values = np.vectorize(chains.plain, otypes=[float])(logits)
    params = seq2seq_init(np.random.default_rng(0), config)
    np.testing.assert_allclose(values, seq2seq_forward(batch, params, config)[0], rtol=1e-12, atol=1e-12)


def test_what_waits_and_how_far_it_is():
    """A recurrence adds the same operations with each letter, self-attention adds none."""
    counted = {name: [chains.chain(rung.choices, n) for n in (2, 4, 8)] for name, rung in ladder.ROAD.items()}
    recurrent, one_vector = {*ladder.ROAD} - {"transformer"}, {"fixed vector", "its encoder, one vector"}
    for what, grows in (("in_a_row", recurrent), ("between", one_vector)):
        for name, of in counted.items():
            few, more, many = (getattr(chain, what) for chain in of)
            assert many - more == 2 * (more - few) and (many > few) == (name in grows), (what, name)
    each = {name: [chain.each for chain in of] for name, of in counted.items()}
    assert max(each["fixed vector"]) / min(each["fixed vector"]) < 1.05  # the same work for each token
    few, more, many = each["transformer"]
    assert many > more > few  # each token looks at all the others


def test_gradients_fade_along_a_recurrence_and_not_through_attention():
    options = Namespace(seed=0, hidden=32)
    names = "fixed vector", "luong", "transformer"
    fixed, luong, transformer = (ladder.gradient_shares(ladder.ROAD[name], options) for name in names)
    assert fixed[1] > 1 > fixed[5] > 10 * fixed[10]
    assert min(luong[20], transformer[20]) > 0.3


def untrained_transformer():
    config = ladder.config_of(ladder.ROAD["transformer"], Namespace(hidden=16))
    params = seq2seq_init(np.random.default_rng(1), config)
    return Run("transformer", config, params, (ladder.ALPHABET, ladder.ALPHABET), 1, 1.0, None, 0)


def test_the_maps_of_the_heads_are_those_of_the_answer():
    run = untrained_transformer()
    maps, (source, mask) = heads.maps_of(run, "abca"), make_source(["abca"], ladder.ALPHABET)
    said = generate_greedy(source, mask, run.params, run.config)
    assert len(maps) == 6 and all(m.weights.shape == (4, len(m.asking), len(m.asked)) for m in maps)
    for m in maps:
        np.testing.assert_allclose(m.weights.sum(axis=2), 1, atol=1e-5)
    crossed, own = maps[-1], maps[2]
    np.testing.assert_allclose(crossed.weights.mean(axis=0), said.weights[0], atol=1e-5)
    assert not np.triu(own.weights, k=1).any()  # nothing later than itself
    assert own.asked == ["^", *own.asking[:-1]]
    assert maps[0].asking == maps[0].asked == maps[-1].asked == ["a", "b", "c", "a", "⏎"]


@pytest.mark.parametrize("columns", (80, 30, 10))
def test_heads_stand_side_by_side_and_fit_the_screen(columns, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(columns))
    m = heads.Maps("title", ["x", "y"], ["a", "b", "c"], np.eye(3)[None, :2].repeat(4, axis=0))
    title, *lines = heads.drawn([m]).split("\n")
    assert title == "title" and max(map(show.width, lines)) <= columns
    if columns == 80:
        assert lines[1].count("x │██    │") == 4 and lines[2].count("y │  ██  │") == 4


def test_the_road_shows_what_it_measured(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(road, "COUNTED", (2, 4))
    result, html = tmp_path / "road.json", tmp_path / "road.html"
    assert road.main(["--quick", "--steps", "2", "--json", str(result), "--html", str(html)]) == 0
    shown, found = capsys.readouterr().out, json.loads(result.read_text())
    assert list(found["models"]) == [*ladder.ROAD, *ladder.BESIDE]
    assert {m["steps"] for m in found["models"].values()} == {2}  # one budget
    assert all(f"{m['parameters']:,}" in shown for m in found["models"].values())
    page = html.read_text(encoding="utf-8")
    assert all(claim["claim"] in shown and claim["claim"] in page for claim in found["claims"])
    assert "{{" not in page and "http" not in page and page.count("Decoder, layer 2") == 2 * len(road.MAPPED)


def test_a_size_that_the_heads_do_not_divide_is_refused_before_any_work(capsys):
    with pytest.raises(ValueError, match="heads must divide hidden_size 30, got 4"):
        road.main(["--hidden", "30"])
    assert not capsys.readouterr().out
