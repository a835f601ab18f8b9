"""What an erased case leaves in the store of files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db import transaction
from django.dispatch import receiver

from casework.cases.signals import case_erased
from casework.documents import services


@receiver(case_erased)
def case_is_erased(objects: Sequence[UUID], **kwargs: Any) -> None:
    """Its files go with the commit, not before: what is rolled back has lost nothing. The sweep takes what is left."""
    transaction.on_commit(lambda: services.remove_objects(objects))
