"""A security key made of software: answers what a browser would, as the person, or as a thief would like it to."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fido2.cose import ES256
from fido2.utils import websafe_decode, websafe_encode
from fido2.webauthn import (
    Aaguid,
    AttestationObject,
    AttestedCredentialData,
    AuthenticatorData,
    CollectedClientData,
)

HOST, ORIGIN = "localhost", "http://localhost"


class Key:
    """One passkey. `origin` is where its browser believes to be."""

    def __init__(self, origin: str = ORIGIN) -> None:
        self.private = ec.generate_private_key(ec.SECP256R1())
        self.id, self.origin = os.urandom(32), origin
        self.uses = 0

    def made(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Answer `creation_options`."""
        public = ES256.from_cryptography_key(self.private.public_key())
        data = AttestedCredentialData.create(Aaguid.NONE, self.id, public)
        told = AuthenticatorData.create(_digest(HOST), AuthenticatorData.FLAG.UP | AuthenticatorData.FLAG.AT, 0, data)
        said = self._said(CollectedClientData.TYPE.CREATE, options)
        response = {
            "clientDataJSON": websafe_encode(said),
            "attestationObject": websafe_encode(AttestationObject.create("none", told, {})),
            "transports": ["usb"],
        }
        return self._answer(response) | {"clientExtensionResults": {"credProps": {"rk": False}}}

    def used(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Answer `request_options`."""
        self.uses += 1
        told = AuthenticatorData.create(_digest(HOST), AuthenticatorData.FLAG.UP, self.uses)
        said = self._said(CollectedClientData.TYPE.GET, options)
        signature = self.private.sign(told + hashlib.sha256(said).digest(), ec.ECDSA(hashes.SHA256()))
        response = {
            "clientDataJSON": websafe_encode(said),
            "authenticatorData": websafe_encode(told),
            "signature": websafe_encode(signature),
            "userHandle": None,
        }
        return self._answer(response) | {"clientExtensionResults": {}}

    def _said(self, kind: Any, options: Mapping[str, Any]) -> bytes:
        challenge = websafe_decode(options["publicKey"]["challenge"])
        return bytes(CollectedClientData.create(kind, challenge, self.origin))

    def _answer(self, response: dict[str, Any]) -> dict[str, Any]:
        name = websafe_encode(self.id)
        return {"id": name, "rawId": name, "type": "public-key", "response": response}


def _digest(host: str) -> bytes:
    return hashlib.sha256(host.encode()).digest()
