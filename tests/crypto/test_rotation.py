from __future__ import annotations

import base64
import copy
import json
import logging
import pickle
import traceback
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core import checks as django_checks
from django.db import IntegrityError, connection, transaction
from pytest_django import Settings

from casework.core.jobs import IdOnlyTask
from casework.crypto import checks, envelope, renewal, rotation, services, status
from casework.crypto.envelope import DecryptError
from casework.crypto.keyring import EnvRoot, FileRoot, Kek, RootProvider, SystemdRoot, generate_root_key_file, new_key
from casework.crypto.models import Kek as KekRow
from casework.crypto.models import KeyScope, KeyWrap
from casework.crypto.types import KeyUnavailable, StaleKeys

pytestmark = pytest.mark.usefixtures("installation")
NOW = datetime(2026, 9, 25, 12, tzinfo=UTC)


def rotate(now: datetime = NOW) -> rotation.Ended:
    begun = rotation.begin()
    done = [rotation.Done(), *rotation.rewrap(begun.version, batch=100)][-1]
    return rotation.retire(begun.version, now, done)


def later(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    at = services.time.monotonic() + seconds
    monkeypatch.setattr(services.time, "monotonic", lambda: at)


class TestRotation:
    def test_moves_a_key_without_changing_it(self) -> None:
        scope = uuid4()
        before = services.create_scope("case", scope).newest
        rotate()
        services.clear()
        assert services.keys_for(scope).newest == before
        assert KeyWrap.objects.get(scope=scope).key_version == 2

    def test_refuses_a_wrap_whose_commitment_differs(self) -> None:
        """5: an unwrapped DEK whose commitment differs is refused, while it is wrapped again too."""
        scope = uuid4()
        services.create_scope("case", scope)
        blob = bytes(KeyWrap.objects.get(scope=scope).blob)
        KeyScope.objects.filter(scope=scope).update(commit=bytes(32))
        assert rotate().needed == (1,)
        assert bytes(KeyWrap.objects.get(scope=scope).blob) == blob

    @pytest.mark.parametrize("part", ["blob", "version", "scope", "commit"])
    def test_of_one_wrap_refuses_what_opening_refuses(self, part: str) -> None:
        ring = services.create_scope("case", uuid4()).newest
        row = KeyScope.objects.get(scope=ring.scope)
        old, new = services._newest_kek(), Kek(9, new_key())
        given: dict[str, Any] = {"old": old, "new": new, "scope": ring.scope, "generation": 1}
        given["commit"] = bytes(row.commit)
        blob = bytes(KeyWrap.objects.get(scope=ring.scope).blob)
        made = envelope.rewrap_scope(blob, **given)
        assert (
            envelope.unwrap_scope_from_kek(made, kek=new, scope=ring.scope, generation=1, commit=given["commit"])
            == ring
        )
        match part:
            case "blob":
                blob = blob[:-1] + bytes([blob[-1] ^ 1])
            case "version":
                given["old"] = Kek(3, new_key())
            case "scope":
                given["scope"] = uuid4()
            case "commit":
                given["commit"] = bytes(32)
        with pytest.raises(DecryptError):
            envelope.rewrap_scope(blob, **given)

    def test_keeps_a_retired_key_for_two_weeks(self) -> None:
        assert rotate().retired == (1,)
        assert rotate(NOW + timedelta(days=13, hours=23)).destroyed == ()
        assert rotate(NOW + timedelta(days=14)).destroyed == (1,)
        assert not KekRow.objects.filter(version=1).exists()

    def test_never_destroys_a_key_that_something_needs(self) -> None:
        scope = uuid4()
        services.create_scope("case", scope)
        KeyScope.objects.filter(scope=scope).update(commit=bytes(32))
        rotate()
        with connection.cursor() as cursor:
            cursor.execute("UPDATE crypto_kek SET state = 'retired', retired_at = %s WHERE version = 1", [NOW])
        assert rotate(NOW + timedelta(days=40)).needed == (1,)
        assert KekRow.objects.filter(version=1).exists()

    def test_with_an_older_version_cached_makes_a_scope_all_the_same(self) -> None:
        services._newest_kek()
        kept = dict(services._process.keks), dict(services._process.blobs), services._process.newest
        rotate()
        # Another process, minutes later: it still holds version 1 and thinks it the newest.
        services._process.keks, services._process.blobs, services._process.newest = kept
        services._process.keks_until = services.time.monotonic() + 300
        scope = uuid4()
        services.create_scope("case", scope)
        assert KeyWrap.objects.get(scope=scope).key_version == 2

    def test_of_a_wrap_under_a_version_that_is_not_there_is_refused_by_the_database(self) -> None:
        services.create_scope("case", scope := uuid4())
        with pytest.raises(IntegrityError, match="takes no wrap"), transaction.atomic():
            KeyWrap.objects.filter(scope=scope).update(key_version=77)


class TestRenewal:
    def test_of_a_scope_keeps_both_generations_readable(self) -> None:
        scope = uuid4()
        first = services.create_scope("case", scope).newest
        assert services.renew_scope(scope) == 2
        ring = services.keys_for(scope)
        assert (ring.newest.generation, ring.find(1)) == (2, first)
        services.clear()
        assert {keys.generation for keys in services.keys_for(scope)} == {1, 2}
        assert renewal.waiting() == [scope]

    def test_of_a_case_carries_the_scopes_inside_it_along(self) -> None:
        case, person = uuid4(), uuid4()
        services.create_scope("case", case)
        inner = services.create_scope("person", person, parent=case).newest
        services.renew_scope(case)
        assert renewal.retire(case) is None
        assert renewal.rewrap_inside(case).inner == 1
        assert renewal.retire(case) == [1]
        services.clear()
        assert services.keys_for(person).newest == inner
        assert KeyWrap.objects.get(scope=person).key_version == 2
        assert status.status(every=True).findings == []

    def test_of_an_erased_scope_is_refused(self) -> None:
        services.create_scope("case", scope := uuid4())
        services.destroy_scope(scope)
        with pytest.raises(KeyUnavailable):
            services.renew_scope(scope)

    def test_that_is_rolled_back_leaves_nothing(self) -> None:
        before = services.audit_mac_keys()
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            services.renew_scope(services.INSTALLATION)
            raise ZeroDivisionError
        services.forget_process_keys()
        assert services.audit_mac_keys() == before

    def test_of_the_installation_puts_its_key_before_the_older_ones(self) -> None:
        audit, grant = services.audit_mac_keys(), services.grant_mac_keys()
        services.renew_scope(services.INSTALLATION)
        services.forget_process_keys()
        assert services.audit_mac_keys()[1:] == audit
        assert services.grant_mac_keys()[1:] == grant
        assert services.audit_mac_key() != audit[0]


class TestStoredValues:
    """15: writers during DEK rotation never produce a value on a retired generation."""

    def test_under_a_retired_generation_are_refused_at_the_end(self) -> None:
        services.create_scope("case", scope := uuid4())
        services.renew_scope(scope)
        services.clear()
        services.note_stored(scope, 1)
        services.confirm_stored()
        KeyScope.objects.filter(scope=scope, generation=1).update(state="retired")
        services.note_stored(scope, 2)
        services.confirm_stored()
        services.note_stored(scope, 1)
        with pytest.raises(StaleKeys):
            services.confirm_stored()

    def test_of_a_scope_made_in_this_unit_cost_no_question(self, django_assert_num_queries: Any) -> None:
        services.create_scope("case", scope := uuid4())
        services.note_stored(scope, 1)
        with django_assert_num_queries(0):
            services.confirm_stored()


class TestModels:
    def test_say_by_themselves_where_their_scope_stands(self) -> None:
        from casework.cases.models import Case, CaseUserGrant
        from casework.documents.models import Document

        assert renewal.scope_attribute(Case) == "id"
        assert renewal.scope_attribute(CaseUserGrant) == "content_object_id"
        assert renewal.scope_attribute(Document) == "case_id"

    def test_whose_scope_stands_elsewhere_are_found_by_the_checks(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from casework.documents.models import Document

        monkeypatch.setattr(Document, "sealed_scope", lambda self: uuid4())
        found = checks.sealed_models()
        assert [message.id for message in found if isinstance(message, django_checks.Error)] == ["crypto.E007"]

    def test_with_one_scope_for_all_rows_keep_their_generation(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from casework.documents.models import Document

        monkeypatch.setattr(Document, "sealed_scope", lambda self: services.INSTALLATION)
        assert renewal.scope_attribute(Document) is None


class TestStatus:
    def test_counts_and_opens_every_wrap_once(self) -> None:
        for _ in range(7):
            services.create_scope("user", uuid4())
        total = KeyWrap.objects.count()
        for every in (True, False):
            found = status.status(every=every)
            assert (found.checked, found.opened, found.findings) == (total, total, [])

    def test_opens_no_more_than_a_sample_unless_told(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for _ in range(7):
            services.create_scope("user", uuid4())
        monkeypatch.setattr(status, "SAMPLE", 3)
        assert status.status().checked == 3

    @pytest.mark.parametrize(
        ("change", "says"),
        [
            ("DELETE FROM crypto_keywrap WHERE scope = %s", "have no wrap"),
            ("DELETE FROM crypto_keyscope WHERE id = %s", "belong to no scope"),
            ("UPDATE crypto_keyscope SET state = 'erased' WHERE id = %s", "erased scopes are back"),
            ("UPDATE crypto_keyscope SET commit = decode(repeat('00', 32), 'hex') WHERE id = %s", "do not open"),
        ],
    )
    def test_finds_what_is_wrong_with_a_scope(self, change: str, says: str) -> None:
        services.create_scope("case", scope := uuid4())
        with connection.cursor() as cursor:
            cursor.execute(change, [scope])
        assert [says in text for text in status.status(every=True).findings] == [True]

    @pytest.mark.parametrize(
        ("change", "says"),
        [
            ("UPDATE crypto_kek SET state = 'retired'", "no active wrapping key"),
            ("UPDATE crypto_kek SET blob = ''", "does not open wrapping key version 1"),
            ("DELETE FROM crypto_kek", "need wrapping key version 1, which is not there"),
            ("INSERT INTO crypto_kek (version, provider, blob, state) SELECT 2, provider, blob, state FROM crypto_kek",
             "is not finished"),
        ],
    )  # fmt: skip
    def test_finds_what_is_wrong_with_the_wrapping_keys(self, change: str, says: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(change)
        assert any(says in text for text in status.status().findings)


class TestCache:
    """Issue 4: keys are cached per process with a bound and a lifetime."""

    def test_forgets_a_destroyed_wrapping_key_within_its_lifetime(self, monkeypatch: pytest.MonkeyPatch) -> None:
        services.wrapping_key(1)
        rotate()
        rotate(NOW + timedelta(days=15))
        services.wrapping_key(2)
        later(monkeypatch, services.cache_limits().wrapping_keys_seconds + 1)
        services._newest_kek()
        assert 1 not in services._process.keks
        with pytest.raises(DecryptError):
            services.wrapping_key(1)

    def test_keeps_no_more_wrapping_keys_than_its_bound(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(services, "_MOST_KEKS", 3)
        for version in range(2, 8):
            kek = Kek(version, new_key())
            KekRow.objects.create(version=version, provider="file", blob=services.root().wrap_kek(kek))
        services.forget_process_keys()
        assert services.wrapping_key(2).version == 2
        assert sorted(services._process.keks) == [5, 6, 7]
        assert services.cache_limits().wrapping_keys == 3

    def test_reads_the_installations_key_again_after_its_lifetime(self, monkeypatch: pytest.MonkeyPatch) -> None:
        services.audit_mac_keys()
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM crypto_keywrap WHERE scope = %s", [services.INSTALLATION])
        services.audit_mac_keys()
        later(monkeypatch, services.cache_limits().installation_seconds + 1)
        with pytest.raises(KeyUnavailable):
            services.audit_mac_keys()


def fail_with(holder: object) -> None:
    kept = [holder]
    raise RuntimeError(kept)


class TestKeysStayIn:
    """21: `repr`, `str`, pickling and JSON of key objects never show content; nor do tracebacks, logs and tasks."""

    def holders(self, tmp_path: Path) -> list[tuple[object, bytes]]:
        key = new_key()
        ring = services.create_scope("case", uuid4())
        generate_root_key_file(tmp_path / "root")
        return [
            (Kek(5, key), key),
            (ring, ring.newest.reveal_for_wrapping()),
            (ring.newest, ring.newest.reveal_for_wrapping()),
            (
                FileRoot(tmp_path / "root"),
                base64.b64decode((tmp_path / "root").read_text().strip().removeprefix("cw-root-1:")),
            ),
        ]

    def test_as_text_copy_pickle_json_traceback_log_and_task(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        for holder, key in self.holders(tmp_path):
            shown = [repr(holder), str(holder), f"{holder}", format(holder, "")]
            with pytest.raises(RuntimeError) as failed:
                fail_with(holder)
            told = traceback.TracebackException.from_exception(failed.value, capture_locals=True)
            shown += [str(told), *(told.stack[-1].locals or {}).values()]
            with caplog.at_level(logging.DEBUG):
                logging.getLogger("casework.crypto").warning("holder %s %r", holder, holder)
            shown.append(caplog.text)
            for refuse in (pickle.dumps, copy.copy, copy.deepcopy, json.dumps):
                with pytest.raises(TypeError) as refused:
                    refuse(holder)  # type: ignore[operator]
                shown.append(str(refused.value))
            with pytest.raises(Exception, match=r".") as unsent:
                IdOnlyTask().apply_async(args=[holder])
            shown.append(str(unsent.value))
            spellings = (key.hex(), repr(key)[2:-1], base64.b64encode(key).decode())
            assert not [text for text in shown for spelling in spellings if spelling in text]

    def test_of_the_process_are_in_no_message_when_a_wrap_does_not_open(self) -> None:
        services.create_scope("case", scope := uuid4())
        services.clear()
        KeyScope.objects.filter(scope=scope).update(commit=bytes(32))
        with pytest.raises(DecryptError) as refused:
            services.keys_for(scope)
        assert str(refused.value) == "This value cannot be opened."
        assert refused.value.__cause__ is None


class TestRootWarnings:
    """Security design, section 1, A2: a warning for file and variable, none for a credential."""

    def test_name_a_file_and_its_disk(self, tmp_path: Path) -> None:
        generate_root_key_file(tmp_path / "root")
        plain, disk = FileRoot(tmp_path / "root").warnings(beside=[tmp_path])
        assert "plain file" in plain
        assert "same disk" in disk
        assert len(FileRoot(tmp_path / "root").warnings(beside=[Path("/proc")])) == 1

    def test_name_a_variable_and_no_credential(self) -> None:
        assert "crash dumps" in EnvRoot().warnings()[0]
        assert SystemdRoot().warnings() == []

    def test_are_part_of_the_status(self, settings: Settings) -> None:
        assert any("plain file" in text for text in status.status().warnings)

    def test_hold_nothing_of_the_key(self, tmp_path: Path) -> None:
        generate_root_key_file(tmp_path / "root")
        secret = (tmp_path / "root").read_text().strip().removeprefix("cw-root-1:")
        assert not any(secret in text for text in FileRoot(tmp_path / "root").warnings(beside=[tmp_path]))


class TestProviders:
    def test_are_all_behind_one_interface_that_a_key_server_can_take(self) -> None:
        """`wrap_kek` and `unwrap_kek` are all that rotation asks: a provider that never shows its root can answer."""

        class Elsewhere(RootProvider):
            __slots__ = ("asked",)
            name = "elsewhere"

            def __init__(self) -> None:
                self.asked: dict[bytes, Kek] = {}

            def where(self) -> str:
                return "a key server"

            def warnings(self, beside: Any = ()) -> list[str]:
                return []

            def check(self) -> None:
                return

            def _text(self, purpose: str) -> str:
                raise AssertionError(purpose)

            def wrap_kek(self, kek: Kek) -> bytes:
                blob = b"elsewhere" + kek.version.to_bytes(4, "big")
                self.asked[blob] = kek
                return blob

            def unwrap_kek(self, blob: bytes, version: int) -> Kek:
                return self.asked[blob]

        elsewhere = Elsewhere()
        with pytest.MonkeyPatch.context() as patch:
            KeyWrap.objects.all().delete()
            KeyScope.objects.all().delete()
            KekRow.objects.all().delete()
            patch.setattr(services, "root", lambda: elsewhere)
            services.forget_process_keys()
            services.ensure_installation()
            services.create_scope("case", scope := uuid4())
            assert rotate().retired == (1,)
            services.clear()
            assert services.keys_for(scope)
            assert [version.provider for version in status.status().versions] == ["elsewhere", "elsewhere"]
