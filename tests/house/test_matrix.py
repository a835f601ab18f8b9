"""Every address x person and relation x GET and POST, with real objects of another team, against one table."""

from __future__ import annotations

from uuid import uuid4

import pytest

from tests.house import matrix

# One letter an outcome, in the order of matrix.PEOPLE: lead, coordinator, lawyer, expired, other team, other
# coordinator, auditor, admin, nobody.  P page · S sent on · I sign in · R refused · N not found · M wrong method ·
# C conflict.
TABLE = {
    "home": ("PPPPPPSSI", "MMMMMMMMI"),
    "case_list": ("PPPPPPRRI", "PPPPPPRRI"),
    "case_new": ("PPRPPPRRI", "PPRPPPRRI"),
    "case_detail": ("PPPNNNNNI", "MMMMMMMMI"),
    "case_edit": ("PPRNNNNNI", "PPRNNNNNI"),
    "case_deadlines": ("PPPNNNNNI", "MMMMMMMMI"),
    "what_if": ("PPPNNNNNI", "MMMMMMMMI"),
    "what_if_form": ("PPPNNNNNI", "PPPNNNNNI"),
    "case_timeline": ("PPPNNNNNI", "MMMMMMMMI"),
    "fact_new": ("PPRNNNNNI", "MMMMMMMMI"),
    "fact_form": ("PPRNNNNNI", "PPRNNNNNI"),
    "fact_correct": ("PPRNNNNNI", "PPRNNNNNI"),
    "fact_withdraw": ("PPRNNNNNI", "PPRNNNNNI"),
    "case_documents": ("PPPNNNNNI", "MMMMMMMMI"),
    "document_new": ("PPRNNNNNI", "PPRNNNNNI"),
    "document_download": ("MMMMMMMMI", "PPPNNNNNI"),
    "case_access": ("PPPNNNNNI", "MMMMMMMMI"),
    "case_share": ("PPRNNNNNI", "PPRNNNNNI"),
    "grant_revoke": ("PPRNNNNNI", "SSRNNNNNI"),
    "case_trail": ("PPRNNNNNI", "MMMMMMMMI"),
    "case_proof": ("MMMMMMMMI", "PPRNNNNNI"),
    "assign": ("RPRNNNNNI", "RPRNNNNNI"),
    "dossier_new": ("PPPNNNNNI", "PPPNNNNNI"),
    "case_close": ("PPRNNNNNI", "PPRNNNNNI"),
    "case_reopen": ("SSRNNNNNI", "SSRNNNNNI"),
    "case_erase": ("PPRNNNNNI", "PPRNNNNNI"),
    "erasures": ("PPRPPPRRI", "RNRNRNRRI"),
    "erasure_detail": ("PPNNNNNNI", "RPNNNNNNI"),
    "erasure_withdraw": ("MMMMMMMMI", "SRNNNNNNI"),
    "erasure_refuse": ("MMMMMMMMI", "RSNNNNNNI"),
    "erasure_certificate": ("MMMMMMMMI", "PPNNNNNNI"),
    "inbox": ("PPPPPPRRI", "MMMMMMMMI"),
    "inbox_acknowledge": ("MMMMMMMMI", "SNNNNNRRI"),
    "board": ("RPRPRPRRI", "MMMMMMMMI"),
    "trail": ("RRRRRRPRI", "MMMMMMMMI"),
    "rules": ("PPPPPPPPI", "MMMMMMMMI"),
    "people": ("RRRRRRRPI", "RRRRRRRPI"),
    "profile": ("PPPPPPPPI", "PPPPPPPPI"),
    "sign_out_elsewhere": ("MMMMMMMMI", "SSSSSSSSI"),
    "sign_out_device": ("MMMMMMMMI", "NNNNNNNNI"),
    "kept_input": ("PPPPPPPPI", "SSSSSSSSI"),
    "stay": ("MMMMMMMMI", "PPPPPPPPI"),
    "accept_invitation": ("CCCCCCCCN", "CCCCCCCCN"),
    "healthz": ("PPPPPPPPP", "MMMMMMMMM"),
    "readyz": ("PPPPPPPPP", "MMMMMMMMM"),
}
LETTERS = {
    "page": "P",
    "sent on": "S",
    "sign in": "I",
    "refused": "R",
    "not found": "N",
    "wrong method": "M",
    "conflict": "C",
}
# Signing in is django-allauth's: what it shows to someone who is not signed in, all else leads to the sign-in page.
OPEN_TO_NOBODY = {
    "account_login",
    "account_inactive",
    "account_signup",
    "account_email_verification_sent",
    "account_reset_password",
    "account_reset_password_done",
    "account_reset_password_from_key",
    "account_reset_password_from_key_done",
    "account_confirm_email",
}
NAMES_CASE = [name for name, row in TABLE.items() if "N" in row[0] + row[1] and name not in {"accept_invitation"}]

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(people, superuser):
    # The web role may not write notices: an item of Wanda's inbox is put there by hand and taken away again.
    notice_id = uuid4()
    superuser.execute(
        "INSERT INTO notices_notice (id, recipient_id, channel, kind, case_id, about_id, step, due_on, urgency, key,"
        " planned_at, send_at, next_try_at, state, attempts, sent_at, failure)"
        " VALUES (%s, %s, 'inbox', 'limit', %s, %s, '3', current_date + 3, 2, %s, now(), now(), now(), 'sent', 0,"
        " now(), '')",
        [notice_id, people.wanda, uuid4(), uuid4(), str(notice_id)],
    )
    yield matrix.build(people, notice_id)
    superuser.execute("DELETE FROM notices_notice WHERE id = %s", [notice_id])


