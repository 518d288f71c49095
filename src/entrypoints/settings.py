"""The settings of the public contract, from the environment: typed, checked, and named when they are wrong."""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AnyHttpUrl,
    AnyUrl,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    FilePath,
    PostgresDsn,
    RedisDsn,
    SecretStr,
    StringConstraints,
    UrlConstraints,
    ValidationError,
    model_validator,
)

from domain.conversations import LaneScope
from entrypoints.crash_points import TOKEN, CrashPoint, parse_crash_point


class SettingsError(Exception):
    """A setting is missing or malformed. The message is one line that names it."""


def _listed(value: object) -> object:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _url(kind: type[Any]) -> Any:  # noqa: ANN401 - a type
    """A URL that is checked as `kind` and kept as it was written."""

    def check(value: object) -> object:
        kind(value)
        return value

    return BeforeValidator(check)


Text = Annotated[str, StringConstraints(min_length=1)]
Secrets = Annotated[list[SecretStr], BeforeValidator(_listed), Field(min_length=1)]
Simulators = Annotated[frozenset[Literal["openai", "meta"]], BeforeValidator(_listed)]
Port = Annotated[int, Field(ge=0, le=65_535)]
MEDIA_STORE = r"^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[\w!.*'()/-]*)?(\?((endpoint|region)=[^&=]+(&|$))+)?$"
EmailAddress = Annotated[str, StringConstraints(pattern=r"^[^@\s<>,;]+@[^@\s<>,;]+$")]
WEBHOOK_SECRET = re.compile(r"whsec_([A-Za-z0-9+/]{4}){8,21}([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")


def _webhook_secret(value: object) -> object:
    if not WEBHOOK_SECRET.fullmatch(str(value)):
        raise ValueError("a secret is whsec_ and 24 to 64 random bytes in base64")
    return value


class SmtpUrl(AnyUrl):
    """Where mail is handed in."""

    _constraints = UrlConstraints(allowed_schemes=["smtp", "smtps"], host_required=True)


WebhookSecret = Annotated[SecretStr, BeforeValidator(_webhook_secret)]
CrashAt = Annotated[CrashPoint, BeforeValidator(parse_crash_point)]


