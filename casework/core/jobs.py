"""The way to wake a background task: on commit, by name, with ids only. The work itself is rows in PostgreSQL."""

import logging
import re
from uuid import UUID

from celery import Celery, Task, current_app
from celery.exceptions import OperationalError
from django.db import transaction

logger = logging.getLogger(__name__)
_CODE = re.compile(r"[a-z][a-z0-9_.-]{0,40}")


class ArgumentRefused(ValueError):
    """A task argument is neither a UUID nor a code; its value is not repeated here."""


def check_argument(value: object) -> str:
    """Return `value` as text when it is a UUID or a short lower-case code; raise ArgumentRefused otherwise."""
    text = str(value)
    if _CODE.fullmatch(text):
        return text
    try:
        return str(UUID(text))
    except ValueError:
        raise ArgumentRefused("task arguments are UUIDs or codes") from None


class IdOnlyTask(Task):
    """Base of every task: refuses at publish whatever is not an id or a code, so that the broker holds no person."""

    abstract = True

    def apply_async(self, args=None, kwargs=None, **options):  # type: ignore[no-untyped-def]
        checked = [check_argument(value) for value in args or ()]
        named = {key: check_argument(value) for key, value in (kwargs or {}).items()}
        return super().apply_async(checked, named, argsrepr="", kwargsrepr="", **options)


def enqueue(name: str, *ids: UUID | str, queue: str = "ordinary") -> None:
    """Send the task `name` when the transaction commits. A broker that is down loses nothing: beat finds the rows."""
    checked = [check_argument(value) for value in ids]

    def send() -> None:
        app: Celery = current_app._get_current_object()
        try:
            app.send_task(name, args=checked, queue=queue, retry=False, argsrepr="", kwargsrepr="")
        except (OSError, OperationalError) as error:
            logger.warning("job.broker_unreachable", extra={"event": "job.broker_unreachable", "error": type(error)})

    transaction.on_commit(send)
