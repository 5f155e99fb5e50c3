import struct
import zlib
from decimal import Decimal

import pytest
import qriskit
import segno
from hypothesis import given
from hypothesis import strategies as st

from paygate import Money
from paygate.sandbox import qris_fields, qris_payload, qris_picture

REFERENCES = st.from_regex(r"[\x21-\x7e]{1,25}", fullmatch=True)
AMOUNTS = st.decimals("0.01", "9999999999.99", places=2)

# The example of the Banco Central do Brasil's Pix manual: an EMV payload that we did not write.
PIX = (
    "00020126580014br.gov.bcb.pix0136123e4567-e12b-12d1-a456-4266554400005204000053039865802BR"
    "5913Fulano de Tal6008BRASILIA62070503***63041D3D"
)


def crc(data: bytes) -> int:
    """CRC-16/CCITT-FALSE bit by bit: polynomial 1021, begun with FFFF, nothing reflected."""
    register = 0xFFFF
    for byte in data:
        register ^= byte << 8
        for _ in range(8):
            register = register << 1 ^ 0x1021 if register & 0x8000 else register << 1
            register &= 0xFFFF
    return register


def made(
    amount: Money | None = None, label: str = "INV-1", merchant: str = "WARUNG", city: str = "JAKARTA"
) -> str:
    return qris_payload(
        amount or Money.idr(25_000),
        acquirer="ID.CO.BANKNEOCOMMERCE.WWW",
        merchant=merchant,
        city=city,
        label=label,
    )


def sealed(text: str) -> str:
    """A payload with the checksum that it should have."""
    return f"{text}6304{crc(f'{text}6304'.encode()):04X}"


def tags(text: str) -> list[str]:
    """The tags in the order they stand, read without the code under test."""
    found = []
    while text:
        found.append(text[:2])
        text = text[4 + int(text[2:4]) :]
    return found


def test_the_judge_of_checksums_is_right() -> None:
    """Our second CRC gives the published check value of CRC-16/CCITT-FALSE."""
    assert 0x29B1 == crc(b"123456789")


def test_the_checksum_is_ccitt_false_over_all_that_precedes_it() -> None:
    """The tag and length of the checksum itself are part of it; it is written in four capital digits."""
    payload = made()
    assert f"6304{crc(payload[:-4].encode()):04X}" == payload[-8:]


def test_a_published_payload_is_read() -> None:
    """A payload printed by a central bank has a right checksum and fields."""
    fields = qris_fields(PIX)
    assert ("Fulano de Tal", "BRASILIA", "1D3D") == (fields["59"], fields["60"], fields["63"])


@pytest.mark.parametrize("payload", [made(), made(Money("1.50")), made(label="x" * 64)])
def test_tags_ascend(payload: str) -> None:
    """The format indicator is first, the checksum last, and the rest in ascending order."""
    found = tags(payload)
    assert sorted(found) == found
    assert ("00", "63") == (found[0], found[-1])
    assert len(set(found)) == len(found)
    for template in ("26", "51", "62"):
        inside = tags(qris_fields(payload)[template])
        assert sorted(inside) == inside


def test_it_says_what_a_dynamic_indonesian_code_says() -> None:
    """Version 01, used once, rupiah, Indonesia, and who is paid."""
    fields = qris_fields(made())
    expected = {
        "00": "01",
        "01": "12",
        "53": "360",
        "54": "25000",
        "58": "ID",
        "59": "WARUNG",
        "60": "JAKARTA",
    }
    assert expected == {tag: fields[tag] for tag in expected}
    assert "0505INV-1" == fields["62"]


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        ("25000.00", "25000"),
        ("1", "1"),
        ("1.50", "1.50"),
        ("100000", "100000"),
        ("0.01", "0.01"),
        ("1234567890", "1234567890"),
    ],
)
def test_an_amount_is_written_in_plain_digits(amount: str, shown: str) -> None:
    """Whole rupiah without decimals, others with two; never an exponent."""
    assert shown == qris_fields(made(Money(amount)))["54"]


def test_names_are_cut_to_the_lengths_of_the_standard() -> None:
    """Merchant 25, city 15, reference label 25 characters."""
    fields = qris_fields(made(label="L" * 64, merchant="M" * 64, city="C" * 64))
    assert ("M" * 25, "C" * 15, "0525" + "L" * 25) == (fields["59"], fields["60"], fields["62"])


