"""What an aggregator gets: accounts, balances and history of what the customer chose, inside the window, paged."""

import pytest
from sqlmodel import Session, col, delete, update

from madoguchi.doors.api.ids import Kind
from madoguchi.records.bank import Account, Balance, Statement
from madoguchi.rules.vocabulary import AccountState
from tests import story
from tests.api.conftest import Caller

PAGE = """query ($first: Int, $after: String, $last: Int, $before: String, $from: Date, $to: Date,
                 $order: Order! = NEWEST_FIRST) {
  accounts(types: [ORDINARY]) { id transactions(
    first: $first, after: $after, last: $last, before: $before, from: $from, to: $to, order: $order
  ) { edges { cursor node { id bookedOn amount direction balanceAfter } }
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
      period { from to limitedBy } statement { openingBalance closingBalance deposits withdrawals count }
      freshness { asOf asOfPrecision source completeness nextUpdateAt } } } }"""


@pytest.mark.both_databases
@pytest.mark.clause("2-1-1")
@pytest.mark.clause("6-1")
async def test_balances_of_two_accounts_come_with_what_identifies_them_and_how_fresh_they_are(caller: Caller) -> None:
    body = await caller.ask(
        "{ accounts { type number holderKana branch { code name nameKana } institution { bankCode name nameKana }"
        " balance { current available previousDay uncleared"
        " freshness { asOf asOfPrecision source completeness nextUpdateAt } } } }"
    )
    assert "errors" not in body
    ordinary, current = body["data"]["accounts"]
    assert (ordinary["type"], ordinary["number"]) == ("ORDINARY", "1234567")
    assert (current["type"], current["number"]) == ("CURRENT", "0013210")
    assert ordinary["branch"] == {"code": "002", "name": "本店営業部", "nameKana": "ﾎﾝﾃﾝｴｲｷﾞﾖｳﾌﾞ"}
    assert ordinary["institution"] == {"bankCode": "2999", "name": "みほん信用組合", "nameKana": "ﾐﾎﾝｼﾝﾖｳｸﾐｱｲ"}
    assert ordinary["balance"] == {
        "current": 4_516_000,
        "available": None,
        "previousDay": None,
        "uncleared": None,
        "freshness": {
            "asOf": "2026-11-24T14:00:00+09:00",
            "asOfPrecision": "MINUTE",
            "source": "BALANCE_NOTICE",
            "completeness": "MAY_LACK_LATER",
            "nextUpdateAt": None,
        },
    }


@pytest.mark.clause("6-1")
async def test_a_value_that_was_never_received_is_an_error_and_not_a_zero(caller: Caller) -> None:
    def forget(session: Session) -> None:
        session.execute(delete(Balance).where(col(Balance.account_id) == caller.told.current))
        session.execute(delete(Statement).where(col(Statement.account_id) == caller.told.current))

    await caller.database.writing(forget)
    body = await caller.ask("{ accounts { balance { current } transactions(first: 1) { nodes { id } } } }")
    assert body["data"]["accounts"][0]["balance"] == {"current": 4_516_000}
    assert body["data"]["accounts"][1] == {"balance": None, "transactions": None}
    assert {tuple(error["path"]) for error in body["errors"]} == {
        ("accounts", 1, "balance"), ("accounts", 1, "transactions"),
    }  # fmt: skip
    assert {error["extensions"]["code"] for error in body["errors"]} == {"NOT_YET_RECEIVED"}


async def test_two_aliases_of_one_field_are_two_answers(caller: Caller) -> None:
    body = await caller.ask(
        """{ one: accounts(types: [ORDINARY]) { a: transactions(first: 1) { rows: nodes { x: amount } }
               b: transactions(last: 2) { rows: nodes { x: balanceAfter y: bookedOn } other: nodes { x: id } } }
             two: accounts(types: [CURRENT]) { a: number } none: accounts(types: []) { id } }"""
    )
    assert "errors" not in body
    (one,) = body["data"]["one"]
    assert one["a"] == {"rows": [{"x": 1000}]}
    assert [row["y"] for row in one["b"]["rows"]] == ["2025-10-25", "2025-10-24"]
    assert [set(row) for row in one["b"]["other"]] == [{"x"}, {"x"}]
    assert body["data"]["two"] == [{"a": "0013210"}]
    assert body["data"]["none"] == []


