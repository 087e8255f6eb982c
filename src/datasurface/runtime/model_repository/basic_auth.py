"""Whether a request names the one user with the right password. The files are read anew for each: they may change."""

import base64
import binascii
import hmac
from pathlib import Path

CHALLENGE = ("WWW-Authenticate", 'Basic realm="model repository", charset="UTF-8"')


def user_of(authorization: str | None, credentials: Path) -> str | None:
    """The user's name if `authorization`, the header, is right; None if not. Raises OSError without the two files.

    `credentials` is the directory with the files `username` and `password`.
    """
    username, password = (_file(credentials / name) for name in ("username", "password"))
    given = _given(authorization or "")
    # Both are compared in full each time, so that the time tells nothing.
    is_user = hmac.compare_digest(given[0], username)
    is_password = hmac.compare_digest(given[1], password)
    return username.decode(errors="replace") if is_user and is_password and username and password else None


def _file(path: Path) -> bytes:
    return path.read_bytes().rstrip(b"\r\n")


def _given(authorization: str) -> tuple[bytes, bytes]:
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return b"", b""
    try:
        username, _, password = base64.b64decode(encoded.strip(), validate=True).partition(b":")
    except (binascii.Error, ValueError):
        return b"", b""
    return username, password
