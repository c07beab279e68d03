"""Live images held against imported rows: what was changed is named, and nothing else."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from automl_plan.data.item_comparison import compare_items
from automl_plan.model.items import SETS, ItemChanges, LiveBox, LiveItem, RelabelledImage
from automl_plan.model.source_data import SourceRow

LABELS = st.sampled_from(["cat", "dog", "Baked goods", "数"])


def md5(text: str) -> bytes:
    return hashlib.md5(text.encode(), usedforsecurity=False).digest()


def row(image: str, *labels: str, use: str = "TRAIN", content: str | None = None) -> SourceRow:
    digest = base64.b64encode(md5(content or image)).decode().rstrip("=")
    return SourceRow(digest, use, image, labels)


def staged(image: str) -> str:
    """Where staging puts an image."""
    return f"gs://staging/prefix/images/{md5(image).hex()}.png"


def item(uri: str, *labels: str, use: str = "TRAIN", boxes: Iterable[LiveBox] = ()) -> LiveItem:
    return LiveItem("1", uri, use, labels, tuple(boxes))


@st.composite
def worlds(draw: st.DrawFn) -> tuple[list[SourceRow], list[LiveItem], ItemChanges]:
    """Imported rows, live items that somebody changed, and the changes."""
    rows, items = [], []
    added, removed, relabelled = [], [], []
    for number in range(draw(st.integers(0, 8))):
        name = draw(st.sampled_from(["gs://b/{}.png", "images/{}.png"])).format(number)
        use, labels = draw(st.sampled_from(SETS)), draw(st.sets(LABELS, max_size=1))
        rows += [row(name, *labels, use=use)] * draw(st.integers(1, 2))
        if draw(st.booleans()):  # a copy under another name
            rows.append(row(f"copies/{number}.png", *labels, use=use, content=name))
        uri = draw(st.sampled_from([name, staged(name)]))
        change = draw(st.sampled_from(["none", "none", "removed", "labels", "set", "added"]))
        there = item(uri, *labels, use=use)
        if change == "removed":
            removed.append(name)
            continue
        if change == "labels":
            there = replace(there, labels=(*labels, "another"))
        elif change == "set":
            there = replace(there, use=SETS[SETS.index(use) - 1])
        elif change == "added":
            added.append(f"gs://b/new/{number}.png")
            items.append(item(added[-1], "cat"))
        if change in ("labels", "set"):
            before = " ".join((use, *labels))
            after = " ".join((there.use, *there.labels))
            relabelled.append(RelabelledImage(name, before, after))
        items.append(there)
    expected = ItemChanges(
        tuple(sorted(added)),
        tuple(sorted(removed)),
        tuple(sorted(relabelled, key=lambda each: each.image)),
    )
    return draw(st.permutations(rows)), draw(st.permutations(items)), expected


@given(worlds())
def test_what_was_changed_is_named_and_nothing_else(
    world: tuple[list[SourceRow], list[LiveItem], ItemChanges],
) -> None:
    rows, items, expected = world
    first = {each.content: each.image for each in reversed(rows)}
    named = {each.image: first[each.content] for each in rows}
    found = compare_items(rows, items, boxes=False)
    assert found.added == expected.added
    assert found.removed == tuple(sorted(named[each] for each in expected.removed))
    wanted = [replace(each, image=named[each.image]) for each in expected.relabelled]
    assert list(found.relabelled) == sorted(wanted, key=lambda each: each.image)
    assert bool(found) == bool(expected)


def test_several_labels_of_an_image() -> None:
    rows = [row("a.png", "cat", "dog"), row("a.png", "bird")]
    all_of_them = item("a.png", "bird", "cat", "dog")
    assert not compare_items(rows, [all_of_them], boxes=False, multilabel=True)
    fewer = compare_items(rows, [item("a.png", "cat")], boxes=False, multilabel=True)
    assert fewer.relabelled == (RelabelledImage("a.png", "TRAIN cat dog bird", "TRAIN cat"),)
    # Of one label per image the service takes the first that it sees.
    assert not compare_items(rows, [item("a.png", "cat")], boxes=False)
    assert compare_items(rows, [item("a.png", "fish")], boxes=False)
    assert compare_items(rows, [item("a.png")], boxes=False)


def test_an_image_of_several_items() -> None:
    """Where the service keeps one for each name."""
    rows = [row("a.png", "cat"), row("b.png", "dog", content="a.png")]
    items = [item("a.png", "cat"), item("b.png", "dog")]
    assert not compare_items(rows, items, boxes=False, multilabel=True)
    assert not compare_items(rows, items[1:], boxes=False)


BOX = ("0.1", "0.1", "", "", "0.6", "0.7", "", "")
CORNERS = ("0.6", "0.1", "0.6", "0.7", "0.1", "0.7", "0.1", "0.1")


@pytest.mark.parametrize("written", [BOX, CORNERS], ids=["two vertices", "four in any order"])
@pytest.mark.parametrize(
    ("boxes", "same"),
    [
        ([LiveBox("car", 0.1, 0.1, 0.6, 0.7)], True),
        ([LiveBox("car", 0.1000004, 0.1, 0.6, 0.6999999)], True),
        ([LiveBox("car", 0.1, 0.1, 0.6, 0.8)], False),
        ([LiveBox("bus", 0.1, 0.1, 0.6, 0.7)], False),
        ([LiveBox("car", 0.1, 0.1, 0.6, 0.7)] * 2, True),
        ([LiveBox("car", 0.1, 0.1, 0.6, 0.7), LiveBox("car", 0.2, 0.2, 0.6, 0.7)], False),
        ([], False),
    ],
)
def test_boxes(written: tuple[str, ...], boxes: list[LiveBox], *, same: bool) -> None:
    rows = [row("a.png", "car", *written)]
    found = compare_items(rows, [item("a.png", boxes=boxes)], boxes=True)
    assert bool(found) is not same
    if found:
        [changed] = found.relabelled
        assert changed.before == "TRAIN car (0.1,0.1 to 0.6,0.7)"


def test_boxes_of_which_not_all_are_told() -> None:
    rows = [row("a.png", "car", *BOX), row("a.png", "bus", *BOX)]
    one = replace(item("a.png", boxes=[LiveBox("bus", 0.1, 0.1, 0.6, 0.7)]), truncated=True)
    assert not compare_items(rows, [one], boxes=True)


@pytest.mark.parametrize("corners", [("x",) * 8, ("nan",) * 8, ("0.1",) * 3, ("1e999",) * 4])
def test_coordinates_that_are_none(corners: tuple[str, ...]) -> None:
    rows = [row("a.png", "car", *corners)]
    assert not compare_items(rows, [item("a.png")], boxes=True)


def test_images_that_an_import_refused_are_not_missed() -> None:
    rows = [row("a.png", "cat"), row("b.png", "cat"), row("c.png", "cat")]
    refused = ["rows.csv line 1: a.png: The image is empty.", f"x: {staged('b.png')}: No."]
    assert compare_items(rows, [], boxes=False, refused=refused).removed == ("c.png",)


@pytest.mark.parametrize("uri", ["", "gs://b/images/", f"gs://b/images/{'0' * 32}", "\x1b[2J"])
def test_any_other_uri_is_of_an_added_image(uri: str) -> None:
    assert compare_items([row("a.png", "cat")], [item(uri, "cat")], boxes=False) == ItemChanges(
        (uri,), ("a.png",)
    )
