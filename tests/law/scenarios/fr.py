"""Scenarios of the French rules. Many begin so that they end on Saturday 21 November 2026, or on Armistice Day."""

from __future__ import annotations

from tests.law.scenarios.kinds import Note, Scenario

_APPEAL_TRANSFER = "appeal-lodged against=transfer-decision"
_APPEAL_ORDER = "appeal-lodged against=return-decision"
_APPEAL_ASYLUM = "appeal-lodged against=asylum-decision"
_APPEAL_DETENTION = "appeal-lodged against=detention"
_RULING_TRANSFER = "appeal-decided against=transfer-decision outcome=dismissed"
_REFUSED = "asylum-decision-notified outcome=refused procedure=regular"
_NO_STAY = "asylum-decision-notified outcome=refused procedure=accelerated right_to_remain=false"
_HELD = "2026-11-21T17:40+01:00 transfer-decision-notified in_detention=true"
_ORDER_HELD = "2026-11-20T10:15+01:00 return-decision-notified in_detention=true"
_DETAINED = "2026-11-20T18:00+01:00 detained ground=return"
_LONG_DETAINED = "2026-09-01T18:00+02:00 detained ground=return\n2026-09-05 detention-prolonged"
_IN_ZONE = "2026-11-02T06:00+01:00 waiting-zone-placed\n2026-11-05 detention-prolonged"

TRANSFERS = (
    Scenario(
        "fr-dublin-appeal-7d",
        "2026-11-04 transfer-decision-notified",
        "2026-11-11",
        "2026-11-12",  # 11 November is a public holiday
        met=f"2026-11-12 {_APPEAL_TRANSFER}",
        late=f"2026-11-13 {_APPEAL_TRANSFER}",
        stopped="2026-11-06 discretionary-clause-used",
        superseded={"2026-11-06T09:00+01:00 detention-order-notified": "fr-detention-restart-48h"},
    ),
    Scenario(
        "fr-dublin-appeal-48h",
        _HELD,
        "2026-11-23T17:40+01:00",  # from Saturday to Monday: Sunday counts
        met=f"2026-11-23T17:40+01:00 {_APPEAL_TRANSFER}",
        late=f"2026-11-23T17:41+01:00 {_APPEAL_TRANSFER}",
        stopped="2026-11-22 discretionary-clause-used",
    ),
    Scenario(
        "fr-dublin-appeal-15d-old",
        "2024-05-04 transfer-decision-notified",
        "2024-05-19",
        "2024-05-21",  # 19 May 2024 is Whit Sunday, the 20th Whit Monday
        met=f"2024-05-21 {_APPEAL_TRANSFER}",
        late=f"2024-05-22 {_APPEAL_TRANSFER}",
        stopped="2024-05-06 discretionary-clause-used",
    ),
    Scenario(
        "fr-dublin-appeal-48h-old",
        "2024-05-04T10:00+02:00 house-arrest-ordered\n2024-05-04T10:00+02:00 transfer-decision-notified",
        "2024-05-06T10:00+02:00",
        met=f"2024-05-06T10:00+02:00 {_APPEAL_TRANSFER}",
        late=f"2024-05-06T10:01+02:00 {_APPEAL_TRANSFER}",
        stopped="2024-05-05 discretionary-clause-used",
    ),
    Scenario(
        "fr-dublin-ruling-15d",
        f"2026-11-06 {_APPEAL_TRANSFER}",
        "2026-11-21",
        "2026-11-23",
        met=f"2026-11-23 {_RULING_TRANSFER}",
        late=f"2026-11-24 {_RULING_TRANSFER}",
        superseded={"2026-11-10T09:00+01:00 detained ground=transfer": "fr-dublin-ruling-144h"},
    ),
    Scenario(
        "fr-dublin-ruling-96h",
        f"{_HELD}\n2026-11-23T12:00+01:00 {_APPEAL_TRANSFER}",
        "2026-11-27T17:40+01:00",
        met=f"2026-11-27 {_RULING_TRANSFER}",
        late=f"2026-11-28 {_RULING_TRANSFER}",
    ),
    Scenario(
        "fr-dublin-ruling-144h",
        f"2026-11-06 {_APPEAL_TRANSFER}\n2026-11-10T09:00+01:00 detained ground=transfer",
        "2026-11-16T09:00+01:00",
        met=f"2026-11-16 {_RULING_TRANSFER}",
        late=f"2026-11-17 {_RULING_TRANSFER}",
    ),
    Scenario(
        "fr-dublin-cassation-2m",
        f"2026-09-21 {_RULING_TRANSFER}",
        "2026-11-21",
        "2026-11-23",
        met=f"2026-11-23 {_APPEAL_TRANSFER}",
        late=f"2026-11-24 {_APPEAL_TRANSFER}",
    ),
    Scenario(
        "fr-dublin-house-arrest-45d",
        "2026-10-07 transfer-decision-notified\n2026-10-07 house-arrest-ordered",
        "2026-11-21",
        "2026-11-23",
        stopped="2026-10-20 released",
    ),
    Scenario(
        "fr-house-arrest-45d",
        "2026-10-05 return-decision-notified\n2026-10-07 house-arrest-ordered",
        "2026-11-21",
        "2026-11-23",
        stopped="2026-10-20 detained ground=return",
    ),
)

