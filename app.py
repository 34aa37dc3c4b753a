"""Launcher: `streamlit run app.py`. The interface itself starts at pages/ui/main.py.

An `st.App` rather than a plain script, for three reasons: a link to any page opens the whole app on a fresh server, the
training supervisor lives and dies with the server, and plotly.js is served from the installed package.
"""

import gc
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from typing import Any

import streamlit as st
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.routing import Route

from gan_core import openmp
from pages.ui import plotly_route, sheet_route, sign_in
from pages.ui.visitor import VisitorCookie

# What pages import beyond the first one; loading it then would let the visitor wait.
USED_LATER = ("gan_core.explore", "gan_core.comparison", "gan_core.anatomy", "gan_core.evaluation.inspection",
              "plotly.graph_objects")  # fmt: skip


def go_home(request: Request) -> RedirectResponse:
    """Every page answers under its file name, the first page too, which Streamlit serves at the root only."""
    return RedirectResponse(str(request.url.replace(path=request.scope.get("root_path", "") + "/")), status_code=307)


def start_up() -> None:
    """Load what pages need while the visitor's browser still loads the app, and begin to watch over training."""
    openmp.settle(watched=False)
    plotly_route.plotly_script()
    supervisor().start()
    # The first such check has torch load more of itself; better now than between a click on Train and the training.
    import_module("gan_core.fitting").check_fit(import_module("gan_core.recipes").RECIPES[0])
    for name in USED_LATER:
        import_module(name)
    set_aside()


def set_aside() -> None:
    """Spare the collector what is loaded for good.

    Streamlit collects garbage after each run of a page and each tick of a part of one; going through torch's and
    plotly's quarter of a million objects took 0.1 seconds each time, in which no page of any visitor moved.
    """
    gc.collect()
    gc.freeze()


def supervisor() -> Any:
    """The process-wide supervisor; its module needs torch, so nothing imports it before the server is up."""
    return import_module("gan_core.jobs").supervisor()


@asynccontextmanager
async def lifespan(app: st.App) -> AsyncIterator[None]:
    """Start beside the server, never before it; runs in progress train on when the server stops."""
    starting = threading.Thread(target=start_up, name="start-up", daemon=True)
    starting.start()
    yield
    starting.join()
    supervisor().stop()


ROUTES = [Route("/home", go_home), *plotly_route.ROUTES, *sheet_route.ROUTES, *sign_in.ROUTES]
app = st.App("pages/ui/main.py", lifespan=lifespan, routes=ROUTES, middleware=[Middleware(VisitorCookie)])
