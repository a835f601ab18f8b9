"""Every dossier prints the newest checkpoint: the code on its page is read back and is a note that verifies."""

from __future__ import annotations

import importlib.util
import io
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import call_command
from PIL import Image

from casework.audit import chain, seal
from casework.audit.models import Checkpoint, Head
from casework.core import clock
from casework.dossiers import services
from casework.printing import qr_codes
from tests import cast
from tests.conftest import manage, running_as
from tests.printing.reading_codes import read_code

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).resolve().parents[2]
PASSPHRASE = "six groups of four letters"


def printed(people: cast.Cast, case_id: object, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """Return the dossier's PDF before it is encrypted."""
    made: list[bytes] = []
    whole = services.dossier.build

    def build(*args: object) -> object:
        done = whole(*args)
        made.append(done.pdf)
        return done

    monkeypatch.setattr(services.dossier, "build", build)
    with cast.acting(people.wanda):
        services.export(case_id, passphrase=PASSPHRASE)
    return made[0]


def sealed() -> None:
    with running_as("sealer"):
        call_command("audit_checkpoint", stdout=io.StringIO())


def checker():
    """Return docs/verify_proof.py as a module."""
    spec = importlib.util.spec_from_file_location("verify_proof", ROOT / "docs" / "verify_proof.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def code_on(pdf: bytes, tmp_path: Path, text: str) -> str:
    """Print the page that says `text` as a picture, find the code on it, and read it."""
    file = tmp_path / "dossier.pdf"
    file.write_bytes(pdf)
    told = subprocess.run(["pdftotext", "-layout", str(file), "-"], capture_output=True, text=True, check=True).stdout
    number = next(at for at, page in enumerate(told.split("\f"), start=1) if text in page and "Contents" not in page)
    subprocess.run(
        ["pdftoppm", "-r", "300", "-f", str(number), "-l", str(number), "-gray", str(file), str(tmp_path / "page")],
        check=True,
    )
    (picture,) = tmp_path.glob("page*.pgm")
    # The code stands at the left margin, 50 mm wide.
    return read_code(Image.open(picture), left=25 / 210, right=78 / 210)


def test_a_dossier_carries_the_newest_checkpoint_and_the_end_of_the_cases_trail(people, monkeypatch, tmp_path):
    case_id = cast.open_a_case(people)
    sealed()
    with clock.fixed(clock.now() + timedelta(minutes=1)):
        with cast.acting(people.wanda):
            services.cases.case_for(case_id)
        end = _end(people, case_id)
        pdf = printed(people, case_id, monkeypatch)
    note = code_on(pdf, tmp_path, "Seal of the audit trail")
    with running_as("sealer"):
        newest = Checkpoint.objects.order_by("-number").first()
        public = seal.known_public_key()
    assert note == newest.note
    # The lawyer's own program takes it, with the sealer's public key.
    program = checker()
    name, key = program.read_key(chain.verifier_key(newest.note.split("\n")[0], public))
    assert program.open_note(note, name, key)[0] == newest.size
    with pytest.raises(program.Wrong):
        program.open_note(note.replace("\ntime 2", "\ntime 1"), name, key)
    # So does the verifier.
    (tmp_path / "kept.note").write_text(note, encoding="utf-8")
    done = manage("verify_audit", "--checkpoint", str(tmp_path / "kept.note"))
    assert done.returncode == 0, done.stdout + done.stderr
    text = subprocess.run(["pdftotext", str(tmp_path / "dossier.pdf"), "-"], capture_output=True, text=True, check=True)
    words = text.stdout.replace("\u200b", "").replace("\n", "")
    assert end.hash.hex() in words
    assert "".join(note.split("\n")) in words


def _end(people, case_id):
    with cast.acting(people.wanda):
        head = Head.objects.get(stream=case_id)
        head.hash = bytes(head.hash)
        return head


def test_without_a_checkpoint_a_dossier_has_no_seal(people, monkeypatch, tmp_path):
    pdf = printed(people, cast.open_a_case(people), monkeypatch)
    (tmp_path / "dossier.pdf").write_bytes(pdf)
    told = subprocess.run(["pdftotext", str(tmp_path / "dossier.pdf"), "-"], capture_output=True, text=True, check=True)
    assert "Seal of the audit trail" not in told.stdout


def test_the_reader_of_codes_notices_another_code():
    modules = qr_codes.matrix(b"Synthetic note", spare="M")
    picture = Image.new("L", (len(modules) * 6 + 48,) * 2, 255)
    for down, row in enumerate(modules):
        for across, black in enumerate(row):
            if black:
                picture.paste(0, (24 + across * 6, 24 + down * 6, 30 + across * 6, 30 + down * 6))
    assert read_code(picture) == "Synthetic note"
