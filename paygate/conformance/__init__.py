"""The kit for adapter authors: what paygate promises, tried on an adapter, without sockets."""

from paygate.conformance.kit import BASE_URL, CALLBACK_URL, GatewayConformance, broken
from paygate.conformance.report import Broken

__all__ = ["BASE_URL", "CALLBACK_URL", "Broken", "GatewayConformance", "broken"]
