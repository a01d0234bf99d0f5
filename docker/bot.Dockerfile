# The chat bot: docker build -f docker/bot.Dockerfile -t tfstyle-bot:0.1.0 .
# With --build-arg SUBJECT_MASKS=yes it also finds subjects that are no people, by OpenCV, and is 150 MB larger.
# Pinned by version; where a registry is at hand, pin the digest too: FROM python:...@sha256:...

FROM python:3.12.12-slim-bookworm AS build
# Without pip: the one of this stage installs into it, and nothing can be installed in the final image.
RUN python -m venv --without-pip /opt/venv
COPY requirements/bot.lock /build/
RUN python -m pip --python /opt/venv/bin/python install --no-cache-dir --no-deps --require-hashes -r /build/bot.lock
# What no bot loads: the engine, since it asks a server; tests of packages, LiteRT's library for GPUs and its tools.
RUN python -m pip --python /opt/venv/bin/python uninstall --yes onnxruntime \
    && find /opt/venv -type d -name tests -prune -exec rm -r {} + \
    && find /opt/venv -path '*/ai_edge_litert/*' \( -name 'libLiteRtWebGpu*' -o -path '*/tools/*' \) -type f -delete
ARG SUBJECT_MASKS=no
RUN if [ "$SUBJECT_MASKS" != yes ]; then \
        python -m pip --python /opt/venv/bin/python uninstall --yes opencv-python-headless; \
    fi
COPY LICENSE NOTICE /opt/app/
COPY tfstyle /opt/app/tfstyle
COPY serving /opt/app/serving
COPY bot /opt/app/bot
# The root file system is read-only, so this cannot happen later.
RUN /opt/venv/bin/python -m compileall -q /opt/app

FROM python:3.12.12-slim-bookworm
COPY --from=build /opt/venv /opt/venv
COPY --from=build /opt/app /opt/app
ENV PYTHONPATH=/opt/app
# A number, so that Kubernetes can see that it is not root.
USER 10001:10001
WORKDIR /opt/app
EXPOSE 8080
ENTRYPOINT ["/opt/venv/bin/python", "-m", "bot"]
