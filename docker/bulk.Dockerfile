# Many photos on a Ray cluster: docker build -f docker/bulk.Dockerfile -t tfstyle-bulk:0.1.0 .
# For GPUs: --build-arg TENSORFLOW='tensorflow[and-cuda]' -t tfstyle-bulk:0.1.0-gpu
# On one machine: docker run --rm --user "$(id -u)" --shm-size 256m -v "$PWD:/work" tfstyle-bulk:0.1.0 \
#     bulk photos/ --style starry_night -o paintings/
# Pinned by version; where a registry is at hand, pin the digest too: FROM python:...@sha256:...

FROM python:3.12.12-slim-bookworm
ARG TENSORFLOW=tensorflow
COPY requirements/bulk.lock /build/
# The second command installs CUDA's libraries, in the versions that the locked TensorFlow wants, or nothing.
# DL3013: that TensorFlow is there already, and has no other version to take.
# hadolint ignore=DL3013
RUN python -m pip install --no-cache-dir --no-deps --require-hashes -r /build/bulk.lock \
    && python -m pip install --no-cache-dir "${TENSORFLOW}"
COPY LICENSE NOTICE /opt/app/
COPY tfstyle /opt/app/tfstyle
COPY saved_models /opt/app/saved_models
ENV PYTHONPATH=/opt/app
ENV PYTHONUNBUFFERED=1
# Ray's users' folder: the one of this user is the root, where nobody may write.
ENV HOME=/tmp
USER 10001:10001
WORKDIR /work
ENTRYPOINT ["python", "-m", "tfstyle"]
