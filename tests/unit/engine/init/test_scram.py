"""Whether a stored verifier is of a password."""

import pytest

from datasurface.yellow.engine.init import scram

#: Made by PostgreSQL for the password `pencil`.
VERIFIER = (
    "SCRAM-SHA-256$4096:"
    "WMkavfT9qrAHBT7UD88EXw==$A6KNO+xMBGF4E4ZM96dRa5NHU33dwx4H8ErrMqJmXZU=:"
    "Q2xvt74Uu3xemvmCFjadXdcvb4uX6B1UeeKNS3mm3uw="
)


def test_the_password_of_a_verifier_is_known() -> None:
    """The right password matches, another one does not."""
    assert scram.matches(VERIFIER, "pencil")
    assert not scram.matches(VERIFIER, "Pencil")


@pytest.mark.parametrize(
    "verifier",
    [
        None,
        "",
        "md5d41d8cd98f00b204e9800998ecf8427e",
        VERIFIER[:40],
        VERIFIER.replace("$4096", "$x"),
        "SCRAM-SHA-256$4096:a$b:c",
    ],
)
def test_anything_else_matches_nothing(verifier: str | None) -> None:
    """No password, an md5 one and a broken text are simply replaced."""
    assert not scram.matches(verifier, "pencil")
