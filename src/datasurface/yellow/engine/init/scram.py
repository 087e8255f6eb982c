"""Whether a password is the one that a server keeps a SCRAM verifier of, so that a second run changes nothing."""

import base64
import binascii
import hashlib
import hmac
import re
from typing import Final

_VERIFIER: Final = re.compile(r"SCRAM-SHA-256\$(\d+):([^$]+)\$([^:]+):(.+)")


def matches(verifier: str | None, password: str) -> bool:
    """Whether `verifier`, as pg_authid holds it, was made of `password` (RFC 5802).

    False also for anything that is no SCRAM verifier, and for a password that SASLprep would change: then it is set
    once more, which does no harm.
    """
    parts = _VERIFIER.fullmatch(verifier or "")
    if parts is None:
        return False
    iterations, salt, stored_key, _ = parts.groups()
    try:
        salted = hashlib.pbkdf2_hmac("sha256", password.encode(), base64.b64decode(salt), int(iterations))
        expected = base64.b64decode(stored_key)
    except (binascii.Error, ValueError):
        return False
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    return hmac.compare_digest(hashlib.sha256(client_key).digest(), expected)
