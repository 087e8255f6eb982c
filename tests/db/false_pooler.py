"""A relay that, like a pooler, stands between a client and its server and makes up process ids."""

import selectors
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.db.installation import Installation


@contextmanager
def pooler(installation: Installation) -> Iterator[int]:
    """A relay that, like a pooler, tells its client another process id than the server's; yields its port."""
    target = installation.endpoint()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def relay() -> None:
            client, _ = listener.accept()
            with client, socket.create_connection((target.host, target.port)) as server:
                pump(client, server)

        thread = threading.Thread(target=relay)
        thread.start()
        yield listener.getsockname()[1]
        thread.join()


def pump(client: socket.socket, server: socket.socket) -> None:
    """Carry bytes both ways until one side ends; the message BackendKeyData gets a process id of one's own."""
    with selectors.DefaultSelector() as selector:
        selector.register(client, selectors.EVENT_READ, server)
        selector.register(server, selectors.EVENT_READ, client)
        while True:
            for key, _ in selector.select():
                block = key.fileobj.recv(65536)
                if not block:
                    return
                at = block.find(b"K\0\0\0\x0c") if key.fileobj is server else -1
                if at >= 0:
                    block = block[: at + 5] + struct.pack("!i", 7) + block[at + 9 :]
                key.data.sendall(block)
