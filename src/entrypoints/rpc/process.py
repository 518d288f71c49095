"""The gRPC process."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from application.app import Application
from entrypoints.process import announced, run_process
from entrypoints.rpc.main import serve_rpc
from entrypoints.rpc.tls import TlsFiles
from entrypoints.settings import Settings


def grpc_process(environment: Mapping[str, str]) -> int:
    """Serve gRPC until SIGTERM; the exit code."""
    return run_process(environment, "grpc", _serve)


async def _serve(application: Application, settings: Settings, stop: asyncio.Event) -> None:
    async with announced(settings.grpc_host, settings.grpc_port):
        await serve_rpc(application, settings.grpc_host, settings.grpc_port, tls=_tls(settings), stop=stop)


def _tls(settings: Settings) -> TlsFiles | None:
    if settings.grpc_tls_cert_file is None or settings.grpc_tls_key_file is None:
        return None
    return TlsFiles(settings.grpc_tls_cert_file, settings.grpc_tls_key_file, settings.grpc_tls_client_ca_file)
