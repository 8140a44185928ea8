"""What the README says can be done, is done here."""

import re
import subprocess
import sys
from pathlib import Path

from numpy_seq2seq import APPENDICES, CHAPTERS

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_ten_lines_on_own_pairs_translate_what_they_were_taught():
    (script,) = re.findall(r"```python\n(.*?)```", README, re.S)
    result = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.endswith("maison\n")


def test_the_reading_order_is_the_packages():
    listed = re.findall(r"^\d+\. \[`\w+`\]\(numpy_seq2seq/(\w+)\.py\): (.+)$", README, re.M)
    assert listed == list(CHAPTERS.items())
    assert not [name for name in APPENDICES if f"(numpy_seq2seq/{name}.py)" not in README]


def test_every_demo_is_listed():
    demos = [p.stem for p in (ROOT / "demos").glob("*.py") if "__main__" in p.read_text(encoding="utf-8")]
    demos += [p.parent.name for p in (ROOT / "demos").glob("*/__main__.py")]
    assert len(demos) >= 5 and not [name for name in demos if name not in README]


def test_every_picture_and_file_that_is_named_is_there():
    for path in re.findall(r"\]\(([\w./]+)\)", README):
        assert (ROOT / path).exists(), path


def test_the_test_command_is_the_one_that_ci_runs():
    (command,) = re.findall(r"^    .*(-m pytest)$", README, re.M)
    assert f"{command}\n" in (ROOT / ".ci" / "run").read_text()
