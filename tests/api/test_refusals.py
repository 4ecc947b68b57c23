"""What is withheld is null with an error at its path that names the clause; the rest of the same query is served."""

from datetime import timedelta

import pytest
from sqlmodel import Session, select, update

from madoguchi.procedures import service
from madoguchi.records.aggregators import Aggregator
from madoguchi.records.bank import Balance, Contract, Statement, Transaction
from madoguchi.records.registrations import AccessToken
from madoguchi.records.service import TermsVersion
from madoguchi.rules.vocabulary import ContractState, Scope, StopTarget
from tests import story
from tests.api.conftest import SECOND, Caller, refused

OFFICER = "os-user:officer"
HISTORY_ONLY = (Scope.ACCOUNTS, Scope.TRANSACTIONS)
EVERYTHING = """{ service { open } registration { scopes accounts { id } } accounts { id }
  account(id: "x") { id } node(id: "x") { id } }"""


async def stop(caller: Caller, kind: StopTarget, target: str, hours: int | None = 2) -> None:
    ends = story.NOW + timedelta(hours=hours) if hours else None
    review = None if ends else story.NOW.date()
    await caller.database.writing(service.set_stop, kind, target, story.NOW, ends, review, "点検", OFFICER, story.NOW)


NO_SCOPE = ("SCOPE_NOT_GRANTED", "4-3")


@pytest.mark.both_databases
@pytest.mark.clause("4-3")
async def test_one_field_is_refused_in_every_way_of_asking_for_it_and_the_rest_is_served(caller: Caller) -> None:
    await caller.register_again(scopes=HISTORY_ONLY)
    ids = await caller.ask("{ accounts { id transactions(first: 1) { nodes { id } } } }")
    account = ids["data"]["accounts"][0]
    body = await caller.ask(
        """query ($account: ID!, $row: ID!) {
             accounts { plain: balance { current } number ...Named ... on Account { inline: balance { current } } }
             account(id: $account) { balance { current } transactions(first: 1) { nodes { amount after: balanceAfter }
               statement { openingBalance closingBalance count } } }
             a: node(id: $account) { ... on Account { ofNode: balance { current } type } ... on Node { id } }
             r: node(id: $row) { ...Row } }
           fragment Named on Account { named: balance { freshness { asOf } } }
           fragment Row on Transaction { amount balanceAfter corrects { balanceAfter } }""",
        {"account": account["id"], "row": account["transactions"]["nodes"][0]["id"]},
    )
    data = body["data"]
    assert [each["number"] for each in data["accounts"]] == ["1234567", "0013210"]
    assert data["account"]["transactions"]["nodes"] == [{"amount": 1000, "after": None}]
    assert data["account"]["transactions"]["statement"] == {"openingBalance": None, "closingBalance": None, "count": 1}
    assert data["a"] == {"ofNode": None, "type": "ORDINARY", "id": account["id"]}
    assert data["r"] == {"amount": 1000, "balanceAfter": None, "corrects": None}
    assert refused(body) == dict.fromkeys(
        [
            *[("accounts", n, key) for n in (0, 1) for key in ("plain", "named", "inline")],
            ("account", "balance"),
            ("account", "transactions", "nodes", 0, "after"),
            ("account", "transactions", "statement", "openingBalance"),
            ("account", "transactions", "statement", "closingBalance"),
            ("a", "ofNode"),
            ("r", "balanceAfter"),
        ],
        NO_SCOPE,
    )


@pytest.mark.clause("4-3")
async def test_who_sees_history_but_not_balances_cannot_compute_one(caller: Caller) -> None:
    """Two books that differ by nothing but their opening balance answer alike, in every field a history has."""
    await caller.register_again(scopes=HISTORY_ONLY)
    query = """{ accounts { transactions(first: 250) { pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
      edges { cursor node { id bookedOn valueOn direction kind amount description descriptionRaw counterparty
        balanceAfter corrects { id balanceAfter } } } period { from to limitedBy }
      statement { openingBalance closingBalance deposits withdrawals count } freshness { asOf completeness } } } }"""
    before = await caller.ask(query)

    def richer(session: Session) -> None:
        for table, columns in (
            (Transaction, ("balance_after",)),
            (Statement, ("opening_balance", "closing_balance")),
            (Balance, ("current",)),
        ):
            changes = {name: getattr(table, name) + 7_777_777 for name in columns}
            session.execute(update(table).values(changes))

    await caller.database.writing(richer)
    after = await caller.ask(query)
    assert after["data"] == before["data"]
    assert [error["message"] for error in after["errors"]] == [error["message"] for error in before["errors"]]
    assert "7777" not in str(after)


