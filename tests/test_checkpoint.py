"""What is loaded is what was saved, to the bit; every other file is refused in one line."""

import hashlib
import io
import json
import os
import pickle
import signal
import subprocess
import sys
import time
import tracemalloc
import zipfile
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from numpy_seq2seq.checkpoint import (
    MOST_BYTES, Checkpoint, CheckpointError, load_checkpoint, restore_rng, save_checkpoint,
)
from numpy_seq2seq.config import Config
from numpy_seq2seq.data import Vocabulary

from .helpers import sampled
from .models import SIZES, assert_equal, each_decoder, every_model, random_params

ROOT = Path(__file__).parent.parent
SOURCE = Vocabulary("aé漢😀")
TARGET = Vocabulary(["the", "Straße", "new\nline", "", "\ud83d"])  # an empty word, and half of a character


def make(config=Config(**SIZES), seed=0, **fields):
    """A checkpoint in which no number is zero and nothing is left out."""
    params = random_params(config, seed)
    optimiser = {"m": random_params(config, seed + 1), "v": random_params(config, seed + 2), "t": 17}
    rngs = {"data": np.random.default_rng(seed).bit_generator.state}
    notes = {"best": 0.1, "worst": float("inf"), "settings": {"clip": None, "words": ["ü", "😀"]}}
    return Checkpoint(params, config, optimiser, 17, rngs, (SOURCE, TARGET), notes)._replace(**fields)


def assert_same_checkpoint(got, want):
    assert_equal(got.params, want.params)
    assert got.params.keys() == want.params.keys()  # layers without arrays too
    assert got.optimiser.keys() == want.optimiser.keys()
    for name, part in want.optimiser.items():
        if isinstance(part, dict):
            assert_equal(got.optimiser[name], part)
        else:
            assert got.optimiser[name] == part and type(got.optimiser[name]) is int
    assert (got.config, got.step, got.rngs, got.notes) == (want.config, want.step, want.rngs, want.notes)
    symbols = [[v.symbols for v in c.vocabularies or ()] for c in (got, want)]
    assert symbols[0] == symbols[1] and (got.vocabularies is None) == (want.vocabularies is None)
    assert [v.ids for v in got.vocabularies or ()] == [v.ids for v in want.vocabularies or ()]


def there_and_back(path, checkpoint):
    save_checkpoint(path, checkpoint)
    loaded = load_checkpoint(path)
    assert_same_checkpoint(loaded, checkpoint)
    return loaded


def refused(path):
    """The message with which a file is refused: one line that names it."""
    with pytest.raises(CheckpointError) as caught:
        load_checkpoint(path)
    return checked(caught.value, path)


def checked(error, path):
    """The message without the path, which pytest names after the test: a word of it proves nothing."""
    message = str(error)
    assert repr(str(path)) in message and len(message.splitlines()) == 1 and len(message) < 1000
    return message.replace(repr(str(path)), "")


@pytest.fixture
def path(tmp_path):
    """Of a good checkpoint, alone in its folder."""
    save_checkpoint(tmp_path / "model.npz", make())
    return tmp_path / "model.npz"


# ---- there and back ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@each_decoder
def test_everything_comes_back_to_the_bit(tmp_path, config, dtype):
    there_and_back(tmp_path / "model.npz", make(replace(config, dtype=dtype)))


@every_model
@pytest.mark.slow
def test_every_model_comes_back(tmp_path, config):
    there_and_back(tmp_path / "model.npz", make(config))


def test_nan_infinity_and_negative_zero_keep_their_bits(path):
    checkpoint = make()
    array = checkpoint.params["output"]["b"]
    array[:4] = [np.nan, -np.inf, -0.0, np.float32(1e-45)]
    array.view(np.uint32)[4] = 0x7FC12345  # a NaN that says something
    save_checkpoint(path, checkpoint)
    assert load_checkpoint(path).params["output"]["b"].tobytes() == array.tobytes()


