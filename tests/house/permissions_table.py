"""Renders docs/permissions.md from the table of actions; run as COMMAND says."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping

from django.conf import settings

from casework.access.actions import CASE_RULES, LABELS, ROLE_RULES, Action, CaseRule
from casework.access.types import LEVEL_LABELS, Level
from casework.accounts.types import Role
from tests.house.addresses import ADDRESSES, ANYBODY, NOT_FOUND, SENT_ON, WRONG_METHOD, Address

COMMAND = "python -m tests.house.permissions_table > docs/permissions.md"

_HEAD = f"""# Permissions

Generated from `casework/access/actions.py` by `{COMMAND}`. Do not edit: a test compares.

Two questions are asked of every act: which **role** someone holds, and which **level** they were given on this case.
A level implies the ones to its left. Without a level on a case, that case does not exist for you: the answer to its
address is the same as for an address that was made up. With a level that is too low, the page says what is refused.
"""

_FOOT = """
## Who has a level on a case

- Whoever makes a case leads it, and so do the coordinators of its team, without end.
- Assigning a case gives its new lead the level **lead**; the former lead keeps **work**.
- Whoever leads a case can give a person the level **view**, **dossier** or **work**, until a day and with a reason.
  Outside lawyers can be given **view** and **dossier** only; auditors and administrators nothing.
- A level ends at its minute, or when it is taken back. No job has to run for that. It counts only while its holder's
  account is active and holds a role.
- The team that a case belongs to gives no right by itself, and no role gives a right on a case by itself.
"""


_PAGES = """## Pages

What each address needs, by its name in the sources. A test asks every one of them, by every method, as everybody: with
each level and each role, of the team and of another, with access that has ended or was taken back, with a frozen
account, without a second factor, and signed out. It fails when a page has no row here, or answers otherwise. The two
columns in the middle say what somebody who may is answered when they open it, and when they send it an empty form.
"""
_ANSWERS = {WRONG_METHOD: "no", SENT_ON: "leads on", NOT_FOUND: "nothing there"}


def render(
    case_rules: Mapping[Action, CaseRule] = CASE_RULES, role_rules: Mapping[Action, Iterable[str]] = ROLE_RULES
) -> str:
    """Return the page; raise ValueError when an action stands in neither table, or in both."""
    for action in Action:
        if (action in case_rules) == (action in role_rules):
            raise ValueError(f"{action.name} must stand in exactly one of the two tables")
    tables = [*_on_a_case(case_rules), "", *_without_a_case(role_rules)]
    return "\n".join([_HEAD, *tables, _FOOT, *_pages(ADDRESSES)]) + "\n"


def _on_a_case(rules: Mapping[Action, CaseRule]) -> list[str]:
    heads = [f"{level.name.lower()} ({LEVEL_LABELS[level]})" for level in Level]
    lines = ["## Actions on one case", "", _row(["", *heads, "and the role"]), _rule(len(heads) + 2)]
    for action in sorted(rules, key=lambda action: (rules[action].level, bool(rules[action].role), action.value)):
        rule = rules[action]
        marks = ["yes" if level >= rule.level else "no" for level in Level]
        lines.append(_row([str(LABELS[action]), *marks, str(Role(rule.role).label) if rule.role else "any"]))
    return lines


def _without_a_case(rules: Mapping[Action, Iterable[str]]) -> list[str]:
    lines = ["## Actions without a case", "", _row(["", *(str(role.label) for role in Role)]), _rule(len(Role) + 1)]
    for action in Action:
        if action in rules:
            held = frozenset(rules[action])
            lines.append(_row([str(LABELS[action]), *("yes" if role in held else "no" for role in Role)]))
    return lines


def _pages(addresses: Mapping[str, Address]) -> list[str]:
    lines = [_PAGES, _row(["page", "needs", "opened", "sent to", "exception"]), _rule(5)]
    for name, address in sorted(addresses.items()):
        needs = _needed(address.action)
        if address.post_action:
            needs += f"; to send: {_needed(address.post_action)}"
        if address.fresh:
            needs += f"; a fresh second factor to {address.fresh}"
        answers = [_ANSWERS.get(answer, answer) for answer in (address.get, address.post)]
        lines.append(_row([f"`{name}`", needs, *answers, address.why]))
    return lines


def _needed(action: Action | str) -> str:
    if isinstance(action, Action):
        return str(LABELS[action])
    return "nothing" if action == ANYBODY else "to be signed in"


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _rule(cells: int) -> str:
    return "|" + "---|" * cells


if __name__ == "__main__":
    settings.configure(USE_I18N=False)
    sys.stdout.write(render())
