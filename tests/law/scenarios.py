"""One scenario for each rule of the packs: the facts that start it, when it ends, what meets, stops and replaces it.

`test_every_rule.py` fails when a rule has none. Dates were counted by hand on a calendar.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Scenario:
    """`facts` start the rule; `strict` and `rolled` are its ends. Each other member is one more line of facts.

    `superseded` maps facts that make another rule take its place to that rule; "" means it starts anew.
    """

    rule: str
    facts: str
    strict: str
    rolled: str = ""
    met: str = ""
    late: str = ""
    stopped: str = ""
    superseded: dict[str, str] = field(default_factory=dict)
    country: str = "FR"
    more: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Note:
    """An entry without a period: `facts` bring it up, `other` do not."""

    rule: str
    facts: str
    other: str
    warns: str = ""
    more: dict[str, Any] = field(default_factory=dict)


_RULING = "suspensive-effect-granted ground=by-court"
_FINAL = "appeal-decided against=transfer-decision outcome=dismissed final=true"

DUBLIN3 = (
    Scenario(
        "dublin3-take-charge-request-3m",
        "2025-01-15 application-recorded",
        "2025-04-15",
        met="2025-04-15 take-charge-requested HR basis=other",
        late="2025-04-16 take-charge-requested HR basis=other",
        stopped="2025-02-01 application-withdrawn",
        superseded={
            "2025-02-01 eurodac-hit HR category=asylum": "dublin3-take-back-request-hit-2m",
            "2025-02-02 responsibility-indicated HR": "dublin3-take-back-request-3m",
        },
    ),
    Scenario(
        "dublin3-take-charge-request-hit-2m",
        "2025-01-15 application-recorded\n2025-01-20 eurodac-hit HR category=irregular-crossing",
        "2025-03-20",
        met="2025-03-20 take-charge-requested HR basis=eurodac",
        late="2025-03-21 take-charge-requested HR basis=eurodac",
        stopped="2025-02-01 discretionary-clause-used",
        superseded={
            "2025-02-02 eurodac-hit HR category=asylum": "dublin3-take-back-request-hit-2m",
            "2025-02-02 responsibility-indicated HR": "dublin3-take-back-request-3m",
        },
    ),
    Scenario(
        "dublin3-take-charge-reply-2m",
        "2025-02-03 take-charge-requested HR basis=other\n2025-02-04 take-charge-request-received HR",
        "2025-04-04",
        met="2025-04-04 take-charge-refused HR",
        late="2025-04-05 take-charge-refused HR",
        stopped="2025-03-01 application-closed",
    ),
    Scenario(
        "dublin3-take-charge-reply-urgent-1m",
        "2025-02-03 take-charge-requested HR basis=other urgent_days=10\n2025-02-04 take-charge-request-received HR",
        "2025-03-04",
        met="2025-03-04 take-charge-accepted HR",
        late="2025-03-05 take-charge-refused HR",
        stopped="2025-03-01 application-withdrawn",
    ),
    Scenario(
        "dublin3-take-back-request-hit-2m",
        "2025-01-15 application-lodged\n2025-01-20 eurodac-hit HR category=asylum",
        "2025-03-20",
        met="2025-03-20 take-back-requested HR basis=eurodac",
        late="2025-03-21 take-back-requested HR basis=eurodac",
        stopped="2025-02-01 responsibility-acknowledged",
    ),
    Scenario(
        "dublin3-take-back-request-3m",
        "2025-01-15 application-lodged\n2025-01-20 responsibility-indicated HR",
        "2025-04-15",
        met="2025-04-15 take-back-requested HR basis=other",
        late="2025-04-16 take-back-requested HR basis=other",
        stopped="2025-02-01 application-closed",
    ),
    Scenario(
        "dublin3-take-back-noapp-hit-2m",
        "2025-01-20 eurodac-hit HR category=asylum",
        "2025-03-20",
        met="2025-03-20 take-back-requested HR basis=eurodac",
        late="2025-03-21 take-back-requested HR basis=eurodac",
        stopped="2025-02-01 discretionary-clause-used",
    ),
    Scenario(
        "dublin3-take-back-noapp-3m",
        "2025-01-20 responsibility-indicated HR",
        "2025-04-20",
        "2025-04-22",  # 20 April 2025 is Easter Sunday, the 21st Easter Monday
        met="2025-04-20 take-back-requested HR basis=other",
        late="2025-04-23 take-back-requested HR basis=other",
        stopped="2025-02-01 discretionary-clause-used",
    ),
    Scenario(
        "dublin3-take-back-reply-1m",
        "2025-02-03 take-back-requested HR basis=other\n2025-02-04 take-back-request-received HR",
        "2025-03-04",
        met="2025-03-04 take-back-accepted HR",
        late="2025-03-05 take-back-refused HR",
        stopped="2025-03-01 application-closed",
    ),
    Scenario(
        "dublin3-take-back-reply-eurodac-2w",
        "2025-02-03 take-back-requested HR basis=eurodac\n2025-02-04 take-back-request-received HR",
        "2025-02-18",
        met="2025-02-18 take-back-refused HR",
        late="2025-02-19 take-back-refused HR",
        stopped="2025-02-10 application-closed",
    ),
    Scenario(
        "dublin3-reexamination-request-3w",
        "2025-02-03 take-back-requested HR basis=eurodac\n2025-02-04 take-back-refused HR",
        "2025-02-25",
        met="2025-02-25 reexamination-requested HR",
        late="2025-02-26 reexamination-requested HR",
        stopped="2025-02-10 discretionary-clause-used",
    ),
    Scenario(
        "dublin3-reexamination-reply-2w",
        "2025-02-03 reexamination-requested HR\n2025-02-04 reexamination-request-received HR",
        "2025-02-18",
        met="2025-02-18 reexamination-refused HR",
        late="2025-02-19 reexamination-refused HR",
        stopped="2025-02-10 discretionary-clause-used",
    ),
    Scenario(
        "dublin3-humanitarian-reply-2m",
        "2025-02-03 humanitarian-requested DE\n2025-02-04 humanitarian-request-received DE",
        "2025-04-04",
        met="2025-04-04 humanitarian-refused DE",
        late="2025-04-05 humanitarian-refused DE",
        stopped="2025-02-10 application-withdrawn",
    ),
    Scenario(
        "dublin3-appeal",
        "2025-02-03 transfer-decision-notified appeal_days=7",
        "2025-02-10",
        met="2025-02-10 appeal-lodged against=transfer-decision",
        late="2025-02-11 appeal-lodged against=transfer-decision",
        stopped="2025-02-05 transferred",
    ),
    Scenario(
        "dublin3-detention-request-1m",
        "2025-02-03 application-recorded\n2025-02-05 detained ground=transfer",
        "2025-03-03",
        met="2025-03-03 take-back-requested HR basis=other",
        late="2025-03-04 take-back-requested HR basis=other",
        stopped="2025-02-20 released",
    ),
    Scenario(
        "dublin3-detention-reply-2w",
        "2025-02-01 detained ground=transfer\n2025-02-03 take-charge-requested HR basis=other\n"
        "2025-02-04 take-charge-request-received HR",
        "2025-02-18",
        met="2025-02-18 take-charge-refused HR",
        late="2025-02-19 take-charge-refused HR",
        stopped="2025-02-10 application-closed",
    ),
    Scenario(
        "dublin3-detention-transfer-6w",
        "2025-02-01 detained ground=transfer\n2025-02-04 take-back-accepted HR",
        "2025-03-18",
        met="2025-03-18 transferred",
        late="2025-03-19 transferred",
        stopped="2025-03-01 released",
        superseded={f"2025-02-20 {_RULING}\n2025-03-10 {_FINAL}": ""},
    ),
    Scenario(
        "dublin3-transfer-6m",
        "2025-02-04 take-back-accepted HR",
        "2025-08-04",
        met="2025-08-04 transferred",
        late="2025-08-05 transferred",
        stopped=f"2025-03-01 {_RULING}",
        superseded={
            f"2025-03-01 {_RULING}\n2025-06-10 {_FINAL}": "",
            "2025-03-01 imprisoned": "dublin3-transfer-imprisoned-12m",
            "2025-08-04 absconding-notified HR ground=absconded": "dublin3-transfer-absconded-18m",
        },
    ),
    Scenario(
        "dublin3-transfer-imprisoned-12m",
        "2025-02-04 take-back-accepted HR\n2025-03-01 imprisoned",
        "2026-02-04",
        met="2026-02-04 transferred",
        late="2026-02-05 transferred",
        stopped="2025-10-01 responsibility-acknowledged",
        superseded={"2025-10-01 absconding-notified HR ground=absconded": "dublin3-transfer-absconded-18m"},
    ),
    Scenario(
        "dublin3-transfer-absconded-18m",
        "2024-02-05 take-back-accepted HR\n2024-03-01 absconding-notified HR ground=absconded",
        "2025-08-05",
        met="2025-08-05 transferred",
        late="2025-08-06 transferred",
        stopped="2024-10-01 discretionary-clause-used",
    ),
    Scenario(
        "dublin3-cessation-absence-3m",
        "2025-02-04 left-territory",
        "2025-05-04",
        "2025-05-05",  # a Sunday
        met="2025-05-04 returned-to-territory",
        late="2025-05-06 returned-to-territory",
        stopped="2025-03-01 permit-issued PL",
    ),
    Scenario(
        "dublin3-irregular-entry-12m",
        "2024-02-05 irregular-crossing HR",
        "2025-02-05",
        met="2025-02-05 application-made",
        late="2025-02-06 application-made",
        stopped="2024-03-01 application-closed",
    ),
    Scenario(
        "dublin3-stay-5m",
        "2024-02-05 stay-began HR",
        "2024-07-05",
        met="2024-07-05 application-made",
        late="2024-07-06 application-made",
        stopped="2024-03-01 left-territory",
    ),
    Scenario(
        "dublin3-expired-permit-2y",
        "2023-02-06 permit-expires PL",
        "2025-02-06",
        met="2025-02-06 application-made",
        late="2025-02-07 application-made",
        stopped="2024-03-01 left-territory",
    ),
    Scenario(
        "dublin3-expired-visa-6m",
        "2024-02-05 visa-expires PL",
        "2024-08-05",
        met="2024-08-05 application-made",
        late="2024-08-06 application-made",
        stopped="2024-03-01 left-territory",
    ),
)

_REGISTERED = "2026-09-01 application-registered"
_NOTIFIED = "2026-09-10 take-back-notified HR\n2026-09-10 take-back-notification-received HR"
_CONFIRMED = "2026-09-14 take-back-confirmed HR"
_DERIVED_TRANSFER = "2027-03-15"  # six months after 14 September 2026 is a Sunday, 14 March 2027

AMMR = (
    Scenario(
        "ammr-take-charge-request-2m",
        _REGISTERED,
        "2026-11-01",  # a Sunday, and All Saints' Day
        "2026-11-02",
        met="2026-11-02 take-charge-requested PL basis=other",
        late="2026-11-03 take-charge-requested PL basis=other",
        stopped="2026-09-20 application-withdrawn",
        superseded={
            "2026-09-02 eurodac-hit HR category=asylum": "ammr-take-back-notify-2w",
            "2026-08-01 crisis-derogation FR until=2026-10-01": "ammr-crisis-take-charge-request-4m",
            "2026-08-01 crisis-derogation FR until=2026-10-01\n2026-09-02 eurodac-hit HR category=asylum": (
                "ammr-crisis-take-back-notify-1m"
            ),
        },
    ),
    Scenario(
        "ammr-take-charge-request-hit-1m",
        f"{_REGISTERED}\n2026-09-03 vis-hit PL",
        "2026-10-03",  # a Saturday
        "2026-10-05",
        met="2026-10-05 take-charge-requested PL basis=vis",
        late="2026-10-06 take-charge-requested PL basis=vis",
        stopped="2026-09-20 application-withdrawn",
        superseded={
            "2026-09-10 eurodac-hit PL category=asylum": "ammr-take-back-notify-2w",
            "2026-08-01 crisis-derogation FR until=2026-10-01": "ammr-crisis-take-charge-request-4m",
            "2026-08-01 crisis-derogation FR until=2026-10-01\n2026-09-10 eurodac-hit PL category=asylum": (
                "ammr-crisis-take-back-notify-1m"
            ),
        },
    ),
    Scenario(
        "ammr-take-charge-reply-1m",
        f"{_REGISTERED}\n2026-09-09 take-charge-requested PL basis=other\n2026-09-10 take-charge-request-received PL",
        "2026-10-10",  # a Saturday
        "2026-10-12",
        met="2026-10-12 take-charge-refused PL",
        late="2026-10-13 take-charge-refused PL",
        stopped="2026-09-20 application-withdrawn",
        superseded={"2026-08-01 crisis-derogation PL until=2026-10-01": "ammr-crisis-take-charge-reply-2m"},
    ),
    Scenario(
        "ammr-take-charge-reply-hit-2w",
        f"{_REGISTERED}\n2026-09-09 take-charge-requested PL basis=vis\n2026-09-10 take-charge-request-received PL",
        "2026-09-24",
        met="2026-09-24 take-charge-accepted PL",
        late="2026-09-25 take-charge-refused PL",
        stopped="2026-09-20 application-withdrawn",
        superseded={"2026-08-01 crisis-derogation PL until=2026-10-01": "ammr-crisis-take-charge-reply-2m"},
    ),
    Scenario(
        "ammr-take-charge-reply-urgent",
        f"{_REGISTERED}\n2026-09-09 take-charge-requested PL basis=other urgent_days=7\n"
        "2026-09-10 take-charge-request-received PL",
        "2026-09-17",
        met="2026-09-17 take-charge-accepted PL",
        late="2026-09-18 take-charge-accepted PL",
        stopped="2026-09-15 application-withdrawn",
        superseded={"2026-08-01 crisis-derogation PL until=2026-10-01": "ammr-crisis-take-charge-reply-2m"},
    ),
    Scenario(
        "ammr-humanitarian-reply-2m",
        f"{_REGISTERED}\n2026-09-09 humanitarian-requested DE\n2026-09-10 humanitarian-request-received DE",
        "2026-11-10",
        met="2026-11-10 humanitarian-accepted DE",
        late="2026-11-11 humanitarian-accepted DE",
        stopped="2026-09-20 application-withdrawn",
    ),
    Scenario(
        "ammr-take-back-notify-2w",
        f"{_REGISTERED}\n2026-09-02 eurodac-hit HR category=asylum",
        "2026-09-16",
        met="2026-09-16 take-back-notified HR",
        late="2026-09-17 take-back-notified HR",
        stopped="2026-09-10 discretionary-clause-used",
        superseded={"2026-08-01 crisis-derogation FR until=2026-10-01": "ammr-crisis-take-back-notify-1m"},
    ),
    Scenario(
        "ammr-take-back-confirm-2w",
        f"{_REGISTERED}\n{_NOTIFIED}",
        "2026-09-24",
        met="2026-09-24 take-back-confirmed HR",
        late="2026-09-25 take-back-refused HR",
        stopped="2026-09-20 discretionary-clause-used",
        superseded={"2026-08-01 crisis-derogation HR until=2026-10-01": "ammr-crisis-take-back-confirm-1m"},
    ),
    Scenario(
        "ammr-transfer-decision-2w",
        f"{_REGISTERED}\n{_NOTIFIED}\n{_CONFIRMED}",
        "2026-09-28",
        met="2026-09-28 transfer-decided",
        late="2026-09-29 transfer-decided",
        stopped="2026-09-20 transferred",
    ),
    Scenario(
        "ammr-appeal",
        f"{_REGISTERED}\n2026-09-30 transfer-decision-notified",
        "2026-10-07",
        met="2026-10-07 appeal-lodged against=transfer-decision",
        late="2026-10-08 appeal-lodged against=transfer-decision",
        stopped="2026-10-02 transferred",
    ),
    Scenario(
        "ammr-suspension-request",
        f"{_REGISTERED}\n2026-09-30 transfer-decision-notified appeal_days=14",
        "2026-10-14",
        met="2026-10-14 suspension-requested",
        late="2026-10-15 suspension-requested",
        stopped=f"2026-10-02 {_RULING}",
    ),
    Scenario(
        "ammr-suspension-ruling-1m",
        f"{_REGISTERED}\n2026-10-01 suspension-requested",
        "2026-11-01",
        "2026-11-02",
        met="2026-11-02 suspensive-effect-refused",
        late="2026-11-03 suspensive-effect-refused",
        stopped="2026-10-10 transferred",
    ),
    Scenario(
        "ammr-merits-ruling-1m",
        f"{_REGISTERED}\n2026-10-05 {_RULING}",
        "2026-11-05",
        met=f"2026-11-05 {_FINAL}",
        late=f"2026-11-06 {_FINAL}",
        stopped="2026-10-10 suspensive-effect-ended",
    ),
    Scenario(
        "ammr-transfer-6m",
        f"{_REGISTERED}\n{_NOTIFIED}\n{_CONFIRMED}",
        "2027-03-14",
        _DERIVED_TRANSFER,
        met="2027-03-15 transferred",
        late="2027-03-16 transferred",
        stopped=f"2026-10-05 {_RULING}",
        superseded={
            f"2026-10-05 {_RULING}\n2026-12-10 {_FINAL}": "",
            "2026-10-05 imprisoned": "ammr-transfer-imprisoned-1y",
            "2027-03-15 absconding-notified HR ground=unfit": "ammr-transfer-absconded-3y",
            "2026-08-01 crisis-derogation HR until=2026-10-01": "ammr-crisis-transfer-1y",
        },
    ),
    Scenario(
        "ammr-transfer-imprisoned-1y",
        f"{_REGISTERED}\n{_CONFIRMED}\n2026-10-05 imprisoned",
        "2027-09-14",
        met="2027-09-14 transferred",
        late="2027-09-15 transferred",
        stopped="2026-12-01 discretionary-clause-used",
        superseded={"2027-05-03 absconding-notified HR ground=resists": "ammr-transfer-absconded-3y"},
    ),
    Scenario(
        "ammr-transfer-absconded-3y",
        f"{_REGISTERED}\n{_CONFIRMED}\n2026-10-05 absconding-notified HR ground=medical",
        "2029-10-05",
        met="2029-10-05 transferred",
        late="2029-10-06 transferred",
        stopped="2026-12-01 discretionary-clause-used",
    ),
    Scenario(
        "ammr-transfer-reappeared-3m",
        f"{_REGISTERED}\n{_CONFIRMED}\n2026-10-05 absconding-notified HR ground=absconded\n2027-02-01 available-again",
        "2027-05-01",  # a Saturday, and Labour Day
        "2027-05-03",
        met="2027-05-03 transferred",
        late="2027-05-04 transferred",
        stopped="2027-02-10 discretionary-clause-used",
        superseded={"2027-03-01 absconding-notified HR ground=absconded": "ammr-transfer-absconded-3y"},
    ),
    Scenario(
        "ammr-relocation-confirm-1w",
        f"{_REGISTERED}\n2026-09-10 relocation-file-received DE",
        "2026-09-17",
        met="2026-09-17 relocation-confirmed DE",
        late="2026-09-18 relocation-refused DE",
        stopped="2026-09-12 application-withdrawn",
    ),
    Scenario(
        "ammr-relocation-decision-1w",
        f"{_REGISTERED}\n2026-09-10 relocation-confirmed DE",
        "2026-09-17",
        met="2026-09-17 relocation-decided",
        late="2026-09-18 relocation-decided",
        stopped="2026-09-12 application-withdrawn",
    ),
    Scenario(
        "ammr-relocation-transfer-4w",
        f"{_REGISTERED}\n2026-09-10 relocation-confirmed DE",
        "2026-10-08",
        met="2026-10-08 transferred",
        late="2026-10-09 transferred",
        stopped=f"2026-09-12 {_RULING}",
        superseded={f"2026-09-12 {_RULING}\n2026-10-01 {_FINAL}": ""},
    ),
    Scenario(
        "ammr-relocation-notice",
        f"{_REGISTERED}\n2026-09-10 relocation-confirmed DE\n2026-10-01 transfer-scheduled",
        "2026-09-29",
        met="2026-09-29 transfer-notice-given",
        late="2026-09-30 transfer-notice-given",
        stopped="2026-09-20 transfer-failed",
    ),
    Scenario(
        "ammr-transfer-form-7-14d",
        f"{_REGISTERED}\n2026-10-01 transfer-scheduled",
        "2026-09-24",
        met="2026-09-24 transfer-form-sent",
        late="2026-09-25 transfer-form-sent",
        stopped="2026-09-20 transfer-failed",
    ),
    Scenario(
        "ammr-detention-request-2w",
        "2026-08-31 detained ground=transfer\n2026-09-01 application-registered",
        "2026-09-15",
        met="2026-09-15 take-back-notified HR",
        late="2026-09-16 take-back-notified HR",
        stopped="2026-09-10 released",
    ),
    Scenario(
        "ammr-detention-hit-2w",
        "2026-08-31 detained ground=transfer\n2026-09-01 eurodac-hit HR category=asylum",
        "2026-09-15",
        met="2026-09-15 take-back-notified HR",
        late="2026-09-16 take-back-notified HR",
        stopped="2026-09-10 released",
    ),
    Scenario(
        "ammr-detention-later-1w",
        f"{_REGISTERED}\n2026-09-07 detained ground=transfer",
        "2026-09-14",
        met="2026-09-14 take-charge-requested HR basis=other",
        late="2026-09-15 take-charge-requested HR basis=other",
        stopped="2026-09-10 released",
    ),
    Scenario(
        "ammr-detention-reply-1w",
        f"{_REGISTERED}\n2026-09-07 detained ground=transfer\n2026-09-09 take-charge-requested PL basis=vis\n"
        "2026-09-10 take-charge-request-received PL",
        "2026-09-17",
        met="2026-09-17 take-charge-refused PL",
        late="2026-09-18 take-charge-refused PL",
        stopped="2026-09-12 application-withdrawn",
    ),
    Scenario(
        "ammr-detention-transfer-5w",
        f"{_REGISTERED}\n2026-09-07 detained ground=transfer\n{_CONFIRMED}",
        "2026-10-19",
        met="2026-10-19 transferred",
        late="2026-10-20 transferred",
        stopped="2026-10-01 released",
        superseded={f"2026-09-20 {_RULING}\n2026-10-05 {_FINAL}": ""},
    ),
    Scenario(
        "ammr-detention-review",
        f"{_REGISTERED}\n2026-09-07 detained ground=transfer",
        "2026-09-22",
        met="2026-09-22 detention-reviewed outcome=upheld",
        late="2026-09-23 detention-reviewed outcome=upheld",
        stopped="2026-09-10 released",
    ),
    Scenario(
        "ammr-detention-review-21d",
        f"{_REGISTERED}\n2026-09-07 detained ground=transfer",
        "2026-09-28",
        met="2026-09-28 detention-reviewed outcome=upheld",
        late="2026-09-29 detention-reviewed outcome=upheld",
        stopped="2026-09-10 released",
    ),
    Scenario(
        "ammr-entry-20m",
        "2026-07-06 irregular-crossing HR",
        "2028-03-06",
        met="2028-03-06 application-registered",
        late="2028-03-07 application-registered",
        stopped="2026-09-10 application-closed",
    ),
    Scenario(
        "ammr-disembark-12m",
        "2026-07-06 disembarked IT",
        "2027-07-06",
        met="2027-07-06 application-registered",
        late="2027-07-07 application-registered",
        stopped="2026-09-10 application-closed",
    ),
    Scenario(
        "ammr-expired-permit-3y",
        "2026-07-06 permit-expires PL",
        "2029-07-06",
        met="2029-07-06 application-registered",
        late="2029-07-07 application-registered",
        stopped="2026-09-10 left-territory",
    ),
    Scenario(
        "ammr-expired-visa-18m",
        "2026-07-06 visa-expires PL",
        "2028-01-06",
        met="2028-01-06 application-registered",
        late="2028-01-07 application-registered",
        stopped="2026-09-10 left-territory",
    ),
    Scenario(
        "ammr-diploma-6y",
        "2026-07-06 diploma-issued PL",
        "2032-07-06",
        met="2032-07-06 application-registered",
        late="2032-07-07 application-registered",
        stopped="2026-09-10 application-closed",
    ),
    Scenario(
        "ammr-cessation-absence-9m",
        f"{_REGISTERED}\n2026-09-07 left-territory",
        "2027-06-07",
        met="2027-06-07 returned-to-territory",
        late="2027-06-08 returned-to-territory",
        stopped="2026-10-01 permit-issued PL",
    ),
    Scenario(
        "ammr-cessation-border-15m",
        f"{_REGISTERED}\n2026-10-07 asylum-decision-notified procedure=border outcome=refused final=true",
        "2028-01-07",
        stopped="2027-10-01 take-back-notified HR",
    ),
    Scenario(
        "ammr-crisis-take-charge-request-4m",
        f"2026-08-01 crisis-derogation FR until=2026-10-01\n{_REGISTERED}",
        "2027-01-01",  # New Year's Day, a Friday
        "2027-01-04",
        met="2027-01-04 take-charge-requested PL basis=other",
        late="2027-01-05 take-charge-requested PL basis=other",
        stopped="2026-10-01 application-withdrawn",
        superseded={"2026-09-10 eurodac-hit HR category=asylum": "ammr-crisis-take-back-notify-1m"},
    ),
    Scenario(
        "ammr-crisis-take-charge-reply-2m",
        f"2026-08-01 crisis-derogation PL until=2026-10-01\n{_REGISTERED}\n"
        "2026-09-09 take-charge-requested PL basis=other\n2026-09-10 take-charge-request-received PL",
        "2026-11-10",
        met="2026-11-10 take-charge-refused PL",
        late="2026-11-11 take-charge-refused PL",  # 11 November is a holiday in Poland, but the end is the day before
        stopped="2026-10-01 application-withdrawn",
    ),
    Scenario(
        "ammr-crisis-take-back-notify-1m",
        f"2026-08-01 crisis-derogation FR until=2026-10-01\n{_REGISTERED}\n2026-09-02 eurodac-hit HR category=asylum",
        "2026-10-02",
        met="2026-10-02 take-back-notified HR",
        late="2026-10-03 take-back-notified HR",
        stopped="2026-09-10 discretionary-clause-used",
    ),
    Scenario(
        "ammr-crisis-take-back-confirm-1m",
        f"2026-08-01 crisis-derogation HR until=2026-10-01\n{_REGISTERED}\n2026-09-14 take-back-notified HR\n"
        "2026-09-14 take-back-notification-received HR",
        "2026-10-14",
        met="2026-10-14 take-back-confirmed HR",
        late="2026-10-15 take-back-refused HR",
        stopped="2026-09-20 discretionary-clause-used",
    ),
    Scenario(
        "ammr-crisis-transfer-1y",
        f"2026-08-01 crisis-derogation HR until=2026-10-01\n{_REGISTERED}\n{_CONFIRMED}",
        "2027-09-14",
        met="2027-09-14 transferred",
        late="2027-09-15 transferred",
        stopped=f"2026-10-05 {_RULING}",
        superseded={
            f"2026-09-20 {_RULING}\n2026-09-28 {_FINAL}": "",
            "2027-05-03 absconding-notified HR ground=absconded": "ammr-transfer-absconded-3y",
        },
    ),
)

NOTES = (
    Note(
        "dublin3-take-charge-urgent-ask",
        "2025-02-03 take-charge-requested HR basis=other urgent_days=5",
        "2025-02-03 take-charge-requested HR basis=other",
        warns="at least one week must be left",
    ),
    Note("dublin3-suspensive", "2025-02-03 suspension-requested", "2025-02-03 appeal-lodged against=asylum-decision"),
    Note(
        "dublin3-cessation-return",
        "2025-02-03 return-decision-notified\n2025-02-05 left-territory",
        "2025-02-05 left-territory\n2025-02-06 return-decision-notified",
        warns="left after a return decision",
    ),
    Note(
        "dublin3-cessation-permit",
        "2025-02-03 permit-issued PL",
        "2025-02-03 permit-expires PL",
        warns="issued a residence document",
    ),
    Note("dublin3-systemic-flaws", "2025-02-03 take-back-requested HR basis=other", "2025-02-03 application-made"),
    Note("dublin3-sovereignty", "2025-02-03 discretionary-clause-used", "2025-02-03 application-made"),
    Note(
        "ammr-take-charge-minor-open",
        _REGISTERED,
        "2026-09-01 application-made",
        warns="Unaccompanied minor",
        more={"person": {"minor": True, "unaccompanied": True}},
    ),
    Note(
        "ammr-take-charge-urgent-ask",
        "2026-09-03 take-charge-requested HR basis=other urgent_days=6",
        "2026-09-03 take-charge-requested HR basis=other",
        warns="at least one week must be left",
    ),
    Note(
        "ammr-suspension-stay",
        "2026-09-03 suspension-requested",
        "2026-09-03 suspension-requested\n2026-09-20 suspensive-effect-refused",
        warns="no transfer before it is decided",
    ),
    Note(
        "ammr-cessation-return",
        "2026-09-03 return-decision-notified\n2026-09-05 left-territory",
        "2026-09-05 left-territory",
        warns="left after a return decision",
    ),
    Note("ammr-reception-stop", "2026-09-03 transfer-decision-notified", "2026-09-03 transfer-decided"),
    Note(
        "ammr-crisis-transfer-paused",
        f"2026-08-01 crisis-derogation HR until=2026-10-01\n{_CONFIRMED}",
        f"2026-08-01 crisis-derogation FR until=2026-10-01\n{_CONFIRMED}",
        warns="no transfers there for now",
    ),
)

SCENARIOS = (*DUBLIN3, *AMMR)
