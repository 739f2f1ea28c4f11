"""Traces, JSON logs and metrics of one process.

Spans are written by hand: the published Kafka instrumentation closes the receiving span before the
handler runs and appends a second `traceparent`. What waits (an outbox row, a timer, a message) keeps
the `traceparent` of the work that made it, and the work that goes on later continues that trace.
"""

import json
import logging
import os
import sys
import traceback
import warnings
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from functools import wraps
from importlib.metadata import entry_points
from typing import Any, ParamSpec, TypeVar
from uuid import UUID

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.trace import Link, Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from pydantic import ValidationError

from shared.errors import Problem, StartupError

P = ParamSpec("P")
T = TypeVar("T")

_propagator = TraceContextTextMapPropagator()
_tracer = trace.get_tracer("rapport")
brought_trace: ContextVar[bool] = ContextVar("brought_trace", default=False)
"""True in a request that came with a `traceparent`: it belongs to its caller's trace."""
current_tenant: ContextVar[UUID | None] = ContextVar("current_tenant", default=None)


def configure(service: str, log_level: str) -> Callable[[], None]:
    """Sets up logs and traces; returns what flushes the spans at the end.

    The exporter is the one that `OTEL_TRACES_EXPORTER` names (`zipkin_json`, `otlp`, …; `none` by default), found
    by OpenTelemetry's entry points, so that the code knows none of them.
    """
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter(service))
    logging.basicConfig(level=log_level.upper(), handlers=[handler], force=True)
    for noisy in ("httpx", "httpcore", "uvicorn.access"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    # Each of its lines while a broker is away says what `shared.kafka` says once.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    provider = TracerProvider(resource=Resource.create({"service.name": service}))
    exporter = _exporter(os.environ.get("OTEL_TRACES_EXPORTER", "none"))
    if exporter is not None:
        provider.add_span_processor(BatchSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    return provider.shutdown


def _exporter(name: str) -> SpanExporter | None:
    if name in ("", "none"):
        return None
    aliases = {"otlp": "otlp_proto_http"}
    for entry in entry_points(group="opentelemetry_traces_exporter", name=aliases.get(name, name)):
        with _without("charset_normalizer"):
            exporter: SpanExporter = entry.load()()
        return exporter
    raise StartupError(
        f"Can't start: OTEL_TRACES_EXPORTER names {name!r}, which is not installed; use otlp, zipkin_json or none."
    )


@contextmanager
def _without(module: str) -> Iterator[None]:
    """As if it weren't installed: `requests`, by which exporters send, loads 3 MB of tables with it to guess in which
    encoding an answer is that nobody reads.
    """
    if module in sys.modules:
        yield
        return
    sys.modules[module] = None  # type: ignore[assignment] # what makes `import` say that there is none
    try:
        with warnings.catch_warnings(category=Warning, action="ignore"):
            yield
    finally:
        del sys.modules[module]


def current_traceparent() -> str | None:
    """W3C `traceparent` of the current span, to keep beside what continues later."""
    context = trace.get_current_span().get_span_context()
    if not context.is_valid:
        return None
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


def trace_id() -> str | None:
    context = trace.get_current_span().get_span_context()
    return format(context.trace_id, "032x") if context.is_valid else None


def remote(traceparent: str | None) -> Context | None:
    """The context that a kept or received `traceparent` names."""
    return _propagator.extract({"traceparent": traceparent}, context=Context()) if traceparent else None


@contextmanager
def span(
    name: str,
    kind: SpanKind = SpanKind.INTERNAL,
    *,
    parent: str | None = None,
    attributes: Mapping[str, Any] | None = None,
    current: bool = True,
) -> Iterator[Span]:
    """A span under the current one, or under `parent`; a refusal is no error of the span, a failure is.

    Of several that last at the same time none can be the `current` one.

    Where `parent` continues an older trace, the span that ran until now is kept as a link.
    """
    now_running = trace.get_current_span().get_span_context()
    links = [Link(now_running)] if parent and now_running.is_valid else []
    started = _tracer.start_span(
        name,
        context=remote(parent),
        kind=kind,
        attributes={key: _plain(value) for key, value in (attributes or {}).items() if value is not None},
        links=links,
        record_exception=False,
        set_status_on_exception=False,
    )
    with under(started) if current else nullcontext():
        try:
            yield started
        except Problem as problem:
            started.set_attribute("problem.code", problem.code)
            raise
        except Exception as error:
            # The type alone: messages of drivers quote values, and values may be someone's name.
            started.set_status(Status(StatusCode.ERROR, type(error).__name__))
            raise
        finally:
            started.end()


def under(running: Span) -> AbstractContextManager[Span]:
    """What is done within belongs to this span, which goes on after it."""
    return trace.use_span(running, record_exception=False, set_status_on_exception=False)


@contextmanager
def continued(name: str, kept: str | None) -> Iterator[None]:
    """Goes on in the trace of an earlier work, unless the caller brought a trace of its own."""
    if kept is None or brought_trace.get():
        yield
        return
    with span(name, parent=kept):
        yield


def annotate(**attributes: Any) -> None:
    """Sets attributes (opaque ids, codes, times) on the current span: `appointment_id` → `appointment.id`."""
    current = trace.get_current_span()
    for key, value in attributes.items():
        if value is not None:
            name = key[:-3] + ".id" if key.endswith("_id") else key
            current.set_attribute(name, _plain(value))


def use_case(
    function: Callable[P, Coroutine[Any, Any, T]],
) -> Callable[P, Coroutine[Any, Any, T]]:
    """One span around a use case, named `<service>.<verb>`."""
    service = function.__module__.split(".")[1]
    name = f"{service}.{function.__name__}"

    @wraps(function)
    async def traced(*args: P.args, **kwargs: P.kwargs) -> T:
        with span(name):
            return await function(*args, **kwargs)

    return traced


def _plain(value: Any) -> str | int | float | bool:
    return value if isinstance(value, str | int | float | bool) else str(value)


MOST_TOLD = 20
"""Errors of one chain that are logged."""


def _chain(error: BaseException, seen: set[int]) -> Iterator[str]:
    """What led to it first, as Python tells it; of each its words by `_words`."""
    seen.add(id(error))
    if len(seen) > MOST_TOLD:
        return
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if before is not None and id(before) not in seen:
        yield from _chain(before, seen)
        yield "\nwhich led to:\n\n"
    yield from traceback.format_tb(error.__traceback__)
    yield f"{type(error).__module__}.{type(error).__qualname__}: {_words(error)}\n"
    for one in error.exceptions if isinstance(error, BaseExceptionGroup) else ():
        yield from _chain(one, seen)


def _words(error: BaseException) -> str:
    """What it says, without values that somebody gave: these may be a number, or a client's words."""
    try:
        return _said(error)
    except Exception as another:  # noqa: BLE001 -- whatever an error does when it is asked what it is, it is logged
        return f"can't say what it is ({type(another).__name__})"


def _said(error: BaseException) -> str:
    if isinstance(error, ValidationError):
        found = error.errors(include_input=False, include_url=False, include_context=False)
        return ", ".join(f"{'.'.join(map(str, one['loc']))}: {one['type']}" for one in found)
    origin = getattr(error, "orig", None) or error
    if origin is error and not hasattr(error, "sqlstate"):
        return str(error)
    state = getattr(origin, "sqlstate", None)
    if state is None or state.startswith(_OF_VALUES):
        return f"{state or 'before the database was asked'}, values left out"
    # The lines after it tell which row is meant.
    return str(origin).partition("\n")[0]


_OF_VALUES = "22"
"""PostgreSQL's class of errors that quote what they were given."""


class JsonFormatter(logging.Formatter):
    """One JSON object a line, with trace id and tenant."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self.service = service

    def format(self, record: logging.LogRecord) -> str:
        tenant = current_tenant.get()
        line = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S") + f".{int(record.msecs):03d}",
            "level": record.levelname,
            "service": self.service,
            "logger": record.name,
            "message": record.getMessage(),
            "trace_id": trace_id(),
            "tenant": str(tenant) if tenant else None,
            **getattr(record, "fields", {}),
        }
        if record.exc_info and record.exc_info[1] is not None:
            line["exception"] = "".join(_chain(record.exc_info[1], set()))
        return json.dumps({key: value for key, value in line.items() if value is not None}, default=str)