class Settings(BaseModel):
    """One field for each setting, named as in the contract but in lower case. Units are in the names."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    database_url: Annotated[SecretStr, _url(PostgresDsn)]
    database_url_direct: Annotated[SecretStr, _url(PostgresDsn)]
    redis_url: Annotated[SecretStr, _url(RedisDsn)]
    openai_api_key: Annotated[SecretStr, Field(min_length=1)]
    openai_base_url: Annotated[str, _url(AnyHttpUrl)] | None = None
    meta_graph_base_url: Annotated[str, _url(AnyHttpUrl)] = "https://graph.facebook.com"
    meta_instagram_base_url: Annotated[str, _url(AnyHttpUrl)] = "https://graph.instagram.com"
    meta_graph_version: Annotated[str, StringConstraints(pattern=r"^v\d+\.\d+$")] = "v22.0"
    media_store_url: Annotated[str, StringConstraints(pattern=MEDIA_STORE)] | None = None
    meta_app_secrets: Secrets
    meta_verify_token: Annotated[SecretStr, Field(min_length=1)]
    admin_api_key: Annotated[SecretStr, Field(min_length=1)]
    encryption_keys: Secrets
    api_requests_per_minute: Annotated[int, Field(ge=1, le=10_000_000)] = 6_000
    extraction_idle_minutes: Annotated[float, Field(ge=5, le=15)] = 10
    extraction_idle_seconds: Annotated[float, Field(gt=0)] | None = None
    extraction_credits: Annotated[int, Field(ge=0, le=1_000)] = 0
    extraction_model: Annotated[str, StringConstraints(pattern=r"^[\w.:-]{1,200}$")] = "gpt-5.5"
    reply_quiet_seconds: Annotated[float, Field(ge=0, le=60)] = 0
    lane_scope: LaneScope = LaneScope.CONVERSATION
    lease_seconds: Annotated[float, Field(ge=1, le=3_600)] = 30
    dedupe_seconds: Annotated[float, Field(ge=0, le=3_600)] = 5
    queue_capacity: Annotated[int, Field(ge=1)] = 10_000
    undecided_seconds: Annotated[float, Field(ge=1, le=86_400)] = 60
    overdue_seconds: Annotated[float, Field(ge=10, le=86_400)] = 300
    blocked_hours_max: Annotated[float, Field(gt=0, le=720)] = 24
    cache_ttl_seconds: Annotated[float, Field(ge=300, le=600)] = 300
    workers_min: Annotated[int, Field(ge=1, le=1_000)] = 1
    workers_max: Annotated[int, Field(ge=1, le=1_000)] | None = None
    worker_silent_seconds_max: Annotated[float, Field(ge=2, le=3_600)] = 15
    worker_memory_mib_max: Annotated[float, Field(ge=64)] = 1_024
    rest_host: Text = "127.0.0.1"
    rest_port: Port = 8_000
    grpc_host: Text = "127.0.0.1"
    grpc_port: Port = 50_051
    grpc_tls_cert_file: FilePath | None = None
    grpc_tls_key_file: FilePath | None = None
    grpc_tls_client_ca_file: FilePath | None = None
    frontdesk_home: Path = Path(".frontdesk")
    prometheus_multiproc_dir: Path | None = None
    metrics_token: Annotated[SecretStr, Field(min_length=16)] | None = None
    worker_health_host: Text = "127.0.0.1"
    worker_health_port: Port | None = None
    scheduler_health_host: Text = "127.0.0.1"
    scheduler_health_port: Port | None = None
    alert_webhook_url: Annotated[SecretStr, _url(AnyHttpUrl)] | None = None
    alert_webhook_secret: Annotated[list[WebhookSecret], BeforeValidator(_listed)] = []
    alert_webhook_format: Literal["json", "slack"] = "json"
    alert_email_to: Annotated[list[EmailAddress], BeforeValidator(_listed)] = []
    alert_email_from: EmailAddress | None = None
    smtp_url: Annotated[SecretStr, _url(SmtpUrl)] | None = None
    otel_exporter_otlp_endpoint: Annotated[str, _url(AnyHttpUrl)] | None = None
    otel_traces_sampler_arg: Annotated[float, Field(ge=0, le=1)] = 1.0
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["json", "console"] = "json"
    dev_simulators: Simulators = frozenset()
    crash_at: CrashAt | None = None
    crash_once_file: Path | None = None

    @property
    def extraction_idle(self) -> float:
        """After how many seconds of quiet a conversation is read: the minutes, unless a test is in a hurry."""
        return (
            self.extraction_idle_minutes * 60 if self.extraction_idle_seconds is None else self.extraction_idle_seconds
        )

    @property
    def crash_token(self) -> Path:
        """The file that says that the crash point has struck."""
        return self.crash_once_file or self.frontdesk_home / TOKEN

    @property
    def metrics_folder(self) -> Path:
        """Where the processes of a machine count."""
        return self.prometheus_multiproc_dir or self.frontdesk_home / "metrics"

    @property
    def listens_here_only(self) -> bool:
        """Whether REST and the health of workers and scheduler are reached from this machine alone."""
        doors = (
            (self.rest_host, self.rest_port),
            (self.worker_health_host, self.worker_health_port),
            (self.scheduler_health_host, self.scheduler_health_port),
        )
        return {host for host, port in doors if port is not None} <= {"localhost", "127.0.0.1", "::1"}

    @model_validator(mode="before")
    @classmethod
    def _some_are_the_same_unless_given(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Without a pooler there is one URL for both; a Graph that was given serves Instagram too."""
        same = {"database_url_direct": "database_url", "meta_instagram_base_url": "meta_graph_base_url"}
        return {name: values[other] for name, other in same.items() if other in values} | values

    @model_validator(mode="after")
    def _workers_in_order(self) -> Settings:
        if self.workers_max is not None and self.workers_max < self.workers_min:
            raise ValueError("WORKERS_MAX must not be below WORKERS_MIN")
        return self

    @model_validator(mode="after")
    def _alerts_can_be_told(self) -> Settings:
        is_ours = self.alert_webhook_url is not None and self.alert_webhook_format == "json"
        if is_ours and not self.alert_webhook_secret:
            raise ValueError("ALERT_WEBHOOK_URL needs ALERT_WEBHOOK_SECRET, or ALERT_WEBHOOK_FORMAT=slack")
        if bool(self.alert_email_to) != (self.smtp_url is not None):
            raise ValueError("ALERT_EMAIL_TO and SMTP_URL need each other")
        return self

    @model_validator(mode="after")
    def _tls_files_fit(self) -> Settings:
        certificate, key, authorities = self.grpc_tls_cert_file, self.grpc_tls_key_file, self.grpc_tls_client_ca_file
        if certificate is None and key is None and authorities is None:
            return self
        if certificate is None or key is None:
            raise ValueError("GRPC_TLS_CERT_FILE and GRPC_TLS_KEY_FILE must be given together")
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_verify_locations(authorities or certificate)
        except (OSError, ssl.SSLError):
            names = "GRPC_TLS_CERT_FILE, GRPC_TLS_KEY_FILE and GRPC_TLS_CLIENT_CA_FILE"
            raise ValueError(f"{names} must hold a certificate, its key, and certificates in PEM") from None
        return self


def load_settings(environment: Mapping[str, str]) -> Settings:
    """The settings in an environment. Raises SettingsError with one line that names the first wrong one.

    An empty value counts as absent, as deployment tools write it for a variable that is not set.
    """
    given = {name.lower(): value for name, value in environment.items() if value != ""}
    try:
        return Settings.model_validate({name: given[name] for name in Settings.model_fields if name in given})
    except ValidationError as error:
        raise SettingsError(_first_line(error)) from None


def _first_line(error: ValidationError) -> str:
    """What is wrong, without the value: it may be a secret."""
    wrong = error.errors(include_input=False, include_url=False)[0]
    if not wrong["loc"]:
        return str(wrong["msg"]).removeprefix("Value error, ")
    name = str(wrong["loc"][0]).upper()
    if wrong["type"] == "missing":
        return f"The setting {name} is missing."
    return f"The setting {name} is malformed: {str(wrong['msg']).removeprefix('Value error, ')}"
