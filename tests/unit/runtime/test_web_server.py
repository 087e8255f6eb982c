"""Addresses to listen at."""

import pytest

from datasurface.errors import ModelError
from datasurface.runtime.web_server import Bind, bind_of


@pytest.mark.parametrize(
    ("text", "host", "port"), [("0.0.0.0:8080", "0.0.0.0", 8080), ("[::]:1", "::", 1), ("localhost:0", "localhost", 0)]
)
def test_an_address_has_a_host_and_a_port(text, host, port):
    """IPv6 stands in brackets."""
    assert bind_of(text) == Bind(host=host, port=port)


@pytest.mark.parametrize("text", ["", "8080", ":8080", "host:", "host:x", "host:-1", "host:65536", "host:٣"])
def test_anything_else_is_refused(text):
    """With the form that is wanted."""
    with pytest.raises(ModelError, match="no address to listen at"):
        bind_of(text)
