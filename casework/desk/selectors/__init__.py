"""What each page shows, composed from the areas below into frozen values; no query is left for a template.

Reading a case leaves a trace, so what opens one stands in `services`, not here.
"""

from casework.desk.selectors._access import AccessLine, access_lines, role_levels
from casework.desk.selectors._board import BoardColumn, BoardLine, board_columns, board_lines
from casework.desk.selectors._cases import CaseList, ListRow, list_rows
from casework.desk.selectors._compare import Compared, ComparedLimit, compared
from casework.desk.selectors._documents import DocumentLine, document_lines
from casework.desk.selectors._erasures import (
    ErasureLine,
    Erasures,
    coordinators_besides,
    erasure_line,
    erasures,
    keeping,
    months_kept,
    still_open,
    still_under_way,
    waiting_erasure,
    who_may_confirm,
    would_go,
)
from casework.desk.selectors._inbox import InboxGroup, InboxLine, inbox_groups
from casework.desk.selectors._page import (
    CaseHeader,
    DocumentLink,
    LimitCard,
    QuestionCard,
    TimelineItem,
    fact_line,
    header_of,
    limit_cards,
    people_summary,
    procedure_summary,
    question_cards,
    timeline_items,
)
from casework.desk.selectors._people import Colleague, all_teams, colleagues, team_of
from casework.desk.selectors._today import DueLine, Today, today
from casework.desk.selectors._trail import TrailLine, TrailPage, case_trail, trail

__all__ = [
    "AccessLine",
    "BoardColumn",
    "BoardLine",
    "CaseHeader",
    "CaseList",
    "Colleague",
    "Compared",
    "ComparedLimit",
    "DocumentLine",
    "DocumentLink",
    "DueLine",
    "ErasureLine",
    "Erasures",
    "InboxGroup",
    "InboxLine",
    "LimitCard",
    "ListRow",
    "QuestionCard",
    "TimelineItem",
    "Today",
    "TrailLine",
    "TrailPage",
    "access_lines",
    "all_teams",
    "board_columns",
    "board_lines",
    "case_trail",
    "colleagues",
    "compared",
    "coordinators_besides",
    "document_lines",
    "erasure_line",
    "erasures",
    "fact_line",
    "header_of",
    "inbox_groups",
    "keeping",
    "limit_cards",
    "list_rows",
    "months_kept",
    "people_summary",
    "procedure_summary",
    "question_cards",
    "role_levels",
    "still_open",
    "still_under_way",
    "team_of",
    "timeline_items",
    "today",
    "trail",
    "waiting_erasure",
    "who_may_confirm",
    "would_go",
]
