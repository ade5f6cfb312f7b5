from __future__ import annotations

import pytest

from connector.core.errors import StartError
from connector.observe.tracing_extra import is_asked_for, open_tracing

COLLECTOR = "http://collector:4318"


@pytest.mark.parametrize(
    ("environ", "asked"),
    [
        ({}, False),
        ({"OTEL_SERVICE_NAME": "x"}, False),
        ({"OTEL_TRACES_EXPORTER": ""}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": " "}, False),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, True),
        ({"OTEL_TRACES_EXPORTER": "OTLP"}, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": COLLECTOR}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"{COLLECTOR}/v1/traces"}, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": COLLECTOR, "OTEL_TRACES_EXPORTER": "none"}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": COLLECTOR, "OTEL_SDK_DISABLED": "True"}, False),
        ({"OTEL_TRACES_EXPORTER": "otlp", "OTEL_SDK_DISABLED": "false"}, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": COLLECTOR, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}, True),
        ({"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, False),
    ],
)
def test_traces_are_made_if_the_environment_asks_for_them(environ: dict[str, str], asked: bool) -> None:  # noqa: FBT001
    assert is_asked_for(environ) is asked


@pytest.mark.parametrize(
    ("environ", "error"),
    [
        ({"OTEL_TRACES_EXPORTER": "zipkin"}, "OTEL_TRACES_EXPORTER: expected otlp or none"),
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": COLLECTOR, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
            (
                "OTEL_EXPORTER_OTLP_PROTOCOL: only http/protobuf is supported: set it, and in"
                " OTEL_EXPORTER_OTLP_ENDPOINT the collector's port for HTTP (4318); or turn tracing off:"
                " OTEL_TRACES_EXPORTER=none"
            ),
        ),
        (
            {"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/json"},
            "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: only http/protobuf is supported",
        ),
        *[
            (
                {"OTEL_EXPORTER_OTLP_ENDPOINT": address},
                "OTEL_EXPORTER_OTLP_ENDPOINT: expected an address such as http://collector:4318",
            )
            for address in ("collector:4318", "http://", "http://[::1", "https://collector:99999", "grpc://collector")
        ],
    ],
)
def test_what_can_not_be_done_is_said_with_the_variable_that_asks_for_it(environ: dict[str, str], error: str) -> None:
    with pytest.raises(StartError) as raised:
        is_asked_for(environ)
    assert str(raised.value).startswith(error)


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("OTEL_BSP_MAX_QUEUE_SIZE", "0", "max_queue_size must be a positive integer."),
        ("OTEL_BSP_SCHEDULE_DELAY", "abc", "Unable to parse value for OTEL_BSP_SCHEDULE_DELAY as integer"),
        ("OTEL_TRACES_SAMPLER", "nonsense", "Couldn't recognize sampler nonsense."),
        ("OTEL_SPAN_LINK_COUNT_LIMIT", "-4", "OTEL_SPAN_LINK_COUNT_LIMIT must be a non-negative integer"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "Bearer s3cr3t", "OTEL_EXPORTER_OTLP_HEADERS: expected name=value"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "a=b,s3cr3t header=x", "OTEL_EXPORTER_OTLP_HEADERS: expected name=value"),
    ],
)
def test_a_variable_that_can_not_be_used_is_an_error_of_the_start_without_a_secret(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], name: str, value: str, error: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(StartError) as raised:
        open_tracing({"OTEL_TRACES_EXPORTER": "otlp"})
    assert str(raised.value).startswith(f"the variables OTEL_… can't be used: {error}")
    assert "s3cr3t" not in f"{raised.value}{capfd.readouterr()}"


def test_without_being_asked_nothing_is_imported() -> None:
    assert open_tracing({}) is None
