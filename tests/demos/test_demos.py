"""The demos: they end well, tell the truth about what they measured, and say in one line what is wrong."""

import argparse
import importlib
import io
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from demos import copy_task, models_compared, reverse_task, shared
from demos.shared import Claim, Progress, Result, Run, claims_table, finish, report, run, training
from demos.shared.options import QUICK
from demos.shared.report import page
from demos.shared.strings import accuracy_by_position, alignment_accuracy
from numpy_seq2seq import Config, Vocabulary, draw_pairs, evaluate, load_checkpoint, make_batch, seq2seq_init
from numpy_seq2seq.training import Report

from ..helpers import leaves, sampled

ROOT = Path(__file__).parents[2]
SCRIPTS = {"reverse": reverse_task, "copy": copy_task}
PROGRAMS = "reverse_task", "copy_task", "dates", "translate", "answer", "describe"
KEYS = {"steps", "seconds", "parameters", "exact_match", "token_accuracy", "loss"}


def program(name):
    scripts = ("reverse_task", "copy_task", "models_compared")
    return importlib.import_module(f"demos.{name}" if name in scripts else f"demos.{name}.__main__").main


def same_bits(a, b):
    return [x.tobytes() for x in leaves(a)] == [x.tobytes() for x in leaves(b)]


def demo(name, *arguments, stdin=""):
    command = [sys.executable, "-m", f"demos.{name}", *arguments]
    how = {"capture_output": True, "text": True, "encoding": "utf-8", "timeout": 120}
    return subprocess.run(command, cwd=ROOT, input=stdin, **how)


@pytest.mark.parametrize("main, odd", (
    (reverse_task.main, ["--lengths", "0-1", "--alphabet", "ab"]),  # the empty string alone is held out
    (models_compared.main, ["--task", "last"]),  # targets are shorter than sources
), ids=("empty", "last"))  # fmt: skip
def test_strings_of_any_length_have_figures(main, odd, tmp_path):
    path = tmp_path / "result.json"
    assert main(["--quick", "--steps", "1", *odd, "--json", str(path)]) == 0
    assert "NaN" not in path.read_text()


@pytest.mark.parametrize("name", sampled(PROGRAMS, "reverse_task"))
def test_program_writes_what_it_shows_and_is_not_trained_again(name, tmp_path, monkeypatch, capsys):
    main, quick = program(name), ("--quick", "--steps", "2", "--json", str(tmp_path / "result.json"))
    saved, again, html = (str(tmp_path / file) for file in ("model.npz", "again.npz", "maps.html"))
    assert main([*quick, "--save", saved, "--html", html]) == 0
    shown, result = capsys.readouterr().out, json.loads((tmp_path / "result.json").read_text())
    for model in [result] if name == "describe" else [result, result["fixed"]]:
        assert KEYS <= model.keys() and model["steps"] == 2 and f"{model['loss']:.4f}" in shown
        assert name == "describe" or f"{model['exact_match']:.2%}" in shown
    assert result["seed"] == 0 and result["task"] in name and result["claims"]
    assert all(claim["claim"] in shown for claim in result["claims"])
    assert "<script>" in Path(html).read_text(encoding="utf-8")
    monkeypatch.setattr(training, "train", lambda *args, **options: iter(()))
    main([*quick, "--resume", saved, "--save", again])
    assert json.loads((tmp_path / "result.json").read_text()) == result
    for path in tmp_path.glob("model*.npz"):
        same = path.with_name(path.name.replace("model", "again"))
        assert same_bits(load_checkpoint(path).params, load_checkpoint(same).params)


@pytest.mark.parametrize("task", SCRIPTS)
def test_default_models_have_nearly_as_many_parameters(task, tmp_path):
    path = tmp_path / "result.json"
    SCRIPTS[task].main(["--steps", "1", "--lengths", "1-3", "--json", str(path)])
    result = json.loads(path.read_text())
    assert abs(result["parameters"] / result["fixed"]["parameters"] - 1) <= 0.1


@pytest.mark.parametrize(
    "options, compared, names",
    (([], "models", models_compared.MODELS), (["--cells"], "cells", ("rnn", "gru", "lstm"))),
)
def test_every_model_or_cell_gets_the_same_steps(options, compared, names, tmp_path, capsys):
    path = tmp_path / "models.json"
    models_compared.main(["--quick", "--steps", "2", *options, "--json", str(path)])
    models, shown = json.loads(path.read_text())[compared], capsys.readouterr().out
    assert list(models) == list(names) and {m["steps"] for m in models.values()} == {2}
    sizes = [m["parameters"] for m in models.values()]
    assert all(f"{size:,}" in shown for size in sizes) and (not options or sizes == sorted(set(sizes)))


