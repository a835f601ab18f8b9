"""What the case pages share: the tabs, the breadcrumbs, and an answer's errors put into its form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar
from uuid import UUID

from django import forms
from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.utils.translation import gettext_lazy as _

from casework.access.actions import Action
from casework.core.errors import Invalid
from casework.desk import labels, selectors, services
from casework.desk.forms.facts import said_against
from casework.desk.selectors import CaseHeader
from casework.desk.services import CasePage
from casework.procedure.types import ProcedureView, RecordedFact

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

_LONGEST_NUMBER = 7
_Response = TypeVar("_Response", bound=HttpResponseBase)

CARRIED = "carried"
"""The member of a POST that says: what comes with it was typed on another page, show it and do nothing yet."""


@dataclass(frozen=True)
class Fault:
    """Why no time limit can be computed, in a sentence.

    `fact` names the fact at fault, with its day, where it is a single one; `url` leads to its correction, for those who
    may record.
    """

    text: str
    fact: str
    url: str


@dataclass(frozen=True)
class OvertakenNotice:
    """That a fact was corrected or taken back first, in words: what happened, why, and what stands now.

    `now_id` is the fact that stands, None where it was taken back; `url` leads to where it can be looked at.
    """

    title: str
    why: str
    stands: list[tuple[str, str]]
    now_id: UUID | None
    url: str


Crumbs = list[tuple["StrOrPromise", str]]

_TABS: tuple[tuple[str, StrOrPromise, Action | None], ...] = (
    ("case_detail", _("Summary"), None),
    ("case_deadlines", _("Deadlines"), None),
    ("case_timeline", _("Timeline"), None),
    ("case_documents", _("Documents"), None),
    ("case_access", _("Access"), None),
    ("case_trail", _("Trail"), Action.SEE_CASE_TRAIL),
)


def case_context(header: CaseHeader, tab: str) -> dict[str, object]:
    """Return what `desk/case_base.html` needs: the head, its tabs with `tab` chosen, breadcrumbs."""
    tabs = [
        (label, reverse(name, args=[header.id]), name == tab)
        for name, label, action in _TABS
        if action is None or header.may[action.value]
    ]
    return {
        "case": header,
        "tabs": tabs,
        "breadcrumbs": [(_("Cases"), reverse("case_list"))],
        # Whoever leads a case that is to be erased learns it on each of its pages.
        "erasure": selectors.waiting_erasure(header.id) if header.may[Action.ASK_ERASURE.value] else None,
    }


def handed_out(response: _Response, *, name: str, media_type: str) -> _Response:
    """Make an answer a file that a browser saves and nothing runs, and that no cache keeps."""
    response["Content-Type"] = media_type
    response["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=name) or "attachment"
    response["Cache-Control"] = "no-store"
    response["X-Content-Type-Options"] = "nosniff"
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    # Whatever a browser makes of it: no script, no form, no origin, no connection.
    response["Content-Security-Policy"] = "default-src 'none'; frame-ancestors 'none'; sandbox"
    return response


def under_case(header: CaseHeader, *more: tuple[StrOrPromise, str]) -> Crumbs:
    """Return the breadcrumbs of a page below a case."""
    case = (header.reference, reverse("case_detail", args=[header.id]))
    return [(_("Cases"), reverse("case_list")), case, *more]


def fault_of(page: CasePage) -> Fault | None:
    """Return the contradiction for which a page that was opened with its procedure has no limits; None without one."""
    assert page.procedure is not None
    return fault_in(page.header, page.procedure)


def fault_in(header: CaseHeader, procedure: ProcedureView) -> Fault | None:
    """Return the contradiction in the facts that a procedure was to be derived from; None without one."""
    if not procedure.fault:
        return None
    fact = next((fact for fact in procedure.facts if fact.id == procedure.fault_fact), None)
    text = said_against(procedure.fault, fact.name if fact else "")
    if fact is None:
        return Fault(text, "", "")
    named = ", ".join(part for part in (labels.fact(fact.name), labels.moment(fact.on)) if part)
    may = header.may[Action.RECORD_FACT.value]
    return Fault(text, named, reverse("fact_correct", args=[header.id, fact.id]) if may else "")


def overtaken_by(page: CasePage, fact: RecordedFact) -> OvertakenNotice | None:
    """Return what became of a fact that somebody was about to change, in words; None while it counts."""
    became = services.overtaken(page.header.id, fact)
    if became is None:
        return None
    at, now = labels.instant(became.last.at), became.now
    if became.who:
        said = _("%(who)s corrected this fact first (%(at)s)") if now else _("%(who)s took this fact back (%(at)s)")
    else:
        said = _("You corrected this fact already (%(at)s)") if now else _("You took this fact back already (%(at)s)")
    url = reverse("case_timeline", args=[page.header.id])
    stands = []
    if now:
        title, text = selectors.fact_line(now.content)
        stands = [(title, labels.moment(now.on) or str(_("Date not known")))]
        more = ((str(_("Particulars")), text), (str(_("Note")), now.note))
        stands += [(name, words) for name, words in more if words]
        if page.header.may[Action.RECORD_FACT.value]:
            url = reverse("fact_correct", args=[page.header.id, now.id])
    title = str(said % {"who": became.who, "at": at})
    return OvertakenNotice(title, became.last.reason, stands, now.id if now else None, url)


def foreign(lang: str) -> str:
    """Return the language of the law's words for a `lang` attribute; empty where the page itself is in it."""
    return "" if lang == labels.law_language() else lang


def language_links(lang: str) -> list[tuple[str, str, bool]]:
    """Return the languages to read the law in, as (code, own name, chosen); none where there is only one."""
    found = [(code, name, code == lang) for code, name in labels.law_languages()]
    return found if len(found) > 1 else []


def put_errors(form: forms.Form, error: Invalid) -> None:
    """Put the sentences of a refusal beside the fields that they are about; others stand above the form."""
    for name, sentence in error.fields.items():
        form.add_error(name if name in form.fields else None, str(sentence))


def page_number(request: HttpRequest) -> int:
    """Return the asked-for page; anything that is no positive number is the first."""
    text = request.GET.get("page", "")
    return max(1, int(text)) if text.isdecimal() and len(text) <= _LONGEST_NUMBER else 1


def uuid_or_none(text: str) -> UUID | None:
    """Return the UUID that `text` spells, or None."""
    try:
        return UUID(text)
    except ValueError:
        return None