def test_arrays_come_back_writable_and_in_the_memory_order_they_had(path):
    checkpoint = make()
    checkpoint.params["output"]["W"] = np.asfortranarray(checkpoint.params["output"]["W"])
    checkpoint.params["decoder"]["Wh"] = np.repeat(checkpoint.params["decoder"]["Wh"], 2, axis=1)[:, ::2]
    loaded = there_and_back(path, checkpoint).params
    assert loaded["output"]["W"].flags.f_contiguous and loaded["decoder"]["Wh"].flags.c_contiguous
    loaded["output"]["W"] += 1


@pytest.mark.parametrize("vocabularies", [
    None, (SOURCE, SOURCE), (SOURCE, Vocabulary("aé漢😀")), (Vocabulary("wxyz"), Vocabulary("abcd")),
])  # fmt: skip
def test_vocabularies_come_back_one_two_or_none(path, vocabularies):
    config = Config(**{**SIZES, "target_vocabulary": 8})
    loaded = there_and_back(path, make(config, vocabularies=vocabularies)).vocabularies
    if vocabularies:
        assert (loaded[0] is loaded[1]) == (vocabularies[0] is vocabularies[1])


def test_a_checkpoint_without_an_optimiser_and_with_numbers_of_numpy(path):
    config = Config(**{**SIZES, "hidden_size": np.int64(4)})
    notes = {"loss": np.float32(0.5), "n": np.int8(1)}
    there_and_back(path, make(config, optimiser={}, step=np.int64(3), notes=notes))


@pytest.mark.parametrize("kind", ["PCG64", "PCG64DXSM"])
def test_a_restored_rng_goes_on_with_the_same_numbers(path, kind):
    rng = np.random.Generator(getattr(np.random, kind)(5))
    rng.integers(0, 9, 3, dtype=np.uint32)  # an odd number of halves: one is left over
    save_checkpoint(path, make(rngs={"data": rng.bit_generator.state}))
    restored = restore_rng(load_checkpoint(path).rngs["data"])
    for _ in range(3):
        assert restored.integers(0, 2**32, dtype=np.uint32) == rng.integers(0, 2**32, dtype=np.uint32)
    np.testing.assert_array_equal(restored.standard_normal(9), rng.standard_normal(9))


@pytest.mark.parametrize("state", [
    {}, None, 3, {"bit_generator": "MT19937"}, {"bit_generator": ["PCG64"]}, {"bit_generator": "PCG64"},
    {"bit_generator": "PCG64", "state": {"state": -1, "inc": 1}, "has_uint32": 0, "uinteger": 0},
    {"bit_generator": "PCG64", "state": {"state": 2**200, "inc": 1}, "has_uint32": 0, "uinteger": 0},
    {"bit_generator": "PCG64", "state": {"state": "1", "inc": 1}, "has_uint32": 0, "uinteger": 0},
    {"bit_generator": "PCG64", "state": {"state": 1, "inc": 1}, "has_uint32": 0, "uinteger": 2**70},
    {"bit_generator": "PCG64", "state": {"state": 1, "inc": 2}, "has_uint32": 0, "uinteger": 0},
    {"bit_generator": "PCG64", "state": {"state": 1, "inc": 1}, "has_uint32": 2, "uinteger": 0},
    {"bit_generator": "PCG64", "state": {"state": 1, "inc": 1}, "has_uint32": True, "uinteger": 0},
    {"bit_generator": "PCG64", "state": {"state": 1.0, "inc": 1}, "has_uint32": 0, "uinteger": 0},
    {"bit_generator": "PCG64", "state": [1, 1], "has_uint32": 0, "uinteger": 0},
])  # fmt: skip
def test_restore_rng_refuses_what_is_no_state(state):
    with pytest.raises(ValueError, match="random state"):
        restore_rng(state)


def test_numpy_lists_it_without_a_pickle_and_equal_checkpoints_make_equal_files(path):
    with np.load(path, allow_pickle=False) as stored:
        assert {"header", "params.decoder.Wh", "optimiser.m.decoder.Wh"} < {*stored}
        Wh = make().params["decoder"]["Wh"]
        np.testing.assert_array_equal(stored["params.decoder.Wh"], Wh, strict=True)
        assert json.loads(stored["header"].tobytes().decode("utf-8", "surrogatepass"))["step"] == 17
    before = path.read_bytes()
    save_checkpoint(path, load_checkpoint(path))
    assert path.read_bytes() == before


