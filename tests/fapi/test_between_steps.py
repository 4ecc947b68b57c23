"""What happens between two steps stops the next one (security.md 11), and what does not: closing time."""

from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import col, select

from madoguchi.procedures.aggregators import end_contract
from madoguchi.procedures.service import close_service, set_stop
from madoguchi.records.audit import AccessRecord
from madoguchi.records.bank import Contract
from madoguchi.rules.decision import Reason
from madoguchi.rules.vocabulary import ContractState, RegistrationState, StopTarget
from tests.fapi.bank import Bank, error

ENDED = RegistrationState.ENDED
INVALID_GRANT = (400, "invalid_grant")


@pytest.mark.clause("2-1")
async def test_after_closing_time_codes_and_refresh_tokens_still_serve(bank: Bank) -> None:
    """They carry no data."""
    code, now = await bank.kakeibo.code(), bank.clock()
    await bank.database.writing(close_service, now + timedelta(hours=9), "見本", "os-user:tests", now)
    answer = await bank.kakeibo.redeem(code)
    assert answer.status_code == 200
    assert (await bank.kakeibo.refresh(answer.json()["refresh_token"])).status_code == 200


async def stop(bank: Bank, kind: StopTarget, target: str) -> None:
    now = bank.clock()
    await bank.database.writing(
        set_stop, kind, target, now, now + timedelta(hours=1), None, "見本", "os-user:tests", now
    )


async def contract(bank: Bank, state: ContractState) -> None:
    def change(session: Any) -> None:
        session.get_one(Contract, bank.story.hanako_contract).state = state

    await bank.database.writing(change)


STEPS_BETWEEN: dict[str, tuple[Reason, tuple[int, str]]] = {
    "the service is stopped": (Reason.SERVICE_STOPPED, (503, "temporarily_unavailable")),
    "the aggregator is stopped": (Reason.SERVICE_STOPPED, (503, "temporarily_unavailable")),
    "the customer is stopped": (Reason.SERVICE_STOPPED, (503, "temporarily_unavailable")),
    "internet banking is suspended": (Reason.INTERNET_BANKING_SUSPENDED, (503, "temporarily_unavailable")),
    "internet banking has ended": (Reason.INTERNET_BANKING_ENDED, INVALID_GRANT),
    "the aggregator's contract has ended": (Reason.AGGREGATOR_NOT_CONTRACTED, INVALID_GRANT),
}


async def happen(bank: Bank, what: str) -> None:
    match what:
        case "the service is stopped":
            await stop(bank, StopTarget.ALL, "")
        case "the aggregator is stopped":
            await stop(bank, StopTarget.AGGREGATOR, bank.story.kakeibo)
        case "the customer is stopped":
            await stop(bank, StopTarget.CUSTOMER, str(bank.story.hanako))
        case "internet banking is suspended":
            await contract(bank, ContractState.SUSPENDED)
        case "internet banking has ended":
            await contract(bank, ContractState.CANCELLED)
        case "the aggregator's contract has ended":
            await bank.database.writing(end_contract, bank.story.kakeibo, "os-user:tests", bank.clock())


@pytest.mark.fault("lock checked at one step only")
@pytest.mark.clause("5-2")
@pytest.mark.clause("7-3")
@pytest.mark.parametrize("what", STEPS_BETWEEN)
async def test_what_happens_between_consent_and_code_refuses_the_code(bank: Bank, what: str) -> None:
    """security.md 11: asked again at every step."""
    code = await bank.kakeibo.code()
    await happen(bank, what)
    assert error(await bank.kakeibo.redeem(code)) == INVALID_GRANT
    assert [state for state, _ in await bank.ends()] == [ENDED]


@pytest.mark.clause("5-2")
@pytest.mark.clause("7-3")
@pytest.mark.parametrize("what", STEPS_BETWEEN)
async def test_what_happens_after_the_code_refuses_the_refresh_and_says_whether_waiting_helps(
    bank: Bank, what: str
) -> None:
    tokens = await bank.kakeibo.registered()
    await happen(bank, what)
    answer = await bank.kakeibo.refresh(tokens["refresh_token"])
    reason, expected = STEPS_BETWEEN[what]
    assert error(answer) == expected
    assert answer.json()["error_description"].isascii()
    if what != "the aggregator's contract has ended":  # that ends the registrations, which is told first
        assert answer.json()["error_description"].startswith(f"{reason.code} (clause {reason.clause}): ")
    if reason is Reason.SERVICE_STOPPED:
        assert answer.headers["retry-after"] == "3600"


@pytest.mark.clause("4-3")
async def test_each_code_and_refresh_is_recorded_with_the_facts_it_was_decided_from(bank: Bank) -> None:
    tokens = await bank.kakeibo.registered()
    answer = await bank.kakeibo.refresh(tokens["refresh_token"], scope="accounts balances")
    await stop(bank, StopTarget.ALL, "")
    await bank.kakeibo.refresh(tokens["refresh_token"])
    records = await bank.database.reading(lambda s: list(s.exec(select(AccessRecord).order_by(col(AccessRecord.at)))))
    kept = {(one.action, one.outcome): one for one in records}
    assert kept.keys() == {("code", "answered"), ("refresh", "answered"), ("refresh", "refused")}
    renewed = kept[("refresh", "answered")]
    assert renewed.request_id == answer.headers["x-request-id"]
    assert renewed.jkt == bank.kakeibo.proof_key.thumbprint()
    assert [one["code"] for one in kept[("refresh", "refused")].refusals] == ["SERVICE_STOPPED"]


@pytest.mark.clause("4-3")
async def test_a_refresh_that_asks_for_more_than_was_granted_is_on_record_too(bank: Bank) -> None:
    tokens = await bank.kakeibo.registered()
    answer = await bank.kakeibo.refresh(tokens["refresh_token"], scope="accounts admin")
    assert error(answer) == (400, "invalid_scope")
    record = await bank.database.reading(lambda s: s.get(AccessRecord, answer.headers["x-request-id"]))
    assert record is not None
    assert (record.action, record.outcome) == ("refresh", "refused")
    assert record.refusals == [{"code": "SCOPE_NOT_GRANTED", "clause": "4-3", "path": ""}]
