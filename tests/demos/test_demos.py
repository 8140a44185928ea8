"""The demos: they end well, tell the truth about what they measured, and say in one line what is wrong."""

import argparse
import importlib
import io
import itertools
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from demos import cells_compared, models_compared
from demos.shared import fit, toy
from demos.shared.options import QUICK, Progress, finish, run
from demos.shared.fit import Run
from numpy_seq2seq.checkpoint import load_checkpoint
from numpy_seq2seq.data import Vocabulary, make_batch
from numpy_seq2seq.tasks import draw_pairs
from numpy_seq2seq.training import Evaluation, Report

from ..helpers import leaves

ROOT = Path(__file__).parents[2]
def assert_same_bits(a, b):
    assert [x.tobytes() for x in leaves(a)] == [x.tobytes() for x in leaves(b)]


KEYS = {"task", "seed", "steps", "seconds", "parameters", "exact_match", "token_accuracy", "loss"}


@pytest.fixture(autouse=True)
def fewer_held_out_strings(monkeypatch):
    monkeypatch.setattr(toy, "HELD_OUT", 1000)


def demo(name, *arguments, stdin=""):
    command = [sys.executable, "-m", f"demos.{name}", *arguments]
    return subprocess.run(command, cwd=ROOT, input=stdin, capture_output=True, text=True, encoding="utf-8", timeout=120)


@pytest.mark.parametrize("task", ("reverse", "copy"))
def test_task_shows_both_models_and_writes_what_it_shows(task, tmp_path, capsys):
    path, page = tmp_path / "result.json", tmp_path / "maps.html"
    assert toy.main(task, ["--quick", "--json", str(path), "--html", str(page)]) == 0
    shown, result = capsys.readouterr().out, json.loads(path.read_text())
    assert KEYS <= result.keys() and KEYS - {"task", "seed"} <= result["fixed"].keys()
    assert result["task"] == task and result["steps"] == result["fixed"]["steps"] == QUICK["steps"]
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
    models_compared.main(["--quick", "--steps", "5", "--json", str(path)])
    models = json.loads(path.read_text())["models"]
    assert list(models) == list(models_compared.MODELS)
    assert {m["steps"] for m in models.values()} == {5}
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
def test_wrong_option_is_refused_in_words(arguments, said, capsys):
    """As run() prints it: one line, and status 2."""
    with pytest.raises(SystemExit) as ended:
        run(lambda: toy.main("reverse", ["--quick", *arguments]))
    shown = capsys.readouterr()
    assert ended.value.code == 2 and said in shown.err
    assert len(shown.err.splitlines()) == 1 and not shown.out


def test_wrong_option_is_one_line_and_status_2():
    result = demo("reverse_task", "--hidden", "-3")
    assert result.returncode == 2 and len(result.stderr.splitlines()) == 1 and not result.stdout


def test_interactive_decodes_and_refuses_in_one_line(tmp_path):
    result = demo("reverse_task", "--quick", "--interactive", "--alphabet", "abc", stdin="abc\nabé\n\n")
    assert result.returncode == 2, result.stderr
    assert result.stderr.splitlines() == ["error: 'é' is not in the alphabet 'abc'"]
    assert result.stdout.count("answer:") == 2 and "step   1" in result.stdout


def test_help_says_what_it_does_and_how_long_it_takes():
    for name in ("reverse_task", "copy_task", "cells_compared", "speed"):
        result = demo(name, "--help")
        assert result.returncode == 0 and "seconds" in result.stdout


def interrupt_at(monkeypatch, step, number=signal.SIGINT):
    shown = Progress.update

    def update(self, report, score=None):
        shown(self, report, score)
        if report.step == step:
            signal.raise_signal(number)

    monkeypatch.setattr(Progress, "update", update)


@pytest.mark.parametrize("number", (signal.SIGINT, signal.SIGTERM))
def test_ctrl_c_shows_what_there_is(number, monkeypatch, capsys):
    interrupt_at(monkeypatch, 3, number)
    assert toy.main("reverse", ["--quick"]) == 0
    shown = capsys.readouterr().out
    assert "stopped after step 3" in shown and "exact match" in shown and "--save PATH" in shown


