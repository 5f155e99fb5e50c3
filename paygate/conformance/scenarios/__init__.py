"""Every scenario, by the room that it is in, in the order in which they are played and documented."""

from typing import Final

from paygate.conformance.scenario import Scenario
from paygate.conformance.scenarios import (
    callbacks,
    codes,
    forgeries,
    money,
    outcomes,
    privacy,
    requests,
    sending,
    shape,
    shells,
    strangers,
)

SCENARIOS: Final[tuple[Scenario, ...]] = (
    *shape.SCENARIOS,
    *requests.SCENARIOS,
    *outcomes.SCENARIOS,
    *sending.SCENARIOS,
    *codes.SCENARIOS,
    *money.SCENARIOS,
    *callbacks.SCENARIOS,
    *forgeries.SCENARIOS,
    *strangers.SCENARIOS,
    *privacy.SCENARIOS,
    *shells.SCENARIOS,
)
