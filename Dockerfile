# Two images from one file. The last stage, which `docker build .` makes, is the GitHub Action:
#   docker build -t holdpoint .
# With torch for models of that kind, from an index of CPU-only wheels:
#   docker build --build-arg TORCH_INDEX=https://... -t holdpoint-torch .
# The controller and the bot share one without scikit-learn:
#   docker build --target controller -t holdpoint-controller .
ARG BASE=python:3.11.14-slim-bookworm

FROM ${BASE} AS builder
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /src
COPY pyproject.toml requirements.lock requirements-torch.lock deploy/image/subset.py ./

# Each room's packages, by hash, before the sources: a change of ours rebuilds only the last layers.
FROM builder AS checks-packages
RUN python3 -m venv /opt/holdpoint \
 && /opt/holdpoint/bin/python subset.py checks > /tmp/subset.lock \
 && /opt/holdpoint/bin/pip install --no-deps --require-hashes -r /tmp/subset.lock

ARG TORCH_INDEX=
RUN test -z "$TORCH_INDEX" || { \
      /opt/holdpoint/bin/python subset.py --torch > /tmp/torch.lock \
   && /opt/holdpoint/bin/pip install --no-deps --require-hashes -r /tmp/torch.lock \
   && /opt/holdpoint/bin/pip install --no-deps --index-url "$TORCH_INDEX" \
        "$(/opt/holdpoint/bin/python subset.py --torch-version)"; }

FROM builder AS controller-packages
RUN python3 -m venv /opt/holdpoint \
 && /opt/holdpoint/bin/python subset.py controller bot > /tmp/subset.lock \
 && /opt/holdpoint/bin/pip install --no-deps --require-hashes -r /tmp/subset.lock

FROM builder AS wheel
COPY holdpoint.py README.md LICENSE ./
COPY checks checks
COPY rollouts rollouts
COPY bot bot
COPY deploy/image/build.lock ./
RUN python3 -m venv /opt/build \
 && /opt/build/bin/pip install --no-deps --require-hashes -r build.lock \
 && /opt/build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /wheel .

FROM checks-packages AS checks-installed
COPY --from=wheel /wheel /wheel
RUN /opt/holdpoint/bin/pip install --no-deps --no-index /wheel/*.whl \
 && /opt/holdpoint/bin/python -m compileall -q /opt/holdpoint/lib

FROM controller-packages AS controller-installed
COPY --from=wheel /wheel /wheel
RUN /opt/holdpoint/bin/pip install --no-deps --no-index /wheel/*.whl \
 && /opt/holdpoint/bin/python -m compileall -q /opt/holdpoint/lib

FROM ${BASE} AS controller
LABEL org.opencontainers.image.title="Holdpoint controller and bot" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=controller-installed /opt/holdpoint /opt/holdpoint
USER 65532:65532
WORKDIR /
# -I: nothing from the working directory or the environment is imported.
ENTRYPOINT ["/opt/holdpoint/bin/python", "-I", "-m", "holdpoint"]
CMD ["controller"]

FROM ${BASE} AS action
ARG VERSION=dev REVISION=unknown
LABEL org.opencontainers.image.title="Holdpoint" \
      org.opencontainers.image.description="Judges whether a machine-learning model is ready" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
RUN apt-get update \
 && apt-get install -y --no-install-recommends git \
 && rm -rf /var/lib/apt/lists/*
COPY --from=checks-installed /opt/holdpoint /opt/holdpoint
# No USER here: the runner starts a container action as root and owns its files as root, so another
# user could write neither the outputs nor the summary. The model's child drops to a uid of its own.
ENTRYPOINT ["/opt/holdpoint/bin/python", "-I", "-m", "holdpoint", "action"]
