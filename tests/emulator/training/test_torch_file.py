"""The weights are read, and whatever else such a file may say is refused and not run."""

from __future__ import annotations

import io
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automl_plan.emulator.training.torch_file import TorchFileRefused, read_tensors
from tests.depth import times

MAGIC, VERSION = 0x1950A86A20F9469CFC6C, 1001
NUMBERS = struct.pack("<6f", *range(6))


class Named:
    """A name of another module, for a pickle: what `reduce` says is written as a call of it."""

    def __init__(self, module: str, name: str, *arguments: object) -> None:
        self.module, self.name, self.arguments = module, name, arguments


class Storage(str):
    """A storage's key."""

    type_name, length = "FloatStorage", 6


def pickled(value: object) -> bytes:
    """A pickle of a value, in which names and calls may be of what is not there."""
    return written(value) + b"."


def written(value: Any) -> bytes:
    match value:
        case Named():
            called = written(value.arguments) + b"R" if value.arguments else b""
            return f"c{value.module}\n{value.name}\n".encode() + called
        case Storage():
            kind = Named("torch", value.type_name)
            return written(("storage", kind, str(value), "cpu", value.length, None)) + b"Q"
        case bool() | None:
            return {True: b"I01\n", False: b"I00\n", None: b"N"}[value]
        case int():
            return f"L{value}L\n".encode()
        case str():
            return b"X" + struct.pack("<I", len(value.encode())) + value.encode()
        case tuple():
            return b"(" + b"".join(map(written, value)) + b"t"
        case list():
            return b"(l" + b"".join(written(each) + b"a" for each in value)
        case dict():
            pairs = (written(key) + written(each) + b"s" for key, each in value.items())
            return b"(d" + b"".join(pairs)
    raise TypeError(value)


def tensor(
    start: object = 0, shape: object = (2, 3), strides: object = (3, 1), key: str = "a"
) -> Named:
    more: tuple[object, ...] = (False, {})
    return Named("torch._utils", "_rebuild_tensor_v2", Storage(key), start, shape, strides, *more)


def torch_file(
    tensors: object, keys: Sequence[object] = ("a",), numbers: bytes = NUMBERS, length: int = 6
) -> bytes:
    header = [MAGIC, VERSION, {"little_endian": True}]
    parts = [*map(pickled, header), pickled(tensors), pickled(list(keys))]
    return b"".join(parts) + struct.pack("<q", length) + numbers


def read(content: bytes) -> dict[str, Any]:
    return dict(read_tensors(io.BytesIO(content), len(content)))


def test_tensors_are_views_of_storages() -> None:
    views = {"w": tensor(), "turned": tensor(0, (3, 2), (1, 3)), "one": tensor(5, (), ())}
    found = read(torch_file(views))
    np.testing.assert_array_equal(found["w"], [[0, 1, 2], [3, 4, 5]])
    np.testing.assert_array_equal(found["turned"], [[0, 3], [1, 4], [2, 5]])
    assert found["one"] == 5


RUNS = {
    "a command": Named("os", "system", "touch ran"),
    "a command by another name": Named("posix", "system", "touch ran"),
    "an expression": Named("builtins", "eval", "open('ran', 'w')"),
    "an attribute": Named("builtins", "getattr", Named("os", "environ"), "clear"),
    "a method of a known class": Named("collections", "OrderedDict.fromkeys", "ab"),
    "another class of a known module": Named("collections", "Counter", "ab"),
    "another function of torch": Named("torch", "load", "ran"),
    "a class of ours": Named("automl_plan.emulator.training.torch_file", "read_tensors", "x"),
    "a path": Named("pathlib", "Path", "ran"),
}


@pytest.mark.parametrize("what", RUNS)
@pytest.mark.parametrize("place", ["tensor", "shape", "keys", "header"])
def test_nothing_that_a_file_names_is_run(
    what: str, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    hostile = RUNS[what]
    content = {
        "tensor": torch_file({"w": hostile}),
        "shape": torch_file({"w": tensor(shape=hostile)}),
        "keys": torch_file({"w": tensor()}, keys=[hostile]),
        "header": pickled(hostile) + torch_file({"w": tensor()}),
    }[place]
    with pytest.raises(TorchFileRefused, match="which is not read here"):
        read(content)
    assert [*tmp_path.iterdir()] == []


BROKEN = {
    "beyond the end": torch_file({"w": tensor(shape=(3, 3))}),
    "from beyond the end": torch_file({"w": tensor(start=7, shape=(1,), strides=(1,))}),
    "from before the start": torch_file({"w": tensor(start=-1)}),
    "backwards": torch_file({"w": tensor(strides=(-3, 1))}),
    "one number many times": torch_file({"w": tensor(shape=(9**9, 9**9), strides=(0, 0))}),
    "shape of text": torch_file({"w": tensor(shape=("a", "b"))}),
    "more sides than strides": torch_file({"w": tensor(shape=(1, 2, 3))}),
    "no tensor": torch_file({"w": 7}),
    "no names": torch_file([tensor()]),
    "a storage that is not there": torch_file({"w": tensor(key="b")}),
    "a storage that nobody uses": torch_file({}, keys=["a"]),
    "another length": torch_file({"w": tensor()}, length=5),
    "a length below zero": torch_file({"w": tensor()}, length=-1),
    "a length of exabytes": torch_file({"w": tensor()}, length=2**62),
    "more at the end": torch_file({"w": tensor()}) + b"x",
    "another version": pickled(MAGIC) + pickled(7) + pickled({"little_endian": True}),
    "nothing": b"",
    "a zip file": b"PK\x03\x04" + bytes(60),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_damaged_file_is_refused(what: str) -> None:
    with pytest.raises(TorchFileRefused):
        read(BROKEN[what])


@given(st.data())
@settings(max_examples=times(150, 2_000))
def test_a_file_with_other_bytes_is_read_or_refused(data: st.DataObject) -> None:
    content = bytearray(torch_file({"w": tensor()}))
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        found = read(bytes(content[: data.draw(st.integers(0, len(content)))]))
    except TorchFileRefused:
        return
    assert all(isinstance(each, np.ndarray) for each in found.values())
