"""The root key as M-of-N shares on paper, and back; and the identity that opens the backups.

The shares are SLIP-39 mnemonics of the kept library `shamir-mnemonic`, without a passphrase: 33 words of a list of
1,024 that differ in their first four letters, with a checksum. The first two words name the set that a share is of.
No message, no exception and no representation here shows a word that was typed or printed.
"""

from __future__ import annotations

import difflib
import itertools
import math
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

import pyrage
import shamir_mnemonic
from shamir_mnemonic import rs1024, wordlist
from shamir_mnemonic.share import Share as Slip39
from shamir_mnemonic.utils import MnemonicError

from casework.crypto._aead import KEY_BYTES
from casework.crypto._private import PrivateFileError, read_private, write_private
from casework.crypto.keyring import JoinedRoot, RootProvider
from casework.crypto.keyring._scopes import _NeverLeaves

WORDS: Final = 33
LEAST, MOST = 2, 16
SHARES: Final = 5
THRESHOLD: Final = 3
_BITS: Final = 10  # of a word's place in the list
_CUSTOM: Final = b"shamir_extendable"  # of the checksum, SLIP-39
_WORD: Final = re.compile(r"[^\W\d_]+")
_LETTERS: Final = 4  # that tell every word of the list from every other
_BACKUP_LABEL: Final = b"cw/backup1"
_MARK_LABEL: Final = b"cw/mark1"
_MARK_BYTES: Final = 16
_MOST_PROOFS: Final = 300
_BECH32: Final = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


class ShareError(ValueError):
    """Shares were refused; the message says why and what to do, and never repeats a word of a share."""


class UnknownWord(ShareError):
    """A word is not in the list. `position` counts from 1; `near` are words of the list that look like it."""

    def __init__(self, position: int, near: Sequence[str]) -> None:
        hint = f" Did you mean: {', '.join(near)}?" if near else ""
        super().__init__(f"Word {position} is not in the list of words.{hint}")
        self.position = position
        self.near = tuple(near)


class NotEnough(ShareError):
    """Too few different shares. `missing`: how many more are needed."""

    def __init__(self, missing: int, threshold: int) -> None:
        more = "1 more share of this set is" if missing == 1 else f"{missing} more shares of this set are"
        super().__init__(f"{more} needed: {threshold} different ones put the root key together.")
        self.missing = missing


@final
class Share(_NeverLeaves):
    """One share. Only its words are secret; number, threshold and the name of its set are printed and logged freely."""

    __slots__ = ("__share", "number", "set_name", "threshold")

    def __init__(self, share: Slip39) -> None:
        self.__share = share
        self.number: int = share.index + 1
        self.threshold: int = share.member_threshold
        self.set_name: str = " ".join(share.words()[:2])

    def reveal_words(self) -> tuple[str, ...]:
        """Return the 33 words, for its sheet and for joining. Nothing else has a use for them."""
        return tuple(self.__share.words())


def words_of(text: str, *, first: int = 1) -> list[str]:
    """Return the words that were typed, completed: the first four letters of each are enough, in any case.

    What is no letter parts words and is left out: the numbers that stand before them on the sheet, commas, the marks
    that editors put at the beginning of a file. `first`: the position of the first word. Raises `UnknownWord`.
    """
    seen = "".join(sign for sign in unicodedata.normalize("NFKC", text) if unicodedata.category(sign) != "Cf")
    found = []
    for position, typed in enumerate(_WORD.findall(seen.lower()), start=first):
        word = _word(typed)
        if word is None:
            raise UnknownWord(position, difflib.get_close_matches(typed, wordlist.WORDLIST, n=3, cutoff=0.6))
        found.append(word)
    return found


def read_share(text: str) -> Share:
    """Return the share that the text writes out; raises `ShareError` when a word was mistyped, left out or swapped."""
    words = words_of(text)
    if len(words) != WORDS:
        msg = f"A share has {WORDS} words; these are {len(words)}."
        raise ShareError(msg)
    try:
        share = Slip39.from_mnemonic(" ".join(words))
    except MnemonicError:
        raise ShareError(_where_wrong(words)) from None
    if len(share.value) != KEY_BYTES or share.group_count != 1 or not LEAST <= share.member_threshold <= MOST:
        msg = "These words are a share of something else, not of a root key of this system."
        raise ShareError(msg)
    return Share(share)


