"""The words of a dossier, in the reader's language: headings for the printed page and the sentences of its parts."""

from __future__ import annotations

from django.utils.translation import gettext as _

from casework.law import wording
from casework.printing.types import Labels, Trouble


def labels() -> Labels:
    """Return every heading and label that the templates print."""
    return Labels(
        kind=_("Case dossier"),
        contents=_("Contents"),
        procedure=_("Where the procedure stands"),
        parties=_("Parties"),
        chronology=_("Chronology"),
        limits=_("Time limits"),
        exhibit_list=_("List of exhibits"),
        exhibits=_("Exhibits"),
        country=_("Country of the procedure"),
        prepared_for=_("Prepared for"),
        prepared_by=_("Prepared by"),
        purpose=_("Purpose"),
        generated_on=_("Date"),
        extent_label=_("Extent"),
        extent=_("{pages} pages, {exhibits} exhibits"),
        regime=_("Regulation"),
        status=_("Stage"),
        responsible_state=_("Responsible state"),
        born=_("Born"),
        nationalities=_("Nationality"),
        languages=_("Languages"),
        date=_("Date"),
        event=_("Event"),
        sources=_("Exhibits"),
        whose=_("Who must act"),
        legal_basis=_("Legal basis"),
        on_expiry=_("When it passes"),
        why=_("How it was counted"),
        likely_badge=_("Likely, to be confirmed"),
        likely_notice=_("Limits marked as likely rest on law that was not read in the original: confirm them."),
        number=_("No."),
        document=_("Document"),
        pages=_("Pages"),
        first_page=_("Page"),
        fingerprint=_("SHA-256"),
        nothing_recorded=_("Nothing recorded"),
        page=_("Page {page} / {pages}"),
        exhibit=_("Exhibit {number}"),
        exhibit_page=_("Exhibit {number}, page {page} of {pages}"),
        exhibit_at=_("Exhibit {number}, page {page}"),
        bookmark=_("{title} (page {page})"),
        not_included=_("This exhibit is not included"),
        troubles={
            Trouble.ENCRYPTED: _("The file is protected by a password and could not be opened."),
            Trouble.BROKEN: _("The file is damaged and could not be read."),
            Trouble.UNREADABLE_TEXT: _("The text could not be read."),
            Trouble.TOO_LARGE: _("The file is too large to be printed."),
            Trouble.NOT_PRINTABLE: _("This kind of file cannot be printed; it is supplied separately."),
            Trouble.REPAIRED: _("The file was damaged and was repaired; compare it with the original."),
            Trouble.SIGNED: _("The file carried an electronic signature, which a copy cannot keep."),
            Trouble.XFA: _("The file held a form that could not be carried over."),
            Trouble.ATTACHMENTS: _("The file held attachments, which were left out."),
            Trouble.UNPRINTABLE_CHARACTERS: _("Some characters could not be printed in the available fonts."),
        },
    )


def regime(code: str) -> str:
    """Return a regime's name in words."""
    return say(f"regime.{code}", code)


def fact(name: str) -> str:
    """Return a fact's name in words."""
    return say(f"fact.{name}", name)


def rule(rule_id: str) -> str:
    """Return what a rule's limit is called."""
    return say(f"label.{rule_id}", rule_id)


def stage(code: str) -> str:
    """Return a stage in words."""
    return say(f"stage.{code}", code)


def state_of_limit(code: str) -> str:
    """Return where a limit stands, in words."""
    return say(f"limit.{code}", code)


def certainty(code: str) -> str:
    """Return how a fact is known, in words."""
    return {
        "document": _("shown by a document"),
        "told": _("told by the applicant"),
        "estimated": _("estimated"),
    }.get(code, "")


def whose(code: str) -> str:
    """Return who must act, in words: a state's name, the applicant, the authority."""
    return say(f"party.{code}", "") or state(code)


def state(code: str) -> str:
    """Return a state's name in words."""
    return say(f"state.{code}", code) if code else ""


def say(key: str, fallback: str) -> str:
    """Return a message of the law's catalogue, or `fallback` where it has none."""
    return wording.render(key) if wording.has(key) else fallback
