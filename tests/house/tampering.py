"""Tries to change what is stored, byte by byte and row by row, and counts what the application noticed.

Two levels. At the envelopes every byte of every kind of stored ciphertext is flipped, every length is cut, and every
one is put where another belongs. Then a smaller set of each kind is written by a superuser into the database and the
file store, and read through the application's own pages.
"""

from __future__ import annotations

import base64
import io
import itertools
import os
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
from django.apps import apps
from django.conf import settings
from django.core import signing as signing_errors
from django.db import models
from psycopg import sql

from casework.access import services as access
from casework.access.types import Level
from casework.accounts.sessions import salt_of
from casework.audit import chain
from casework.audit.models import Entry
from casework.cases import services as cases
from casework.cases.models import SearchKey
from casework.cases.types import PersonInput
from casework.core import clock, work
from casework.crypto import envelope, keyring
from casework.crypto import services as crypto
from casework.crypto import signing as signing_keys
from casework.crypto.envelope import DecryptError, Place
from casework.crypto.fields import ciphertexts, sealed_fields
from casework.crypto.keyring import RootKeyError
from casework.crypto.models import Kek, KeyScope, KeyWrap
from casework.documents import services as documents
from casework.documents import storage
from casework.documents.models import Document
from casework.procedure import services as procedure
from tests import cast
from tests.conftest import running_as

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "tampering.md"
DECLARED = tomllib.loads((Path(__file__).parent / "columns.toml").read_text(encoding="utf-8"))
REFUSED = (DecryptError, RootKeyError)
# Shorter ones are flipped in each byte and cut to each length; of longer ones the ends, and every so many in between.
SHORT, ENDS, STEP = 700, 120, 97


@dataclass
class World:
    """Two cases of Wanda's with everything that is stored of a case, and ids of what lies in the first."""

    one: UUID
    two: UUID
    relative: UUID
    facts: list[UUID]
    papers: list[UUID]
    person: UUID


FACTS = (
    {"fact": "application-registered", "on": "2026-09-01", "state": "FR"},
    {"fact": "eurodac-hit", "on": "2026-09-02", "state": "HR", "category": "asylum"},
    {"fact": "take-back-notified", "on": "2026-09-10", "state": "HR"},
)


def build(people: cast.Cast) -> World:
    """Make the world through the services, every value with an earlier one."""
    one = cast.open_a_case(people)
    two = cast.open_a_case(people, title="Synthetic other title")
    with cast.acting(people.wanda):
        relative = cases.add_family_member(
            one, given=PersonInput(name_original="", name_latin="Testova Anna", relation="spouse")
        )
    facts = []
    papers = []
    for name in ("first", "second"):
        with cast.acting(people.wanda):
            upload = documents.seal_bytes(one, name=f"{name}.txt", content=f"Synthetic {name} paper.\n".encode() * 9000)
            papers.append(documents.add_document(one, upload=upload, title=f"{name} paper", kind="other"))
    for fact in FACTS:
        with cast.acting(people.wanda):
            facts.append(procedure.record_fact(one, content=fact, note="synthetic note"))
    with cast.acting(people.wanda):
        access.grant(case_id=one, user_id=people.lev, level=Level.DOSSIER, reason="synthetic reason")
    with running_as("worker"), work.acting(work.system_actor()):
        SearchKey.objects.create(version=9, folding=1, root=keyring.new_key().hex())
    with cast.acting(people.wanda):
        person = cases.open_case(one).applicant.id
    return World(one, two, relative, facts, papers, person)


def change_once(people: cast.Cast, world: World) -> None:
    """Change the first case, so that its rows have an older value."""
    with cast.acting(people.wanda):
        changed = cast.a_case(
            title="Synthetic later title",
            summary="Synthetic later summary",
            access_notes="Synthetic later note",
            applicant=PersonInput(
                name_original="", name_latin="Testov Later", birth_on=date(1993, 4, 16), relation="applicant"
            ),
        )
        version = cases.open_case(world.one).version
        cases.update_case(world.one, given=changed, version=version)


# --- at the envelopes ----------------------------------------------------------------------------------------------


