"""The client of a schema registry over real HTTP: what it makes of every answer, and of none."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from connector.core.errors import RegistryError
from connector.decode.registry_client import RegistryClient
from connector.decode.schemas import Schema

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Answer = tuple[int, bytes]

NOT_FOUND = (404, b'{"error_code": 40403, "message": "Schema not found"}')
TYPES = (200, b'["JSON", "PROTOBUF", "AVRO"]')
GUID = UUID("89791762-2336-4186-9674-299b90a802e2")


class Served:
    """A server whose answers a test sets, by path; anything else is answered as by a server that knows nothing."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.otherwise: Answer = (404, b"<html>no such page</html>")
        self.requests: list[tuple[str, str]] = []
        """Paths, with the header Authorization."""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def use_tls(self, certificate: Path) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.url = self.url.replace("http:", "https:")

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        served = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path = self.path.partition("?")[0]
                served.requests.append((path, self.headers.get("Authorization", "")))
                status, body = served.answers.get(path, served.otherwise)
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the base class names it
                """Write nothing."""

        return Handler


@pytest.fixture
def served() -> Iterator[Served]:
    served = Served()
    yield served
    served.close()


@pytest.fixture
def client(served: Served) -> Iterator[RegistryClient]:
    client = RegistryClient(served.url, {"timeout": 5})
    yield client
    client.close()


def schema(text: object, kind: str = "", *references: dict[str, Any]) -> Answer:
    more = {"schemaType": kind} if kind else {}
    return 200, json.dumps({"schema": json.dumps(text), **more, "references": list(references)}).encode()


def remedy(client: RegistryClient) -> str:
    with pytest.raises(RegistryError) as raised:
        client.fetch(7)
    return str(raised.value)


def read(found: Schema | None, data: bytes) -> object:
    assert found is not None
    assert found.read is not None, found.problem
    return found.read(data)


def test_a_schema_without_a_kind_is_avro(served: Served, client: RegistryClient) -> None:
    served.answers["/schemas/ids/7"] = schema({"type": "array", "items": "int"})
    found = client.fetch(7)
    assert found is not None
    assert found.kind == "AVRO"
    assert read(found, b"\x02\x0e\x00") == [7]


def test_json_is_read_as_json_whatever_its_schema_says(served: Served, client: RegistryClient) -> None:
    served.answers["/schemas/ids/7"] = schema({"type": "object", "required": ["x"]}, "JSON")
    assert read(client.fetch(7), b'{"n": 12345678901234567890123}') == {"n": 12345678901234567890123}


def test_other_kinds_are_known_and_can_t_be_used(served: Served, client: RegistryClient) -> None:
    served.answers["/schemas/ids/7"] = schema('syntax = "proto3";', "PROTOBUF")
    assert client.fetch(7) == Schema("PROTOBUF", None, "the connector reads AVRO and JSON")
    served.answers["/schemas/ids/8"] = schema({"type": "nonsense"})
    found = client.fetch(8)
    assert found is not None
    assert found.read is None
    assert "UnknownType" in found.problem


def test_a_schema_is_fetched_by_its_guid(served: Served, client: RegistryClient) -> None:
    served.answers[f"/schemas/guids/{GUID}"] = schema("int")
    assert read(client.fetch(GUID), b"\x0e") == 7