@pytest.mark.parametrize(
    "arguments, said",
    (
        (["--hidden", "-3"], "--hidden must be a positive integer, got -3"),
        (["--steps", "9" * 400], "--steps must be at most 1,000,000,000"),
        (["--seed", "-1"], "--seed must not be negative"),
        (["--hidden", "7", "--directions", "2"], "hidden_size must be even"),
        (["--cell", "lstmm"], "rnn, gru, lstm; got 'lstmm'"),
        (["--decoder", "luongg"], "got 'luongg'"),
        (["--decoder", "fixed", "--score", "dot"], "--score would be ignored"),
        (["--lengths", "ten"], "--lengths: must look like 1-10"),
        (["--lengths", "1-99999"], "--lengths: must look like 1-10"),
        (["--lengths", "5-2"], "5 to 2"),
        (["--alphabet", "aa"], "symbol 'a' occurs twice"),
        (["--json", "no/such/folder/x.json"], "there is no folder"),
        (["--colour"], "--colour"),
    ),
)
def test_wrong_option_is_refused_in_words(arguments, said, capsys):
    """As run() prints it: one line, and status 2."""
    with pytest.raises(SystemExit) as ended:
        run(lambda: reverse_task.main(["--quick", *arguments]))
    shown = capsys.readouterr()
    assert ended.value.code == 2 and said in shown.err
    assert len(shown.err.splitlines()) == 1 and not shown.out


def test_interactive_decodes_and_refuses_in_one_line(tmp_path):
    result = demo("reverse_task", "--quick", "--interactive", "--alphabet", "abc", stdin="abc\nabé\n\n")
    assert result.returncode == 2, result.stderr
    assert result.stderr.splitlines() == ["error: 'é' is not in the alphabet 'abc'"]
    assert result.stdout.count("answer:") == 2 and "step   1" in result.stdout


@pytest.mark.parametrize("name", (*PROGRAMS, "models_compared", "train_pairs"))
def test_help_says_how_long_it_takes(name, capsys):
    with pytest.raises(SystemExit, match="0"):
        program(name)(["--help"])
    assert "Takes" in capsys.readouterr().out


def interrupt_at(monkeypatch, step, number=signal.SIGINT):
    shown = Progress.update

    def update(self, report, score=None):
        shown(self, report, score)
        if report.step == step:
            signal.raise_signal(number)

    monkeypatch.setattr(Progress, "update", update)


@pytest.mark.parametrize("number", (signal.SIGINT, signal.SIGTERM, signal.SIGHUP))
def test_stopped_training_shows_what_there_is_and_says_so(number, tmp_path, monkeypatch, capsys):
    interrupt_at(monkeypatch, 3, number)
    path, model = tmp_path / "result.json", tmp_path / "model.npz"
    assert reverse_task.main(["--quick", "--json", str(path), "--save", str(model)]) == 128 + number
    shown, result = capsys.readouterr().out, json.loads(path.read_text())
    assert all(said in shown for said in ("stopped after step 3 of 20", "exact match", f"--resume {model}"))
    assert result["interrupted"] and "fixed" not in result
    assert result["steps"] == load_checkpoint(model).step == 3
    assert {p.name for p in tmp_path.iterdir()} == {"result.json", "model.npz"}


def test_a_training_that_ignores_the_end_of_its_terminal_goes_on(monkeypatch, capsys):
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
    try:
        interrupt_at(monkeypatch, 3, signal.SIGHUP)
        assert reverse_task.main(["--quick"]) == 0
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_terminal_that_is_gone_stops_no_training(monkeypatch):
    class Gone(io.StringIO):
        def write(self, text):
            raise OSError(5, "Input/output error")

    progress = Progress("model", 2)
    monkeypatch.setattr(sys, "stdout", Gone())
    for step in (1, 2):
        progress.update(Report(step, 0.5, 1.0, 0.1, 10))


def test_ctrl_c_while_modules_are_imported_is_one_line():
    code = "import sys, signal; sys.argv[0] = '-m'; import demos; signal.raise_signal(signal.SIGINT)"
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, timeout=60)
    assert (result.returncode, result.stderr, result.stdout) == (130, b"stopped\n", b"")


