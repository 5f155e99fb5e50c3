"""Each field of an order is checked by the pretend Ayolinx: missing, of another kind, of another form."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paygate_ayolinx.door import SandboxAccount
from paygate_ayolinx.simulator import AyolinxSimulator

from tests.merchant import (
    ACCOUNT,
    AMOUNT,
    LINK,
    NOTIFICATION,
    ORDERS,
    PAY_RETURN,
    QRIS,
    SERVICES,
    STORE,
    WALLET,
    Clock,
    Merchant,
)

TEXTS = {
    WALLET: ["partnerReferenceNo", "validUpTo", "amount.value", "amount.currency", "additionalInfo.channel"],
    ACCOUNT: [
        "partnerServiceId",
        "customerNo",
        "virtualAccountName",
        "trxId",
        "virtualAccountTrxType",
        "totalAmount.value",
        "totalAmount.currency",
        "additionalInfo.channel",
    ],
    STORE: [
        "partnerReferenceNo",
        "validUpTo",
        "customerName",
        "customerEmail",
        "amount.value",
        "amount.currency",
        "additionalInfo.channel",
    ],
    LINK: [
        "partnerReferenceNo",
        "customerName",
        "customerEmail",
        "customerPhoneNumber",
        "customerPhoneNumberCountryCode",
        "listItem.1.name",
        "listItem.1.price",
        "listItem.1.qty",
        "expiryTime",
    ],
}
OTHERS = {
    WALLET: ["amount", "additionalInfo", "urlParams"],
    ACCOUNT: ["totalAmount", "additionalInfo"],
    STORE: ["amount", "additionalInfo"],
    LINK: ["listItem", "listPaymentChannel", "description"],
}
MANDATORY = [(path, field) for table in (TEXTS, OTHERS) for path, fields in table.items() for field in fields]
GONE = object()


def changed(path: str, field: str, value: Any) -> dict[str, Any]:
    """The order of an API with one field changed, or left out by GONE."""
    body = copy.deepcopy(dict(ORDERS[path]))
    inner: Any = body
    *way, last = [int(part) if part.isdecimal() else part for part in field.split(".")]
    for part in way:
        inner = inner[part]
    if value is GONE:
        del inner[last]
    else:
        inner[last] = value
    return body


@pytest.fixture
def merchant(make_simulator: Callable[..., AyolinxSimulator], account: SandboxAccount) -> Merchant:
    """A merchant of a pretend Ayolinx whose clock stands still."""
    clock = Clock()
    return Merchant(make_simulator(clock=clock), account, clock)


def refused(merchant: Merchant, path: str, body: Any, case: str, name: str) -> None:
    """Check that an order is refused under a case, with the field's name, and that nothing is charged."""
    answer = merchant.ask(body, path)
    code = case[:3] + SERVICES[path] + case[3:]
    assert (code, {"responseCode", "responseMessage"}) == (answer["responseCode"], set(answer))
    assert name in answer["responseMessage"]
    assert () == merchant.simulator.ledger.charges


@pytest.mark.parametrize(("path", "field"), MANDATORY)
@pytest.mark.parametrize("value", [GONE, None], ids=["gone", "null"])
def test_a_field_that_is_missing(merchant: Merchant, path: str, field: str, value: Any) -> None:
    """An order without a mandatory field is refused, and the answer names it."""
    refused(merchant, path, changed(path, field, value), "40002", field.rpartition(".")[2])


@pytest.mark.parametrize(("path", "field"), [(path, field) for path in TEXTS for field in TEXTS[path]])
def test_a_field_that_is_empty(merchant: Merchant, path: str, field: str) -> None:
    """So is one with an empty text."""
    refused(merchant, path, changed(path, field, ""), "40002", field.rpartition(".")[2])


@pytest.mark.parametrize(("path", "field"), MANDATORY)
@pytest.mark.parametrize("value", [1, True, 0.5, [[]], {"": 1}], ids=repr)
def test_a_field_of_another_kind(merchant: Merchant, path: str, field: str, value: Any) -> None:
    """A number is not a text, and a list is not an object."""
    answer = merchant.ask(changed(path, field, value), path)
    assert answer["responseCode"][:3] == "400"
    assert answer["responseCode"][3:5] == SERVICES[path]
    assert () == merchant.simulator.ledger.charges


