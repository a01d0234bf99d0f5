import keras
import pytest

from tfstyle.networks import precision


@pytest.fixture
def processor(tmp_path, monkeypatch):
    """Makes this machine's processor one with the given flags."""
    monkeypatch.setattr(precision, "has_gpu", lambda: False)
    monkeypatch.setattr(precision, "CPU_INFO", tmp_path / "cpuinfo")

    def describe(flags: str) -> None:
        precision.CPU_INFO.write_text(f"processor\t: 0\nmodel name\t: Some\nflags\t\t: fpu {flags} sse2\n\n")

    return describe


@pytest.mark.parametrize("flag", ["avx512_bf16", "amx_bf16"])
def test_auto_is_bfloat16_on_a_processor_that_has_it(processor, flag):
    processor(flag)

    assert precision.as_keras_policy("auto") == "mixed_bfloat16"


def test_auto_is_float32_on_other_processors_and_where_nobody_can_tell(processor):
    assert precision.as_keras_policy("auto") == "float32"  # no such file, as on macOS

    processor("avx512f avx512_bf16x")
    assert precision.as_keras_policy("auto") == "float32"


def test_auto_is_bfloat16_on_a_gpu(processor, monkeypatch):
    processor("avx2")
    monkeypatch.setattr(precision, "has_gpu", lambda: True)

    assert precision.as_keras_policy("auto") == "mixed_bfloat16"


def test_what_is_asked_for_is_taken_whatever_the_processor(processor):
    processor("avx512_bf16")
    assert precision.as_keras_policy("float32") == "float32"

    processor("avx2")
    assert precision.as_keras_policy("bfloat16") == "mixed_bfloat16"


def test_xla_compiles_bfloat16_on_gpus_only(processor, monkeypatch):
    assert precision.xla_pays("float32")
    assert not precision.xla_pays("mixed_bfloat16")

    monkeypatch.setattr(precision, "has_gpu", lambda: True)
    assert precision.xla_pays("mixed_bfloat16")


def test_a_policy_holds_for_layers_made_within_and_no_longer():
    with precision.policy("mixed_bfloat16"):
        inner = keras.layers.Dense(1)

    assert inner.compute_dtype == "bfloat16"
    assert keras.layers.Dense(1).compute_dtype == "float32"
