"""Ids are opaque, pairwise and stable; whatever was not made for this aggregator opens to nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madoguchi.doors.api.ids import LENGTH, Ids, Kind

MASTER = b"m" * 32
ALL = tuple(Kind)
keys = st.integers(0, 2**64 - 1)
accounts = st.integers(0, 2**56 - 1)


@given(st.lists(keys, max_size=20), st.sampled_from(Kind), accounts)
def test_a_page_of_ids_sealed_in_one_call_opens_again_one_by_one(numbers: list[int], kind: Kind, account: int) -> None:
    ids = Ids(MASTER, "kakeibo")
    sealed = ids.seal(kind, numbers, account)
    assert [ids.open(text, [kind], account) for text in sealed] == [(kind, number) for number in numbers]
    assert all(len(text) == LENGTH for text in sealed)


@given(keys)
def test_an_id_is_stable_for_one_aggregator_and_not_joinable_with_anothers(key: int) -> None:
    mine, again, other = Ids(MASTER, "kakeibo"), Ids(MASTER, "kakeibo"), Ids(MASTER, "kaikei")
    assert mine.seal(Kind.ACCOUNT, [key]) == again.seal(Kind.ACCOUNT, [key])
    assert mine.seal(Kind.ACCOUNT, [key]) != other.seal(Kind.ACCOUNT, [key])
    assert other.open(mine.seal(Kind.ACCOUNT, [key])[0], ALL) is None


@given(keys, accounts, accounts)
def test_a_cursor_is_useless_in_another_account(position: int, account: int, other: int) -> None:
    ids = Ids(MASTER, "kakeibo")
    (cursor,) = ids.seal(Kind.CURSOR, [position], account)
    assert ids.open(cursor, [Kind.CURSOR], other) == ((Kind.CURSOR, position) if account == other else None)


@given(st.binary(min_size=1, max_size=40), accounts, accounts)
def test_a_note_opens_whole_for_its_account_and_aggregator_alone(note: bytes, account: int, other: int) -> None:
    ids = Ids(MASTER, "kakeibo")
    text = ids.seal_note(Kind.CHANGES, note, account)
    assert ids.open_note(text, Kind.CHANGES, len(note), other) == (note if account == other else None)
    assert ids.open_note(text, Kind.CURSOR, len(note), account) is None
    assert Ids(MASTER, "kaikei").open_note(text, Kind.CHANGES, len(note), account) is None
    for changed in (text[:-1], text + "A", text + "=", text.swapcase()):
        if changed != text:
            assert ids.open_note(changed, Kind.CHANGES, len(note), account) is None
    assert text == ids.seal_note(Kind.CHANGES, note, account)


@given(keys)
def test_an_id_of_one_kind_is_none_of_another(key: int) -> None:
    ids = Ids(MASTER, "kakeibo")
    (account,) = ids.seal(Kind.ACCOUNT, [key])
    assert ids.open(account, [Kind.TRANSACTION, Kind.CURSOR]) is None


@given(st.text(max_size=60))
def test_any_other_text_opens_to_nothing(text: str) -> None:
    assert Ids(MASTER, "kakeibo").open(text, ALL) is None


@pytest.mark.parametrize("change", ["{}A", "{}=", "{}==", " {}", "{}\n", "{}\x00"])
def test_an_id_has_one_spelling(change: str) -> None:
    (text,) = Ids(MASTER, "kakeibo").seal(Kind.ACCOUNT, [7])
    assert Ids(MASTER, "kakeibo").open(change.format(text), ALL) is None


def test_the_last_characters_spare_bits_do_not_make_second_spellings() -> None:
    ids = Ids(MASTER, "kakeibo")
    (text,) = ids.seal(Kind.ACCOUNT, [7])
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    opened = [last for last in alphabet if ids.open(text[:-1] + last, ALL) is not None]
    assert opened == [text[-1]]
