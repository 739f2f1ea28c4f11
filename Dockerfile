# One image a service: docker build --build-arg SERVICE=booking -t rapport-booking:0.1.0 .
# It holds shared/ and that one service. What runs is chosen by the arguments:
#   -m services.booking.app | -m services.booking.worker | -m services.booking.migrations
ARG BASE=python:3.11-slim-bookworm

FROM ${BASE} AS build
COPY requirements/runtime.txt /tmp/runtime.txt
RUN python3 -m venv /opt/venv \
 && /opt/venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r /tmp/runtime.txt

FROM ${BASE}
ARG SERVICE
LABEL org.opencontainers.image.title="rapport-${SERVICE}" \
      org.opencontainers.image.licenses="Apache-2.0"
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONPATH=/app \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
COPY --from=build /opt/venv /opt/venv
WORKDIR /app
COPY shared/ shared/
COPY services/__init__.py services/__init__.py
COPY services/${SERVICE}/ services/${SERVICE}/
# Compiled now: at run time the root is read-only, and a process should be up within two seconds.
RUN test -n "${SERVICE}" && /opt/venv/bin/python -m compileall -q shared services
USER 10001:10001
ENTRYPOINT ["/opt/venv/bin/python"]
