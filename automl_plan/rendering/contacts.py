"""What a plan may run and contact when it is applied."""

from __future__ import annotations

from collections.abc import Sequence

from automl_plan.rendering.style import Style, clean
from automl_plan.resources.contacts import Contact, ContactKind

RUNS = "Runs"
CONTACTS = "Contacts"
"""Titles of the two sections."""
_AS = {
    ContactKind.EMAIL: "to ",
    ContactKind.SERVICE: "in place of the provider's own service: ",
    ContactKind.STORAGE: "in place of Cloud Storage: ",
    ContactKind.STAGING: "local data is uploaded to ",
}


def contact_sections(contacts: Sequence[Contact]) -> list[tuple[str, list[str]]]:
    """Each section that has something in it: its title and its sentences."""
    runs = [contact for contact in contacts if contact.kind is ContactKind.COMMAND]
    others = [contact for contact in contacts if contact.kind is not ContactKind.COMMAND]
    found = [(RUNS, runs), (CONTACTS, others)]
    return [(title, [*map(contact_sentence, each)]) for title, each in found if each]


def contact_sentence(contact: Contact) -> str:
    """`notify.ops.webhook: https://ops.example.com/… (sha256:d19e6e94ec39)`."""
    text = f"{contact.written}: {_AS.get(contact.kind, '')}{contact.target}"
    if contact.digest is not None:
        text += f" ({contact.digest})"
    if contact.events:
        text += f", only on {', '.join(contact.events)}"
    return clean(text)


def contacts_text(contacts: Sequence[Contact], style: Style) -> str:
    """Both sections; empty where there is nothing."""
    return "".join(
        f"\n{style.bold(title + ':')}\n" + "".join(f"  {line}\n" for line in lines)
        for title, lines in contact_sections(contacts)
    )
