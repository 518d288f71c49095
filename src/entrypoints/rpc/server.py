"""All services on one screen, over one application."""

from __future__ import annotations

import grpc
from grpc_health.v1 import health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from application.app import Application
from entrypoints.rpc._generated.frontdesk.v1 import conversation_pb2, credit_pb2
from entrypoints.rpc._generated.frontdesk.v1.conversation_pb2_grpc import add_ConversationServiceServicer_to_server
from entrypoints.rpc._generated.frontdesk.v1.credit_pb2_grpc import add_CreditServiceServicer_to_server
from entrypoints.rpc.conversations import ConversationServicer
from entrypoints.rpc.credits import CreditServicer
from entrypoints.rpc.health import ServingHealth
from entrypoints.rpc.interceptors import CALL_SECONDS_MAX, CallInterceptor

SERVICES = tuple(
    service.full_name
    for file in (credit_pb2.DESCRIPTOR, conversation_pb2.DESCRIPTOR)
    for service in file.services_by_name.values()
)

HEALTH = "grpc.health.v1.Health"

CALLS_AT_ONCE_MAX = 512
OPTIONS = (
    ("grpc.so_reuseport", 0),  # a second server on the same port is a mistake, not a helper
    ("grpc.max_receive_message_length", 1024 * 1024),
    ("grpc.max_metadata_size", 16 * 1024),
    ("grpc.max_connection_age_ms", 600_000),  # so that clients find new servers behind a balancer
    ("grpc.max_connection_age_grace_ms", 60_000),
)


def create_rpc_server(
    application: Application, *, health: ServingHealth | None = None, call_seconds_max: float = CALL_SECONDS_MAX
) -> grpc.aio.Server:
    """The gRPC door over that application. To be called in the loop that will serve it."""
    server = grpc.aio.server(
        interceptors=[CallInterceptor(application, seconds_max=call_seconds_max)],
        options=OPTIONS,
        maximum_concurrent_rpcs=CALLS_AT_ONCE_MAX,
    )
    add_CreditServiceServicer_to_server(CreditServicer(application), server)
    add_ConversationServiceServicer_to_server(ConversationServicer(application), server)
    health_pb2_grpc.add_HealthServicer_to_server(health or ServingHealth(SERVICES), server)
    reflection.enable_server_reflection([*SERVICES, HEALTH, reflection.SERVICE_NAME], server)
    return server
