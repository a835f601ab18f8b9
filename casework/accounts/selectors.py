"""Who someone is: roles with every membership's MAC checked, and colleagues for lists."""

from __future__ import annotations

import hmac
import struct
from collections.abc import Callable, Iterable, Mapping
from typing import Final
from uuid import UUID

from django.contrib.auth.models import Group
from django.db import connection

from casework.accounts.models import Membership, Team, TeamRole, User, counted_microseconds
from casework.accounts.types import TEAM_ROLES, Person, Role, Standing
from casework.core import work
from casework.core.errors import NotFound
from casework.crypto import macs
from casework.crypto import services as crypto

_NOBODY = Standing(UUID(int=0), frozenset(), frozenset())

# A person's memberships of an open account: what their MACs cover in bytes, the role, the MAC. Not through the ORM, and
# here for others to read with what they look for: it is asked in every unit of work, before anything else.
STANDING_SQL: Final = """
    SELECT uuid_send(m.id) || int4send(m.group_id)
        || uuid_send(coalesce(r.team_id, '00000000-0000-0000-0000-000000000000'))
        || uuid_send(coalesce(m.given_by, '00000000-0000-0000-0000-000000000000'))
        || int8send((extract(epoch FROM m.given_at) * 1000000)::bigint), r.role, m.mac
      FROM accounts_membership m JOIN accounts_user u ON u.id = m.user_id
      JOIN accounts_teamrole r ON r.group_id = m.group_id
     WHERE m.user_id = %(user)s AND u.is_active
"""
_PACKED: Final = struct.Struct(">16s4s16s16sq")


def standing_of(user_id: UUID | None) -> Standing:
    """Return what roles `user_id` holds; a membership whose MAC does not match counts for nothing.

    One query, once per unit of work. An account that is closed (`closing`) or unknown holds nothing.
    """
    if user_id is None:
        return _NOBODY
    found = known_standing(user_id)
    if found is None:
        with connection.cursor() as cursor:
            cursor.execute(STANDING_SQL, {"user": user_id})
            found = take_standing(user_id, cursor.fetchall())
    return found


def known_standing(user_id: UUID) -> Standing | None:
    """Return what `standing_of` has read in this unit of work, if it has."""
    return _standings().get(user_id)


def take_standing(user_id: UUID, rows: Iterable[tuple[bytes, str, bytes]]) -> Standing:
    """Return the standing that rows of `STANDING_SQL` make, and keep it for this unit of work."""
    matches = mac_checker()
    sound: list[tuple[int, str, UUID | None]] = []
    for packed, role, mac in rows:
        membership_id, group, team, given_by, at = _PACKED.unpack(packed)
        parts = (b"cw/m2", membership_id, user_id.bytes, group, role.encode().ljust(16, b"\0"), team, given_by)
        if matches(b"".join((*parts, counted_microseconds(at))), mac):
            sound.append((int.from_bytes(group, "big"), role, UUID(bytes=team) if any(team) else None))
    found = _standings()[user_id] = Standing(
        user_id=user_id,
        group_ids=frozenset(group_id for group_id, _role, _team in sound),
        roles=frozenset(role for _group_id, role, _team in sound),
        teams_by_role=tuple((role, team) for _group_id, role, team in sound if team),
    )
    return found


def _standings() -> dict[UUID, Standing]:
    running = work.running()
    cache = running.store.setdefault("accounts.standing", {}) if running else {}
    assert isinstance(cache, dict)
    return cache


def forget_standing(user_id: UUID) -> None:
    """Let the next `standing_of` read again; called where roles change."""
    running = work.running()
    if running:
        cache = running.store.get("accounts.standing", {})
        assert isinstance(cache, dict)
        cache.pop(user_id, None)


def standing_from(user_id: UUID, rows: Iterable[Membership]) -> Standing:
    """Return the standing that these memberships of one person make; those that are not sound count for nothing."""
    sound = [row for row in rows if is_sound(row)]
    return Standing(
        user_id=user_id,
        group_ids=frozenset(row.group_id for row in sound),
        roles=frozenset(row.group.team_role.role for row in sound),
        teams_by_role=tuple(
            (row.group.team_role.role, row.group.team_role.team_id) for row in sound if row.group.team_role.team_id
        ),
    )


def is_sound(membership: Membership) -> bool:
    """Say whether the application made this membership row (needs `group__team_role` selected with it)."""
    return mac_matches(membership.signed_bytes(), membership.mac)


def mac_of(data: bytes) -> bytes:
    """Return the 16 byte MAC of a membership, an invitation or a grant under the application's key."""
    return _mac(crypto.grant_mac_key(), data)


