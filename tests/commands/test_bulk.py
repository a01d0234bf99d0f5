"""`tfstyle bulk`: what its words mean, and what is said before anything is painted."""

import shutil
import signal
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.commands.test_cli import one_line
from tfstyle.batch import job
from tfstyle.batch.job import Job, JobResult
from tfstyle.batch.output_folder import open_output_folder
from tfstyle.cli import main


@pytest.fixture
def folder(tmp_path, monkeypatch, tiny_models) -> Path:
    """The current folder: two photos, a mask, and a model of the styles `first` and `second`."""
    (tmp_path / "photos").mkdir()
    for name in ("a.jpg", "b.png"):
        Image.new("RGB", (32, 24)).save(tmp_path / "photos" / name)
    Image.new("L", (32, 24), 255).save(tmp_path / "mask.png")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TFSTYLE_MODELS", str(tiny_models))
    terminate = signal.getsignal(signal.SIGTERM)
    yield tmp_path
    signal.signal(signal.SIGTERM, terminate)


@pytest.fixture
def jobs(monkeypatch) -> list[Job]:
    """Those that would have been run, in a folder that was opened for them."""
    taken: list[Job] = []

    def run(job: Job, report) -> JobResult:
        with open_output_folder(job.folder, job.settings) as paintings:
            taken.append(job)
            report(2, 0, 0)
            return JobResult(painted=2, there=0, failed=paintings.errors)

    monkeypatch.setattr(job, "run", run)
    return taken


ASKED = ("bulk", "photos", "--model", "tiny", "-o", "out")


def test_options_mean_what_they_mean_for_one_photo(folder, jobs, capsys):
    more = ("--strength", "0.5", "--preserve-color", "--mask", "mask.png", "--max-size", "64", "--stroke", "2")
    assert main([*ASKED, "--style", "first:60,second:40", *more, "--workers", "3", "--threads", "2"]) == 0
    assert main([*ASKED[:-1], "regions", "--regions", "left=first,mask.png=second"]) == 0

    first, second = jobs
    assert list(first.photos.files) == ["a.jpg", "b.png"]
    assert (first.folder, first.workers, first.threads) == (folder / "out", 3, 2)
    mask = (folder / "mask.png").read_bytes()
    assert vars(first.options).items() >= {
        "style": "first:60,second:40", "strength": 0.5, "preserve_color": True, "mask": mask, "regions": None,
        "fade": 0.5, "max_size": 64, "stroke": "2",
    }.items()  # fmt: skip
    assert second.options.regions == [("left", {"first": 1}), (mask, {"second": 1})]
    assert second.options.style is None
    assert capsys.readouterr().err.splitlines()[-1] == "Done: 2 painted, 0 were there, 0 failed"


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        (("--strength", "0.5"), "out was painted with --strength 1.0, and this is --strength 0.5; go on with the same"),
        (("--stroke", "2"), "out was painted with --stroke 1.0, and this is --stroke 2"),
        (("--format", "png"), "out was painted with --format none, and this is --format png"),
        (("--mask", "left"), "out was painted with --mask none, and this is --mask left"),
    ],
)
def test_other_options_need_another_folder(folder, jobs, capsys, changed, sentence):
    assert main([*ASKED, "--style", "first"]) == 0
    assert main([*ASKED, "--style", "first", "--workers", "1"]) == 0, "who paints makes no difference"
    capsys.readouterr()

    assert main([*ASKED, "--style", "first", *changed]) == 2
    assert sentence in capsys.readouterr().err.splitlines()[-1]


def test_another_mask_or_model_of_the_same_name_needs_another_folder(folder, jobs, grown_models, monkeypatch, capsys):
    shutil.copytree(grown_models / "tiny" / "2", folder / "models" / "tiny" / "1")
    assert main([*ASKED, "--style", "first", "--mask", "mask.png"]) == 0

    Image.new("L", (32, 24), 128).save(folder / "mask.png")
    assert main([*ASKED, "--style", "first", "--mask", "mask.png"]) == 2
    assert "was painted with mask files " in capsys.readouterr().err.splitlines()[-1]
    monkeypatch.setenv("TFSTYLE_MODELS", str(folder / "models"))
    assert main([*ASKED, "--style", "first", "--mask", "mask.png"]) == 2
    assert "was painted with --model tiny 1, " in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([*ASKED], "Expected a style or regions, got neither"),
        ([*ASKED, "--style", "third"], "third"),
        ([*ASKED, "--style", "first", "--strength", "2"], "Expected a strength from 0"),
        ([*ASKED, "--style", "first", "--mask", "no.png"], "no.png: no such file."),
        (["bulk", "photos", "--style", "first", "-o", "out", "--model", "none"], "Expected a model in none"),
        (["bulk", "empty", "--style", "first", "-o", "out", "--model", "tiny"], "empty: expected photos, found none"),
        (
            ["bulk", "photos", "--style", "first", "-o", "photos", "--model", "tiny"],
            "a folder for paintings that holds no photos",
        ),
        (
            ["bulk", "photos", "--style", "first", "-o", ".", "--model", "tiny"],
            "a folder for paintings that holds no photos",
        ),
    ],
)
def test_what_cannot_be_painted_is_one_sentence(folder, capsys, arguments, sentence):
    (folder / "empty").mkdir()

    assert main(arguments) == 2

    assert sentence in one_line(capsys)
    assert not (folder / "out").exists()


@pytest.mark.parametrize(
    ("option", "sentence"),
    [
        ("--gpus=1.5", "expected a whole number or a part of 1, got '1.5'"),
        ("--gpus=-1", "expected a whole number or a part of 1, got '-1'"),
        ("--gpus=many", "expected a whole number or a part of 1, got 'many'"),
        ("--workers=0", "expected a whole number, 1 or more, got '0'"),
    ],
)
def test_numbers_that_no_cluster_has_are_refused(option, sentence, capsys):
    with pytest.raises(SystemExit) as caught:
        main([*ASKED, "--style", "first", option])
    assert caught.value.code == 2
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize("package", ["ray", "pyarrow"])
def test_without_ray_the_extra_is_named(folder, monkeypatch, capsys, package):
    monkeypatch.setitem(sys.modules, package, None)

    assert main([*ASKED, "--style", "first"]) == 2

    assert capsys.readouterr().err.splitlines()[-1] == (
        f"tfstyle: bulk needs {package}, which is not installed; pip install 'tfstyle[bulk]'."
    )


def test_a_cluster_that_is_not_there_is_said(folder, capsys):
    assert main([*ASKED, "--style", "first", "--address", "127.0.0.1:1"]) == 2

    assert "No Ray cluster at 127.0.0.1:1" in capsys.readouterr().err.splitlines()[-1]


def test_a_job_with_errors_ends_with_1_and_one_that_is_stopped_with_130(folder, monkeypatch, capsys):
    monkeypatch.setattr(job, "run", lambda *_: JobResult(painted=3, there=2, failed=1))
    assert main([*ASKED, "--style", "first"]) == 1
    assert capsys.readouterr().err.splitlines()[-1] == (
        f"Done: 3 painted, 2 were there, 1 failed, see {folder / 'out' / 'errors.csv'}"
    )

    def stopped(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(job, "run", stopped)
    assert main([*ASKED, "--style", "first"]) == 130
    assert capsys.readouterr().err == "Stopped; the same command goes on from here.\n"
