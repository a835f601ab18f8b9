"""Scenarios of Regulation (EU) 2024/1348 and its neighbours: screening, Eurodac, reception, return, the Convention."""

from __future__ import annotations

from tests.law.scenarios.kinds import Note, Scenario

_LODGED = "2026-06-22 application-lodged"
_BORDER = "2026-06-15 application-registered\n2026-06-15 procedure-assigned procedure=border"
_NOWHERE = "IT"
"""A state that has no pack of its own, so that nothing takes the place of the Regulation's own ranges."""

APR = (
    Scenario(
        "apr-register-5d",
        "2026-06-15 application-made",
        "2026-06-20",  # a Saturday
        "2026-06-22",
        met="2026-06-22 application-registered",
        late="2026-06-23 application-registered",
        stopped="2026-06-17 application-withdrawn",
    ),
    Scenario(
        "apr-register-15d",
        "2026-06-15 application-made",
        "2026-06-30",
        met="2026-06-30 application-registered",
        late="2026-07-01 application-registered",
        stopped="2026-06-17 application-closed",
    ),
    Scenario(
        "apr-register-forward-3wd",
        "2026-06-18 application-made to=other-authority",  # a Thursday: Friday, Monday, Tuesday
        "2026-06-23",
        met="2026-06-23 application-passed-on",
        late="2026-06-24 application-passed-on",
        stopped="2026-06-19 application-withdrawn",
    ),
    Scenario(
        "apr-lodge-21d",
        "2026-06-15 application-registered",
        "2026-07-06",
        met="2026-07-06 application-lodged",
        late="2026-07-07 application-lodged",
        stopped="2026-06-20 application-withdrawn",
    ),
    Scenario(
        "apr-lodge-appointment-2m",
        "2026-06-15 application-registered",
        "2026-08-15",  # a Saturday, and the Assumption
        "2026-08-17",
        met="2026-08-17 application-lodged",
        late="2026-08-18 application-lodged",
        stopped="2026-06-20 application-closed",
    ),
    Scenario(
        "apr-lodge-after-transfer-21d",
        "2026-09-01 made-known-after-transfer",
        "2026-09-22",
        met="2026-09-22 application-lodged",
        late="2026-09-23 application-lodged",
        stopped="2026-09-10 application-withdrawn",
    ),
    Scenario(
        "apr-lodge-border-5d",
        _BORDER,
        "2026-06-20",  # a Saturday
        "2026-06-22",
        met="2026-06-22 application-lodged",
        late="2026-06-23 application-lodged",
        stopped="2026-06-17 application-withdrawn",
    ),
    Scenario(
        "apr-asylum-after-return-7wd",
        "2026-09-10 return-decision-notified",  # a Thursday; two weekends do not count
        "2026-09-21",
        met="2026-09-21 application-made",
        late="2026-09-22 application-made",
        stopped="2026-09-15 left-territory",
    ),
    Scenario(
        "apr-decision-admissibility-2m",
        f"{_LODGED}\n2026-06-22 procedure-assigned procedure=inadmissible",
        "2026-08-22",  # a Saturday
        "2026-08-24",
        met="2026-08-24 asylum-decision-notified outcome=inadmissible",
        late="2026-08-25 asylum-decision-notified outcome=inadmissible",
        stopped="2026-07-10 application-withdrawn",
    ),
    Scenario(
        "apr-decision-admissibility-10wd",
        "2026-09-01 return-decision-notified\n2026-09-21 application-made\n2026-09-22 application-lodged",
        "2026-10-06",
        met="2026-10-06 asylum-decision-notified outcome=inadmissible",
        late="2026-10-07 asylum-decision-notified outcome=inadmissible",
        stopped="2026-09-30 application-withdrawn",
    ),
    Scenario(
        "apr-decision-accelerated-3m",
        f"{_LODGED}\n2026-06-22 procedure-assigned procedure=accelerated",
        "2026-09-22",
        met="2026-09-22 asylum-decision-notified outcome=refused",
        late="2026-09-23 asylum-decision-notified outcome=refused",
        stopped="2026-07-10 application-withdrawn",
    ),
    Scenario(
        "apr-decision-merits-6m",
        _LODGED,
        "2026-12-22",
        met="2026-12-22 asylum-decision-notified outcome=refused",
        late="2026-12-23 asylum-decision-notified outcome=refused",
        stopped="2026-07-10 application-closed",
    ),
    Scenario(
        "apr-border-12w",
        _BORDER,
        "2026-09-07",
        met="2026-09-07 right-to-remain-ended",
        late="2026-09-08 right-to-remain-ended",
        stopped="2026-07-01 procedure-assigned procedure=regular",
    ),
    Scenario(
        "apr-appeal-short-5-10d",
        f"{_LODGED}\n2026-09-01 asylum-decision-notified outcome=inadmissible",
        "2026-09-06",  # a Sunday
        "2026-09-07",
        met="2026-09-07 appeal-lodged against=asylum-decision",
        late="2026-09-08 appeal-lodged against=asylum-decision",
        country=_NOWHERE,
    ),
    Scenario(
        "apr-appeal-2w-1m",
        f"{_LODGED}\n2026-09-01 asylum-decision-notified outcome=refused procedure=regular",
        "2026-09-15",
        met="2026-09-15 appeal-lodged against=asylum-decision",
        late="2026-09-16 appeal-lodged against=asylum-decision",
        country=_NOWHERE,
    ),
    Scenario(
        "apr-remain-request-5d",
        f"{_LODGED}\n2026-09-01 asylum-decision-notified outcome=refused procedure=accelerated",
        "2026-09-06",  # a Sunday
        "2026-09-07",
        met="2026-09-07 suspension-requested",
        late="2026-09-08 suspension-requested",
        stopped="2026-09-03 suspensive-effect-granted ground=by-court",
        country=_NOWHERE,
    ),
)

