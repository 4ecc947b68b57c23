"""`madoguchi doctor`: everything the service stands on, looked at once; each line says what is wrong and what to do.

It changes nothing and stops at no failure: what cannot be looked at because something before it failed is told to be
unchecked. Looking is done here; judging in the modules beside, by what was seen.
"""

import asyncio
import sys
from collections.abc import Iterable, Iterator
from importlib.metadata import version
from typing import Final

import typer
from sqlmodel import Session

from madoguchi.cli.context import Office, office, read_settings, sqlite_file
from madoguchi.cli.doctor import books, database, machine
from madoguchi.cli.doctor.books import Held
from madoguchi.cli.doctor.findings import Finding, Level, error, ok, unchecked
from madoguchi.cli.doctor.keys import keys
from madoguchi.cli.failures import NOT_DONE, Trouble, sentence_of
from madoguchi.cli.screen import console, wrapped
from madoguchi.cli.words import AsJson, say, say_json
from madoguchi.clock import machines
from madoguchi.procedures.feeds.listing import count_entries, list_waiting
from madoguchi.procedures.feeds.states import feed_states
from madoguchi.procedures.inspecting import SqliteFacts, engine_facts
from madoguchi.procedures.installing import Database, is_upgraded, open_database
from madoguchi.procedures.service import NotFound, institution, institution_facts
from madoguchi.procedures.setting_up import national_holidays
from madoguchi.procedures.terms import terms_now
from madoguchi.settings import Settings

ANSWERS_WITHIN: Final = 10.0
"""Seconds; a database that takes longer does not answer."""

WORDS = {Level.OK: "ok", Level.WARNING: "注意", Level.ERROR: "異常", Level.UNCHECKED: "未確認"}

OF_BOOKS = ("institution", "calendar", "terms", "feeds")
OF_DATABASE = ("database.durability", "database.migrations", "clock.database", *OF_BOOKS)


def doctor(context: typer.Context, as_json: AsJson = False) -> None:
    """設定、データベース、鍵、暦、規定、連携、時計、ディスクを調べ、直すことを表示します。

    1行に1つずつ、ok、注意、異常、未確認(前の異常のため調べられない)のどれかを表示します。途中の異常で止まりません。
    何も変えません。ほかの機械に尋ねるのは、データベースだけです。
    """
    desk = office(context)
    findings = tuple(_examine(desk))
    healthy = all(one.level is not Level.ERROR for one in findings)
    if as_json:
        at = desk.machine()
        checks = [one.as_json() for one in findings]
        say_json({"at": at, "release": version("madoguchi"), "healthy": healthy, "checks": checks})
    else:
        _print(findings)
    if not healthy:
        raise typer.Exit(NOT_DONE)


def _examine(desk: Office) -> Iterator[Finding]:
    settings, found = _settings()
    yield from found
    yield from machine.on_this_machine(settings, desk.clock if settings else None)
    if settings is None:
        yield from unchecked(("keys", "database", *OF_DATABASE), "設定を直してから、もう一度調べてください")
        return
    yield from keys(settings)
    file = sqlite_file(settings)
    if settings.is_sqlite and not file.is_file():  # opening it would make it
        yield error(
            "database",
            f"記録のファイル {file} がありません。",
            "見本は「madoguchi serve --sample」、ほかは「madoguchi db upgrade」で用意してください。",
        )
        yield from unchecked(OF_DATABASE, "データベースがありません")
        return
    yield from asyncio.run(_of_database(desk, settings))


def _settings() -> tuple[Settings | None, list[Finding]]:
    """The settings as far as they can be read, and what is wrong with them."""
    remedy = "環境変数を直してください。説明は、/developer の「設定」にあります。"
    try:
        settings = read_settings()
    except Trouble as trouble:
        return None, [error("settings", line, remedy) for line in str(trouble).splitlines()]
    problems = settings.problems()
    if problems:
        return None, [error("settings", problem, remedy) for problem in problems]
    mode = "試験環境" if settings.is_sandbox else "本番"
    return settings, [ok("settings", f"{mode}、{settings.issuer}、プロセスの数 {settings.workers} です。")]


async def _of_database(desk: Office, settings: Settings) -> list[Finding]:
    opened = open_database(settings, pool_size=1)
    found: list[Finding] = []
    try:
        async with asyncio.timeout(ANSWERS_WITHIN):
            found += await _answers(desk, settings, opened)
    except TimeoutError:
        found.append(
            error(
                "database",
                f"データベースが {ANSWERS_WITHIN:.0f} 秒のうちに答えません。",
                "MADOGUCHI_DATABASE_URL と、データベースが動いていることを確かめてください。",
            )
        )
    except Exception as failure:
        sentence, _, remedy = sentence_of(failure)[0].partition("。")
        found.append(error("database", f"{sentence}。", remedy or "データベースのログを確かめてください。"))
    finally:
        await opened.close()
    looked_at = {one.check.partition(".")[0] for one in found} | {one.check for one in found}
    left = tuple(check for check in OF_DATABASE if check not in looked_at)
    return found + unchecked(left, "上の異常を直してから、もう一度調べてください")


async def _answers(desk: Office, settings: Settings, opened: Database) -> list[Finding]:
    """What the database answers; it ends early where the next question makes no sense."""
    now = machines(desk.clock)
    before = now()
    facts = await opened.reading(engine_facts)
    after = now()
    found = [ok("database", f"{'SQLite' if settings.is_sqlite else 'PostgreSQL'} につながりました。")]
    if isinstance(facts, SqliteFacts):
        found += database.sqlite(facts)
    else:
        found += database.postgresql(facts, settings)
    found.append(database.clock(facts, before, after))
    if not await is_upgraded(opened):
        return [
            *found,
            error(
                "database.migrations",
                "データベースの形が、この版より古いものです。",
                "控えを取ってから「madoguchi db upgrade」を実行してください。",
            ),
        ]
    found.append(ok("database.migrations", "データベースの形は、この版のものです。"))
    held = await opened.reading(_held, desk)
    if held is None:
        return [
            *found,
            error(
                "institution",
                "金融機関が登録されていません。",
                "「madoguchi institution set-up FILE」で登録してください(見本は「madoguchi serve --sample」)。",
            ),
        ]
    today = desk.today
    wanted = [day for day, _ in national_holidays(today.year, today.year + 1)]
    found.append(books.institution(held, settings))
    found += books.calendar(held, wanted, desk.now, today)
    found.append(books.terms(held, settings))
    found += books.feeds(held)
    return found


def _held(session: Session, desk: Office) -> Held | None:
    at = desk.now
    try:
        row = institution(session)
    except NotFound:
        return None
    try:
        in_force = terms_now(session, at)
    except NotFound:
        in_force = None
    return Held(
        name=row.name,
        bank_code=row.bank_code,
        is_sample=row.is_sample,
        facts=institution_facts(session),
        terms=in_force,
        feeds=feed_states(session, at),
        in_quarantine=count_entries(session),
        waiting=list_waiting(session),
    )


def _print(findings: Iterable[Finding]) -> None:
    width = console(sys.stdout).width  # in a file a finding stays on one line, where it can be searched for
    counted = dict.fromkeys(Level, 0)
    for one in findings:
        counted[one.level] += 1
        word = WORDS[one.level]
        first, *others = wrapped(f"[{word}] {one.check}: {one.message}", width)
        say(first)
        for line in (*others, *(wrapped(f"→ {one.remedy}", width - 4) if one.remedy else ())):
            say(f"    {line}")
    say()
    say("、".join(f"{WORDS[level]} {number}件" for level, number in counted.items() if number) + "。")
