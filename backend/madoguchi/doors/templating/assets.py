"""Static files under names that hold a hash of their content, so that a browser may keep them for ever.

All of them are read once at start: they are few and small, and serving from memory leaves no file path for a
request to play with. A Range header is ignored, which RFC 9110 section 14.2 allows.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path, PurePosixPath
from types import MappingProxyType

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

MEDIA_TYPES = MappingProxyType({
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
})


@dataclass(frozen=True, slots=True)
class Asset:
    body: bytes
    media_type: str


@dataclass(frozen=True, slots=True)
class Assets:
    """`names` maps `css/base.css` to its hashed name; `files` maps the hashed name to what is served."""

    names: Mapping[str, str]
    files: Mapping[str, Asset]
    base: str = "/static"

    @classmethod
    def read(cls, directory: Path) -> "Assets":
        """Read every file of known kind under `directory`. Raises FileNotFoundError when there is none."""
        names: dict[str, str] = {}
        files: dict[str, Asset] = {}
        for path in sorted(directory.rglob("*")):
            media_type = MEDIA_TYPES.get(path.suffix)
            if media_type is None or not path.is_file():
                continue
            body = path.read_bytes()
            plain = PurePosixPath(path.relative_to(directory))
            hashed = str(plain.with_name(f"{plain.stem}.{sha256(body).hexdigest()[:16]}{plain.suffix}"))
            names[str(plain)] = hashed
            files[hashed] = Asset(body, media_type)
        if not files:
            raise FileNotFoundError(f"no static files under {directory}")
        return cls(MappingProxyType(names), MappingProxyType(files))

    def url(self, name: str) -> str:
        """The address of `css/base.css`. Raises KeyError for a file that is not there: a template's bug."""
        return f"{self.base}/{self.names[name]}"

    async def serve(self, request: Request) -> Response:
        """Answer GET {base}/{path:path}. An unhashed or unknown name is 404."""
        found = self.files.get(request.path_params["path"])
        if found is None:
            return PlainTextResponse("not found", status_code=404, headers={"Cache-Control": "no-store"})
        headers = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}
        return Response(found.body, media_type=found.media_type, headers=headers)
