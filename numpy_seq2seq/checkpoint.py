"""Appendix: checkpoints. A training in one file, to go on with as if it had never stopped.

Before this: archive.py, shapes.py, optim.py. It stands apart: no chapter needs it.

A checkpoint is an archive, which np.load opens and anyone can list:

    header                   JSON: format, version, config, step, rngs, vocabularies, notes, counts; as uint8
    params.decoder.Wh …      the arrays, by the names that error messages have for them
    optimiser.m.decoder.Wh …
    sha256                   of all the others and their names

Saving is all or nothing: written beside the old file, read back, brought to the disk, and only then put in
its place. Loading trusts nothing: a file that was cut, damaged or made up gives a CheckpointError, never a
wrong model, and nothing inside it is run. The digest finds accidents; it is no signature. Who writes a file
on purpose can write its digest too, and choose the numbers of the model, but no more than that.

Not here: the file's layout (archive.py), when to save (the demos), weights for other programs (pytorch.py).
"""

import json
import os
import stat
import warnings
from contextlib import contextmanager, suppress
from dataclasses import asdict
from typing import NamedTuple

import numpy as np

from .archive import Archive, fault, write_archive
from .config import Config
from .data import SPECIALS, Vocabulary
from .shapes import parameter_shapes

FORMAT, VERSION = "numpy_seq2seq checkpoint", 1
FIELDS = {"config": dict, "step": int, "rngs": dict, "vocabularies": list, "notes": dict, "optimiser": dict}
HEADER_BYTES = 2**23  # at most; JSON takes 25 times as much when read


class CheckpointError(ValueError):
    """A checkpoint cannot be saved or loaded. One line: which file, what is wrong, what to do."""


class Checkpoint(NamedTuple):
    """All that a training needs to go on."""

    params: dict  # [layer][name] -> array
    config: Config
    optimiser: dict  # its state, as of adam_init: trees like params, and counts; or {}
    step: int  # steps done
    rngs: dict  # name -> rng.bit_generator.state
    vocabularies: tuple | None  # (source, target), which may be one and the same
    notes: dict  # what JSON holds; tuples come back as lists, keys as strings, NumPy's numbers as Python's


def save_checkpoint(path, checkpoint):
    """Write a checkpoint, or leave everything as it was.

    Equal checkpoints make equal files. Who reads the path meanwhile finds the old file or the new one. A
    process killed while it saves can leave PATH.….tmp behind; delete it.

    Args:
        path:       of the file, by custom *.npz. If it is a link, the file that it points to is replaced.
        checkpoint: Checkpoint.
    Raises:
        CheckpointError: no room, no such folder; or it could not be loaded again: arrays that do not fit the
            config, notes that JSON does not hold.
    """
    target = os.path.realpath(path)
    temporary = f"{target}.{os.urandom(4).hex()}.tmp"
    with _named(path, "was not saved", "what was there before is untouched; mend this and save again"):
        if os.path.exists(target) and not os.path.isfile(target):
            raise CheckpointError("there is no regular file at this path")
        try:
            with open(temporary, "x+b") as file:
                _write(file, checkpoint)
                _read(file)  # what could not be loaded is not worth an old file
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


def load_checkpoint(path):
    """Read a checkpoint: exactly what was saved, to the last bit.

    Takes as much memory as the file, and its largest array once more, whatever the file claims to hold.

    Raises:
        CheckpointError: there is no such file; it is no checkpoint, of another version, or damaged.
    """
    with _named(path, "cannot be loaded", f"give a file that save_checkpoint wrote (version {VERSION})"):
        if not stat.S_ISREG(os.stat(path).st_mode):  # asked before opening: a pipe would make us wait
            raise CheckpointError("it is no regular file")
        with open(path, "rb") as file:
            return _read(file)


def restore_rng(state):
    """A generator that goes on from where the one with this bit_generator.state was.

    Raises:
        ValueError: not a state of PCG64 (which np.random.default_rng makes) or PCG64DXSM.
    """
    name = state.get("bit_generator") if isinstance(state, dict) else None
    if name not in ("PCG64", "PCG64DXSM"):
        raise ValueError(f"a random state must be of PCG64, as np.random.default_rng makes it; got {name!r}")
    rng = np.random.Generator(getattr(np.random, name)(0))
    with suppress(TypeError, KeyError, ValueError, OverflowError, DeprecationWarning), warnings.catch_warnings():
        warnings.simplefilter("error")  # NumPy 1.26 warns of a number out of range, and takes another one
        rng.bit_generator.state = state
    if rng.bit_generator.state != state:
        raise ValueError(f"a random state has missing or impossible numbers: {state}; take an rng's own")
    return rng


