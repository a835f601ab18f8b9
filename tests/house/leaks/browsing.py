"""A browser without a screen: keeps cookies, reads forms off pages, remembers everything that servers answered."""

from __future__ import annotations

import http.client
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Final
from urllib.parse import quote, urlencode, urljoin, urlsplit

_BOUNDARY: Final = "synthetic-boundary-7"
# What a page brings with itself; everything else in a form is for somebody to fill in.
OWN = frozenset({"csrfmiddlewaretoken", "next", "lang"})


@dataclass
class Control:
    """One control of a form; `values` are those that a list or a group of boxes offers."""

    name: str
    kind: str
    value: str = ""
    values: list[str] = field(default_factory=list)
    checked: list[str] = field(default_factory=list)


@dataclass
class Form:
    """One form of a page."""

    action: str
    method: str
    controls: dict[str, Control] = field(default_factory=dict)

    def filled(self) -> dict[str, list[str]]:
        """Return what would be sent if nobody touched it."""
        return {name: list(it.checked) if it.values else [it.value] for name, it in self.controls.items()}


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._form: Form | None = None
        self._list: Control | None = None
        self._text: Control | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._form = Form(given.get("action", ""), given.get("method", "get").lower())
            self.forms.append(self._form)
        elif self._form is None:
            return
        elif tag == "option" and self._list is not None:
            self._list.values.append(given.get("value", ""))
            if "selected" in given:
                self._list.checked.append(given.get("value", ""))
        elif (name := given.get("name")) and tag in {"input", "select", "textarea"}:
            self._control(tag, name, given)

    def _control(self, tag: str, name: str, given: Mapping[str, str]) -> None:
        assert self._form is not None
        kind = given.get("type", "text") if tag == "input" else tag
        control = self._form.controls.setdefault(name, Control(name, kind, given.get("value", "")))
        if kind in {"radio", "checkbox"}:
            control.values.append(given.get("value", "on"))
            if "checked" in given:
                control.checked.append(given.get("value", "on"))
        elif tag == "select":
            self._list = control
        elif tag == "textarea":
            self._text = control

    def handle_data(self, data: str) -> None:
        if self._text is not None:
            self._text.value += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        elif tag == "select":
            self._list = None
        elif tag == "textarea":
            self._text = None


@dataclass(frozen=True)
class Answer:
    """What came back for one request."""

    path: str
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode(errors="replace")

    @property
    def location(self) -> str:
        """Where a redirect leads, or empty."""
        return next((value for name, value in self.headers if name.lower() == "location"), "")

    @property
    def head(self) -> bytes:
        """The status line and headers, as they came over the wire."""
        return f"{self.status}\n".encode() + "".join(f"{name}: {value}\n" for name, value in self.headers).encode()

    def forms(self) -> list[Form]:
        """Return the forms of the page that somebody fills in: not those of the frame around it."""
        reader = _Reader()
        text = self.text
        begins = text.find("<main")
        reader.feed(text[max(begins, 0) :])
        return [form for form in reader.forms if not form.action.endswith(("/logout/", "/i18n/setlang/"))]


class Browser:
    """One person's browser; `log` keeps every answer of all browsers that share it."""

    def __init__(self, port: int, log: list[Answer], *, headers: Mapping[str, str] | None = None) -> None:
        self.port, self.log = port, log
        self.cookies: dict[str, str] = {}
        self._headers = dict(headers or {})

    def get(self, path: str, *, headers: Mapping[str, str] | None = None) -> Answer:
        """Ask for a page."""
        return self._ask("GET", path, b"", headers or {})

    def post(
        self,
        path: str,
        data: Mapping[str, str | Sequence[str]] | None = None,
        *,
        files: Mapping[str, tuple[str, bytes]] | None = None,
        headers: Mapping[str, str] | None = None,
        page: Answer | None = None,
    ) -> Answer:
        """Send a form; its token comes from `page`, or from the address itself."""
        shown = page or self.get(path)
        token = next(
            (f.controls["csrfmiddlewaretoken"].value for f in shown.forms() if "csrfmiddlewaretoken" in f.controls), ""
        )
        pairs = [("csrfmiddlewaretoken", token)]
        for name, value in (data or {}).items():
            pairs += [(name, one) for one in ([value] if isinstance(value, str) else value)]
        kind, body = _multipart(pairs, files) if files else ("application/x-www-form-urlencoded", _urlencoded(pairs))
        return self._ask("POST", path, body, {"Content-Type": kind, **(headers or {})})

    def send(self, path: str, body: bytes, headers: Mapping[str, str], *, method: str = "POST") -> Answer:
        """Send a request as it is given."""
        return self._ask(method, path, body, headers)

    def _ask(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        sent = {**self._headers, **headers}
        if self.cookies:
            sent["Cookie"] = "; ".join(
                [f"{name}={value}" for name, value in self.cookies.items()]
                + ([sent["Cookie"]] if "Cookie" in sent else [])
            )
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            line.request(method, quote(path, safe="/?&=%+-_.~:"), body or None, sent)
            response = line.getresponse()
            answer = Answer(path, response.status, tuple(response.getheaders()), response.read())
        finally:
            line.close()
        for name, value in answer.headers:
            if name.lower() == "set-cookie":
                cookie, _, content = value.split(";", 1)[0].partition("=")
                self.cookies[cookie] = content
        self.log.append(answer)
        return answer

    def follow(self, answer: Answer) -> Answer:
        """Go where a redirect leads."""
        while answer.status in {301, 302, 303}:
            there = urlsplit(urljoin(f"http://127.0.0.1:{self.port}{answer.path}", answer.location))
            answer = self.get(there.path + (f"?{there.query}" if there.query else ""))
        return answer


def _urlencoded(pairs: Iterable[tuple[str, str]]) -> bytes:
    return urlencode(list(pairs)).encode()


def _multipart(pairs: Iterable[tuple[str, str]], files: Mapping[str, tuple[str, bytes]]) -> tuple[str, bytes]:
    parts = [
        f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in pairs
    ]
    for name, (file_name, content) in files.items():
        head = f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"; filename="{file_name}"\r\n'
        parts.append(f"{head}Content-Type: application/octet-stream\r\n\r\n".encode() + content + b"\r\n")
    return f"multipart/form-data; boundary={_BOUNDARY}", b"".join(parts) + f"--{_BOUNDARY}--\r\n".encode()
