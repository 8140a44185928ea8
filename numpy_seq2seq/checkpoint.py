"""Appendix B. Checkpoints: a training in one file, to go on with as if it had never stopped.

Before this: seq2seq.py, optim.py. It stands apart: no other room needs it.

A checkpoint is an .npz, which np.load opens and anyone can list:

    header                   JSON: format, version, config, step, rngs, vocabularies, notes, counts; as uint8
    params.decoder.Wh …      the arrays, by the names that error messages have for them
    optimiser.m.decoder.Wh …
    sha256                   of all the others and their names

Saving is all or nothing: written beside the old file, read back, brought to the disk, and only then put in
its place. Loading trusts nothing: a file that was cut, damaged or made up gives a CheckpointError, never a
wrong model, and nothing inside it is run. The digest finds accidents; it is no signature. Who writes a file
on purpose can write its digest too, and choose the numbers of the model, but no more than that.

Not here: when to save (the demos), weights for other programs (pytorch.py).
"""

import hashlib
import io
import json
import math
import os
import re
import stat
import struct
import warnings
import zipfile
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from typing import NamedTuple

import numpy as np

from .config import Config
from .data import SPECIALS, Vocabulary
from .seq2seq import seq2seq_init

FORMAT, VERSION = "numpy_seq2seq checkpoint", 1
FIELDS = {"config": dict, "step": int, "rngs": dict, "vocabularies": list, "notes": dict, "optimiser": dict}
MOST_BYTES = {"file": 2**31 - 1, "directory": 2**18, "header": 2**23}  # JSON takes 25 times as much when read
TINY = {"source_vocabulary": 4, "target_vocabulary": 4, "embedding_size": 2, "hidden_size": 2}

# An array as np.save writes it: magic, length of the text, the text. It is matched, not evaluated.
NPY = re.compile(
    rb"\x93NUMPY\x01\x00(..)"
    rb"\{'descr': '([<>|]\w+)', 'fortran_order': (True|False), 'shape': \(([\d, ]*)\), \} *\n",
    re.DOTALL,
)


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
        fault = " ".join(str(getattr(error, "strerror", None) or error).split())[:500]
        raise CheckpointError(f"checkpoint {os.fspath(path)!r} {failed}: {fault}; {remedy}") from error


@contextmanager
def _fault(what, *errors):
    """The other errors that the code inside is known to raise become a CheckpointError too."""
    try:
        yield
    except errors as error:
        raise CheckpointError(f"{what}: {str(error) or type(error).__name__}") from error


# ---- writing -----------------------------------------------------------------------------------------------


def _write(file, checkpoint):
    trees = {f"optimiser.{k}": v for k, v in checkpoint.optimiser.items() if isinstance(v, dict)}
    arrays, digests = {"header": np.frombuffer(_header(checkpoint), np.uint8)}, {}
    for tree, layers in {"params": checkpoint.params, **trees}.items():
        arrays |= {f"{tree}.{layer}.{name}": a for layer, part in layers.items() for name, a in part.items()}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, array in arrays.items():
            raw = _npy(name, array)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), raw)
            digests[name] = hashlib.sha256(raw).hexdigest()
        raw = _npy("sha256", np.frombuffer(_digest(digests), np.uint8))
        archive.writestr(zipfile.ZipInfo("sha256.npy"), raw)


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
    with _fault("its notes, rngs or counts are not JSON", TypeError, AttributeError):
        text = json.dumps(header, ensure_ascii=False, default=lambda number: number.item())
        return text.encode("utf-8", "surrogatepass")  # a symbol is any string, half a character too


def _npy(name, array):
    if not isinstance(array, np.ndarray) or array.dtype.hasobject:
        raise CheckpointError(f"{name} must be an array of numbers, got {type(array).__name__}")
    stream = io.BytesIO()
    np.lib.format.write_array(stream, array, (1, 0), allow_pickle=False)
    return stream.getvalue()


def _digest(digests):
    """One digest of {name: digest of the array}, in whatever order they come."""
    return hashlib.sha256(json.dumps(digests, sort_keys=True).encode()).digest()


# ---- reading -----------------------------------------------------------------------------------------------


def _read(file):
    """The checkpoint in a file. Nothing is read before its size was compared with the file's."""
    archive, members, digests = *_open(file), {}

    def take(name, dtype, shape=None):
        with _zip_faults():
            raw = archive.read(members[name])
        digests[name] = hashlib.sha256(raw).hexdigest()
        return _array(name, raw, np.dtype(dtype), shape)

    if "header" not in members or members["header"].file_size > MOST_BYTES["header"]:
        raise CheckpointError(f"it has no header, or one above {MOST_BYTES['header']:,} bytes")
    header = _parse(take("header", np.uint8).tobytes())
    with _fault("its config is impossible", TypeError):
        config = Config(**header["config"])
    if config.layers > len(members):  # before a model with so many is made, be it tiny
        raise CheckpointError(f"its config has {config.layers} layers, the file only {len(members)} arrays")
    shapes = _shapes(config)
    counts = {key: count for key, count in header["optimiser"].items() if count is not None}
    trees = {key: f"optimiser.{key}" for key in header["optimiser"] if key not in counts}
    _check_names(members, shapes, ["params", *trees.values()])

    def take_tree(tree):
        def take_layer(layer, part):
            return {name: take(f"{tree}.{layer}.{name}", config.dtype, shape) for name, shape in part.items()}

        return {layer: take_layer(layer, part) for layer, part in shapes.items()}

    params, optimiser = take_tree("params"), {key: take_tree(tree) for key, tree in trees.items()} | counts
    right = _digest(digests)
    if take("sha256", np.uint8).tobytes() != right:
        raise CheckpointError("it is damaged: its contents do not have the digest that it states")
    vocabularies = _vocabularies(header["vocabularies"], config)
    step, rngs, notes = (header[name] for name in ("step", "rngs", "notes"))
    return Checkpoint(params, config, optimiser, step, rngs, vocabularies, notes)


