"""A server and a login in the driver's words, for every connection with a login of the installation.

How patient a connection is, is its opener's to say; what is done with it too.
"""

from collections.abc import Mapping
from typing import Any

import psycopg2
from psycopg2 import extensions

from datasurface.connections import Endpoint, Login


def connected(
    endpoint: Endpoint, login: Login, *, application_name: str, parameters: Mapping[str, Any]
) -> extensions.connection:
    """The open connection, which its caller closes; `parameters` are libpq's. Raises what the driver raises."""
    connection: extensions.connection = psycopg2.connect(
        host=endpoint.host,
        port=endpoint.port,
        dbname=endpoint.database,
        sslmode=endpoint.sslmode,
        user=login.username,
        password=login.password,
        application_name=application_name,
        **parameters,
    )
    return connection