async def test_fragments_and_switches_merge_as_the_specification_says(caller: Caller) -> None:
    body = await caller.ask(
        """query Q($no: Boolean!) { ...Root  accounts { ... @skip(if: $no) { type } number @include(if: $no) }
             node(id: "nothing") @include(if: $no) { id } }
           fragment Root on Query { accounts(types: null) { ...A ... on Node { id } ... on Transaction { amount } } }
           fragment A on Account { balance { current } }""",
        {"no": False},
        operationName="Q",
    )
    assert "conflict" in body["errors"][0]["message"]  # `accounts` with and without `types` cannot be one field
    body = await caller.ask(
        """query Q($no: Boolean!) { ...Root  accounts { ... @skip(if: $no) { type } number @include(if: $no) } }
           fragment Root on Query { accounts { ...A ... on Node { id } } }
           fragment A on Account { balance { current } }""",
        {"no": False},
        operationName="Q",
    )
    assert "errors" not in body
    assert [set(account) for account in body["data"]["accounts"]] == [{"type", "id", "balance"}] * 2


async def test_a_row_shows_the_row_it_corrects_level_by_level(caller: Caller) -> None:
    def correct(session: Session) -> None:
        rows = story.rows_of(session, caller.told.ordinary)
        other = story.rows_of(session, caller.told.current)
        rows[-1].corrects_id = rows[-2].transaction_id
        rows[-2].corrects_id = rows[-3].transaction_id
        rows[-3].corrects_id = other[-1].transaction_id  # a feed would never say so: another account's row is not shown
        session.add_all(rows[-3:])

    await caller.database.writing(correct)
    body = await caller.ask(
        "{ accounts(types: [ORDINARY]) { transactions(first: 1) { nodes { id corrects { id bookedOn"
        " corrects { bookedOn corrects { id } } } } } } }"
    )
    (node,) = body["data"]["accounts"][0]["transactions"]["nodes"]
    assert "errors" not in body
    assert node["corrects"]["bookedOn"] == "2026-11-23"
    assert node["corrects"]["corrects"] == {"bookedOn": "2026-11-22", "corrects": None}


async def test_node_and_account_find_what_the_lists_show(caller: Caller) -> None:
    body = await caller.ask("{ accounts { id transactions(first: 1) { nodes { id amount } } } }")
    account = body["data"]["accounts"][1]
    (row,) = account["transactions"]["nodes"]
    found = await caller.ask(
        """query ($account: ID!, $row: ID!) { account(id: $account) { id number }
             a: node(id: $account) { __typename id ... on Account { number balance { current } } }
             r: node(id: $row) { __typename id ... on Transaction { amount balanceAfter } } }""",
        {"account": account["id"], "row": row["id"]},
    )
    assert "errors" not in found
    assert found["data"]["account"] == {"id": account["id"], "number": "0013210"}
    assert found["data"]["a"]["__typename"] == "Account"
    assert found["data"]["a"]["balance"] == {"current": 4_516_000}
    assert found["data"]["r"] == {
        "__typename": "Transaction",
        "id": row["id"],
        "amount": 1000,
        "balanceAfter": 4_516_000,
    }