@pytest.mark.parametrize(
    ("path", "field"),
    [(path, field) for path in TEXTS for field in TEXTS[path] if "amount" not in field.lower()],
)
@pytest.mark.parametrize("value", [81234567890, "x" * 256, "a\nb", "\x00", "a\x7f", "\ud800"], ids=ascii)
def test_a_text_of_another_form(merchant: Merchant, path: str, field: str, value: Any) -> None:
    """Numbers, control characters and endless texts are no field's value."""
    refused(merchant, path, changed(path, field, value), "40001", field.rpartition(".")[2])


@pytest.mark.parametrize(
    ("path", "field"), [(WALLET, "amount"), (ACCOUNT, "totalAmount"), (STORE, "amount"), (QRIS, "amount")]
)
@pytest.mark.parametrize(
    ("amount", "case"),
    [
        (AMOUNT | {"value": "10000"}, "40001"),
        (AMOUNT | {"value": 10000}, "40001"),
        (AMOUNT | {"value": "10.000,00"}, "40001"),
        (AMOUNT | {"value": "-1.00"}, "40001"),
        (AMOUNT | {"currency": "USD"}, "40001"),
        (AMOUNT | {"value": "0.00"}, "40413"),
    ],
)
def test_an_amount_of_another_form(
    merchant: Merchant, path: str, field: str, amount: dict[str, Any], case: str
) -> None:
    """An amount is rupiah in text with two decimals, more than zero, by whatever name it goes."""
    name = "Amount" if case == "40413" else field if type(amount["value"]) is str else "value"
    refused(merchant, path, changed(path, field, amount), case, name)


@pytest.mark.parametrize("path", [QRIS, WALLET, ACCOUNT, STORE])
@pytest.mark.parametrize(
    "channel", ["BNC_QRIS", "EMONEY_DANA_SNAP", "VIRTUAL_ACCOUNT_BNI", "RETAIL_ALFAMART"]
)
def test_a_channel_of_another_api(merchant: Merchant, path: str, channel: str) -> None:
    """An API serves its own channels only."""
    own = ORDERS[path]["additionalInfo"]["channel"]
    if channel == own:
        merchant.order(path)
    else:
        refused(merchant, path, changed(path, "additionalInfo.channel", channel), "40001", "channel")


@pytest.mark.parametrize(
    ("path", "channel"),
    [
        (WALLET, "EMONEY_OVO_SNAP"),
        (WALLET, "emoney_dana_snap"),
        (ACCOUNT, "VIRTUAL_ACCOUNT_BCA"),
        (ACCOUNT, "VIRTUAL_ACCOUNT_PERMATA"),
        (STORE, "RETAIL_INDOMARET"),
    ],
)
def test_a_channel_without_evidence(merchant: Merchant, path: str, channel: str) -> None:
    """What the docs do not offer is not there."""
    refused(merchant, path, changed(path, "additionalInfo.channel", channel), "40001", "channel")


LOCAL = "https://shop.example/hooks"


@pytest.mark.parametrize("path", ORDERS)
@pytest.mark.parametrize(
    "listed",
    [
        "https://shop.example",
        {"type": "NOTIFICATION", "url": LOCAL},
        [LOCAL],
        [{"type": "notification", "url": LOCAL}],
        [{"type": "CALLBACK", "url": LOCAL}],
        [NOTIFICATION, NOTIFICATION],
        [{"type": "NOTIFICATION", "url": "/hooks"}],
        [{"type": "NOTIFICATION", "url": "shop.example/hooks"}],
        [{"type": "NOTIFICATION", "url": "ftp://shop.example/hooks"}],
        [{"type": "NOTIFICATION", "url": "https://"}],
        [{"type": "NOTIFICATION", "url": "https:///hooks"}],
        [{"type": "NOTIFICATION", "url": "https://?x"}],
        [{"type": "NOTIFICATION", "url": "https://shop.example/ hooks"}],
        [{"type": "NOTIFICATION", "url": "https://shop.example/" + "x" * 2048}],
        [{"type": "NOTIFICATION", "url": ["https://shop.example"]}],
    ],
    ids=lambda listed: str(listed)[:70],
)
def test_addresses_that_are_wrong(merchant: Merchant, path: str, listed: Any) -> None:
    """`urlParams` is a list of absolute addresses, each of a known type and there once."""
    body = ORDERS[path] | {"urlParams": listed}
    answer = merchant.ask(body, path)
    assert f"400{SERVICES[path]}01" == answer["responseCode"]
    assert () == merchant.simulator.ledger.charges


