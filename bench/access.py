"""Whether somebody may see a case, and the page of the cases they may see, beside SQL joins written by hand.

100,000 cases and 200 people in 20 teams. Each case has a lead and its team's coordinators; some are shared with an
outside lawyer or another team, some shares have ended. The baseline asks the same tables, under the same row-level
security, in the same unit of work; it knows memberships, grants and their ends, and believes every row: no MAC, no
levels, no cached standing. It returns plain rows, as ours does.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import F

from bench import own
from casework.access import selectors as access
from casework.access import services as access_services
from casework.access.models import grant_bytes
from casework.access.types import LEVEL_BY_CODENAME, Level
from casework.accounts import selectors as selectors_of_accounts
from casework.accounts import services as accounts
from casework.accounts.models import Team, TeamRole, User, role_bytes
from casework.accounts.types import Role
from casework.cases import selectors as cases
from casework.cases.types import CaseState
from casework.core import clock, ids, work

GOAL = 1.2
PAGE = 50
TEAMS, COORDINATORS, CASEWORKERS, LAWYERS = 20, 1, 8, 20
_LAST_DAY = 180
# Whom the lists are measured for; each sees another share of the cases.
ASKING = ("coordinator", "caseworker", "lawyer")


@dataclass
class Crowd:
    """The people by role, and who leads each case."""

    leads: dict[UUID, UUID] = field(default_factory=dict)
    people: dict[str, list[User]] = field(default_factory=dict)


# --- seeding, straight into the tables -----------------------------------------------------------------------------


def seed(count: int) -> Crowd:
    """Make the people, their teams and roles, `count` cases and who may see them."""
    chance, now = random.Random(5), clock.now()
    teams, crowd = _people(now)
    groups = {
        row.team_id: row.group
        for row in TeamRole.objects.filter(role=Role.COORDINATOR).select_related("group__team_role")
    }
    rows: list[tuple[Any, ...]] = []
    direct: list[_Grant] = []
    shared: list[_Grant] = []
    for number in range(count):
        team, workers = teams[number % TEAMS]
        lead, case_id = chance.choice(workers), ids.new_id()
        crowd.leads[case_id] = lead.pk
        due = now.date() + timedelta(days=chance.randrange(-5, _LAST_DAY))
        rows.append((case_id, f"B{number:08}", due, now.date(), lead.pk, team.pk))
        direct.append(_Grant(case_id, Level.LEAD, lead.pk, None))
        shared.append(_Grant(case_id, Level.LEAD, groups[team.pk], None))
        if chance.random() < 0.1:  # noqa: PLR2004
            lawyer = chance.choice(crowd.people[Role.LAWYER])
            ends = now + timedelta(days=chance.choice((-1, 30, 90)))
            direct.append(_Grant(case_id, chance.choice((Level.VIEW, Level.DOSSIER)), lawyer.pk, ends))
        if chance.random() < 0.05:  # noqa: PLR2004
            other = teams[(number + 1) % TEAMS][0]
            shared.append(_Grant(case_id, Level.VIEW, groups[other.pk], now + timedelta(days=30)))
    _store(rows, direct, shared, now)
    return crowd


@dataclass(frozen=True)
class _Grant:
    case_id: UUID
    level: Level
    holder: Any  # a person's id, or a group
    until: datetime | None


def _people(now: datetime) -> tuple[list[tuple[Team, list[User]]], Crowd]:
    crowd = Crowd(people={role: [] for role in ASKING})
    count = TEAMS * (COORDINATORS + CASEWORKERS) + LAWYERS
    users = [User(email=f"person{number}@example.org", name=f"Person {number}") for number in range(count)]
    with own.connect("owner") as owner, owner.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO accounts_user (id, password, is_superuser, email, name, language, age_recipient, is_active,"
            " joined_at) VALUES (%s, '!', false, %s, %s, 'en-gb', '', true, %s)",
            [(user.pk, user.email, user.name, now) for user in users],
        )
    unasked = iter(users)
    teams: list[tuple[Team, list[User]]] = []
    with work.acting(work.Actor(None, kind="command")):
        for number in range(TEAMS):
            team = accounts.create_team(name=f"Team {number}")
            workers: list[User] = []
            for role, many in ((Role.COORDINATOR, COORDINATORS), (Role.CASEWORKER, CASEWORKERS)):
                for user in itertools.islice(unasked, many):
                    accounts.give_role(user=user, role=role, team=team)
                    crowd.people[role].append(user)
                    workers += [user] if role == Role.CASEWORKER else []
            teams.append((team, workers))
        for user in unasked:
            accounts.give_role(user=user, role=Role.LAWYER)
            crowd.people[Role.LAWYER].append(user)
    return teams, crowd


def _store(rows: list[tuple[Any, ...]], direct: list[_Grant], shared: list[_Grant], now: datetime) -> None:
    permissions = {level: access_services.permission_id(level) for level in Level}
    nothing = bytes(200)  # what is sealed is never opened here
    # COPY goes around row-level security, which is for a superuser alone.
    with own.connect("super") as admin, admin.transaction(), admin.cursor() as cursor:
        with cursor.copy(
            "COPY cases_case (id, reference, state, country, regime, stage, responsible_state, next_due_on,"
            " next_due_rule, detained, risk_level, opened_on, lead_id, team_id, version, title_sealed, summary_sealed,"
            " safe_contact_sealed, access_notes_sealed, grounds_sealed, search_sealed) FROM STDIN"
        ) as copy:
            for case_id, reference, due, today, lead, team in rows:
                copy.write_row(
                    (case_id, reference, CaseState.OPEN, "FR", "ammr", "registered", "HR", due, "ammr-transfer-6m",
                     False, "raised", today, lead, team, 1, *[nothing] * 6)
                )  # fmt: skip
        for table, holder, grants in (
            ("cases_caseusergrant", "user_id", direct),
            ("cases_casegroupgrant", "group_id", shared),
        ):
            with cursor.copy(
                f"COPY {table} (id, case_id, permission_id, {holder}, granted_by, granted_at, until, reason_sealed,"
                " mac) FROM STDIN"
            ) as copy:
                for grant in grants:
                    grant_id = ids.new_id()
                    person = isinstance(grant.holder, UUID)
                    signed = grant_bytes(
                        grant_id=grant_id,
                        kind=1 if person else 2,
                        holder=grant.holder.bytes
                        if person
                        else grant.holder.pk.to_bytes(4, "big") + role_bytes(grant.holder),
                        case_id=grant.case_id,
                        level=grant.level,
                        granted_by=None,
                        granted_at=now,
                        until=grant.until,
                    )
                    copy.write_row(
                        (grant_id, grant.case_id, permissions[grant.level], grant.holder if person else grant.holder.pk,
                         None, now, grant.until, nothing, selectors_of_accounts.mac_of(signed))
                    )  # fmt: skip
    with own.connect("owner") as owner:
        owner.execute("VACUUM ANALYZE")


# --- ours ------------------------------------------------------------------------------------------------------------


def _level(user: User, case_id: UUID) -> Any:
    with own.acting(user):
        return access.level_on(user.pk, case_id)


def _levels(user: User, case_ids: list[UUID]) -> Any:
    with own.acting(user):
        return dict(access.levels_for(user.pk, case_ids))


def _page(user: User) -> list[tuple[Any, ...]]:
    """A list's first page: the filter of every list, and of those rows the ones with a sound grant, with its level."""
    with own.acting(user):
        rows = cases.visible().filter(state=CaseState.OPEN).order_by(F("next_due_on").asc(nulls_last=True), "id")
        found = list(rows.values_list(*_COLUMNS)[:PAGE])
        sound = access.levels_for(user.pk, [row[0] for row in found])
        return [(*row, sound[row[0]]) for row in found if row[0] in sound]


