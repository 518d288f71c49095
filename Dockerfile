# One image for every role: the arguments say which, e.g. `serve rest`, `worker`, `migrate`.
# Pin PYTHON_IMAGE by its digest in the builds you ship: python:3.11-slim-bookworm@sha256:…
ARG PYTHON_IMAGE=python:3.11-slim-bookworm

FROM ${PYTHON_IMAGE} AS libraries
COPY requirements/image.txt /requirements.txt
# Wheels only, every hash checked: nothing is compiled, so nothing to compile with is needed.
RUN python -m venv /venv \
    && /venv/bin/pip install --no-cache-dir --disable-pip-version-check --only-binary=:all: --require-hashes -r /requirements.txt \
    && /venv/bin/python -m compileall -q -j 0 /venv/lib \
    && /venv/bin/pip uninstall --yes --disable-pip-version-check pip setuptools

FROM ${PYTHON_IMAGE}
# tini: as process 1 the kernel spares `migrate`, and whatever is still starting, from SIGTERM; tini passes it on.
# Debian keeps no old versions to pin these to.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates tini \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 frontdesk \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/frontdesk --shell /usr/sbin/nologin frontdesk \
    && install --directory --owner 10001 --group 10001 --mode 0700 /var/lib/frontdesk /run/frontdesk
COPY --from=libraries /venv /venv
COPY LICENSE /app/LICENSE
COPY migrations /app/migrations
COPY src /app/src
RUN python -m compileall -q -j 0 /app/src

# Whoever starts a container decides which doors are reached from outside; inside, they listen on all addresses.
ENV PATH=/venv/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONPATH=/app/src \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    FRONTDESK_HOME=/var/lib/frontdesk \
    PROMETHEUS_MULTIPROC_DIR=/run/frontdesk/metrics \
    REST_HOST=0.0.0.0 \
    REST_PORT=8000 \
    GRPC_HOST=0.0.0.0 \
    GRPC_PORT=50051 \
    WORKER_HEALTH_HOST=0.0.0.0 \
    WORKER_HEALTH_PORT=8001 \
    SCHEDULER_HEALTH_HOST=0.0.0.0 \
    SCHEDULER_HEALTH_PORT=8002

WORKDIR /var/lib/frontdesk
# By number: Kubernetes cannot tell from a name that it is not root.
USER 10001:10001
STOPSIGNAL SIGTERM
# No HEALTHCHECK: each role is asked in its own way, see deploy/compose.yml and deploy/kubernetes.
ENTRYPOINT ["tini", "--", "python", "-m", "entrypoints.cli.main"]
CMD ["--help"]