def mac_matches(data: bytes, mac: bytes | memoryview) -> bool:
    """Say whether `mac` is that of `data` in one of the epochs of the key, in constant time for each.

    A MAC made by a process that already has a newer epoch is recognised too: nobody is locked out by a rotation.
    """
    found = bytes(mac)
    if any(hmac.compare_digest(_mac(key, data), found) for key in crypto.grant_mac_keys()):
        return True
    return crypto.look_for_newer_epoch() and hmac.compare_digest(mac_of(data), found)


def mac_checker() -> Callable[[bytes, bytes], bool]:
    """Return `mac_matches` for thousands of MACs in a row; for this unit of work, as it holds the key."""
    newest = macs.keyed(crypto.grant_mac_key())

    def matches(data: bytes, mac: bytes) -> bool:
        return hmac.compare_digest(newest(data)[:16], mac) or mac_matches(data, mac)

    return matches


def _mac(key: bytes, data: bytes) -> bytes:
    return hmac.digest(key, data, "sha256")[:16]


def people(ids: Iterable[UUID]) -> Mapping[UUID | None, Person]:
    """Return colleagues by id, in one query; unknown ids are absent (and None always is)."""
    rows = User.objects.filter(pk__in=set(ids)).only("id", "name", "email")
    return {row.pk: Person(row.pk, row.name, row.email) for row in rows}


def holders(role: str, team_ids: Iterable[UUID] | None = None) -> list[Person]:
    """Return active people who hold `role` (in one of `team_ids`, where given), by name; MACs checked."""
    rows = Membership.objects.filter(group__team_role__role=role, user__is_active=True).select_related(
        "user", "group__team_role"
    )
    # The worker asks this too, and its database role reads no more of a user than this.
    rows = rows.only(
        "user_id", "group_id", "given_by", "given_at", "mac", "user__name", "user__email",
        "group__team_role__role", "group__team_role__team_id",
    )  # fmt: skip
    if team_ids is not None:
        rows = rows.filter(group__team_role__team_id__in=list(team_ids))
    found = {row.user_id: Person(row.user_id, row.user.name, row.user.email) for row in rows if is_sound(row)}
    return sorted(found.values(), key=lambda person: person.name)


def active(ids: Iterable[UUID]) -> set[UUID]:
    """Return those of these people whose accounts are open (one query)."""
    return set(User.objects.filter(pk__in=set(ids), is_active=True).values_list("pk", flat=True))


def coordinators_of(team_ids: Iterable[UUID]) -> set[UUID]:
    """Return the active coordinators of these teams, MACs checked (one query); nobody for no teams."""
    return {person.id for person in holders(Role.COORDINATOR, team_ids)}


def everyone_to_tell(user_id: UUID) -> set[UUID]:
    """Return whom to tell of a grave change of somebody's account; active accounts only, MACs checked.

    The person, the coordinators of their teams, all administrators and auditors. Where no team of theirs has another
    coordinator (or they are in none): every coordinator.
    """
    # Their account may be closed by now, and their teams are theirs all the same.
    rows = Membership.objects.filter(user_id=user_id).select_related("group__team_role")
    held = standing_from(user_id, rows)
    teams = {team for role in TEAM_ROLES for team in held.teams(role)}
    coordinators = coordinators_of(teams) - {user_id} or {person.id for person in holders(Role.COORDINATOR)}
    watching = {person.id for role in (Role.ADMIN, Role.AUDITOR) for person in holders(role)}
    return active([user_id]) | coordinators | watching


def teams_of(user_id: UUID, *roles: str) -> list[Team]:
    """Return the teams in which `user_id` holds one of `roles`, by name."""
    standing = standing_of(user_id)
    ids = {team for role in roles for team in standing.teams(role)}
    return list(Team.objects.filter(pk__in=ids).order_by("name"))


def team_names(ids: Iterable[UUID]) -> Mapping[UUID, str]:
    """Return the names of teams by id, in one query."""
    return dict(Team.objects.filter(pk__in=set(ids)).values_list("id", "name"))


def coordinator_group(team_id: UUID) -> Group:
    """Return the group of a team's coordinators."""
    return TeamRole.objects.select_related("group").get(team_id=team_id, role=Role.COORDINATOR).group


def by_email(email: str) -> User:
    """Return the user who signs in with `email`; raise NotFound."""
    found = User.objects.filter(email__iexact=email).first()
    if found is None:
        raise NotFound
    return found


def id_of_address(email: str) -> UUID | None:
    """Return who signs in with `email`, or None; one query either way."""
    return User.objects.filter(email__iexact=email).values_list("pk", flat=True).first()