def test_stopped_and_resumed_ends_with_the_same_bits(tmp_path, monkeypatch, capsys):
    whole, parts = tmp_path / "whole.npz", tmp_path / "parts.npz"
    toy.main("reverse", ["--quick", "--save", str(whole)])
    with monkeypatch.context() as patch:
        interrupt_at(patch, 7)
        toy.main("reverse", ["--quick", "--save", str(parts)])
    assert f"--resume {parts}" in capsys.readouterr().out and load_checkpoint(parts).step == 7
    with monkeypatch.context() as patch:
        interrupt_at(patch, 13)
        toy.main("reverse", ["--quick", "--resume", str(parts)])
    toy.main("reverse", ["--quick", "--resume", str(parts)])
    for model in ("", ".fixed"):
        a, b = (load_checkpoint(p.with_suffix(f"{model}.npz")) for p in (whole, parts))
        assert a.step == b.step == QUICK["steps"] and a.rngs == b.rngs
        assert_same_bits((a.params, a.optimiser), (b.params, b.optimiser))


def test_finished_training_resumed_under_another_name_is_there_under_both(tmp_path, capsys):
    old, new = tmp_path / "old.npz", tmp_path / "new.npz"
    toy.main("reverse", ["--quick", "--save", str(old)])
    toy.main("reverse", ["--quick", "--resume", str(old), "--save", str(new)])
    for model in ("", ".fixed"):
        a, b = (load_checkpoint(p.with_suffix(f"{model}.npz")) for p in (old, new))
        assert_same_bits(a.params, b.params)


@pytest.mark.parametrize(
    "options, said",
    (
        (["--json", "{}/mine.tsv"], "--json would write over"),
        (["--html", "{}/mine.tsv"], "--html would write over"),
        (["--save", "{}/mine.npz"], "would write over {}/mine.fixed.npz"),
        (["--json", "{}/new", "--html", "{}/new"], "--json and --html name the same file"),
        (["--json", "{}"], "is a folder"),
        (["--html", "{}/x.html", "--decoder", "fixed"], "decoder fixed does not attend"),
        (["--score", "dot", "--decoder", "peeky"], "decoder peeky does not attend"),
    ),
)
def test_no_file_is_written_over_and_nothing_ignored(options, said, tmp_path, capsys):
    for name in ("mine.tsv", "mine.fixed.npz"):
        (tmp_path / name).write_text("precious")
    with pytest.raises(ValueError, match=re.escape(said.format(tmp_path))):
        toy.main("reverse", ["--quick", *(option.format(tmp_path) for option in options)])
    assert not capsys.readouterr().out  # said before the training
    assert {path.read_text() for path in tmp_path.iterdir()} == {"precious"}


def test_what_cannot_be_written_is_still_shown(tmp_path, capsys):
    (tmp_path / "gone").mkdir()
    given = argparse.Namespace(json=tmp_path / "gone" / "x.json", html=None)
    (tmp_path / "gone").rmdir()
    with pytest.raises(ValueError, match="x.json was not written"):
        finish(given, "an hour's work", {})
    assert capsys.readouterr().out == "an hour's work\n"


@pytest.mark.parametrize(
    "name, files",
    (
        ("reverse_task", {"--json": "x.json", "--html": "x.html", "--save": "x.npz"}),
        ("speed", {"--json": "x.json"}),
        pytest.param("bottleneck", {"--json": "x.json", "--html": "x.html"}, marks=pytest.mark.slow),
    ),
)
def test_work_and_files_survive_a_reader_who_leaves(name, files, tmp_path):
    command = [sys.executable, "-m", f"demos.{name}", "--quick", *itertools.chain(*files.items())]
    how = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "env": {**os.environ, "PYTHONPATH": str(ROOT)}}
    with subprocess.Popen(command, cwd=tmp_path, **how) as running:
        running.stdout.close()
        assert running.wait(60) in (0, 141) and running.stderr.read() == b""
    assert set(files.values()) <= {p.name for p in tmp_path.iterdir()}


def test_closed_streams_are_no_fault(tmp_path):
    command = f"{sys.executable} -m demos.reverse_task --quick --interactive <&- >&- 2>&-"
    assert subprocess.run(command, shell=True, cwd=ROOT, timeout=60).returncode == 0