@pytest.mark.clause("4-3")
@pytest.mark.parametrize(
    ("scopes", "served"),
    [((Scope.ACCOUNTS,), set()), ((Scope.ACCOUNTS, Scope.BALANCES), {"balance"}), (HISTORY_ONLY, {"transactions"})],
)
async def test_a_token_with_fewer_scopes_than_the_registration_reads_less(
    caller: Caller, scopes: tuple[Scope, ...], served: set[str]
) -> None:
    await caller.register_again(token_scopes=scopes)
    body = await caller.ask("{ accounts { id balance { current } transactions(first: 1) { nodes { id } } } }")
    for account in body["data"]["accounts"]:
        assert {name for name in ("balance", "transactions") if account[name] is not None} == served
    assert set(refused(body).values()) == {NO_SCOPE}


@pytest.mark.clause("4-3")
async def test_without_the_accounts_scope_no_account_is_shown_at_all(caller: Caller) -> None:
    await caller.register_again(token_scopes=(Scope.BALANCES, Scope.TRANSACTIONS))
    body = await caller.ask(EVERYTHING)
    assert body["data"]["service"] == {"open": True}
    assert body["data"]["registration"] == {"scopes": ["BALANCES", "TRANSACTIONS"], "accounts": None}
    assert refused(body) == dict.fromkeys(
        [("registration", "accounts"), ("accounts",), ("account",), ("node",)], NO_SCOPE
    )


@pytest.mark.clause("4-3")
async def test_number_and_name_are_given_only_while_the_contract_lists_them(caller: Caller) -> None:
    await caller.database.writing(lambda s: s.execute(update(Aggregator).values(identifiers=["number"])))
    body = await caller.ask("{ accounts { number holderKana } }")
    assert [each["number"] for each in body["data"]["accounts"]] == ["1234567", "0013210"]
    assert refused(body) == dict.fromkeys(
        [("accounts", 0, "holderKana"), ("accounts", 1, "holderKana")], ("IDENTIFIER_NOT_CONTRACTED", "4-3")
    )


@pytest.mark.both_databases
@pytest.mark.clause("2-1")
async def test_outside_the_service_hours_service_and_registration_answer_and_data_does_not(caller: Caller) -> None:
    opens = story.NOW + timedelta(hours=3)
    await caller.database.writing(service.close_service, opens, "点検", OFFICER, story.NOW - SECOND)
    answer = await caller.post(EVERYTHING)
    assert answer.status_code == 200
    assert answer.headers["retry-after"] == str(3 * 3600)
    body = answer.json()
    assert body["data"]["service"] == {"open": False}
    assert body["data"]["registration"]["scopes"] == ["ACCOUNTS", "BALANCES", "TRANSACTIONS"]
    assert (body["data"]["accounts"], body["data"]["account"], body["data"]["node"]) == (None, None, None)
    assert set(refused(body).values()) == {("OUTSIDE_SERVICE_HOURS", "2-1")}
    assert {error["extensions"]["retryAt"] for error in body["errors"]} == {"2026-11-24T17:02:00+09:00"}
    introspection = await caller.ask("{ __schema { queryType { name } } }")
    assert introspection["data"] == {"__schema": {"queryType": {"name": "Query"}}}


@pytest.mark.clause("2-1")
async def test_the_last_second_before_closing_is_served_and_closing_time_is_not(caller: Caller) -> None:
    closes = story.NOW + timedelta(seconds=100)
    await caller.database.writing(service.close_service, closes + timedelta(hours=1), "点検", OFFICER, closes)
    caller.at = closes - SECOND
    body = await caller.ask("{ accounts { id } service { open nextChangeAt } }")
    assert len(body["data"]["accounts"]) == 2
    assert body["data"]["service"] == {"open": True, "nextChangeAt": "2026-11-24T14:03:40+09:00"}
    caller.at = closes
    assert refused(await caller.ask("{ accounts { id } }")) == {("accounts",): ("OUTSIDE_SERVICE_HOURS", "2-1")}


