"""What NusaPay does otherwise than SNAP BI has it, and its names of methods."""

from typing import Final

from paygate import ChargeStatus, Method, PermissionDenied, Qris, VirtualAccount
from paygate.snap import GENERAL, STATUSES, SnapProfile

CHANNELS: Final[dict[str, Method]] = {
    "NP_QRIS": Qris(),
    "NP_VA_BNI": VirtualAccount("bni"),
    "NP_VA_BRI": VirtualAccount("bri"),
    "NP_VA_MANDIRI": VirtualAccount("mandiri"),
}
BANKS: Final = ("bni", "bri", "mandiri")
METHODS: Final = tuple(CHANNELS.values())
EXPIRED: Final = "08"

PROFILE: Final = SnapProfile(
    token_path="/nusa/snap/v1.0/access-token/b2b",
    prefix="/nusa/snap",
    unsigned_prefix="/nusa",
    paths={"47": "/nusa/snap/v1.1/qr/qr-mpm-generate-dynamic"},
    channel_id="95131",
    channel_field="paymentChannel",
    encoding="hex",
    layout="ms+07:00",
    customer_digits=12,
    inbound=("asymmetric", "symmetric"),
    errors={**GENERAL, (403, "24"): PermissionDenied},
    statuses={**STATUSES, EXPIRED: ChargeStatus.EXPIRED},
)
