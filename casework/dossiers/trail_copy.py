"""A copy of a case's trail for the person it is about: who saw their data, and when (Article 15 GDPR).

It says what was done in the plain sentences of the register and nothing of the particulars: searches, purposes, other
people and other cases stay out of it. Refused attempts are counted and not told one by one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from casework.access.actions import Action
from casework.accounts import selectors as accounts
from casework.accounts.types import Role, Standing
from casework.audit import actions
from casework.audit import selectors as trail
from casework.audit import services as audit
from casework.audit.types import TrailEntry, TrailFilter
from casework.cases import selectors as cases
from casework.core import clock
from casework.printing import certificate
from casework.printing.certificate import Certificate, Section

_GROUP: Final = 8


def copy_for_person(
    case_id: UUID, *, wanted: TrailFilter, names: bool = False, language: str = "en-gb", organisation: str = ""
) -> bytes:
    """Return a PDF for the person whose case it is; one trail entry, with the reason that they asked for it.

    Args:
        wanted: its `since` and `until` say which period; empty means the whole trail.
        names: name colleagues; otherwise each stands there by role and team.
    Raises:
        NotFound, NotAllowed: the actor may not know of the case, or not hand its trail out.
    """
    reference = cases.case_for(case_id, Action.EXPORT_TRAIL).reference
    # What this very page has looked at is not yet written: the copy ends before it.
    entries = list(trail.all_of_case(case_id, wanted=wanted))
    told = [entry for entry in entries if entry.outcome != actions.REFUSED]
    refused = len(entries) - len(told)
    audit.record("audit.exported", case=case_id, reason="person_request", body={"names": names, "entries": len(told)})
    with translation.override(language):
        page = Certificate(
            title=_("Who saw your data, and when"),
            subtitle=_("Case %(reference)s") % {"reference": reference},
            organisation=organisation,
            language=language,
            footer=reference,
            page=_("Page {page} / {pages}"),
            sections=(_about(reference, wanted, told, refused), _list(told, names=names), _proof(case_id)),
        )
        return certificate.build(page)


def _about(reference: str, wanted: TrailFilter, told: list[TrailEntry], refused: int) -> Section:
    first = wanted.since or (told[0].at if told else None)
    period = _("%(first)s to %(last)s") % {
        "first": _moment(first) if first else _("the beginning"),
        "last": _moment(wanted.until or clock.now()),
    }
    shortened = (
        _(
            "This copy was shortened to this period. Data protection law allows that only where more would endanger"
            " somebody or adversely affect the rights of others (Articles 15(4) and 23 GDPR). You can ask why, and"
            " complain to the data protection authority."
        ),
    )
    return Section(
        rows=(
            (_("Case"), reference),
            (_("Period"), period),
            (_("Printed on"), _moment(clock.now())),
            (_("Times"), _("as clocks in %(zone)s show them") % {"zone": timezone.get_current_timezone_name()}),
            (_("Entries"), str(len(told))),
            (
                _("Refused attempts"),
                ngettext("%(count)d: nothing was shown", "%(count)d: nothing was shown", refused) % {"count": refused},
            ),
        ),
        paragraphs=(
            _(
                "You have the right to know who processed your data, and when (Article 15 GDPR). Each time somebody"
                " opens, changes or hands out something of your case, or the system works on it by itself, an entry is"
                " made that nobody can change or remove unseen. They are listed below, oldest first. What you told us"
                " is not repeated here."
            ),
            _(
                "A refused attempt is one in which somebody asked for your case who may not see it, or for something"
                " that they may not do. They were shown nothing of it."
            ),
            *(shortened if wanted.since or wanted.until else ()),
        ),
    )


def _list(told: list[TrailEntry], *, names: bool) -> Section:
    who = _who(_actors(told), names=names)
    lines = [(str(number), _moment(entry.at), *_line(entry, who)) for number, entry in enumerate(told, start=1)]
    if not lines:
        return Section(heading=_("What was done"), paragraphs=(_("Nothing in this period."),))
    head = (_("No."), _("When"), _("Who"), _("What"))
    return Section(heading=_("What was done"), table=(head, *lines))


def _line(entry: TrailEntry, who: Mapping[UUID, str]) -> tuple[str, str]:
    if entry.damaged:
        # Of what somebody else may have written, nothing is told on.
        return "", _("This entry was changed outside the application")
    if entry.by_machine:
        actor = _("The system, by itself")
    elif entry.actor is None:
        actor = _("Nobody signed in")
    else:
        actor = who[entry.actor]
    failed = _("%(what)s (it failed)") % {"what": entry.sentence} if entry.outcome == actions.FAILED else ""
    return actor, failed or str(entry.sentence)


def _actors(told: Iterable[TrailEntry]) -> list[UUID]:
    """Return who acted, in the order of their first entry."""
    return list(dict.fromkeys(entry.actor for entry in told if entry.actor and not entry.by_machine))


def _who(ids: list[UUID], *, names: bool) -> dict[UUID, str]:
    """Return how colleagues are called: by role and team, numbered where that fits several; or by name as well."""
    standings = {pk: accounts.standing_of(pk) for pk in ids}
    teams = accounts.team_names(team for held in standings.values() for _role, team in held.teams_by_role)
    roles = {pk: _roles(held, teams) for pk, held in standings.items()}
    if names:
        people = accounts.people(ids)
        return {pk: f"{people[pk].name} ({roles[pk]})" if pk in people else roles[pk] for pk in ids}
    often, met = Counter(roles.values()), Counter[str]()
    called = {}
    for pk, role in roles.items():
        met[role] += 1
        called[pk] = _("%(role)s (%(number)d)") % {"role": role, "number": met[role]} if often[role] > 1 else role
    return called


def _roles(held: Standing, teams: Mapping[UUID, str]) -> str:
    """Return the roles that somebody holds now: the trail does not say which one they held then."""
    found = [f"{Role(role).label}, {teams.get(team, '')}" for role, team in sorted(held.teams_by_role)]
    with_team = {role for role, _team in held.teams_by_role}
    found += [str(Role(role).label) for role in sorted(held.roles - with_team)]
    return "; ".join(found) or _("Former colleague")


def _proof(case_id: UUID) -> Section:
    end, seal = trail.end_of_stream(case_id), trail.seal_over(case_id)
    rows = [(_("Stream of the trail"), str(case_id))]
    if end is not None:
        digest = end.hash.hex()
        grouped = " ".join(digest[at : at + _GROUP] for at in range(0, len(digest), _GROUP))
        rows += [
            (_("Last entry"), _("No. %(number)d of its stream") % {"number": end.seq}),
            (_("Hash of the last entry (SHA-256)"), grouped),
        ]
    if seal is not None:
        said = _("No. %(number)d, %(size)d entries, signed on %(moment)s; covers this stream up to No. %(seq)d")
        told = {"number": seal.number, "size": seal.size, "moment": _moment(seal.signed_at), "seq": seal.seq}
        rows.append((_("Signed checkpoint"), said % told))
    return Section(
        heading=_("How this can be checked"),
        rows=tuple(rows),
        paragraphs=(
            _(
                "Whoever leads the case can hand out a proof of its whole trail, as a file. Your lawyer checks it"
                " without our server, with the program verify_proof.py: the file proves that nothing was changed or"
                " removed. Save the lines below as a file and name it with --checkpoint: the program then also shows"
                " that the trail still begins with what was signed when this was printed. Ask for a proof that goes"
                " back to the number of entries of this checkpoint."
            )
            if seal is not None
            else _("Nothing of this trail was signed yet when this was printed: ask again in a minute."),
        ),
        lines=tuple(seal.note.rstrip("\n").split("\n")) if seal is not None else (),
    )


def _moment(at: datetime) -> str:
    # By the organisation's clocks, which the page names: the person was there.
    return date_format(timezone.localtime(at), "j F Y, H:i")
