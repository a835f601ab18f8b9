"""Taking in shares from the people who hold them: typed without an echo, from a pipe, or from private files.

Never from the command line, which the shell keeps and every process can read. Nothing that was typed is printed.
"""

from __future__ import annotations

import getpass
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, TextIO

from casework.crypto.recovery import WORDS, Gathered, ShareError, gather, read_share, share_in_file, words_of

Ask = Callable[[str], str]
Tell = Callable[[str], object]
_BACK: Final = "-"


def shares(files: Sequence[Path], *, stdin: TextIO, tell: Tell, ask: Ask | None = None) -> Gathered:
    """Return the shares of the files, else of a pipe (one on each line), else of people who type them in.

    Raises:
        ShareError: a share was refused; from people, who can type again, never.
    """
    if files:
        return gather([share_in_file(path) for path in files])
    if not stdin.isatty():
        return gather([line for line in stdin if line.strip()])
    return typed(ask or _unseen, tell)


def typed(ask: Ask, tell: Tell) -> Gathered:
    """Ask for shares until there are enough of one set; a line of words is checked before the next is asked for."""
    tell(
        f"Each share has {WORDS} words. Type as many on a line as you like, and Enter; what you type is not shown. "
        f"The first four letters of a word are enough. A line with {_BACK} alone takes the line before back."
    )
    gathered = Gathered()
    while gathered.missing:
        place = len(gathered.shares) + 1
        of = f" of {gathered.shares[0].threshold}" if gathered.shares else ""
        words = _words(f"Share {place}{of}", ask, tell)
        while words:
            try:
                gathered = gathered.and_(read_share(" ".join(words)))
            except ShareError as error:
                tell(str(error))
                words = _mended(words, ask, tell)
            else:
                share = gathered.shares[-1]
                tell(f"Share {share.number} of the set “{share.set_name}” is right. More needed: {gathered.missing}.")
                break
    return gathered


def _words(name: str, ask: Ask, tell: Tell) -> list[str]:
    lines: list[list[str]] = []
    while (count := sum(map(len, lines))) < WORDS:
        line = ask(f"{name}, from word {count + 1}: ")
        if line.strip() == _BACK:
            tell("Taken back." if lines else "There is nothing to take back.")
            lines = lines[:-1]
            continue
        try:
            words = words_of(line, first=count + 1)
        except ShareError as error:
            tell(f"{error} Type this line again.")
            continue
        if count + len(words) > WORDS:
            tell(f"That would be more than {WORDS} words. Type this line again.")
            continue
        if words:
            lines.append(words)
    return [word for line in lines for word in line]


def _mended(words: list[str], ask: Ask, tell: Tell) -> list[str]:
    """Return the words with one of them typed anew, or none to begin this share again."""
    while line := ask(
        "Number and word to mend one, for instance 12 acid; Enter alone begins this share again: "
    ).split():
        number, *rest = line
        if len(rest) != 1 or not number.isdecimal() or not 1 <= int(number) <= WORDS:
            tell(f"A number from 1 to {WORDS}, a space, and a word.")
            continue
        try:
            mended = words_of(rest[0], first=int(number))
        except ShareError as error:
            tell(str(error))
            continue
        if len(mended) == 1:
            return [*words[: int(number) - 1], *mended, *words[int(number) :]]
        tell("One word, without anything else.")
    return []


def _unseen(prompt: str) -> str:
    return getpass.getpass(prompt, stream=sys.stderr)
