"""Unusual access: rules as data, asked of a person's own recent entries, and what was found so far.

The rules see who did what to which case and when, and nothing of what it was about: particulars stay sealed. They mark
and tell; they never refuse, since in an emergency much of what is unusual is right. Who is told stands in
`casework.access.watching`.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby
from operator import attrgetter
from statistics import median
from typing import TYPE_CHECKING, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection, models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from casework.audit import actions, chain
from casework.audit.models import Unusual
from casework.audit.types import TrailEntry
from casework.core import clock

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

HOUR: Final = timedelta(hours=1)
HISTORY: Final = timedelta(days=30)
KEPT_IN_SIGHT: Final = timedelta(days=90)
# The fewest cases within an hour that are many for anybody: about one every three minutes, for a whole hour.
CASES: Final = 20
# Nobody's busy day is this much busier than their own usual busiest hour.
TIMES_USUAL: Final = 3
NIGHT_BEGINS, NIGHT_ENDS = 22, 6
# With fewer days than these, which hours somebody keeps is not known.
DAYS_KNOWN: Final = 10
REFUSALS: Final = 10
DOSSIERS: Final = 10
DOCUMENTS: Final = 50
_MOST_CONDITIONS: Final = 200


def _codes(*names: str) -> frozenset[int]:
    return frozenset(actions.action_named(name).code for name in names)


# What shows somebody the content of one case.
OPENED: Final = _codes(
    "case.read",
    "case.history_viewed",
    "procedure.viewed",
    "document.downloaded",
    "document.previewed",
    "dossier.exported",
    "dossier.previewed",
)
_GLASS, _DEVICE = _codes("access.glass_broken"), _codes("auth.device_new")
_DOWNLOADED, _EXPORTED = _codes("document.downloaded"), _codes("dossier.exported")


@dataclass(frozen=True, slots=True)
class Act:
    """One entry of somebody's, as far as the rules see it."""

    actor: UUID
    at: datetime
    action: int
    outcome: int = actions.DONE
    case_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Habits:
    """What is usual for somebody before a day.

    `usual_cases`: how many different cases they open in a usual day's busiest hour. `days`: on how many days they did
    anything. `hours_kept`: the hours of the day, by the organisation's clock, in which they did.
    """

    usual_cases: float = 0
    days: int = 0
    hours_kept: frozenset[int] = frozenset()


def habits_of(hours: Mapping[datetime, int]) -> Habits:
    """Return the habits of somebody who did something in these hours and opened so many different cases in each.

    Usual is the median of the days' busiest hours, so that one day of copying makes no new custom.
    """
    busiest: dict[date, int] = {}
    for hour, cases in hours.items():
        day = day_of(hour)
        busiest[day] = max(busiest.get(day, 0), cases)
    return Habits(
        usual_cases=median(busiest.values()) if busiest else 0,
        days=len(busiest),
        hours_kept=frozenset(_local(hour).hour for hour in hours),
    )


