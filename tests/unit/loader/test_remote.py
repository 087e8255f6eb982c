"""Addresses of a loader."""

import pytest

from datasurface.errors import ModelError
from datasurface.loader import remote


@pytest.mark.parametrize(
    "url",
    [
        "",
        "loader",
        "loader:8080",
        "https://loader",
        "http://",
        "http://u:p@loader",
        "http://loader/x",
        "http://loader?x=1",
    ],
)
def test_what_is_no_address_of_a_loader_is_refused(url):
    """With the form that is wanted, before anything is asked."""
    with pytest.raises(ModelError, match="no address of a loader"):
        remote.runner(url)
