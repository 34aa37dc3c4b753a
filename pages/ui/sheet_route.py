"""GET /api/sheets/{model}/{step}.png: the picture sheets of a training, for the browser to fetch by itself.

`model` is a reference of gan_core.library ("cgan", "run:20260102-030405-cgan"), never a path. A sheet does not change
once it is written, so browsers keep it.
"""

from __future__ import annotations

import asyncio
from importlib import import_module

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

SHEETS_ROUTE = "/api/sheets"


async def serve_sheet(request: Request) -> Response:
    """The PNG; 404 for whatever is not a sheet of a known training."""
    params = request.path_params
    data = await asyncio.to_thread(read_sheet, params["model"], params["step"])
    if data is None:
        return PlainTextResponse("There is no such sheet.", status_code=404)
    headers = {"Cache-Control": "private, max-age=86400, immutable", "X-Content-Type-Options": "nosniff"}
    return Response(data, media_type="image/png", headers=headers)


def read_sheet(model: str, step: int) -> bytes | None:
    """The sheet of `model` at `step`; None where there is none."""
    # Imported late: the launcher imports this module, and the library needs torch.
    library = import_module("gan_core.library")
    data: bytes | None = library.sheet_bytes(model, step)
    return data


ROUTES = [Route(SHEETS_ROUTE + "/{model}/{step:int}.png", serve_sheet)]