# --- the joins by hand -----------------------------------------------------------------------------------------------

_COLUMNS = (
    "id", "reference", "state", "country", "regime", "stage", "responsible_state", "next_due_on", "next_due_rule",
    "detained", "risk_level", "lead_id", "team_id",
)  # fmt: skip
_LIVE = "(g.until IS NULL OR g.until > now())"
_DIRECT = f"""
      FROM cases_caseusergrant g JOIN auth_permission p ON p.id = g.permission_id
      JOIN accounts_user u ON u.id = g.user_id AND u.is_active
     WHERE g.user_id = %(user)s AND {_LIVE}"""
_SHARED = f"""
      FROM cases_casegroupgrant g JOIN auth_permission p ON p.id = g.permission_id
      JOIN accounts_membership m ON m.group_id = g.group_id JOIN accounts_user u ON u.id = m.user_id AND u.is_active
     WHERE m.user_id = %(user)s AND {_LIVE}"""
_ACCESS = f"""
    SELECT g.case_id, p.codename {_DIRECT} AND g.case_id = ANY(%(ids)s)
    UNION ALL SELECT g.case_id, p.codename {_SHARED} AND g.case_id = ANY(%(ids)s)"""
_LISTED = ", ".join(f"c.{column}" for column in _COLUMNS)
_ORDER = f"ORDER BY c.next_due_on NULLS LAST, c.id LIMIT {PAGE}"
# Row by row along the index of the list, as suits who sees much, and from the grants, as suits who sees little.
PAGES = {
    "row by row": f"""
    SELECT {_LISTED} FROM cases_case c WHERE c.state = 'open' AND (
        EXISTS (SELECT 1 FROM cases_casegroupgrant g JOIN accounts_membership m ON m.group_id = g.group_id
                  JOIN accounts_user u ON u.id = m.user_id AND u.is_active
                 WHERE g.case_id = c.id AND m.user_id = %(user)s AND {_LIVE})
        OR EXISTS (SELECT 1 FROM cases_caseusergrant g JOIN accounts_user u ON u.id = g.user_id AND u.is_active
                 WHERE g.case_id = c.id AND g.user_id = %(user)s AND {_LIVE})) {_ORDER}""",
    "from the grants": f"""
    SELECT {_LISTED} FROM cases_case c JOIN (
        SELECT g.case_id {_DIRECT} UNION SELECT g.case_id {_SHARED}) seen ON seen.case_id = c.id
     WHERE c.state = 'open' {_ORDER}""",
}