@dataclass(frozen=True)
class Gathered:
    """Shares of one set. `missing`: how many more different ones are needed."""

    shares: tuple[Share, ...] = ()

    @property
    def missing(self) -> int:
        """How many more are needed; before the first is there nobody knows, and it is one."""
        return max(0, self.shares[0].threshold - len(self.shares)) if self.shares else 1

    def and_(self, share: Share) -> Gathered:
        """Return these shares and another; raises `ShareError` when it is of another set, or here already."""
        for other in self.shares:
            if (other.set_name, other.threshold) != (share.set_name, share.threshold):
                msg = (
                    f"This share is of the set “{share.set_name}”, and those before it are of the set "
                    f"“{other.set_name}”. Shares of two sets do not fit together: use those of one set alone."
                )
                raise ShareError(msg)
            if other.number == share.number:
                if other.reveal_words() == share.reveal_words():
                    msg = f"Share {share.number} is here already: each counts once. Use another of this set."
                else:
                    msg = f"Two different shares both say that they are number {share.number}: one is not genuine."
                raise ShareError(msg)
        return Gathered((*self.shares, share))


def gather(texts: Iterable[str]) -> Gathered:
    """Return the shares that the texts write out; raises `ShareError`, saying which of them was refused."""
    gathered = Gathered()
    for place, text in enumerate(texts, start=1):
        try:
            gathered = gathered.and_(read_share(text))
        except ShareError as error:
            msg = f"Share {place} of those given was refused. {error}"
            raise ShareError(msg) from None
    return gathered


def share_in_file(path: Path) -> str:
    """Return the text of a file that only its owner may read; raises `ShareError` when it is no such file."""
    try:
        return read_private(path).decode("utf-8", "replace")
    except PrivateFileError as error:
        msg = f"The file {path} was not read ({error}): it must be an ordinary file of yours with mode 0600."
        raise ShareError(msg) from None


def write_sheet(path: Path, sheet: bytes) -> None:
    """Write the sheet of a share into a new file with mode 0600; raises `FileExistsError`."""
    write_private(path, sheet)


def join(gathered: Gathered) -> JoinedRoot:
    """Put the root key together; raises `NotEnough`, or `ShareError` when shares contradict each other.

    More shares than needed are all checked against the key that the first of them give.
    """
    shares = gathered.shares
    if not shares:
        msg = "No share was given."
        raise ShareError(msg)
    if gathered.missing:
        raise NotEnough(gathered.missing, shares[0].threshold)
    needed = shares[0].threshold
    key = _combined(shares[:needed])
    for extra in shares[needed:]:
        if _combined((*shares[: needed - 1], extra)) != key:
            msg = f"Share {extra.number} does not fit the others, although it is of the same set: it is not genuine."
            raise ShareError(msg)
    return JoinedRoot(key)


def split(root: RootProvider, *, shares: int = SHARES, threshold: int = THRESHOLD) -> tuple[Share, ...]:
    """Split the root key into a new set of shares, any `threshold` of which give it back.

    It is proved here, before anything is printed, that they do: from their words, in every choice of shares when there
    are few, else in three hundred of them. Raises `ValueError` outside 2 to 16 shares, and `RootKeyError`.
    """
    if not LEAST <= threshold <= shares <= MOST:
        msg = f"A set has {LEAST} to {MOST} shares, and at least {LEAST} and no more than all of them are needed."
        raise ValueError(msg)
    key = root.reveal_for_shares()
    (mnemonics,) = shamir_mnemonic.generate_mnemonics(1, [(threshold, shares)], key)
    made = tuple(read_share(mnemonic) for mnemonic in mnemonics)
    if len({share.number for share in made}) != shares or len({share.set_name for share in made}) != 1:
        msg = "The shares made are not one set: nothing was printed. Try again."
        raise ShareError(msg)
    for chosen in _choices(made, threshold):
        if _combined(chosen) != key:
            msg = "The shares made do not give the root key back: nothing was printed. Try again."
            raise ShareError(msg)
    return made


def backup_identity(root: RootProvider) -> pyrage.x25519.Identity:
    """Return the age identity that opens the backups: whoever puts the root key together from its shares has it too.

    Its recipient is `.to_public()`. Raises `RootKeyError`. Source: age-encryption.org/v1, X25519, for the key that
    `RootProvider.derive` gives for `cw/backup1`.
    """
    return pyrage.x25519.Identity.from_str(_bech32("age-secret-key-", root.derive(_BACKUP_LABEL)).upper())


