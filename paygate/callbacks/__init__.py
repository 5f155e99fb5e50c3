"""Applications that receive callbacks, to mount in any ASGI or WSGI program."""

from paygate.callbacks.asgi import AsgiCallbacks
from paygate.callbacks.wsgi import WsgiCallbacks

__all__ = ["AsgiCallbacks", "WsgiCallbacks"]