ORDERS = (
    Scenario(
        "fr-oqtf-1m",
        "2026-10-21 return-decision-notified",
        "2026-11-21",
        "2026-11-23",
        met=f"2026-11-23 {_APPEAL_ORDER}",
        late=f"2026-11-24 {_APPEAL_ORDER}",
        superseded={
            "2026-10-28 house-arrest-ordered": "fr-housearrest-restart-7d",
            "2026-10-28 told-in-prison": "fr-prison-restart-7d",
            "2026-10-28T09:00+01:00 detained ground=return": "fr-detention-restart-48h-order",
        },
    ),
    Scenario(
        "fr-oqtf-7d",
        "2026-11-04 house-arrest-ordered\n2026-11-04 return-decision-notified",
        "2026-11-11",
        "2026-11-12",
        met=f"2026-11-12 {_APPEAL_ORDER}",
        late=f"2026-11-13 {_APPEAL_ORDER}",
        superseded={"2026-11-06T09:00+01:00 detained ground=return": "fr-detention-restart-48h-order"},
    ),
    Scenario(
        "fr-oqtf-48h",
        _ORDER_HELD,
        "2026-11-22T10:15+01:00",  # a Sunday
        met=f"2026-11-22T10:15+01:00 {_APPEAL_ORDER}",
        late=f"2026-11-22T10:16+01:00 {_APPEAL_ORDER}",
    ),
    Scenario(
        "fr-oqtf-ruling-96h",
        f"{_ORDER_HELD}\n2026-11-21T08:00+01:00 {_APPEAL_ORDER}",
        "2026-11-26T10:15+01:00",
        met="2026-11-26 appeal-decided against=return-decision outcome=dismissed",
        late="2026-11-27 appeal-decided against=return-decision outcome=dismissed",
    ),
    Scenario(
        "fr-oqtf-departure-30d",
        "2026-10-22 return-decision-notified departure_days=30",
        "2026-11-21",
        "2026-11-23",
        met="2026-11-23 left-territory",
        late="2026-11-24 left-territory",
    ),
    Scenario(
        "fr-housearrest-restart-7d",
        "2026-10-21 return-decision-notified\n2026-11-04 house-arrest-ordered",
        "2026-11-11",
        "2026-11-12",
        met=f"2026-11-12 {_APPEAL_ORDER}",
        late=f"2026-11-13 {_APPEAL_ORDER}",
        superseded={"2026-11-06T09:00+01:00 detained ground=return": "fr-detention-restart-48h-order"},
    ),
    Scenario(
        "fr-prison-restart-7d",
        "2026-10-21 return-decision-notified\n2026-11-04 told-in-prison",
        "2026-11-11",
        "2026-11-12",
        met=f"2026-11-12 {_APPEAL_ORDER}",
        late=f"2026-11-13 {_APPEAL_ORDER}",
        superseded={"2026-11-06T09:00+01:00 detained ground=return": "fr-detention-restart-48h-order"},
    ),
    Scenario(
        "fr-detention-restart-48h",
        "2026-11-03 transfer-decision-notified\n2026-11-06T18:30+01:00 detention-order-notified",
        "2026-11-08T18:30+01:00",  # a Sunday
        met=f"2026-11-08T18:30+01:00 {_APPEAL_TRANSFER}",
        late=f"2026-11-08T18:31+01:00 {_APPEAL_TRANSFER}",
    ),
    Scenario(
        "fr-detention-restart-48h-order",
        "2026-10-21 return-decision-notified\n2026-11-06T18:30+01:00 detention-order-notified",
        "2026-11-08T18:30+01:00",  # a Sunday
        met=f"2026-11-08T18:30+01:00 {_APPEAL_ORDER}",
        late=f"2026-11-08T18:31+01:00 {_APPEAL_ORDER}",
    ),
    Scenario(
        "fr-oqtf-15d-old",
        "2024-05-04 return-decision-notified departure_days=30 appeal_period=15_days",
        "2024-05-19",
        "2024-05-21",  # 19 May 2024 is Whit Sunday, the 20th Whit Monday
        met=f"2024-05-21 {_APPEAL_ORDER}",
        late=f"2024-05-22 {_APPEAL_ORDER}",
    ),
    Scenario(
        "fr-oqtf-48h-old",
        "2024-07-12T10:00+02:00 return-decision-notified appeal_period=48_hours",
        "2024-07-14T10:00+02:00",  # a Sunday, and the national holiday
        met=f"2024-07-14T10:00+02:00 {_APPEAL_ORDER}",
        late=f"2024-07-14T10:01+02:00 {_APPEAL_ORDER}",
    ),
)