def root_mark(root: RootProvider) -> bytes:
    """Return 16 bytes that are the same for the same root key and tell nothing about it; raises `RootKeyError`."""
    return root.derive(_MARK_LABEL)[:_MARK_BYTES]


def _combined(shares: Sequence[Share]) -> bytes:
    try:
        key: bytes = shamir_mnemonic.combine_mnemonics([" ".join(share.reveal_words()) for share in shares])
    except MnemonicError:
        msg = "These shares do not fit together, although they are of one set: one of them is not genuine."
        raise ShareError(msg) from None
    return key


def _choices(shares: Sequence[Share], threshold: int) -> Iterator[tuple[Share, ...]]:
    every = math.comb(len(shares), threshold)
    if every > _MOST_PROOFS:
        for first in range(len(shares)):  # so that each share is in, first and last
            yield tuple(shares[(first + place) % len(shares)] for place in range(threshold))
    yield from itertools.islice(itertools.combinations(shares, threshold), None, None, -(-every // _MOST_PROOFS))


def _word(typed: str) -> str | None:
    if typed in wordlist.WORD_INDEX_MAP:
        return typed
    if len(typed) == _LETTERS:
        return next((word for word in wordlist.WORDLIST if word.startswith(typed)), None)
    return None


def _where_wrong(words: Sequence[str]) -> str:
    """Say which word to look at again: the checksum finds one wrong word, or two neighbours that were swapped."""
    indices = list(wordlist.mnemonic_to_indices(" ".join(words)))
    for first in range(len(indices) - 1):
        swapped = [*indices[:first], indices[first + 1], indices[first], *indices[first + 2 :]]
        if swapped != indices and _sums_up(swapped):
            return (
                "The checksum is wrong: these are not the words of a share. "
                f"Most likely words {first + 1} and {first + 2} are swapped."
            )
    if place := _one_wrong(indices):
        return (
            "The checksum is wrong: these are not the words of a share. "
            f"Most likely word {place} is another: compare it with the sheet."
        )
    return (
        "The checksum is wrong: these are not the words of a share. Several are others than on the sheet, or in "
        "another order: compare all of them."
    )


def _one_wrong(indices: Sequence[int]) -> int:
    """Return the position of the one word that, were it another, would make the checksum right; 0 when there is none.

    The checksum is linear: what a wrong word does to it depends on its place and its bits, not on the other words.
    """
    length = len(indices) - rs1024.CHECKSUM_LENGTH_WORDS
    given = indices[length:]
    off = [found ^ stands for found, stands in zip(_checksum(indices[:length]), given, strict=True)]
    if sum(map(bool, off)) == 1:
        return len(indices) - len(off) + next(place for place, word in enumerate(off, start=1) if word)
    nothing = _checksum([0] * length)
    for place in range(length):
        reached = {(0, 0, 0)}
        for bit in range(_BITS):
            unit = _checksum([1 << bit if at == place else 0 for at in range(length)])
            step = [one ^ other for one, other in zip(unit, nothing, strict=True)]
            reached |= {(a ^ step[0], b ^ step[1], c ^ step[2]) for a, b, c in reached}
        if tuple(off) in reached:
            return place + 1
    return 0


def _checksum(indices: Sequence[int]) -> list[int]:
    made: list[int] = rs1024.create_checksum(indices, _CUSTOM)
    return made


def _sums_up(indices: Sequence[int]) -> bool:
    return bool(rs1024.verify_checksum(indices, _CUSTOM))


def _bech32(prefix: str, data: bytes) -> str:
    """Return text as BIP 173 writes it, without its limit of 90 characters, as age does."""
    bits = "".join(f"{byte:08b}" for byte in data)
    bits += "0" * (-len(bits) % 5)
    values = [int(bits[at : at + 5], 2) for at in range(0, len(bits), 5)]
    expanded = [ord(letter) >> 5 for letter in prefix] + [0] + [ord(letter) & 31 for letter in prefix]
    check = _polymod([*expanded, *values, 0, 0, 0, 0, 0, 0]) ^ 1
    values += [check >> 5 * (5 - place) & 31 for place in range(6)]
    return f"{prefix}1" + "".join(_BECH32[value] for value in values)


def _polymod(values: Iterable[int]) -> int:
    check = 1
    for value in values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for place, generator in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            check ^= generator if top >> place & 1 else 0
    return check
