"""Appendix: checkpoints. A training in one file, to resume it as if it had never stopped.

Before this: optim.py, shapes.py, archive.py. No chapter needs it.

A checkpoint is an archive, which np.load opens and anyone can list:

    header                   JSON, as uint8: format, version, and all that is no array
    params.decoder.Wh …      the arrays, by the names that error messages have for them
    optimiser.m.decoder.Wh …

Saving is all or nothing: written beside the old file, brought to the disk, and only then put in its place.
Loading trusts nothing: what the header claims is compared with what the file holds before it is multiplied.
At worst, a file that was made up on purpose holds other numbers than you think.

Not here: when to save (the demos), weights for other programs (pytorch.py).
"""

import json
import os
import re
import stat
from contextlib import contextmanager, suppress
from dataclasses import asdict
from typing import NamedTuple

import numpy as np

from .archive import pack, unpack
from .checks import shown
from .config import Config
from .data import SPECIALS, Vocabulary
from .seq2seq import seq2seq_init
from .shapes import parameter_shapes

FORMAT, VERSION = "numpy_seq2seq checkpoint", 2
FIELDS = {"config": dict, "step": int, "rngs": dict, "vocabularies": list, "notes": dict, "optimiser": dict}
MOST_BYTES = {"file": 2**31 - 1, "header": 2**23}  # JSON takes 25 times as much when read


class CheckpointError(ValueError):
    """A checkpoint cannot be saved or loaded. One line: which file, what is wrong, what to do."""


class Checkpoint(NamedTuple):
    """All that a training needs to resume."""

    params: dict  # [layer][name] -> array
    config: Config
    optimiser: dict  # its state, as of adam_init: trees like params, and counts; or {}
    step: int  # steps done
    rngs: dict  # name -> rng.bit_generator.state
    vocabularies: tuple | None  # (source, target), which may be one and the same
    notes: dict  # what JSON holds; tuples come back as lists, keys as strings, NumPy's numbers as Python's