def test_references_of_references_are_fetched_each_once(served: Served, client: RegistryClient) -> None:
    def reference(name: str) -> dict[str, Any]:
        return {"name": name, "subject": f"{name}-value", "version": 3}

    def version(name: str, fields: dict[str, str], *references: str) -> Answer:
        record = {"type": "record", "name": name, "fields": [{"name": key, "type": of} for key, of in fields.items()]}
        status, body = schema(record, "", *map(reference, references))
        return status, json.dumps({**json.loads(body), "subject": f"{name}-value", "version": 3, "id": 1}).encode()

    served.answers["/schemas/ids/7"] = version("Order", {"line": "Line", "gift": "Sku"}, "Line", "Sku")
    served.answers["/subjects/Line-value/versions/3"] = version("Line", {"sku": "Sku"}, "Sku")
    served.answers["/subjects/Sku-value/versions/3"] = version("Sku", {"id": "string"})
    assert read(client.fetch(7), b"\x02a\x02b") == {"line": {"sku": {"id": "a"}}, "gift": {"id": "b"}}
    assert len(served.requests) == 3

    served.answers["/subjects/Sku-value/versions/3"] = (404, b'{"error_code": 40402, "message": "Version not found."}')
    fresh = RegistryClient(served.url, {})
    found = fresh.fetch(7)
    fresh.close()
    assert found == Schema("AVRO", None, "it refers to Sku-value, version 3, which is not there")
    served.answers["/subjects/Sku-value/versions/3"] = (500, b"{}")
    fresh = RegistryClient(served.url, {})
    assert "answers HTTP 500" in remedy(fresh)
    fresh.close()


def test_only_the_registry_itself_is_believed_that_a_schema_does_not_exist(
    served: Served, client: RegistryClient
) -> None:
    assert "has no such API (HTTP 404): check kafka.schema_registry.url" in remedy(client)
    served.answers["/schemas/ids/7"] = NOT_FOUND
    assert client.fetch(7) is None
    served.answers["/schemas/ids/7"] = (404, b'{"error_code": 0, "message": "no such path"}')
    assert "HTTP 404" in remedy(client)
    served.answers["/schemas/types"] = TYPES
    assert client.fetch(7) is None, "the address is right"
    assert client.fetch(GUID) is None
    served.answers["/schemas/types"] = (403, b"{}")
    assert "HTTP 403" in remedy(client), "that may be another server altogether"
    del served.answers["/schemas/types"]
    served.answers["/config"] = (200, b'{"compatibilityLevel": "BACKWARD"}')
    assert client.fetch(7) is None, "an old registry, without a list of types"


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ((401, b'{"error_code": 401}'), "refuses the credentials (HTTP 401): check kafka.schema_registry.properties"),
        ((403, b"{}"), "forbids reading schemas (HTTP 403)"),
        ((429, b""), "answers HTTP 429"),
        ((500, b'{"error_code": 50001, "message": "Error in the backend data store"}'), "answers HTTP 500"),
        ((503, b"<html>"), "answers HTTP 503"),
        ((302, b""), "answers HTTP 302"),
        ((200, b"<html>log in</html>"), "answers with something that is not JSON"),
        ((200, b"[]"), "can't be asked"),
        ((200, b'{"schema": 7}'), "answers with something that is no schema"),
        ((200, b"{}"), "answers with something that is no schema"),
        ((200, b""), "can't be asked"),
    ],
)
def test_an_answer_that_is_no_schema_is_asked_for_again(
    served: Served, client: RegistryClient, answer: Answer, told: str
) -> None:
    served.answers["/schemas/ids/7"] = answer
    message = remedy(client)
    assert f"the schema registry at {served.url.removeprefix('http://')} {told}" in message
    served.answers["/schemas/ids/7"] = schema("int")
    assert read(client.fetch(7), b"\x0e") == 7


def test_a_registry_that_does_not_answer_is_told_apart_from_one_that_is_not_there(served: Served) -> None:
    client = RegistryClient(served.url, {"timeout": 1})
    served.close()
    assert "can't be reached (Connection refused): check kafka.schema_registry.url, and that it is up" in remedy(client)
    client.close()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        client = RegistryClient(f"http://127.0.0.1:{silent.getsockname()[1]}", {"timeout": 0.2})
        assert "does not answer within 0.2 s" in remedy(client)
        client.close()
    client = RegistryClient("http://no-such-host.invalid", {})
    assert "the schema registry at no-such-host.invalid can't be reached" in remedy(client)
    client.close()


