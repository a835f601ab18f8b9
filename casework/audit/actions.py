"""Every action that the trail can hold, with its number and its sentence; likewise outcomes and reasons.

The numbers are hashed: one that was ever given keeps its meaning for ever, also after the action is gone. Blocks of a
hundred belong to one noun, so that a new action finds its place. Names are `area.noun_verbed`; sentences begin with
what was done, since who did it stands beside them.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


@dataclass(frozen=True, slots=True)
class Action:
    """One kind of event.

    `looks`: it tells that something was seen, so it stays when a savepoint around it is rolled back. `names_case`:
    in a user's or the system's stream its object is a case. `removes`: its object is a row that is there no more.
    """

    code: int
    name: str
    sentence: "StrOrPromise"
    looks: bool = False
    names_case: bool = False
    removes: bool = False

    @property
    def noun(self) -> str:
        """What it is about: the part of the name before the dot."""
        return self.name.partition(".")[0]


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something was done or refused, as a code: free words belong into the sealed particulars."""

    code: int
    name: str
    sentence: "StrOrPromise"


DONE, REFUSED, FAILED = 0, 1, 2
OUTCOMES: dict[int, "StrOrPromise"] = {DONE: _("Done"), REFUSED: _("Refused"), FAILED: _("Failed")}

ACTIONS: tuple[Action, ...] = (
    # 1xx the case
    Action(100, "case.created", _("Opened a new case")),
    Action(101, "case.read", _("Read the case"), looks=True),
    Action(102, "case.updated", _("Changed the case")),
    Action(103, "case.listed", _("Looked at a list of cases"), looks=True),
    Action(104, "case.searched", _("Searched the cases"), looks=True),
    Action(105, "case.assigned", _("Assigned the case")),
    Action(106, "case.closed", _("Closed the case")),
    Action(107, "case.reopened", _("Opened the case again")),
    Action(108, "case.erasure_requested", _("Asked for the case to be erased")),
    Action(109, "case.erased", _("Erased the case: its key was destroyed")),
    Action(110, "case.history_viewed", _("Looked at earlier versions"), looks=True),
    Action(111, "case.grounds_updated", _("Changed the grounds for protection")),
    Action(112, "case.vetting_updated", _("Changed the vetting")),
    Action(113, "case.risk_updated", _("Changed the risk assessment")),
    Action(114, "case.team_moved", _("Moved the case to another team")),
    Action(115, "case.duplicate_checked", _("Checked whether the person is already known"), looks=True),
    Action(116, "case.erasure_withdrawn", _("Withdrew the request to erase the case")),
    Action(117, "case.erasure_refused", _("Refused to erase the case")),
    Action(118, "case.erasure_certified", _("Printed the certificate of an erasure"), looks=True, names_case=True),
    Action(119, "case.search_refreshed", _("Made anew what the case can be found by")),
    # 2xx people of a case
    Action(200, "person.added", _("Added a person to the case")),
    Action(201, "person.updated", _("Changed a person's details")),
    Action(202, "person.removed", _("Removed a person from the case"), removes=True),
    Action(203, "person.erased", _("Erased a person: their key was destroyed")),
    Action(204, "contact.added", _("Added a contact")),
    Action(205, "contact.updated", _("Changed a contact")),
    Action(206, "contact.removed", _("Removed a contact"), removes=True),
    # 3xx procedure
    Action(300, "fact.recorded", _("Recorded a fact")),
    Action(301, "fact.corrected", _("Corrected a fact")),
    Action(302, "fact.removed", _("Took a fact back"), removes=True),
    Action(303, "limits.rebuilt", _("Derived the time limits again")),
    Action(304, "limits.changed", _("The time limits changed")),
    Action(305, "limit.dismissed", _("Marked a time limit as dealt with")),
    Action(306, "calendar.viewed", _("Looked at a calendar of time limits"), looks=True),
    Action(307, "calendar.exported", _("Exported a calendar of time limits"), looks=True),
    Action(308, "appointment.added", _("Added an appointment")),
    Action(309, "appointment.updated", _("Changed an appointment")),
    Action(310, "procedure.viewed", _("Looked at the procedure"), looks=True),
    # 4xx documents and dossiers
    Action(400, "document.uploaded", _("Added a document")),
    Action(401, "document.downloaded", _("Downloaded a document"), looks=True),
    Action(402, "document.updated", _("Changed a document's description")),
    Action(403, "document.removed", _("Removed a document"), removes=True),
    Action(404, "document.previewed", _("Looked at a document"), looks=True),
    Action(405, "document.download_cut", _("A download broke off: the file is damaged"), looks=True),
    Action(450, "dossier.exported", _("Exported the dossier"), looks=True),
    Action(451, "dossier.previewed", _("Looked at the dossier before export"), looks=True),
    Action(452, "dossier.requested", _("Asked for a dossier")),
    # 5xx access
    Action(500, "grant.given", _("Gave access to the case")),
    Action(501, "grant.changed", _("Changed an access to the case")),
    Action(502, "grant.revoked", _("Took an access to the case away"), removes=True),
    Action(503, "grant.expired", _("An access to the case ended"), removes=True),
    Action(504, "access.refused", _("Was refused access"), looks=True, names_case=True),
    Action(505, "access.glass_broken", _("Opened the case in an emergency, without a grant"), looks=True),
    Action(506, "access.viewed", _("Looked at who has access"), looks=True),
    Action(507, "access.unusual_found", _("Found unusual access")),
    Action(508, "access.unusual_seen", _("Said that they looked at unusual access")),
    # 6xx desk, notices, reminders
    Action(600, "board.viewed", _("Looked at the transfer board"), looks=True),
    Action(601, "inbox.viewed", _("Looked at the inbox"), looks=True),
    Action(602, "inbox.acknowledged", _("Acknowledged a notice")),
    Action(603, "today.viewed", _("Looked at the day's work"), looks=True),
    Action(604, "statistics.viewed", _("Looked at statistics"), looks=True),
    Action(650, "reminder.planned", _("Planned reminders")),
    Action(651, "reminder.sent", _("Sent a reminder")),
    Action(652, "reminder.failed", _("A reminder could not be sent")),
    Action(653, "reminder.cancelled", _("Cancelled a reminder")),
    Action(654, "reminder.snoozed", _("Put a reminder off")),
    Action(655, "notice.sent", _("Sent a notice")),
    Action(656, "notice.failed", _("A notice could not be sent")),
    # 7xx notes, tasks, work of the transfer
    Action(700, "note.added", _("Added a note")),
    Action(701, "note.updated", _("Changed a note")),
    Action(702, "note.removed", _("Removed a note")),
    Action(710, "task.added", _("Added a task")),
    Action(711, "task.updated", _("Changed a task")),
    Action(712, "task.completed", _("Completed a task")),
    Action(713, "task.removed", _("Removed a task")),
    Action(720, "review.recorded", _("Recorded a coordinator's review")),
    Action(721, "review.requested", _("Asked for a coordinator's review")),
    Action(730, "detention.updated", _("Changed the details of a detention")),
    Action(731, "visit.recorded", _("Recorded a visit")),
    # 8xx imports, drafts, saved searches
    Action(800, "import.uploaded", _("Uploaded a file to import")),
    Action(801, "import.previewed", _("Looked at what an import would do"), looks=True),
    Action(802, "import.completed", _("Imported cases")),
    Action(803, "import.rejected", _("An import was rejected")),
    Action(804, "import.row_imported", _("Came from an import")),
    Action(810, "draft.saved", _("Saved a draft")),
    Action(811, "draft.removed", _("Removed a draft")),
    Action(812, "draft.read", _("Read a draft"), looks=True),
    Action(820, "search.saved", _("Saved a search")),
    Action(821, "search.removed", _("Removed a saved search")),
    # 10xx the trail itself
    Action(1000, "audit.viewed", _("Looked at the audit trail"), looks=True),
    Action(1001, "audit.verified", _("Verified the audit trail"), looks=True),
    Action(1002, "checkpoint.signed", _("Signed a checkpoint of the audit trail")),
    Action(1003, "audit.exported", _("Exported the audit trail"), looks=True),
    Action(
        1004,
        "record.damaged",
        _("Found a record that was changed outside the application"),
        looks=True,
        names_case=True,
    ),
    Action(1005, "checkpoint.mailed", _("Mailed a checkpoint of the audit trail")),
    # 11xx signing in
    Action(1100, "auth.signed_in", _("Signed in")),
    Action(1101, "auth.sign_in_failed", _("Failed to sign in")),
    Action(1102, "auth.signed_out", _("Signed out")),
    Action(1103, "auth.password_changed", _("Changed the password")),
    Action(1104, "auth.mfa_added", _("Added a second factor")),
    Action(1105, "auth.mfa_removed", _("Removed a second factor")),
    Action(1106, "auth.reauthenticated", _("Confirmed who they are")),
    Action(1107, "auth.demo_link_used", _("Signed in with a demo link")),
    Action(1108, "auth.password_reset", _("Set a new password by a reset link")),
    Action(1109, "auth.recovery_code_used", _("Used a recovery code")),
    Action(1110, "auth.session_ended", _("Ended a session elsewhere")),
    Action(1111, "auth.email_changed", _("Changed the e-mail address")),
    Action(1112, "auth.locked_out", _("Was locked out after failed attempts")),
    Action(1113, "auth.second_factor_failed", _("Failed to confirm with a second factor")),
    Action(1114, "auth.factors_reset", _("Opened the link for a new second factor: the old ones count no more")),
    Action(1115, "auth.device_new", _("Signed in with a kind of device that they had not used for a while")),
    # 12xx accounts
    Action(1200, "account.invited", _("Invited a colleague")),
    Action(1201, "account.joined", _("Accepted an invitation")),
    Action(1202, "account.updated", _("Changed an account")),
    Action(1203, "account.role_given", _("Gave a role")),
    Action(1204, "account.role_removed", _("Took a role away")),
    Action(1205, "account.deactivated", _("Deactivated an account")),
    Action(1206, "account.activated", _("Activated an account")),
    Action(1207, "account.frozen", _("Froze an account for travel")),
    Action(1208, "account.unfrozen", _("Opened a frozen account again")),
    Action(1209, "account.viewed", _("Looked at accounts"), looks=True),
    Action(1210, "team.added", _("Added a team")),
    Action(1211, "team.updated", _("Changed a team")),
    Action(1212, "team.member_added", _("Added a member to a team")),
    Action(1213, "team.member_removed", _("Removed a member from a team")),
    Action(1214, "account.recipient_key_set", _("Changed the key for encrypted dossiers")),
    Action(1215, "account.invitation_refused", _("Was refused an invitation that is spent or was not signed")),
    Action(1216, "account.role_asked", _("Asked for somebody to be coordinator of a team")),
    Action(1217, "account.role_confirmed", _("Confirmed a new coordinator")),
    Action(1218, "account.role_refused", _("Refused a new coordinator")),
    Action(1219, "team.viewed", _("Looked at the teams"), looks=True),
    Action(1220, "account.unfreezing_asked", _("Asked for a frozen account to be opened again")),
    Action(1221, "account.unfreezing_stopped", _("Stopped a frozen account from being opened again")),
    Action(1222, "account.factor_reset_asked", _("Asked that somebody set up a new second factor")),
    Action(1223, "account.factor_reset_stopped", _("Stopped somebody from setting up a new second factor")),
    Action(1224, "account.factor_reset_linked", _("Made the link for a new second factor")),
    # 13xx keys and the machine
    Action(1300, "key.created", _("Made a key")),
    Action(1301, "key.rotated", _("Rotated a key")),
    Action(1302, "key.destroyed", _("Destroyed a key")),
    Action(1303, "key.recovery_split", _("Split the root key into shares")),
    Action(1304, "key.recovery_joined", _("Put the root key together from shares")),
    Action(1305, "key.recovery_drilled", _("Rehearsed the recovery")),
    Action(1306, "key.status_viewed", _("Looked at the state of the keys"), looks=True),
    Action(1320, "command.run", _("Ran a command on the server")),
    Action(1321, "backup.made", _("Made a backup")),
    Action(1322, "backup.restored", _("Restored a backup")),
    Action(1323, "settings.changed", _("Changed a setting")),
    Action(1324, "installation.created", _("Set up the installation")),
    Action(1325, "backup.verified", _("Tried a backup out")),
)

