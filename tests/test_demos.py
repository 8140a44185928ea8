"""The demos: they end well, tell the truth about what they measured, and say in one line what is wrong."""

import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from demos import cells_compared, models_compared, toy
from demos.common import Progress
from numpy_seq2seq.data import Vocabulary, make_batch
from numpy_seq2seq.tasks import draw_pairs
from numpy_seq2seq.training import Evaluation, Report

ROOT = Path(__file__).parent.parent
KEYS = {"task", "seed", "steps", "seconds", "parameters", "exact_match", "token_accuracy", "loss"}


def demo(name, *arguments, stdin=""):
    command = [sys.executable, "-m", f"demos.{name}", *arguments]
    return subprocess.run(command, cwd=ROOT, input=stdin, capture_output=True, text=True, encoding="utf-8", timeout=120)


@pytest.mark.parametrize("task", ("reverse", "copy"))
def test_task_shows_both_models_and_writes_what_it_shows(task, tmp_path, capsys):
    path, page = tmp_path / "result.json", tmp_path / "maps.html"
    assert toy.main(task, ["--quick", "--json", str(path), "--html", str(page)]) == 0
    shown, result = capsys.readouterr().out, json.loads(path.read_text())
    assert KEYS <= result.keys() and KEYS - {"task", "seed"} <= result["fixed"].keys()
    assert result["task"] == task and result["steps"] == result["fixed"]["steps"] == 30
    for model in (result, result["fixed"]):
        assert f"{model['exact_match']:.1%}" in shown and f"{model['loss']:.4f}" in shown
    assert "<script>" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize("task", ("reverse", "copy"))
def test_default_models_have_nearly_as_many_parameters(task, tmp_path):
    path = tmp_path / "result.json"
    toy.main(task, ["--steps", "1", "--json", str(path)])
    result = json.loads(path.read_text())
    assert abs(result["parameters"] / result["fixed"]["parameters"] - 1) <= 0.1


def test_cells_compared_changes_the_cell_alone(tmp_path, capsys):
    path = tmp_path / "cells.json"
    cells_compared.main(["--quick", "--json", str(path)])
    cells = json.loads(path.read_text())["cells"]
    assert list(cells) == ["rnn", "gru", "lstm"] and len({c["steps"] for c in cells.values()}) == 1
    assert cells["rnn"]["parameters"] < cells["gru"]["parameters"] < cells["lstm"]["parameters"]


def test_models_compared_gives_every_model_the_same_steps(tmp_path, capsys):
    path = tmp_path / "models.json"
    models_compared.main(["--quick", "--json", str(path)])
    models = json.loads(path.read_text())["models"]
    assert list(models) == [name for name, *_ in models_compared.MODELS]
    assert {m["steps"] for m in models.values()} == {20}
    shown = capsys.readouterr().out
    assert all(f"{m['parameters']:,}" in shown for m in models.values())


@pytest.mark.parametrize(
    "arguments, said",
    (
        (["--hidden", "-3"], "--hidden must be a positive integer, got -3"),
        (["--steps", "0"], "--steps must be a positive integer, got 0"),
        (["--steps", "many"], "--steps"),
        (["--seed", "-1"], "--seed must not be negative"),
        (["--directions", "3"], "directions must be 1 or 2, got 3"),
        (["--hidden", "7", "--directions", "2"], "hidden_size must be even"),
        (["--cell", "lstmm"], "rnn, gru, lstm; got 'lstmm'"),
        (["--decoder", "luongg"], "got 'luongg'"),
        (["--score", "dott"], "dot, scaled_dot, general, additive; got 'dott'"),
        (["--decoder", "fixed", "--score", "dot"], "would be ignored"),
        (["--lengths", "ten"], "--lengths must look like 1-10"),
        (["--lengths", "5-2"], "5 to 2"),
        (["--alphabet", "aa"], "distinct letters"),
        (["--json", "no/such/folder/x.json"], "there is no folder"),
        (["--colour"], "--colour"),
    ),
)
def test_wrong_option_is_one_line_and_status_2(arguments, said):
    result = demo("reverse_task", "--quick", *arguments)
    assert result.returncode == 2 and said in result.stderr
    assert len(result.stderr.splitlines()) == 1 and not result.stdout


