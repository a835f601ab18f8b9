"""Background work of this area: wakes the services, holds no logic."""

from uuid import UUID

from celery import shared_task

from casework.operations import keys


@shared_task(name="operations.finish_case_key")
def finish_case_key(case_id: str) -> None:
    """Seal anew what lies under older keys of a case whose key was renewed just before."""
    keys.finish_case_key(UUID(case_id), progress=lambda done: None)


@shared_task(name="operations.keep_keys")
def keep_keys() -> None:
    """Finish the renewals of keys that nobody finished; beat calls this every hour."""
    keys.keep()