def test_stopped_and_resumed_ends_with_the_same_bits(tmp_path, monkeypatch, capsys):
    whole, parts = tmp_path / "whole.npz", tmp_path / "parts.npz"
    reverse_task.main(["--quick", "--save", str(whole)])
    for step, how in ((7, "--save"), (13, "--resume"), (None, "--resume")):
        with monkeypatch.context() as patch:
            interrupt_at(patch, step)
            reverse_task.main(["--quick", how, str(parts)])
        assert load_checkpoint(parts).step == (step or QUICK["steps"])
    assert f"--resume {parts}" in capsys.readouterr().out
    for model in ("", ".fixed"):
        a, b = (load_checkpoint(p.with_suffix(f"{model}.npz")) for p in (whole, parts))
        assert a.step == b.step == QUICK["steps"] and a.rngs == b.rngs
        assert same_bits((a.params, a.optimiser), (b.params, b.optimiser))


def test_a_finished_training_is_continued_with_more_steps_and_other_threads(tmp_path, monkeypatch, capsys):
    path, result, rates, shown = tmp_path / "model.npz", tmp_path / "result.json", [], Progress.update
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "3")
    reverse_task.main(["--quick", "--steps", "5", "--save", str(path), "--json", str(result)])
    assert "threads" not in capsys.readouterr().out
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "5")

    def noted(self, report, score):
        rates.append(report.learning_rate)
        shown(self, report)

    monkeypatch.setattr(Progress, "update", noted)
    reverse_task.main(["--quick", "--steps", "8", "--resume", str(path), "--json", str(result)])
    said = capsys.readouterr().out
    for name in ("model.npz", "model.fixed.npz"):
        assert load_checkpoint(tmp_path / name).step == 8
        assert f"{name}: begun with --steps 5, now 8; from step 6 on the learning rate is that of" in said
    assert "trained with 3 threads, now 5" in said and json.loads(result.read_text())["steps"] == 8
    assert rates == [training.PEAK * step / training.WARMUP for step in (6, 7, 8)] * 2


# ---- files -------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path):
    """Files that somebody needs: data, a model and the second one beside it, links to it."""
    for name in ("mine.tsv", "mine.npz", "mine.fixed.npz", "data.json"):
        (tmp_path / name).write_text("precious")
    (tmp_path / "link.html").symlink_to("mine.tsv")
    (tmp_path / "loop.json").symlink_to("loop.json")
    os.link(tmp_path / "data.json", tmp_path / "hard.json")
    return tmp_path


@pytest.mark.parametrize(
    "options, said",
    (
        ("--json {}/mine.tsv", "--json would write over {}/mine.tsv"),
        ("--html {}/link.html", "--html would write over {}/link.html"),
        ("--json {}/loop.json", "a link that leads back to itself"),
        ("--save {}/mine.npz", "--save: there is a {}/mine.npz already"),
        ("--save {}/mine.fixed.npz", "--save: there is a {}/mine.fixed.npz already"),
        ("--save {}/model.zip", "ends in .npz"),
        ("--json {}/new --html {}/new", "--json and --html name the same file"),
        ("--json {}/new.fixed.npz --save {}/new.npz", "--json and --save name the same file"),
        ("--json {}/mine.npz --resume {}/mine.npz", "--json would write over"),
        ("--html {}/mine.fixed.npz --resume {}/mine.npz --save {}/new.npz", "--html would write over"),
        ("--save {}/mine.fixed.npz --resume {}/mine.npz", "--save: there is a"),
        ("--json {}", "is a folder"),
        ("--json {}/none/x.json", "there is no folder {}/none"),
        ("--html {}/x.html --decoder fixed", "decoder fixed does not attend"),
    ),
)
def test_no_file_is_written_over_and_nothing_ignored(options, said, folder, capsys):
    with pytest.raises(ValueError, match=re.escape(said.format(folder))):
        reverse_task.main(["--quick", *options.format(*[folder] * 3).split()])
    assert not capsys.readouterr().out  # said before the training
    assert {path.read_text() for path in folder.iterdir() if path.name != "loop.json"} == {"precious"}


@pytest.mark.parametrize("name", ("file", "ask", "translate", "resume"))
@pytest.mark.parametrize("written", ("data.json", "hard.json"))
def test_what_is_read_is_not_written_over(name, written, folder):
    known = {"json": folder / written, "save": folder / "new.npz", "resume": None}
    said = f"--json would write over {folder / 'data.json'}, which is read ({name})"
    with pytest.raises(ValueError, match=re.escape(said)):
        shared.check_files(argparse.Namespace(**{**known, name: folder / "data.json"}))


