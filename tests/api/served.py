"""The GraphQL door alone in a process of its own, on a real socket, at the story's moment.

    python -m tests.api.served PORT DATABASE-URL [before|after N]

With `before` or `after` the process kills itself (SIGKILL, as a power cut would) around its Nth shared commit.
"""

import os
import signal
import sys
from datetime import datetime

import uvicorn
from starlette.applications import Starlette

from madoguchi.doors.api.context import ApiContext
from madoguchi.doors.api.endpoint import routes
from madoguchi.doors.http import RequestIds
from madoguchi.procedures.quotas import Quotas
from madoguchi.procedures.reading import Admission
from madoguchi.procedures.recording import Recorder, Use
from madoguchi.records.database import Database
from madoguchi.rules.decision import Refusal
from madoguchi.settings import Settings
from tests import story
from tests.api.conftest import MASTER_KEY

COMMAND = (sys.executable, "-m", "tests.api.served", "{port}")
"""For `tests.support.server.running_server`."""


class Dying:
    """The real recorder, in a process that dies before or after its Nth commit."""

    def __init__(self, recorder: Recorder, when: str, nth: int) -> None:
        self._recorder, self._when, self._left = recorder, when, nth

    async def commit_end(
        self, jti_key: str, jti_expires_at: datetime, admission: Admission, use: Use
    ) -> tuple[Refusal, ...] | None:
        return await self._recorder.commit_end(jti_key, jti_expires_at, admission, use)

    async def commit(self, jti_key: str, jti_expires_at: datetime, admission: Admission, use: Use) -> bool:
        self._left -= 1
        if self._left == 0 and self._when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        fresh = await self._recorder.commit(jti_key, jti_expires_at, admission, use)
        if self._left == 0 and self._when == "after":
            os.kill(os.getpid(), signal.SIGKILL)
        return fresh


def main(port: str, url: str, when: str = "never", nth: str = "0") -> None:
    """Serve until somebody ends the process."""
    database = Database(url)
    settings = Settings(issuer=story.ISSUER, database_url=url, bank_code="2999")
    recorder = Recorder(database, "test")
    context = ApiContext(
        settings=settings,
        clock=lambda: story.NOW,
        database=database,
        recorder=Dying(recorder, when, int(nth)),
        quotas=Quotas(settings.allowance, recorder.worker),
        master_key=MASTER_KEY,
    )
    uvicorn.run(RequestIds(Starlette(routes=routes(context))), host="127.0.0.1", port=int(port), log_level="warning")


if __name__ == "__main__":
    main(*sys.argv[1:])
