"""``/metrics``: for Prometheus."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get
from litestar.di import NamedDependency

from application.app import Application

TEXT = "text/plain; version=0.0.4"  # the framework adds the charset


@get("/metrics", media_type=TEXT)
async def show_metrics(application: NamedDependency[Application], request: Request[Any, Any, Any]) -> Response[bytes]:
    """Tell what all processes of this machine have counted, in Prometheus's text format."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    shown = token.strip() if scheme.lower() == "bearer" else None
    return Response(await application.show_metrics(shown), media_type=TEXT)


routes = [show_metrics]