ASYLUM = (
    Scenario(
        "fr-register-3wd",
        "2026-03-05 application-made",
        "2026-03-10",  # Friday, Monday, Tuesday
        met="2026-03-10 application-registered",
        late="2026-03-11 application-registered",
        stopped="2026-03-06 application-withdrawn",
    ),
    Scenario(
        "fr-ofpra-form-21d",
        "2026-10-31 certificate-issued",
        "2026-11-21",
        "2026-11-23",
        met="2026-11-23 application-lodged",
        late="2026-11-24 application-lodged",
        stopped="2026-11-05 application-withdrawn",
    ),
    Scenario(
        "fr-ofpra-form-complete-8d",
        "2026-11-13 completion-asked file=first",
        "2026-11-21",
        "2026-11-23",
        met="2026-11-23 file-completed",
        late="2026-11-24 file-completed",
        stopped="2026-11-16 application-withdrawn",
    ),
    Scenario(
        "fr-ofpra-detention-5d",
        "2026-11-16T09:00+01:00 detention-rights-read",
        "2026-11-21",
        "2026-11-23",
        met="2026-11-23 application-made",
        late="2026-11-24 application-made",
        stopped="2026-11-18 released",
    ),
    Scenario(
        "fr-ofpra-reexam-8d",
        "2026-11-13 subsequent-application-registered",
        "2026-11-21",
        "2026-11-23",
        met="2026-11-23 application-lodged",
        late="2026-11-24 application-lodged",
        stopped="2026-11-16 application-withdrawn",
    ),
    Scenario(
        "fr-ofpra-reexam-complete-4d",
        "2026-11-17 completion-asked file=subsequent",
        "2026-11-21",
        "2026-11-23",
        met="2026-11-23 file-completed",
        late="2026-11-24 file-completed",
        stopped="2026-11-18 application-withdrawn",
    ),
    Scenario(
        "fr-ofpra-reexam-check-8d",
        "2026-11-10 subsequent-application-registered\n2026-11-13 application-lodged",
        "2026-11-21",
        "2026-11-23",
        met="2026-11-23 procedure-assigned procedure=accelerated",
        late="2026-11-24 procedure-assigned procedure=accelerated",
        stopped="2026-11-16 application-withdrawn",
    ),
    Scenario(
        "fr-ofpra-reopen-9m",
        "2026-01-05 application-lodged\n2026-02-21 application-closed",
        "2026-11-21",
        "2026-11-23",
        met="2026-11-23 reopening-requested",
        late="2026-11-24 reopening-requested",
    ),
    Scenario(
        "fr-ofpra-reopen-form-8d",
        "2026-11-13 reopening-requested",
        "2026-11-21",
        "2026-11-23",
        met="2026-11-23 application-lodged",
        late="2026-11-24 application-lodged",
        stopped="2026-11-16 application-withdrawn",
    ),
    Scenario(
        "fr-ofpra-reopen-complete-4d",
        "2026-11-17 completion-asked file=reopened",
        "2026-11-21",
        "2026-11-23",
        met="2026-11-23 file-completed",
        late="2026-11-24 file-completed",
        stopped="2026-11-18 application-withdrawn",
    ),
    Scenario(
        "fr-cnda-1m",
        f"2027-01-31 {_REFUSED} service=digital",
        "2027-02-28",  # no 31 February; a Sunday
        "2027-03-01",
        met=f"2027-03-01 {_APPEAL_ASYLUM}",
        late=f"2027-03-02 {_APPEAL_ASYLUM}",
        stopped="2027-02-10 legal-aid-requested against=asylum-decision",
    ),
    Scenario(
        "fr-cnda-legal-aid-15d",
        f"2027-01-31 {_REFUSED} service=digital",
        "2027-02-15",
        met="2027-02-15 legal-aid-requested against=asylum-decision",
        late="2027-02-16 legal-aid-requested against=asylum-decision",
        stopped=f"2027-02-10 {_APPEAL_ASYLUM}",
    ),
    Scenario(
        "fr-cnda-expulsion-1w",
        "2026-11-14 removal-measure-notified",
        "2026-11-21",
        "2026-11-23",
        met=f"2026-11-23 {_APPEAL_ORDER}",
        late=f"2026-11-24 {_APPEAL_ORDER}",
    ),
    Scenario(
        "fr-cnda-ruling-5m",
        f"2026-06-21 {_APPEAL_ASYLUM}",
        "2026-11-21",
        "2026-11-23",
        met="2026-11-23 appeal-decided against=asylum-decision outcome=dismissed",
        late="2026-11-24 appeal-decided against=asylum-decision outcome=dismissed",
        stopped="2026-07-01 application-withdrawn",
    ),
    Scenario(
        "fr-cnda-ruling-5w",
        f"2026-10-01 asylum-decision-notified outcome=refused procedure=accelerated\n2026-10-17 {_APPEAL_ASYLUM}",
        "2026-11-21",
        "2026-11-23",
        met="2026-11-23 appeal-decided against=asylum-decision outcome=dismissed",
        late="2026-11-24 appeal-decided against=asylum-decision outcome=dismissed",
        stopped="2026-11-02 application-withdrawn",
    ),
    Scenario(
        "fr-remain-request-7d",
        f"2026-10-01 return-decision-notified\n2026-11-04 {_NO_STAY}",
        "2026-11-11",
        "2026-11-12",
        met="2026-11-12 suspension-requested",
        late="2026-11-13 suspension-requested",
        stopped="2026-11-06 left-territory",
    ),
    Scenario(
        "fr-remain-request-48h",
        f"2026-10-01 return-decision-notified\n2026-11-20T10:15+01:00 {_NO_STAY} in_detention=true",
        "2026-11-22T10:15+01:00",
        met="2026-11-22T10:15+01:00 suspension-requested",
        late="2026-11-22T10:16+01:00 suspension-requested",
        stopped="2026-11-21 left-territory",
    ),
    Scenario(
        "fr-remain-request-later-7d",
        f"2026-09-01 return-decision-notified\n2026-10-01 {_NO_STAY}\n2026-11-04 house-arrest-ordered",
        "2026-11-11",
        "2026-11-12",
        met="2026-11-12 suspension-requested",
        late="2026-11-13 suspension-requested",
        stopped="2026-11-06 left-territory",
    ),
    Scenario(
        "fr-remain-request-later-48h",
        f"2026-09-01 return-decision-notified\n2026-10-01 {_NO_STAY}\n2026-11-20T10:15+01:00 detained ground=return",
        "2026-11-22T10:15+01:00",
        met="2026-11-22T10:15+01:00 suspension-requested",
        late="2026-11-22T10:16+01:00 suspension-requested",
        stopped="2026-11-21 left-territory",
    ),
)

