"""Appendix: archive. Named arrays in one file, and reading them without trusting it.

Before this: nothing. After it: checkpoint.py. It stands apart: no chapter needs it.

The file is an .npz, a zip of .npy members, uncompressed, which np.load opens too. Its last member holds the
sha256 of all the others and their names. Whatever a file claims is compared with its size, or with what the
caller expects, before memory is taken for it; nothing in it is run.

Not here: what the arrays mean (checkpoint.py).
"""

import hashlib
import io
import json
import math
import os
import re
import struct
import warnings
import zipfile
from contextlib import contextmanager

import numpy as np

MOST_BYTES = {"file": 2**31 - 1, "directory": 2**18}

# An array as np.save writes it: magic, length of the text, the text. It is matched, not evaluated.
NPY = re.compile(
    rb"\x93NUMPY\x01\x00(..)"
    rb"\{'descr': '([<>|]\w+)', 'fortran_order': (True|False), 'shape': \(([\d, ]*)\), \} *\n",
    re.DOTALL,
)


class ArchiveError(ValueError):
    """What is wrong with an archive, or with what should go into one."""


def write_archive(file, arrays):
    """Write {name: array}, and the digest.

    Raises:
        ArchiveError: something that is no array of numbers.
    """
    digests = {}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, array in arrays.items():
            raw = _npy(name, array)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), raw)
            digests[name] = hashlib.sha256(raw).hexdigest()
        raw = _npy("sha256", np.frombuffer(_digest(digests), np.uint8))
        archive.writestr(zipfile.ZipInfo("sha256.npy"), raw)


class Archive:
    """An open archive: `members`, {name: its entry of the zip}; arrays are taken one by one, at last the digest.

    Raises:
        ArchiveError: it is no archive, was cut, or claims what cannot be true.
    """

    def __init__(self, file):
        self.zip, self.members = _open(file)
        self.digests = {}

    def take(self, name, dtype, shape=None):
        """The array of one name; without a shape, one axis of any length."""
        with _zip_faults():
            raw = self.zip.read(self.members[name])
        self.digests[name] = hashlib.sha256(raw).hexdigest()
        return _array(name, raw, np.dtype(dtype), shape)

    def check_digest(self):
        """Raise ArchiveError unless what was taken is what was written, and all of it."""
        right = _digest(self.digests)
        if self.take("sha256", np.uint8).tobytes() != right:
            raise ArchiveError("it is damaged: its contents do not have the digest that it states")


@contextmanager
def fault(what, *errors):
    """The other errors that the code inside is known to raise become an ArchiveError."""
    try:
        yield
    except errors as error:
        raise ArchiveError(f"{what}: {str(error) or type(error).__name__}") from error


def _npy(name, array):
    if not isinstance(array, np.ndarray) or array.dtype.hasobject:
        raise ArchiveError(f"{name} must be an array of numbers, got {type(array).__name__}")
    stream = io.BytesIO()
    np.lib.format.write_array(stream, array, (1, 0), allow_pickle=False)
    return stream.getvalue()


def _digest(digests):
    """One digest of {name: digest of the array}, in whatever order they come."""
    return hashlib.sha256(json.dumps(digests, sort_keys=True).encode()).digest()


@contextmanager
def _zip_faults():
    """What zipfile raises when it reads what is no zip, and not the warnings that it may give."""
    with fault("it is damaged", zipfile.BadZipFile, EOFError, RuntimeError, struct.error):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield


def _open(file):
    """The archive and {name: member}, when what they claim can be true."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - 42))
    end = file.read(42).rjust(42, b"\0")  # [locator of a zip64 directory,] end record
    if end[-22:-18] != b"PK\5\6" or end[-2:] != b"\0\0":
        raise ArchiveError("it is no archive, or was cut: it does not end like one")
    directory = int.from_bytes(end[-10:-6], "little")  # zipfile would read as much as this says
    if size > MOST_BYTES["file"] or directory > MOST_BYTES["directory"] or end[:4] == b"PK\6\7":
        raise ArchiveError(f"it is too large: {size:,} bytes, directory {directory:,}; most {MOST_BYTES}")
    with _zip_faults():
        archive = zipfile.ZipFile(file)
    members, last = {}, 0
    for info in sorted(archive.infolist(), key=lambda info: info.header_offset):
        name = info.filename.removesuffix(".npy")
        if info.compress_type != zipfile.ZIP_STORED or info.compress_size != info.file_size:
            raise ArchiveError(f"its member {name!r} is compressed, which here none is")
        if info.header_offset < last or (last := info.header_offset + 30 + info.file_size) > size:
            raise ArchiveError(f"its member {name!r} overlaps another one or the end of the file")
        if name in members:
            raise ArchiveError(f"it has two members {name!r}")
        members[name] = info
    return archive, members


def _array(name, raw, dtype, shape):
    """The array in the bytes of a .npy; without a shape, one axis of any length."""
    text = NPY.match(raw)
    if text is None or text.end() != 10 + int.from_bytes(text[1], "little"):
        raise ArchiveError(f"{name} is no array as NumPy writes it")
    if text[2] == b"|O":
        raise ArchiveError(f"{name} is a pickle, which could run code and is not opened")
    data, got = memoryview(raw)[text.end() :], f"({text[4].decode()}) of {text[2].decode()}"
    wanted = (len(data) // dtype.itemsize,) if shape is None else shape
    if got != f"{wanted} of {dtype.str}" or len(data) != dtype.itemsize * math.prod(wanted):
        raise ArchiveError(f"{name} must be {wanted} of {dtype.str}, got {got}, {len(data):,} bytes")
    order = "F" if text[3] == b"True" else "C"  # the last bit of a product can depend on it
    return np.frombuffer(data, dtype).reshape(wanted, order=order).copy(order="K")


# Exercises
# 1. Flip one bit of the last array. Who notices first, and who would if zip had no checksum?
# 2. Why is the text before an array matched, where np.load evaluates it?
