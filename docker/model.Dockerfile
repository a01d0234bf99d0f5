# The models in TensorFlow Serving: docker build -f docker/model.Dockerfile -t tfstyle-model-server:0.1.0 .
# For GPUs: --build-arg SERVING=2.20.0-gpu -t tfstyle-model-server:0.1.0-gpu
# Pinned by version; where a registry is at hand, pin the digest too: --build-arg SERVING=2.20.0@sha256:...
ARG SERVING=2.20.0

FROM tensorflow/serving:${SERVING}
COPY serving/config/models.config serving/config/monitoring.config serving/config/session.config /config/
COPY LICENSE NOTICE /opt/app/
COPY saved_models/tfstyle /models/tfstyle
USER 10001:10001
EXPOSE 8500 8501
# The server itself: the image's own entry point is a shell, which keeps signals to itself.
ENTRYPOINT ["/usr/bin/tensorflow_model_server", "--port=8500", "--rest_api_port=8501"]
CMD ["--model_config_file=/config/models.config", "--monitoring_config_file=/config/monitoring.config", "--enable_profiler=false"]
