"""The REST port over real HTTP: TensorFlow Serving's JSON, its sentences and its status codes."""

import base64
import io
import json
import re

import httpx
import numpy as np
import pytest
from PIL import Image

pytestmark = pytest.mark.rest

BLACK = [0.0, 1.0, 0.0]
INVERT = [1.0, 0.0, 0.0]
IMAGE = np.arange(2 * 3 * 3).reshape(2, 3, 3)


@pytest.fixture(scope="module")
def http(addresses):
    with httpx.Client(base_url=f"http://{addresses.rest}", timeout=30) as client:
        yield client


def predict(http: httpx.Client, document: object, path: str = "/v1/models/tfstyle:predict") -> httpx.Response:
    content = document if isinstance(document, bytes) else json.dumps(document).encode()
    return http.post(path, content=content)


def error(response: httpx.Response) -> tuple[int, str]:
    assert response.headers["content-type"].startswith("application/json")
    return response.status_code, response.json()["error"]


def test_rows_are_answered_by_rows(http):
    instances = [{"image": IMAGE.tolist(), "style_weights": weights} for weights in (INVERT, BLACK)]
    response = predict(http, {"instances": instances})

    assert response.status_code == 200
    assert list(response.json()) == ["predictions"]
    np.testing.assert_array_equal(response.json()["predictions"], [255 - IMAGE, np.zeros_like(IMAGE)])


def test_columns_are_answered_by_columns(http):
    response = predict(http, {"inputs": {"image": [IMAGE.tolist()], "style_weights": [INVERT]}})

    assert list(response.json()) == ["outputs"]
    np.testing.assert_array_equal(response.json()["outputs"], [255 - IMAGE])


def test_several_outputs_are_named(http):
    rows = predict(http, {"signature_name": "slow", "instances": [1]})
    assert rows.json() == {"predictions": [{"rounds": 1, "sum": 300.0}]}
    assert "300.0" in rows.text  # a decimal, also where it is whole

    columns = predict(http, {"signature_name": "slow", "inputs": [1]})
    assert columns.json() == {"outputs": {"rounds": [1], "sum": [300.0]}}


def test_bytes_are_base64_in_both_directions(http):
    buffer = io.BytesIO()
    Image.fromarray(IMAGE.astype(np.uint8)).save(buffer, "png")
    instance = {
        "image_bytes": {"b64": base64.b64encode(buffer.getvalue()).decode()},
        "region_weights": [INVERT],
        "region_masks": [""],
        "strength": 1.0,
        "preserve_color": False,
        "format": "png",
    }
    response = predict(http, {"signature_name": "encoded", "instances": [instance]})

    (answer,) = response.json()["predictions"]
    painted = Image.open(io.BytesIO(base64.b64decode(answer["b64"])))
    np.testing.assert_array_equal(np.asarray(painted), 255 - IMAGE)


def test_a_version_is_part_of_the_path(http):
    document = {"signature_name": "slow", "instances": [1]}
    assert predict(http, document, "/v1/models/other/versions/7:predict").status_code == 200
    assert error(predict(http, document, "/v1/models/other/versions/3:predict")) == (
        404,
        "Servable not found for request: Specific(other, 3)",
    )
    assert error(predict(http, document, "/v1/models/other/labels/stable:predict")) == (
        400,
        "Unrecognized servable version label: stable",
    )


