"""`f_18`: the control code over a payment's fields.

Published agent-payment clients join the same twelve fields by `&` and take the MD5 of them in
lower-case hexadecimal. One variant sends the Base64 of that text, which guards against accidents
only; the other signs that text by RSA with SHA-1 and sends the Base64 of the signature. SHA-1 is
their choice: strict OpenSSL policies refuse it on the command line, `cryptography` does not.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from club.integrations.espp.refusals import WrongControlCode

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

NUMBERS = (1, 2, 3, 4, 6, 7, 8, 11, 12, 13, 16, 21)


def digest(fields: Mapping[str, str]) -> bytes:
    """MD5 in hexadecimal over the texts as they travel; a field left out counts as empty."""
    joined = "&".join(fields.get(f"f_{number:02}", "") for number in NUMBERS)
    return hashlib.md5(joined.encode(), usedforsecurity=False).hexdigest().encode()


def check(fields: Mapping[str, str], *, way: str, certificate: str = "") -> None:
    """`way` is "off", "md5" or "rsa-sha1"; the last needs the PEM file of the agent's certificate.

    Raises WrongControlCode; ValueError when the configuration makes no sense.
    """
    if way == "off":
        return
    sent = fields.get("f_18", "")
    if way == "md5":
        matches = hmac.compare_digest(sent.encode(), with_md5(fields).encode())
    elif way == "rsa-sha1":
        matches = _is_signed(digest(fields), sent, certificate)
    else:
        raise ValueError("CLUB_ESPP_CONTROL_CODE is one of off, md5, rsa-sha1")
    if not matches:
        raise WrongControlCode("f_18 does not fit the other fields")


def with_md5(fields: Mapping[str, str]) -> str:
    return base64.b64encode(digest(fields)).decode()


def with_rsa(fields: Mapping[str, str], key: "RSAPrivateKey") -> str:
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.hashes import SHA1

    return base64.b64encode(key.sign(digest(fields), PKCS1v15(), SHA1())).decode()  # noqa: S303


def _is_signed(signed: bytes, sent: str, certificate: str) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.hashes import SHA1

    key = _public_key(certificate)
    try:
        # The Ruby and Java encoders break Base64 into lines.
        signature = base64.b64decode("".join(sent.split()), validate=True)
        key.verify(signature, signed, PKCS1v15(), SHA1())  # noqa: S303
    except (ValueError, InvalidSignature):  # no Base64 at all, or not this signature
        return False
    return True


def _public_key(certificate: str) -> "RSAPublicKey":
    """The key is read at every message: an agent's renewed certificate needs no restart."""
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.x509 import load_pem_x509_certificate

    if not certificate:
        raise WrongControlCode("no certificate is on file for this agent")
    key = load_pem_x509_certificate(Path(certificate).read_bytes()).public_key()
    if not isinstance(key, RSAPublicKey):
        raise ValueError(f"{certificate} holds no RSA key")
    return key
