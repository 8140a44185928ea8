"""The bug zoo: defects get in and out of the real code, somebody notices each, and nobody cries wolf."""

import ast
import inspect
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from demos.bug_zoo import __main__ as bug_zoo
from demos.bug_zoo.defects import DEFECTS, OutdatedDefect, at_large, difference, original, student_source
from demos.bug_zoo.detectors import DETECTORS, ask
from demos.bug_zoo.known_answers import KNOWN
from demos.bug_zoo.matrix import CRASHED, FOUND, NAMES, NOT_RUN, SILENT, TRAINED, Reading, examine, runs
from demos.bug_zoo.models import BATCH, MODELS, random_params
from demos.bug_zoo.training import Figures, Healthy, healthy, judge
from numpy_seq2seq import show
from numpy_seq2seq.cells import CELLS
from numpy_seq2seq.generate import generate_greedy

from ..helpers import sampled

ROOT = Path(__file__).parents[2]
LOOKS = {detector.name: detector.looks for detector in DETECTORS}


# ---- in and out --------------------------------------------------------------------------------------------


def of(kind):
    return [defect for defect in DEFECTS.values() if defect.kind == kind]


def bodies(defect):
    return [original(edit.module, edit.function).__code__ for edit in defect.edits]


def test_there_are_enough_of_them_and_each_is_explained():
    assert len(of("transformer")) >= 14
    assert len({defect.sentence for defect in DEFECTS.values()}) == len(DEFECTS)
    assert len({defect.seen for defect in DEFECTS.values()}) == len(DEFECTS) - len(of("option")) + 1


def test_every_edit_fits_the_source_and_is_undone():
    for defect in DEFECTS.values():
        before = bodies(defect)
        with at_large(defect):
            assert not set(bodies(defect)) & set(before), defect.name
        assert bodies(defect) == before, defect.name


def test_an_edit_is_undone_after_an_error_too():
    defect = DEFECTS["update_gate_inverted"]
    before = bodies(defect)
    with pytest.raises(KeyboardInterrupt), at_large(defect):
        raise KeyboardInterrupt
    assert bodies(defect) == before


def test_a_defect_is_at_large_wherever_its_function_is_already_known():
    rng = np.random.default_rng(0)
    args = rng.normal(size=(2, 12)), rng.normal(size=(2, 12)), tuple(rng.normal(size=(2, 2, 3)))
    right = CELLS["lstm"].forward(*args)[0][1]
    with at_large(DEFECTS["gates_swapped"]):
        assert not np.allclose(CELLS["lstm"].forward(*args)[0][1], right)
    np.testing.assert_array_equal(CELLS["lstm"].forward(*args)[0][1], right)


@pytest.mark.parametrize("old, times", (("no such line", 0), ("dc", 12)))
def test_an_edit_that_no_longer_fits_says_where(old, times):
    defect = DEFECTS["tanh_at_the_wrong_place"]
    times = student_source(defect).count(old) if times else 0
    with pytest.raises(OutdatedDefect, match=f"{old}' occurs {times} times in cells.lstm_cell_backward"):
        at_large(defect._replace(edits=(defect.edits[0]._replace(old=old),)))


def test_what_a_student_hands_in_is_the_function_with_its_docstring():
    for defect in DEFECTS.values():
        (function,) = ast.parse(student_source(defect)).body
        assert function.name == defect.function
        assert ast.get_docstring(function) == inspect.getdoc(original(defect.module, defect.function))


def test_the_difference_shows_both_lines():
    lines = difference(DEFECTS["query_path_forgotten"])
    assert lines[0] == "decoders.py, luong_backward"
    assert [line.split()[0][0] for line in lines[1:]] == ["-", "+"]


# ---- who notices -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("known", KNOWN, ids=[known[1] for known in KNOWN])
def test_known_answers(known):
    question, *given = known
    question(*given)


@pytest.mark.parametrize("name", sampled(LOOKS, *list(LOOKS)[1:-1]))
def test_no_detector_complains_of_healthy_code(name):
    assert ask(LOOKS[name]) == ""


def test_what_the_models_write_is_various():
    """Or else batch and step by step would compare the same words with the same words."""
    ask = BATCH.source, BATCH.source_mask
    written = [generate_greedy(*ask, random_params(config), config, 6).tokens for config in MODELS.values()]
    assert any(len({tuple(row) for row in tokens}) > 4 for tokens in written)
    assert any(len(set(np.count_nonzero(tokens, axis=1))) > 2 for tokens in written)


def noticed(defect):
    """Whether a detector notices it; the quickest detectors first, finite differences never."""
    looks = [look for detector in reversed(DETECTORS[1:]) for look in detector.looks if runs(look, defect)]
    with at_large(defect):
        return ask(looks)


SAMPLE = [defect.name for defect in (*of("transformer")[::3], *of("forward")[1::3], *of("option"))]


@pytest.mark.parametrize("name", sampled(DEFECTS, *SAMPLE))
def test_somebody_notices(name):
    assert noticed(DEFECTS[name])


# A wrong forward with the backward that belongs to it: there is nothing to see for a gradient check.
UNSEEN = ("gates_swapped", "mask_ignored_in_state", "padded_rows_flipped", "mask_ignored_in_attention",
          "mask_ignored_in_loss", "loss_averaged_over_padding", "update_gate_inverted", "cell_state_dropped",
          "future_read", "scaled_by_all_heads", "heads_split_by_reshape", "causal_mask_off_by_one",
          "causal_mask_inverted", "causal_mask_missing", "padding_masked_on_queries", "embedding_not_scaled",
          "norm_over_tokens", "variance_with_n_minus_1", "mean_over_padding")


