"""Become the right user, tie one's life to the parent's, then turn into another program.

Run by path with the standard library alone (`python -I -S launch.py JSON PROGRAM ARGUMENT…`), never imported: a
start in a fresh process needs no code between fork and exec, which is not safe in a parent that has threads.

The JSON object: `parent` (pid whose end is ours), `signal` (number we then get), `umask`, and, to change user,
`uid`, `gid` and `reach` (paths that the program needs).
"""

import ctypes
import json
import os
import sys

CANNOT_START = 97

_PR_SET_PDEATHSIG = 1
_PR_SET_SECUREBITS = 28
_NO_SETUID_FIXUP = 1 << 2
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_RAISE = 2
_CAPABILITY_VERSION_3 = 0x20080522
# The first is enough and gives less; plain containers have only the second.
_CAP_DAC_READ_SEARCH = 2
_CAP_DAC_OVERRIDE = 1

_CLOSED = (
    "{} is closed to the user {} who must run here, because root may not: start as an ordinary user instead, "
    "or move it out of folders that only root may enter."
)

_libc = ctypes.CDLL(None, use_errno=True)


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Words(ctypes.Structure):
    _fields_ = (("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32))


def _fail(sentence: str) -> None:
    sys.stderr.write(f"casework: {sentence}\n")
    sys.stderr.flush()
    os._exit(CANNOT_START)


def _permitted() -> int:
    header = _Header(_CAPABILITY_VERSION_3, 0)
    words = (_Words * 2)()
    if _libc.capget(ctypes.byref(header), words) != 0:
        return 0
    return int(words[0].permitted)


def _out_of_reach(uid: int, gid: int, paths: list[str]) -> str | None:
    """Return the first of `paths` that this user cannot come to, or None."""
    groups = os.getgroups()
    os.setgroups([])
    os.setegid(gid)
    os.seteuid(uid)
    try:
        for path in paths:
            try:
                os.stat(path)
                if not os.access(path, os.R_OK | os.X_OK if os.path.isdir(path) else os.R_OK, effective_ids=True):
                    return path
            except OSError:
                return path
        return None
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups(groups)


def _become(uid: int, gid: int, paths: list[str]) -> None:
    blocked = _out_of_reach(uid, gid, paths)
    capability = None
    if blocked is not None:
        # Some folder above ours is closed to everybody else (/root is). We do not open it: it is not ours to open.
        # One narrow right is kept across the change of user instead. The secure bit makes it count in access() too,
        # by which PostgreSQL and Python look whether a program is there.
        held = _permitted()
        capability = next((c for c in (_CAP_DAC_READ_SEARCH, _CAP_DAC_OVERRIDE) if held >> c & 1), None)
        if capability is None or _libc.prctl(_PR_SET_SECUREBITS, _NO_SETUID_FIXUP, 0, 0, 0) != 0:
            _fail(_CLOSED.format(blocked, uid))
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    if capability is not None:
        bit = 1 << capability
        header = _Header(_CAPABILITY_VERSION_3, 0)
        words = (_Words * 2)(_Words(bit, bit, bit), _Words(0, 0, 0))
        kept = _libc.capset(ctypes.byref(header), words) == 0
        if not kept or _libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, capability, 0, 0) != 0:
            _fail(_CLOSED.format(blocked, uid))


def main() -> None:
    """Do what the JSON asks, then exec; a failure ends with status 97 and one sentence on standard error."""
    wish = json.loads(sys.argv[1])
    program = sys.argv[2:]
    if "uid" in wish:
        try:
            _become(wish["uid"], wish["gid"], wish["reach"])
        except OSError as error:
            _fail(f"Cannot become the user {wish['uid']}: {error.strerror}. Start as an ordinary user instead.")
    os.umask(wish["umask"])
    # After the change of user: the kernel forgets the wish at that change.
    if wish.get("parent"):
        _libc.prctl(_PR_SET_PDEATHSIG, wish["signal"], 0, 0, 0)
        if os.getppid() != wish["parent"]:
            os._exit(CANNOT_START)  # the parent went away before we could ask to be told
    try:
        os.execv(program[0], program)  # noqa: S606 (no shell is wanted)
    except OSError as error:
        _fail(f"Cannot run {program[0]}: {error.strerror}.")


main()