REASONS: tuple[Reason, ...] = (
    Reason(0, "none", ""),
    # 1-99 why something was done
    Reason(1, "own_case", _("Own case")),
    Reason(2, "team_case", _("Case of the team")),
    Reason(3, "cover", _("Standing in for a colleague")),
    Reason(4, "supervision", _("Supervision")),
    Reason(5, "legal_representation", _("Legal representation")),
    Reason(6, "emergency", _("Emergency")),
    Reason(7, "reassignment", _("Reassignment")),
    Reason(8, "audit_review", _("Review of the audit trail")),
    Reason(9, "person_request", _("At the person's request")),
    Reason(10, "consent_withdrawn", _("Consent withdrawn")),
    Reason(11, "retention_ended", _("End of the time for keeping it")),
    Reason(12, "authority_order", _("Ordered by a court or an authority")),
    Reason(13, "correction", _("Correction of a mistake")),
    Reason(14, "planned", _("Planned work of the machine")),
    Reason(15, "key_compromised", _("A key may be known to others")),
    # 100-199 why it was refused
    Reason(100, "no_grant", _("No access to the case")),
    Reason(101, "grant_expired", _("The access has ended")),
    Reason(102, "level_too_low", _("The access does not go that far")),
    Reason(103, "role_missing", _("The role does not allow it")),
    Reason(104, "grant_forged", _("The access was not given by the application")),
    Reason(105, "account_inactive", _("The account is not active")),
    Reason(106, "not_found", _("There is no such thing")),
    Reason(107, "too_many_attempts", _("Too many attempts")),
    Reason(108, "wrong_password", _("Wrong password")),
    Reason(109, "wrong_code", _("Wrong code")),
    Reason(110, "link_spent", _("The link was already used or has ended")),
    Reason(111, "second_person_missing", _("A second person must confirm")),
    Reason(112, "unknown_account", _("No such account")),
    Reason(113, "case_state", _("The state of the case does not allow it")),
    Reason(114, "forged_request", _("The request did not come from our page")),
    Reason(115, "reauthentication_needed", _("The person must confirm who they are")),
    Reason(116, "too_long", _("The sign-in lasted too long")),
    # 200-299 why it failed
    Reason(200, "error", _("An error in the application")),
    Reason(201, "unreachable", _("Another server could not be reached")),
    Reason(202, "damaged", _("The stored data is damaged")),
    Reason(203, "conflict", _("Somebody else changed it first")),
    Reason(204, "invalid", _("What was given could not be accepted")),
)

ACTION_BY_NAME = {action.name: action for action in ACTIONS}
ACTION_BY_CODE = {action.code: action for action in ACTIONS}
REASON_BY_NAME = {reason.name: reason for reason in REASONS}
REASON_BY_CODE = {reason.code: reason for reason in REASONS}


class UnknownCode(LookupError):
    """An action or a reason is not in the register above."""


def action_named(name: str) -> Action:
    """Return the action of that name; raise UnknownCode when there is none."""
    try:
        return ACTION_BY_NAME[name]
    except KeyError:
        raise UnknownCode(f"no action is called {name!r}: add it to casework/audit/actions.py") from None


def reason_code(reason: int | str) -> int:
    """Return the number of a reason given by number or name; raise UnknownCode when there is none."""
    found = REASON_BY_NAME.get(reason) if isinstance(reason, str) else REASON_BY_CODE.get(reason)
    if found is None:
        raise UnknownCode(f"no reason is called {reason!r}: add it to casework/audit/actions.py")
    return found.code
