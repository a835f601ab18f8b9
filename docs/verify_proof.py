#!/usr/bin/env python3
"""Check the proof of a case's audit trail, without the server that made it.

    python3 verify_proof.py PROOF.json [--key KEY] [--checkpoint FILE] [--json]

Needs Python 3.9 or newer and the package `cryptography`; nothing of Casework. It reads the files that are named and
nothing else, and writes nothing. The formats are those of docs/formats-audit.md.

What it shows when all is well:
- every entry of the case is there, from the first to the last sealed one, in this order and with these contents:
  each carries the hash of the one before, and the last is in the log that the checkpoint was signed over;
- with "last on that day": that no entry of the case followed it when that checkpoint was signed;
- with an earlier checkpoint, such as the one printed on a dossier (--checkpoint): that the log of today begins with
  the log of then, so that nothing of before was changed since.

The signature is worth as much as the key: compare the key with one that you did not get from the same hands (--key).
Names, words and particulars under "told" are the server's word: no signature covers them.

Exit 0: all is proved. 1: something is wrong. 2: the files cannot be read.
"""

import argparse
import base64
import hashlib
import json
import struct
import sys
from datetime import datetime, timedelta, timezone
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

EVENT = struct.Struct(">5s16sQ32sq16sHBH16s32s32s")
MACHINE = "00000000-0000-4000-8000-000000000001"
NOBODY = "00000000-0000-0000-0000-000000000000"


class Wrong(Exception):
    """The proof does not hold; the text says where."""


class Unreadable(Exception):
    """A file is not what it should be."""


def sha256(data):
    return hashlib.sha256(data).digest()


def unb64(text):
    found = base64.b64decode(text, validate=True)
    if base64.b64encode(found).decode() != text:
        raise ValueError("not in the one form that base64 has for it")
    return found


# --- the signed note (C2SP signed-note over a tlog-checkpoint) ------------------------------------------------------


def read_key(text):
    """Return name and public key of `name+id+base64(0x01 || key)`."""
    name, _, rest = text.strip().partition("+")
    identity, _, encoded = rest.partition("+")
    key = unb64(encoded)
    if len(key) != 33 or key[0] != 1 or sha256(name.encode() + b"\n" + key)[:4].hex() != identity:
        raise Unreadable("this is no public key of a sealer")
    return name, key[1:]


def open_note(note, name, public):
    """Return size, root and the other lines of a checkpoint, once its signature by that key was found good."""
    body, separator, signatures = note.partition("\n\n")
    body += "\n"
    if not separator:
        raise Unreadable("this is no signed checkpoint")
    identity = sha256(name.encode() + b"\n\x01" + public)[:4]
    for line in signatures.splitlines():
        said, _, encoded = line[2:].partition(" ") if line.startswith("\u2014 ") else ("", "", "")
        signature = unb64(encoded) if said == name else b""
        if signature[:4] == identity:
            try:
                Ed25519PublicKey.from_public_bytes(public).verify(signature[4:], body.encode())
            except InvalidSignature:
                continue
            break
    else:
        raise Wrong("the checkpoint carries no good signature of this key")
    origin, size, root, *more = body[:-1].split("\n")
    if origin != name:
        raise Wrong("the checkpoint is that of another log than the key's")
    said = dict(reversed([line.partition(" ")[::2] for line in more]))
    return int(size), unb64(root), said


# --- the tree (RFC 6962) --------------------------------------------------------------------------------------------


def node(left, right):
    return sha256(b"\x01" + left + right)


def leaf_of(stream, seq, digest):
    return sha256(b"\x00" + stream + struct.pack(">Q", seq) + digest)


def root_by_inclusion(leaf, index, size, proof):
    """Return the root to which a proof of inclusion leads (RFC 9162, section 2.1.3.2)."""
    if not 0 <= index < size:
        raise Wrong("the leaf is outside the log")
    at, last, root = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            raise Wrong("the proof of inclusion is too long")
        if at & 1 or at == last:
            root = node(sibling, root)
            while not at & 1 and at:
                at >>= 1
                last >>= 1
        else:
            root = node(root, sibling)
        at >>= 1
        last >>= 1
    if last:
        raise Wrong("the proof of inclusion is too short")
    return root


def check_goes_on(before, root_before, size, root, proof):
    """Check that the log of `size` begins with the log of `before` (RFC 9162, section 2.1.4.2)."""
    if before == size:
        if proof or root_before != root:
            raise Wrong("the log of that size is another one than it was")
        return
    if not 0 < before < size or not proof:
        raise Wrong("the proof that the log goes on is not whole")
    path = list(proof) if before & (before - 1) else [root_before, *proof]
    at, last = before - 1, size - 1
    while at & 1:
        at >>= 1
        last >>= 1
    first = second = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise Wrong("the proof that the log goes on is too long")
        if at & 1 or at == last:
            first, second = node(sibling, first), node(sibling, second)
            while not at & 1 and at:
                at >>= 1
                last >>= 1
        else:
            second = node(second, sibling)
        at >>= 1
        last >>= 1
    if last or first != root_before or second != root:
        raise Wrong("the log of today does not begin with the log of the earlier checkpoint")


# --- the proof ------------------------------------------------------------------------------------------------------


def hashes_of(case, entries):
    """Return the hash of each entry by its number, counted from 1 without a gap."""
    hashes, before = {}, bytes(32)
    for place, entry in enumerate(entries, start=1):
        if entry["seq"] != place:
            raise Wrong(f"entry {place} is missing or stands in another place")
        event = EVENT.pack(
            b"cw/a1",
            case,
            place,
            before,
            entry["time_us"],
            UUID(entry["actor"]).bytes,
            entry["action"],
            entry["outcome"],
            entry["reason"],
            UUID(entry["object"]).bytes,
            unb64(entry["row_digest"]),
            sha256(unb64(entry["body"])),
        )
        before = hashes[place] = sha256(event)
    return hashes


