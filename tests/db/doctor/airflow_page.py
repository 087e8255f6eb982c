"""A server in Airflow's place, which the doctor asks for its health."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HEALTHY = {part: {"status": "healthy"} for part in ("metadatabase", "scheduler", "dag_processor")}


class Airflow:
    """A server that gives the health document, or whatever else a test says."""

    def __init__(self) -> None:
        self.status, self.text = 200, json.dumps(HEALTHY | {"triggerer": {"status": None}})
        self.headers: dict[str, str] = {}
        self.paths: list[str] = []
        outer = self

        class Page(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.paths.append(self.path)
                self.send_response(outer.status)
                for name, value in outer.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(outer.text.encode())

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def says(self, **parts: object) -> None:
        """Let the document differ."""
        self.text = json.dumps(HEALTHY | parts)
