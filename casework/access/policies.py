"""The one predicate of permission: views hide by it, services raise by it, the backend answers with it."""

from __future__ import annotations

from uuid import UUID

from casework.access import selectors
from casework.access.actions import CASE_RULES, LABELS, REFUSED, REFUSED_ROLE, ROLE_RULES, Action
from casework.access.types import Decision
from casework.accounts import selectors as accounts
from casework.core import work
from casework.core.errors import NotAllowed, NotFound


def decide(user_id: UUID | None, action: Action, case_id: UUID | None = None) -> Decision:
    """Say whether `user_id` may do `action` (on `case_id`, for actions on a case), and whether they may know of it."""
    if action in ROLE_RULES:
        allowed = bool(accounts.standing_of(user_id).roles & ROLE_RULES[action])
        return Decision(allowed, visible=True, reason="" if allowed else str(REFUSED_ROLE % {"action": LABELS[action]}))
    if case_id is None:
        raise ValueError("this action is about one case")
    level = selectors.level_on(user_id, case_id)
    if level is None:
        return Decision(allowed=False, visible=False)
    rule = CASE_RULES[action]
    if level >= rule.level and (rule.role is None or accounts.standing_of(user_id).has(rule.role)):
        return Decision(allowed=True, visible=True)
    return Decision(allowed=False, visible=True, reason=str(REFUSED % {"action": LABELS[action]}))


def check(action: Action, case_id: UUID | None = None) -> None:
    """Raise unless the actor of the running unit of work may do `action`.

    Raises:
        NotFound: the actor may not know of the case.
        NotAllowed: the actor may know of it but not do this.
    """
    decision = decide(work.current().actor.user_id, action, case_id)
    if not decision.visible:
        raise NotFound
    if not decision.allowed:
        raise NotAllowed(decision.reason)
