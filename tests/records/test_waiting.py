"""Two writers on SQLite: the second waits for the first, and while serving no longer than a request may take."""

import time
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError
from sqlmodel import Session

from madoguchi import main
from madoguchi.doors.deadlines import REQUEST_SECONDS
from madoguchi.installation import load_keys, make_keys
from madoguchi.records.database import Database
from tests.flows.visits import settings_for


async def test_a_writer_waits_for_another_as_long_as_it_was_told_and_then_fails(database: Database) -> None:
    second = Database(database.engine.url.render_as_string(hide_password=False), lock_wait=0.2)
    try:
        async with database.durable():
            began = time.monotonic()
            with pytest.raises(OperationalError, match="locked"):
                await second.writing(Session.connection)
            assert 0.2 <= time.monotonic() - began < 5
        await second.writing(Session.connection)
    finally:
        await second.close()


def test_while_serving_a_wait_in_vain_ends_before_the_requests_deadline(
    database_url: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[dict[str, Any]] = []

    def remembered(url: str, **options: Any) -> Database:
        opened.append(options)
        return Database(url, **options)

    monkeypatch.setattr(main, "Database", remembered)
    settings = settings_for(database_url).model_copy(update={"data_dir": tmp_path / "data"})
    make_keys(settings)
    main.build_app(settings, load_keys(settings))
    assert [0 < options["lock_wait"] < REQUEST_SECONDS - 5 for options in opened] == [True] * 4