@dataclass(frozen=True, slots=True)
class Found:
    """Something unusual. `cases` are those it touched, to know whom to tell; they are not stored."""

    rule: str
    day: date
    since: datetime
    until: datetime
    count: int
    cases: frozenset[UUID] = frozenset()


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of the unusual.

    `marks`: what of it is marked in the trail, beside the words. `words`: what happened, for a number of times.
    `reason`: when that counts as unusual, for those who are told. `each`: every single time is a finding of its own;
    others are one finding from when they begin until somebody looks, at most one a day.
    """

    code: str
    label: StrOrPromise
    words: StrOrPromise
    reason: StrOrPromise
    marks: Callable[[Act], bool]
    each: bool = False


# Named in the reasons below.
_NUMBERS: Final = {
    "cases": CASES,
    "times": TIMES_USUAL,
    "begins": NIGHT_BEGINS,
    "ends": NIGHT_ENDS,
    "days": DAYS_KNOWN,
    "refusals": REFUSALS,
    "dossiers": DOSSIERS,
    "documents": DOCUMENTS,
}

RULES: Final[Mapping[str, Rule]] = {
    rule.code: rule
    for rule in (
        Rule(
            "glass",
            _("Emergency access"),
            _("Opened a case in an emergency"),
            _("every emergency access"),
            lambda act: act.action in _GLASS and act.outcome == actions.DONE,
            each=True,
        ),
        Rule(
            "device",
            _("New device"),
            _("Signed in with a kind of device that they had not used for 90 days"),
            _("a browser and system, such as Firefox on Windows, with which they had not signed in for 90 days"),
            lambda act: act.action in _DEVICE and act.outcome == actions.DONE,
            each=True,
        ),
        Rule(
            "cases",
            _("Many cases"),
            ngettext_lazy("Opened %d case within an hour", "Opened %d different cases within an hour"),
            _("more than %(cases)s different cases within an hour, and %(times)s times their usual busiest hour"),
            lambda act: act.action in OPENED and act.outcome == actions.DONE and act.case_id is not None,
        ),
        Rule(
            "night",
            _("Unusual hour"),
            ngettext_lazy(
                "Opened a case at an hour unusual for them", "Opened cases %d times at an hour unusual for them"
            ),
            _(
                "a case opened between %(begins)s and %(ends)s o'clock, at an hour at which they did nothing in the"
                " last 30 days; for people who worked on %(days)s of these days or more"
            ),
            lambda act: act.action in OPENED and act.outcome == actions.DONE and act.case_id is not None,
        ),
        Rule(
            "refusals",
            _("Many refusals"),
            ngettext_lazy("Was refused %d time within an hour", "Was refused %d times within an hour"),
            _("%(refusals)s refusals or more within an hour"),
            lambda act: act.outcome == actions.REFUSED,
        ),
        Rule(
            "dossiers",
            _("Many dossiers"),
            ngettext_lazy("Exported %d dossier within an hour", "Exported %d dossiers within an hour"),
            _("more than %(dossiers)s dossiers within an hour"),
            lambda act: act.action in _EXPORTED and act.outcome == actions.DONE,
        ),
        Rule(
            "documents",
            _("Many documents"),
            ngettext_lazy("Downloaded %d document within an hour", "Downloaded %d documents within an hour"),
            _("more than %(documents)s documents within an hour"),
            lambda act: act.action in _DOWNLOADED and act.outcome == actions.DONE,
        ),
    )
}


# --- the rules: pure ----------------------------------------------------------------------------------------------


def day_of(at: datetime) -> date:
    """Return the day that a moment belongs to: it begins when the night ends, so that a night is of one day."""
    return (_local(at) - timedelta(hours=NIGHT_ENDS)).date()


def begins(day: date) -> datetime:
    """Return when a day begins."""
    return datetime.combine(day, time(NIGHT_ENDS), tzinfo=_zone())


def find(acts: Sequence[Act], habits: Callable[[date], Habits]) -> list[Found]:
    """Return what is unusual about acts of one person, by when it began.

    `habits` gives what they did in the 30 days before a day; it is asked only where it matters. Acts may come in any
    order, and the same acts give the same findings.
    """
    ordered = sorted(acts, key=lambda act: (act.at, act.action, str(act.case_id), act.outcome))
    found = [*_each(ordered), *_at_night(ordered, habits), *_many_cases(ordered, habits)]
    for code, enough in (("refusals", REFUSALS), ("dossiers", DOSSIERS + 1), ("documents", DOCUMENTS + 1)):
        wanted = [act for act in ordered if RULES[code].marks(act)]
        found += _bursts(code, wanted, _always(enough), distinct=False)
    return sorted(found, key=lambda one: (one.since, one.rule))


def _each(acts: Iterable[Act]) -> Iterator[Found]:
    for act in acts:
        for rule in RULES.values():
            if rule.each and rule.marks(act):
                yield Found(rule.code, day_of(act.at), act.at, act.at, 1, _cases([act]))


def _at_night(acts: Sequence[Act], habits: Callable[[date], Habits]) -> Iterator[Found]:
    late = [act for act in acts if RULES["night"].marks(act) and _is_night(act.at)]
    for day, of_day in groupby(late, key=lambda act: day_of(act.at)):
        usual = habits(day)
        if usual.days < DAYS_KNOWN:
            continue
        kept = usual.hours_kept
        odd = [act for act in of_day if _local(act.at).hour not in kept]
        if odd:
            yield Found("night", day, odd[0].at, odd[-1].at, len(odd), _cases(odd))


def _many_cases(acts: Sequence[Act], habits: Callable[[date], Habits]) -> list[Found]:
    opened = [act for act in acts if RULES["cases"].marks(act)]
    if len(_cases(opened)) <= CASES:
        return []
    limits: dict[date, float] = {}

    def enough(act: Act) -> int:
        day = day_of(act.at)
        if day not in limits:
            limits[day] = max(CASES, TIMES_USUAL * habits(day).usual_cases)
        return int(limits[day]) + 1

    return _bursts("cases", opened, enough, distinct=True)


def _always(number: int) -> Callable[[Act], int]:
    return lambda _act: number


def _bursts(code: str, acts: Iterable[Act], enough: Callable[[Act], int], *, distinct: bool) -> list[Found]:
    """Return each day on which 60 minutes hold `enough` acts (or different cases): from when to when, and the most."""
    window: deque[Act] = deque()
    cases: Counter[UUID | None] = Counter()
    found: dict[date, Found] = {}
    for act in acts:
        window.append(act)
        cases[act.case_id] += 1
        while window[0].at <= act.at - HOUR:
            gone = window.popleft()
            cases[gone.case_id] -= 1
            if not cases[gone.case_id]:
                del cases[gone.case_id]
        count = len(cases) if distinct else len(window)
        if count >= enough(act):
            day = day_of(act.at)
            before = found.get(day)
            found[day] = Found(
                rule=code,
                day=day,
                since=before.since if before else window[0].at,
                until=act.at,
                count=max(count, before.count if before else 0),
                cases=_cases(window) | (before.cases if before else frozenset()),
            )
    return list(found.values())


def _cases(acts: Iterable[Act]) -> frozenset[UUID]:
    return frozenset(act.case_id for act in acts if act.case_id is not None)


def _is_night(at: datetime) -> bool:
    return not NIGHT_ENDS <= _local(at).hour < NIGHT_BEGINS


def _local(at: datetime) -> datetime:
    return at.astimezone(_zone())


def _zone() -> ZoneInfo:
    return ZoneInfo(settings.TIME_ZONE)


# --- the trail, for the worker -------------------------------------------------------------------------------------


def recent_acts(*, since: datetime, active_since: datetime) -> list[list[Act]]:
    """Return what everybody who did something since `active_since` did since `since`; one list a person.

    For the worker, whom a function of the database shows these columns of these entries and nothing else of the trail.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT actor, time_us, action, outcome, case_id FROM audit_recent_acts(%s, %s)",
            [chain.time_us(since), chain.time_us(active_since)],
        )
        acts = [
            Act(actor, chain.moment(us), action, outcome, case)
            for actor, us, action, outcome, case in cursor.fetchall()
        ]
    return [list(own) for _actor, own in groupby(acts, key=attrgetter("actor"))]