LIBERTY = (
    Scenario(
        "fr-detention-asylum-48h",
        "2026-11-20T10:15+01:00 kept-in-detention-notified",
        "2026-11-22T10:15+01:00",
        met=f"2026-11-22T10:15+01:00 {_APPEAL_DETENTION}",
        late=f"2026-11-22T10:16+01:00 {_APPEAL_DETENTION}",
        stopped="2026-11-21T08:00+01:00 released",
    ),
    Scenario(
        "fr-detention-asylum-ofpra-96h",
        "2026-11-16T09:00+01:00 detained ground=return\n2026-11-18T11:00+01:00 application-lodged",
        "2026-11-22T11:00+01:00",
        met="2026-11-22T11:00+01:00 asylum-decision-notified outcome=refused",
        late="2026-11-22T11:01+01:00 asylum-decision-notified outcome=refused",
        stopped="2026-11-20T08:00+01:00 released",
    ),
    Scenario(
        "fr-detention-challenge-4d",
        "2026-11-20T18:00+01:00 detention-order-notified",
        "2026-11-24T18:00+01:00",
        met="2026-11-24T18:00+01:00 detention-judge-seized by=applicant",
        late="2026-11-24T18:01+01:00 detention-judge-seized by=applicant",
        stopped="2026-11-21T08:00+01:00 released",
    ),
    Scenario(
        "fr-detention-challenge-4d-old",
        "2024-12-10T15:05+01:00 detention-order-notified",
        "2024-12-13",  # Tuesday is the first day, Friday the fourth
        met="2024-12-13 detention-judge-seized by=applicant",
        late="2024-12-14 detention-judge-seized by=applicant",
        stopped="2024-12-11T08:00+01:00 released",
    ),
    Scenario(
        "fr-detention-first-4d",
        _DETAINED,
        "2026-11-24T18:00+01:00",
        met="2026-11-24T17:00+01:00 detention-judge-seized by=authority",
        late="2026-11-24T18:01+01:00 detention-judge-seized by=authority",
        stopped="2026-11-21T08:00+01:00 released",
    ),
    Scenario(
        "fr-detention-first-4d-old",
        "2024-12-10T15:05+01:00 detained ground=return",
        "2024-12-13",  # Tuesday is the first day, Friday the fourth
        met="2024-12-13 detention-judge-seized by=authority",
        late="2024-12-14 detention-judge-seized by=authority",
        stopped="2024-12-11T08:00+01:00 released",
    ),
    Scenario(
        "fr-detention-extensions-30d",
        "2026-10-23T18:00+02:00 detained ground=return\n2026-10-27 detention-prolonged",
        "2026-11-22",  # a Sunday
        stopped="2026-11-03T08:00+01:00 released",
        superseded={"2026-11-20 detention-prolonged": "fr-detention-extensions-60d"},
    ),
    Scenario(
        "fr-detention-extensions-60d",
        f"{_LONG_DETAINED}\n2026-09-30 detention-prolonged",
        "2026-10-31",
        stopped="2026-10-05T08:00+02:00 released",
        superseded={"2026-10-30 detention-prolonged": "fr-detention-extensions-90d"},
    ),
    Scenario(
        "fr-detention-extensions-90d",
        f"{_LONG_DETAINED}\n2026-09-30 detention-prolonged\n2026-10-30 detention-prolonged",
        "2026-11-30",
        stopped="2026-11-10T08:00+01:00 released",
    ),
    Scenario(
        "fr-liberty-judge-48h",
        f"{_DETAINED}\n2026-11-23T10:00+01:00 detention-judge-seized by=authority",
        "2026-11-25T10:00+01:00",
        met="2026-11-25T10:00+01:00 detention-prolonged",
        late="2026-11-25T10:01+01:00 detention-prolonged",
        stopped="2026-11-24T08:00+01:00 released",
    ),
    Scenario(
        "fr-liberty-judge-48h-challenge",
        f"{_DETAINED}\n2026-11-23T10:00+01:00 detention-judge-seized by=applicant",
        "2026-11-26T18:00+01:00",
        met="2026-11-26T18:00+01:00 detention-reviewed outcome=upheld",
        late="2026-11-26T18:01+01:00 detention-reviewed outcome=upheld",
        stopped="2026-11-24T08:00+01:00 released",
    ),
    Scenario(
        "fr-liberty-appeal-24h",
        "2026-11-20T16:00+01:00 detention-prolonged",
        "2026-11-21T16:00+01:00",  # a Saturday
        "2026-11-23T23:59+01:00",
        met=f"2026-11-23T20:00+01:00 {_APPEAL_DETENTION}",
        late=f"2026-11-24T08:00+01:00 {_APPEAL_DETENTION}",
        stopped="2026-11-20T20:00+01:00 released",
    ),
    Scenario(
        "fr-liberty-appeal-ruling-48h",
        f"2026-11-19T16:00+01:00 detention-prolonged\n2026-11-20T10:00+01:00 {_APPEAL_DETENTION}",
        "2026-11-22T10:00+01:00",  # a Sunday
        "2026-11-23T23:59+01:00",
        met="2026-11-23 appeal-decided against=detention outcome=dismissed",
        late="2026-11-24 appeal-decided against=detention outcome=dismissed",
        stopped="2026-11-21T08:00+01:00 released",
    ),
    Scenario(
        "fr-identity-hold-24h",
        "2026-11-20T16:00+01:00 identity-check-began",
        "2026-11-21T16:00+01:00",
        stopped="2026-11-21T10:00+01:00 released",
    ),
    Scenario(
        "fr-waiting-zone-4d",
        "2026-11-20T06:00+01:00 waiting-zone-placed",
        "2026-11-24T06:00+01:00",
        met="2026-11-23T15:00+01:00 detention-prolonged",
        late="2026-11-24T06:01+01:00 detention-prolonged",
        stopped="2026-11-22T08:00+01:00 released",
    ),
    Scenario(
        "fr-waiting-zone-12d",
        _IN_ZONE,
        "2026-11-14",  # a Saturday
        stopped="2026-11-10T08:00+01:00 released",
        superseded={"2026-11-13 detention-prolonged": "fr-waiting-zone-20d"},
    ),
    Scenario(
        "fr-waiting-zone-20d",
        f"{_IN_ZONE}\n2026-11-13 detention-prolonged",
        "2026-11-22",  # a Sunday
        stopped="2026-11-16T08:00+01:00 released",
        superseded={"2026-11-20 application-made": "fr-waiting-zone-asylum-6d"},
    ),
    Scenario(
        "fr-waiting-zone-asylum-6d",
        f"{_IN_ZONE}\n2026-11-13 detention-prolonged\n2026-11-20T14:00+01:00 application-made",
        "2026-11-26T14:00+01:00",
        stopped="2026-11-22T08:00+01:00 released",
    ),
)

