"""The page: its gradients are the package's, and right by themselves; and it learns its task."""

import ast
import copy
import io
import subprocess
import sys
import time
import tokenize
from pathlib import Path

import numpy as np
import pytest

from demos import one_page
from numpy_seq2seq.config import Config
from numpy_seq2seq.data import Batch
from numpy_seq2seq.optim import adam_init, adam_step, clip_by_global_norm
from numpy_seq2seq.seq2seq import loss_and_gradients
from numpy_seq2seq.tasks import is_held_out

from ..helpers import frozen
from ..models import flat

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "demos" / "one_page.py"
CONFIG = Config(one_page.V, one_page.V, one_page.D, one_page.H, cell="rnn", score="dot", dtype="float64")
WORDS = ["cat", "encoder", "a", "banana"]  # unequal lengths: there is padding; letters that occur twice


def page_params(seed=0):
    """The page's first parameters and some noise, so that no bias is zero."""
    rng = np.random.default_rng(seed)
    params = one_page.seq2seq_init(rng)
    for a in one_page.arrays(params):
        a += 0.1 * rng.standard_normal(a.shape)
    return params


def package_batch(words):
    source, inputs, targets = one_page.make_batch(words)
    return Batch(source, source != one_page.PAD, inputs, targets, targets != one_page.PAD)


def test_what_is_read_told_and_said():
    source, inputs, targets = one_page.make_batch(["cat", "a"])
    shown = ["".join(one_page.SYMBOLS[k] for k in row) for ids in (source, inputs, targets) for row in ids]
    assert shown == ["cat$", "a$__", "^tac", "^a__", "tac$", "a$__"]


def test_loss_and_gradients_are_the_packages():
    params = frozen(page_params())
    loss, grads = one_page.loss_and_gradients(*one_page.make_batch(WORDS), params)
    no_more = {"keys": {}, "attention": {}}  # the dot product has no parameters
    want_loss, want = loss_and_gradients(package_batch(WORDS), {**params, **no_more}, CONFIG)
    assert abs(loss - want_loss) <= 1e-10
    grads, want = flat(grads), flat(want)
    assert grads.keys() == want.keys()
    for name in want:
        np.testing.assert_allclose(grads[name], want[name], rtol=0, atol=1e-10, err_msg=name)
        assert np.abs(want[name]).max() > 1e-4, name  # a gradient that is missing would show


def test_a_training_step_is_the_packages():
    """Three steps of clipping and Adam; the limit is so low that clipping always acts."""
    ours, theirs = page_params(), page_params()
    state = [(np.zeros_like(a), np.zeros_like(a)) for a in one_page.arrays(ours)]
    their_state = adam_init(theirs)
    for t in (1, 2, 3):
        _, grads = one_page.loss_and_gradients(*one_page.make_batch(WORDS), ours)
        clipped = copy.deepcopy(grads)
        clip_by_global_norm(clipped, 0.1)
        one_page.clip_by_global_norm(grads, 0.1)
        one_page.adam_step(ours, grads, state, t, 0.01)
        adam_step(theirs, clipped, their_state, 0.01)
    for name, array in flat(theirs).items():
        np.testing.assert_allclose(flat(ours)[name], array, rtol=0, atol=1e-10, err_msg=name)


def test_a_short_gradient_is_not_clipped():
    grads = {"layer": {"W": np.array([3.0, 4.0])}}
    one_page.clip_by_global_norm(grads, 6.0)
    assert grads["layer"]["W"].tolist() == [3, 4]
    one_page.clip_by_global_norm(grads, 1.0)
    np.testing.assert_allclose(grads["layer"]["W"], [0.6, 0.8])


def test_padding_changes_nothing():
    params = page_params()
    memory, _, _ = one_page.encode_forward(one_page.token_ids(["cat$"]), params)
    padded, last, _ = one_page.encode_forward(one_page.token_ids(["cat$", "banana$"]), params)
    np.testing.assert_allclose(padded[0, :4], memory[0], atol=1e-12)
    np.testing.assert_allclose(last[0], memory[0, 3], atol=1e-12)
    alone, weights = one_page.generate_greedy(["cat"], params)
    both, beside = one_page.generate_greedy(["cat", "banana"], params)
    assert both[0] == alone[0]
    np.testing.assert_allclose(beside[0, :, :4], weights[0], atol=1e-12)
    assert (beside[0, :, 4:] == 0).all()


def test_held_out_strings_are_the_packages_and_never_drawn():
    rng = np.random.default_rng(0)
    drawn = [one_page.draw_string(rng, held_out=False) for _ in range(2000)]
    kept = [one_page.draw_string(rng, held_out=True) for _ in range(200)]
    assert not any(map(is_held_out, drawn)) and all(map(is_held_out, kept))
    assert {len(string) for string in drawn} == set(range(1, 9))
    assert is_held_out("encoder")  # the word that is shown


def test_it_learns_in_a_few_steps(capsys):
    params = one_page.train(np.random.default_rng(0), steps=160)
    rng = np.random.default_rng(1)
    strings = [one_page.draw_string(rng, held_out=True) for _ in range(300)]
    answers, _ = one_page.generate_greedy(strings, params)
    assert np.mean([answer == string[::-1] for string, answer in zip(strings, answers)]) >= 0.8
    assert "encoder -> " in capsys.readouterr().out


def test_map_has_a_row_for_each_token_written():
    weights = np.array([[0.0, 1.0, 0.0], [0.5, 0.5, 0.0]])
    assert one_page.attention_map(weights, "a$", "a$") == "    a  $\na |   ###|\n$ |::::::|"


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_nearly_every_held_out_string_is_right_within_30_seconds(seed, capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["one_page", "--seed", str(seed)])
    started = time.perf_counter()
    one_page.main()
    assert time.perf_counter() - started <= 30
    assert float(capsys.readouterr().out.partition("% of 1000 held-out")[0].split()[-1]) >= 99


@pytest.mark.parametrize("command", (["-m", "demos.one_page"], ["demos/one_page.py"]))
def test_both_ways_to_call_it(command):
    def call(*options):
        whole = [sys.executable, *command, *options]
        return subprocess.run(whole, cwd=ROOT, capture_output=True, text=True, timeout=120)

    assert "--seed" in call("--help").stdout
    wrong = call("--seed", "-1")
    assert wrong.returncode == 2 and "Traceback" not in wrong.stderr and "--seed" in wrong.stderr


def test_it_is_one_page_and_needs_numpy_alone():
    source = PAGE.read_text(encoding="utf-8")
    tree = ast.parse(source)
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    assert imported == {"argparse", "zlib", "numpy"}
    assert not any(isinstance(node, ast.ImportFrom) for node in ast.walk(tree))
    layout = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE}
    layout |= {tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
    lines = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in layout and not token.string.startswith('"""'):
            lines |= set(range(token.start[0], token.end[0] + 1))
    assert len(lines) <= 150
