"""All services on one screen, over one application."""

from __future__ import annotations

import grpc
from grpc_health.v1 import health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from application.app import Application
from entrypoints.rpc._generated.frontdesk.v1 import (
    agent_pb2,
    agent_pb2_grpc,
    alert_pb2,
    alert_pb2_grpc,
    conversation_pb2,
    conversation_pb2_grpc,
    credit_pb2,
    credit_pb2_grpc,
    extraction_pb2,
    extraction_pb2_grpc,
    phone_number_pb2,
    phone_number_pb2_grpc,
    prompt_pb2,
    prompt_pb2_grpc,
    user_pb2,
    user_pb2_grpc,
)
from entrypoints.rpc.agents import AgentServicer
from entrypoints.rpc.alerts import AlertServicer
from entrypoints.rpc.conversations import ConversationServicer
from entrypoints.rpc.credits import CreditServicer
from entrypoints.rpc.extractions import ExtractionServicer
from entrypoints.rpc.health import ServingHealth
from entrypoints.rpc.interceptors import CALL_SECONDS_MAX, CallInterceptor
from entrypoints.rpc.phone_numbers import PhoneNumberServicer
from entrypoints.rpc.prompts import PromptServicer
from entrypoints.rpc.users import UserServicer

FILES = (
    user_pb2.DESCRIPTOR,
    phone_number_pb2.DESCRIPTOR,
    prompt_pb2.DESCRIPTOR,
    agent_pb2.DESCRIPTOR,
    conversation_pb2.DESCRIPTOR,
    credit_pb2.DESCRIPTOR,
    extraction_pb2.DESCRIPTOR,
    alert_pb2.DESCRIPTOR,
)
SERVICES = tuple(service.full_name for file in FILES for service in file.services_by_name.values())

HEALTH = "grpc.health.v1.Health"

CALLS_AT_ONCE_MAX = 2_048
"""Twice what is followed at once (see application.ports.live): who watches does not keep others from asking."""
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
    user_pb2_grpc.add_UserServiceServicer_to_server(UserServicer(application), server)
    phone_number_pb2_grpc.add_PhoneNumberServiceServicer_to_server(PhoneNumberServicer(application), server)
    prompt_pb2_grpc.add_PromptServiceServicer_to_server(PromptServicer(application), server)
    agent_pb2_grpc.add_AgentServiceServicer_to_server(AgentServicer(application), server)
    conversation_pb2_grpc.add_ConversationServiceServicer_to_server(ConversationServicer(application), server)
    credit_pb2_grpc.add_CreditServiceServicer_to_server(CreditServicer(application), server)
    extraction_pb2_grpc.add_ExtractionServiceServicer_to_server(ExtractionServicer(application), server)
    alert_pb2_grpc.add_AlertServiceServicer_to_server(AlertServicer(application), server)
    health_pb2_grpc.add_HealthServicer_to_server(health or ServingHealth(SERVICES), server)
    reflection.enable_server_reflection([*SERVICES, HEALTH, reflection.SERVICE_NAME], server)
    return server
