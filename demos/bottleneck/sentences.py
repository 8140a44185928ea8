"""What the figures say, in sentences: the title and question of each experiment, and who tells it.

Every number comes from the grids, and so does every verdict: where a run contradicts the claim that is always
told, the sentence says so. `tell_X(grids)` tells experiment X, in outside.py and inside.py; what it can say is
all written there.

Read experiments.py before this. Not here: pictures (terminal.py, page.py).
"""

from typing import NamedTuple

from .inside import tell_dilution, tell_mechanism
from .outside import tell_capacity, tell_length, tell_position, tell_training


class Finding(NamedTuple):
    """One experiment, told."""

    name: str
    title: str
    question: str
    sentences: list
    grids: dict


def find(name, grids):
    """Finding of an experiment from its grids."""
    title, question, tell = TOLD[name]
    return Finding(name, title, question, tell(grids), grids)


TOLD = {
    "length": ("Length", "What happens as the source grows?", tell_length),
    "position": ("Position", "Where in the output does it go wrong, and whose fault is it?", tell_position),
    "dilution": ("Dilution", "What is left in the fixed vector of what was read early?", tell_dilution),
    "capacity": (
        "Capacity",
        "Is it the length of the source, or the information that the answer needs?",
        tell_capacity,
    ),
    "training": (
        "Training",
        "Can short training sources, or a reversed source, make up for it?",
        tell_training,
    ),
    "mechanism": ("Mechanism", "Is the map what the model goes by?", tell_mechanism),
}
