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
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4318"},
            "OTEL_EXPORTER_OTLP_ENDPOINT: expected an address that begins with http:// or https://",
        ),
    ],
)
def test_what_can_not_be_done_is_said_with_the_variable_that_asks_for_it(environ: dict[str, str], error: str) -> None:
    with pytest.raises(StartError) as raised:
        is_asked_for(environ)
    assert str(raised.value).startswith(error)


def test_variables_that_the_sdk_refuses_are_an_error_of_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "0")
    with pytest.raises(StartError, match="the variables OTEL_… do not fit together: max_queue_size"):
        open_tracing({"OTEL_TRACES_EXPORTER": "otlp"})


def test_without_being_asked_nothing_is_imported() -> None:
    assert open_tracing({}) is None
