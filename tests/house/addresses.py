"""Every address of the product, the action that each needs, and every person and relation that asks.

What somebody is to be answered is computed from the table of actions (`casework.access.actions`), by who they are and
what they were given on the case. Where an address answers otherwise, that is written out beside it, with its reason.
`tests.house.matrix` walks them; `tests.house.permissions_table` prints them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from casework.access.actions import CASE_RULES, ROLE_RULES, Action
from casework.access.types import Level
from casework.accounts.types import Role


@dataclass(frozen=True)
class Person:
    """Who asks: their role, what they were given on the case that Wanda leads in the team North, and how they are in.

    `state`: "in", "signed out", "frozen" (the account, while signed in) or "no second factor".
    """

    role: str = ""
    level: Level | None = None
    state: str = "in"


PEOPLE: Final[Mapping[str, Person]] = {
    "lead": Person(Role.CASEWORKER, Level.LEAD),
    "coordinator": Person(Role.COORDINATOR, Level.LEAD),
    "shared to view": Person(Role.CASEWORKER, Level.VIEW),
    "lawyer": Person(Role.LAWYER, Level.DOSSIER),
    "shared to work": Person(Role.CASEWORKER, Level.WORK),
    "coordinator elsewhere, shared to work": Person(Role.COORDINATOR, Level.WORK),
    "of the team, without a grant": Person(Role.CASEWORKER),
    "expired": Person(Role.CASEWORKER),
    "revoked": Person(Role.LAWYER),
    "other team": Person(Role.CASEWORKER),
    "other coordinator": Person(Role.COORDINATOR),
    "auditor": Person(Role.AUDITOR),
    "admin": Person(Role.ADMIN),
    "without a role": Person(),
    "frozen": Person(Role.CASEWORKER, Level.WORK, state="frozen"),
    "without a second factor": Person(Role.CASEWORKER, Level.WORK, state="no second factor"),
    "nobody": Person(state="signed out"),
}
# What an answer amounts to.
PAGE, SENT_ON, SIGN_IN, ENROL = "page", "sent on", "sign in", "enrol"
REFUSED, NOT_FOUND, WRONG_METHOD, CONFLICT, CONFIRM = "refused", "not found", "wrong method", "conflict", "confirm"
FACTOR_MISSING = "second factor missing"

ANYBODY, SIGNED_IN = "anybody", "signed in"

# Open without a second factor, as they show nothing.
ALWAYS_OPEN: Final = frozenset({"healthz", "readyz", "factor_missing"})


@dataclass(frozen=True)
class Address:
    """What one address needs, and what it answers to whoever has that.

    `action`: an action, or ANYBODY, or SIGNED_IN. `get`, `post`: the answer to a person who may, to a form without any
    content. `post_action`: where sending needs another action than reading. `other`: by method and person, what the
    actions do not say; `why` is its reason. `fresh`: to "open" it, or to "send" to it, takes a fresh second factor.
    `gaps`: which object of the world fills a gap, where that is not the one of its name.
    """

    action: Action | str
    get: str = PAGE
    post: str = WRONG_METHOD
    post_action: Action | None = None
    other: Mapping[tuple[str, str], str] = field(default_factory=dict)
    why: str = ""
    fresh: str = ""
    gaps: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_of_an_action(self) -> bool:
        return isinstance(self.action, Action)


def _form(action: Action | str, **more: Any) -> Address:
    """A page with a form, which comes again when nothing was filled in."""
    return Address(action, post=PAGE, **more)


def _button(action: Action | str, post: str = SENT_ON, **more: Any) -> Address:
    """Something that is only sent to."""
    return Address(action, get=WRONG_METHOD, post=post, **more)


ADDRESSES: Final[dict[str, Address]] = {
    "home": Address(
        SIGNED_IN,
        other={("GET", "auditor"): SENT_ON, ("GET", "admin"): SENT_ON},
        why="auditors and administrators have a first page of their own",
    ),
    "case_list": _form(Action.LIST_CASES),
    "case_new": _form(Action.CREATE_CASE),
    "case_detail": Address(Action.OPEN_CASE),
    "case_edit": _form(Action.EDIT_CASE),
    "case_deadlines": Address(Action.OPEN_CASE),
    "what_if": Address(Action.OPEN_CASE),
    "what_if_form": _form(Action.OPEN_CASE),
    "case_timeline": Address(Action.OPEN_CASE),
    "fact_new": Address(Action.RECORD_FACT),
    "fact_form": _form(Action.RECORD_FACT),
    "fact_correct": _form(Action.RECORD_FACT),
    "fact_withdraw": _form(Action.RECORD_FACT),
    "case_documents": Address(Action.OPEN_CASE),
    "document_new": _form(Action.ADD_DOCUMENT),
    "document_download": _button(Action.OPEN_DOCUMENT, PAGE),
    "case_access": Address(Action.OPEN_CASE),
    "case_share": _form(Action.SHARE_CASE, fresh="open"),
    "grant_revoke": Address(Action.SHARE_CASE, post=SENT_ON),
    "case_trail": Address(Action.SEE_CASE_TRAIL),
    "case_proof": _button(Action.SEE_CASE_TRAIL, PAGE, fresh="open"),
    "assign": _form(Action.ASSIGN_CASE),
    "dossier_new": _form(Action.EXPORT_DOSSIER, fresh="open"),
    "case_close": _form(Action.EDIT_CASE),
    "case_reopen": Address(Action.EDIT_CASE, get=SENT_ON, post=SENT_ON),
    "case_erase": _form(Action.ASK_ERASURE, fresh="send"),
    "erasures": Address(Action.SEE_ERASURES, post=NOT_FOUND, post_action=Action.SET_RETENTION),
    "erasure_detail": Address(
        SIGNED_IN,
        get=NOT_FOUND,
        post=NOT_FOUND,
        other={
            ("GET", "lead"): PAGE,
            ("GET", "coordinator"): PAGE,
            ("POST", "lead"): REFUSED,
            ("POST", "coordinator"): PAGE,
        },
        why="a request is known to whoever asked and to the coordinators of the team; only the latter decide",
        fresh="send",
    ),
    "erasure_withdraw": _button(
        SIGNED_IN,
        NOT_FOUND,
        other={("POST", "lead"): SENT_ON, ("POST", "coordinator"): REFUSED},
        why="only whoever asked takes a request back",
    ),
    "erasure_refuse": _button(
        SIGNED_IN,
        NOT_FOUND,
        other={("POST", "lead"): REFUSED, ("POST", "coordinator"): SENT_ON},
        why="nobody decides about their own request",
    ),
    "erasure_certificate": _button(
        SIGNED_IN,
        NOT_FOUND,
        other={("POST", "lead"): PAGE, ("POST", "coordinator"): PAGE},
        why="of a case that is gone, those know who asked and who decided",
    ),
    "inbox": Address(Action.SEE_INBOX),
    "inbox_acknowledge": _button(
        Action.SEE_INBOX, NOT_FOUND, other={("POST", "lead"): SENT_ON}, why="the line is in the lead's inbox"
    ),
    "board": Address(Action.SEE_BOARD),
    "trail": Address(Action.SEE_TRAIL),
    "rules": Address(Action.SEE_RULES),
    "people": _form(Action.MANAGE_ACCOUNTS, fresh="send"),
    "case_versions": Address(Action.SEE_VERSIONS),
    "trail_copy": _form(Action.EXPORT_TRAIL, fresh="send"),
    "own_trail": Address(Action.SEE_OWN_TRAIL),
    "person": _form(Action.MANAGE_ACCOUNTS, fresh="send"),
    "person_off": Address(Action.MANAGE_ACCOUNTS, post=SENT_ON, fresh="send"),
    "person_on": _button(Action.MANAGE_ACCOUNTS, fresh="open"),
    "role_take": Address(Action.MANAGE_ACCOUNTS, post=SENT_ON, fresh="send"),
    "role_requests": Address(Action.STAND_IN),
    "role_request": _button(
        Action.CONFIRM_ROLE,
        NOT_FOUND,
        other={("POST", who): SENT_ON for who in ("coordinator", "auditor", "admin")},
        why="a request is known to the team's coordinators and to those who stand in where a team has none",
        fresh="open",
    ),
    "teams": _form(Action.MANAGE_TEAMS, fresh="send"),
    "team_rename": _form(Action.MANAGE_TEAMS, fresh="send"),
    "team": Address(Action.SEE_TEAM),
    "hand_over": _form(Action.HAND_OVER, fresh="send"),
    "unusual_seen": _button(Action.SEE_TEAM, NOT_FOUND),
    "factor_reset": Address(
        Action.RESET_FACTOR,
        get=NOT_FOUND,
        post=NOT_FOUND,
        other={(method, who): PAGE for method in ("GET", "POST") for who in ("lead", "coordinator", "admin")},
        why="about the lead: seen by themselves, by their coordinators, and by administrators",
    ),
    "factor_missing": Address(
        SIGNED_IN,
        get=SENT_ON,
        other={("GET", "without a second factor"): REFUSED},
        why="says what to do, to whoever has no second factor any more",
    ),
    "new_factor": Address(
        ANYBODY,
        get=CONFLICT,
        post=CONFLICT,
        other={(method, who): NOT_FOUND for method in ("GET", "POST") for who in ("nobody", "frozen")},
        why="whoever is signed in has a second factor; anybody else is told that there is no such link",
    ),
    "freeze": _form(Action.FREEZE_SELF, fresh="open"),
    "unfreeze": Address(
        Action.UNFREEZE,
        get=NOT_FOUND,
        post=NOT_FOUND,
        other={(method, "coordinator"): PAGE for method in ("GET", "POST")},
        why="a frozen account is opened by the coordinators of its team; nobody else is told that it is frozen",
        fresh="open",
        gaps={"user_id": "frozen_id"},
    ),
    "emergency": _form(Action.BREAK_GLASS, fresh="open"),
    "profile": _form(SIGNED_IN),
    "sign_out_elsewhere": _button(SIGNED_IN),
    "sign_out_device": _button(SIGNED_IN, NOT_FOUND),
    "kept_input": Address(SIGNED_IN, post=SENT_ON),
    "stay": _button(SIGNED_IN, PAGE),
    "accept_invitation": Address(
        ANYBODY,
        get=CONFLICT,
        post=CONFLICT,
        other={(method, who): NOT_FOUND for method in ("GET", "POST") for who in ("nobody", "frozen")},
        why="who is signed in has an account; anybody else is told that there is no such invitation",
    ),
    "healthz": Address(ANYBODY),
    "readyz": Address(ANYBODY),
}


def expected(name: str, method: str, who: str) -> str:
    """Return what `who` is to be answered at an address, from the table of actions."""
    address, person = ADDRESSES[name], PEOPLE[who]
    method = "GET" if method == "HEAD" else method
    answer = {"GET": address.get, "POST": address.post}.get(method, WRONG_METHOD)
    if person.state == "no second factor" and name not in ALWAYS_OPEN:
        return ENROL
    if address.action != ANYBODY:
        if person.state in {"frozen", "signed out"}:
            return SIGN_IN
        if answer == WRONG_METHOD:
            return answer
        action = address.post_action if method == "POST" and address.post_action else address.action
        answer = _refusal(action, person) or answer
    return address.other.get((method, who), answer)


def _refusal(action: Action | str, person: Person) -> str | None:
    if not isinstance(action, Action):
        return None
    if action in ROLE_RULES:
        return None if person.role in ROLE_RULES[action] else REFUSED
    if person.level is None:
        return NOT_FOUND
    rule = CASE_RULES[action]
    may = person.level >= rule.level and rule.role in {None, person.role}
    return None if may else REFUSED