def _by_hand(user: User, sql: str, case_ids: list[UUID] | None = None) -> list[tuple[Any, ...]]:
    with own.acting(user), connection.cursor() as cursor:
        cursor.execute(sql, {"user": user.pk, "ids": case_ids})
        return cursor.fetchall()


def _best(rows: list[tuple[Any, ...]]) -> dict[UUID, Level]:
    best: dict[UUID, Level] = {}
    for case_id, codename in rows:
        level = LEVEL_BY_CODENAME[codename]
        if level > best.get(case_id, 0):
            best[case_id] = level
    return best


def _page_by_hand(user: User, sql: str) -> list[tuple[Any, ...]]:
    """The page, and what its reader may do with each case: two statements, which is faster than one for both."""
    with own.acting(user), connection.cursor() as cursor:
        cursor.execute(sql, {"user": user.pk})
        rows = cursor.fetchall()
        cursor.execute(_ACCESS, {"user": user.pk, "ids": [row[0] for row in rows]})
        best = _best(cursor.fetchall())
    return [(*row, best[row[0]]) for row in rows]


# --- what is compared ------------------------------------------------------------------------------------------------


def pairs(crowd: Crowd) -> Iterator[tuple[str, Callable[[], Any], list[Callable[[], Any]]]]:
    """Yield what is measured: its name, ours, and the ways to do it by hand, of which the fastest counts."""
    chance = random.Random(11)
    everybody = [user for people in crowd.people.values() for user in people]
    leads = {user.pk: user for user in crowd.people[Role.CASEWORKER]}
    chosen = chance.sample(sorted(crowd.leads), 500)
    # Every other time of somebody who may see it, else of anybody.
    asked = [
        (chance.choice(everybody) if number % 2 else leads[crowd.leads[case_id]], case_id)
        for number, case_id in enumerate(chosen)
    ]
    for user, case_id in asked[:50]:
        mine, theirs = _level(user, case_id), _best(_by_hand(user, _ACCESS, [case_id]))
        if theirs.get(case_id) != mine:
            raise SystemExit(f"ours and the join by hand do not agree on who may see a case: {mine}, {theirs}")
    ours, plain = itertools.cycle(asked), itertools.cycle(asked)

    def one() -> Any:
        user, case_id = next(ours)
        return _level(user, case_id)

    def one_by_hand() -> Any:
        user, case_id = next(plain)
        return _best(_by_hand(user, _ACCESS, [case_id])).get(case_id)

    yield "has access, one case", one, [one_by_hand]
    for role in ASKING:
        user = crowd.people[role][0]
        rows = _page(user)
        page = [row[0] for row in rows]
        if any(_page_by_hand(user, sql) != rows for sql in PAGES.values()):
            raise SystemExit(f"ours and the join by hand do not show a {role} the same page")
        if _levels(user, page) != _best(_by_hand(user, _ACCESS, page)):
            raise SystemExit(f"ours and the join by hand do not give a {role} the same levels")
        yield (
            f"has access, {len(page)} cases, a {role}",
            lambda user=user, page=page: _levels(user, page),
            [lambda user=user, page=page: _best(_by_hand(user, _ACCESS, page))],
        )
        yield (
            f"visible cases, page of {len(page)}, a {role}",
            lambda user=user: _page(user),
            [lambda user=user, sql=sql: _page_by_hand(user, sql) for sql in PAGES.values()],
        )