def test_a_second_address_is_tried(served: Served) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        closed = taken.getsockname()[1]
    served.answers["/schemas/ids/7"] = schema("int")
    client = RegistryClient(f"http://127.0.0.1:{closed}, {served.url}", {})
    assert read(client.fetch(7), b"\x0e") == 7
    client.close()


def test_credentials_are_sent_and_never_told(served: Served) -> None:
    client = RegistryClient(served.url, {"basic.auth.user.info": "user:se:cret"})
    served.otherwise = (401, b"{}")
    assert "cret" not in remedy(client)
    client.close()
    assert served.requests == [("/schemas/ids/7", "Basic dXNlcjpzZTpjcmV0")]


def self_signed(address: str) -> tuple[bytes, bytes]:
    """Return a key and a certificate of its own authority, as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "registry")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    pem = serialization.Encoding.PEM
    return key.private_bytes(pem, *form), certificate.public_bytes(pem)


def test_a_certificate_must_be_of_a_known_authority(tmp_path: Path) -> None:
    served, pem = Served(), tmp_path / "server.pem"
    key, certificate = self_signed("127.0.0.1")
    pem.write_bytes(key + certificate)
    (tmp_path / "ca.pem").write_bytes(certificate)
    served.use_tls(pem)
    served.answers["/schemas/ids/7"] = schema("int")
    stranger = RegistryClient(served.url, {})
    assert (
        "has a certificate that is not trusted (self-signed certificate): check kafka.schema_registry.properties, "
        in (remedy(stranger))
    )
    stranger.close()
    knows = RegistryClient(served.url, {"ssl.ca.location": str(tmp_path / "ca.pem")})
    assert read(knows.fetch(7), b"\x0e") == 7
    knows.close()
    plain = RegistryClient(served.url.replace("https", "http"), {"timeout": 5})
    remedy(plain)
    plain.close()
    served.close()


def test_a_ping_is_answered_by_any_registry_and_by_nothing_else(served: Served, client: RegistryClient) -> None:
    with pytest.raises(RegistryError, match="HTTP 404"):
        client.ping()
    served.answers["/schemas/types"] = (403, b"{}")
    client.ping()
    served.answers["/schemas/types"] = TYPES
    client.ping()
    served.answers["/schemas/types"] = (200, b'"hello"')
    with pytest.raises(RegistryError):
        client.ping()
    served.answers["/schemas/types"] = (401, b"{}")
    with pytest.raises(RegistryError, match="refuses the credentials"):
        client.ping()


def test_a_token_that_can_t_be_fetched_is_told_apart_from_a_registry_that_is_away(served: Served) -> None:
    oauth = {
        "bearer.auth.credentials.source": "OAUTHBEARER",
        "bearer.auth.client.id": "id",
        "bearer.auth.client.secret": "se:cret",
        "bearer.auth.scope": "read",
        "bearer.auth.issuer.endpoint.url": f"{served.url}/token",
        "bearer.auth.logical.cluster": "lsrc-1",
        "bearer.auth.identity.pool.id": "pool-1",
    }
    client = RegistryClient(served.url, oauth)
    message = remedy(client)
    assert "needs a token that can't be fetched: check kafka.schema_registry.properties, bearer.auth.…" in message
    assert "cret" not in message
    client.close()


def test_a_fixed_token_is_sent(served: Served) -> None:
    served.answers["/schemas/ids/7"] = schema("int")
    fixed = {
        "bearer.auth.credentials.source": "STATIC_TOKEN",
        "bearer.auth.token": "abc",
        "bearer.auth.logical.cluster": "lsrc-1",
        "bearer.auth.identity.pool.id": "pool-1",
    }
    client = RegistryClient(served.url, fixed)
    assert read(client.fetch(7), b"\x0e") == 7
    client.close()
    assert served.requests == [("/schemas/ids/7", "Bearer abc")]
