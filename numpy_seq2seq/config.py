"""Chapter 7e. The configuration: every choice that a model is made of, checked once.

Before this: cells.py, scores.py, decoders.py. After it: seq2seq.py.

Not here: choices of training (training.py, optim.py) or of generation (generate.py).
"""

from dataclasses import dataclass

import numpy as np

from .cells import CELLS
from .data import UNK
from .decoders import DECODERS
from .scores import SCORES


def check_choice(name, value, known):
    """Raise ValueError, with the known ones, unless value is one of them."""
    if value not in list(known):
        raise ValueError(f"{name} must be one of {', '.join(known)}; got {value!r}")


def check_size(name, value):
    """Raise ValueError unless value is a positive integer."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise ValueError(f"{name} must be a positive integer, got {value!r}")


def is_number(value):
    """Whether value is one finite number; NaN, True and a text that looks like a number are none."""
    return isinstance(value, (int, float, np.number)) and not isinstance(value, bool) and abs(value) < np.inf


@dataclass(frozen=True)
class Config:
    """The choices of one model. Equal configurations and seeds make equal models.

    Args:
        source_vocabulary, target_vocabulary: number of token ids, the four special ones included.
        embedding_size: D.
        hidden_size:    H, of the decoder, and of the encoder's memory with all its directions.
        cell:           a name of cells.CELLS.
        decoder:        a name of decoders.DECODERS.
        score:          a name of scores.SCORES; None means dot where the decoder attends.
        directions:     of the encoder: 1, or 2 with H/2 units each.
        layers:         of the encoder; the decoder has one and starts from the top layer's last state.
        reverse_source: the encoder reads from the last token to the first (one direction only).
        attention_only: the decoder starts from zeros, so that everything must pass through attention.
        dropout:        rate between the encoder's layers and before the output layer, in [0, 1).
        dtype:          of all parameters: float32 to train, float64 to check gradients.
    Raises:
        ValueError: names the choice, what was expected, and what came.
    """

    source_vocabulary: int
    target_vocabulary: int
    embedding_size: int = 32
    hidden_size: int = 64
    cell: str = "lstm"
    decoder: str = "luong"
    score: str | None = None
    directions: int = 1
    layers: int = 1
    reverse_source: bool = False
    attention_only: bool = False
    dropout: float = 0.0
    dtype: str = "float32"

    def __post_init__(self):
        for name in ("source_vocabulary", "target_vocabulary", "embedding_size", "hidden_size", "layers"):
            check_size(name, getattr(self, name))
        for name in ("source_vocabulary", "target_vocabulary"):
            if getattr(self, name) <= UNK:
                raise ValueError(f"{name} must be at least {UNK + 1}, the special tokens; got {getattr(self, name)}")
        check_choice("cell", self.cell, CELLS)
        check_choice("decoder", self.decoder, DECODERS)
        check_choice("dtype", self.dtype, ("float32", "float64"))
        for name in ("reverse_source", "attention_only"):
            if not isinstance(getattr(self, name), bool):
                raise ValueError(f"{name} must be True or False, got {getattr(self, name)!r}")
        if isinstance(self.directions, bool) or not isinstance(self.directions, int) or self.directions not in (1, 2):
            raise ValueError(f"directions must be 1 or 2, got {self.directions!r}")
        if self.hidden_size % self.directions:
            raise ValueError(f"hidden_size must be even with two directions (half for each), got {self.hidden_size}")
        if self.reverse_source and self.directions == 2:
            raise ValueError("reverse_source changes nothing with two directions; use it with directions=1")
        if not isinstance(self.dropout, (int, float)) or not 0 <= self.dropout < 1:
            raise ValueError(f"dropout must be a rate in [0, 1), an int or float, got {self.dropout!r}")
        if DECODERS[self.decoder].attends:
            if self.score is None:
                object.__setattr__(self, "score", "dot")
            check_choice("score", self.score, SCORES)
        elif self.score is not None or self.attention_only:
            option = "attention_only" if self.score is None else f"score {self.score!r}"
            raise ValueError(f"decoder {self.decoder!r} does not attend, so {option} would be ignored; leave it out")


# Exercises
# 1. Add a choice `bias: bool` for the output layer. In how many places must the code ask for it?
