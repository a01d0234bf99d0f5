"""What tests of several rooms share."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from collections.abc import Iterator
from pathlib import Path

import hypothesis
import numpy as np
import pytest
import skimage.data

hypothesis.settings.register_profile("unhurried", deadline=None)  # how long a case takes says how busy the machine is
hypothesis.settings.load_profile("unhurried")


# What `make check` leaves out, by folder or file below tests/. Single tests are marked where they stand.
SLOW = (  # TensorFlow trains, paints or exports; processes are started by the dozen
    "batch/test_job.py",
    "benchmarks",
    "bot/test_hostile_photos.py",
    "commands/test_add_style.py",
    "commands/test_bulk.py",
    "commands/test_commands.py",
    "commands/test_demo.py",
    "commands/test_optimize.py",
    "commands/test_evaluate.py",
    "docker/test_supply_chain.py",
    "engines/test_file_operations.py",
    "evaluation",
    "examples",
    "export",
    "fuzz",
    "k8s/test_alerts.py",
    "k8s/test_manifests.py",
    "masks/test_segmentation.py",
    "model_store/test_publish.py",
    "networks/test_precision.py",
    "networks/test_transformer.py",
    "networks/test_vgg19.py",
    "optimization",
    "studio/test_export.py",
    "studio/test_page.py",
    "test_flow.py",
    "test_readme.py",
    "test_released_model.py",
    "training/test_add_style.py",
    "training/test_batches.py",
    "training/test_style_corpus.py",
    "training/test_trainer.py",
    "training/test_training_run.py",
    "training/test_tuning.py",
)
INTEGRATION = (  # servers, processes or programs of others
    "batch/test_job.py",
    "bot/test_any_painting.py",
    "bot/test_chat.py",
    "bot/test_crash.py",
    "bot/test_faults.py",
    "bot/test_load.py",
    "bot/test_logs.py",
    "bot/test_operation.py",
    "bot/test_privacy.py",
    "bot/test_replicas.py",
    "bot/test_secure_service.py",
    "bot/test_terminal.py",
    "bot/work/test_delivery.py",
    "bot/work/test_worker.py",
    "docker/test_images.py",
    "faults",
    "k8s/test_backups.py",
    "k8s/test_database_roles.py",
    "k8s/test_database_tls.py",
    "k8s/test_scripts.py",
    "serving/client/test_connection.py",
    "serving/client/test_names.py",
    "serving/client/test_node.py",
    "serving/client/test_ovmsclient.py",
    "serving/client/test_restart.py",
    "serving/conformance",
    "serving/server",
    "serving/test_added_style.py",
    "studio/test_export.py",
    "studio/test_server.py",
    "studio/test_page.py",
    "test_flow.py",
    "test_kit.py",
    "test_readme.py",
)
INTEGRATION_FIXTURES = {"addresses", "postgres", "released_server", "running_bot"}


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """What `-m "not slow"` leaves out is not imported either, which would take as long as the fast tests do."""
    asked: str = config.option.markexpr
    left_out = {*(SLOW if "not slow" in asked else ()), *(INTEGRATION if "not integration" in asked else ())}
    return str(collection_path.relative_to(Path(__file__).parent)) in left_out or None


@pytest.hookimpl(tryfirst=True)  # before `-m` looks at them
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    tests = Path(__file__).parent
    for item in items:
        path = item.path.relative_to(tests)
        places = {str(place) for place in (path, *path.parents)}
        if places & set(SLOW):
            item.add_marker(pytest.mark.slow)
        if places & set(INTEGRATION) or INTEGRATION_FIXTURES & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.integration)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture(scope="session")
def astronaut() -> np.ndarray:
    """NASA's portrait of Eileen Collins, public domain; uint8 [512, 512, 3]."""
    return skimage.data.astronaut()


@pytest.fixture(scope="session")
def coffee() -> np.ndarray:
    """A cup of coffee, CC0; uint8 [400, 600, 3]."""
    return skimage.data.coffee()


@pytest.fixture(scope="session")
def released_server() -> Iterator[str]:
    """Address of a server with the released model; whoever only asks it shares it."""
    from serving.server import model_server
    from tfstyle.model_store.versions import models_root

    with model_server.running(models_root()) as address:
        yield address


@pytest.fixture(scope="session")
def tiny_models(tmp_path_factory) -> Path:
    """A folder of models with one small untrained model of two styles: `tiny/1`, at most 2000 x 2000 pixels."""
    from tfstyle.contract.catalog import Style

    styles = (Style("first", "The First", "A. Painter", "1900"), Style("second", "Die Zweite", "Ä. Maler", "c. 1901"))
    return _tiny_model(tmp_path_factory, styles, version=1)


@pytest.fixture(scope="session")
def grown_models(tmp_path_factory, tiny_models) -> Path:
    """A folder of models with the next version of `tiny_models`' model, which has one style more: `tiny/2`."""
    from tfstyle.contract.catalog import Catalog, Style
    from tfstyle.model_store.versions import CATALOG_FILE

    styles = Catalog.load(tiny_models / "tiny" / "1" / CATALOG_FILE).styles
    return _tiny_model(tmp_path_factory, (*styles, Style("third", "The Third", "A. Painter", "1902")), version=2)


@pytest.fixture(scope="session")
def encoder_models(tmp_path_factory) -> Path:
    """As `tiny_models`, with an untrained style encoder, whose style vectors differ from painting to painting."""
    from tfstyle.contract.catalog import Style

    styles = (Style("first", "The First", "A. Painter", "1900"), Style("second", "The Second", "A. Painter", "1901"))
    return _tiny_model(tmp_path_factory, styles, version=1, encodes=True)


def _tiny_model(tmp_path_factory, styles, version: int, *, encodes: bool = False) -> Path:
    import keras

    from tfstyle.export.saved_model import export
    from tfstyle.networks.checkpoint import Checkpoint, neutral_vector, new_transformer
    from tfstyle.networks.transformer import TransformerConfig

    keras.utils.set_random_seed(0)
    trunk = new_transformer(TransformerConfig(widths=(4, 8), blocks=1))
    # Style vectors that differ, or every style would look the same.
    table = neutral_vector(trunk) + np.random.default_rng(1).normal(0, 0.5, (len(styles), trunk.style_size))
    model = Checkpoint(trunk, tuple(styles), table.astype("float32"), _encoder(table) if encodes else None)
    root = tmp_path_factory.mktemp("models")
    export(model, root / "tiny" / str(version), max_pixels=2000 * 2000)
    return root


def _encoder(table: np.ndarray):
    from tfstyle.networks.checkpoint import new_encoder
    from tfstyle.networks.style_encoder import StyleEncoderConfig

    rng = np.random.default_rng(2)
    encoder = new_encoder(StyleEncoderConfig(style_size=table.shape[1], components=16, hidden=8))
    encoder.fit_whitening(np.abs(rng.normal(1, 0.5, (40, encoder.config.statistics))))
    encoder.kernel.assign(rng.normal(0, 0.3, encoder.kernel.shape))
    encoder.mean_vector.assign(table.mean(axis=0))
    return encoder
