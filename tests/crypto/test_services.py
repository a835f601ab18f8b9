from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Callable, Collection
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from pytest_django import DjangoAssertNumQueries, Settings

from casework.crypto import envelope, services
from casework.crypto.envelope import DecryptError, Place
from casework.crypto.keyring import Kek, RootKeyError, ScopeKeys, commitment, generate_root_key_file, new_key
from casework.crypto.models import Kek as KekRow
from casework.crypto.models import KeyScope, KeyWrap
from casework.crypto.types import KeyUnavailable

pytestmark = pytest.mark.usefixtures("installation")


def new_generation(scope: UUID) -> ScopeKeys:
    """Start another generation of a case's key, as the rotation of a later issue will."""
    newest = KeyScope.objects.filter(scope=scope).order_by("-generation")[0]
    dek = new_key()
    keys = ScopeKeys(scope, newest.generation + 1, dek)
    KeyScope.objects.create(
        scope=scope, generation=keys.generation, kind=newest.kind, commit=commitment(dek, scope, keys.generation)
    )
    KeyWrap.objects.create(
        scope=scope,
        generation=keys.generation,
        recipient_kind=KeyWrap.Recipient.KEK,
        recipient_id=UUID(int=0),
        key_version=services._newest_kek().version,
        blob=envelope.wrap_scope_to_kek(keys, services._newest_kek()),
    )
    services.clear()
    return keys


class TestInstallation:
    """One wrapping key and one scope of its own, made once."""

    def test_is_made_once(self) -> None:
        services.ensure_installation()
        assert KekRow.objects.count() == 1
        assert KeyScope.objects.filter(kind="installation").count() == 1
        assert KeyWrap.objects.filter(scope=services.INSTALLATION).count() == 1

    def test_has_keys_of_its_own_for_macs(self) -> None:
        audit, grant = services.audit_mac_key(), services.grant_mac_key()
        assert len(audit) == len(grant) == 32
        assert audit != grant
        services.forget_process_keys()
        assert (services.audit_mac_key(), services.grant_mac_key()) == (audit, grant)

    def test_keeps_its_keys_for_the_process(self, django_assert_num_queries: DjangoAssertNumQueries) -> None:
        services.audit_mac_key()
        services.clear()
        with django_assert_num_queries(0):
            services.audit_mac_key()
            services.keys_for(services.INSTALLATION)

    def test_reads_its_keys_again_after_five_minutes(self, monkeypatch: pytest.MonkeyPatch) -> None:
        services.audit_mac_key()
        KeyWrap.objects.filter(scope=services.INSTALLATION).delete()
        services.audit_mac_key()
        later = services.time.monotonic() + 301
        monkeypatch.setattr(services.time, "monotonic", lambda: later)
        with pytest.raises(KeyUnavailable, match="finish"):
            services.audit_mac_key()

    def test_without_wrapping_key_makes_no_scope(self) -> None:
        KekRow.objects.all().delete()
        services.forget_process_keys()
        with pytest.raises(KeyUnavailable, match="finish"):
            services.create_scope("case", uuid4())


class TestStarting:
    """Invariant 16."""

    def test_with_the_right_root_key_passes(self) -> None:
        services.verify_root()

    def test_without_root_key_fails_naming_the_version(self, settings: Settings, tmp_path: Path) -> None:
        settings.CASEWORK_ROOT_PROVIDER = "file"
        settings.CASEWORK_ROOT_KEY_FILE = str(tmp_path / "absent")
        with pytest.raises(RootKeyError, match=r"no root key.*version 1"):
            services.verify_root()

    def test_with_another_root_key_fails_naming_the_version(self, settings: Settings, tmp_path: Path) -> None:
        generate_root_key_file(tmp_path / "other")
        settings.CASEWORK_ROOT_PROVIDER = "file"
        settings.CASEWORK_ROOT_KEY_FILE = str(tmp_path / "other")
        with pytest.raises(RootKeyError, match="does not open wrapping key version 1"):
            services.verify_root()

    def test_before_the_installation_is_set_up_says_so(self) -> None:
        KekRow.objects.all().delete()
        with pytest.raises(RootKeyError, match="finish setting up"):
            services.verify_root()