def included(case, hashes, claim, tree, what):
    """Return the number of an entry, once the tree (its size and root) was found to hold it."""
    (size, root), seq = tree, claim["seq"]
    if seq not in hashes:
        raise Wrong(f"{what}: entry {seq} is not in the proof")
    found = root_by_inclusion(leaf_of(case, seq, hashes[seq]), claim["index"], size, [unb64(p) for p in claim["proof"]])
    if found != root:
        raise Wrong(f"{what}: entry {seq} is not the one that was signed, or an entry before it was changed")
    return seq


def check(proof, key, earlier_notes):
    """Return what is proved, as a list of sentences with the number of the last proved entry; raises `Wrong`."""
    if proof.get("format") != "cw/proof1":
        raise Unreadable("this is no proof of a trail, or one of a newer kind")
    if key is None and not proof["key"]:
        raise Unreadable("the proof brings no key: name the sealer's key with --key")
    name, public = read_key(key or proof["key"])
    if key is not None and proof["key"] and read_key(proof["key"])[1] != public:
        raise Wrong("the key in the proof is not the key that you named")
    case = UUID(proof["case"]).bytes
    hashes = hashes_of(case, proof["entries"])
    size, root, said = open_note(proof["checkpoint"], name, public)
    proved = included(case, hashes, proof["sealed"], (size, root), "the log")
    done = [f"Entries 1 to {proved} are in the log of {size} entries that was signed on {said.get('time', '?')}."]
    if proved < len(hashes):
        done.append(f"Entries {proved + 1} to {len(hashes)} follow one another, and were not signed yet.")
    last = proof.get("last_on_day")
    if last:
        _, _, day = open_note(last["checkpoint"], name, public)
        if "heads" not in day:
            raise Wrong("the checkpoint of the day does not say which entries were the last")
        seq = included(case, hashes, last, (last["size"], unb64(day["heads"])), "the last entries of the day")
        done.append(f"Entry {seq} was the last of this case when the checkpoint of {day.get('time', '?')} was signed.")
    earlier = proof.get("earlier")
    for note in earlier_notes:
        before, root_before, then = open_note(note, name, public)
        if before == size and root_before == root:
            done.append(f"The checkpoint of {then.get('time', '?')} is the one in the proof.")
            continue
        if not earlier or earlier["size"] != before:
            raise Unreadable(
                f"the proof says nothing of the checkpoint over {before} entries: ask for one made for that size"
            )
        check_goes_on(before, root_before, size, root, [unb64(part) for part in earlier["proof"]])
        done.append(f"Nothing that was there on {then.get('time', '?')} ({before} entries) was changed since.")
    return done, proved


def lines_of(proof, proved):
    told = proof.get("told") or {}
    people = {MACHINE: "the machine", NOBODY: "nobody signed in", **told.get("people", {})}
    start = datetime(1970, 1, 1, tzinfo=timezone.utc)
    for entry in proof["entries"]:
        at = (start + timedelta(microseconds=entry["time_us"])).strftime("%Y-%m-%d %H:%M:%S UTC")
        words = told.get("actions", {}).get(str(entry["action"]), f"action {entry['action']}")
        outcome = told.get("outcomes", {}).get(str(entry["outcome"]), "") if entry["outcome"] else ""
        mark = " " if entry["seq"] <= proved else "?"
        who = people.get(entry["actor"], entry["actor"])
        yield f"{mark} {entry['seq']:>6}  {at}  {who}: {words}{' (' + outcome + ')' if outcome else ''}"


def split_notes(text):
    """Yield each note of a file that holds one or several; text around them, such as a heading, is passed over."""
    body = []
    signed = False
    for line in [*text.splitlines(), ""]:
        if line.startswith("\u2014 "):
            signed = True
        elif signed:
            yield "\n".join(body) + "\n"
            body, signed = [], False
        if body or line:
            body.append(line)


def main(arguments=None):
    parser = argparse.ArgumentParser(description="Check the proof of a case's audit trail.")
    parser.add_argument("proof", help="the file that was downloaded")
    parser.add_argument("--key", help="the sealer's public key: the text itself, or a file that holds it (sealer.pub)")
    parser.add_argument("--checkpoint", help="a file with earlier checkpoints, such as the one from a dossier")
    parser.add_argument("--json", action="store_true", help="print JSON")
    given = parser.parse_args(arguments)
    try:
        with open(given.proof, encoding="utf-8") as file:
            proof = json.load(file)
        key, notes = given.key, []
        if key is not None and "+" not in key:
            with open(key, encoding="utf-8") as file:
                key = file.read()
        if given.checkpoint:
            with open(given.checkpoint, encoding="utf-8") as file:
                notes = list(split_notes(file.read()))
            if not notes:
                raise Unreadable("there is no checkpoint in that file")
        done, proved = check(proof, key, notes)
        shown = list(lines_of(proof, proved))
    except Wrong as error:
        return answer(given.json, 1, str(error), [])
    except Unreadable as error:
        return answer(given.json, 2, str(error), [])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, struct.error, OverflowError) as error:
        return answer(given.json, 2, f"the proof cannot be read ({type(error).__name__})", [])
    if not given.json:
        print("\n".join(shown))
        print()
    return answer(given.json, 0, "", done)


def answer(as_json, code, wrong, done):
    if as_json:
        print(json.dumps({"ok": code == 0, "wrong": wrong, "proved": done}))
    elif code:
        print(f"NOT PROVED: {wrong}.", file=sys.stderr)
    else:
        print("\n".join(f"PROVED: {sentence}" for sentence in done))
    return code


if __name__ == "__main__":
    sys.exit(main())