def test_what_cannot_be_written_is_still_shown(tmp_path, capsys):
    given = argparse.Namespace(json=tmp_path / "gone" / "x.json", html=None)
    with pytest.raises(ValueError, match="x.json was not written"):
        finish(given, "an hour's work", {})
    assert capsys.readouterr().out == "an hour's work\n"


def test_what_the_first_of_seven_models_could_not_be_is_found_before_any_is_trained(monkeypatch):
    monkeypatch.setattr(training, "train", None)
    with pytest.raises(ValueError, match="hidden_size must be even"):
        models_compared.main(["--hidden", "63"])


@pytest.mark.parametrize("name", sampled(("reverse_task", "bottleneck"), "reverse_task"))
def test_work_and_files_survive_a_reader_who_leaves(name, tmp_path):
    command = [sys.executable, "-m", f"demos.{name}", "--quick", "--json", "x.json", "--html", "x.html"]
    how = {"cwd": tmp_path, "env": {**os.environ, "PYTHONPATH": str(ROOT)}}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **how) as running:
        running.stdout.close()
        assert running.wait(60) in (0, 141) and running.stderr.read() == b""
    assert {"x.json", "x.html"} <= {p.name for p in tmp_path.iterdir()}


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is always full")
@pytest.mark.parametrize("option", ("--help", "--quick"))
def test_a_screen_that_takes_nothing_is_one_line(option):
    command = [sys.executable, "-m", "demos.reverse_task", option]
    with open("/dev/full", "w") as full:
        result = subprocess.run(command, cwd=ROOT, stdout=full, stderr=subprocess.PIPE, timeout=60)
    assert result.returncode == 2 and re.fullmatch(b".*No space left.*\n", result.stderr)


def test_closed_streams_are_no_fault(tmp_path):
    command = f"{sys.executable} -m demos.reverse_task --quick --interactive <&- >&- 2>&-"
    assert subprocess.run(command, shell=True, cwd=ROOT, timeout=60).returncode == 0


def test_resume_refuses_what_would_not_be_the_same_training(tmp_path, capsys):
    path = tmp_path / "model.npz"
    reverse_task.main(["--quick", "--steps", "2", "--save", str(path)])
    kept = path.read_bytes()
    for arguments, said in (
        (["--steps", "2", "--save", str(path)], "there is a"),
        (["--steps", "1", "--resume", str(path)], "has taken 2 steps; --steps 1 would be fewer"),
        (["--steps", "2", "--resume", str(path), "--hidden", "16"], "hidden_size 32, and now it is 16"),
        (["--steps", "2", "--resume", str(path), "--seed", "1"], "seed 0, and now it is 1"),
        (["--steps", "2", "--resume", str(path), "--lengths", "1-9"], "lengths"),
        (["--steps", "2", "--resume", str(tmp_path / "none.npz")], "none.npz"),
    ):
        with pytest.raises(ValueError, match=said):
            reverse_task.main(["--quick", *arguments])
    with pytest.raises(ValueError, match="task reverse, and now it is copy"):
        copy_task.main(["--quick", "--steps", "2", "--directions", "1", "--resume", str(path)])
    assert path.read_bytes() == kept


# ---- figures and claims ------------------------------------------------------------------------------------


def planted(right_by_position, maps=None):
    """A result whose letters are right at the positions given, on strings of length 4."""
    pairs = draw_pairs("reverse", np.random.default_rng(0), 300, (4, 4), "abc", held_out=True)
    said = [[c if right else "?" for c, right in zip(target, right_by_position)] for _, target in pairs]
    run = Run("model", None, {}, None, 1, 1.0, None, 0)
    return Result(run, pairs, said, maps, 0.0, 0.0)


def test_figures_of_planted_results():
    result = planted([True, True, False, True])
    assert shared.by_group(result.right, [len(source) for source, _ in result.pairs]) == {4: 0.0}
    other = result._replace(pairs=[*result.pairs, ("aba", "aba")], said=[*result.said, list("xxx")])
    np.testing.assert_array_equal(accuracy_by_position(other, 4), [1, 1, 0, 1])
    np.testing.assert_array_equal(accuracy_by_position(other, 3), [0, 0, 0])
    maps = list(np.tile(np.eye(5)[[3, 2, 1, 0, 4]], (300, 1, 1)))
    assert alignment_accuracy("reverse", planted([True] * 4, maps)) == 1
    assert alignment_accuracy("copy", planted([True] * 4, maps)) == 0


