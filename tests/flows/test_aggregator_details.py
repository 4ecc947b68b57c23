"""What an aggregator may be called, and where it may lead: nothing that looks like something else (1-2-2).

A name stands on the consent page, in the officer's terminal and in the trail: a character that nobody sees can turn the
line around (U+202E), end it, or speak to the terminal (ESC).
"""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import ECKey

from madoguchi.cli.words import say, say_json, say_table, visible
from madoguchi.procedures.aggregators import list_aggregators
from madoguchi.records.aggregators import Aggregator
from madoguchi.rules.plain_text import is_plain
from tests.support.desk import Desk, Said

UNSEEN = ["\r", "\n", "\t", "\x00", "\x1b", "\x7f", "\x85", "\u00ad", "\u200b", "\u200e", "\u200f", "\u2028", "\u202a",
          "\u202e", "\u2066", "\u2069", "\ufeff", "\ud800", "\U000e0041"]  # fmt: skip
NAMES = ["みほん家計簿", "株式会社みほん　家計簿", "ﾐﾎﾝ ｶｹｲﾎﾞ", "葛󠄀城 𠮷田", "Mihon & Söhne (株)", "外字\ue000"]


@pytest.fixture
def jwks(tmp_path: Path) -> Path:
    path = tmp_path / "jwks.json"
    path.write_text(json.dumps({"keys": [ECKey.generate_key("P-256").as_dict(private=False)]}))
    return path


def add(desk: Desk, jwks: Path, *more: str, name: str = "よその家計簿") -> Said:
    return desk(
        "aggregator", "add", "--name", name, "--jwks", str(jwks), "--redirect-uri", "https://a.example/cb",
        "--scope", "accounts balances", *more,
    )  # fmt: skip


@pytest.mark.parametrize("sign", UNSEEN)
def test_a_sign_that_nobody_sees_is_not_plain(sign: str) -> None:
    assert not is_plain(f"みほん{sign}家計簿")


@pytest.mark.parametrize("name", NAMES)
def test_names_as_people_and_companies_bear_them_are_plain(name: str) -> None:
    assert is_plain(name)


@pytest.mark.clause("1-2-2")
@pytest.mark.parametrize("sign", ["\r", "\n", "\x1b", "\u202e", "\u2066", "\u200f"])
@pytest.mark.parametrize(
    ("option", "text"),
    [
        ("--name", "みほん{}家計簿"),
        ("--company", "みほん{}株式会社"),
        ("--purpose", "balances=資産の{}表示"),
        ("--processor", "みほん{}サーバー=保管"),
        ("--processor", "みほんサーバー=保{}管"),
        ("--contact", "03-0000-0000{}(平日)"),
        ("--registration-number", "第{}1号"),
    ],
)
def test_no_text_of_an_aggregator_holds_a_sign_that_nobody_sees(
    desk: Desk, jwks: Path, option: str, text: str, sign: str
) -> None:
    said = add(desk, jwks, option, text.format(sign))
    assert said.code == 3
    assert "見えない文字" in said.err
    assert sign not in said.err.rstrip("\n")
    assert len(desk.ask(list_aggregators)) == 2


@pytest.mark.clause("1-2-2")
@pytest.mark.parametrize(
    "origin",
    ["https://*", "https://*.a.example", "javascript:", "'unsafe-inline'", "https://x;default-src *", "https://a b",
     "https://a.example,https://b.example", "data:", "https:", "", "http://a.example", "https://a.example/",
     "https://a.example/path", "https://a.example?x", "https://u@a.example", "https://a.example#"],
)  # fmt: skip
def test_a_return_origin_is_an_origin_and_nothing_that_the_page_policy_reads_as_more(
    desk: Desk, jwks: Path, origin: str
) -> None:
    said = add(desk, jwks, "--return-origin", origin)
    assert (said.code, "return-origin" in said.err) == (3, True)
    assert len(desk.ask(list_aggregators)) == 2


@pytest.mark.parametrize("origin", ["https://a.example", "https://a.example:8443", "http://127.0.0.1:9000"])
def test_an_origin_is_registered_as_a_return_origin(desk: Desk, jwks: Path, origin: str) -> None:
    assert add(desk, jwks, "--return-origin", origin).code == 0
    assert [origin] in [row.return_origins for row in desk.ask(list_aggregators)]


@pytest.mark.parametrize("uri", ["https://*/cb", "javascript:", "'unsafe-inline'", "https://x;default-src */cb"])
def test_a_redirect_address_is_held_to_the_same(desk: Desk, jwks: Path, uri: str) -> None:
    said = add(desk, jwks, "--redirect-uri", uri)
    assert (said.code, "redirect-uri" in said.err) == (3, True)


def test_what_was_kept_before_is_printed_with_its_unseen_signs_written_out(desk: Desk) -> None:
    def spoil(session: object) -> None:
        row = session.get_one(Aggregator, desk.told.kakeibo)  # type: ignore[attr-defined]
        row.name = "みほん\x1b[2J\u202e家計簿\n完了"

    desk.ask(spoil)
    for arguments in (("aggregator", "list"), ("aggregator", "list", "--json"), ("aggregator", "stop", "agg_0")):
        said = desk(*arguments)
        assert not any(sign in said.out + said.err for sign in ("\x1b", "\u202e"))
    assert "みほん\\u001b[2J\\u202e家計簿\\n完了" in desk("aggregator", "list").out
    names = [row["name"] for row in desk("aggregator", "list", "--json").json]  # two were added at one moment
    assert "みほん\x1b[2J\u202e家計簿\n完了" in names
    assert "\x1b" not in desk("aggregator", "stop", desk.told.kakeibo_client).out


@given(st.text(st.characters()))
def test_what_is_printed_is_always_plain_and_plain_text_stays_as_it_is(text: str) -> None:
    assert is_plain(visible(text))
    assert not is_plain(text) or visible(text) == text


def test_every_way_of_printing_writes_unseen_signs_out(capsys: pytest.CaptureFixture[str]) -> None:
    say("a\x1bb")
    say_json({"a\x9b": "\u202e\U000e0041"})
    say_table(("head",), [("cell\u2066",)])
    out = capsys.readouterr().out
    assert is_plain(out.replace("\n", ""))
    assert json.loads(out[out.index("{") : out.index("}") + 1]) == {"a\x9b": "\u202e\U000e0041"}


def test_a_misused_command_repeats_no_unseen_sign(desk: Desk) -> None:
    for arguments in (("aggregator", "\x1b[2J"), ("stop", "lift", "\u202e1", "--reason", "x"),
                      ("service", "close", "--until", "\x1b")):  # fmt: skip
        said = desk(*arguments)
        assert said.code != 0
        assert is_plain(said.err.replace("\n", "")), said.err