IMAGE_ROW = {"image": IMAGE.tolist(), "style_weights": BLACK}
ERRORS = {
    "empty": (b"", 400, "JSON Parse error: The document is empty"),
    "no object": ([], 400, "JSON Value: [] Is not object"),
    "no tensors": ({}, 400, "Missing 'inputs' or 'instances' key"),
    "both forms": (
        {"inputs": 1, "instances": 1},
        400,
        re.compile(
            r"JSON Value: .* Not formatted correctly expecting only one of 'inputs' or 'instances' keys to exist "
        ),
    ),
    "instances that are no list": (
        {"instances": 1},
        400,
        re.compile(r"JSON Value: .* Excepting 'instances' to be an list/array"),
    ),
    "no instances": ({"instances": []}, 400, re.compile(r"JSON Value: .* No values in 'instances' array")),
    "signature that is no string": (
        {"signature_name": 3, "instances": [1]},
        400,
        re.compile(r"JSON Value: .* not formatted correctly. 'signature_name' key must be a string value."),
    ),
    "unknown signature": (
        {"signature_name": "paint", "instances": [1]},
        400,
        'Serving signature name: "paint" not found in signature def',
    ),
    "signature without inputs": (
        {"signature_name": "describe", "inputs": {}},
        400,
        "Failed to get input map for signature: describe",
    ),
    "plain rows for two inputs": (
        {"instances": [[1]]},
        400,
        "instances is a plain list, but expecting list of objects as multiple input tensors required as per "
        "tensorinfo_map",
    ),
    "a plain value for two inputs": (
        {"inputs": [1]},
        400,
        "inputs is a plain value/list, but expecting an object as multiple input tensors required as per "
        "tensorinfo_map",
    ),
    "missing column": (
        {"inputs": {"image": [IMAGE.tolist()]}},
        400,
        "Missing named input: style_weights in 'inputs' object.",
    ),
    "object among values": (
        {"signature_name": "slow", "instances": [1, {"rounds": 1}]},
        400,
        "Expecting value/list but got object at item 1 of input list",
    ),
    "value among objects": (
        {"instances": [IMAGE_ROW, 1]},
        400,
        "Expecting object but got list at item 1 of input list",
    ),
    "missing key": (
        {"instances": [{"image": IMAGE.tolist()}]},
        400,
        re.compile(
            r"Failed to process element: 0 of 'instances' list. JSON object: .* keys must be equal to: "
            r"image,style_weights"
        ),
    ),
    "unknown key": (
        {"instances": [IMAGE_ROW | {"mask": 1}]},
        400,
        re.compile(
            r"Failed to process element: 0 key: mask of 'instances' list. Error: .*"
            r"JSON object: does not have named input: mask"
        ),
    ),
    "rows of two sizes": (
        {"instances": [IMAGE_ROW, IMAGE_ROW | {"style_weights": [1.0]}]},
        400,
        re.compile(r"Failed to process element: 1 key: style_weights .*Expecting tensor size: 3 but got: 1"),
    ),
    "rows of two shapes": (
        {"instances": [IMAGE_ROW, IMAGE_ROW | {"style_weights": [[1.0], [1.0], [1.0]]}]},
        400,
        re.compile(r"Failed to process element: 1 key: style_weights .*Expecting shape \[3\] but got: \[3,1\]"),
    ),
    "uneven list": (
        {"inputs": {"image": [[1, 2], [3]], "style_weights": [BLACK]}},
        400,
        "Encountered list at unexpected size: 1 at level: 1 expected size: 2",
    ),
    "list nested too deeply": (
        {"inputs": {"image": [1, [2]], "style_weights": [BLACK]}},
        400,
        "Encountered list at unexpected level: 1 expected < 1",
    ),
    "value at the wrong level": (
        {"inputs": {"image": [[1], 2], "style_weights": [BLACK]}},
        400,
        "JSON Value: 2 found at incorrect level: 2 in the JSON DOM. Expected at level: 2",
    ),
    "text where numbers belong": (
        {"inputs": {"image": ["a"], "style_weights": [BLACK]}},
        400,
        'JSON Value: "a" Type: String is not of expected type: uint8',
    ),
    "true where numbers belong": (
        {"inputs": {"image": [True], "style_weights": [BLACK]}},
        400,
        "JSON Value: true Type: True is not of expected type: uint8",
    ),
    "decimals where whole numbers belong": (
        {"inputs": {"image": [1.5], "style_weights": [BLACK]}},
        400,
        "JSON Value: 1.5 Type: Number is not of expected type: uint8",
    ),
    "a number that a float cannot hold": (
        {"inputs": {"image": [1], "style_weights": [2**24]}},
        400,
        "Cannot convert JSON value: 16777216 to float without loss of precision.",
    ),
    "bytes that are no base64": (
        {
            "signature_name": "encoded",
            "inputs": {
                "image_bytes": [{"b64": "***"}],
                "region_weights": [[BLACK]],
                "region_masks": [[""]],
                "strength": [1.0],
                "preserve_color": [True],
                "format": ["png"],
            },
        },
        400,
        "Unable to base64 decode",
    ),
}


@pytest.mark.parametrize(("document", "code", "message"), ERRORS.values(), ids=ERRORS.keys())
def test_a_wrong_request_gets_tensorflow_servings_sentence(http, document, code, message):
    status, said = error(predict(http, document))
    assert status == code
    if isinstance(message, re.Pattern):
        assert message.search(said), said
    else:
        assert said == message


@pytest.mark.parametrize("body", [b"{", b"nothing", b'{"instances": [1,]}', b"\xff\xfe", b"[" * 100_000])
def test_a_body_that_is_no_json_is_told_where(http, body):
    status, said = error(predict(http, body))
    assert status == 400
    assert said.startswith("JSON Parse error: ")


