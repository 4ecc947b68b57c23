"""What an aggregator gets: accounts, balances, history, and only what its token, the registration and the hour allow."""

import pytest

from tests.api.conftest import Caller

ACCOUNTS = "{ accounts { id type number holderKana branch { code name nameKana } institution { bankCode name } } }"


@pytest.mark.both_databases
async def test_balances_and_history_of_two_accounts(caller: Caller) -> None:
    body = await caller.ask(
        """{ accounts { id type balance { current available freshness { asOf asOfPrecision source completeness } }
             transactions(first: 2) { nodes { id bookedOn valueOn direction kind amount description descriptionRaw
               counterparty balanceAfter corrects { id } }
               edges { cursor node { id } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
               period { from to limitedBy } statement { openingBalance closingBalance deposits withdrawals count }
               freshness { asOf source completeness nextUpdateAt } } } }"""
    )

    assert "errors" not in body