@pytest.mark.clause("7-3")
@pytest.mark.parametrize("kind", [StopTarget.ALL, StopTarget.AGGREGATOR, StopTarget.CUSTOMER, StopTarget.REGISTRATION])
async def test_a_stop_of_the_whole_withholds_all_data_until_its_end(caller: Caller, kind: StopTarget) -> None:
    registered = await caller.registration()
    targets = {
        StopTarget.ALL: "",
        StopTarget.AGGREGATOR: caller.told.kakeibo,
        StopTarget.CUSTOMER: str(caller.told.hanako),
        StopTarget.REGISTRATION: registered.registration_id,
    }
    await stop(caller, kind, targets[kind])
    body = await caller.ask(EVERYTHING)
    assert body["data"]["service"] == {"open": True}
    assert set(refused(body).values()) == {("SERVICE_STOPPED", "7-3")}
    stops = await caller.ask("{ service { stops { reach endsAt } } }")
    assert stops["data"]["service"]["stops"] == [{"reach": kind.name, "endsAt": "2026-11-24T16:02:00+09:00"}]
    caller.at = story.NOW + timedelta(hours=2)
    await caller.database.writing(
        lambda s: s.execute(update(AccessToken).values(expires_at=caller.at + timedelta(minutes=5)))
    )
    assert refused(await caller.ask("{ accounts { id } }")) == {}


@pytest.mark.clause("7-3")
async def test_a_stop_of_one_function_leaves_the_other_served(caller: Caller) -> None:
    await stop(caller, StopTarget.FUNCTION, Scope.BALANCES, hours=None)
    body = await caller.ask(
        "{ accounts { balance { current } transactions(first: 1) { nodes { amount balanceAfter } } } }"
    )
    for account in body["data"]["accounts"]:
        assert account == {"balance": None, "transactions": {"nodes": [{"amount": 1000, "balanceAfter": None}]}}
    assert set(refused(body).values()) == {("FUNCTION_STOPPED", "7-3")}
    assert all("retryAt" not in error["extensions"] for error in body["errors"])  # nobody knows yet when it ends


@pytest.mark.clause("7-3")
async def test_a_stop_of_one_kind_of_account_withholds_it_in_lists_and_by_id(caller: Caller) -> None:
    ids = await caller.ask("{ accounts { id transactions(first: 1) { nodes { id } } } }")
    current = ids["data"]["accounts"][1]
    await stop(caller, StopTarget.ACCOUNT_KIND, "2")
    with caller.counting() as statements:
        body = await caller.ask(
            """query ($account: ID!, $row: ID!) { accounts { type number balance { current } }
                 account(id: $account) { id type branch { code } transactions(first: 1) { nodes { id } } }
                 node(id: $row) { id } }""",
            {"account": current["id"], "row": current["transactions"]["nodes"][0]["id"]},
        )
    stopped = ("ACCOUNT_STOPPED", "7-3")
    assert body["data"]["accounts"][0] == {"type": "ORDINARY", "number": "1234567", "balance": {"current": 4_516_000}}
    assert body["data"]["accounts"][1] == {"type": "CURRENT", "number": None, "balance": None}
    assert body["data"]["account"]["branch"] == {"code": "002"}
    assert body["data"]["node"] is None
    assert refused(body) == {
        ("accounts", 1, "number"): stopped, ("accounts", 1, "balance"): stopped,
        ("account", "transactions"): stopped, ("node",): stopped,
    }  # fmt: skip
    assert sum("ledger_row" in text for text in statements) == 1  # no page of it was read, only whose row the id names


@pytest.mark.clause("9-1")
async def test_terms_that_must_be_agreed_anew_pause_the_data_and_cite_our_own_rule(caller: Caller) -> None:
    def newer(session: Session) -> None:
        held = session.exec(select(TermsVersion)).one()
        session.add(
            TermsVersion(
                **{
                    **held.model_dump(),
                    "version": story.NOW.date(),
                    "effective_from": story.NOW,
                    "change": "agree_again",
                    "digest": "1" * 64,
                }
            )
        )
        service.refresh_facts(session, story.NOW)

    await caller.database.writing(newer)
    body = await caller.ask("{ registration { termsAgreed termsInForce } accounts { id } }")
    assert body["data"]["registration"] == {"termsAgreed": "2026-10-01", "termsInForce": "2026-11-24"}
    assert refused(body) == {("accounts",): ("TERMS_NOT_AGREED", "9-1")}


@pytest.mark.clause("7-3")
async def test_a_suspended_internet_banking_contract_pauses_and_does_not_end(caller: Caller) -> None:
    await caller.database.writing(lambda s: s.execute(update(Contract).values(state=ContractState.SUSPENDED)))
    answer = await caller.post("{ accounts { id } }")
    assert (answer.status_code, "retry-after" in answer.headers) == (200, False)
    assert refused(answer.json()) == {("accounts",): ("INTERNET_BANKING_SUSPENDED", "7-3")}
