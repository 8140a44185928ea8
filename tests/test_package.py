"""The whole package: what it imports, what it leaves alone, what is documented, paired and tested."""

import ast
import doctest
import importlib
import os
import pathlib
import re
import subprocess
import sys

import numpy as np
import pytest

import numpy_seq2seq
import numpy_seq2seq.notation

PACKAGE = pathlib.Path(numpy_seq2seq.__file__).parent
DEMOS = pathlib.Path(__file__).parents[1] / "demos"
TREES = {path.stem: ast.parse(path.read_text(encoding="utf-8")) for path in sorted(PACKAGE.glob("*.py"))}


def found(search, modules=TREES):
    """["module:line what"] for everything that search(node) names."""
    nodes = ((module, node) for module in modules for node in ast.walk(TREES[module]))
    return [f"{module}:{node.lineno} {what}" for module, node in nodes if (what := search(node))]


def dotted(node):
    """`np.random.normal` of an attribute node; None of anything else."""
    names = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    return ".".join([node.id, *names[::-1]]) if isinstance(node, ast.Name) and names else None


def imported(node):
    """Top-level names of an import statement; a relative import stays in the package."""
    if isinstance(node, ast.Import):
        return [alias.name.split(".")[0] for alias in node.names]
    return [node.module.split(".")[0]] if isinstance(node, ast.ImportFrom) and not node.level else []


def public(tree):
    """Functions and classes for others, and their methods."""
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from public(node)


def functions(tree):
    """Public ones, in the order in which they stand."""
    return [node.name for node in public(tree) if isinstance(node, ast.FunctionDef)]


def enclosing(search):
    """Names of the functions and classes in which search finds something; "" is for what is outside them."""
    tops = [node for tree in TREES.values() for node in tree.body]
    return {getattr(top, "name", "") for top in tops if any(search(node) for node in ast.walk(top))}


def run(*arguments, env=None):
    """A fresh interpreter in the project's root."""
    return subprocess.run(
        [sys.executable, *arguments], cwd=PACKAGE.parent, capture_output=True, text=True, env=env
    )


# ---- what it imports, and how fast -------------------------------------------------------------------------


def test_only_numpy_and_the_standard_library():
    allowed = {"numpy", *sys.stdlib_module_names}
    assert not found(lambda node: ", ".join(set(imported(node)) - allowed))


def test_every_module_is_imported_without_a_warning_or_a_word():
    modules = ", ".join(f"numpy_seq2seq.{module}" for module in TREES if not module.startswith("__"))
    result = run("-W", "error", "-c", f"import {modules}")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_importing_takes_half_of_what_numpy_takes_at_most(tmp_path):
    """Processor time, once compiled, of one process: a slow machine is slow at both. The best run counts."""
    clock = "time.process_time()"
    code = f"import time; a = {clock}; import numpy; b = {clock}; import numpy_seq2seq; c = {clock}"
    code += "; print((c - b) / (b - a))"
    env = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    env["PYTHONPYCACHEPREFIX"] = str(tmp_path)  # the first run compiles, as after installing
    ratios = [1.0]
    while min(ratios) > 0.5 and len(ratios) < 9:
        ratios.append(float(run("-c", code, env=env).stdout))
    assert min(ratios) <= 0.5


def test_all_names_for_scripts_exist():
    assert len(set(numpy_seq2seq.__all__)) == len(numpy_seq2seq.__all__)
    assert not [name for name in numpy_seq2seq.__all__ if not getattr(numpy_seq2seq, name, None)]


# ---- what it leaves alone ----------------------------------------------------------------------------------

OUTSIDE = {"print", "input", "sys.argv", "sys.stdout", "sys.stderr", "sys.stdin"}


def test_no_module_prints_or_reads_the_command_line():
    def outside(node):
        name = node.id if isinstance(node, ast.Name) else dotted(node)
        return name in OUTSIDE and name

    assert not found(outside)
    assert not found(lambda node: {"argparse", "demos", "tests"} & set(imported(node)))


def test_randomness_comes_from_the_caller():
    def global_generator(node):
        name = dotted(node) or ""
        return name.startswith("np.random.") and not name.endswith((".Generator", ".default_rng")) and name

    assert not found(global_generator)
    assert not found(lambda node: "random" in imported(node) and "random")
    assert "" not in enclosing(lambda node: dotted(node) == "np.random.default_rng")  # "": when imported


def test_minus_infinity_appears_in_one_function():
    def minus_infinity(node):
        return isinstance(node, ast.UnaryOp) and ast.unparse(node) == "-np.inf"

    assert enclosing(minus_infinity) == {"masked_softmax_forward"}


