"""What a client may rely on, whichever server it talks to: the embedded one, or TensorFlow Serving itself.

    python -m testing.toy_model /tmp/toy
    docker run --rm -p 8500:8500 -p 8501:8501 -v /tmp/toy:/models tensorflow/serving:2.20.0 \
        --model_config_file=/models/models.config
    TFSTYLE_SERVER=localhost:8500 TFSTYLE_REST_SERVER=localhost:8501 python -m pytest tests/serving/conformance
"""