@dataclass
class Kind:
    """A kind of stored ciphertext: where it lies, one of it, how it is opened, and where else it is tried."""

    name: str
    blob: bytes
    open: Callable[[bytes], object]
    elsewhere: dict[str, Callable[[], object]] = field(default_factory=dict)
    others: tuple[bytes, ...] = ()


@dataclass
class Count:
    """How many attempts of each sort were made on a kind, and how many were noticed."""

    tried: int = 0
    noticed: int = 0
    missed: list[str] = field(default_factory=list)

    def add(self, what: str, noticed: bool) -> None:
        self.tried += 1
        self.noticed += noticed
        if not noticed:
            self.missed.append(what)


def _ends(length: int) -> Iterable[int]:
    if length <= SHORT:
        return range(length)
    return sorted({*range(ENDS), *range(0, length, max(STEP, length // 200)), *range(length - ENDS, length)})


def changed(blob: bytes, others: Iterable[bytes] = ()) -> Iterator[tuple[str, bytes]]:
    """Yield what becomes of a ciphertext: each byte flipped in two ways, cut to each length, longer, or another one."""
    for at in _ends(len(blob)):
        for mask in (0x01, 0x80):
            yield "flip", blob[:at] + bytes([blob[at] ^ mask]) + blob[at + 1 :]
    for length in _ends(len(blob)):
        yield "cut", blob[:length]
    for more in (b"\x00", b"\x80", bytes(16), blob):
        yield "longer", blob + more
    for other in others:
        yield "swap", other


def try_all(kind: Kind) -> Count:
    """Try everything on one kind."""
    kind.open(kind.blob)  # as stored it opens, or nothing would be proved
    count = Count()
    for what, blob in changed(kind.blob, kind.others):
        count.add(what, _is_refused(lambda blob=blob: kind.open(blob)))  # type: ignore[misc]
    for what, attempt in kind.elsewhere.items():
        count.add(what, _is_refused(attempt))
    return count


def _is_refused(attempt: Callable[[], object]) -> bool:
    try:
        attempt()
    except REFUSED:
        return True
    return False


def sealed_models() -> list[type[models.Model]]:
    """Return every model with sealed fields, history tables too; not those that exist in tests alone."""
    return [
        model
        for model in apps.get_models(include_auto_created=True)
        if model._meta.app_label != "sealed_app" and sealed_fields(model)
    ]


def kinds(people: cast.Cast, world: World) -> Iterator[Kind]:
    """Yield every kind of ciphertext that tests/house/columns.toml declares, and the objects of the file store.

    In a unit of work of Wanda's. A column without one of a kind fails: whoever adds a ciphertext finds this function.
    """
    found = [
        *_fields(world),
        *_wraps(people, world),
        *_file_keys(),
        *_bodies(world),
        *_factors(people),
        *_objects(world),
        *_signed(people, world),
    ]
    told = {kind.name for kind in found}
    declared = {f"{table}.{column}" for table, kinds_ in DECLARED.items() for column in kinds_.get("sealed", [])}
    missing = declared - told
    assert not missing, f"say in tests/house/tampering.py how these are opened: {sorted(missing)}"
    yield from found


def _fields(world: World) -> Iterator[Kind]:
    keys = {case: crypto.keys_for(case) for case in (world.one, world.two)}
    for model in sealed_models():
        history: Any = getattr(model, "instance_type", None)
        live: Any = history if history is not None and hasattr(history, "sealed_table") else model
        rows: Any = model._base_manager.all()
        own = [row for row in rows if live.sealed_scope(row) in (*keys, crypto.INSTALLATION)]
        # The same row every time, whatever ids were drawn: those of the first case, the longest first.
        own.sort(
            key=lambda row: (live.sealed_scope(row) == world.two, [-len(value) for _, value in ciphertexts(row).values])
        )
        for column in sealed_fields(model):
            if own:
                row = own[0]
                scope, place = live.sealed_scope(row), Place(column.table, column.row_of(row), column.field_id)
                blob = getattr(row, column.attname).blob
            else:
                # A kind of which the world has none: sealed here, in its place.
                scope, place = world.one, Place(column.table, uuid4(), column.field_id)
                blob = envelope.seal("synthetic", key=keys[scope].newest, place=place)
            ring = crypto.keys_for(scope)
            other = crypto.keys_for(world.two if scope == world.one else world.one)
            tries = {
                "row": Place(place.table, uuid4(), place.field),
                "column": Place(place.table, place.row, place.field + 1),
                "table": Place(place.table + 1, place.row, place.field),
            }
            elsewhere: dict[str, Callable[[], object]] = {
                what: lambda blob=blob, ring=ring, there=there: envelope.open_(blob, keys=ring, place=there)  # type: ignore[misc]
                for what, there in tries.items()
            }
            elsewhere["case"] = lambda blob=blob, place=place, other=other: envelope.open_(  # type: ignore[misc]
                blob, keys=other, place=place
            )
            newer = keyring.ScopeKeyring(
                [*ring, keyring.ScopeKeys(scope, ring.newest.generation + 1, keyring.new_key())]
            )
            moved = blob[:4] + (ring.newest.generation + 1).to_bytes(4, "big") + blob[8:]
            elsewhere["generation"] = lambda moved=moved, newer=newer, place=place: envelope.open_(  # type: ignore[misc]
                moved, keys=newer, place=place
            )
            others = tuple(
                getattr(one, another.attname).blob
                for one in own[:3]
                for another in sealed_fields(model)
                if (one.pk, another) != (own[0].pk, column)
                and not (column.row_of(one) == place.row and another is column)
            )
            yield Kind(
                f"{model._meta.db_table}.{column.column}",
                blob,
                lambda blob, ring=ring, place=place: envelope.open_(blob, keys=ring, place=place),  # type: ignore[misc]
                elsewhere,
                others,
            )


def _wraps(people: cast.Cast, world: World) -> Iterator[Kind]:
    root = crypto.root()
    row = Kek.objects.get(version=1)
    yield Kind(
        "crypto_kek.blob",
        bytes(row.blob),
        lambda blob: root.unwrap_kek(blob, 1),
        {"version": lambda: root.unwrap_kek(bytes(row.blob), 2)},
    )
    kek = crypto.wrapping_key(1)
    wraps = {wrap.scope: wrap for wrap in KeyWrap.objects.filter(scope__in=[world.one, world.two])}
    commits = {scope: bytes(KeyScope.objects.get(scope=scope).commit) for scope in wraps}
    one, two = wraps[world.one], wraps[world.two]

    def unwrap(blob: bytes, scope: UUID = world.one, generation: int = 1, commit: bytes = b"") -> object:
        return envelope.unwrap_scope_from_kek(
            blob, kek=kek, scope=scope, generation=generation, commit=commit or commits[world.one]
        )

    yield Kind(
        "crypto_keywrap.blob",
        bytes(one.blob),
        unwrap,
        {
            "case": lambda: unwrap(bytes(one.blob), world.two),
            "generation": lambda: unwrap(bytes(one.blob), generation=2),
            "key": lambda: envelope.unwrap_scope_from_kek(
                bytes(one.blob),
                kek=keyring.Kek(1, keyring.new_key()),
                scope=world.one,
                generation=1,
                commit=commits[world.one],
            ),
        },
        (bytes(two.blob),),
    )
    yield Kind(
        "crypto_keyscope.commit",
        commits[world.one],
        # An empty one is cut like the others: what was given is what is compared.
        lambda commit: envelope.unwrap_scope_from_kek(
            bytes(one.blob), kek=kek, scope=world.one, generation=1, commit=commit
        ),
        others=(commits[world.two],),
    )
    parent = crypto.keys_for(world.one)
    inner = keyring.ScopeKeys(uuid4(), 1, keyring.new_key())
    commit = keyring.commitment(inner.reveal_for_wrapping(), inner.scope, 1)

    def inside(blob: bytes, parents: Any = parent, scope: UUID = inner.scope) -> object:
        return envelope.unwrap_scope_from_parent(blob, parents=parents, scope=scope, generation=1, commit=commit)

    blob = envelope.wrap_scope_to_parent(inner, parent.newest)
    yield Kind(
        "crypto_keywrap.blob, of a scope inside a case",
        blob,
        inside,
        {
            "case": lambda: inside(blob, crypto.keys_for(world.two)),
            "scope": lambda: inside(blob, scope=uuid4()),
        },
        (bytes(one.blob),),
    )


def _file_keys() -> Iterator[Kind]:
    first, second = Document.objects.order_by("uploaded_at", "id")
    ring = crypto.keys_for(first.case_id)
    history: Any = Document.history.model  # type: ignore[attr-defined]
    stored = {"documents_document": first, "documents_historicaldocument": history.objects.get(id=first.pk)}
    for table, row in stored.items():
        blob = bytes(row.file_key)
        yield Kind(
            f"{table}.file_key",
            blob,
            lambda blob: envelope.unwrap_file_key(blob, keys=ring, file_id=first.object_id),
            {"row": lambda blob=blob: envelope.unwrap_file_key(blob, keys=ring, file_id=second.object_id)},  # type: ignore[misc]
            (bytes(second.file_key),),
        )


def _bodies(world: World) -> Iterator[Kind]:
    with_body = [entry for entry in Entry.objects.filter(stream=world.one).order_by("seq") if entry.body]
    entry, other = with_body[:2]
    ring = crypto.keys_for(world.one)
    blob = bytes(entry.body)

    def open_(blob: bytes, seq: int = entry.seq, keys: Any = ring) -> object:
        return envelope.open_body(blob, keys=keys, context=chain.body_context(world.one, seq))

    yield Kind(
        "audit_entry.body",
        blob,
        open_,
        {"row": lambda: open_(blob, other.seq), "case": lambda: open_(blob, keys=crypto.keys_for(world.two))},
        (bytes(other.body),),
    )


def _factors(people: cast.Cast) -> Iterator[Kind]:
    from allauth.mfa.models import Authenticator

    from casework.accounts.adapters import _place

    rows = {row.user_id: row for row in Authenticator.objects.filter(user_id__in=[people.wanda, people.cora])}
    blobs = {user: base64.b64decode(row.data["secret"].partition(":")[2]) for user, row in rows.items()}
    ring = crypto.keys_for(people.wanda)
    yield Kind(
        "mfa_authenticator.data",
        blobs[people.wanda],
        lambda blob: envelope.open_(blob, keys=ring, place=_place(people.wanda)),
        {"person": lambda: envelope.open_(blobs[people.wanda], keys=ring, place=_place(people.cora))},
        (blobs[people.cora],),
    )


def _objects(world: World) -> Iterator[Kind]:
    first, second = Document.objects.order_by("uploaded_at", "id")
    key = envelope.unwrap_file_key(bytes(first.file_key), keys=crypto.keys_for(world.one), file_id=first.object_id)
    blob = path_of(first.object_id).read_bytes()
    size = 65536 + 16
    pieces = [blob[at : at + size] for at in range(8, len(blob), size)]

    def open_(blob: bytes, scope: UUID = world.one, file_id: UUID = first.object_id) -> object:
        return b"".join(envelope.decrypt_chunks(io.BytesIO(blob), key=key, scope=scope, file_id=file_id))

    orders = itertools.islice(itertools.permutations(pieces), 1, None)
    torn = [blob[:8] + b"".join(order) for order in orders]
    torn += [blob[:8] + b"".join(pieces[:at] + pieces[at + 1 :]) for at in range(len(pieces))]
    torn += [blob[:8] + b"".join([*pieces[: at + 1], *pieces[at:]]) for at in range(len(pieces))]
    yield Kind(
        "objects of the file store",
        blob,
        open_,
        {"case": lambda: open_(blob, world.two), "row": lambda: open_(blob, file_id=second.object_id)},
        (path_of(second.object_id).read_bytes(), *torn),
    )


def _signed(people: cast.Cast, world: World) -> Iterator[Kind]:
    """Yield what is not sealed and carries a proof that the application wrote it; a proof that fails is refused."""
    from django.contrib.sessions.models import Session
    from django.contrib.sessions.serializers import JSONSerializer
    from django.core import signing

    from casework.access import registry
    from casework.accounts import selectors as accounts
    from casework.accounts.models import Membership
    from casework.audit.soundness import is_sound
    from casework.audit.types import Row

    tables = registry.tables()
    signed: dict[str, Any] = {
        "cases_caseusergrant.mac": tables.user.objects.filter(content_object_id=world.one),
        "cases_casegroupgrant.mac": tables.group.objects.filter(content_object_id=world.one),
        "accounts_membership.mac": Membership.objects.filter(user_id=people.cora),
    }
    for name, rows in signed.items():
        row = rows.first()
        yield Kind(name, bytes(row.mac), _proved(lambda mac, row=row: accounts.mac_matches(row.signed_bytes(), mac)))  # type: ignore[misc]
    entry = Entry.objects.filter(stream=world.one, object=world.person).order_by("seq").first()
    assert entry is not None
    row = Row(*(getattr(entry, name) for name in Row._fields))
    for name in ("mac", "hash", "prev", "row_digest"):
        yield Kind(
            f"audit_entry.{name}",
            bytes(getattr(row, name)),
            _proved(lambda value, name=name: is_sound(row._replace(**{name: value}))),  # type: ignore[misc]
        )
    session = Session.objects.first()
    if session is not None:
        salt = salt_of(session.session_key)
        yield Kind(
            "django_session.session_data",
            session.session_data.encode(),
            lambda data: _loaded(lambda: signing.loads(data.decode(), salt=salt, serializer=JSONSerializer)),
        )
    public, private = signing_pair()
    note = chain.sign_note(chain.Checkpoint("synthetic", 7, bytes(32), bytes(32), clock.now()), public, private)
    yield Kind(
        "audit_checkpoint.note",
        note.encode(),
        lambda text: _loaded(lambda: chain.open_note(text.decode(), public, signing_keys.verify)),
    )


def signing_pair() -> tuple[bytes, Callable[[bytes], bytes]]:
    """Return the sealer's public key, and what signs with it."""
    key = signing_keys.load_signing_key(settings.CASEWORK_SEALER_KEY_FILE)
    return key.public(), key.sign


def _proved(test: Callable[[bytes], bool]) -> Callable[[bytes], object]:
    def open_(value: bytes) -> object:
        if not test(value):
            raise DecryptError
        return value

    return open_


def _loaded(load: Callable[[], object]) -> object:
    try:
        return load()
    except (ValueError, signing_errors.BadSignature):
        raise DecryptError from None


def path_of(object_id: UUID) -> Path:
    """Return where the file store keeps an object."""
    with storage.open(object_id) as source:
        return Path(source.name)


# --- through the pages ---------------------------------------------------------------------------------------------


class Vandal:
    """A superuser of the database who goes past triggers and policies, and takes back what was done."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self.connection = connection
        connection.execute("SET session_replication_role = replica")

    @contextmanager
    def having(self, table: str, column: str, value: object, **where: object) -> Iterator[None]:
        """Put a value into a column of some rows for the length of the block."""
        before = self.rows(table, column, **where)
        assert before, f"no row of {table} to change"
        self._set(table, column, value, where)
        try:
            yield
        finally:
            for (was,) in before[:1]:
                self._set(table, column, was, where)

    @contextmanager
    def without(self, table: str, **where: object) -> Iterator[None]:
        """Delete rows for the length of the block."""
        name, condition, values = sql.Identifier(table), self._where(where), list(where.values())
        copy = sql.Identifier(f"taken_{uuid4().hex[:8]}")
        self.connection.execute(
            sql.SQL("CREATE TEMP TABLE {} AS SELECT * FROM {} WHERE {}").format(copy, name, condition), values
        )
        done = self.connection.execute(sql.SQL("DELETE FROM {} WHERE {}").format(name, condition), values)
        assert done.rowcount
        try:
            yield
        finally:
            self.connection.execute(sql.SQL("INSERT INTO {} SELECT * FROM {}").format(name, copy))

    def rows(self, table: str, *columns: str, **where: object) -> list[tuple[Any, ...]]:
        """Return columns of the rows that fit."""
        wanted = sql.SQL(", ").join(map(sql.Identifier, columns))
        query = sql.SQL("SELECT {} FROM {} WHERE {}").format(wanted, sql.Identifier(table), self._where(where))
        return self.connection.execute(query, list(where.values())).fetchall()

    def _set(self, table: str, column: str, value: object, where: dict[str, object]) -> None:
        query = sql.SQL("UPDATE {} SET {} = %s WHERE {}").format(
            sql.Identifier(table), sql.Identifier(column), self._where(where)
        )
        self.connection.execute(query, [value, *where.values()])

    @staticmethod
    def _where(where: dict[str, object]) -> sql.Composable:
        return sql.SQL(" AND ").join(sql.SQL("{} = %s").format(sql.Identifier(name)) for name in where)


def as_system(do: Callable[[], Any]) -> Any:
    """Run something as the machine's own principal."""
    with work.acting(work.system_actor()):
        return do()


def export(case_id: UUID) -> Any:
    """Export a case's dossier, with a passphrase."""
    from casework.dossiers import services as dossiers

    return dossiers.export(case_id, passphrase="synthetic-passphrase-7")


# --- the page ------------------------------------------------------------------------------------------------------


_HEAD = """# Tampering: what was tried, what was noticed

Written by `CASEWORK_WRITE_TAMPERING=1 pytest tests/house/test_tampering.py`. Do not edit: the same tests compare it
with what they find.

Somebody with write access to the database and the file store changes what is stored, past the application. Whatever
does not open, or is not what the trail vouches for, is shown on no page: the reader is told that the record was changed
outside the application, the trail gets an entry, the log a line of ids. In a list the line says so and the others
stand. What this cannot notice stands in the [threat model](threat-model.md#what-a-value-is-bound-to).
"""
_ENVELOPES = """
## At the envelopes

One of each kind that is stored. Each byte is flipped in two ways, each length cut (of long ones both ends, and every so
many bytes in between), some bytes are added; then it is put where another one belongs: row, column, table, case,
generation of the key, an order of chunks. The kinds are those that the tests know every column by
(`tests/house/columns.toml`), so a new one cannot be left out.
"""
_PAGES = """
## Through the pages

Written by a superuser of the database, or into the folder of files, and read through the pages: flipped, cut, longer,
empty, of another row or column, of another generation, an older value, a row taken away. `NULL` is refused by the
database, and counted as noticed.
"""


def compare_page(*, envelopes: Mapping[str, Count] | None = None, pages: Mapping[str, Count] | None = None) -> None:
    """Compare what was found with the table in docs/tampering.md, or write it there where that is asked for."""
    kept = _kept()
    found = {("envelopes", name): count for name, count in (envelopes or {}).items()}
    found |= {("pages", name): count for name, count in (pages or {}).items()}
    if os.environ.get("CASEWORK_WRITE_TAMPERING"):
        if envelopes:
            kept = {key: row for key, row in kept.items() if key[0] != "envelopes"}
        kept |= {key: (count.tried, count.noticed) for key, count in found.items()}
        PAGE.write_text(_written(kept), encoding="utf-8")
    told = {key: kept.get(key) for key in found}
    assert told == {key: (count.tried, count.noticed) for key, count in found.items()}, "docs/tampering.md is older"


def _kept() -> dict[tuple[str, str], tuple[int, int]]:
    kept: dict[tuple[str, str], tuple[int, int]] = {}
    part = ""
    for line in PAGE.read_text(encoding="utf-8").splitlines() if PAGE.exists() else ():
        part = {"## At the envelopes": "envelopes", "## Through the pages": "pages"}.get(line, part)
        cells = [cell.strip().strip("`") for cell in line.strip("|").split("|")]
        if len(cells) == 3 and cells[1].isdecimal():  # what, tried, noticed
            kept[part, cells[0]] = int(cells[1]), int(cells[2])
    return kept


def _written(rows: Mapping[tuple[str, str], tuple[int, int]]) -> str:
    text = _HEAD
    for part, words in (("envelopes", _ENVELOPES), ("pages", _PAGES)):
        text += words + "\n| what | tried | noticed |\n|---|---|---|\n"
        own = sorted((name, row) for (of, name), row in rows.items() if of == part)
        text += "".join(
            f"| {name if ' ' in name else f'`{name}`'} | {tried} | {noticed} |\n" for name, (tried, noticed) in own
        )
        tried, noticed = (sum(row[at] for _name, row in own) for at in (0, 1))
        text += f"| **all** | **{tried}** | **{noticed}** |\n"
    return text
