"""What the pages' services ask for before they answer anything."""

from __future__ import annotations

from datetime import date

import pytest

from casework.access import services as access
from casework.access.types import Level
from casework.audit import selectors as audit
from casework.core.errors import NotAllowed, NotFound
from casework.desk import services
from tests import cast


def _share(case_id, email="nobody@example.org"):
    return services.share_case(
        case_id, country="FR", email=email, level=Level.VIEW, until_on=date(2027, 3, 1), reason="synthetic"
    )


class TestShareCase:
    """Whether an address has an account is told only to who may share the case."""

    def test_tells_a_reader_nothing_about_addresses(self, people):
        case_id = cast.open_a_case(people)
        with cast.acting(people.wanda):
            access.grant(case_id=case_id, user_id=people.lev, level=Level.DOSSIER, reason="synthetic")
        with cast.acting(people.lev):
            for email in ("nobody@example.org", "otto@example.org"):
                with pytest.raises(NotAllowed):
                    _share(case_id, email)

    def test_tells_a_stranger_nothing_about_the_case(self, people):
        case_id = cast.open_a_case(people)
        with cast.acting(people.otto), pytest.raises(NotFound):
            _share(case_id)


class TestOpening:
    """Reading leaves a trace."""

    def test_a_page_writes_one_entry_however_often_the_case_is_opened_for_it(self, people):
        case_id = cast.open_a_case(people)
        with cast.acting(people.wanda):
            services.open_page(case_id, derive=True)
            services.open_page(case_id)
        with cast.acting(people.wanda):
            actions = [entry.action for entry in audit.entries_of_case(case_id)]
        assert actions.count("case.read") == 1

    def test_a_case_of_another_team_is_not_opened(self, people):
        case_id = cast.open_a_case(people)
        with cast.acting(people.otto), pytest.raises(NotFound):
            services.open_page(case_id)