# ---- damage ------------------------------------------------------------------------------------------------


def loads_the_same_or_is_refused(path, data, want):
    path.write_bytes(data)
    try:
        loaded = load_checkpoint(path)
    except CheckpointError as error:
        checked(error, path)
    else:
        assert_same_checkpoint(loaded, want)


def test_a_file_that_was_cut_is_refused(path):
    data = path.read_bytes()
    places = np.random.default_rng(0).integers(0, len(data), 70).tolist()
    for place in [*places, *range(10), *range(len(data) - 25, len(data))]:
        path.write_bytes(data[:place])
        refused(path)


def flips(data, count):
    """Copies with one bit flipped: anywhere, in the zip's directory, at the heads of members and arrays."""
    rng = np.random.default_rng(1)
    directory = data.index(b"PK\x01\x02")
    heads = [k for k in range(directory) if data.startswith((b"PK\x03\x04", b"\x93NUMPY"), k)]
    for n in range(count):
        head = int(rng.choice(heads))
        first, last = [(0, len(data)), (directory, len(data)), (head, head + 128)][n % 3]
        damaged = bytearray(data)
        damaged[rng.integers(first, min(last, len(data)))] ^= 1 << rng.integers(8)
        yield bytes(damaged)


def test_no_flipped_bit_goes_unnoticed(path, count=150):
    want = make()
    for damaged in flips(path.read_bytes(), count):
        loads_the_same_or_is_refused(path, damaged, want)


@pytest.mark.slow
def test_no_flipped_bit_of_a_thousand_goes_unnoticed(path):
    test_no_flipped_bit_goes_unnoticed(path, 1000)


def members(path):
    """{name: bytes} of a file, as they stand in it."""
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def forge(path, contents, compression=zipfile.ZIP_STORED):
    """Write members, and a digest that is right for them: now only what they say can betray them."""
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, raw in contents.items():
            archive.writestr(name, raw)
        archive.comment = bytes(32)
    sign(path, path.read_bytes())


def sign(path, data):
    """Write these bytes with their digest in the place of their last 32."""
    path.write_bytes(data[:-32] + hashlib.sha256(data[:-32]).digest())


def npy(array, **options):
    stream = io.BytesIO()
    np.lib.format.write_array(stream, array, (1, 0), **options)
    return stream.getvalue()


def forge_header(path, change):
    """The same file with another header, after change(header), or with the text that change returns."""
    contents = members(path)
    header = json.loads(contents["header.npy"].split(b"\n", 1)[1].decode("utf-8", "surrogatepass"))
    text = change(header) or json.dumps(header, ensure_ascii=False)
    raw = np.frombuffer(text.encode("utf-8", "surrogatepass"), np.uint8)
    forge(path, {**contents, "header.npy": npy(raw)})


def test_the_forger_of_these_tests_is_able(path):
    forge(path, members(path))
    assert_same_checkpoint(load_checkpoint(path), make())


def test_bytes_behind_the_end_and_before_the_beginning_are_refused(path):
    data = path.read_bytes()
    for before, behind in ((b"", b"x"), (b"", bytes(32)), (b"", data[-32:]), (b"x", b""), (bytes(64), b"")):
        path.write_bytes(before + data + behind)
        assert "digest" in refused(path)


# ---- what is no checkpoint ---------------------------------------------------------------------------------


