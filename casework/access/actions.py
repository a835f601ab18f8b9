"""The one table of actions: which level, or which role, each needs. `docs/permissions.md` is printed from it."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from casework.access.types import Level
from casework.accounts.types import Role


class Action(enum.Enum):
    """Everything that can be asked of a case, and what can be asked without one."""

    OPEN_CASE = "open_case"
    EDIT_CASE = "edit_case"
    RECORD_FACT = "record_fact"
    ADD_DOCUMENT = "add_document"
    OPEN_DOCUMENT = "open_document"
    EXPORT_DOSSIER = "export_dossier"
    ASSIGN_CASE = "assign_case"
    SHARE_CASE = "share_case"
    SEE_CASE_TRAIL = "see_case_trail"
    EXPORT_TRAIL = "export_trail"
    SEE_VERSIONS = "see_versions"
    ASK_ERASURE = "ask_erasure"
    CONFIRM_ERASURE = "confirm_erasure"
    LIST_CASES = "list_cases"
    CREATE_CASE = "create_case"
    SEE_BOARD = "see_board"
    SEE_INBOX = "see_inbox"
    SEE_TRAIL = "see_trail"
    SEE_RULES = "see_rules"
    SEE_ERASURES = "see_erasures"
    SET_RETENTION = "set_retention"
    MANAGE_ACCOUNTS = "manage_accounts"
    MANAGE_TEAMS = "manage_teams"
    SEE_TEAM = "see_team"
    CONFIRM_ROLE = "confirm_role"
    STAND_IN = "stand_in"
    HAND_OVER = "hand_over"
    BREAK_GLASS = "break_glass"
    FREEZE_SELF = "freeze_self"
    UNFREEZE = "unfreeze"
    RESET_FACTOR = "reset_factor"
    SEE_OWN_TRAIL = "see_own_trail"


@dataclass(frozen=True)
class CaseRule:
    """The least level on the case that an action needs, and a role besides where the level alone is not enough."""

    level: Level
    role: str | None = None


# Actions on one case: someone without any live grant is told that there is nothing (never "refused").
CASE_RULES: dict[Action, CaseRule] = {
    Action.OPEN_CASE: CaseRule(Level.VIEW),
    Action.OPEN_DOCUMENT: CaseRule(Level.VIEW),
    Action.EXPORT_DOSSIER: CaseRule(Level.DOSSIER),
    Action.EDIT_CASE: CaseRule(Level.WORK),
    Action.RECORD_FACT: CaseRule(Level.WORK),
    Action.ADD_DOCUMENT: CaseRule(Level.WORK),
    Action.SHARE_CASE: CaseRule(Level.LEAD),
    Action.SEE_CASE_TRAIL: CaseRule(Level.LEAD),
    Action.EXPORT_TRAIL: CaseRule(Level.LEAD),
    Action.SEE_VERSIONS: CaseRule(Level.WORK),
    Action.ASSIGN_CASE: CaseRule(Level.LEAD, Role.COORDINATOR),
    Action.ASK_ERASURE: CaseRule(Level.LEAD),
    Action.CONFIRM_ERASURE: CaseRule(Level.LEAD, Role.COORDINATOR),
}

# Actions without a case: any one of the roles is enough.
ROLE_RULES: dict[Action, frozenset[str]] = {
    Action.LIST_CASES: frozenset({Role.CASEWORKER, Role.COORDINATOR, Role.LAWYER}),
    Action.CREATE_CASE: frozenset({Role.CASEWORKER, Role.COORDINATOR}),
    Action.SEE_BOARD: frozenset({Role.COORDINATOR}),
    Action.SEE_INBOX: frozenset(Role),
    Action.SEE_TRAIL: frozenset({Role.AUDITOR}),
    Action.SEE_RULES: frozenset(Role),
    Action.SEE_ERASURES: frozenset({Role.CASEWORKER, Role.COORDINATOR}),
    Action.SET_RETENTION: frozenset({Role.COORDINATOR}),
    Action.MANAGE_ACCOUNTS: frozenset({Role.ADMIN}),
    Action.MANAGE_TEAMS: frozenset({Role.ADMIN}),
    Action.SEE_TEAM: frozenset({Role.COORDINATOR}),
    Action.CONFIRM_ROLE: frozenset({Role.COORDINATOR}),
    Action.STAND_IN: frozenset({Role.ADMIN, Role.AUDITOR}),
    Action.HAND_OVER: frozenset({Role.COORDINATOR}),
    Action.BREAK_GLASS: frozenset({Role.COORDINATOR}),
    Action.FREEZE_SELF: frozenset(Role),
    Action.UNFREEZE: frozenset({Role.COORDINATOR, Role.ADMIN}),
    Action.RESET_FACTOR: frozenset({Role.COORDINATOR, Role.ADMIN}),
    Action.SEE_OWN_TRAIL: frozenset(Role),
}

LABELS = {
    Action.OPEN_CASE: pgettext_lazy("action", "open the case"),
    Action.EDIT_CASE: pgettext_lazy("action", "change the case"),
    Action.RECORD_FACT: pgettext_lazy("action", "record facts"),
    Action.ADD_DOCUMENT: pgettext_lazy("action", "add documents"),
    Action.OPEN_DOCUMENT: pgettext_lazy("action", "open documents"),
    Action.EXPORT_DOSSIER: pgettext_lazy("action", "export the dossier"),
    Action.ASSIGN_CASE: pgettext_lazy("action", "assign the case"),
    Action.SHARE_CASE: pgettext_lazy("action", "share the case"),
    Action.SEE_CASE_TRAIL: pgettext_lazy("action", "see who opened the case"),
    Action.ASK_ERASURE: pgettext_lazy("action", "ask for the case to be erased"),
    Action.CONFIRM_ERASURE: pgettext_lazy("action", "confirm that the case is erased"),
    Action.LIST_CASES: pgettext_lazy("action", "list cases"),
    Action.CREATE_CASE: pgettext_lazy("action", "create a case"),
    Action.SEE_BOARD: pgettext_lazy("action", "see the transfer board"),
    Action.SEE_INBOX: pgettext_lazy("action", "see the inbox"),
    Action.SEE_TRAIL: pgettext_lazy("action", "see the audit trail"),
    Action.SEE_RULES: pgettext_lazy("action", "see the rules"),
    Action.SEE_ERASURES: pgettext_lazy("action", "see requests to erase cases"),
    Action.SET_RETENTION: pgettext_lazy("action", "set how long closed cases are kept"),
    Action.EXPORT_TRAIL: pgettext_lazy("action", "give the person concerned a copy of the trail"),
    Action.SEE_VERSIONS: pgettext_lazy("action", "see earlier versions of the case"),
    Action.MANAGE_ACCOUNTS: pgettext_lazy("action", "manage accounts"),
    Action.MANAGE_TEAMS: pgettext_lazy("action", "manage teams"),
    Action.SEE_TEAM: pgettext_lazy("action", "see who is in the team"),
    Action.CONFIRM_ROLE: pgettext_lazy("action", "confirm a new coordinator"),
    Action.STAND_IN: pgettext_lazy("action", "confirm the coordinator of a team that has none"),
    Action.HAND_OVER: pgettext_lazy("action", "hand over somebody's cases"),
    Action.BREAK_GLASS: pgettext_lazy("action", "open a case in an emergency"),
    Action.FREEZE_SELF: pgettext_lazy("action", "freeze their own account"),
    Action.UNFREEZE: pgettext_lazy("action", "open a frozen account again"),
    Action.RESET_FACTOR: pgettext_lazy("action", "let somebody set up a new second factor"),
    Action.SEE_OWN_TRAIL: pgettext_lazy("action", "see what they did themselves"),
}

REFUSED = _("Your access to this case does not allow you to %(action)s. Ask the person who leads it.")
REFUSED_ROLE = _("Your role does not allow you to %(action)s.")