@pytest.mark.parametrize("path", [path for path in ORDERS if path != WALLET])
def test_addresses_that_may_be_left_out(merchant: Merchant, path: str) -> None:
    """All but a wallet may do without; where the payer's browser goes is asked for wallets alone."""
    for number, listed in enumerate([None, [], [NOTIFICATION]]):
        merchant.order(path, f"OTHER-{number}", urlParams=listed)
    assert (
        f"400{SERVICES[path]}01"
        == merchant.ask(ORDERS[path] | {"urlParams": [PAY_RETURN]}, path)["responseCode"]
    )


@pytest.mark.parametrize("listed", [[], [NOTIFICATION], [PAY_RETURN]])
def test_a_wallet_needs_both_addresses(merchant: Merchant, listed: Any) -> None:
    """With one of the two missing nothing is charged."""
    refused(merchant, WALLET, ORDERS[WALLET] | {"urlParams": listed}, "40002", "urlParams")


ENDS = [
    "1789355700",
    "1789355699",
    "178935930",
    "1789359300000",
    "1789359300.0",
    "+1789359300",
    " 1789359300",
    "١٧٨٩٣٥٩٣٠٠",
    "2026-09-14",
    "2026-09-14 11:15:00+07:00",
    "2026-09-14T11:15:00",
    "2026-09-14T11:15:00.000+07:00",
    "2026-09-14T10:15:00+07:00",
    "2026-09-14T10:14:59+07:00",
    "never",
]
ISO_END = "2026-09-14T11:15:00+07:00"


@pytest.mark.parametrize(
    ("path", "field"),
    [(WALLET, "validUpTo"), (STORE, "validUpTo"), (ACCOUNT, "expiredDate"), (LINK, "expiryTime")],
)
@pytest.mark.parametrize("end", ENDS)
def test_an_end_of_another_form(merchant: Merchant, path: str, field: str, end: str) -> None:
    """An end is a time to come, in the API's own form."""
    refused(merchant, path, ORDERS[path] | {field: end}, "40001", field)


@pytest.mark.parametrize(
    ("path", "field", "end", "code"),
    [
        (WALLET, "validUpTo", "1789359300", "2005400"),
        (WALLET, "validUpTo", ISO_END, "4005401"),
        (STORE, "validUpTo", "1789359300", "00"),
        (STORE, "validUpTo", ISO_END, "00"),
        (ACCOUNT, "expiredDate", ISO_END, "2002700"),
        (ACCOUNT, "expiredDate", "1789359300", "4002701"),
        (LINK, "expiryTime", ISO_END, "2000100"),
        (LINK, "expiryTime", "1789359300", "4000101"),
    ],
)
def test_each_api_has_its_own_form_of_an_end(
    merchant: Merchant, path: str, field: str, end: str, code: str
) -> None:
    """A wallet takes unix seconds, accounts and links an ISO time, and stores either: their page does not say."""
    assert code == merchant.ask(ORDERS[path] | {field: end}, path)["responseCode"]
    for charge in merchant.simulator.ledger.charges:
        assert 1_789_359_300 == charge.expires_at.timestamp() == merchant.clock() + 3600


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["INV-1", "1" * 400]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["type", "url", "name", "price"]), inner)
    ),
    max_leaves=5,
)


@given(place=st.sampled_from(MANDATORY), value=JSON)
def test_any_value_of_any_field(merchant: Merchant, place: tuple[str, str], value: Any) -> None:
    """Whatever stands in a field, the answer is one of the API's own; a refused order leaves nothing behind."""
    path, field = place
    before = len(merchant.simulator.ledger.charges)
    code = merchant.ask(changed(path, field, value), path)["responseCode"]
    success = code == "00" or code.startswith("200")
    assert success or code[:3] in ("400", "404", "409")
    assert before + success == len(merchant.simulator.ledger.charges)
