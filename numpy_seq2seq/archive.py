"""Appendix: archive. Named arrays as the bytes of one file, and reading them without trusting it.

It stands apart; checkpoint.py uses it.

The bytes are those of an .npz, a zip of .npy members, uncompressed, which np.load opens and anyone can
list. The zip's comment, which comes last, is the sha256 of every byte before it: a file that was cut,
lengthened or damaged is refused before anything in it is read. The digest is no signature. Who makes a file
up on purpose can make its digest too. So memory is taken for what the file holds, never for what it claims,
and nothing in it is run.

    >>> sizes, take = unpack(pack({"a": np.array([1.0, 2.0]), "b": np.zeros((2, 3), "uint8")}))
    >>> sizes                                           # 128 bytes of each say what follows
    {'a': 144, 'b': 134}
    >>> take("a", "float64", (2,))
    array([1., 2.])

Not here: what the arrays mean (checkpoint.py).
"""

import hashlib
import io
import zipfile

import numpy as np

DIGEST_BYTES = 32
DIRECTORY_BYTES = 2**18  # at most


class ArchiveError(ValueError):
    """What is wrong with an archive."""


def pack(arrays):
    """{name: array} to bytes; the same arrays to the same bytes."""
    stream = io.BytesIO()
    archive = zipfile.ZipFile(stream, "w")
    try:
        for name, array in arrays.items():
            member = io.BytesIO()
            np.lib.format.write_array(member, np.asarray(array), (1, 0), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), member.getbuffer())
        archive.comment = bytes(DIGEST_BYTES)
        archive.close()
    finally:
        archive.fp = None  # stopped halfway it cannot be closed; an error of close would hide what stopped it
    data = stream.getbuffer()
    data[-DIGEST_BYTES:] = hashlib.sha256(data[:-DIGEST_BYTES]).digest()
    return data


def unpack(data):
    """What is in the bytes of a file.

    Returns:
        sizes: {name: bytes of that member}.
        take:  function (name, dtype, shape) to the array; without a shape, one of any.
    Raises:
        ArchiveError: it is no archive of pack; take: the member is missing, or another array than that.
    """
    whole = memoryview(data)  # its slices are no copies
    if hashlib.sha256(whole[:-DIGEST_BYTES]).digest() != whole[-DIGEST_BYTES:]:
        raise ArchiveError("it does not end with its own digest")
    if int.from_bytes(data[-42:-38], "little") > DIRECTORY_BYTES:  # zipfile would read all of it
        raise ArchiveError(f"its directory has more than {DIRECTORY_BYTES:,} bytes")
    archive = zipfile.ZipFile(io.BytesIO(data))
    members = archive.infolist()
    if any(member.compress_type for member in members) or sum(m.file_size for m in members) > len(data):
        raise ArchiveError("its members are compressed, or overlap")
    sizes = {member.filename.removesuffix(".npy"): member.file_size for member in members}
    if len(sizes) < len(members):
        raise ArchiveError("it has two members of one name")

    def take(name, dtype, shape=None):
        if name not in sizes:
            raise ArchiveError(f"{name!r} is missing")
        return _array(name, archive.read(f"{name}.npy"), np.dtype(dtype), shape)

    return sizes, take


def _array(name, raw, dtype, shape):
    """The array in the bytes of a .npy."""
    stream = io.BytesIO(raw)
    try:
        if np.lib.format.read_magic(stream) != (1, 0):
            raise ValueError("it has another version of .npy")
        found, fortran, kind = np.lib.format.read_array_header_1_0(stream)
        wanted = found if shape is None else shape
        if (found, kind) != (wanted, dtype):
            raise ValueError(f"got {kind} {found}")
        array = np.frombuffer(raw, dtype, offset=stream.tell()).reshape(wanted, order="F" if fortran else "C")
        return array.copy(order="K")  # the last bit of a product can depend on the order
    except Exception as error:  # NumPy reads the text of a header as Python, and raises what that may raise
        raise ArchiveError(f"{name} must be an array of {dtype} {shape or ''}: {error}") from error


# Exercises
# 1. Flip one bit of the last array. Who notices first, and who would without the digest?
# 2. Make a file of a few bytes that claims an array of 9 · 10⁹ numbers. What does np.load do with it?