def test_float32_is_chosen_in_one_place():
    def float32(node):
        return dotted(node) == "np.float32" or isinstance(node, ast.Constant) and node.value == "float32"

    assert {place.split(":")[0] for place in found(lambda node: float32(node) and "float32")} == {"config"}


# ---- documented, paired, tested ----------------------------------------------------------------------------


def test_every_public_name_has_a_docstring():
    bare = [
        f"{module}:{node.lineno} {node.name}"
        for module in TREES
        for node in public(TREES[module])
        if not ast.get_docstring(node)
    ]
    assert not bare + [module for module in TREES if not ast.get_docstring(TREES[module])]


def test_every_module_is_a_chapter_or_an_appendix():
    modules = {name for name in TREES if not name.startswith("__")}
    assert modules == {*numpy_seq2seq.CHAPTERS, *numpy_seq2seq.APPENDICES}


def test_chapters_import_earlier_chapters_alone():
    order = list(numpy_seq2seq.CHAPTERS)

    def later(node, chapter):
        if isinstance(node, ast.ImportFrom) and node.level == 1 and node.module in order:
            return order.index(node.module) >= order.index(chapter) and node.module

    assert not [f"{c} imports {m}" for c in order for n in ast.walk(TREES[c]) if (m := later(n, c))]


def test_every_chapter_says_what_comes_before_and_after_it():
    order = list(numpy_seq2seq.CHAPTERS)
    for before, chapter, after in zip(["nothing", *order], order, [*order[1:], "the demos"]):
        said = re.search(r"^Before this: (\w+).*After it: ([\w ]+)", ast.get_docstring(TREES[chapter]), re.M)
        assert said and said.groups() == (before, after), chapter


def test_worked_examples_are_right():
    """The doctests of all docstrings; at least twelve chapters have some."""
    worked = set()
    for name in [*numpy_seq2seq.CHAPTERS, *numpy_seq2seq.APPENDICES]:
        module = importlib.import_module(f"numpy_seq2seq.{name}")
        result = doctest.testmod(module, extraglobs={"np": np}, verbose=False)
        assert not result.failed, name
        worked |= {name} if result.attempted else set()
    assert len(worked & set(numpy_seq2seq.CHAPTERS)) >= 12


def test_every_term_of_the_index_leads_to_a_function():
    for places in numpy_seq2seq.notation.INDEX.values():
        for place in places.split(", "):
            module, name = place.split(".")
            assert name in functions(TREES[module]), place


def test_every_work_cited_is_in_the_list_of_sources():
    cited = set()
    demos = (ast.parse(path.read_text(encoding="utf-8")) for path in DEMOS.rglob("*.py"))
    for tree in (*TREES.values(), *demos):
        docs = [ast.get_docstring(node) or "" for node in [tree, *public(tree)]]
        text = " ".join(" ".join(docs).split())  # a citation may be broken over two lines
        citation = r"([A-Z]\w+)(?:, [A-Z]\w+)*(?: et al\.| & [A-Z]\w+)? \(?((?:19|20)\d\d)\)?"
        cited |= {f"{name} {year}" for name, year in re.findall(citation, text)}
    known = numpy_seq2seq.notation.SOURCES.keys()
    no_work = {"ICLR 2015", "April 2005", "Tourism 2000"}
    assert cited - known - no_work == set() and known - cited == set()


def forwards():
    return [
        (module, name) for module in TREES for name in functions(TREES[module]) if name.endswith("_forward")
    ]


def test_every_forward_stands_directly_above_its_backward():
    def alone(module, name):
        names = functions(TREES[module])
        return f"{name.removesuffix('_forward')}_backward" not in names[names.index(name) + 1 :][:1]

    assert len(forwards()) > 10
    assert not [name for module, name in forwards() if alone(module, name)]


@pytest.fixture(scope="module")
def collected():
    """Names of all tests, slow ones too, as `pytest -k` sees them."""
    result = run("-m", "pytest", "tests", "-o", "addopts=", "-q", "--collect-only", "-p", "no:cacheprovider")
    assert result.returncode == 0, result.stdout
    return [line.split("::", 1)[1] for line in result.stdout.splitlines() if "::" in line]


@pytest.mark.slow
def test_every_pair_has_tests_that_bear_its_names(collected):
    names = [name for tree in TREES.values() for name in functions(tree)]
    paired = [name for name in names if name.endswith(("_forward", "_backward"))]
    assert not [name for name in paired if not any(name in test for test in collected)]
