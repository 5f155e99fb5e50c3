"""responseCode and its parts, and the table of what each one means whatever the service."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paygate import (
    AlreadyPaid,
    AmountRejected,
    AuthenticationFailed,
    ChargeExpired,
    ChargeNotFound,
    ChargeStatus,
    DuplicateReference,
    InvalidRequest,
    LimitExceeded,
    OutcomeUnknown,
    PaygateError,
    PermissionDenied,
    RateLimited,
    Refused,
    StateConflict,
)
from paygate.snap import GENERAL, STATUSES, SnapCode

# Every row of the standard's general table but 200 00, which is no error: (HTTP, case): what it is to us.
TABLE: dict[tuple[int, str], type[PaygateError]] = {
    (202, "00"): OutcomeUnknown,  # in progress
    (400, "00"): InvalidRequest,  # bad request
    (400, "01"): InvalidRequest,  # field format
    (400, "02"): InvalidRequest,  # field is missing
    (401, "00"): AuthenticationFailed,  # signature, client or address
    (401, "01"): AuthenticationFailed,  # token is invalid
    (401, "02"): AuthenticationFailed,  # customer's token is invalid
    (401, "03"): AuthenticationFailed,  # token not found
    (401, "04"): AuthenticationFailed,  # customer's token not found
    (403, "00"): ChargeExpired,
    (403, "01"): PermissionDenied,  # feature
    (403, "02"): LimitExceeded,  # over the limit of one transaction
    (403, "03"): PermissionDenied,  # suspected fraud
    (403, "04"): LimitExceeded,  # number of activities
    (403, "05"): PermissionDenied,  # not honoured
    (403, "06"): PermissionDenied,  # feature, at this time
    (403, "07"): PermissionDenied,  # card blocked
    (403, "08"): PermissionDenied,  # card expired
    (403, "09"): PermissionDenied,  # dormant account
    (403, "10"): LimitExceeded,  # token limit is not set
    (403, "11"): PermissionDenied,  # one-time password blocked
    (403, "12"): PermissionDenied,  # one-time password expired
    (403, "13"): PermissionDenied,  # one-time password sent
    (403, "14"): LimitExceeded,  # funds
    (403, "15"): PermissionDenied,  # transaction
    (403, "16"): PermissionDenied,  # suspended
    (403, "17"): LimitExceeded,  # of the token
    (403, "18"): PermissionDenied,  # inactive
    (403, "19"): PermissionDenied,  # merchant blacklisted
    (403, "20"): LimitExceeded,  # of the merchant
    (403, "21"): PermissionDenied,  # limit cannot be set
    (403, "22"): LimitExceeded,  # of the token, invalid
    (403, "23"): LimitExceeded,  # of the account
    (404, "00"): StateConflict,  # status of the transaction
    (404, "01"): ChargeNotFound,
    (404, "02"): PermissionDenied,  # routing
    (404, "03"): PermissionDenied,  # bank
    (404, "04"): StateConflict,  # cancelled
    (404, "05"): PermissionDenied,  # merchant not registered
    (404, "06"): PermissionDenied,  # one-time password to be asked for
    (404, "07"): InvalidRequest,  # journey
    (404, "08"): PermissionDenied,  # merchant
    (404, "09"): PermissionDenied,  # issuer
    (404, "10"): InvalidRequest,  # transition
    (404, "11"): InvalidRequest,  # account
    (404, "12"): InvalidRequest,  # bill
    (404, "13"): AmountRejected,
    (404, "14"): AlreadyPaid,
    (404, "15"): PermissionDenied,  # one-time password
    (404, "16"): PermissionDenied,  # partner
    (404, "17"): PermissionDenied,  # terminal
    (404, "18"): OutcomeUnknown,  # inconsistent: some services count it as success
    (404, "19"): ChargeExpired,
    (405, "00"): PermissionDenied,  # function
    (405, "01"): StateConflict,  # operation
    (409, "00"): OutcomeUnknown,  # number used already: it may be a copy of this request
    (409, "01"): DuplicateReference,
    (429, "00"): RateLimited,
    (500, "00"): OutcomeUnknown,
    (500, "01"): OutcomeUnknown,
    (500, "02"): OutcomeUnknown,
    (504, "00"): OutcomeUnknown,
}
NO_CODES = [
    "",
    " ",
    "2004700 ",
    " 2004700",
    "2004700\n",
    "\n2004700",
    "200470",
    "20047000",
    "0004700",
    "6004700",
    "9994700",
    "200-700",
    "200 700",
    "200é700",
    "200_700",
    "20047AA",
    "2O04700",
    "+2004700",
    "-2004700",
    "2004700.0",
    "２００４７００",
    "٢٠٠٤٧٠٠",
    "581000001",
    "00",
    "Successful",
    "\ud800",
]


@pytest.mark.parametrize(
    ("given_code", "parts"),
    [
        ("2004700", (200, "47", "00")),
        ("4042701", (404, "27", "01")),
        (4042701, (404, "27", "01")),
        (2003000, (200, "30", "00")),
        ("200US00", (200, "US", "00")),
        ("401us01", (401, "us", "01")),
        ("5040A99", (504, "0A", "99")),
        ("1000000", (100, "00", "00")),
    ],
)
def test_a_code_is_read_in_its_parts(given_code: str | int, parts: tuple[int, str, str]) -> None:
    """HTTP status, service and case, from text, a number, or a service of letters."""
    assert SnapCode(*parts) == SnapCode.parse(given_code)


@pytest.mark.parametrize("code", NO_CODES)
def test_what_has_not_the_form_is_no_code(code: str) -> None:
    """Nothing is trimmed, guessed or read in another script."""
    assert SnapCode.parse(code) is None


@pytest.mark.parametrize("code", [0, -2004700, 200470, 20047000, 6004700, 10**30])
def test_a_number_that_has_not_the_form_is_no_code(code: int) -> None:
    """Seven digits, the first three an HTTP status."""
    assert SnapCode.parse(code) is None


def test_a_number_too_long_to_write_is_no_code() -> None:
    """Python refuses to write very long numbers; a code is None then, as for anything else."""
    assert SnapCode.parse(10**5000) is None


@given(st.text(st.characters(exclude_categories=())) | st.integers())
def test_anything_is_a_code_or_none(code: str | int) -> None:
    """Reading never raises, and what was read is written the same."""
    parsed = SnapCode.parse(code)
    assert parsed is None or str(code) == str(parsed)


@given(
    st.integers(100, 599),
    st.text(string.ascii_letters + string.digits, min_size=2, max_size=2),
    st.integers(0, 99),
)
def test_a_code_is_written_as_it_was_read(http: int, service: str, case: int) -> None:
    """Reading and writing are each other's inverse, with leading zeros in place."""
    code = SnapCode(http, service, f"{case:02d}")
    assert code == SnapCode.parse(str(code))
    assert len(str(code)) == 7


