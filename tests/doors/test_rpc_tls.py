"""TLS by setting: ours alone, or with certificates that callers have to show."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from grpc_health.v1 import health_pb2, health_pb2_grpc

from entrypoints.rpc.main import serve_rpc
from entrypoints.rpc.tls import TlsFiles
from entrypoints.settings import SettingsError, load_settings
from tests.doors.conftest import served
from tests.doors.test_settings import REQUIRED


class Authority:
    """Signs certificates, and keeps them as files."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _named(name)
        self.file = self._kept(name, _signed(self._name, self._key, self._name, self._key, is_authority=True))

    def signs(self, name: str) -> tuple[Path, Path]:
        """A certificate for this machine, and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._kept(name, _signed(_named(name), key, self._name, self._key, is_authority=False))
        no_password = serialization.NoEncryption()
        pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, no_password)
        (self._folder / f"{name}.key").write_bytes(pem)
        return certificate, self._folder / f"{name}.key"

    def _kept(self, name: str, certificate: x509.Certificate) -> Path:
        file = self._folder / f"{name}.pem"
        file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        return file


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _signed(subject, key, issuer, issuer_key, *, is_authority: bool) -> x509.Certificate:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(issuer_key, hashes.SHA256())
    )


@pytest.fixture
def ours(tmp_path) -> Authority:
    return Authority(tmp_path, "ours")


async def is_served(port: int, authority: Authority, shown: tuple[Path, Path] | None = None) -> bool:
    """Whether a call gets through that trusts this authority and shows this certificate."""
    certificate, key = (file.read_bytes() for file in shown) if shown else (None, None)
    credentials = grpc.ssl_channel_credentials(authority.file.read_bytes(), key, certificate)
    async with grpc.aio.secure_channel(f"localhost:{port}", credentials) as channel:
        try:
            await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=5)
        except grpc.aio.AioRpcError as error:
            assert error.code() is grpc.StatusCode.UNAVAILABLE  # noqa: PT017 - and not the door's refusal
            return False
        return True


async def test_calls_are_encrypted_and_whoever_does_not_trust_us_does_not_call(house, ours, tmp_path):
    tls = TlsFiles(*ours.signs("door"))
    async with served(serve_rpc, house.application, tls=tls) as (port, _, _):
        assert await is_served(port, ours)
        assert not await is_served(port, Authority(tmp_path, "somebody"))


async def test_callers_have_to_show_a_certificate_where_that_is_set(house, ours, tmp_path):
    theirs, nobodys = Authority(tmp_path, "theirs"), Authority(tmp_path, "nobodys")
    tls = TlsFiles(*ours.signs("door"), theirs.file)
    async with served(serve_rpc, house.application, tls=tls) as (port, _, _):
        assert await is_served(port, ours, theirs.signs("caller"))
        assert not await is_served(port, ours)
        assert not await is_served(port, ours, nobodys.signs("other"))


def test_settings_that_do_not_fit_stop_the_start(ours, tmp_path):
    certificate, key = map(str, ours.signs("door"))
    _, other_key = map(str, ours.signs("other"))
    both = {"GRPC_TLS_CERT_FILE": certificate, "GRPC_TLS_KEY_FILE": key}
    assert load_settings(REQUIRED | both).grpc_tls_cert_file == Path(certificate)
    nonsense = tmp_path / "nonsense.pem"
    nonsense.write_text("nonsense")
    for wrong in (
        {"GRPC_TLS_CERT_FILE": certificate},
        {"GRPC_TLS_CLIENT_CA_FILE": str(ours.file)},
        both | {"GRPC_TLS_KEY_FILE": other_key},
        both | {"GRPC_TLS_KEY_FILE": str(tmp_path / "absent")},
        both | {"GRPC_TLS_CLIENT_CA_FILE": str(nonsense)},
    ):
        with pytest.raises(SettingsError, match="GRPC_TLS_"):
            load_settings(REQUIRED | wrong)
