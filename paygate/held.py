"""What the store tells routes: who has a reference."""


class HeldElsewhere(Exception):
    """Routes gave this reference to another gateway before, which has it or may have it."""

    def __init__(self, gateway: str) -> None:
        super().__init__(gateway)
        self.gateway = gateway