NEIGHBOURS = (
    Scenario(
        "screening-7d",
        "2026-06-15 apprehended where=border",
        "2026-06-22",
        met="2026-06-22 screening-ended",
        late="2026-06-23 screening-ended",
        stopped="2026-06-18 left-territory",
    ),
    Scenario(
        "screening-3d",
        "2026-06-15 apprehended where=inland",
        "2026-06-18",
        met="2026-06-18 screening-ended",
        late="2026-06-19 screening-ended",
        stopped="2026-06-17 left-territory",
    ),
    Scenario(
        "eurodac-72h",
        "2026-06-15T10:20:00+02:00 application-registered",
        "2026-06-18T10:20:00+02:00",
        "2026-06-18T11:00:00+02:00",  # the hour of the event does not count
        met="2026-06-17 eurodac-hit HR category=asylum",
        late="2026-06-19 eurodac-hit HR category=asylum",
        stopped="2026-06-16 left-territory",
    ),
    Scenario(
        "return-border-12w",
        f"{_BORDER}\n2026-09-01 right-to-remain-ended",
        "2026-11-24",
        met="2026-11-24 left-territory",
        late="2026-11-25 left-territory",
        stopped="2026-09-10 suspensive-effect-granted ground=by-court",
    ),
    Scenario(
        "rcd-work-6m",
        "2026-06-15 application-registered",
        "2026-12-15",
        stopped="2026-09-01 asylum-decision-notified outcome=refused",
    ),
    Scenario(
        "rcd-detention-review-15d",
        "2026-09-07 detained ground=asylum",
        "2026-09-22",
        met="2026-09-22 detention-reviewed outcome=upheld",
        late="2026-09-23 detention-reviewed outcome=upheld",
        stopped="2026-09-10 released",
    ),
    Scenario(
        "rcd-detention-review-21d",
        "2026-09-07 detained ground=border",
        "2026-09-28",
        met="2026-09-28 detention-reviewed outcome=upheld",
        late="2026-09-29 detention-reviewed outcome=upheld",
        stopped="2026-09-10 released",
    ),
    Scenario(
        "return-voluntary-7-30d",
        "2026-09-01 return-decision-notified departure_days=7",
        "2026-09-08",
        met="2026-09-08 left-territory",
        late="2026-09-09 left-territory",
        stopped="2026-09-03 suspensive-effect-granted ground=by-court",
        country=_NOWHERE,
    ),
    Scenario(
        "return-detention-6-12m",
        "2026-09-01 detained ground=return",
        "2027-03-01",
        met="2027-03-01 left-territory",
        late="2027-03-02 left-territory",
        stopped="2026-10-01 released",
    ),
    Scenario(
        "return-detention-18m",
        "2026-09-01 detained ground=return",
        "2028-03-01",
        met="2028-03-01 left-territory",
        late="2028-03-02 left-territory",
        stopped="2026-10-01 released",
    ),
    Scenario(
        "echr-application-4m",
        "2026-09-01 appeal-decided against=asylum-decision outcome=dismissed final=true",
        "2027-01-01",  # New Year's Day, which counts
        met="2027-01-01 echr-application-lodged",
        late="2027-01-02 echr-application-lodged",
        stopped="2026-10-01 asylum-decision-notified outcome=protected",
    ),
    Scenario(
        "echr-rule39",
        "2026-10-05 removal-scheduled",  # a Monday
        "2026-10-02",
        met="2026-10-02 interim-measure-requested",
        late="2026-10-03 interim-measure-requested",
        stopped="2026-09-20 suspensive-effect-granted ground=by-court",
    ),
)

SCENARIOS = (*APR, *NEIGHBOURS)

NOTES = (
    Note(
        "apr-each-decision",
        f"{_LODGED}\n2026-09-01 asylum-decision-notified\n2026-09-03 asylum-decision-notified\n"
        "2026-09-04 appeal-lodged against=asylum-decision",
        f"{_LODGED}\n2026-09-01 asylum-decision-notified\n2026-09-04 appeal-lodged against=asylum-decision",
        warns="check that each of them was appealed against",
    ),
    Note(
        "return-each-decision",
        "2026-10-05 return-decision-notified\n2026-10-20 return-decision-notified\n"
        "2026-10-22 appeal-lodged against=return-decision",
        "2026-10-05 return-decision-notified\n2026-10-20 return-decision-notified\n"
        "2026-10-22 appeal-lodged against=return-decision by=authority",
        warns="check that each of them was appealed against",
    ),
    Note(
        "apr-subsequent",
        "2026-07-01 subsequent-application-registered",
        "2026-07-01 application-registered",
        warns="new elements",
    ),
    Note(
        "return-border-departure",
        f"{_BORDER}\n2026-09-01 right-to-remain-ended",
        "2026-09-01 right-to-remain-ended",
        warns="ask for a period",
    ),
    Note(
        "return-detention-together",
        "2026-09-01 detained ground=return\n2026-10-01 released\n2026-11-02 detained ground=return",
        "2026-09-01 detained ground=return\n2026-10-01 released",
        warns="added up",
    ),
    Note(
        "return-regulation",
        "2026-09-01 return-decision-notified",
        "2026-09-01 asylum-decision-notified outcome=refused",
    ),
)