@contextmanager
def _named(path, failed, remedy):
    """Here every fault gets the name of the file and becomes one line."""
    try:
        yield
    except (OSError, ValueError, RecursionError) as error:
        what = " ".join(str(getattr(error, "strerror", None) or error).split())[:500]
        raise CheckpointError(f"checkpoint {os.fspath(path)!r} {failed}: {what}; {remedy}") from error


# ---- writing -----------------------------------------------------------------------------------------------


def _write(file, checkpoint):
    trees = {f"optimiser.{k}": v for k, v in checkpoint.optimiser.items() if isinstance(v, dict)}
    arrays = {"header": np.frombuffer(_header(checkpoint), np.uint8)}
    for tree, layers in {"params": checkpoint.params, **trees}.items():
        arrays |= {f"{tree}.{layer}.{name}": a for layer, part in layers.items() for name, a in part.items()}
    write_archive(file, arrays)


def _header(checkpoint):
    """The JSON. In place of the optimiser's arrays stands null."""
    source, target = checkpoint.vocabularies or (None, None)
    different = {id(v): v for v in (source, target) if v is not None}.values()
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
    with fault("its notes, rngs or counts are not JSON", TypeError, AttributeError):
        text = json.dumps(header, ensure_ascii=False, default=lambda number: number.item())
        return text.encode("utf-8", "surrogatepass")  # a symbol is any string, half a character too


# ---- reading -----------------------------------------------------------------------------------------------


def _read(file):
    """The checkpoint in a file. Nothing is read before its size was compared with the file's."""
    archive = Archive(file)
    members, take = archive.members, archive.take
    if "header" not in members or members["header"].file_size > HEADER_BYTES:
        raise CheckpointError(f"it has no header, or one above {HEADER_BYTES:,} bytes")
    header = _parse(take("header", np.uint8).tobytes())
    with fault("its config is impossible", TypeError):
        config = Config(**header["config"])
    if config.layers > len(members):  # before a model with so many is made, be it tiny
        raise CheckpointError(f"its config has {config.layers} layers, the file only {len(members)} arrays")
    shapes = parameter_shapes(config)
    counts = {key: count for key, count in header["optimiser"].items() if count is not None}
    trees = {key: f"optimiser.{key}" for key in header["optimiser"] if key not in counts}
    _check_names(members, shapes, ["params", *trees.values()])

    def take_tree(tree):
        def take_layer(layer, part):
            return {name: take(f"{tree}.{layer}.{name}", config.dtype, shape) for name, shape in part.items()}

        return {layer: take_layer(layer, part) for layer, part in shapes.items()}

    params, optimiser = take_tree("params"), {key: take_tree(tree) for key, tree in trees.items()} | counts
    archive.check_digest()
    vocabularies = _vocabularies(header["vocabularies"], config)
    step, rngs, notes = (header[name] for name in ("step", "rngs", "notes"))
    return Checkpoint(params, config, optimiser, step, rngs, vocabularies, notes)


def _check_names(members, shapes, trees):
    names = {f"{tree}.{layer}.{name}" for tree in trees for layer, part in shapes.items() for name in part}
    for name in sorted({*names, "header", "sha256"} ^ {*members}):
        raise CheckpointError(f"{name!r} is {'unexpected' if name in members else 'missing'} for its config")


def _parse(text):
    """The header, each field of its type."""
    header = json.loads(text.decode("utf-8", "surrogatepass"))
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise CheckpointError(f"it is no checkpoint: its header does not say {FORMAT!r}")
    if header.get("version") != VERSION:
        raise CheckpointError(f"it has version {header.get('version')!r}, and this program reads {VERSION}")
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
    if not all(isinstance(symbols, list) and all(isinstance(s, str) for s in symbols) for symbols in stored):
        raise CheckpointError("a vocabulary must be a list of strings")
    made = [Vocabulary(symbols) for symbols in stored]
    both = tuple(made * 2 if len(made) == 1 else made)
    if both and [len(v) for v in both] != [config.source_vocabulary, config.target_vocabulary]:
        raise CheckpointError(f"vocabularies of {[len(v) for v in both]} symbols do not fit its config")
    return both or None


# Exercises
# 1. Leave out os.fsync; then write to the path itself. What may a reader find after a power cut?
# 2. Save every hundredth step and keep the five best. Which notes do you need?
