"""What the database itself allows each role with the outbox."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import psycopg
import pytest

from casework.core import clock
from casework.notices import services
from tests.cast import Cast
from tests.conftest import running_as
from tests.notices.outbox import NOW, a_notice, put

pytestmark = pytest.mark.django_db(transaction=True)
Connect = Callable[[str], psycopg.Connection[Any]]


@pytest.fixture
def wandas(people: Cast) -> Cast:
    """Wanda has a line in her inbox, a mail that was sent and one that is planned."""
    with running_as("worker"), clock.fixed(NOW):
        put(a_notice(people.wanda, "inbox"), a_notice(people.wanda))
        services.dispatch()
        put(a_notice(people.wanda))
    return people


def as_user(connection: psycopg.Connection[Any], user_id: UUID, sql: str) -> int:
    with connection.transaction():
        connection.execute("SELECT set_config('app.user_id', %s, true)", [str(user_id)])
        return connection.execute(sql).rowcount


class TestWebRole:
    """Sees its own user's rows; may mark them seen or acknowledged, and nothing else."""

    def test_sees_no_row_of_somebody_else_and_none_without_a_user(self, wandas: Cast, as_role: Connect) -> None:
        web = as_role("web")
        assert as_user(web, wandas.wanda, "SELECT id FROM notices_notice") == 3
        assert as_user(web, wandas.cora, "SELECT id FROM notices_notice") == 0
        assert web.execute("SELECT id FROM notices_notice").rowcount == 0

    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE notices_notice SET state = 'voided'",
            "UPDATE notices_notice SET settled_at = now()",
            "UPDATE notices_notice SET recipient_id = gen_random_uuid()",
            "DELETE FROM notices_notice",
            "INSERT INTO notices_notice (id) VALUES (gen_random_uuid())",
            "TRUNCATE notices_notice",
            "UPDATE notices_heartbeat SET at = now()",
            "INSERT INTO notices_heartbeat (name) VALUES ('planning')",
        ],
    )
    def test_may_not(self, wandas: Cast, as_role: Connect, statement: str) -> None:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            as_user(as_role("web"), wandas.wanda, statement)

    def test_marks_lines_of_its_own_inbox_alone(self, wandas: Cast, as_role: Connect) -> None:
        mark = "UPDATE notices_notice SET acknowledged_at = now()"
        assert as_user(as_role("web"), wandas.cora, mark) == 0
        assert as_user(as_role("web"), wandas.wanda, mark) == 1


class TestOtherRoles:
    """The sealer has no business here; the worker writes and never deletes."""

    def test_sealer_sees_nothing(self, wandas: Cast, as_role: Connect) -> None:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            as_role("sealer").execute("SELECT * FROM notices_notice")

    def test_worker_deletes_nothing(self, wandas: Cast, as_role: Connect) -> None:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            as_role("worker").execute("DELETE FROM notices_notice")

    def test_row_level_security_is_forced(self, wandas: Cast, as_role: Connect) -> None:
        found = as_role("owner").execute(
            "SELECT relname FROM pg_class WHERE relrowsecurity AND relforcerowsecurity"
            " AND relname IN ('notices_notice', 'reminders_pending')"
        )
        assert len(found.fetchall()) == 2


class TestPendingRequests:
    """The web role may ask and may not read what was asked."""

    def test_web_inserts_and_reads_nothing(self, wandas: Cast, as_role: Connect) -> None:
        ask = (
            "INSERT INTO reminders_pending (id, case_id, asked_at) VALUES (gen_random_uuid(), gen_random_uuid(), now())"
        )
        assert as_user(as_role("web"), wandas.wanda, ask) == 1
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            as_user(as_role("web"), wandas.wanda, "SELECT * FROM reminders_pending")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            as_user(as_role("web"), wandas.wanda, "DELETE FROM reminders_pending")