class Trap:
    """Whoever unpickles it makes a file."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


@pytest.mark.parametrize("where", ["header.npy", "params.output.b.npy", "more.npy"])
def test_a_pickle_is_not_run(path, where):
    sprung = path.parent / "sprung"
    array = np.empty(9, object)
    array[:] = [Trap(sprung)] * 9
    trap = npy(array, allow_pickle=True)
    forge(path, {**members(path), where: trap})
    message = refused(path)
    assert "unexpected" in message if where == "more.npy" else "got object" in message
    assert not sprung.exists()
    pickle.loads(pickle.dumps(Trap(sprung)))
    assert sprung.exists()  # it would have sprung


def test_files_of_others_are_refused(path):
    np.savez(path, a=np.zeros(3))
    assert "it does not end with its own digest" in refused(path)
    forge(path, {"a.npy": npy(np.zeros(3))})
    assert "no header" in refused(path)
    trap = pickle.dumps(Trap(path.parent / "sprung"))
    for data in (b"", b"x", b"\x93NUMPY", bytes(10_000), trap, b"PK\5\6" + bytes(18)):
        path.write_bytes(data)
        refused(path)
    assert not (path.parent / "sprung").exists()


class Late(BaseException):
    """No Exception: whoever catches those has waited all the same."""


@contextmanager
def limited(seconds):
    """Fails where the code inside takes longer: a test that waits for ever says nothing."""
    def late(*_):
        raise Late(f"it took more than {seconds} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def test_paths_that_lead_to_no_file_are_refused(path, monkeypatch):
    refused(path.parent)
    assert "No such file" in refused(path.parent / "other.npz")
    assert "directory" in refused(path / "below.npz")
    refused(path.parent / "new\nline.npz")
    refused(Path("a\0b"))
    os.mkfifo(path.parent / "pipe")
    with limited(5):
        refused(path.parent / "pipe")  # and does not wait for a writer
    path.chmod(0)
    if not os.access(path, os.R_OK):  # the superuser reads it all the same
        assert "Permission" in refused(path)


@pytest.mark.parametrize("version", [1, 3, 25])
def test_another_version_is_named(path, version):
    """Whether its digest is where ours is, or not; a file of version 1 has none at its end."""
    forge_header(path, lambda header: header.update(version=version, params="all is new"))
    for data in (path.read_bytes(), path.read_bytes()[:-32]):
        path.write_bytes(data)
        assert f"it has version {version}, and this program reads version 2;" in refused(path)


NESTED = "[" * 900 + "]" * 900
CHANGES = {
    "format": lambda h: h.update(format="another program"),
    "no format": lambda h: h.__delitem__("format"),
    "a list": lambda h: "[]",
    "not JSON": lambda h: "{",
    "nested": lambda h: "[" * 100_000,
    "nested in notes": lambda h: '{"format": "numpy_seq2seq checkpoint", "version": ' + NESTED + "}",
    "long number": lambda h: '{"version": ' + "9" * 100_000 + "}",
    "no step": lambda h: h.__delitem__("step"),
    "step": lambda h: h.update(step=-1),
    "step true": lambda h: h.update(step=True),
    "notes": lambda h: h.update(notes=[]),
    "rngs": lambda h: h["rngs"].update(data={"bit_generator": "PCG64"}),
    "rngs of another kind": lambda h: h["rngs"].update(data={"bit_generator": "seterr"}),
    "optimiser t": lambda h: h["optimiser"].update(t="x"),
    "optimiser more": lambda h: h["optimiser"].update(u=None),
    "optimiser less": lambda h: h["optimiser"].__delitem__("m"),
    "vocabulary": lambda h: h["vocabularies"][0].append("more"),
    "vocabulary twice": lambda h: h["vocabularies"][0].__setitem__(0, "é"),
    "vocabulary special": lambda h: h["vocabularies"][0].__setitem__(0, "<pad>"),
    "vocabulary of numbers": lambda h: h["vocabularies"].__setitem__(0, [1, 2, 3, 4]),
    "vocabulary no list": lambda h: h["vocabularies"].__setitem__(0, "abcd"),
    "three vocabularies": lambda h: h["vocabularies"].append(["a"]),
    "config list": lambda h: h.update(config=[]),
    "config unknown": lambda h: h["config"].update(bias=True),
    "config missing": lambda h: h["config"].__delitem__("source_vocabulary"),
    "config cell": lambda h: h["config"].update(cell="x" * 5000),
    "config decoder": lambda h: h["config"].update(decoder=["luong"]),
    "config dropout": lambda h: h["config"].update(dropout="0.1"),
    "config size": lambda h: h["config"].update(hidden_size=4.0),
    "config dtype": lambda h: h["config"].update(dtype="float64"),
    "config embedding": lambda h: h["config"].update(embedding_size=4),
    "config other cell": lambda h: h["config"].update(cell="gru"),
    "config other decoder": lambda h: h["config"].update(decoder="bahdanau"),
    "config layers": lambda h: h["config"].update(layers=2),
    "config many layers": lambda h: h["config"].update(layers=10**9),
    "config gigantic": lambda h: h["config"].update(hidden_size=10**9),
    "config beyond": lambda h: h["config"].update(hidden_size=10**4000),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_header_that_says_something_else_is_refused(path, name):
    forge_header(path, CHANGES[name])
    refused(path)


def test_members_missing_and_too_many_are_named(path):
    contents = members(path)
    for name in contents:
        forge(path, {n: raw for n, raw in contents.items() if n != name})
        assert name.removesuffix(".npy") in refused(path)
    forge(path, contents | {"params.decoder.extra.npy": npy(np.zeros(2))})
    assert "params.decoder.extra" in refused(path)


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("suffix", ["", ".npy"])
def test_members_twice_are_refused(path, suffix):
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(f"params.output.b{suffix}", npy(np.zeros(9, np.float32)))
    sign(path, path.read_bytes())
    assert "two members" in refused(path)


ARRAYS = {
    "shape": npy(np.zeros((9, 1), np.float32)),
    "length": npy(np.zeros(8, np.float32)),
    "dtype": npy(np.zeros(9, np.float64)),
    "byte order": npy(np.zeros(9, ">f4")),
    "integers": npy(np.zeros(9, np.int32)),
    "short": npy(np.zeros(9, np.float32))[:-4],
    "long": npy(np.zeros(9, np.float32)) + bytes(4),
    "empty": b"",
    "version": b"\x93NUMPY\x02" + npy(np.zeros(9, np.float32))[7:],
    "claims": npy(np.zeros(9, np.float32)).replace(b"(9,), }         ", b"(9000000000,), }"),
    "code": npy(np.zeros(9, np.float32)).replace(b"(9,), }         ", b"(print(),9), }  "),
    "another end of the text": npy(np.zeros(9, np.float32)).replace(b"\x76\0{", b"\x36\0{"),
    "fields": npy(np.zeros(9, [("a", "f4")])),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_arrays_that_do_not_fit_the_config_are_named(path, name):
    forge(path, members(path) | {"params.output.b.npy": ARRAYS[name]})
    assert "params.output.b " in refused(path)


@pytest.mark.parametrize("compression", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_compressed_members_are_refused(path, compression):
    forge(path, members(path), compression)
    assert "compressed" in refused(path)


def test_encrypted_members_are_refused(path):
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1
    sign(path, data)
    assert "encrypted" in refused(path)


def test_overlapping_members_are_refused(path):
    """All entries of the directory lead to the same bytes."""
    data, place = bytearray(path.read_bytes()), 0
    while (place := data.find(b"PK\x01\x02", place + 1)) > 0:
        data[place + 42 : place + 46] = bytes(4)
    sign(path, data)
    assert "differ" in refused(path)


# ---- what is not believed ----------------------------------------------------------------------------------


def test_a_file_that_is_too_large_is_not_read(path, monkeypatch):
    monkeypatch.setitem(MOST_BYTES, "file", path.stat().st_size - 1)
    with pytest.raises(CheckpointError, match="it is too large"):
        load_checkpoint(path)


def bomb(path, kind):
    data = bytearray(path.read_bytes())
    entry = data.rindex(b"PK\x01\x02", 0, data.index(b"params.output.b.npy", data.index(b"PK\x01\x02")))
    if kind == "claims":  # stored, 4 GB, in the directory and before the member
        data[entry + 20 : entry + 28] = b"\xfe\xff\xff\xff" * 2
    elif kind == "directory":
        data[-42:-38] = b"\xff\xff\xff\x7f"
    elif kind == "zip64":
        data[-54:-54] = b"PK\6\7" + bytes(16)
    sign(path, data)


def refused_within(path, megabytes):
    """The message with which a file is refused, without ever holding more than so much memory."""
    tracemalloc.start()
    try:
        message = refused(path)
        assert tracemalloc.get_traced_memory()[1] < megabytes * 1e6
        return message
    finally:
        tracemalloc.stop()


BOMBS = {"claims": "overlap", "directory": "directory", "zip64": "Bad magic"}


def test_a_directory_of_very_many_members_is_not_read(path):
    forge(path, members(path) | {f"{n}.npy": b"" for n in range(5_000)})
    assert "its directory has more than 262,144 bytes" in refused_within(path, 5)


@pytest.mark.parametrize("kind, fault", BOMBS.items())
def test_a_size_is_not_believed(path, kind, fault):
    bomb(path, kind)
    assert fault in refused_within(path, 5)


CLAIMS = {
    "a model": lambda h: h["config"].update(hidden_size=40_000, embedding_size=1),
    "a model beyond the file": lambda h: h["config"].update(hidden_size=10**8),
    "many layers of it": lambda h: h["config"].update(hidden_size=40_000, layers=900),
    "a vocabulary": lambda h: h["config"].update(source_vocabulary=10**5, embedding_size=10**4),
    "layers": lambda h: h["config"].update(layers=900),
    "layers of a Transformer": lambda h: h["config"].update(
        encoder="transformer", decoder="transformer", cell=None, score=None, heads=2, layers=900,
        embedding_size=4,
    ),
    "heads": lambda h: h["config"].update(encoder="transformer", heads=10**9, hidden_size=10**9),
    "optimisers": lambda h: h["optimiser"].update({str(k): None for k in range(20_000)}),
    "counts": lambda h: h["optimiser"].update({str(k): 1 for k in range(20_000)}),
    "generators": lambda h: h["rngs"].update({str(k): h["rngs"]["data"] for k in range(1_000)}),
    "vocabularies": lambda h: h["vocabularies"].extend([] for _ in range(150_000)),
}


@pytest.mark.parametrize("name", sampled(CLAIMS, *list(CLAIMS)[:-1]))
def test_what_a_header_claims_is_compared_before_it_is_multiplied(path, name):
    """Of a file of some 300 kB: what its JSON takes, and no more. It is refused, or it is right."""
    def change(header):
        CLAIMS[name](header)
        header["notes"]["long"] = "x" * 200_000

    forge_header(path, change)
    if "layers" in name:
        forge(path, members(path) | {f"{n}.npy": b"" for n in range(1_000)})
    started = time.process_time()
    if name in ("counts", "generators"):
        load_checkpoint(path)
    else:
        refused_within(path, 24)
    assert time.process_time() - started < 5


@pytest.mark.slow
@pytest.mark.parametrize("part, count", [("{},", 2_790_000), ("9,", 2**24)])
def test_a_header_does_not_grow_beyond_bounds(path, part, count):
    forge_header(path, lambda header: "[" + part * count + "0]")
    assert "header" in refused_within(path, 500)


# ---- saving is all or nothing ------------------------------------------------------------------------------


def failing(*_):
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("step", ["replace", "fsync"])
def test_a_save_that_fails_leaves_everything_as_it_was(path, monkeypatch, step):
    before = path.read_bytes()
    monkeypatch.setattr(os, step, failing)
    with pytest.raises(CheckpointError, match="model.npz.*No space left"):
        save_checkpoint(path, make(seed=9))
    assert os.listdir(path.parent) == [path.name] and path.read_bytes() == before


def test_an_interrupted_save_leaves_everything_as_it_was(path, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    before = path.read_bytes()
    for module, name in ((np.lib.format, "write_array"), (os, "fsync"), (os, "chmod"), (os, "replace")):
        with monkeypatch.context() as patch:
            patch.setattr(module, name, interrupted)
            with pytest.raises(KeyboardInterrupt):
                save_checkpoint(path, make(seed=9))
        assert os.listdir(path.parent) == [path.name] and path.read_bytes() == before


SAVER = """
import itertools, signal, sys
from numpy_seq2seq.checkpoint import load_checkpoint, save_checkpoint

