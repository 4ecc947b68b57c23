"""From what a consent page states (procedures/consent_page.py) to the page's model and words (4-1, 2-2, 4-3)."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from madoguchi.doors.pages.models.consent import (
    AccountChoice,
    ConsentAggregator,
    ConsentError,
    ConsentPage,
    DataProcessor,
    ScopeChoice,
    Ticked,
)
from madoguchi.doors.pages.models.terms import TermsDocument, changed_articles
from madoguchi.procedures.consent_page import AccountLine, ConsentView
from madoguchi.procedures.consenting import Mistake, Mistakes
from madoguchi.rules.disclosure import HOLDER, NUMBER
from madoguchi.rules.eligible_accounts import ELIGIBLE_KINDS
from madoguchi.rules.vocabulary import AccountKind, AccountState, WindowLimit

LEGAL_KIND: Final = "電子決済等代行業者"

KIND_WORDS: Final = {
    AccountKind.ORDINARY: "普通",
    AccountKind.CURRENT: "当座",
    AccountKind.TAX: "納税準備",
    AccountKind.SAVINGS: "貯蓄",
    AccountKind.NOTICE: "通知",
    AccountKind.TIME: "定期",
    AccountKind.INSTALMENT_TIME: "積立定期",
    AccountKind.INSTALMENT_SAVINGS: "定期積金",
    AccountKind.OTHER: "その他",
}

ERROR_OF: Final = {
    Mistake.NO_ACCOUNT: ConsentError.NO_ACCOUNT,
    Mistake.ACCOUNT_NOT_OFFERED: ConsentError.ACCOUNT_NOT_OFFERED,
    Mistake.NO_INFORMATION: ConsentError.NO_INFORMATION,
    Mistake.SCOPE_NOT_OFFERED: ConsentError.SCOPE_NOT_OFFERED,
    Mistake.NO_CONTRACT: ConsentError.NO_CONTRACT,
    Mistake.NO_TERMS: ConsentError.NO_TERMS,
    Mistake.NO_RISKS: ConsentError.NO_RISKS,
    Mistake.LAST_DAY_CHANGED: ConsentError.LAST_DAY_CHANGED,
}
"""TERMS_CHANGED is no error of the customer's: the page that comes back says what changed."""


@dataclass(frozen=True, slots=True)
class Stated:
    """What the door adds to the view: addresses, token, time left."""

    action: str
    extend_action: str
    form_token: str
    expires_at: datetime
    seconds_left: int
    extendable: bool
    is_sample_aggregator: bool


def consent_page(view: ConsentView, stated: Stated, ticked: Ticked, errors: tuple[ConsentError, ...]) -> ConsentPage:
    """The page's model."""
    aggregator, terms = view.proceeding.aggregator, TermsDocument.parse(view.terms.document)
    before = TermsDocument.parse(view.terms_before.document) if view.terms_before is not None else None
    return ConsentPage(
        aggregator=ConsentAggregator(
            name=aggregator.name,
            company=aggregator.company,
            kind=LEGAL_KIND,
            registration_number=aggregator.registration_number,
            contracting_party=view.institution_name,
            processors=tuple(DataProcessor(who["name"], who["role"]) for who in aggregator.data_processors),
            complaints=aggregator.complaint_contact,
            mark="kakeibo" if stated.is_sample_aggregator else "",
        ),
        accounts=tuple(_choice(line) for line in view.accounts),
        scopes=tuple(ScopeChoice(scope, aggregator.purposes.get(scope, "")) for scope in view.offered),
        last_day=view.last_day,
        history_months=view.proceeding.facts.history_months,
        history_days=aggregator.history_days if view.window.limit is WindowLimit.AGGREGATOR_CONTRACT else None,
        number_shown=NUMBER in aggregator.identifiers,
        holder_shown=HOLDER in aggregator.identifiers,
        terms=terms,
        terms_digest=view.terms.digest,
        action=stated.action,
        extend_action=stated.extend_action,
        form_token=stated.form_token,
        expires_at=stated.expires_at,
        seconds_left=stated.seconds_left,
        extendable=stated.extendable,
        posted=ticked,
        errors=errors,
        attached=tuple(TermsDocument.parse(document) for document in view.terms.attached),
        terms_changes=changed_articles(before, terms) if before is not None else (),
    )


def errors_of(found: Mistakes) -> tuple[ConsentError, ...]:
    """The error summary, in the order of the page."""
    errors = [ERROR_OF[mistake] for mistake in found.mistakes if mistake in ERROR_OF]
    if Mistake.TERMS_CHANGED in found.mistakes and ConsentError.NO_TERMS not in errors:
        errors.append(ConsentError.NO_TERMS)  # the tick was for another text
    return tuple(error for error in ConsentError if error in errors)


def ticks_kept(ticked: Ticked, found: Mistakes) -> Ticked:
    """What stays ticked (of what the page still offers): agreement to a text that has changed is asked for anew."""
    return replace(ticked, terms=False, risks=False) if Mistake.TERMS_CHANGED in found.mistakes else ticked


def _choice(line: AccountLine) -> AccountChoice:
    account, short = line.account, KIND_WORDS[AccountKind(line.account.kind)]
    return AccountChoice(
        value=str(account.account_id) if line.eligible else "",
        kind=short if short in ("その他", "定期積金") else f"{short}預金",
        short_kind=short,
        last_digits=account.number[-4:],
        label="／".join(word for word in (line.branch_name, account.nickname) if word),
        reason=None if line.eligible else _reason(line),
    )


def _reason(line: AccountLine) -> str:
    """第2条第2項: why an account cannot be chosen."""
    if AccountKind(line.account.kind) not in ELIGIBLE_KINDS:
        return "対象は普通・当座預金です（第2条第2項）"
    if line.account.state == AccountState.REMOVED:
        return "インターネットバンキングに登録されていません（第2条第2項）"
    if line.account.state == AccountState.FROZEN:
        return "いま、お取引を止めている口座です"
    return "この商品は対象ではありません（第2条第2項）"
