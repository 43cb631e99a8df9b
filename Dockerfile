# Two images from one recipe:
#   docker build --target cpu  -t sori:0.1.0-cpu  .
#   docker build --target cuda -t sori:0.1.0-cuda .
# See docs/deployment.md.

ARG PYTHON_IMAGE=python:3.12-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/sori
WORKDIR /source
COPY constraints.txt LICENSE ./
COPY protos protos
COPY clients/python clients/python
COPY clients/web/src clients/web/src
COPY server server
RUN --mount=type=cache,target=/root/.cache/pip \
    /opt/sori/bin/pip install -c constraints.txt ./protos ./clients/python ./server

FROM build AS build-cuda
RUN --mount=type=cache,target=/root/.cache/pip \
    /opt/sori/bin/pip install -c constraints.txt ./protos ./clients/python "./server[cuda]"

FROM ${PYTHON_IMAGE} AS runtime
RUN groupadd --gid 10001 sori \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/sori \
       --shell /usr/sbin/nologin sori \
    && install --directory --owner=10001 --group=10001 /var/lib/sori /var/lib/sori/models
ENV PATH=/opt/sori/bin:${PATH} \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HF_HOME=/var/lib/sori/models \
    SORI_HOST=0.0.0.0
WORKDIR /var/lib/sori
VOLUME /var/lib/sori/models
EXPOSE 50051 8765
USER 10001:10001
STOPSIGNAL SIGTERM
# A first start may download a model of some gigabytes.
HEALTHCHECK --interval=10s --timeout=5s --start-period=900s --retries=3 \
    CMD ["python", "-m", "sori_server.transport.grpc.probe", "--address", "127.0.0.1:50051"]
ENTRYPOINT ["sori"]
CMD ["serve"]

FROM runtime AS cuda
# The driver comes from the host's container toolkit, cuBLAS and what it needs from wheels.
# Without a GPU the start fails, instead of serving slowly.
ARG NVIDIA=/opt/sori/lib/python3.12/site-packages/nvidia
ENV LD_LIBRARY_PATH=${NVIDIA}/cublas/lib:${NVIDIA}/cuda_nvrtc/lib \
    NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility \
    SORI_DEVICE=cuda
COPY --from=build-cuda /opt/sori /opt/sori

FROM runtime AS cpu
COPY --from=build /opt/sori /opt/sori