@pytest.fixture
def clients(people):
    return matrix.clients(people)


def _gaps():
    return {name: gaps for name, _route, gaps in matrix.patterns()}


class TestEveryAddress:
    def test_has_a_row(self):
        ours = {name for name, route, _gaps in matrix.patterns() if not route.startswith("account/")}
        assert ours == set(TABLE)

    def test_answers_each_person_as_the_table_says(self, world, clients):
        gaps = _gaps()
        found = {
            name: tuple(
                "".join(
                    LETTERS.get(matrix.outcome(matrix.ask(clients[who], method, name, gaps[name], world)), "?")
                    for who in matrix.PEOPLE
                )
                for method in ("GET", "POST")
            )
            for name in TABLE
        }
        assert {name: row for name, row in found.items() if row != TABLE[name]} == {}


class TestAHiddenCase:
    """Invariant 25: absent and hidden answer alike, to the letter."""

    @pytest.mark.parametrize("who", ["other team", "expired", "admin"])
    def test_answers_exactly_like_one_that_does_not_exist(self, world, clients, who):
        nothing = matrix.World.of_nothing()
        different = []
        for name in NAMES_CASE:
            for method in ("GET", "POST"):
                hidden, absent = (matrix.ask(clients[who], method, name, _gaps()[name], it) for it in (world, nothing))
                if _all_of(hidden) != _all_of(absent):
                    different.append(f"{method} {name}")
        assert different == []

    def test_is_hidden_from_its_own_lawyer_under_a_foreign_documents_address(self, people, world, clients):
        from dataclasses import replace
        from uuid import uuid4

        mixed = replace(world, document_id=uuid4())
        answer = matrix.ask(clients["lawyer"], "POST", "document_download", ["case_id", "document_id"], mixed)
        assert matrix.outcome(answer) == "not found"


def _all_of(answer):
    headers = {name: value for name, value in answer.headers.items() if name != "Content-Length"}
    return answer.status_code, headers, matrix.visible_text(answer)


class TestSigningIn:
    """The pages of django-allauth under account/."""

    def test_shows_nobody_more_than_the_ways_in(self, world, clients):
        for name, route, gaps in matrix.patterns():
            if not route.startswith("account/"):
                continue
            for method in ("GET", "POST"):
                answer = matrix.ask(clients["nobody"], method, name, gaps, world)
                assert answer.status_code < 500, name
                if name not in OPEN_TO_NOBODY:
                    assert matrix.outcome(answer) != "page", name

    def test_faults_for_no_signed_in_person(self, world, clients):
        for name, route, gaps in matrix.patterns():
            if route.startswith("account/"):
                for method in ("GET", "POST"):
                    assert matrix.ask(clients["lead"], method, name, gaps, world).status_code < 500, name


class TestSomebodyWithoutASecondFactor:
    """Every page leads to enrolling one, for every role."""

    @pytest.mark.parametrize("who", ["wanda", "cora", "lev", "aud", "ada"])
    def test_gets_no_further_than_enrolling_one(self, people, world, who):
        from allauth.mfa.models import Authenticator
        from django.test import Client
        from django.urls import reverse

        from tests import cast

        Authenticator.objects.filter(user_id=getattr(people, who)).delete()
        client = cast.sign_in(Client(), people.user(who))
        for name in sorted(TABLE):
            if name in {"healthz", "readyz"}:
                continue
            answer = matrix.ask(client, "GET", name, _gaps()[name], world)
            assert answer.status_code == 302, name
            assert answer.url == reverse("mfa_activate_totp"), name
