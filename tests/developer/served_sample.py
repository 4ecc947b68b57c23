"""The sample credit union served by the real command, its officer's command line, and customers who use its pages."""

import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from unittest import mock

from madoguchi.cli import main
from tests.clients.visitor import Visitor
from tests.support.server import Server, running_server

BINARIES = Path(sys.executable).parent
SHOWN = re.compile(r'<code>(\d{8})</code>.*?<code>(mihon-[a-z2-7-]+)</code>.*?<code class="code">(\d{6})<', re.DOTALL)
"""Customer number, password and one-time code on /sample/customers."""

NewSample = Callable[[Path], Path]
"""The fixture of tests/support/sample.py."""


@dataclass(frozen=True, slots=True)
class ServedSample:
    """`environment` is what a command needs to act on the same installation."""

    server: Server
    environment: Mapping[str, str]

    def command(self, *arguments: str) -> str:
        """`madoguchi …` at the officer's desk, in this process; its output. A failure is the test's."""
        out, err = StringIO(), StringIO()
        with mock.patch.dict(os.environ, self.environment), redirect_stdout(out), redirect_stderr(err):
            code = main(arguments)
        assert code == 0, err.getvalue()
        return out.getvalue()

    def decide(self, url: str, customer: str, decision: str = "approve", scopes: Sequence[str] | None = None) -> str:
        """The customer logs in and decides: all accounts, these scopes (None: all). Returns where she is sent.

        A one-time code serves once: each story needs a customer of its own.
        """
        with Visitor(self.server.url) as visitor:
            visitor.open(f"{self.server.url}/sample/customers")
            told = {number: (password, code) for number, password, code in SHOWN.findall(visitor.page)}
            visitor.open(url)
            login = visitor.form("password")
            password, code = told[customer]
            typed = {"customer_number": customer, "password": password, "one_time_code": code}
            visitor.submit(login, [(name, typed.get(name, value)) for name, value in login.fields])
            consent = visitor.form("terms")
            boxes = [box for box in consent.boxes if scopes is None or box[0] != "scope" or box[1] in scopes]
            return visitor.submit(consent, [*consent.fields, *boxes, ("decision", decision)])


@contextmanager
def served_sample(data: Path, **settings: str) -> Iterator[ServedSample]:
    """Serve a data directory (tests/support/sample.py) with further settings."""
    own = {"MADOGUCHI_DATA_DIR": str(data), **settings}
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("MADOGUCHI_")}
    with running_server(own, "--sample") as server:
        yield ServedSample(server, {**inherited, **own, "MADOGUCHI_ISSUER": server.url})
