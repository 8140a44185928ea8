"""demos/speed: it runs and writes all its figures; it sees every product of a step, and changes none."""

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from demos.speed.__main__ import claim_of
from demos.speed.measures import measure_step
from demos.speed.models import Size, training_step, writer
from demos.speed.recorder import recorder
from demos.speed.stopwatch import peak_bytes, shortest, threads, timed, with_one_thread

ROOT = Path(__file__).parents[2]
SIZE = Size("lstm", V=29, D=3, H=7, B=5, S=11, T=13)
GATES = {"rnn": 1, "gru": 3, "lstm": 4}


def command(*arguments):
    line = [sys.executable, "-W", "error", "-m", "demos.speed", *arguments]
    return subprocess.run(line, cwd=ROOT, capture_output=True, encoding="utf-8", timeout=120)


@pytest.mark.slow
def test_quick_run_writes_all_figures_and_runs_again_with_one_thread(tmp_path):
    done = command("--quick", "--repeat", "2", "--json", str(tmp_path / "speed.json"))
    assert (done.returncode, done.stderr) == (0, "")
    result = json.loads((tmp_path / "speed.json").read_text())
    counts = [run["threads"] for run in result["runs"]]
    assert counts == ([result["threads"], 1] if result["threads"] > 1 else [1])
    assert result["seconds"] > 0 and result["repeat"] == 2
    for run in result["runs"]:
        assert f"Threads of the matrix products: {run['threads']}" in done.stdout
        for step, parts in zip(run["steps"], run["parts"]):
            assert all(step[name] > 0 for name in ("step ms", "products", "tokens/s", "peak MB", "Gflop/s"))
            assert step["ratio"] == pytest.approx(step["products"] / step["step ms"]) == parts["products"]
            assert sum(parts.values()) == pytest.approx(1)
        for row in run["writing"]:
            assert row["saved"] == pytest.approx(row["alone"] / row["together"])
        assert {"lstm", "gru", "transformer"} == {row["model"] for row in run["steps"]}
    for rows in result["runs"][-1]["growth"]:
        assert rows[0]["×"] == 1 and [row["S = T"] for row in rows] == [10, 20, 40]
        assert all(row["rest"] == pytest.approx(row["step µs"] - row["attention"]) for row in rows)
    assert all(claim["claim"] in done.stdout for claim in result["claims"])


@pytest.mark.parametrize("option, value, word", [("--repeat", "0", "positive"), ("--json", "a/b", "folder")])
def test_wrong_option_is_one_line(option, value, word):
    done = command("--quick", option, value)
    assert done.returncode == 2 and word in done.stderr and done.stderr.count("\n") == 1


@pytest.mark.parametrize("measured, held", ((1.5, True), (1.6, False), (0.2, True)))
def test_claim_compares_the_longest_with_the_shortest(measured, held):
    rows = [{"model": "lstm", "S = T": n, "×": x} for n, x in ((10, 1), (20, 9), (40, measured))]
    assert claim_of(rows).held == held and "40 tokens ÷ in 10" in claim_of(rows).text


def test_time_goes_to_the_part_that_took_it():
    """A product that is slow and an optimiser that is not: seen through the names of the callers."""
    _, parts = measure_step(Size("rnn", V=8, D=300, H=300, B=100, S=2, T=2), 9)
    assert parts["products"] > parts["loss and softmax"] > 0 and parts["optimiser"] > 0
    _, parts = measure_step(Size("rnn", V=5000, D=4, H=4, B=64, S=2, T=2), 9)
    assert parts["loss and softmax"] > parts["products"] > 0


# ---- every product is seen, and none is changed ------------------------------------------------------------


@pytest.mark.parametrize("cell", GATES)
def test_products_of_a_step_are_three_times_those_of_its_forward_pass(cell):
    _, V, D, H, B, S, T = SIZE
    kind, recorded = recorder()
    found = recorded(training_step(SIZE._replace(model=cell), kind))()
    encoder, decoder = (B * length * GATES[cell] * H * (D + H) for length in (S, T))
    attention, readout, output = 2 * B * T * S * H, 2 * B * T * H * H, B * T * H * V
    # backward takes two products for each one of forward: one for each factor's gradient
    assert found["flop"] == 2 * 3 * (encoder + decoder + attention + readout + output)
    assert found["attention"] > 0 and found["other"] > 0


def test_products_of_a_transformer():
    V, H, B, S, T = 29, 8, 5, 11, 13
    kind, recorded = recorder()
    found = recorded(training_step(Size("transformer", V, H, H, B, S, T), kind))()
    reads, writes = (4 * n * H * H + 2 * n * n * H + 8 * n * H * H for n in (S, T))
    cross = 2 * T * H * H + 2 * S * H * H + 2 * T * S * H
    mean = B * S * H  # of the memory, forward only
    assert found["flop"] == 2 * (3 * B * (2 * (reads + writes + cross) + T * H * V) + mean)


def test_products_of_writing():
    _, V, D, H, B, S, T = SIZE
    kind, recorded = recorder()
    token = 4 * H * (D + H) + 2 * S * H + 2 * H * H + H * V
    assert recorded(writer(SIZE, kind))()["flop"] == 2 * B * (S * 4 * H * (D + H) + T * token)


@pytest.mark.parametrize("model", ("gru", "lstm", "lstm fixed", "transformer"))
def test_recording_changes_no_bit(model):
    size, (kind, recorded) = SIZE._replace(model=model, D=8, H=8), recorder()
    plain, seen, losses = training_step(size), training_step(size, kind), []
    for _ in range(3):
        recorded(lambda: losses.append(seen()))()
    assert losses == [plain() for _ in range(3)]
    write, written = writer(size, kind), []
    recorded(lambda: written.append(write()))()
    np.testing.assert_array_equal(written[0].tokens, writer(size)().tokens)


# ---- the stopwatch -----------------------------------------------------------------------------------------


def test_shortest_takes_turns_and_keeps_the_least():
    turns, figures = [], iter((0, 5, 3, 4))  # the first one does not count
    works = (lambda: turns.append("a") or {"all": next(figures)}), (lambda: turns.append("b") or {"all": 7})
    assert shortest(works, 3, 60) == [{"all": 3}, {"all": 7}] and turns == ["a", "b"] * 4
    turns.clear()
    assert len(shortest(works[1:], 3, 0)) == 1 and turns == ["b", "b"]  # no time: one round that counts


def test_a_work_is_timed_and_its_peak_found():
    assert timed(lambda: time.sleep(0.02))()["all"] >= 0.02
    assert 80_000 <= peak_bytes(lambda: np.zeros(10_000)) < 90_000


def test_one_thread_is_one_thread():
    assert with_one_thread(threads) == 1
