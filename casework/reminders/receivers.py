"""What makes a case's reminders old: other limits, another lead or team, closing. Each asks in its own transaction."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.db.models.signals import post_save
from django.dispatch import receiver

from casework.cases.signals import leads_changed
from casework.notices.signals import dispatching
from casework.procedure.signals import limits_changed
from casework.reminders import services

# Columns of a case that say whom to tell, and whether at all.
_WHOM = frozenset({"lead", "lead_id", "team", "team_id", "state"})


@receiver(limits_changed)
def limits_moved(case_id: UUID, **kwargs: Any) -> None:
    """Other limits: other dates to speak of."""
    services.ask(case_id)


@receiver(post_save, sender="cases.Case")
def case_moved(instance: Any, created: bool, update_fields: Collection[str] | None, **kwargs: Any) -> None:
    """Another lead or team, or a closed case: others to be told, or nobody. A new case has no limits yet."""
    if not created and (update_fields is None or _WHOM.intersection(update_fields)):
        services.ask(instance.pk)


@receiver(leads_changed)
def cases_moved(case_ids: Collection[UUID], **kwargs: Any) -> None:
    """Many cases have another lead at once."""
    for case_id in case_ids:
        services.ask(case_id)


@receiver(dispatching)
def about_to_dispatch(**kwargs: Any) -> None:
    """Plan what was asked for while nobody could be woken."""
    services.plan_pending()