def save_checkpoint(path: str | os.PathLike, checkpoint: Checkpoint) -> None:
    """Write a checkpoint, or leave everything as it was.

    Equal checkpoints make equal files. Who reads the path meanwhile finds the old file or the new one, with
    the permissions that the old one had. A process that is killed outright while it saves can leave
    PATH.….tmp behind; delete it.

    Args:
        path:       of the file, by custom *.npz. If it is a link, the file that it points to is replaced.
        checkpoint: Checkpoint.
    Raises:
        CheckpointError: no space, no such folder; or it could not be loaded again: arrays that do not fit the
            config, notes that JSON does not hold.
    """
    with _named(path, "was not saved", "what was there before is untouched; mend this and save again"):
        header = np.frombuffer(_header(checkpoint), np.uint8)
        data = pack({"header": header, **_named_arrays(checkpoint.params, checkpoint.optimiser)})
        _checkpoint(data)  # what could not be loaded is not worth an old file
        target = os.path.realpath(path)
        exists = os.path.lexists(target)  # a link that leads round in a circle too
        if exists and not os.path.isfile(target):
            raise CheckpointError("there is no regular file at this path")
        temporary = f"{target}.{os.urandom(4).hex()}.tmp"
        try:
            with open(temporary, "xb") as file:
                if exists:
                    os.chmod(temporary, stat.S_IMODE(os.stat(target).st_mode))
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, target)
        finally:
            with suppress(FileNotFoundError):
                os.unlink(temporary)
    with suppress(OSError):  # the new name goes to the disk too, on systems that can open a folder
        folder = os.open(os.path.dirname(target), os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def load_checkpoint(path: str | os.PathLike) -> Checkpoint:
    """Read a checkpoint: exactly what was saved, to the last bit.

    Takes about twice as much memory as the file, whatever the file claims to hold.

    Raises:
        CheckpointError: there is no such file; it is no checkpoint, of another version, or damaged.
    """
    with _named(path, "cannot be loaded", f"give a file that save_checkpoint wrote (version {VERSION})"):
        found = os.stat(path)
        if not stat.S_ISREG(found.st_mode):  # asked before opening: a pipe would make us wait
            raise CheckpointError("it is no regular file")
        if found.st_size > MOST_BYTES["file"]:
            raise CheckpointError(f"it is too large: {found.st_size:,} bytes, most {MOST_BYTES['file']:,}")
        with open(path, "rb") as file:
            return _checkpoint(file.read())


def restore_rng(state):
    """A generator that continues where the one with this bit_generator.state was.

    Raises:
        ValueError: not a state of PCG64 (which np.random.default_rng makes) or PCG64DXSM.
    """
    name = state.get("bit_generator") if isinstance(state, dict) else None
    if name not in ("PCG64", "PCG64DXSM"):
        raise ValueError(f"a random state must be of PCG64, as np.random.default_rng makes it; got {name!r}")
    place = state.get("state") if isinstance(state.get("state"), dict) else {}
    numbers = place.get("state"), place.get("inc"), state.get("has_uint32"), state.get("uinteger")
    limits = 2**128, 2**128, 2, 2**32
    right = all(type(number) is int and 0 <= number < limit for number, limit in zip(numbers, limits))
    if not right or numbers[1] % 2 == 0:  # the increment of a PCG64 is odd
        raise ValueError(f"a random state has missing or impossible numbers: {state}; take an rng's own")
    rng = np.random.Generator(getattr(np.random, name)(0))
    rng.bit_generator.state = state
    return rng


@contextmanager
def _named(path, failed, remedy):
    """Here every fault gets the name of the file and becomes one line."""
    if not isinstance(path, (str, os.PathLike)):  # open(1) would read the terminal, and close it
        got = shown(path)
        raise CheckpointError(f"the path of a checkpoint must be a text or a Path, got {got}; {remedy}")
    try:
        yield
    except Exception as error:  # what zipfile, json and NumPy raise of a file made up on purpose has no end
        what = " ".join(str(getattr(error, "strerror", None) or error or type(error).__name__).split())[:500]
        raise CheckpointError(f"checkpoint {str(path)!r} {failed}: {what}; {remedy}") from error


# ---- writing -----------------------------------------------------------------------------------------------


def _named_arrays(params, optimiser):
    trees = {"params": params, **{f"optimiser.{k}": v for k, v in optimiser.items() if isinstance(v, dict)}}
    layers = ((f"{tree}.{layer}", part) for tree, layers in trees.items() for layer, part in layers.items())
    return {f"{layer}.{name}": array for layer, part in layers for name, array in part.items()}


def _header(checkpoint):
    """The JSON. In place of the optimiser's arrays stands null."""
    if not isinstance(checkpoint, Checkpoint):
        raise CheckpointError(f"a Checkpoint(params, config, …) is needed, got a {type(checkpoint).__name__}")
    source, target = checkpoint.vocabularies or (None, None)
    different = {id(v): v for v in (source, target) if v is not None}.values()
    for state in checkpoint.rngs.values():
        restore_rng(state)
    header = {
        "format": FORMAT,
        "version": VERSION,
        "config": asdict(checkpoint.config),
        "step": checkpoint.step,
        "rngs": checkpoint.rngs,
        "vocabularies": [v.symbols[len(SPECIALS) :] for v in different],
        "notes": checkpoint.notes,
        "optimiser": {k: None if isinstance(v, dict) else v for k, v in checkpoint.optimiser.items()},
    }
    try:
        text = json.dumps(header, ensure_ascii=False, default=lambda number: number.item())
    except (TypeError, AttributeError, ValueError) as error:
        raise CheckpointError(f"its notes, config or counts are not JSON: {error}") from error
    return text.encode("utf-8", "surrogatepass")  # a symbol is any string, half a character too


# ---- reading -----------------------------------------------------------------------------------------------


def _checkpoint(data):
    """The checkpoint in the bytes of a file. Reading ends at the first array that is missing."""
    version = re.search(rb'"format": "%b", "version": (\d+),' % FORMAT.encode(), data[:1000])
    if version and int(version[1]) != VERSION:
        raise CheckpointError(f"it has version {int(version[1])}, and this program reads version {VERSION}")
    sizes, take = unpack(data)
    if not 0 < sizes.get("header", 0) < MOST_BYTES["header"]:
        raise CheckpointError(f"it has no header, or one of {MOST_BYTES['header']:,} bytes and more")
    header = _parse(take("header", np.uint8).tobytes())
    config, optimiser = Config(**header["config"]), header["optimiser"]
    most = sum(sizes.values())
    rows = (config.source_vocabulary, config.target_vocabulary, config.embedding_size, config.hidden_size)
    if config.layers > len(sizes) or max(rows) > most:  # each layer has an array, each unit a row
        raise CheckpointError("its config asks for a larger model than the file holds")
    shapes = parameter_shapes(seq2seq_init, config, most)

    def take_tree(tree):
        return {
            layer: {n: take(f"{tree}.{layer}.{n}", config.dtype, shape) for n, shape in part.items()}
            for layer, part in shapes.items()
        }

    params = take_tree("params")
    optimiser = {k: take_tree(f"optimiser.{k}") if count is None else count for k, count in optimiser.items()}
    for name in sorted(sizes.keys() - {"header"} - _named_arrays(params, optimiser).keys()):
        raise CheckpointError(f"{name!r} is unexpected for its config")
    vocabularies = _vocabularies(header["vocabularies"], config)
    step, rngs, notes = (header[name] for name in ("step", "rngs", "notes"))
    return Checkpoint(params, config, optimiser, step, rngs, vocabularies, notes)


def _parse(text):
    """The header, each field of its type."""
    header = json.loads(text.decode("utf-8", "surrogatepass"))
    if not isinstance(header, dict) or header.get("format") != FORMAT or header.get("version") != VERSION:
        raise CheckpointError(f"its header does not say {FORMAT!r}, version {VERSION}")
    for name, kind in FIELDS.items():
        if type(header.get(name)) is not kind:
            raise CheckpointError(f"{name} in its header must be of type {kind.__name__}")
    for name, count in {**header["optimiser"], "step": header["step"]}.items():
        if count is not None and (type(count) is not int or count < 0):
            raise CheckpointError(f"{name} must be a count, got {count!r}")
    for state in header["rngs"].values():
        restore_rng(state)
    return header


def _vocabularies(stored, config):
    """Source and target vocabulary; stored once, they are one and the same."""
    if len(stored) > 2 or not all(isinstance(symbols, list) for symbols in stored):
        raise CheckpointError("it must have at most two vocabularies, lists of strings")
    made = [Vocabulary(symbols) for symbols in stored]
    both = tuple(made * 2 if len(made) == 1 else made)
    if both and [len(v) for v in both] != [config.source_vocabulary, config.target_vocabulary]:
        raise CheckpointError(f"vocabularies of {[len(v) for v in both]} symbols do not fit its config")
    return both or None


# Exercises
# 1. Leave out os.fsync; then write to the path itself. What may a reader find after a power cut?
# 2. Save every hundredth step and keep the five best. Which notes do you need?