SCENARIOS = (*TRANSFERS, *ORDERS, *ASYLUM, *LIBERTY)

NOTES = (
    Note(
        "fr-dublin-appeal-48h-minimum",
        f"2026-09-01 application-lodged\n{_HELD}",
        "2026-09-01 application-lodged\n2026-11-21T17:40+01:00 transfer-decision-notified",
        warns="Union law asks for at least one week",
    ),
    Note(
        "fr-dublin-no-onward-appeal",
        f"2026-11-03 {_RULING_TRANSFER}",
        "2026-11-03 appeal-decided against=asylum-decision outcome=dismissed",
        warns="only to the Conseil d'État",
    ),
    Note(
        "fr-cnda-1m-range",
        "2026-09-01 application-lodged\n2027-01-31 asylum-decision-notified outcome=refused procedure=accelerated",
        f"2026-09-01 application-lodged\n2027-01-31 {_REFUSED}",
        warns="appeal within the shorter period",
    ),
    Note(
        "fr-remain-request-48h-minimum",
        "2026-09-01 application-lodged\n2026-10-01 return-decision-notified\n"
        f"2026-11-20T10:15+01:00 {_NO_STAY} in_detention=true",
        f"2026-09-01 application-lodged\n2026-10-01 return-decision-notified\n2026-11-20T10:15+01:00 {_NO_STAY}",
        warns="Union law asks for at least 5 days",
    ),
)
