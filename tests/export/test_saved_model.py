import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from tensorflow_serving.apis import prediction_log_pb2

from tfstyle.contract.catalog import Catalog, Style
from tfstyle.errors import ModelError
from tfstyle.export import saved_model as export
from tfstyle.networks import checkpoint
from tfstyle.networks.checkpoint import Checkpoint
from tfstyle.networks.transformer import TransformerConfig

STYLES = (Style("one", "One", "A", "1900"),)


@pytest.fixture(scope="module")
def model():
    trunk = checkpoint.new_transformer(TransformerConfig(widths=(2, 4), blocks=0))
    return Checkpoint(trunk, STYLES, checkpoint.neutral_vector(trunk)[None])


def test_a_version_holds_everything_the_contract_lists(tiny_models):
    version = tiny_models / "tiny" / "1"
    extra = version / "assets.extra"

    assert (version / "saved_model.pb").is_file()
    catalog = Catalog.load(extra / "catalog.json")
    assert catalog.names == ("first", "second")
    assert catalog.max_pixels == 4_000_000
    assert all(style.thumbnail.startswith(b"\xff\xd8\xff") for style in catalog)
    model = Checkpoint.load(version)
    assert model.trunk.config.widths == (4, 8)
    assert model.names == catalog.names


def test_warm_up_requests_are_of_the_sizes_photos_have(tiny_models):
    path = tiny_models / "tiny" / "1" / "assets.extra" / "tf_serving_warmup_requests"
    requests = []
    for record in tf.data.TFRecordDataset(str(path)):
        request = prediction_log_pb2.PredictionLog.FromString(record.numpy()).predict_log.request
        assert request.model_spec.name == "tiny"
        size = tuple(tf.io.decode_jpeg(request.inputs["image_bytes"].string_val[0]).shape[:2])
        requests.append((request.model_spec.signature_name, size))

    sizes = [(960, 1280), (1280, 960), (720, 1280), (1280, 720), (512, 512)]
    assert requests == [*(("encoded", size) for size in sizes), ("stylize_vectors", (512, 512))]


def test_a_version_that_is_there_is_never_written_over(model, tmp_path):
    (tmp_path / "model" / "1").mkdir(parents=True)
    with pytest.raises(ModelError, match="Export as the next number"):
        export.export(model, tmp_path / "model" / "1")
    with pytest.raises(ModelError, match="named by a version number"):
        export.export(model, tmp_path / "model" / "newest")


def test_a_failed_export_leaves_nothing_behind(model, tmp_path, monkeypatch):
    def fail(*arguments, **options):
        raise OSError("disk full")

    monkeypatch.setattr(export, "write_warmup", fail)
    with pytest.raises(OSError, match="disk full"):
        export.export(model, tmp_path / "model" / "1")

    assert list((tmp_path / "model").iterdir()) == []


def test_thumbnails_show_the_style_itself(tiny_models):
    first, second = (style.thumbnail for style in Catalog.load(tiny_models / "tiny/1/assets.extra/catalog.json"))
    import io

    pictures = [np.asarray(Image.open(io.BytesIO(t))).astype(int) for t in (first, second)]
    assert np.abs(pictures[0] - pictures[1]).mean() > 5
