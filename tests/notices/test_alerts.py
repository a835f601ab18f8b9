"""Alerts: colleagues are told of a grave event in the unit of work in which it happens, once each."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.core import mail as django_mail
from django.test import Client

from casework.accounts import selectors as accounts
from casework.accounts.models import Membership, User
from casework.audit.models import Entry
from casework.core import ids, work
from casework.notices import alerts, selectors, services
from casework.notices.models import Notice
from casework.notices.types import ALERTS, Delivered, InboxItem, Kind
from tests.cast import Cast, acting, sign_in
from tests.conftest import running_as

pytestmark = pytest.mark.django_db(transaction=True)
Connect = Callable[[str], psycopg.Connection[Any]]
LOOKERS = ("cora", "wanda")


def dispatch() -> Delivered:
    with running_as("worker"):
        return services.dispatch()


def close(user_id: UUID) -> None:
    User.objects.filter(pk=user_id).update(is_active=False)


def lines_of(user_id: UUID) -> tuple[InboxItem, ...]:
    with acting(user_id):
        return selectors.inbox_for(user_id).items


def about(occasion: UUID) -> list[Notice]:
    with running_as("worker"), work.acting(work.system_actor()):
        return list(Notice.objects.filter(about_id=occasion).order_by("recipient_id", "channel"))


class TestTelling:
    """tell."""

    def test_is_a_line_and_a_mail_for_each_as_the_web_role(self, people: Cast) -> None:
        occasion = ids.new_id()
        with acting(people.wanda):
            told = alerts.tell(Kind.FROZEN, {people.cora, people.aud}, about_id=occasion, subject_id=people.wanda)
        assert told == 4
        assert dispatch() == Delivered(inbox=2, mail=2)
        (line,) = lines_of(people.cora)
        assert (line.kind, line.subject_id, line.case_id, line.urgent) == ("frozen", people.wanda, None, True)
        assert sorted(address for mail in django_mail.outbox for address in mail.to) == [
            "aud@example.org",
            "cora@example.org",
        ]

    def test_works_for_each_kind_and_also_where_nobody_is_signed_in(self, people: Cast) -> None:
        for kind in sorted(ALERTS - {Kind.UNUSUAL}):
            with work.acting(work.Actor(None)):
                assert alerts.tell(kind, [people.cora], about_id=ids.new_id(), subject_id=people.wanda) == 2

    def test_twice_is_once_whoever_tells_it(self, people: Cast) -> None:
        occasion = ids.new_id()
        with acting(people.wanda):
            alerts.tell(Kind.ROLE_ASKED, [people.cora, people.cora], about_id=occasion)
        with acting(people.otto):
            assert alerts.tell(Kind.ROLE_ASKED, [people.cora, people.olga], about_id=occasion) == 2
        assert dispatch() == Delivered(inbox=2, mail=2)
        with acting(people.ada):
            assert alerts.tell(Kind.ROLE_ASKED, [people.cora], about_id=occasion) == 0
            assert alerts.tell(Kind.ROLE_GIVEN, [people.cora], about_id=occasion) == 2

    def test_is_undone_with_what_it_tells_of(self, people: Cast) -> None:
        occasion = ids.new_id()
        with pytest.raises(RuntimeError), acting(people.wanda):
            alerts.tell(Kind.FROZEN, [people.cora], about_id=occasion)
            raise RuntimeError
        assert about(occasion) == []

    def test_tells_closed_accounts_nothing(self, people: Cast) -> None:
        occasion = ids.new_id()
        close(people.otto)
        with acting(people.wanda):
            assert alerts.tell(Kind.FROZEN, [people.otto, people.cora], about_id=occasion) == 2
        close(people.cora)  # after it was planned
        assert dispatch() == Delivered(failed=2)

    def test_refuses_what_is_no_alert(self, people: Cast) -> None:
        with acting(people.wanda), pytest.raises(ValueError, match="kind"):
            alerts.tell(Kind.LIMIT, [people.cora], about_id=ids.new_id())

    def test_is_on_record_as_notices_not_as_reminders(self, people: Cast) -> None:
        with acting(people.wanda):
            alerts.tell(Kind.FROZEN, [people.cora], about_id=ids.new_id())
        dispatch()
        with work.acting(work.system_actor()):
            assert Entry.objects.filter(action=655).count() == 2
            assert not Entry.objects.filter(action=651).exists()

    def test_mail_says_what_kind_of_thing_and_nothing_else(self, people: Cast) -> None:
        with acting(people.olga):
            alerts.tell(Kind.FROZEN, [people.cora], about_id=ids.new_id(), subject_id=people.wanda)
            case = ids.new_id()
            alerts.tell(Kind.GLASS_BROKEN, [people.aud], about_id=ids.new_id(), case_id=case, subject_id=people.olga)
        dispatch()
        for address, words in (("cora", "an account needs"), ("aud", "a case needs")):
            (mail,) = [mail for mail in django_mail.outbox if mail.to == [f"{address}@example.org"]]
            for body in (str(mail.body), str(mail.alternatives[0][0])):  # type: ignore[attr-defined]
                assert words in body
                assert "This is urgent" in body
                assert "time limit" not in body
                assert not any(secret in body for secret in ("Wanda", "Olga", "frozen", "emergency", str(case)))


class TestInbox:
    """Acknowledged is gone; what says that limits are planned, settled or follow a case leaves alerts alone."""

    def test_counts_until_seen_and_goes_when_acknowledged(self, people: Cast) -> None:
        with acting(people.wanda):
            alerts.tell(Kind.FROZEN, [people.cora], about_id=ids.new_id(), subject_id=people.wanda)
        dispatch()
        with acting(people.cora):
            assert selectors.unread_count(people.cora, Notice.objects.none()) == 1
            (line,) = services.open_inbox().items
            assert selectors.unread_count(people.cora, Notice.objects.none()) == 0
            assert services.acknowledge(line.id) == "frozen"
            assert selectors.inbox_for(people.cora).items == ()

    def test_planners_of_limits_do_not_meet_alerts(self, people: Cast) -> None:
        case, occasion = ids.new_id(), ids.new_id()
        with acting(people.olga):
            alerts.tell(Kind.GLASS_BROKEN, [people.cora], about_id=occasion, case_id=case)
        for _before_and_after in range(2):
            with running_as("worker"), work.acting(work.system_actor()):
                assert selectors.open_subjects([case]) == set()
                assert list(selectors.planned_subjects()) == []
            dispatch()
        # The case is not there, as if it had been closed: the line was told all the same.
        assert [row.state for row in about(occasion)] == ["sent", "sent"]


class TestPage:
    """The inbox in words: who, what, and where one acts; for every role, as grave events concern all of them."""

    def told(self, people: Cast, name: str, kind: str, **more: Any) -> str:
        with acting(people.otto):
            alerts.tell(kind, [getattr(people, name)], about_id=ids.new_id(), **more)
        dispatch()
        answer = sign_in(Client(), people.user(name)).get("/inbox/")
        assert answer.status_code == 200
        return str(answer.content.decode())

    def test_leads_to_where_one_acts(self, people: Cast) -> None:
        for name, url in (("cora", "/team/"), ("ada", "/people/"), ("aud", "/trail/?who="), ("wanda", "")):
            page = self.told(people, name, Kind.ROLE_GIVEN, subject_id=people.lev)
            line = page.partition('class="inbox-title">')[2].partition("</p>")[0]
            assert "Lev Lindqvist has a new role" in line
            assert (f'href="{url}' in line) if url else ("href" not in line)
            assert "Acknowledge" in page
            assert "Take in hand" not in page

    def test_says_each_kind_of_others_and_of_oneself(self, people: Cast) -> None:
        kinds = sorted(ALERTS - {Kind.UNUSUAL, Kind.GLASS_BROKEN})
        with acting(people.otto):
            for kind in kinds:
                alerts.tell(kind, [people.cora, people.wanda], about_id=ids.new_id(), subject_id=people.wanda)
        dispatch()
        pages = {name: str(sign_in(Client(), people.user(name)).get("/inbox/").content.decode()) for name in LOOKERS}
        assert all(page.count('class="inbox-title"') == len(kinds) for page in pages.values())
        assert all(page.count("Acknowledge") == len(kinds) and "%(" not in page for page in pages.values())
        assert pages["cora"].count("Wanda Wójcik") >= len(kinds)
        assert "You have a new role" in pages["wanda"]
        assert "Your frozen account is opened again" in pages["wanda"]

    def test_acknowledged_is_gone(self, people: Cast) -> None:
        page = self.told(people, "ada", Kind.SWITCHED_OFF, subject_id=people.lev)
        action = page.split('action="/inbox/')[1].split('"')[0]
        answer = sign_in(Client(), people.user("ada")).post(f"/inbox/{action}", follow=True)
        assert "Acknowledged." in answer.content.decode()
        assert "Lindqvist" not in answer.content.decode()

    def test_hides_a_case_that_the_reader_does_not_see(self, people: Cast) -> None:
        page = self.told(people, "cora", Kind.GLASS_BROKEN, case_id=ids.new_id(), subject_id=people.olga)
        assert "Nothing waits for you" in page


class TestWall:
    """The database: alerts may be added by the web role, under their own key; nothing of others is read or changed."""

    GOOD: dict[str, Any] = {
        "kind": "frozen",
        "channel": "inbox",
        "state": "planned",
        "urgency": 0,
        "attempts": 0,
        "failure": "",
        "step": "frozen",
        "due_on": "2026-09-22",
        "planned_at": "2026-09-22T10:00Z",
        "send_at": "2026-09-22T10:00Z",
        "next_try_at": "2026-09-22T10:00Z",
    }

    def insert(self, web: psycopg.Connection[Any], people: Cast, **changes: Any) -> int:
        occasion = ids.new_id()
        row = {"id": ids.new_id(), "recipient_id": people.cora, "about_id": occasion, **self.GOOD, **changes}
        row.setdefault("key", f"{people.cora}:{row['channel']}:{occasion}:{row['kind']}")
        names = ", ".join(row)
        with web.transaction():
            web.execute("SELECT set_config('app.user_id', %s, true)", [str(people.wanda)])
            values = ", ".join(f"%({name})s" for name in row)
            return web.execute(f"INSERT INTO notices_notice ({names}) VALUES ({values})", row).rowcount

    def test_takes_an_alert(self, people: Cast, as_role: Connect) -> None:
        assert self.insert(as_role("web"), people) == 1

    def test_refuses_what_is_none_or_is_not_new(self, people: Cast, as_role: Connect) -> None:
        at = "2026-09-22T10:00Z"
        web = as_role("web")
        for changes in (
            {"kind": "limit", "step": "7d"},
            {"kind": "correction", "step": "correction"},
            {"kind": "unusual", "step": "unusual"},
            {"state": "sent", "sent_at": at},
            {"state": "claimed", "claimed_by": ids.new_id(), "claimed_until": at, "channel": "mail"},
            {"state": "voided"},
            {"state": "failed", "failure": "inactive"},
            {"attempts": 40},
            {"claimed_by": ids.new_id()},
            {"settled_at": at},
            {"key": "of-a-reminder-that-is-to-come"},
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                self.insert(web, people, **changes)

    def test_shows_and_changes_nothing_of_what_was_told_to_others(self, people: Cast, as_role: Connect) -> None:
        web = as_role("web")
        self.insert(web, people)
        with web.transaction():
            web.execute("SELECT set_config('app.user_id', %s, true)", [str(people.wanda)])
            assert web.execute("SELECT 1 FROM notices_notice").rowcount == 0
            assert web.execute("UPDATE notices_notice SET seen_at = now()").rowcount == 0


class TestWhomToTell:
    """accounts.selectors.everyone_to_tell, coordinators_of."""

    def test_the_person_their_coordinators_and_all_who_administer_or_audit(self, people: Cast) -> None:
        assert accounts.everyone_to_tell(people.wanda) == {people.wanda, people.cora, people.ada, people.aud}
        assert accounts.everyone_to_tell(people.lev) == {people.lev, people.cora, people.olga, people.ada, people.aud}
        assert accounts.coordinators_of([people.north, people.south]) == {people.cora, people.olga}
        assert accounts.coordinators_of([]) == set()

    def test_the_only_coordinator_of_a_team_is_known_to_those_of_others(self, people: Cast) -> None:
        assert accounts.everyone_to_tell(people.cora) == {people.cora, people.olga, people.ada, people.aud}

    def test_a_closed_account_has_its_teams_and_hears_nothing(self, people: Cast) -> None:
        close(people.wanda)
        assert accounts.everyone_to_tell(people.wanda) == {people.cora, people.ada, people.aud}

    def test_a_membership_that_was_not_signed_tells_nobody(self, people: Cast) -> None:
        user = User.objects.get(pk=people.otto)
        group = accounts.coordinator_group(people.north)
        Membership.objects.create(user=user, group=group, given_by=people.ada, mac=b"\0" * 16)
        assert people.otto not in accounts.everyone_to_tell(people.wanda)
        assert people.otto not in accounts.coordinators_of([people.north])
