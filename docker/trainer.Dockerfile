# Training: docker build -f docker/trainer.Dockerfile -t tfstyle-trainer:0.1.0 .
# docker run --rm --user "$(id -u)" -v "$PWD:/work" tfstyle-trainer:0.1.0 \
#     train tfstyle_2 --photos coco/val2017.zip --style-images paintings/ --out runs/twelve
# For GPUs: --build-arg TENSORFLOW='tensorflow[and-cuda]', and docker run --gpus all.
# Pinned by version; where a registry is at hand, pin the digest too: FROM python:...@sha256:...

FROM python:3.12.12-slim-bookworm
ARG TENSORFLOW=tensorflow
COPY requirements/train.lock /build/
# The second command installs CUDA's libraries, in the versions that the locked TensorFlow wants, or nothing.
# DL3013: that TensorFlow is there already, and has no other version to take.
# hadolint ignore=DL3013
RUN python -m pip install --no-cache-dir --no-deps --require-hashes -r /build/train.lock \
    && python -m pip install --no-cache-dir "${TENSORFLOW}"
COPY LICENSE NOTICE /opt/app/
COPY tfstyle /opt/app/tfstyle
COPY serving /opt/app/serving
COPY saved_models /opt/app/saved_models
ENV PYTHONPATH=/opt/app
ENV PYTHONUNBUFFERED=1
USER 10001:10001
WORKDIR /work
ENTRYPOINT ["python", "-m", "tfstyle"]
