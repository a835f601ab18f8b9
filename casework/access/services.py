"""Grants are written here and nowhere else."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from uuid import UUID

from django.contrib.auth.models import Permission
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from casework.access import policies, registry, selectors
from casework.access.actions import Action
from casework.access.models import GrantFields
from casework.access.types import Level
from casework.accounts import selectors as accounts
from casework.audit import services as audit
from casework.core import clock, jobs, work
from casework.core.errors import Invalid, NotAllowed
from casework.crypto import services as crypto


@cache
def permission_id(level: Level) -> int:
    """Return the id of guardian's permission that stands for a level."""
    case_model = registry.tables().user._meta.get_field("content_object").related_model
    return Permission.objects.get(
        content_type__app_label=case_model._meta.app_label,
        content_type__model=case_model._meta.model_name,
        codename=level.codename,
    ).pk


def grant_first(*, case_id: UUID, user_id: UUID, coordinators: int) -> None:
    """Write the grants of a case that is about to be made: its maker leads it, and so do the team's coordinators.

    Runs before the case row exists (the key is deferrable), since row-level security lets nobody insert a case that
    they may not see. `coordinators`: the id of the team's coordinator group.
    """
    _write(case_id=case_id, level=Level.LEAD, reason="", until=None, user_id=user_id)
    _write(case_id=case_id, level=Level.LEAD, reason="", until=None, group_id=coordinators)


def grant(
    *,
    case_id: UUID,
    level: Level,
    reason: str,
    until: datetime | None = None,
    user_id: UUID | None = None,
    group_id: int | None = None,
) -> None:
    """Give a person or a team role `level` on a case until `until` (None: without end); writes to the trail.

    A second grant of the same level to the same holder replaces the first.

    Raises:
        NotFound, NotAllowed: the actor may not share this case.
    """
    policies.check(Action.SHARE_CASE, case_id)
    _write(case_id=case_id, level=level, reason=reason, until=until, user_id=user_id, group_id=group_id)


def move_first_grants(*, case_id: UUID, lead_id: UUID, old_lead_id: UUID | None) -> None:
    """Let `lead_id` lead the case; the former lead may still work on it, so that nothing is dropped half done.

    Raises:
        NotFound, NotAllowed: the actor may not assign this case.
    """
    policies.check(Action.ASSIGN_CASE, case_id)
    _write(case_id=case_id, level=Level.LEAD, reason="", until=None, user_id=lead_id)
    if old_lead_id is not None and old_lead_id != lead_id:
        _write(case_id=case_id, level=Level.WORK, reason="", until=None, user_id=old_lead_id)
        registry.tables().user.objects.filter(
            content_object_id=case_id, user_id=old_lead_id, permission_id=permission_id(Level.LEAD)
        ).delete()
        selectors.forget_levels()