@pytest.mark.parametrize("name", sampled(UNSEEN, "gates_swapped", "causal_mask_missing"))
def test_gradient_checks_do_not_see_a_forward_that_is_wrong_with_its_backward(name):
    looks = [look for look in LOOKS["complex step"] if runs(look, DEFECTS[name])]
    with at_large(DEFECTS[name]):
        assert looks and ask(looks) == ""


@pytest.mark.slow
def test_the_complex_step_sees_what_finite_differences_round_away():
    with at_large(DEFECTS["epsilon_in_the_softmax"]):
        assert ask(LOOKS["finite differences"]) == ""
        assert "masked_softmax_backward" in ask(LOOKS["complex step"])


def test_a_detector_is_known_to_run_a_function_or_not():
    def run(name):
        return any(runs(look, DEFECTS["adam_beta1_twice"]) for look in LOOKS[name])

    assert run("known answer") and not run("padding invariance")


USUAL = Healthy((Figures(0.2, 0.90), Figures(0.3, 0.95)))


@pytest.mark.parametrize(
    "figure, number, suspicious",
    (
        ("loss", 0.25, False),
        ("loss", 0.39, False),
        ("loss", 0.41, True),
        ("loss", 0.09, True),
        ("loss", np.nan, True),
        ("exact", 0.86, False),
        ("exact", 0.84, True),
        ("exact", 1.0, False),
    ),
)
def test_a_number_is_judged_by_the_spread_of_healthy_ones(figure, number, suspicious):
    assert bool(judge(figure, number, USUAL)) == suspicious
    assert ("leak" in judge(figure, number, USUAL)) == (number == 0.09)


@pytest.mark.slow
def test_training_notices_a_leak_by_a_loss_too_good():
    readings = examine(DEFECTS["inputs_not_shifted"], {"luong lstm": healthy("luong lstm", seeds=2)})
    loss, exact = (readings[name] for name in TRAINED)
    assert loss.sign == exact.sign == FOUND and "leak" in loss.said and exact.number < 0.5


# ---- the program -------------------------------------------------------------------------------------------


def invented(sign, number):
    readings = {name: Reading(sign) for name in NAMES} | {name: Reading(sign, "", number) for name in TRAINED}
    return {name: dict(readings) for name in DEFECTS}


def test_the_table_fits_and_the_claims_are_read_off_it():
    matrix = invented(FOUND, 10.25)
    matrix["gates_swapped"] = dict.fromkeys(NAMES, Reading(SILENT))
    matrix["wrong_BOS"] = dict.fromkeys(NAMES, Reading(NOT_RUN)) | {"step by step": Reading(CRASHED)}
    shown = bug_zoo.report(matrix, {"luong lstm": USUAL})
    assert max(map(show.width, shown.splitlines())) <= 110
    assert "Not noticed by training:\n    gates_swapped\n" in shown
    assert "Noticed by one detector alone, step by step:\n    wrong_BOS\n" in shown
    every, best, fits, *_ = bug_zoo.claims(matrix, {})
    assert every.measured == 1 - 1 / len(DEFECTS) and not every.held
    assert best.measured == 1 - 1 / len(DEFECTS) and fits.measured == 1 / (len(DEFECTS) - 1)


def test_ctrl_c_shows_what_there_is(monkeypatch, capsys):
    matrix = iter(invented(SILENT, None).items())

    def examine_two(defect, usual):
        name, readings = next(matrix)
        if name == list(DEFECTS)[2]:
            raise KeyboardInterrupt
        return readings

    monkeypatch.setattr(bug_zoo, "examine", examine_two)
    measured = bug_zoo.measure(list(DEFECTS.values()), None)
    assert list(measured) == list(DEFECTS)[:2] and "stopped after 2" in capsys.readouterr().out


@pytest.mark.slow
def test_show_explains_one_defect(capsys):
    assert bug_zoo.main(["--show", "bias_axis_forgotten", "--quick"]) == 0
    shown = capsys.readouterr().out
    assert DEFECTS["bias_axis_forgotten"].sentence in shown and "dy.sum()" in shown
    assert f"{FOUND} finite differences" in shown and "params.b" in shown


def test_a_wrong_name_is_one_line_with_a_suggestion():
    command = [sys.executable, "-m", "demos.bug_zoo", "--show", "future_droped"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8", timeout=60)
    assert result.returncode == 2 and not result.stdout and len(result.stderr.splitlines()) == 1
    assert "did you mean future_dropped" in result.stderr


@pytest.mark.slow
def test_quick_measures_what_it_writes(tmp_path, capsys):
    path = tmp_path / "zoo.json"
    assert bug_zoo.main(["--quick", "--json", str(path)]) == 0
    shown, result = capsys.readouterr().out, json.loads(path.read_text(encoding="utf-8"))
    for name, about in result["defects"].items():
        assert name in shown and any(r["sign"] in ("found", "crashed") for r in about["detectors"].values())
    assert result["claims"][0]["held"]


def test_list_names_them_all(capsys):
    assert bug_zoo.main(["--list"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == list(DEFECTS)
