"""Damages bytes, lines and JSON values, by a seed."""

from __future__ import annotations

import copy
import json
from random import Random
from typing import Any

WEIRD: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1.5, 10**18, 10**30, 10**400, 1e308, float("nan"), float("inf")),
    *("9" * 25, "9" * 5_000, "1_0", " 5", "\u0663", "-0.0"),
    *("", " ", "x", "x" * 5_000, "\u202e", "\x1b[31m", "\ud800", "a\nb", "::error::x", "##[group]"),
    *("${var.x}", "${", "../../x", "/", "gs://", "1e3", "010", "~", "null", "2026-13-45T99:99:99Z"),
    *([], {}, [[]], [None], {"": None}, {"name": {"name": {}}}, [{}] * 50),
)
"""Values that are seldom what is expected."""
SCALARS = (
    *("~", "true", "0", "-1", "010", "1e999", ".nan", "''", "'x'", '"\\u202e"', "[]", "{}", "*a"),
    *(
        "&a x",
        "!!python/object:x {}",
        "<<",
        "? x",
        "| \n  x",
        "${var.budget}",
        "${var.nobody}",
        "${",
    ),
    *("\u202e", "no", "12:30", "0x1F", "9" * 40, "a: b", "- - -", "%TAG", "@", "`", "\t", "#"),
)
"""What a YAML value may be written as."""


def of_bytes(data: bytes, chance: Random) -> bytes:
    """Some bytes flipped, dropped, put in, repeated or cut off."""
    out = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 5))):
        at = chance.randrange(len(out) + 1)
        length = chance.choice((1, 1, 3, 20, 200))
        match chance.randrange(6):
            case 0 if at < len(out):
                out[at] ^= 1 << chance.randrange(8)
            case 1:
                del out[at : at + length]
            case 2:
                out[at:at] = chance.randbytes(min(length, 20))
            case 3:
                out[at:at] = out[at : at + length]
            case 4:
                del out[at:]
            case _:
                out[at : at + 1] = chance.choice((b'"', b"{", b"}", b"[", b"\x00", b"\xff", b"\n"))
    return bytes(out)


def of_fields(data: bytes, chance: Random) -> bytes:
    """Some values between commas or quotes replaced by others that are seldom expected."""
    separator = chance.choice((b",", b'"', b"\n", b":"))
    parts = data.split(separator)
    for _ in range(chance.choice((1, 1, 3, 12))):
        value = chance.choice(WEIRD)
        text = value if isinstance(value, str) else json.dumps(value)
        parts[chance.randrange(len(parts))] = text.encode("utf-8", "surrogatepass")
    return separator.join(parts)


def of_yaml(text: str, chance: Random) -> str:
    """Some lines changed as a slip of the hand, or somebody who means harm, changes them."""
    lines = text.split("\n")
    for _ in range(chance.choice((1, 1, 2, 4))):
        at = chance.randrange(len(lines))
        key, colon, _ = lines[at].partition(":")
        match chance.randrange(8):
            case 0:
                del lines[at : at + chance.choice((1, 1, 3))]
            case 1:
                lines[at:at] = lines[at : at + chance.choice((1, 3))]
            case 2 if colon:
                lines[at] = f"{key}: {chance.choice(SCALARS)}"
            case 3:
                lines[at] = " " * chance.randrange(9) + lines[at].lstrip()
            case 4:
                other = chance.randrange(len(lines))
                lines[at], lines[other] = lines[other], lines[at]
            case 5:
                words = lines[at].split(" ")
                words[chance.randrange(len(words))] = chance.choice(SCALARS)
                lines[at] = " ".join(words)
            case 6:
                depth = chance.choice((3, 30, 300))
                lines[at] += "[" * depth + "x" + "]" * chance.choice((depth, depth, 1))
            case _:
                cut = chance.randrange(len(lines[at]) + 1)
                lines[at] = lines[at][:cut] + chance.choice(SCALARS) + lines[at][cut:]
        lines = lines or [""]
    return "\n".join(lines)


def of_json(document: Any, chance: Random) -> Any:
    """A few values of a document replaced, dropped, renamed or moved."""
    document = copy.deepcopy(document)
    for _ in range(chance.choice((1, 1, 2, 4))):
        places = list(_places(document))
        if not places:
            return chance.choice(WEIRD)
        inside, key = chance.choice(places)
        match chance.randrange(6):
            case 0:
                del inside[key]
            case 1 if isinstance(inside, dict):
                inside[chance.choice((f"{key}x", "", "name", "error"))] = inside.pop(key)
            case 2:
                inside[key] = [inside[key]] * chance.choice((1, 2))
            case 3:
                inside[key] = {"x": inside[key]}
            case 4:
                other, name = chance.choice(places)
                inside[key] = copy.deepcopy(other[name])
            case _:
                inside[key] = copy.deepcopy(chance.choice(WEIRD))
    return document


def as_bytes(document: Any) -> bytes:
    """Of a JSON value; what has no form in JSON stands as Python writes it."""
    return json.dumps(document).encode("utf-8", "surrogatepass")


def _places(node: Any) -> Any:
    """The containers and keys of all values in a document."""
    if isinstance(node, dict | list):
        for key in node if isinstance(node, dict) else range(len(node)):
            yield node, key
            yield from _places(node[key])