def move_many_first_grants(*, case_ids: Sequence[UUID], lead_id: UUID, old_lead_id: UUID, take_back: bool) -> None:
    """Do as `move_first_grants` for many cases, in a fixed number of statements.

    `take_back`: the former lead loses every grant of their own on these cases, instead of working on.

    Raises:
        NotFound, NotAllowed: the actor may not assign one of these cases.
        Invalid: it would end the actor's own access to one of them (field `take_back`).
    """
    selectors.levels_for(work.current().actor.user_id, case_ids)  # read at once, and asked for each below
    for case_id in case_ids:
        policies.check(Action.ASSIGN_CASE, case_id)
    table = registry.tables().user
    lead, working = permission_id(Level.LEAD), permission_id(Level.WORK)
    before = list(
        table.objects.filter(
            Q(user_id=lead_id, permission_id=lead)
            | Q(user_id=old_lead_id, **({} if take_back else {"permission_id__in": [lead, working]})),
            content_object_id__in=list(case_ids),
        ).values_list("pk", "user_id", "content_object_id", "permission_id")
    )
    held = {(user_id, case_id, level) for _pk, user_id, case_id, level in before}
    given = [(lead_id, lead)] if take_back else [(lead_id, lead), (old_lead_id, working)]
    levels = Permission.objects.in_bulk([lead, working])
    made = [
        table(
            content_object_id=case_id,
            user_id=user_id,
            permission=levels[level],
            granted_by=work.current().actor.user_id,
            granted_at=clock.now(),
        )
        for case_id in case_ids
        for user_id, level in given
    ]
    for row in made:
        row.reason = ""
        row.mac = accounts.mac_of(row.signed_bytes())
    # A changed grant is a new row under a new id, as `_write` has it; the unique key wants the old one gone first. What
    # the former lead held goes last: it may be by what the actor leads the case.
    anew = {(user_id, level) for user_id, level in given}
    table.objects.filter(pk__in=[pk for pk, user_id, _case, level in before if (user_id, level) in anew]).delete()
    table.objects.bulk_create(made)
    table.objects.filter(pk__in=[pk for pk, user_id, _case, level in before if (user_id, level) not in anew]).delete()
    selectors.forget_levels()
    actor_id = work.current().actor.user_id
    if len(selectors.levels_for(actor_id, case_ids)) < len(case_ids):
        # Besides leaving them with nothing, they could no longer write the trail of what they just did.
        selectors.forget_levels()
        raise Invalid({"take_back": _("This would end your own access to some of these cases. Leave it empty.")})
    for row in made:
        key = (row.user_id, row.content_object_id, row.permission_id)
        body = {"level": row.level.codename, "holder": str(row.user_id), "until": "", "reason": ""}
        action = "grant.changed" if key in held else "grant.given"
        audit.record(action, case=row.content_object_id, obj=row.pk, body=body)
    if take_back:
        for pk, user_id, case_id, _level in before:
            if user_id == old_lead_id:
                audit.record("grant.revoked", case=case_id, obj=pk)


def revoke(*, case_id: UUID, grant_id: UUID, for_cause: bool = False) -> None:
    """Take one grant back; it stops with this transaction. Writes to the trail.

    `for_cause`: its holder may have got at more than pages. The case's key is renewed in this very transaction, and a
    task seals what was stored before; until then the older generation goes on opening.

    Raises:
        NotFound, NotAllowed: the actor may not share this case, or would end their own access.
    """
    policies.check(Action.SHARE_CASE, case_id)
    tables = registry.tables()
    for table in (tables.user, tables.group):
        deleted, _by_model = table.objects.filter(content_object_id=case_id, pk=grant_id).delete()
        if deleted:
            audit.record("grant.revoked", case=case_id, obj=grant_id)
    selectors.forget_levels()
    if selectors.level_on(work.current().actor.user_id, case_id) is None:
        # Besides leaving nobody behind, they could no longer write the trail of what they just did.
        raise NotAllowed(_("This would end your own access. Somebody else who leads the case can take it back."))
    if for_cause:
        # The last act: whatever this unit stores after it, its entries in the trail included, is under the new key.
        generation = crypto.renew_scope(case_id)
        audit.record("key.created", case=case_id, body={"generation": generation, "revoked": str(grant_id)})
        jobs.enqueue("operations.finish_case_key", case_id)


def _write(
    *,
    case_id: UUID,
    level: Level,
    reason: str,
    until: datetime | None,
    user_id: UUID | None = None,
    group_id: int | None = None,
) -> None:
    tables = registry.tables()
    table: type[GrantFields] = tables.user if user_id is not None else tables.group
    holder: dict[str, UUID | int | None] = {"user_id": user_id} if user_id is not None else {"group_id": group_id}
    place = {"content_object_id": case_id, "permission_id": permission_id(level), **holder}
    # A changed grant is a new row under a new id: the old one's MAC covers the old id, and is of no more use.
    changed, _by_model = table.objects.filter(**place).delete()  # type: ignore[attr-defined]
    row = table(**place)
    row.reason, row.until = reason, until
    row.granted_by, row.granted_at = work.current().actor.user_id, clock.now()
    row.mac = accounts.mac_of(row.signed_bytes())
    # guardian's own save() asks for the object behind the key, which does not exist yet for a case's first grant.
    models.Model.save(row, force_insert=True)
    selectors.forget_levels()
    body = {
        "level": level.codename,
        "holder": str(user_id or group_id),
        "until": until.isoformat() if until else "",
        "reason": reason,
    }
    audit.record("grant.changed" if changed else "grant.given", case=case_id, obj=row.pk, body=body)