def stop(*_):
    raise SystemExit(0)

if sys.argv[2:]:
    signal.signal(signal.Signals[sys.argv[2]], stop)
checkpoint = load_checkpoint(sys.argv[1])
for step in itertools.count(checkpoint.step + 1):
    checkpoint.optimiser["t"] = step
    save_checkpoint(sys.argv[1], checkpoint._replace(step=step))
    print("saved", flush=True)
"""


@pytest.mark.parametrize("name", sampled(["SIGHUP", "SIGTERM", "SIGINT"], "SIGTERM"))
def test_a_program_that_is_told_to_stop_while_it_saves_leaves_nothing_beside(path, name):
    """A program that turns the signal into an exception, as Python does with Ctrl-C."""
    for delay in np.random.default_rng(1).uniform(0.005, 0.05, 2):
        command = [sys.executable, "-c", SAVER, str(path), name]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as saver:
            assert saver.stdout.readline() == b"saved\n"
            time.sleep(delay)
            saver.send_signal(signal.Signals[name])
            saver.communicate()  # it may be printing: its pipe stays open until it ends
        assert saver.returncode == 0 and os.listdir(path.parent) == [path.name]
        load_checkpoint(path)


WRONG = {
    "no array": lambda c: c.params["output"].pop("b"),
    "more arrays": lambda c: c.params["output"].update(c=np.zeros(1)),
    "a shape": lambda c: c.params["output"].update(b=np.zeros(3, np.float32)),
    "a dtype": lambda c: c.params["output"].update(b=np.zeros(9)),
    "a list": lambda c: c.params["output"].update(b=[0.0] * 9),
    "objects": lambda c: c.params["output"].update(b=np.array([None] * 9)),
    "another optimiser": lambda c: c.optimiser.update(m=random_params(Config(**SIZES, cell="gru"), 0)),
    "a set": lambda c: c.notes.update(all={1, 2}),
    "a circle": lambda c: c.notes.update(all=c.notes),
    "a state of arrays": lambda c: c.rngs.update(other=np.random.MT19937(0).state),
    "half a state": lambda c: c.rngs.update(other={"bit_generator": "PCG64"}),
    "notes without end": lambda c: c.notes.update(all="x" * 2**23),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_could_not_be_loaded_is_not_saved(path, name):
    before, checkpoint = path.read_bytes(), make()
    WRONG[name](checkpoint)
    with pytest.raises(CheckpointError) as caught:
        save_checkpoint(path, checkpoint)
    checked(caught.value, path)
    assert os.listdir(path.parent) == [path.name] and path.read_bytes() == before


def test_saving_follows_a_link_and_refuses_what_is_no_file(path):
    link, other = path.parent / "link.npz", make(seed=3)
    link.symlink_to(path.name)
    save_checkpoint(link, other)
    assert link.is_symlink() and not path.is_symlink()
    assert_same_checkpoint(load_checkpoint(path), other)
    circle = path.parent / "circle.npz"
    circle.symlink_to(circle.name)
    for wrong in (path.parent, path / "below.npz", path.parent / "none" / "model.npz", circle):
        with pytest.raises(CheckpointError):
            save_checkpoint(wrong, other)
        refused(wrong)
    assert sorted(os.listdir(path.parent)) == ["circle.npz", "link.npz", "model.npz"]


def test_a_new_file_is_as_private_as_files_are_made_here_and_an_old_one_stays_as_it_is(path):
    (path.parent / "other").write_bytes(b"")
    assert path.stat().st_mode == (path.parent / "other").stat().st_mode
    for mode in (0o600, 0o640, 0o666, 0o444):
        path.chmod(mode)
        save_checkpoint(path, make(seed=mode))
        assert path.stat().st_mode & 0o777 == mode


def test_a_kill_while_saving_leaves_a_whole_file(path, kills=2):
    """The step in the header and the optimiser's count were saved together and must come back together."""
    steps = [17]
    for delay in np.random.default_rng(0).uniform(0.005, 0.05, kills):
        command = [sys.executable, "-c", SAVER, str(path)]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as saver:
            assert saver.stdout.readline() == b"saved\n"
            time.sleep(delay)
            saver.send_signal(signal.SIGKILL)
        loaded = load_checkpoint(path)
        optimiser = {**make().optimiser, "t": loaded.step}
        assert_same_checkpoint(loaded, make(step=loaded.step, optimiser=optimiser))
        steps.append(loaded.step)
    assert steps == sorted(steps) and steps[-1] > steps[0]


@pytest.mark.slow
def test_twenty_kills_while_saving_leave_a_whole_file(path):
    test_a_kill_while_saving_leaves_a_whole_file(path, kills=20)
