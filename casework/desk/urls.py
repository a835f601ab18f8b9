"""Every page of this area. Paths carry random ids and codes, never a word that somebody typed."""

from django.urls import path

from casework.desk.views import (
    access,
    board,
    cases,
    closing,
    demo,
    documents,
    dossier,
    erasing,
    facts,
    health,
    home,
    inbox,
    people,
    rules,
    trail,
    what_if,
)

CASE = "cases/<uuid:case_id>/"

urlpatterns = [
    path("", home.home, name="home"),
    path("cases/", cases.case_list, name="case_list"),
    path("cases/new/", cases.case_new, name="case_new"),
    path(CASE, cases.case_detail, name="case_detail"),
    path(CASE + "edit/", cases.case_edit, name="case_edit"),
    path(CASE + "deadlines/", facts.case_deadlines, name="case_deadlines"),
    path(CASE + "what-if/", what_if.what_if, name="what_if"),
    path(CASE + "what-if/<slug:kind>/", what_if.what_if_form, name="what_if_form"),
    path(CASE + "timeline/", facts.case_timeline, name="case_timeline"),
    path(CASE + "facts/new/", facts.fact_new, name="fact_new"),
    path(CASE + "facts/new/<slug:kind>/", facts.fact_form, name="fact_form"),
    path(CASE + "facts/<uuid:fact_id>/correct/", facts.fact_correct, name="fact_correct"),
    path(CASE + "facts/<uuid:fact_id>/withdraw/", facts.fact_withdraw, name="fact_withdraw"),
    path(CASE + "documents/", documents.case_documents, name="case_documents"),
    path(CASE + "documents/new/", documents.document_new, name="document_new"),
    path(CASE + "documents/<uuid:document_id>/", documents.document_download, name="document_download"),
    path(CASE + "access/", access.case_access, name="case_access"),
    path(CASE + "access/share/", access.case_share, name="case_share"),
    path(CASE + "access/<uuid:grant_id>/revoke/", access.grant_revoke, name="grant_revoke"),
    path(CASE + "trail/", trail.case_trail, name="case_trail"),
    path(CASE + "trail/proof/", trail.case_proof, name="case_proof"),
    path(CASE + "assign/", board.assign, name="assign"),
    path(CASE + "dossier/", dossier.dossier_new, name="dossier_new"),
    path(CASE + "close/", closing.case_close, name="case_close"),
    path(CASE + "reopen/", closing.case_reopen, name="case_reopen"),
    path(CASE + "erase/", erasing.case_erase, name="case_erase"),
    path("erasures/", erasing.erasures, name="erasures"),
    path("erasures/<uuid:erasure_id>/", erasing.erasure_detail, name="erasure_detail"),
    path("erasures/<uuid:erasure_id>/withdraw/", erasing.erasure_withdraw, name="erasure_withdraw"),
    path("erasures/<uuid:erasure_id>/refuse/", erasing.erasure_refuse, name="erasure_refuse"),
    path("erasures/<uuid:erased_id>/certificate/", erasing.erasure_certificate, name="erasure_certificate"),
    path("inbox/", inbox.inbox, name="inbox"),
    path("inbox/<uuid:notice_id>/acknowledge/", inbox.inbox_acknowledge, name="inbox_acknowledge"),
    path("board/", board.board, name="board"),
    path("trail/", trail.trail, name="trail"),
    path("rules/", rules.rules, name="rules"),
    path("people/", people.people, name="people"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
]

# Added by config.urls in demo mode alone.
demo_urlpatterns = [
    path("demo/mailbox/", demo.mailbox, name="demo_mailbox"),
]
