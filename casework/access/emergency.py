"""Break-glass: a coordinator opens a case of another team for 60 minutes, and everybody concerned is told at once.

The database finds the case and writes the grant (`cases/0007`), since the walls show a coordinator nothing of a case
that is not theirs. Tries are counted in the trail, where each is on record anyway: there is nothing else to empty.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.contrib.auth.models import Permission
from django.db import connection
from django.utils.translation import gettext_lazy as _

from casework.access import policies, registry, selectors, services
from casework.access.actions import Action
from casework.access.types import GrantView, Level
from casework.accounts import selectors as accounts
from casework.accounts.types import Role
from casework.audit import selectors as trail
from casework.audit import services as audit
from casework.core import clock, ids, work
from casework.core.errors import Conflict, Invalid
from casework.notices import alerts
from casework.notices.types import Kind

LENGTH: Final = timedelta(minutes=60)
MOST_TRIES: Final = 5
WITHIN: Final = timedelta(hours=1)
SHORTEST_REASON: Final = 15

_ACTION: Final = "access.glass_broken"
_LOCK: Final = 0x6377_6267  # "cwbg"
_REFERENCE: Final = re.compile(r"[0-9A-Z]{8}")


class AlreadySeen(Conflict):
    """The actor may open the case as it is; `case_id` is which."""

    def __init__(self, case_id: UUID) -> None:
        super().__init__(_("You can open this case already."))
        self.case_id = case_id


class TooManyTries(Conflict):
    """The actor has tried too often; `again_at` is when they may try again."""

    def __init__(self, again_at: datetime) -> None:
        super().__init__(_("Five tries an hour are the most. A coordinator of the case's team can share it with you."))
        self.again_at = again_at


def break_glass(reference: str, reason: str) -> UUID:
    """Let the actor work on a case of another team for 60 minutes and return its id.

    The lead and the coordinators of its team are told with this unit of work; the reason stands, sealed, in the grant
    and in the case's trail. A reference that belongs to no case is on record with who tried it, in a way that outlives
    the raising.

    Raises:
        NotAllowed: the actor coordinates no team.
        Invalid: too short a reason (field `reason`), or no such case, or one that was erased (field `reference`).
        AlreadySeen: the actor may open the case without it.
        TooManyTries: five within an hour, whatever came of them.
    """
    policies.check(Action.BREAK_GLASS)
    named, why = _reference(reference), " ".join(reason.split())
    if len(why) < SHORTEST_REASON or " " not in why:
        raise Invalid({"reason": _("Say in a few words what is happening and why it cannot wait.")})
    actor = work.current().actor
    assert actor.user_id is not None
    _check_tries(actor)
    with connection.cursor() as cursor:
        cursor.execute("SELECT case_id, begins, ends FROM cw_emergency_case(%s)", [named])
        found = cursor.fetchone()
    if found is None:
        audit.record_refusal(actor, _ACTION, reason="not_found", body={"reference": named})
        raise Invalid({"reference": _("There is no case with this reference. Look whether every sign is right.")})
    case_id, begins, ends = found
    if selectors.level_on(actor.user_id, case_id) is not None:
        raise AlreadySeen(case_id)
    row = _write(case_id, actor.user_id, begins, ends, why)
    audit.record(_ACTION, case=case_id, obj=row.pk, reason="emergency", body={"reason": why, "until": ends.isoformat()})
    alerts.tell(
        Kind.GLASS_BROKEN,
        _to_be_told(case_id) - {actor.user_id},
        about_id=row.pk,
        case_id=case_id,
        subject_id=actor.user_id,
    )
    return case_id  # type: ignore[no-any-return]


def _reference(text: str) -> str:
    """Return a reference as it is stored, however it was typed; what cannot be one is no try."""
    signs = re.sub(r"[\W_]", "", text).upper()
    if not _REFERENCE.fullmatch(signs):
        raise Invalid({"reference": _("A reference has eight letters and digits, such as K7Q2-M4XD.")})
    return f"{signs[:4]}-{signs[4:]}"


def _check_tries(actor: work.Actor) -> None:
    assert actor.user_id is not None
    # One after the other, each with what those before it have committed: the lock holds until the unit's end.
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [_LOCK, str(actor.user_id)])
    tries = trail.tries_since(actor.user_id, _ACTION, clock.now() - WITHIN, but="too_many_attempts")
    if len(tries) >= MOST_TRIES:
        # Not counted itself: who goes on trying is not kept out for longer.
        audit.record_refusal(actor, _ACTION, reason="too_many_attempts")
        raise TooManyTries(tries[-MOST_TRIES] + WITHIN)


def _write(case_id: UUID, user_id: UUID, begins: datetime, ends: datetime, why: str) -> Any:
    """Have the database write the grant that the application signs; then the case's key seals the reason."""
    table = registry.tables().user
    permission = Permission.objects.get(pk=services.permission_id(Level.WORK))
    row = table(pk=ids.new_id(), content_object_id=case_id, user_id=user_id, permission=permission)
    row.granted_by, row.granted_at, row.until = user_id, begins, ends
    row.mac = accounts.mac_of(row.signed_bytes())
    with connection.cursor() as cursor:
        cursor.execute("SELECT cw_break_glass(%s, %s, %s)", [case_id, row.pk, row.mac])
        selectors.forget_levels()
        row.reason = why
        sealed = table._meta.get_field("reason").pre_save(row, add=True)
        cursor.execute("SELECT cw_say_why(%s, %s)", [row.pk, sealed])
    return row


def _to_be_told(case_id: UUID) -> set[UUID]:
    """Return the lead and the team's coordinators; where there is none of them, those of all teams."""
    case_model = registry.tables().user._meta.get_field("content_object").related_model
    lead_id, team_id = case_model.objects.values_list("lead_id", "team_id").get(pk=case_id)
    told = {person.id for person in accounts.holders(Role.COORDINATOR, [team_id])}
    if accounts.standing_of(lead_id).roles:
        told.add(lead_id)
    return told or {person.id for person in accounts.holders(Role.COORDINATOR)}


def is_emergency(grant: GrantView) -> bool:
    """Say whether a grant is an emergency's: its holder gave it to themselves, for just this long. Its MAC says so."""
    return (
        grant.holder_id is not None
        and grant.holder_id == grant.granted_by
        and grant.until is not None
        and grant.until - grant.granted_at == LENGTH
    )


def open_until(case_id: UUID) -> datetime | None:
    """Return until when the actor has a case open in an emergency; None where they do not."""
    user_id = work.current().actor.user_id
    table = registry.tables().user
    rows = table.objects.filter(
        content_object_id=case_id, user_id=user_id, granted_by=user_id, until__gt=clock.now()
    ).select_related("permission")
    ends = [row.until for row in rows if row.until - row.granted_at == LENGTH and selectors.is_sound(row)]
    return max(ends, default=None)
