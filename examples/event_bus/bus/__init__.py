"""A bus for events inside one process."""

from bus.bus import EventBus
from bus.errors import BusClosedError, SubscriptionEndedError
from bus.subscription import Subscription

__all__ = ["BusClosedError", "EventBus", "Subscription", "SubscriptionEndedError"]
