from tests.cases.test_erasing import *
from tests.cases import test_erasing as te
from casework.crypto import services as crypto

def test_note_tampered(people, case_id, superuser):
    request = ask(people.wanda, case_id)
    other = te.a_full_case(people)
    request2 = ask(people.wanda, other)
    superuser.execute("UPDATE cases_erasure SET note_sealed = set_byte(note_sealed, 30, 7) WHERE id=%s", [request])
    superuser.execute("UPDATE cases_erasure SET note_sealed = set_byte(note_sealed, 31, 7) WHERE id=%s", [request])
    try:
        with cast.acting(people.cora):
            print("LIST", len(services_erasures()))
    except BaseException as e: print("LIST FAILS", type(e).__name__, e)
    c = Client(); 
    from casework.accounts.models import User
    c.force_login(User.objects.get(pk=people.cora))
    for url in (reverse("erasures"), reverse("erasure_detail", args=[request]), reverse("erasure_detail", args=[request2])):
        r = c.get(url); print(url, r.status_code, r.content[:0])
    with cast.acting(people.cora):
        try: erasing.refuse_erasure(request); print("refused ok")
        except BaseException as e: print("REFUSE", type(e).__name__, e)

def services_erasures(): return erasing.erasures()

def test_note_of_wrapless(people, case_id, superuser):
    request = ask(people.wanda, case_id)
    superuser.execute("DELETE FROM crypto_keywrap WHERE scope=%s", [case_id])
    crypto.forget_process_keys()
    try:
        with cast.acting(people.cora):
            print("LIST", [(e.note) for e in erasing.erasures()])
    except BaseException as e: print("LIST FAILS", type(e).__name__, e)
    try:
        with cast.acting(people.cora):
            erasing.confirm_erasure(request, reference=reference_of(case_id)); print("confirmed")
    except BaseException as e: print("CONFIRM FAILS", type(e).__name__, e)

def test_search_words_remain(people, case_id, superuser):
    from casework.desk import services as desk
    from casework.cases.types import CaseFilter
    with cast.acting(people.wanda):
        desk.list_cases(CaseFilter(words="Testova"))
    te.erase(people, case_id)
    rows = superuser.execute("SELECT stream, seq, body FROM audit_entry WHERE stream=%s AND length(body)>0", [people.wanda]).fetchall()
    with running_as("owner"), work.acting(work.system_actor()):
        for stream, seq, body in rows:
            keys = crypto.keys_for_many([stream])[stream]
            print("BODY", envelope.open_body(bytes(body), keys=keys, context=chain.body_context(stream, seq)))

def test_closed_bounds(people, case_id):
    from datetime import date
    with cast.acting(people.wanda):
        services.close_case(case_id, on=date(1,1,1)); print("closed in year 1")