@pytest.mark.clause("2-2")
@pytest.mark.parametrize("change", ["time deposit", "taken out of internet banking", "not chosen"])
async def test_an_account_that_is_not_part_of_the_service_appears_nowhere(caller: Caller, change: str) -> None:
    chosen = [caller.told.ordinary, caller.told.time if change == "time deposit" else caller.told.current]
    await caller.register_again(accounts=chosen[:1] if change == "not chosen" else chosen)
    if change == "taken out of internet banking":
        removed = update(Account).where(col(Account.account_id) == caller.told.current)
        await caller.database.writing(lambda s: s.execute(removed.values(state=AccountState.REMOVED)))
    (hidden,) = caller.ids.seal(Kind.ACCOUNT, [chosen[-1]])
    body = await caller.ask(
        "query ($id: ID!) { accounts { id } registration { accounts { number } }"
        " account(id: $id) { id } node(id: $id) { id } }",
        {"id": hidden},
    )
    assert len(body["data"]["accounts"]) == len(body["data"]["registration"]["accounts"]) == 1
    assert hidden not in str(body["data"])
    assert [error["extensions"]["code"] for error in body["errors"]] == ["UNKNOWN_ID"] * 2


async def test_statements_do_not_grow_with_rows_accounts_or_page_size(caller: Caller) -> None:
    query = (
        "query ($n: Int!) { accounts { id number balance { current } transactions(first: $n)"
        " { nodes { id corrects { id } } freshness { asOf } } institution { name } } }"
    )
    counts = []
    for accounts in ([caller.told.ordinary], [caller.told.ordinary, caller.told.current, caller.told.savings]):
        await caller.register_again(accounts=accounts)
        for rows in (1, 300):
            with caller.counting() as statements:
                body = await caller.ask(query, {"n": rows})
            assert len(body["data"]["accounts"]) == len(accounts)
            assert len(body["data"]["accounts"][0]["transactions"]["nodes"]) == rows
            counts.append(len(statements))
    assert len(set(counts)) == 1, counts


async def test_a_field_that_is_not_asked_for_costs_no_statement(caller: Caller) -> None:
    with caller.counting() as statements:
        await caller.ask("{ accounts { id } }")
    reads = [text for text in statements if text.lstrip().startswith("SELECT")]
    assert len(reads) == 3  # the token with all it stands for, what its quotas have left, and the accounts
    assert not any("ledger_row" in text or "balance" in text.split("FROM")[-1] for text in reads[1:])


async def test_amounts_beyond_32_bits_are_exact_numbers(caller: Caller) -> None:
    await caller.database.writing(lambda s: s.execute(update(Balance).values(current=99_999_999_999_999)))
    body = await caller.post("{ accounts { balance { current } } }")
    assert '"current":99999999999999' in body.text


async def test_service_and_registration_tell_hours_terms_and_window(caller: Caller) -> None:
    body = await caller.ask(
        """{ service { institution { name } open nextChangeAt calendar { day hours { opens closes } }
               closures { startsAt endsAt } stops { reach } terms { version effectiveFrom } comingTerms { version } }
             registration { scopes since until lastDay renewableFrom termsAgreed termsInForce
               dataWindow { from to limit } accounts { number } } }"""
    )
    assert "errors" not in body
    service = body["data"]["service"]
    assert (service["open"], service["nextChangeAt"], len(service["calendar"])) == (True, None, 14)
    assert service["calendar"][0] == {
        "day": "2026-11-24",
        "hours": [{"opens": "2026-11-24T00:00:00+09:00", "closes": "2026-11-25T00:00:00+09:00"}],
    }
    registration = body["data"]["registration"]
    assert registration["scopes"] == ["ACCOUNTS", "BALANCES", "TRANSACTIONS"]
    assert registration["until"] == "2027-05-24T00:00:00+09:00"
    assert registration["lastDay"] == "2027-05-23"
    assert registration["termsAgreed"] == registration["termsInForce"] == "2026-10-01"
    assert registration["dataWindow"] == {"from": "2025-10-24", "to": "2026-11-24", "limit": "CREDIT_UNION"}
    assert [account["number"] for account in registration["accounts"]] == ["1234567", "0013210"]


async def test_the_cost_of_every_answer_is_told(caller: Caller) -> None:
    body = await caller.ask("{ accounts { id } }")
    assert body["extensions"]["cost"] == {
        "requested": 10, "limit": 240_000, "remaining": 239_990, "resetAt": "2026-11-24T14:03:00+09:00",
    }  # fmt: skip
    assert body["extensions"]["requestId"].startswith("rq_")
