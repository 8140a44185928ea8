"""One test for each function of the assignment: what it returns beside what is right (answers.pickle)."""

import importlib
import lzma
import pathlib
import pickle

import pytest

from numpy_seq2seq.homework.check import Wrong, check, check_cache

ANSWERS = pickle.loads(lzma.decompress((pathlib.Path(__file__).parent / "answers.pickle.xz").read_bytes()))


@pytest.mark.parametrize("name", ANSWERS)
def test(name):
    chapter, calls, other_calls = ANSWERS[name]
    functions = vars(importlib.import_module(f"numpy_seq2seq.{chapter}"))
    forward, backward = (f"{name.rpartition('_')[0]}_{way}" for way in ("forward", "backward"))
    said = None
    try:
        check(functions[name], calls, functions.get(forward), own=forward in ANSWERS)
        if name == forward and backward not in ANSWERS and other_calls:
            check_cache(functions[name], functions[backward], other_calls)
    except Wrong as wrong:
        said = str(wrong)
    if said:
        pytest.fail(said, pytrace=False)