def habits_before(user_id: UUID, day: date) -> Habits:
    """Return what somebody did in the 30 days before `day`; for the worker, as `recent_acts`."""
    until = begins(day)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT hour, cases FROM audit_habits(%s, %s, %s)",
            [user_id, chain.time_us(until - HISTORY), chain.time_us(until)],
        )
        return habits_of({datetime.fromtimestamp(hour * 3600, UTC): cases for hour, cases in cursor.fetchall()})


# --- what was found ------------------------------------------------------------------------------------------------


def store(user_id: UUID, found: Found, acts: Sequence[Act], habits: Callable[[date], Habits]) -> Unusual | None:
    """Keep a finding and return its row where it is a new one, to be told; in the unit of work that runs, as worker.

    One that is stored already is brought up to date, and nobody is told again; unless somebody looked at it and it
    went on after that.
    """
    rows = Unusual.objects.filter(actor=user_id, rule=found.rule)
    if RULES[found.rule].each:
        return None if rows.filter(since=found.since).exists() else _insert(user_id, found)
    last = rows.filter(day=found.day).order_by("-since").first()
    if last is not None and last.looked_at is None:
        if found.until > last.until or found.count > last.count:
            rows.filter(pk=last.pk).update(until=max(found.until, last.until), count=max(found.count, last.count))
        return None
    if last is not None:
        looked_at = last.looked_at
        assert looked_at is not None
        since = max(looked_at, last.until)
        again = find([act for act in acts if act.at > since], habits)
        found_again = next((one for one in again if (one.rule, one.day) == (found.rule, found.day)), None)
        return _insert(user_id, found_again) if found_again else None
    return _insert(user_id, found)


