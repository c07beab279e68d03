"""Read the tensors of a torch file of before 2020, without torch, and without running anything.

Such a file is five pickles followed by the numbers: a magic number, a version, the byte order, the
tensors as views of storages, and the order of the storages. Each storage is its length (8 bytes)
and its numbers. (Source: torch/serialization.py, `_legacy_save`.)
"""

from __future__ import annotations

import math
import pickle
import struct
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO

import numpy as np
from msgspec import Struct
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

Tensor = NDArray[Any]
"""Of floats or of integers."""
_MAGIC, _VERSION = 0x1950A86A20F9469CFC6C, 1001
_LENGTH = struct.Struct("<q")


class TorchFileRefused(Exception):
    """The file is damaged, or holds more than plain tensors; the text says which."""


def read_tensors(file: BinaryIO, size: int) -> dict[str, Tensor]:
    """Return the tensors of a file of so many bytes, by name. Raises TorchFileRefused."""
    try:
        return _tensors(file, size)
    except TorchFileRefused:
        raise
    except Exception as error:  # on damaged bytes, an unpickler raises anything
        raise TorchFileRefused(f"It can't be read as a torch file: {error!r}.") from error


class _StorageType(Struct, frozen=True):
    numbers: str
    """As NumPy names them."""


class _View(Struct, frozen=True):
    """A tensor: where its numbers are in a storage, counted in numbers."""

    storage: str
    start: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def _view(
    storage: str, start: int, shape: tuple[int, ...], strides: tuple[int, ...], *_: object
) -> _View:
    view = _View(storage, start, shape, strides)
    numbers = (start, *shape, *strides)
    if not all(type(number) is int and number >= 0 for number in numbers) or len(shape) != len(
        strides
    ):
        raise TorchFileRefused("A tensor has no such shape.")
    return view


_KNOWN: Mapping[tuple[str, str], Callable[..., object] | _StorageType] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch._utils", "_rebuild_tensor_v2"): _view,
    ("torch", "FloatStorage"): _StorageType("<f4"),
    ("torch", "LongStorage"): _StorageType("<i8"),
}
"""All that a pickle may name, with what stands for it here: none of it does anything."""


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: BinaryIO) -> None:
        super().__init__(file)
        self.storages: dict[str, tuple[str, int]] = {}
        """The type of numbers and how many there are, by key."""

    def find_class(self, module: str, name: str) -> object:
        """Return what stands for a name; anything that could run is refused."""
        try:
            return _KNOWN[module, name]
        except KeyError:
            raise TorchFileRefused(f"It names {module}.{name}, which is not read here.") from None

    def persistent_load(self, reference: object) -> str:
        """Note a storage that a tensor refers to, and return its key."""
        match reference:
            case ("storage", _StorageType() as kind, str() as key, str(), int() as length, None):
                self.storages[key] = kind.numbers, length
                return key
        raise TorchFileRefused("It refers to something that is no storage.")


def _tensors(file: BinaryIO, size: int) -> dict[str, Tensor]:
    header = [_Unpickler(file).load() for _ in range(3)]
    match header:
        case [int() as magic, int() as version, {"little_endian": True}]:
            if (magic, version) != (_MAGIC, _VERSION):
                raise TorchFileRefused("It is no torch file of a known version.")
        case _:
            raise TorchFileRefused("It is no torch file of a known version.")
    reader = _Unpickler(file)
    views, keys = reader.load(), _Unpickler(file).load()
    if not isinstance(views, dict) or not isinstance(keys, list):
        raise TorchFileRefused("It holds no tensors by name.")
    storages = {}
    for key in keys:
        numbers, length = reader.storages[key]
        (written,) = _LENGTH.unpack(file.read(_LENGTH.size))
        bytes_left = size - file.tell()
        if written != length or not 0 <= length * np.dtype(numbers).itemsize <= bytes_left:
            raise TorchFileRefused(f"The storage {key!r} ends too early.")
        content = file.read(length * np.dtype(numbers).itemsize)
        storages[key] = np.frombuffer(content, numbers)
    if file.tell() != size:
        raise TorchFileRefused("More follows after the last storage.")
    return {str(name): _tensor(view, storages) for name, view in views.items()}


def _tensor(view: object, storages: Mapping[str, Tensor]) -> Tensor:
    """Return the numbers of a view, in an array of their own."""
    if not isinstance(view, _View):
        raise TorchFileRefused("It holds something that is no tensor.")
    whole, last = storages[view.storage], view.start
    for side, stride in zip(view.shape, view.strides, strict=True):
        last += (side - 1) * stride
    if math.prod(view.shape) > len(whole) or (0 not in view.shape and last >= len(whole)):
        raise TorchFileRefused("A tensor reaches beyond its storage.")
    steps = [stride * whole.itemsize for stride in view.strides]
    found: Tensor = as_strided(whole[view.start :], view.shape, steps, writeable=False).copy()
    return found