def test_finished_training_is_not_trained_again(tmp_path, monkeypatch, capsys):
    path, first, again = (tmp_path / name for name in ("model.npz", "first.json", "again.json"))
    toy.main("reverse", ["--quick", "--save", str(path), "--json", str(first)])
    monkeypatch.setattr(fit, "train", lambda *args, **options: iter(()))
    toy.main("reverse", ["--quick", "--resume", str(path), "--json", str(again)])
    assert json.loads(first.read_text()) == json.loads(again.read_text())


def test_resume_refuses_what_would_not_be_the_same_training(tmp_path, capsys):
    path = tmp_path / "model.npz"
    toy.main("reverse", ["--quick", "--steps", "2", "--save", str(path)])
    kept = path.read_bytes()
    for arguments, said in (
        (["--steps", "2", "--save", str(path)], "there is a"),
        (["--steps", "3", "--resume", str(path)], "steps 2, and now it is 3"),
        (["--steps", "2", "--resume", str(path), "--seed", "1"], "seed 0, and now it is 1"),
        (["--steps", "2", "--resume", str(path), "--lengths", "1-9"], "lengths"),
        (["--steps", "2", "--resume", str(tmp_path / "none.npz")], "none.npz"),
    ):
        with pytest.raises(ValueError, match=said):
            toy.main("reverse", ["--quick", *arguments])
    with pytest.raises(ValueError, match="task reverse, and now it is copy"):
        toy.main("copy", ["--quick", "--steps", "2", "--directions", "1", "--resume", str(path)])
    assert path.read_bytes() == kept


# ---- figures and sentences on planted results --------------------------------------------------------------


def planted(right_by_position, weights=None):
    """A result whose letters are right at the positions given, on strings of length 4."""
    pairs = draw_pairs("reverse", np.random.default_rng(0), 300, (4, 4), "abc", held_out=True)
    vocabulary = Vocabulary("abc")
    batch = make_batch(pairs, vocabulary, vocabulary)
    right = np.array([*right_by_position, True]) & batch.target_mask
    tokens = np.where(right, batch.targets, 3)
    evaluation = Evaluation(0.0, float(right.mean()), float(right.all(axis=1).mean()), right, tokens, weights)
    return toy.Result(Run("model", None, {}, 1, 1.0, False, None), pairs, batch, evaluation)


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
    early = good.evaluation.right.copy()
    early[::2, 0] = early[:, 1:4] = False
    half = good._replace(evaluation=good.evaluation._replace(right=early))
    assert "model falls from first to last: first letter 50%" in toy.conclusions("reverse", [good, half])
    assert "100% of the strings right and model 0%" in toy.conclusions("reverse", [good, flat])


def test_progress_writes_whole_lines_into_a_file():
    stream = io.StringIO()
    progress = Progress("model", 2, stream)
    progress.update(Report(1, 0.5, 1.0, 0.1, 10))
    progress.update(Report(2, 0.25, 1.0, 0.1, 10), 0.75)
    (line,) = stream.getvalue().splitlines()
    assert line.startswith("model  step 2/2  loss 0.2500  exact  75%") and "\r" not in line


@pytest.mark.slow
@pytest.mark.parametrize("name", ("dates", "translate", "answer", "describe"))
def test_languages_are_shown_saved_and_taken_up_again(name, tmp_path, monkeypatch, capsys):
    main = importlib.import_module(f"demos.{name}.__main__").main
    path, first, again, page = (tmp_path / file for file in ("m.npz", "1.json", "2.json", "page.html"))
    main(["--quick", "--steps", "2", "--save", str(path), "--json", str(first), "--html", str(page)])
    result = json.loads(first.read_text())
    assert KEYS <= result.keys() and result["steps"] == 2 and "<script>" in page.read_text(encoding="utf-8")
    monkeypatch.setattr(fit, "train", lambda *args, **options: iter(()))
    main(["--quick", "--steps", "2", "--resume", str(path), "--json", str(again)])
    assert json.loads(again.read_text()) == result


@pytest.mark.slow
def test_default_run_reaches_what_the_readme_says(tmp_path):
    path = tmp_path / "result.json"
    assert demo("reverse_task", "--seed", "3", "--json", str(path)).returncode == 0
    result = json.loads(path.read_text())
    first, *_, last = result["fixed"]["accuracy_by_position"]
    assert result["exact_match"] >= 0.99 and result["alignment_accuracy"] >= 0.9 and first - last >= 0.3
    assert result["exact_by_length"]["10"] >= 0.97 and result["fixed"]["exact_by_length"]["10"] <= 0.2