def _insert(user_id: UUID, found: Found) -> Unusual:
    return Unusual.objects.create(
        actor=user_id, rule=found.rule, day=found.day, since=found.since, until=found.until, count=found.count
    )


def words(rule: str, count: int) -> str:
    """Return in words what was found, without who did it."""
    known = RULES.get(rule)
    if known is None:
        return str(_("Something that this version does not know"))
    said = known.words
    return str(said) if known.each else str(said % count)


def reasons() -> list[tuple[str, str]]:
    """Return what counts as unusual, in words, with its thresholds: the label of each rule and when it holds."""
    return [(str(rule.label), str(rule.reason) % _NUMBERS) for rule in RULES.values()]


def marks(entries: Sequence[TrailEntry]) -> Mapping[tuple[UUID, int], tuple[StrOrPromise, ...]]:
    """Return what is unusual about entries of the trail, by stream and number; one query, those without are absent.

    The database shows a finding to whoever was told of it and to auditors. An emergency is marked in any case.
    """
    asked = [entry for entry in entries if entry.actor is not None]
    if not asked:
        return {}
    rows = Unusual.objects.filter(
        actor__in={entry.actor for entry in asked},
        since__lte=max(entry.at for entry in asked),
        until__gte=min(entry.at for entry in asked),
    )
    by_actor: dict[UUID, list[Unusual]] = {}
    for row in rows:
        by_actor.setdefault(row.actor, []).append(row)
    found = {(entry.stream, entry.seq): _labels(entry, by_actor) for entry in asked}
    return {key: labels for key, labels in found.items() if labels}


def _labels(entry: TrailEntry, by_actor: Mapping[UUID, Sequence[Unusual]]) -> tuple[StrOrPromise, ...]:
    assert entry.actor is not None
    known = actions.ACTION_BY_NAME.get(entry.action)
    if known is None:
        return ()
    act = Act(entry.actor, entry.at, known.code, entry.outcome, entry.case_id)
    held = {row.rule for row in by_actor.get(entry.actor, ()) if row.since <= entry.at <= row.until}
    return tuple(
        rule.label for rule in RULES.values() if (rule.code in held or rule.code == "glass") and rule.marks(act)
    )


def condition() -> models.Q:
    """Return the condition for the entries that `marks` marks, of the newest 200 findings of the last 90 days.

    One query for the findings; each is then a stretch of the index by person and time.
    """
    wanted = models.Q(action__in=_GLASS, outcome=actions.DONE)
    rows = Unusual.objects.filter(until__gte=clock.now() - KEPT_IN_SIGHT).exclude(rule="glass").order_by("-since")
    for row in rows[:_MOST_CONDITIONS]:
        stretch = models.Q(
            actor=row.actor, time_us__gte=chain.time_us(row.since), time_us__lte=chain.time_us(row.until)
        )
        wanted |= stretch & _MARKED.get(row.rule, models.Q(action=0))
    return wanted


_OPENED: Final = models.Q(action__in=OPENED, outcome=actions.DONE, case_id__isnull=False)
_MARKED: Final[Mapping[str, models.Q]] = {
    "device": models.Q(action__in=_DEVICE, outcome=actions.DONE),
    "cases": _OPENED,
    "night": _OPENED,
    "refusals": models.Q(outcome=actions.REFUSED),
    "dossiers": models.Q(action__in=_EXPORTED, outcome=actions.DONE),
    "documents": models.Q(action__in=_DOWNLOADED, outcome=actions.DONE),
}
