"""Reverse strings: attention beside the fixed vector. Run `python -m demos.reverse_task`; see demos/shared/toy.py."""

from .shared.options import run
from .shared.toy import main

if __name__ == "__main__":
    run(lambda: main("reverse"))
