"""GET /assets/plotly.min.js: the script behind all charts, from the installed plotly package; no copy of it is here.

The launcher needs no more than this of plotly, which takes a while to load as a whole.
"""

import gzip
from functools import cache
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

PLOTLY_ROUTE = "/assets/plotly.min.js"


@cache
def plotly_script() -> bytes:
    """plotly.min.js, gzipped once (4.8 MB becomes 1.5 MB)."""
    return gzip.compress((files("plotly") / "package_data" / "plotly.min.js").read_bytes(), compresslevel=6)


def serve_plotly(request: Request) -> Response:
    """The script, cached by the browser for a year: its address carries plotly's version."""
    body, headers = plotly_script(), {"Cache-Control": "public, max-age=31536000, immutable", "Vary": "Accept-Encoding"}
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(body, media_type="text/javascript", headers=headers | {"Content-Encoding": "gzip"})
    return Response(gzip.decompress(body), media_type="text/javascript", headers=headers)


ROUTES = [Route(PLOTLY_ROUTE, serve_plotly)]