@contextmanager
def _zip_faults():
    """What zipfile raises when it reads what is no zip, and not the warnings that it may give."""
    with _fault("it is damaged", zipfile.BadZipFile, EOFError, RuntimeError, struct.error):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield


def _open(file):
    """The archive and {name: member}, when what they claim can be true."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - 42))
    end = file.read(42).rjust(42, b"\0")  # [locator of a zip64 directory,] end record
    if end[-22:-18] != b"PK\5\6" or end[-2:] != b"\0\0":
        raise CheckpointError("it is no checkpoint, or was cut: it does not end like one")
    directory = int.from_bytes(end[-10:-6], "little")  # zipfile would read as much as this says
    if size > MOST_BYTES["file"] or directory > MOST_BYTES["directory"] or end[:4] == b"PK\6\7":
        raise CheckpointError(f"it is too large: {size:,} bytes, directory {directory:,}; most {MOST_BYTES}")
    with _zip_faults():
        archive = zipfile.ZipFile(file)
    members, last = {}, 0
    for info in sorted(archive.infolist(), key=lambda info: info.header_offset):
        name = info.filename.removesuffix(".npy")
        if info.compress_type != zipfile.ZIP_STORED or info.compress_size != info.file_size:
            raise CheckpointError(f"its member {name!r} is compressed, which in a checkpoint none is")
        if info.header_offset < last or (last := info.header_offset + 30 + info.file_size) > size:
            raise CheckpointError(f"its member {name!r} overlaps another one or the end of the file")
        if name in members:
            raise CheckpointError(f"it has two members {name!r}")
        members[name] = info
    return archive, members


def _check_names(members, shapes, trees):
    names = {f"{tree}.{layer}.{name}" for tree in trees for layer, part in shapes.items() for name in part}
    for name in sorted({*names, "header", "sha256"} ^ {*members}):
        raise CheckpointError(f"{name!r} is {'unexpected' if name in members else 'missing'} for its config")


def _array(name, raw, dtype, shape):
    """The array in the bytes of a .npy; without a shape, one axis of any length."""
    text = NPY.match(raw)
    if text is None or text.end() != 10 + int.from_bytes(text[1], "little"):
        raise CheckpointError(f"{name} is no array as NumPy writes it")
    if text[2] == b"|O":
        raise CheckpointError(f"{name} is a pickle, which could run code and is not opened")
    data, got = memoryview(raw)[text.end() :], f"({text[4].decode()}) of {text[2].decode()}"
    wanted = (len(data) // dtype.itemsize,) if shape is None else shape
    if got != f"{wanted} of {dtype.str}" or len(data) != dtype.itemsize * math.prod(wanted):
        raise CheckpointError(f"{name} must be {wanted} of {dtype.str}, got {got}, {len(data):,} bytes")
    order = "F" if text[3] == b"True" else "C"  # the last bit of a product can depend on it
    return np.frombuffer(data, dtype).reshape(wanted, order=order).copy(order="K")


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


def _shapes(config):
    """{layer: {name: shape}} of seq2seq_init(rng, config), without making a model that may be huge.

    Every side of every array is a sum of multiples of the four sizes, so that five tiny models tell it:

        side = tiny side + Σ (what it grows by when this size grows by 2) · (size − tiny size) / 2
    """
    def tiny(**larger):
        return seq2seq_init(np.random.default_rng(0), replace(config, **{**TINY, **larger}))

    def shape(layer, name):
        sides = np.array(base[layer][name].shape, object)  # whole numbers without limit
        grown = {k: model[layer][name].shape - sides for k, model in larger.items()}
        return tuple(sides + sum(step * (getattr(config, k) - TINY[k]) // 2 for k, step in grown.items()))

    base, larger = tiny(), {k: tiny(**{k: size + 2}) for k, size in TINY.items()}
    return {layer: {name: shape(layer, name) for name in arrays} for layer, arrays in base.items()}


# Exercises
# 1. Flip one bit of a checkpoint's last array. Who notices first, and who would if zip had no checksum?
# 2. Leave out os.fsync; then write to the path itself. What may a reader find after a power cut?
# 3. Save every hundredth step and keep the five best. Which notes do you need?
