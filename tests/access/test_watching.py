"""Unusual access from the page that is opened to the coordinator who is told: once, by a worker that may die."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.core import mail as django_mail
from django.test import Client

from casework.access import emergency, watching
from casework.access import services as access
from casework.access.types import Level
from casework.accounts import devices
from casework.accounts.models import User
from casework.audit import actions, unusual
from casework.audit import services as audit
from casework.audit.models import Entry, Unusual
from casework.cases import selectors as cases
from casework.core import clock, ids, work
from casework.core.errors import NotAllowed, NotFound
from casework.desk import selectors as desk
from casework.notices import alerts, services
from casework.notices.models import Notice
from config.celery import app
from tests import cast
from tests.conftest import running_as

pytestmark = pytest.mark.django_db(transaction=True)

NOON = datetime(2026, 11, 24, 11, 0, tzinfo=UTC)


def watch() -> int:
    with running_as("worker"):
        return watching.watch()


def told() -> list[tuple[UUID, str]]:
    """Return who was told of unusual access, by which channel."""
    with running_as("worker"), work.acting(work.system_actor()):
        rows = Notice.objects.filter(kind="unusual").order_by("recipient_id", "channel")
        return list(rows.values_list("recipient_id", "channel"))


def refused(user_id: UUID, count: int, begin: datetime) -> None:
    with work.acting(work.Actor(user_id)):
        for n in range(count):
            audit.record("access.refused", obj=ids.new_id(), outcome=actions.REFUSED, at=begin + timedelta(seconds=n))


def page(people: cast.Cast, name: str, url: str) -> str:
    answer = cast.sign_in(Client(), people.user(name)).get(url)
    assert answer.status_code == 200
    return str(answer.content.decode())


class TestManyCases:
    """Somebody opens one case after the other."""

    def test_are_told_once_to_the_coordinator_and_to_nobody_else(self, people: cast.Cast) -> None:
        opened = [cast.open_a_case(people) for _ in range(unusual.CASES + 2)]
        wanda = cast.sign_in(Client(), people.user("wanda"))
        for case_id in opened[:-1]:
            assert wanda.get(f"/cases/{case_id}/").status_code == 200
        assert watch() == 1
        assert told() == [(people.cora, "inbox"), (people.cora, "mail")]
        wanda.get(f"/cases/{opened[-1]}/")
        assert (watch(), watch()) == (0, 0)
        with running_as("worker"):
            done = services.dispatch()
        assert (done.inbox, done.mail) == (1, 1)
        (mail,) = django_mail.outbox
        assert mail.to == ["cora@example.org"]
        assert "an account needs a look" in str(mail.body)
        assert "Wanda" not in str(mail.body)
        said = f"Unusual access by Wanda Wójcik: Opened {unusual.CASES + 2} different cases within an hour"
        assert said in page(people, "cora", "/inbox/")
        with cast.acting(people.cora):
            (line,) = desk.unusual_lines()
        assert (line.who, line.looked_at, line.case_id) == ("Wanda Wójcik", None, None)
        for name in ("wanda", "olga", "otto", "ada"):
            with cast.acting(getattr(people, name)):
                assert desk.unusual_lines() == []


class TestLookingAtIt:
    """A coordinator says that they have; what goes on after that is told anew."""

    def found(self, people: cast.Cast) -> Unusual:
        with clock.fixed(NOON):
            refused(people.wanda, unusual.REFUSALS, NOON - timedelta(minutes=5))
            assert watch() == 1
        with cast.acting(people.cora):
            return Unusual.objects.get()

    def test_is_on_record_and_shown_to_all_who_were_told(self, people: cast.Cast) -> None:
        row = self.found(people)
        cora = cast.sign_in(Client(), people.user("cora"))
        for _twice in range(2):
            answer = cora.post(f"/team/unusual/{row.pk}/")
            assert (answer.status_code, answer.headers["Location"]) == (302, "/team/")
        with cast.acting(people.cora):
            (line,) = desk.unusual_lines()
            assert line.looked_by == "Cora Conti"
            assert Entry.objects.filter(action=508, object=row.pk).count() == 1

    @pytest.mark.parametrize(("name", "error"), [("wanda", NotAllowed), ("aud", NotAllowed), ("olga", NotFound)])
    def test_is_for_coordinators_who_were_told(self, people: cast.Cast, name: str, error: type[Exception]) -> None:
        row = self.found(people)
        with cast.acting(getattr(people, name)), pytest.raises(error):
            watching.look_at(row.pk)

    def test_what_goes_on_afterwards_is_told_anew_when_it_is_enough_again(self, people: cast.Cast) -> None:
        row = self.found(people)
        looked = NOON + timedelta(minutes=10)
        with clock.fixed(looked), cast.acting(people.cora):
            watching.look_at(row.pk)
        with clock.fixed(looked + timedelta(minutes=2)):
            refused(people.wanda, unusual.REFUSALS - 1, looked + timedelta(minutes=1))
            assert watch() == 0
            refused(people.wanda, 1, looked + timedelta(minutes=2))
            assert watch() == 1
            assert watch() == 0
        with cast.acting(people.cora):
            assert [line.looked_at for line in desk.unusual_lines()] == [None, looked]


class TestAWorkerThatDies:
    """Tells nobody twice and loses nothing."""

    @pytest.mark.parametrize("where", [(alerts, "tell"), (watching.notices, "beat")])
    def test_in_the_middle(self, people: cast.Cast, monkeypatch: pytest.MonkeyPatch, where: tuple[Any, str]) -> None:
        refused(people.wanda, unusual.REFUSALS, clock.now() - timedelta(minutes=1))

        def die(*_: object, **__: object) -> None:
            raise MemoryError

        with monkeypatch.context() as broken, pytest.raises(MemoryError):
            broken.setattr(*where, die)
            watch()
        watch()
        watch()
        assert told() == [(people.cora, "inbox"), (people.cora, "mail")]

    def test_finds_what_happened_while_it_was_away(self, people: cast.Cast) -> None:
        with clock.fixed(NOON):
            watch()
        refused(people.wanda, unusual.REFUSALS, NOON + timedelta(hours=5))
        with clock.fixed(NOON + timedelta(hours=30)):
            assert watch() == 1

    def test_is_woken_every_minute(self) -> None:
        assert {"task": "access.watch", "schedule": 60.0}.items() <= app.conf.beat_schedule["watch-trail"].items()
        app.loader.import_default_modules()  # as a worker does when it starts
        assert "access.watch" in app.tasks

    def test_sees_an_entry_that_was_committed_late(self, people: cast.Cast) -> None:
        with clock.fixed(NOON):
            watch()
            refused(people.wanda, unusual.REFUSALS, NOON - timedelta(minutes=5))
            assert watch() == 1


class TestWhomToTell:
    """Who answers for the person, and never the person."""

    def test_by_what_they_are(self, people: cast.Cast) -> None:
        case_id = cast.open_a_case(people, "otto")
        with running_as("worker"), work.acting(work.system_actor()):
            touched = {"wanda": [case_id], "cora": [], "lev": [case_id], "ada": [], "aud": []}
            found = {name: watching.whom_to_tell(getattr(people, name), those) for name, those in touched.items()}
        assert found == {
            "wanda": {people.cora},
            "cora": {people.olga},
            "lev": {people.olga},
            "ada": {people.aud},
            "aud": {people.ada},
        }

    def test_of_a_lawyer_without_a_case_those_who_gave_them_one(self, people: cast.Cast) -> None:
        case_id = cast.open_a_case(people, "otto")
        with cast.acting(people.otto):
            access.grant(case_id=case_id, user_id=people.lev, level=Level.VIEW, reason="Synthetic: hearing")
        with running_as("worker"), work.acting(work.system_actor()):
            assert watching.whom_to_tell(people.lev, []) == {people.olga}

    def test_closed_accounts_hear_nothing_and_somebody_always_does(self, people: cast.Cast) -> None:
        User.objects.filter(pk__in=[people.cora, people.olga]).update(is_active=False)
        with running_as("worker"), work.acting(work.system_actor()):
            assert watching.whom_to_tell(people.wanda, []) == {people.aud, people.ada}


class TestEmergency:
    """A case opened in an emergency: those of the case are told at once, other coordinators when it is found."""

    def test_says_who_until_when_and_which_case(self, people: cast.Cast) -> None:
        case_id = cast.open_a_case(people)
        with cast.acting(people.wanda):
            reference = cases.references([case_id])[case_id]
        with clock.fixed(clock.now()), cast.acting(people.olga):
            emergency.break_glass(reference, "Synthetic: the police is at the door now")
        assert watch() == 1
        with running_as("worker"):
            services.dispatch()
        shown = page(people, "cora", "/inbox/")
        assert "Olga Ozols opened this case in an emergency, until " in shown
        assert f'href="/cases/{case_id}/"' in shown
        assert "Unusual access by Olga Ozols: Opened a case in an emergency" in shown
        with cast.acting(people.cora):
            (line,) = desk.unusual_lines()
        assert (line.reference, line.case_id) == (reference, case_id)
        assert "emergency" not in page(people, "otto", "/inbox/")


class TestNewDevice:
    """A browser and system that somebody had not signed in with for 90 days."""

    def test_is_new_once(self, people: cast.Cast) -> None:
        def is_new(kind: str, after: int) -> bool:
            with clock.fixed(NOON + timedelta(days=after)), work.acting(work.Actor(None)):
                return devices.is_new(people.wanda, kind)

        assert not is_new("Firefox/Linux", 0)  # the first sign-in of all
        assert not is_new("Firefox/Linux", 1)
        assert is_new("Safari/iPhone", 2)
        assert not is_new("Safari/iPhone", 3)
        assert is_new("Firefox/Linux", 92)

    def test_is_on_record_and_found(self, people: cast.Cast, monkeypatch: pytest.MonkeyPatch) -> None:
        cast.sign_in(Client(), people.user("wanda"))
        monkeypatch.setattr(devices, "kind_of", lambda _agent: "Edge/Windows")
        cast.sign_in(Client(), people.user("wanda"))
        assert watch() == 1
        with cast.acting(people.cora):
            (line,) = desk.unusual_lines()
        assert line.what.startswith("Signed in with a kind of device")
