"""What can go wrong."""


class BusClosedError(RuntimeError):
    """The bus has been shut down."""


class SubscriptionEndedError(RuntimeError):
    """A subscription gets no more events: it was cancelled, has expired, or failed too often."""