@given(st.integers(100, 599), st.integers(0, 99))
def test_success_is_200_and_00_alone(http: int, case: int) -> None:
    """Another 2xx, or another case under 200, is no success."""
    assert ((http, case) == (200, 0)) is SnapCode(http, "47", f"{case:02d}").is_success


def test_a_code_is_a_value() -> None:
    """Equal codes are one key of a mapping."""
    assert {SnapCode(200, "47", "00"): 1} == {SnapCode.parse("2004700"): 1}


def test_every_row_of_the_general_table_is_mapped_on_purpose() -> None:
    """The table is the standard's, row by row, and has no others."""
    assert dict(GENERAL) == TABLE
    assert len(TABLE) == 62


def test_no_code_of_the_table_is_a_success() -> None:
    """200 is not in the table: a success is told by its code, any other 200 is unknown."""
    assert not [row for row in GENERAL if row[0] == 200]


def test_a_code_that_leaves_the_money_open_is_never_a_refusal() -> None:
    """Of 202, 5xx, and the two codes that some read as success, nobody may say that nothing was done."""
    unknown = {row for row, kind in GENERAL.items() if kind is OutcomeUnknown}
    assert {row for row in GENERAL if row[0] >= 500 or row[0] == 202} | {(404, "18"), (409, "00")} == unknown
    assert all(issubclass(kind, Refused) for row, kind in GENERAL.items() if row not in unknown)


def test_the_tables_cannot_be_changed() -> None:
    """A plugin that wants other rows makes a table of its own."""
    for table in (GENERAL, STATUSES):
        with pytest.raises(TypeError):
            table["00"] = None  # type: ignore[index]


def test_a_status_is_one_of_the_eight_and_never_guessed() -> None:
    """latestTransactionStatus 00 to 07; 08 and 09 are some providers' own, so theirs to add."""
    assert dict(STATUSES) == {
        "00": ChargeStatus.PAID,
        "01": ChargeStatus.PENDING,
        "02": ChargeStatus.PENDING,
        "03": ChargeStatus.PENDING,
        "04": ChargeStatus.REFUNDED,
        "05": ChargeStatus.CANCELLED,
        "06": ChargeStatus.FAILED,
        "07": None,
    }


def test_only_one_status_means_paid() -> None:
    """Goods are handed over for 00 alone."""
    assert [code for code, status in STATUSES.items() if status is ChargeStatus.PAID] == ["00"]