@given(amount=AMOUNTS, label=REFERENCES)
def test_every_payload_is_valid_to_another_library(amount: Decimal, label: str) -> None:
    """qriskit finds nothing wrong, and reads the amount, the merchant and the label that we wrote."""
    payload = made(Money(amount), label=label)
    code = qriskit.parse(payload, strict=True)
    assert [] == qriskit.validate(code)
    assert code.amount is not None
    assert Money(amount).amount == code.amount
    assert label == code.additional_data.reference_label
    assert "WARUNG" == code.merchant_name
    assert payload == code.dumps()


@given(amount=AMOUNTS, label=REFERENCES)
def test_a_payload_reads_back(amount: Decimal, label: str) -> None:
    """The fields together are the payload."""
    payload = made(Money(amount), label=label)
    assert payload == "".join(f"{tag}{len(value):02d}{value}" for tag, value in qris_fields(payload).items())


@given(st.data())
def test_a_changed_character_is_noticed(data: st.DataObject) -> None:
    """One wrong character anywhere raises ValueError."""
    payload = made()
    place = data.draw(st.integers(0, len(payload) - 1))
    other = data.draw(st.characters().filter(lambda sign: sign != payload[place]))
    with pytest.raises(ValueError):
        qris_fields(payload[:place] + other + payload[place + 1 :])


@given(st.text())
def test_no_text_is_read_by_mistake(text: str) -> None:
    """Anything that is no payload raises ValueError and nothing else."""
    with pytest.raises(ValueError):
        qris_fields(text)


@pytest.mark.parametrize(
    "payload",
    [
        "",
        "6304",
        made()[:-1],
        made()[1:],
        made().lower(),
        made()[:-4] + made()[-4:].lower(),
        made() + "0",
        sealed("0002010"),
        sealed("0003"),
        sealed("00ab01"),
        sealed("a00201"),
        sealed("000201999"),
    ],
)
def test_a_broken_payload_is_refused(payload: str) -> None:
    """A missing, lower-case or wrong checksum and a wrong length raise ValueError."""
    with pytest.raises(ValueError):
        qris_fields(payload)


def test_a_payload_has_a_picture() -> None:
    """In PNG, of every dot of its code and the quiet border that a scanner needs, dark on light."""
    payload = made()
    picture = qris_picture(payload)
    kind, width, height, depth, colour = struct.unpack(">4sIIBB", picture[12:26])
    assert (b"\x89PNG\r\n\x1a\n", b"IHDR") == (picture[:8], kind)
    code = segno.make(payload, micro=False)
    assert (6 * (len(code.matrix) + 8),) * 2 == (width, height)
    assert (1, 0) == (depth, colour)
    start = picture.index(b"IDAT")
    packed = picture[start + 4 : start + 4 + int.from_bytes(picture[start - 4 : start], "big")]
    stored = zlib.decompress(packed)
    stride = 1 + (width + 7) // 8
    lines = [bytes(stride - 1)]
    for place in range(0, len(stored), stride):
        line = stored[place + 1 : place + stride]
        above = lines[-1] if stored[place] == 2 else bytes(stride - 1)  # PNG's filter "up", or none
        assert stored[place] in (0, 2)
        lines.append(bytes((one + other) % 256 for one, other in zip(line, above, strict=True)))

    def is_dark(row: int, column: int) -> bool:
        x, y = 6 * (column + 4) + 3, 6 * (row + 4) + 3
        return not lines[y + 1][x // 8] >> (7 - x % 8) & 1

    size = range(-4, len(code.matrix) + 4)
    inside = range(len(code.matrix))
    for row in size:
        for column in size:
            expected = row in inside and column in inside and code.matrix[row][column] == 1
            assert expected == is_dark(row, column)


@pytest.mark.parametrize("amount", ["99999999999999.99", "12345678901.50"])
def test_an_amount_too_long_for_the_standard_is_not_written(amount: str) -> None:
    """EMV allows 13 characters: a longer amount is refused rather than printed on a code nobody can read."""
    with pytest.raises(ValueError):
        made(Money(amount))
