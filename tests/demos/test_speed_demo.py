"""demos/speed.py: it runs and writes all its figures; its products are exactly those of a step."""

import ast
import builtins
import importlib.machinery
import json
import pathlib
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest

from demos.speed import __main__ as speed
from demos.speed.products import Size, training_products, writing_products

ROOT = pathlib.Path(__file__).parents[2]
SIZE = Size("lstm", V=29, D=3, H=7, B=5, S=11, T=13)


def command(*arguments):
    line = [sys.executable, "-W", "error", "-m", "demos.speed", *arguments]
    return subprocess.run(line, cwd=ROOT, capture_output=True, encoding="utf-8", timeout=120)


def test_quick_run_writes_all_figures(tmp_path):
    done = command("--quick", "--repeat", "2", "--json", str(tmp_path / "speed.json"))
    assert (done.returncode, done.stderr) == (0, "")
    columns = {*Size._fields, "step_ms", "products_ms", "ratio", "tokens_per_second", "peak_mb"}
    result = json.loads((tmp_path / "speed.json").read_text())
    assert result["conclusion"] in done.stdout and result["seconds"] > 0 and result["repeat"] == 2
    for line in result["sizes"]:
        assert set(line) == columns and all(line[name] > 0 for name in columns - {"cell"})
        assert line["ratio"] < 1.5 and line["ratio"] == pytest.approx(line["products_ms"] / line["step_ms"])
        assert line["tokens_per_second"] == pytest.approx(1e3 * line["B"] * line["T"] / line["step_ms"])
    parts = {f"{unit}_{part}" for unit in ("us", "kb") for part in ("step", "attention", "rest", "ratio")}
    for line in result["growth"]:
        assert set(line) == {"length", *parts}
        # the rest of the time is a difference, which noise could turn negative
        assert all(value > 0 for name, value in line.items() if name not in ("us_rest", "us_ratio"))
    assert result["growth"][0]["us_ratio"] == result["growth"][0]["kb_ratio"] == 1
    for line in result["writing"]:
        assert line["saving"] == pytest.approx(line["us_alone"] / line["us_together"])
        assert line["saving_at_most"] == pytest.approx(line["us_alone"] / line["us_products"])
    assert [line["cell"] for line in result["writing"]] == ["rnn", "gru", "lstm"]


@pytest.mark.parametrize("option, value, word", [("--repeat", "0", "positive"), ("--json", "a/b", "folder")])
def test_wrong_option_is_one_line(option, value, word):
    done = command("--quick", option, value)
    assert done.returncode == 2 and word in done.stderr and done.stderr.count("\n") == 1


@pytest.mark.parametrize("us, kb, verdict", ((1.5, 0.7, ": constant"), (1.6, 1, "NOT"), (1, 0.6, "NOT")))
def test_conclusion_says_what_the_figures_say(us, kb, verdict):
    growth = [{"length": 10, "us_ratio": 1, "kb_ratio": 1}, {"length": 99, "us_ratio": us, "kb_ratio": kb}]
    assert verdict in speed.conclusion(growth) and "From length 10 to 99" in speed.conclusion(growth)


@pytest.mark.parametrize("cell, gates", (("rnn", 1), ("gru", 3), ("lstm", 4)))
def test_training_products_have_three_times_the_multiply_adds_of_a_forward_pass(cell, gates):
    _, V, D, H, B, S, T = SIZE
    encoder, decoder = (B * length * gates * H * (D + H) for length in (S, T))
    attention, readout, output = 2 * B * T * S * H, 2 * B * T * H * H, B * T * H * V
    listed = sum(a.size * b.shape[-1] for a, b in training_products(SIZE._replace(cell=cell)))
    # backward needs two products for each one of forward: one for each factor's gradient
    assert listed == 3 * (encoder + decoder + attention + readout + output)


class Recording(ast.NodeTransformer):
    """a @ b becomes recorded_product(a, b)."""

    def visit_BinOp(self, node):
        self.generic_visit(node)
        if not isinstance(node.op, ast.MatMult):
            return node
        call = ast.Call(ast.Name("recorded_product", ast.Load()), [node.left, node.right], [])
        return ast.fix_missing_locations(ast.copy_location(call, node))


class RecordingLoader(importlib.machinery.SourceFileLoader):
    def get_code(self, fullname):
        path = self.get_filename(fullname)
        return compile(Recording().visit(ast.parse(self.get_data(path))), path, "exec")


class RecordingFinder:
    @staticmethod
    def find_spec(name, path=None, target=None):
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        if name.split(".")[0] in ("numpy_seq2seq", "demos"):
            spec.loader = RecordingLoader(name, spec.origin)
        return spec


def kind(a, b):
    """Shapes, and the order of the axes in memory."""
    return [(x.shape, tuple(np.argsort(x.strides)), x.dtype.name) for x in (a, b)]


WORKS = {  # what is done, and the list of its products
    "training": (lambda speed, size: speed.training_step(size)(), training_products),
    "writing": (lambda speed, size: speed.writer(size)(slice(None)), writing_products),
}


@pytest.mark.parametrize("work", WORKS)
@pytest.mark.parametrize("cell", ("rnn", "gru", "lstm"))
def test_products_are_those_that_the_package_really_takes(cell, work, monkeypatch):
    (do, products), size, found = WORKS[work], SIZE._replace(cell=cell), Counter()

    def recorded_product(a, b):
        found[str(kind(a, b))] += 1
        return a @ b

    monkeypatch.setattr(builtins, "recorded_product", recorded_product, raising=False)
    monkeypatch.setattr(sys, "meta_path", [RecordingFinder, *sys.meta_path])
    for name in [n for n in sys.modules if n.split(".")[0] in ("numpy_seq2seq", "demos")]:
        monkeypatch.delitem(sys.modules, name)
    do(importlib.import_module("demos.speed.__main__"), size)
    assert found == Counter(str(kind(a, b)) for a, b in products(size))