class TestScope:
    """Security design, section 2."""

    def test_gives_the_same_key_again(self) -> None:
        scope = uuid4()
        made = services.create_scope("case", scope)
        services.clear()
        assert services.keys_for(scope).newest == made.newest

    def test_is_stored_as_the_design_says(self) -> None:
        scope = uuid4()
        services.create_scope("case", scope)
        row = KeyScope.objects.get(scope=scope)
        wrap = KeyWrap.objects.get(scope=scope)
        assert (row.generation, row.kind, row.parent, len(row.commit), row.state) == (1, "case", None, 32, "live")
        assert (wrap.generation, wrap.recipient_kind, wrap.recipient_id, wrap.key_version, len(wrap.blob)) == (
            1,
            1,
            UUID(int=0),
            1,
            68,
        )
        assert str(row) == f"key scope {scope}, generation 1"
        assert str(wrap) == f"key wrap of {scope}, generation 1"
        assert str(KekRow.objects.get()) == "wrapping key 1"

    def test_is_made_once(self) -> None:
        scope = uuid4()
        services.create_scope("case", scope)
        with pytest.raises(IntegrityError), transaction.atomic():
            services.create_scope("case", scope)

    def test_of_an_unknown_id_has_no_key(self) -> None:
        with pytest.raises(KeyUnavailable):
            services.keys_for(uuid4())
        assert services.keys_for_many([uuid4()]) == {}

    def test_lives_in_several_generations(self) -> None:
        scope, place = uuid4(), Place(1, uuid4(), 1)
        old = envelope.seal("synthetic", key=services.create_scope("case", scope).newest, place=place)
        newer = new_generation(scope)
        ring = services.keys_for(scope)
        assert ring.newest == newer
        assert envelope.open_(old, keys=ring, place=place) == "synthetic"

    def test_is_opened_with_one_query_for_many(self, django_assert_num_queries: DjangoAssertNumQueries) -> None:
        scopes = [uuid4() for _ in range(50)]
        for scope in scopes:
            services.create_scope("case", scope)
        services.clear()
        with django_assert_num_queries(1):
            rings = services.keys_for_many(scopes)
        assert set(rings) == set(scopes)
        with django_assert_num_queries(0):
            assert services.keys_for_many(scopes) == rings
            assert all(services.keys_for(scope) is rings[scope] for scope in scopes)

    def test_is_forgotten_at_the_end_of_the_work(self) -> None:
        """Invariant 22."""
        scope = uuid4()
        services.create_scope("case", scope)
        services.clear()
        kept = weakref.ref(services.keys_for(scope).newest)
        assert kept() is not None
        services.clear()
        gc.collect()
        assert kept() is None

    def test_is_forgotten_when_there_are_too_many(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(services, "_MOST_IN_UNIT", 3)
        scopes = [uuid4() for _ in range(5)]
        for scope in scopes:
            services.create_scope("case", scope)
        unit = services._unit.get()
        assert unit is not None
        assert list(unit) == scopes[2:]

    @pytest.mark.parametrize("change", ["commit", "blob", "version", "other blob"])
    def test_that_was_changed_in_the_database_is_refused(self, change: str) -> None:
        """Invariants 2 and 5."""
        scope, other = uuid4(), uuid4()
        services.create_scope("case", scope)
        services.create_scope("case", other)
        services.clear()
        wraps = KeyWrap.objects.filter(scope=scope)
        match change:
            case "commit":
                KeyScope.objects.filter(scope=scope).update(commit=bytes(32))
            case "blob":
                blob = bytes(wraps.get().blob)
                wraps.update(blob=blob[:-1] + bytes([blob[-1] ^ 1]))
            case "version":
                with connection.cursor() as cursor:  # its wall would refuse it
                    cursor.execute("ALTER TABLE crypto_keywrap DISABLE TRIGGER crypto_keywrap_changed")
                wraps.update(key_version=9)
            case "other blob":
                wraps.update(blob=KeyWrap.objects.get(scope=other).blob)
        with pytest.raises(DecryptError):
            services.keys_for(scope)

    def test_of_a_kind_and_parent_that_do_not_fit_is_refused(self) -> None:
        case = uuid4()
        services.create_scope("case", case)
        with pytest.raises(IntegrityError), transaction.atomic():
            services.create_scope("person", uuid4())
        with pytest.raises(IntegrityError), transaction.atomic():
            services.create_scope("user", uuid4(), parent=case)


class TestPersonInsideCase:
    @pytest.fixture
    def case(self) -> UUID:
        case = uuid4()
        services.create_scope("case", case)
        return case

    @pytest.fixture
    def person(self, case: UUID) -> UUID:
        person = uuid4()
        services.create_scope("person", person, parent=case)
        return person

    def test_opens_through_its_case_with_one_query(
        self, case: UUID, person: UUID, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        services.clear()
        services._newest_kek()
        with django_assert_num_queries(1):
            services.keys_for(person)
            services.keys_for(case)
        wrap = KeyWrap.objects.get(scope=person)
        assert (wrap.recipient_kind, wrap.recipient_id, wrap.key_version) == (KeyWrap.Recipient.SCOPE, case, 1)

    def test_opens_while_its_case_has_a_newer_generation(self, case: UUID, person: UUID) -> None:
        before = services.keys_for(person).newest
        new_generation(case)
        assert services.keys_for(person).newest == before

    def test_is_erased_alone(self, case: UUID, person: UUID) -> None:
        assert services.destroy_scope(person) == 1
        assert services.keys_for(case)
        with pytest.raises(KeyUnavailable):
            services.keys_for(person)

    def test_is_erased_with_its_case(self, case: UUID, person: UUID) -> None:
        assert services.destroy_scope(case) == 2
        assert services.keys_for_many([case, person]) == {}
        assert set(KeyScope.objects.filter(scope__in=[case, person]).values_list("state", flat=True)) == {"erased"}

    def test_has_no_key_when_only_its_cases_wrap_is_gone(self, case: UUID, person: UUID) -> None:
        KeyWrap.objects.filter(scope=case).delete()
        services.clear()
        assert services.keys_for_many([person]) == {}


class TestErasure:
    """Invariant 10, for what this area owns."""

    def test_leaves_no_key_in_any_generation(self) -> None:
        scope = uuid4()
        services.create_scope("case", scope)
        new_generation(scope)
        services.keys_for(scope)
        assert services.destroy_scope(scope) == 2
        assert not KeyWrap.objects.filter(scope=scope).exists()
        with pytest.raises(KeyUnavailable):
            services.keys_for(scope)

    def test_holds_even_when_a_wrap_comes_back_from_a_backup(self) -> None:
        scope = uuid4()
        services.create_scope("case", scope)
        wrap = KeyWrap.objects.get(scope=scope)
        services.destroy_scope(scope)
        wrap.save(force_insert=True)
        with pytest.raises(KeyUnavailable):
            services.keys_for(scope)


class TestGuard:
    """The question asked before a case's key is unwrapped."""

    @pytest.fixture
    def asked(self) -> list[set[UUID]]:
        return []

    @pytest.fixture
    def guard(self, installation: None, asked: list[set[UUID]]) -> Callable[[Collection[UUID]], None]:
        def guard(case_ids: Collection[UUID]) -> None:
            asked.append(set(case_ids))

        services.set_unwrap_guard(guard)
        return guard

    @pytest.mark.usefixtures("guard")
    def test_is_asked_once_about_all_cases(self, asked: list[set[UUID]]) -> None:
        scopes = {uuid4(), uuid4()}
        for scope in scopes:
            services.create_scope("case", scope)
        assert asked == []
        services.clear()
        services.keys_for_many(scopes)
        services.keys_for(min(scopes))
        assert asked == [scopes]

    @pytest.mark.usefixtures("guard")
    def test_is_asked_about_the_case_of_a_person(self, asked: list[set[UUID]]) -> None:
        case, person = uuid4(), uuid4()
        services.create_scope("case", case)
        services.create_scope("person", person, parent=case)
        services.clear()
        services.keys_for(person)
        services.keys_for(case)
        assert asked == [{case}]

    @pytest.mark.usefixtures("guard")
    def test_is_not_asked_about_users_imports_and_the_installation(self, asked: list[set[UUID]]) -> None:
        for kind in ("user", "import"):
            scope = uuid4()
            services.create_scope(kind, scope)
            services.clear()
            services.keys_for(scope)
        services.keys_for(services.INSTALLATION)
        assert asked == []

    def test_that_refuses_lets_no_key_be_unwrapped(self, monkeypatch: pytest.MonkeyPatch) -> None:
        scope, opened = uuid4(), []
        services.create_scope("case", scope)
        services.clear()

        def refuse(_case_ids: Collection[UUID]) -> None:
            raise PermissionError

        monkeypatch.setattr(services._process, "guard", refuse)
        monkeypatch.setattr(envelope, "unwrap_scope_from_kek", lambda *_args, **_kwargs: opened.append(1))
        for _ in range(2):
            with pytest.raises(PermissionError):
                services.keys_for(scope)
        assert opened == []


class TestWrappingKeys:
    def add_version(self, version: int) -> Kek:
        kek = Kek(version, new_key())
        KekRow.objects.create(version=version, provider="file", blob=services.root().wrap_kek(kek))
        return kek

    def test_made_by_a_rotation_elsewhere_are_found(self) -> None:
        scope = uuid4()
        ring = services.create_scope("case", scope)
        kek = self.add_version(2)
        KeyWrap.objects.filter(scope=scope).update(key_version=2, blob=envelope.wrap_scope_to_kek(ring.newest, kek))
        services.clear()
        assert services.keys_for(scope).newest == ring.newest

    def test_wrap_with_the_newest_active_version(self) -> None:
        self.add_version(2)
        self.add_version(3)
        KekRow.objects.filter(version=3).update(state=KekRow.State.RETIRED)
        services.forget_process_keys()
        scope = uuid4()
        services.create_scope("case", scope)
        assert KeyWrap.objects.get(scope=scope).key_version == 2

    def test_need_the_root_key_once(self, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
        """Section 2: an outage of the place where the root key lives does not stop a running process."""
        scope = uuid4()
        services.create_scope("case", scope)
        services.clear()
        settings.CASEWORK_ROOT_PROVIDER = "file"
        settings.CASEWORK_ROOT_KEY_FILE = "/nowhere"
        later = services.time.monotonic() + 301
        monkeypatch.setattr(services.time, "monotonic", lambda: later)
        assert services.keys_for(scope)
        services.clear()
        services.forget_process_keys()
        with pytest.raises(RootKeyError):
            services.keys_for(scope)


class TestConcurrentStart:
    """Two processes set one database up at the same moment."""

    def test_waits_for_the_other(self) -> None:
        assert connection.in_atomic_block
        services.ensure_installation()  # holds the lock until this test's transaction ends
        done = threading.Event()

        def elsewhere() -> None:
            with connection.cursor() as cursor:
                cursor.execute("SET lock_timeout = '300ms'")
                try:
                    cursor.execute("SELECT pg_advisory_xact_lock(%s)", [services._INSTALL_LOCK])
                except Exception:  # noqa: BLE001  the lock is not ours: that is what is asked
                    done.set()
            connection.close()

        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join(10)
        assert done.is_set()