def test_numbers_that_json_does_not_know_are_read_all_the_same(http):
    """NaN and Infinity, as TensorFlow Serving does; what the graph makes of them is its business."""
    body = b'{"inputs": {"image": [[[[1, 2, 3]]]], "style_weights": [[NaN, 0.0, Infinity]]}}'
    assert predict(http, body).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "code", "message"),
    [
        ("POST", "/v1/models/nobody:predict", 404, "Servable not found for request: Latest(nobody)"),
        ("GET", "/v1/models/nobody", 404, "Could not find any versions of model nobody"),
        ("GET", "/v1/models/tfstyle/versions/9", 404, "Could not find version 9 of model tfstyle"),
        ("GET", "/v1/models/nobody/metadata", 404, "Servable not found for request: Latest(nobody)"),
        ("GET", "/v1/models", 400, "Missing model name in request."),
        ("GET", "/v1/models/tfstyle:predict", 400, "Malformed request: GET /v1/models/tfstyle:predict"),
        ("POST", "/v1/models/tfstyle", 400, "Malformed request: POST /v1/models/tfstyle"),
        ("POST", "/v1/models/tfstyle:paint", 400, "Malformed request: POST /v1/models/tfstyle:paint"),
        ("DELETE", "/v1/models/tfstyle", 400, "Malformed request: DELETE /v1/models/tfstyle"),
        (
            "GET",
            "/v1/models/tfstyle/versions/99999999999999999999",
            400,
            "Failed to convert version: 99999999999999999999 to numeric.",
        ),
    ],
)
def test_a_wrong_path_gets_tensorflow_servings_sentence(http, method, path, code, message):
    content = b'{"instances": [1]}' if method == "POST" else None
    assert error(http.request(method, path, content=content)) == (code, message)


def test_what_is_not_under_v1_is_not_found(http):
    assert http.get("/").status_code == 404


@pytest.mark.parametrize("method", ["classify", "regress"])
def test_models_without_examples_refuse_them(http, method):
    response = predict(http, {"examples": [{"x": 1}]}, f"/v1/models/tfstyle:{method}")
    assert error(response) == (400, "Expected one input Tensor.")


def test_the_status_is_that_of_grpc(http):
    response = http.get("/v1/models/other/versions/7")
    assert response.json() == {
        "model_version_status": [
            {"version": "7", "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}
        ]
    }


def test_metadata_are_the_signatures(http):
    document = http.get("/v1/models/other/metadata").json()

    assert document["model_spec"]["name"] == "other"
    assert document["model_spec"]["version"] == "7"
    signature = document["metadata"]["signature_def"]["signature_def"]["serving_default"]
    assert signature["method_name"] == "tensorflow/serving/predict"
    assert signature["inputs"]["image"]["dtype"] == "DT_UINT8"
    assert [dim["size"] for dim in signature["inputs"]["image"]["tensor_shape"]["dim"]] == ["-1", "-1", "-1", "3"]


def samples(page: str) -> dict[str, float]:
    """Values by name and labels."""
    lines = [line for line in page.splitlines() if not line.startswith("#")]
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines}


@pytest.mark.own_server
def test_prometheus_is_told_counts_and_times(http, prediction_stub, request_for):
    """TensorFlow Serving needs --monitoring_config_file for it."""
    path = "/monitoring/prometheus/metrics"
    before = samples(http.get(path).text)
    prediction_stub.Predict(request_for("slow", rounds=np.array([5], np.int32)))
    predict(http, {"signature_name": "slow", "instances": [1]})
    predict(http, {})
    page = http.get(path).text
    after = samples(page)

    def more(name: str) -> float:
        return after[name] - before.get(name, 0)

    assert more(':tensorflow:serving:request_count{model_name="tfstyle",status="OK"}') == 2
    for entrypoint in ("GRPC", "REST"):
        labels = f'model_name="tfstyle",API="Predict",entrypoint="{entrypoint}"'
        assert more(f":tensorflow:serving:request_latency_count{{{labels}}}") == 1
        assert more(f':tensorflow:serving:request_latency_bucket{{{labels},le="+Inf"}}') == 1
        assert 10 < more(f":tensorflow:serving:request_latency_sum{{{labels}}}") < 60e6  # microseconds
    assert more(':tensorflow:serving:runtime_latency_count{model_name="tfstyle",API="Predict",runtime="TF1"}') == 2
    assert "# TYPE :tensorflow:serving:request_count counter" in page
    assert "# TYPE :tensorflow:serving:request_latency histogram" in page