def test_figures_do_not_depend_on_how_pairs_are_evaluated_together(monkeypatch):
    letters, config = Vocabulary("abc"), Config(7, 7, 4, 4)
    params = seq2seq_init(np.random.default_rng(0), config)
    run = Run("model", config, params, (letters, letters), 1, 1.0, None, 0)
    pairs = draw_pairs("copy", np.random.default_rng(1), 20, (1, 9), "abc")
    whole = evaluate(run.params, config, make_batch(pairs, letters, letters))
    monkeypatch.setattr(report, "TOGETHER", 7)
    found = shared.figures(shared.judge(run, pairs))
    for name in ("loss", "token_accuracy", "exact_match"):
        assert found[name] == pytest.approx(getattr(whole, name), rel=1e-5), name


def test_an_answer_that_ends_early_or_late_is_wrong():
    result = planted([True] * 4)
    assert result.right.all()
    for said in (result.said[0][:3], [*result.said[0], "a"]):
        assert not result._replace(said=[said, *result.said[1:]]).right[0]
    short = result._replace(said=[said[:3] for said in result.said])
    np.testing.assert_array_equal(accuracy_by_position(short, 4), [1, 1, 1, 0])


def test_a_claim_holds_by_its_figure_alone():
    claims = [Claim("as many", 0.9, 0.9), Claim("too few", 0.899, 0.9)]
    claims += [Claim("too many", 2.1, 2, True, "{:.1f}"), Claim("unknown", float("nan"), 0.5)]
    assert [claim.held for claim in claims] == [True, False, False, False]
    head, *rows = claims_table(claims).splitlines()
    assert head.split() == ["claim", "measured", "needed", "held"]
    assert rows[0].split() == ["as", "many", "90.0%", "≥", "90.0%", "✓"]
    assert rows[2].split() == ["too", "many", "2.1", "≤", "2.0", "✗"]
    assert claims[2].as_dict() == {"claim": "too many", "measured": 2.1, "needed": "≤ 2.0", "held": False}


def test_percent_says_no_100_that_is_none():
    said = [shared.percent(share) for share in (0, 0.0004, 0.5, 0.9996, 1)]
    assert said == ["0%", "0.1%", "50%", "99.9%", "100%"]


def test_foreign_characters_steer_no_terminal_and_a_plain_stream_gets_plain_signs(monkeypatch):
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii", errors="replace")
    monkeypatch.setattr(sys, "stdout", stream)
    shared.say("src \x1b[31m ✓\nmap ██")
    stream.flush()
    assert stream.buffer.getvalue() == b"src ?[31m ok\nmap ##\n"


def test_progress_writes_whole_lines_into_a_file(capsys):
    progress = Progress("model", 2)
    progress.update(Report(1, 0.5, 1.0, 0.1, 10), "exact  75%")
    progress.update(Report(2, 0.25, 1.0, 0.1, 10))
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("model  step 2/2  loss 0.2500  exact  75%") and "\r" not in line


def test_page_is_self_contained_and_holds_the_figures():
    weights = np.array([[0.25, 0.75], [1.0, 0.0]])
    run = Run("model", Config(5, 5), {}, None, 1, 1.0, None, 0)
    written = page("<b>{{data}}", Result(run, [(["</script>"], [])], [["x"]], [weights], 0.0, 0.0), [0])
    assert "<h1>Attention on &lt;b&gt;{{data}}</h1><p>lstm, luong, dot; 1 steps" in written
    assert not re.search(r"https?:|src=|href=|@import", written) and written.count("</script>") == 1
    data = json.loads(re.search(r"of (\[\{.*?\}\])\) \{", written).group(1))
    assert data == [{"source": ["</script>", "⏎"], "output": ["x", "⏎"], "weights": weights.tolist()}]


@pytest.mark.slow
def test_default_run_reaches_what_the_readme_says(tmp_path):
    path = tmp_path / "result.json"
    assert demo("reverse_task", "--seed", "3", "--json", str(path)).returncode == 0
    result = json.loads(path.read_text())
    first, *_, last = result["fixed"]["accuracy_by_position"]
    assert result["exact_match"] >= 0.99 and result["alignment_accuracy"] >= 0.9 and first - last >= 0.3
    assert result["exact_by_length"]["10"] >= 0.97 and result["fixed"]["exact_by_length"]["10"] <= 0.2
