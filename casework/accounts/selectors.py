"""Who someone is: roles with every membership's MAC checked, and colleagues for lists."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable, Mapping
from uuid import UUID

from django.contrib.auth.models import Group

from casework.accounts.models import Membership, Team, TeamRole, User, meaning_bytes
from casework.accounts.types import Person, Role, Standing
from casework.core import work
from casework.core.errors import NotFound
from casework.crypto import macs
from casework.crypto import services as crypto

_NOBODY = Standing(UUID(int=0), frozenset(), frozenset())


def standing_of(user_id: UUID | None) -> Standing:
    """Return what roles `user_id` holds; a membership whose MAC does not match counts for nothing.

    Two queries at most, once per unit of work. A frozen or unknown account holds nothing.
    """
    if user_id is None:
        return _NOBODY
    running = work.running()
    cache = running.store.setdefault("accounts.standing", {}) if running else {}
    assert isinstance(cache, dict)
    if user_id not in cache:
        cache[user_id] = _read_standing(user_id)
    return cache[user_id]  # type: ignore[no-any-return]


def forget_standing(user_id: UUID) -> None:
    """Let the next `standing_of` read again; called where roles change."""
    running = work.running()
    if running:
        cache = running.store.get("accounts.standing", {})
        assert isinstance(cache, dict)
        cache.pop(user_id, None)


def _read_standing(user_id: UUID) -> Standing:
    rows = Membership.objects.filter(user_id=user_id, user__is_active=True).select_related("group__team_role")
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


def meanings(group_ids: Iterable[int]) -> dict[int, bytes]:
    """Return what groups stand for, as MACs see it (one query)."""
    rows = TeamRole.objects.filter(group_id__in=list(group_ids)).values_list("group_id", "role", "team_id")
    return {group_id: meaning_bytes(role, team_id) for group_id, role, team_id in rows}


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
