"""What people change about themselves."""

from __future__ import annotations

from django.db import transaction

from casework.accounts.models import User
from casework.audit import services as audit
from casework.core import work
from casework.core.errors import NotAllowed


def update_profile(*, user: User, name: str, language: str, age_recipient: str) -> User:
    """Change one's own name, language and key for dossiers; what changed is on record, and nothing where nothing did.

    Raises:
        NotAllowed: somebody else's profile.
    """
    if work.current().actor.user_id != user.pk:
        raise NotAllowed
    given = {"name": name, "language": language, "age_recipient": age_recipient}
    changed = [field for field, value in given.items() if getattr(user, field) != value]
    if not changed:
        return user
    for field in changed:
        setattr(user, field, given[field])
    with transaction.atomic():
        user.save(update_fields=changed)
        if plain := [field for field in changed if field != "age_recipient"]:
            audit.record("account.updated", obj=user.pk, body={"fields": plain})
        if "age_recipient" in changed:
            audit.record("account.recipient_key_set", obj=user.pk, body={"removed": not age_recipient})
    return user
