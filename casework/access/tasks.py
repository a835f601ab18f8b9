"""Background work of this area: wakes the services, holds no logic."""

from celery import shared_task

from casework.access import watching


@shared_task(name="access.watch")
def watch() -> None:
    """Look for unusual access in what is new in the trail; beat calls this every minute."""
    watching.watch()
