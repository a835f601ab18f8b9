"""What makes a case's derived state old besides facts: its people and its country, which the law asks for."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models.signals import post_save
from django.dispatch import receiver

from casework.cases.signals import case_erasing, case_reopened, country_changing
from casework.cases.types import Relation
from casework.notices.signals import dispatching
from casework.procedure import deriving, services, telling


@receiver(post_save, sender="cases.Person")
def person_saved(instance: Any, created: bool, **kwargs: Any) -> None:
    """A person was added or changed; the case's country is saved together with its applicant."""
    if created and instance.relation == Relation.APPLICANT:
        return
    services.follow(instance.case_id)


@receiver(country_changing)
def country_to_change(case_id: UUID, former: str, country: str, **kwargs: Any) -> None:
    """Another country: refused where the facts contradict it."""
    services.check_country(case_id, former=former, country=country)


@receiver(case_reopened)
def case_open_again(case_id: UUID, **kwargs: Any) -> None:
    """Time went by while nobody followed the case."""
    services.follow(case_id)


@receiver(case_erasing)
def case_to_be_erased(case_id: UUID, **kwargs: Any) -> None:
    """Whoever derives the case is waited for; so do all who take the case's row after this lock."""
    deriving.lock([case_id])


@receiver(dispatching)
def about_to_dispatch(**kwargs: Any) -> None:
    """What waits to be told follows its cases."""
    telling.follow_cases()
