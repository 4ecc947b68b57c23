"""解約 (5-2): a customer who has registered ends internet banking, and every registration under the contract ends."""

from madoguchi.rules.vocabulary import ContractState
from madoguchi.sandbox.plays.contract_events import contracts, played_out, registered, send
from madoguchi.sandbox.plays.telling import Scene, Told


async def play(scene: Scene, number: str | None) -> Told:
    """Cancel the contracts of this customer, or of who registered last. Raises CannotPlay before a registration."""
    if number is None or ContractState.LIVE in (await contracts(scene, number)).values():
        number = (await registered(scene, number)).customer_number
    states = await contracts(scene, number)
    ending = [product for product, state in states.items() if state is not ContractState.CANCELLED]
    if ending:
        drafts = [{"kind": "contract.cancelled", "customer_number": number, "product": product} for product in ending]
        await send(scene, drafts)
    done = "解約しました。このお客さまの登録は、すべて終わりました" if ending else "すでに解約済みです"
    return Told(
        happened=f"お客さま {number} のインターネットバンキング: {done}(第5条第2項)。",
        aggregator="このお客さまのトークン: /graphql は HTTP 401、errors に REGISTRATION_NOT_ACTIVE(第4条第1項)と "
        "INTERNET_BANKING_ENDED(第1条第2項第1号)。更新は /token が HTTP 400 invalid_grant。トークンは捨てます。",
        customer="登録は「終わった連携」になります。新しい登録には、インターネットバンキングの契約が要ります。",
        undo=f"madoguchi sandbox play cancellation --customer {number} --undo",
        changed=bool(ending),
    )


async def undo(scene: Scene, number: str | None) -> Told:
    """Contract anew, as far as the feed allows: ended registrations stay ended, the customer has to consent again."""
    if number is not None:
        await contracts(scene, number)
    again = await played_out(scene, number, ContractState.CANCELLED)
    for customer in again:
        states = await contracts(scene, customer.number)
        drafts = [
            {
                "kind": "contract.opened",
                "customer_number": customer.number,
                "product": product,
                "customer_name": customer.name,
                "customer_kana": customer.kana,
            }
            for product, state in states.items()
            if state is ContractState.CANCELLED
        ]
        await send(scene, drafts)
    done = "、".join(customer.number for customer in again)
    return Told(
        happened=f"お客さま {done} が、もう一度契約しました。終わった登録は、終わったままです。"
        if again
        else "もう一度契約する方はいません。",
        aggregator="前のトークンは使えないままです(401)。新しい認可から始めます。",
        customer="もう一度、登録できます(あらためて同意が要ります)。",
        changed=bool(again),
    )
