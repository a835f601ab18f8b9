"""What a mail says, and the demo's mailbox."""

import re
import stat
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.mail import BadHeaderError
from django.urls import resolve
from django.utils import translation

from casework.notices import demo_mailbox, mail, selectors

NOTICE = UUID("7b1c8d1e-6f5a-4c3b-9a2d-0e1f2a3b4c5d")


def a_mail(kind: str = "limit", urgency: int = 1, language: str = "en-gb") -> mail.Mail:
    return mail.compose(notice_id=NOTICE, kind=kind, urgency=urgency, address="wanda@example.org", language=language)


def parts(message: mail.Mail) -> list[str]:
    return [message.subject, str(message.body), str(message.alternatives[0][0])]


def as_sent(message: mail.Mail) -> EmailMessage:
    """Return a mail as the mail server reads it."""
    parsed = message_from_bytes(message.message().as_bytes(linesep="\r\n"), policy=policy.default)
    assert isinstance(parsed, EmailMessage)
    return parsed


class TestMail:
    """Says that something waits, and where; nothing of whom or what."""

    def test_says_that_a_time_limit_needs_attention_and_where(self, settings: Any) -> None:
        settings.BASE_URL = "https://casework.example"
        subject, text, html = parts(a_mail())
        assert subject == "News in Casework"
        for body in (text, html):
            assert "1 time limit needs attention." in body
            assert "https://casework.example/inbox/" in body
            assert "urgent" not in body

    def test_says_when_it_is_urgent_and_when_a_date_has_changed(self) -> None:
        for body in parts(a_mail("correction", 0))[1:]:
            assert "The date of 1 time limit has changed." in body
            assert "This is urgent" in body

    def test_is_the_same_for_every_case_and_person(self) -> None:
        # Nothing of the notice enters the text, so nothing of the case can.
        one = parts(a_mail())
        other = mail.compose(
            notice_id=UUID(int=5), kind="limit", urgency=1, address="cora@example.org", language="en-gb"
        )
        assert one == parts(other)

    def test_holds_no_date_and_no_id_but_its_own(self) -> None:
        raw = as_sent(a_mail())
        for name in ("Date", "Message-ID"):
            del raw[name]
        text = re.sub(r"boundary=\"[^\"]+\"|--=+\d+==-*", "", raw.as_string())
        assert not re.search(r"\b20\d\d\b|\d{4}-\d\d-\d\d", text)
        assert not re.search(r"[0-9a-f]{8}-[0-9a-f]{4}", text)

    def test_leads_to_the_inbox(self) -> None:
        assert resolve(mail.INBOX_PATH).url_name == "inbox"

    def test_has_one_message_id_for_ever(self) -> None:
        ids = {as_sent(a_mail())["Message-ID"] for _ in range(2)}
        assert ids == {"<7b1c8d1e-6f5a-4c3b-9a2d-0e1f2a3b4c5d@localhost>"}

    def test_is_whole_though_it_shares_its_layout(self) -> None:
        first, second = a_mail(), a_mail("correction", 0)
        for mail_, words in ((first, "needs attention"), (second, "has changed"), (first, "needs attention")):
            sent = as_sent(mail_)
            assert sent.defects == []
            assert (sent["To"], sent["Subject"], sent["From"]) == (
                "wanda@example.org",
                "News in Casework",
                "Casework <casework@localhost>",
            )
            assert sent["Date"].datetime.utcoffset() is not None
            assert sent.get_content_type() == "multipart/alternative"
            assert [part.get_content_type() for part in sent.iter_parts()] == ["text/plain", "text/html"]
            assert all(words in part.get_content() for part in sent.iter_parts())
            assert b"\n" not in mail_.message().as_bytes().replace(b"\r\n", b"")

    def test_reaches_an_address_outside_ascii(self) -> None:
        address = "synthetic@пример.example"
        mail_ = mail.compose(notice_id=NOTICE, kind="limit", urgency=1, address=address, language="en-gb")
        assert as_sent(mail_)["To"] == "synthetic@xn--e1afmkfd.example"

    def test_takes_no_second_line_for_an_address(self) -> None:
        injected = "wanda@example.org\r\nBcc: somebody@example.org"
        mail_ = mail.compose(notice_id=NOTICE, kind="limit", urgency=1, address=injected, language="en-gb")
        with pytest.raises(BadHeaderError):
            mail_.message()

    def test_is_written_in_the_recipients_language(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(mail, "render_to_string", lambda name, context: str(translation.get_language()))
        mail._words.cache_clear()
        try:
            assert a_mail(language="fr").subject == "fr"
        finally:
            mail._words.cache_clear()


class TestDemoMailbox:
    """Files that only their owner may read; a page shows them; nowhere but in the demo."""

    @pytest.fixture
    def folder(self, settings: Any, tmp_path: Path) -> Path:
        settings.DEMO, settings.CASEWORK_MAILBOX_DIR = True, str(tmp_path / "mailbox")
        return tmp_path / "mailbox"

    def test_keeps_each_mail_as_a_private_file(self, folder: Path) -> None:
        assert demo_mailbox.Backend().send_messages([a_mail()]) == 1
        (path,) = folder.iterdir()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert "wanda" not in path.name
        assert message_from_bytes(path.read_bytes())["Subject"] == "News in Casework"

    def test_shows_the_newest_first(self, folder: Path) -> None:
        for kind in ("limit", "correction"):
            demo_mailbox.Backend().send_messages([a_mail(kind)])
        newest, oldest = selectors.mailbox()
        assert "has changed" in newest.text
        assert "needs attention" in oldest.html
        assert (newest.recipient, newest.subject) == ("wanda@example.org", "News in Casework")
        assert newest.message_id == mail.message_id(NOTICE)
        assert newest.received_at >= oldest.received_at

    def test_leaves_out_a_mail_that_is_being_written(self, folder: Path) -> None:
        demo_mailbox.Backend().send_messages([a_mail()])
        (folder / "1-x.part").write_bytes(b"half")
        assert len(selectors.mailbox()) == 1

    def test_works_nowhere_else(self, folder: Path, settings: Any) -> None:
        demo_mailbox.Backend().send_messages([a_mail()])
        settings.DEMO = False
        assert selectors.mailbox() == ()
        with pytest.raises(ImproperlyConfigured):
            demo_mailbox.Backend().send_messages([a_mail()])
