"""What a plan may run and contact is in every form that people review; nothing secret is."""

from __future__ import annotations

import json
import re

from automl_plan.model.json import written
from automl_plan.output.review_summary import contact_sentence
from automl_plan.workspace.plan_file import planned_to_json
from tests.documents import read_again
from tests.output import scenes
from tests.output.test_parts import shown


def letters(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", " ", text)


def test_every_form_tells_of_each() -> None:
    planned = scenes.contacts()
    for form, text in shown(planned).items():
        for contact in planned.contacts:
            assert letters(contact_sentence(contact)) in letters(text), (form, contact)
        assert "Runs" in text
        assert "Contacts" in text
    document = planned_to_json(planned)
    told = json.loads(json.dumps(document["contacts"]))
    assert tuple(map(read_again, planned.contacts)) == planned.contacts
    assert json.loads(json.dumps([*map(written, planned.contacts)])) == told


def test_no_form_tells_what_may_be_secret() -> None:
    planned = scenes.contacts()
    for form, text in {**shown(planned), "json": json.dumps(planned_to_json(planned))}.items():
        assert "s3cr3t" not in text, form


def test_where_nothing_is_contacted_nothing_is_said() -> None:
    for scene in (scenes.create, scenes.no_changes, scenes.refresh_only):
        for text in shown(scene()).values():
            assert not re.search(r"\b(Runs|Contacts)\b", text)
        assert "contacts" not in planned_to_json(scene())
