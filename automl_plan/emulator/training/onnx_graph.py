"""Write an ONNX model: the few messages that a convolutional network needs, as protobuf bytes.

The package `onnx` would do it with 31 MB. Field numbers are those of onnx.proto3 (IR version 8).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_IR_VERSION, _OPSET = 8, 13
_FLOAT, _UINT8 = 1, 2
"""TensorProto.DataType."""
_INT_ATTRIBUTE, _TEXT_ATTRIBUTE, _INTS_ATTRIBUTE = 2, 3, 7
"""AttributeProto.AttributeType."""

Attribute = int | str | Sequence[int]


class Graph:
    """A graph under construction; each operator is added after those that it needs."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._nodes: list[bytes] = []
        self._constants: list[bytes] = []

    def constant(self, value: NDArray[np.float32] | np.float32) -> str:
        """Add numbers, and return their name."""
        array = np.asarray(value, dtype="<f4")
        name = f"c{len(self._constants)}"
        sides = b"".join(_number(1, side) for side in array.shape)
        self._constants.append(
            sides + _number(2, _FLOAT) + _field(8, name.encode()) + _field(9, array.tobytes())
        )
        return name

    def add(
        self, operator: str, *inputs: str, output: str | None = None, **attributes: Attribute
    ) -> str:
        """Add an operator, and return the name of its output."""
        output = output or f"n{len(self._nodes)}"
        self._nodes.append(
            b"".join(_field(1, each.encode()) for each in inputs)
            + _field(2, output.encode())
            + _field(4, operator.encode())
            + b"".join(_field(5, _attribute(*each)) for each in attributes.items())
        )
        return output

    def model(
        self, image: str, image_shape: Sequence[int], output: str, output_shape: Sequence[int]
    ) -> bytes:
        """Return the model: from an image of bytes to an output of floats, both named."""
        graph = (
            b"".join(_field(1, node) for node in self._nodes)
            + _field(2, self._name.encode())
            + b"".join(_field(5, constant) for constant in self._constants)
            + _field(11, _value(image, _UINT8, image_shape))
            + _field(12, _value(output, _FLOAT, output_shape))
        )
        opset = _field(1, b"") + _number(2, _OPSET)
        return _number(1, _IR_VERSION) + _field(7, graph) + _field(8, opset)


def _attribute(name: str, value: Attribute) -> bytes:
    if isinstance(value, int):
        content, kind = _number(3, value), _INT_ATTRIBUTE
    elif isinstance(value, str):
        content, kind = _field(4, value.encode()), _TEXT_ATTRIBUTE
    else:
        content, kind = b"".join(_number(8, each) for each in value), _INTS_ATTRIBUTE
    return _field(1, name.encode()) + content + _number(20, kind)


def _value(name: str, kind: int, shape: Sequence[int]) -> bytes:
    sides = b"".join(_field(1, _number(1, side)) for side in shape)
    tensor = _number(1, kind) + _field(2, sides)
    return _field(1, name.encode()) + _field(2, _field(1, tensor))


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _field(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)
