"""OAuth door: the authorization server's endpoints for aggregators (RFC 6749, 9126, 7009, 8414, 9728)."""

from madoguchi.doors.oauth.context import OAuthContext
from madoguchi.doors.oauth.endpoints import routes

__all__ = ["OAuthContext", "routes"]
