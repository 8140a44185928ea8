"""Copy strings: attention beside the fixed vector. Run `python -m demos.copy_task`; see demos/toy.py."""

from .common import run
from .toy import main

if __name__ == "__main__":
    run(lambda: main("copy"))
