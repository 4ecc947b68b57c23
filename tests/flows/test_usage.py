"""A command that was not understood is told in Japanese: which word, what is expected there, and whose help to read."""

import pytest

from tests.support.desk import Command


@pytest.mark.parametrize(
    ("typed", "sentence", "help_of"),
    [
        ("serv", "serv というコマンドはありません。", "madoguchi"),
        ("stop", "コマンドがありません。", "madoguchi stop"),
        ("stop sett", "sett というコマンドはありません。", "madoguchi stop"),
        ("serve --prot 1", "--prot という指定はありません。近いもの: --host、--port。", "madoguchi serve"),
        ("service close --zzz", "--zzz という指定はありません。", "madoguchi service close"),
        ("customer code", "NUMBER がありません。", "madoguchi customer code"),
        ("aggregator add", "--name がありません。", "madoguchi aggregator add"),
        ("serve --port 65536", "--port には、1 から 65535 までの数を指定してください。", "madoguchi serve"),
        ("serve --port abc", "--port には、1 から 65535 までの数を指定してください。", "madoguchi serve"),
        ("serve --workers 0", "--workers には、1 以上の数を指定してください。", "madoguchi serve"),
        ("feed generate --until 2026-11-24 --seed x", "--seed には、数を指定してください。", "madoguchi feed generate"),
        ("serve --port", "--port の値がありません。", "madoguchi"),
        ("serve --sample=1", "--sample には、値を付けられません。", "madoguchi"),
        ("schema now please", "余分な語があります(now please)。", "madoguchi schema"),
    ],
)
def test_it_names_the_word_what_is_expected_and_whose_help_to_read(
    command: Command, typed: str, sentence: str, help_of: str
) -> None:
    said = command(*typed.split())
    assert (said.code, said.out) == (2, "")
    assert said.err == f"使い方が違います: {sentence}\n「{help_of} --help」で使い方を確かめてください。\n"


def test_a_choice_names_all_that_can_be_chosen(command: Command) -> None:
    said = command("stop", "set", "everything", "--reason", "点検", "--review-on", "2026-12-01")
    assert said.code == 2
    assert "all、function、aggregator、account_kind、branch、customer、registration のどれか" in said.err
    assert "「madoguchi stop set --help」" in said.err


def test_what_a_terminal_would_obey_is_written_out(command: Command) -> None:
    for typed in (("\x1b[2J",), ("schema", "\x1b[2J"), ("schema", "--\x1b[2J")):
        said = command(*typed)
        assert (said.code, "\x1b" in said.err) == (2, False)


def test_a_setting_that_cannot_be_read_is_told_without_english(command: Command) -> None:
    said = command(
        "service", "status", MADOGUCHI_MODE="sandbok", MADOGUCHI_BANK_CODE="123", MADOGUCHI_ISSUER="http://127.0.0.1:1",
        MADOGUCHI_DATABASE_URL="sqlite+aiosqlite:///x", MADOGUCHI_WORKERS="0", MADOGUCHI_SAMPLE_LOGIN="maybe",
    )  # fmt: skip
    assert said.code == 1
    assert said.err.splitlines() == [
        "MADOGUCHI_MODE: sandbox か production を指定してください。",
        "MADOGUCHI_WORKERS: 読めない値です。",
        "MADOGUCHI_SAMPLE_LOGIN: 読めない値です。",
        "MADOGUCHI_BANK_CODE: 銀行コードは数字4けたです。",
    ]
