"""A small trail of synthetic cases to tamper with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection

from casework.audit import seal, services, verify
from casework.core import ids, work
from casework.crypto import services as crypto
from casework.crypto import signing

FIRST = UUID("11111111-1111-4111-8111-111111111111")
SECOND = UUID("22222222-2222-4222-8222-222222222222")
USER = UUID("33333333-3333-4333-8333-333333333333")


@dataclass
class Trail:
    """A trail to tamper with. `execute` changes it behind the application's back."""

    sealer: seal.Sealer
    notes: list[str] = field(default_factory=list)

    def write(self, case: UUID, *names: str, actor: UUID = USER) -> None:
        """Write entries of a case, each in a unit of its own."""
        for name in names:
            with work.acting(work.Actor(actor)):
                services.record(name, case=case, obj=ids.new_id(), body={"why": "synthetic"})

    def seal(self) -> list[seal.Round]:
        """Seal all that waits and keep the notes, as somebody elsewhere would."""
        rounds = self.sealer.catch_up()
        self.notes += [done.note for done in rounds if done.note]
        return rounds

    def execute(self, statement: str, *values: Any) -> list[Any]:
        """Run a statement that no trigger sees."""
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL session_replication_role = replica")
            cursor.execute(statement, values)
            rows = cursor.fetchall() if cursor.description else []
            cursor.execute("SET LOCAL session_replication_role = origin")
        return rows

    def verification(self, **options: Any) -> verify.Verification:
        """Return a verification with the keys of this installation."""
        given = {"mac_keys": crypto.audit_mac_keys(), "public_key": self.sealer.key.public()} | options
        return verify.Verification(**given)

    def wrong(self, **options: Any) -> list[tuple[str, UUID | None, int]]:
        """Verify and return kind, stream and seq of what is wrong."""
        return [(found.kind, found.stream, found.seq) for found in self.verification(**options).run()]


def make() -> Trail:
    """Write three entries of one case and two of another, and seal them with what the template of the tests wrote."""
    with work.acting(work.Actor(USER)):
        crypto.create_scope("import", FIRST)
        crypto.create_scope("import", SECOND)
        crypto.create_scope("user", USER)
    made = Trail(seal.Sealer(signing.load_signing_key(settings.CASEWORK_SEALER_KEY_FILE), settings.CASEWORK_ORIGIN))
    made.write(FIRST, "case.created", "case.read", "case.updated")
    made.write(SECOND, "case.created", "case.read")
    made.seal()
    return made
