"""QRIS payloads as EMV merchant-presented QR codes, with nothing pretended but the merchant.

Source: EMVCo QR Code Specification for Payment Systems, merchant-presented mode 1.1; the national
QRIS identifiers (tags 26 and 51) as printed on payloads in use.
"""

import binascii
import io
from collections.abc import Iterable
from typing import Final

from paygate.money import Money

LONGEST_AMOUNT: Final = 13
ACQUIRER_NMID: Final = "ID1020000000001"


def qris_payload(amount: Money, *, acquirer: str, merchant: str, city: str, label: str) -> str:
    """A dynamic QRIS for one amount; `acquirer` is its reverse domain name, `label` the reference label."""
    whole = amount.amount.to_integral_value()
    shown = str(whole if whole == amount.amount else amount.amount)
    if len(shown) > LONGEST_AMOUNT:
        raise ValueError(f"a QRIS holds {LONGEST_AMOUNT} characters of amount, and {shown} is longer")
    account = _joined([("00", acquirer), ("01", "936004900000000018"), ("03", "UMI")])
    national = _joined([("00", "ID.CO.QRIS.WWW"), ("02", ACQUIRER_NMID), ("03", "UMI")])
    text = _joined(
        [
            ("00", "01"),
            ("01", "12"),
            ("26", account),
            ("51", national),
            ("52", "5812"),
            ("53", "360"),
            ("54", shown),
            ("58", "ID"),
            ("59", merchant[:25]),
            ("60", city[:15]),
            ("61", "10110"),
            ("62", _joined([("05", label[:25])])),
        ]
    )
    return f"{text}6304{_crc(text + '6304')}"


def qris_picture(payload: str) -> bytes:
    """A payload as the picture that a payer scans, in PNG. Needs the extra `sandbox`."""
    import segno

    picture = io.BytesIO()
    segno.make(payload, micro=False).save(picture, kind="png", scale=6, border=4)
    return picture.getvalue()


def qris_fields(payload: str) -> dict[str, str]:
    """Read a payload into its fields by tag; raise ValueError for a wrong length or checksum."""
    if len(payload) < 8 or _crc(payload[:-4]) != payload[-4:]:
        raise ValueError("the checksum is wrong")
    fields = {}
    rest = payload
    while rest:
        tag, length = rest[:2], rest[2:4]
        if not (tag + length).isdecimal() or len(rest) < 4 + int(length):
            raise ValueError(f"the field {tag!r} is cut off")
        fields[tag] = rest[4 : 4 + int(length)]
        rest = rest[4 + int(length) :]
    return fields


def _joined(fields: Iterable[tuple[str, str]]) -> str:
    return "".join(f"{tag}{len(value):02d}{value}" for tag, value in fields)


def _crc(text: str) -> str:
    """CRC-16/CCITT-FALSE, four capital hexadecimal digits."""
    return f"{binascii.crc_hqx(text.encode('ascii'), 0xFFFF):04X}"
