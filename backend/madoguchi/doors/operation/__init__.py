"""The operator's door: whether it is well, and its figures, on a port of its own that no customer can reach."""

from madoguchi.doors.operation.endpoints import OperationContext, operation_app
from madoguchi.doors.operation.layers import Metered, OperatorsPort
from madoguchi.doors.operation.meter import Meter, Watched, doors_of

__all__ = ["Meter", "Metered", "OperationContext", "OperatorsPort", "Watched", "doors_of", "operation_app"]