def test_interactive_decodes_and_refuses_in_one_line(tmp_path):
    result = demo("reverse_task", "--quick", "--interactive", "--alphabet", "abc", stdin="abc\nabé\n\n")
    assert result.returncode == 2, result.stderr
    assert result.stderr.splitlines() == ["error: 'é' is not in the alphabet 'abc'"]
    assert result.stdout.count("answer:") == 2 and "step   1" in result.stdout


def test_help_says_what_it_does_and_how_long_it_takes():
    for name in ("reverse_task", "copy_task", "cells_compared", "speed"):
        result = demo(name, "--help")
        assert result.returncode == 0 and "seconds" in result.stdout


def test_ctrl_c_shows_what_there_is(monkeypatch, capsys):
    def stop_at(step):
        def update(self, report, score=None):
            if report.step == step:
                raise KeyboardInterrupt

        return update

    monkeypatch.setattr(Progress, "update", stop_at(3))
    assert toy.main("reverse", ["--quick"]) == 0
    shown = capsys.readouterr().out
    assert "stopped after step 3" in shown and "exact match" in shown


# ---- figures and sentences on planted results --------------------------------------------------------------


def planted(right_by_position, weights=None):
    """A result whose letters are right at the positions given, on strings of length 4."""
    pairs = draw_pairs("reverse", np.random.default_rng(0), 300, (4, 4), "abc", held_out=True)
    vocabulary = Vocabulary("abc")
    batch = make_batch(pairs, vocabulary, vocabulary)
    right = np.array([*right_by_position, True]) & batch.target_mask
    tokens = np.where(right, batch.targets, 3)
    evaluation = Evaluation(0.0, float(right.mean()), float(right.all(axis=1).mean()), right, tokens, weights)
    return toy.Result("model", None, {}, 1, 1.0, pairs, batch, evaluation, False)


def test_figures_of_planted_results():
    result = planted([True, True, False, True])
    assert toy.exact_by_length(result) == {4: 0.0}
    np.testing.assert_array_equal(toy.accuracy_by_position(result, 4), [1, 1, 0, 1])
    places = np.tile([3, 2, 1, 0, 4], (300, 1))
    assert toy.alignment_accuracy("reverse", planted([True] * 4, np.eye(5)[places])) == 1
    assert toy.alignment_accuracy("copy", planted([True] * 4, np.eye(5)[places])) == 0


def test_conclusions_follow_the_figures_whichever_way_they_fall():
    good, falling, flat = planted([True] * 4), planted([True, True, False, False]), planted([False] * 4)
    assert "starts right and goes wrong" in toy.conclusions("reverse", [good, falling])
    assert "starts right" not in toy.conclusions("reverse", [good, flat])
    assert "100% of the strings right and model 0%" in toy.conclusions("reverse", [good, flat])


def test_progress_writes_whole_lines_into_a_file():
    stream = io.StringIO()
    progress = Progress("model", 2, stream)
    progress.update(Report(1, 0.5, 1.0, 0.1, 10))
    progress.update(Report(2, 0.25, 1.0, 0.1, 10), 0.75)
    (line,) = stream.getvalue().splitlines()
    assert line.startswith("model  step 2/2  loss 0.2500  exact  75%") and "\r" not in line


@pytest.mark.slow
@pytest.mark.parametrize("task, seed", (("reverse", 3), ("copy", 5)))
def test_default_run_reaches_what_the_readme_says(task, seed, tmp_path):
    path = tmp_path / "result.json"
    assert demo(f"{task}_task", "--seed", str(seed), "--json", str(path)).returncode == 0
    result = json.loads(path.read_text())
    assert result["exact_match"] >= 0.99
    if task == "reverse":
        first, *_, last = result["fixed"]["accuracy_by_position"]
        assert result["alignment_accuracy"] >= 0.9 and first - last >= 0.3
        assert result["exact_by_length"]["10"] >= 0.97 and result["fixed"]["exact_by_length"]["10"] <= 0.2
