"""OAuth door: the authorization server's endpoints for aggregators (RFC 6749, 9126, 7009, 8414, 9728)."""

from madoguchi.doors.oauth.context import OAuthContext
from madoguchi.doors.oauth.endpoints import routes
from madoguchi.doors.oauth.metadata import FOR_MACHINES
from madoguchi.doors.oauth.refusing import refuse

__all__ = ["FOR_MACHINES", "OAuthContext", "refuse", "routes"]
