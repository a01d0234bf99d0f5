"""From a file to a painted one: what people report of such tools, each with the right value."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image, ImageSequence

from tests.video.clips import (
    BARS,
    FRAMES,
    HEIGHT,
    RATE,
    WIDTH,
    Clip,
    Sound,
    bars,
    centres,
    moving_square,
    packets,
    pictures,
    times,
    top_left_red,
)
from tfstyle.errors import RequestError, UnknownStyleError, VideoError
from tfstyle.stylize.options import StylizeOptions
from tfstyle.video.files.reader import open_reader
from tfstyle.video.preview import write_preview
from tfstyle.video.selection import Selection
from tfstyle.video.video_job import VideoJob
from tfstyle.video.video_painter import PaintedVideo, paint_video


@pytest.fixture
def paint(stylizer):
    """Paints a file into another, unstabilized."""

    def run(source: Path, output: Path, *, style="the_scream", **kwargs) -> PaintedVideo:
        names = ("selection", "stability", "crf", "workers", "overwrite", "report")
        call = {"stability": 0.0, "crf": 4 if output.suffix in (".mp4", ".mkv", ".mov", ".webm") else None}
        call |= {name: kwargs.pop(name) for name in names if name in kwargs}
        return paint_video(source, output, stylizer, StylizeOptions(style, **kwargs), **call)

    return run


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".webm", ".gif", ".webp"])
def test_every_frame_is_painted_and_shown_when_it_was(paint, clip, tmp_path, suffix):
    output = tmp_path / f"painted{suffix}"
    painted = paint(clip, output)
    assert (painted.width, painted.height, painted.frames, painted.whole) == (WIDTH, HEIGHT, FRAMES, True)
    frames = list(open_reader(output))
    assert [frame.time for frame in frames] == [Fraction(number, RATE) for number in range(FRAMES)]
    assert np.abs(frames[5].pixels.astype(int) - (255 - moving_square(5))).mean() < 12
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize(("width", "height"), [(64, 48), (1280, 720)], ids=["small", "large"])
def test_colours_at_strength_0_come_back_by_the_files_own_tags(paint, tmp_path, width, height):
    for matrix, range in ((1, 1), (6, 1), (1, 2)):
        source = Clip(frames=[bars(width, height)], matrix=matrix, range=range, pixel_format="yuv444p")
        path = source.write(tmp_path / f"bars{matrix}{range}.mp4")
        output = tmp_path / f"painted{matrix}{range}.mp4"
        paint(path, output, strength=0.0)
        assert np.abs(centres(pictures(output)[0]) - BARS).max() <= 4


def test_what_is_written_says_its_colours_as_players_guess_them(paint, clip, tmp_path):
    output = tmp_path / "painted.mp4"
    paint(clip, output)
    with av.open(str(output)) as container:
        codec = container.streams.video[0].codec_context
        assert (codec.pix_fmt, int(codec.colorspace), int(codec.color_range)) == ("yuv420p", 6, 1)


def test_a_phones_portrait_is_upright_and_not_turned_again(paint, tmp_path):
    source = Clip(frames=[top_left_red()] * 2, rotation=-90).write(tmp_path / "phone.mov")
    output = tmp_path / "painted.mp4"
    paint(source, output, strength=0.0)
    with av.open(str(output)) as container:
        frame = next(container.decode(video=0))
        assert (frame.width, frame.height, frame.rotation) == (HEIGHT, WIDTH, 0)
        red = frame.to_ndarray(format="rgb24")[..., 0] > 150
    assert red[:12, -12:].all()
    assert not red[:12, :12].any()


def test_odd_sides_are_kept_or_doubled_by_a_line_where_players_need_it(paint, tmp_path):
    frames = [moving_square(number, 65, 49) for number in range(3)]
    source = Clip(frames=frames, pixel_format="yuv444p").write(tmp_path / "odd.mp4")
    for suffix, size in ((".mp4", (50, 66)), (".webm", (49, 65)), (".gif", (49, 65)), (".webp", (49, 65))):
        output = tmp_path / f"painted{suffix}"
        paint(source, output, strength=0.0)
        pixels = next(iter(open_reader(output))).pixels
        assert pixels.shape[:2] == size
        assert np.abs(pixels[:49, :65].astype(int) - frames[0]).mean() < 8, suffix


def test_120_frames_a_second_stay_120(paint, tmp_path):
    source = Clip(rate=120, time_base=Fraction(1, 120 * 128)).write(tmp_path / "fast.mp4")
    paint(source, tmp_path / "painted.mp4")
    with av.open(str(tmp_path / "painted.mp4")) as container:
        assert container.streams.video[0].average_rate == 120


def test_times_of_a_variable_rate_are_kept_over_joints(paint, tmp_path, monkeypatch):
    monkeypatch.setattr("tfstyle.video.video_painter.SEGMENT_FRAMES", 2)
    ticks = [0, 512, 3000, 3400, 9000]
    frames = [moving_square(number) for number in range(5)]
    source = Clip(frames=frames, ticks=ticks, sounds=[Sound(seconds=Fraction(1))]).write(tmp_path / "variable.mp4")
    output = tmp_path / "painted.mp4"
    paint(source, output)
    assert times(output) == [tick * Fraction(1, RATE * 512) for tick in ticks]
    assert packets(output, 1) == packets(source, 1)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_sound_that_begins_later_still_does_and_is_copied_bit_by_bit(paint, tmp_path, suffix):
    source = Clip(sounds=[Sound(begin=Fraction(1, 2), seconds=Fraction(1))]).write(tmp_path / f"late{suffix}")
    output = tmp_path / f"painted{suffix}"
    paint(source, output)
    copied, original = packets(output, 1), packets(source, 1)
    assert [data for _, data in copied] == [data for _, data in original]
    assert abs(copied[0][0] - original[0][0]) <= Fraction(1, 1000)
    assert copied[0][0] > Fraction(2, 5)


def test_every_track_of_an_mkv_is_kept(paint, tmp_path):
    sounds = [Sound(language="eng"), Sound(codec="libopus", language="ger")]
    source = Clip(sounds=sounds).write(tmp_path / "two.mkv")
    paint(source, tmp_path / "painted.mkv")
    with av.open(str(tmp_path / "painted.mkv")) as container:
        tracks = [(stream.codec_context.name, stream.language) for stream in container.streams.audio]
    assert tracks == [("aac", "eng"), ("opus", "ger")] or tracks == [("aac", "eng"), ("libopus", "ger")]


def with_subtitles(video: Path, output: Path) -> Path:
    (output.parent / "words.srt").write_text("1\n00:00:00,100 --> 00:00:00,300\nHello\n")
    with (
        av.open(str(video)) as pictures,
        av.open(str(output.parent / "words.srt")) as words,
        av.open(str(output), "w") as target,
    ):
        tracks = [(source, target.add_stream_from_template(source.streams[0])) for source in (pictures, words)]
        for source, track in tracks:
            for packet in source.demux():
                if packet.size:
                    packet.stream = track
                    target.mux(packet)
    return output


def test_subtitles_are_kept_or_their_loss_is_noted(paint, clip, tmp_path):
    source = with_subtitles(clip, tmp_path / "words.mkv")
    assert paint(source, tmp_path / "painted.mkv").notes == ()
    assert [data for _, data in packets(tmp_path / "painted.mkv", 1)] == [b"Hello"]
    notes = paint(source, tmp_path / "painted.mp4").notes
    assert notes == ("subtitles in subrip cannot be in this kind of file and were left out",)


def test_sound_that_the_container_does_not_take_is_encoded_again_and_noted(paint, tmp_path):
    source = Clip(sounds=[Sound(seconds=Fraction(1))]).write(tmp_path / "clip.mp4")
    painted = paint(source, tmp_path / "painted.webm")
    assert painted.notes == ("sound in aac cannot be in this kind of file; it was encoded again, as libopus",)
    with av.open(str(tmp_path / "painted.webm")) as container:
        samples = sum(frame.samples for frame in container.decode(audio=0))
    assert abs(samples - 48_000) < 3000


def test_sound_goes_with_the_part_that_is_painted(paint, tmp_path):
    source = Clip(sounds=[Sound(seconds=Fraction(2))]).write(tmp_path / "clip.mp4")
    output = tmp_path / "painted.mp4"
    paint(source, output, selection=Selection(start=Fraction(1, 5), end=Fraction(2, 5)))
    sound = packets(output, 1)
    assert 0 <= sound[0][0] < Fraction(3, 100)
    assert Fraction(15, 100) < sound[-1][0] < Fraction(1, 5)


def test_titles_are_kept_and_places_are_not(paint, tmp_path):
    source = Clip(metadata={"title": "Home", "location": "+52.5+013.4/"}).write(tmp_path / "clip.mov")
    for metadata, expected in (("safe", {"title"}), ("none", set())):
        paint(source, tmp_path / f"{metadata}.mov", metadata=metadata)
        with av.open(str(tmp_path / f"{metadata}.mov")) as container:
            assert {name for name in ("title", "location") if name in container.metadata} == expected


def write_gif(path: Path, delays: list[int], *, loop: int | None, alpha: bool) -> Path:
    frames = []
    for number in range(len(delays)):
        pixels = np.dstack([moving_square(number), np.full((HEIGHT, WIDTH), 255, np.uint8)])
        if alpha:  # a window that moves
            pixels[:, number : 20 + number, 3] = 0
        frames.append(Image.fromarray(pixels))
    extra = {} if loop is None else {"loop": loop}
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=delays, disposal=2 if alpha else 0, **extra)
    return path


@pytest.mark.parametrize("loop", [0, 3, None], ids=["for ever", "three more", "once"])
def test_delays_and_loops_of_a_gif_stay(paint, tmp_path, loop):
    delays = [20, 50, 30, 200]
    source = write_gif(tmp_path / "clip.gif", delays, loop=loop, alpha=False)
    paint(source, tmp_path / "painted.gif")
    with Image.open(tmp_path / "painted.gif") as painted:
        assert painted.info.get("loop") == loop
        assert [frame.info["duration"] for frame in ImageSequence.Iterator(painted)] == delays


def test_delays_and_loops_go_from_gif_to_webp(paint, tmp_path):
    source = write_gif(tmp_path / "clip.gif", [20, 50, 30, 200], loop=3, alpha=False)
    paint(source, tmp_path / "painted.webp")
    info = open_reader(tmp_path / "painted.webp").info
    frames = list(open_reader(tmp_path / "painted.webp"))
    assert info.loop == 4
    assert [frame.duration * 1000 for frame in frames] == [20, 50, 30, 200]


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".webm"])
def test_what_is_seen_through_stays_so(paint, tmp_path, suffix):
    source = write_gif(tmp_path / "clip.gif", [40] * 4, loop=0, alpha=True)
    output = tmp_path / f"painted{suffix}"
    paint(source, output)
    for number, frame in enumerate(open_reader(output)):
        assert frame.alpha is not None
        assert frame.alpha[:, number + 2 : number + 18].max() < 16
        assert frame.alpha[:, number + 22 :].min() > 239


def test_transparency_of_webm_is_read(paint, tmp_path):
    source = write_gif(tmp_path / "clip.gif", [40] * 4, loop=0, alpha=True)
    paint(source, tmp_path / "one.webm")
    paint(tmp_path / "one.webm", tmp_path / "two.webm")
    alpha = next(iter(open_reader(tmp_path / "two.webm"))).alpha
    assert alpha is not None
    assert (alpha[:, 2:18].max() < 16, alpha[:, 22:].min() > 239) == (True, True)


def test_one_frame_is_a_video(paint, tmp_path):
    source = Clip(frames=[moving_square(0)]).write(tmp_path / "one.mp4")
    assert paint(source, tmp_path / "painted.mp4", stability=0.7).frames == 1
    assert len(pictures(tmp_path / "painted.mp4")) == 1


def test_options_hold_for_every_frame(paint, clip, tmp_path):
    paint(clip, tmp_path / "left.mp4", mask="left", fade=0.0)
    original, painted = pictures(clip)[4].astype(int), pictures(tmp_path / "left.mp4")[4].astype(int)
    assert np.abs(painted[:, 34:] - original[:, 34:]).mean() < 5
    assert np.abs(painted[:, :30] - (255 - original[:, :30])).mean() < 5


def test_frames_are_painted_by_several_and_come_in_order(paint, clip, tmp_path):
    reports = []
    paint(clip, tmp_path / "painted.mp4", workers=4, report=lambda done, total: reports.append((done, total)))
    assert reports == [(number, FRAMES) for number in range(FRAMES + 1)]
    for number, frame in enumerate(pictures(tmp_path / "painted.mp4")):
        assert np.abs(frame.astype(int) - (255 - moving_square(number))).mean() < 6


def test_an_output_that_exists_is_left_alone(paint, clip, tmp_path):
    output = tmp_path / "painted.mp4"
    output.write_bytes(b"mine")
    with pytest.raises(RequestError, match="expected a new output, but it exists; remove it, or add --overwrite"):
        paint(clip, output)
    assert output.read_bytes() == b"mine"
    assert paint(clip, output, overwrite=True).whole


@pytest.mark.parametrize("name", ["painted.avi", "painted"], ids=["avi", "none"])
def test_kinds_that_are_not_written_are_named(paint, clip, tmp_path, name):
    with pytest.raises(RequestError, match=r"expected an output that ends in \.mp4, \.m4v, \.mov"):
        paint(clip, tmp_path / name)


def test_a_video_is_not_painted_over_itself(paint, clip):
    with pytest.raises(RequestError, match="this is the video itself"):
        paint(clip, clip, overwrite=True)


def test_an_output_that_cannot_be_written_is_said(paint, clip, tmp_path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(RequestError, match="expected an output that can be written"):
        paint(clip, tmp_path / "file" / "painted.mp4")


def test_quality_out_of_range_is_refused(paint, clip, tmp_path):
    with pytest.raises(RequestError, match=r"expected a --crf from 0 \(best\) to 51 here, got 60"):
        paint(clip, tmp_path / "painted.mp4", crf=60)
    with pytest.raises(RequestError, match="expected no --crf for an animation"):
        paint(clip, tmp_path / "painted.gif", crf=20)


def test_an_unknown_style_is_said_before_anything_is_written(paint, clip, tmp_path):
    with pytest.raises(UnknownStyleError):
        paint(clip, tmp_path / "painted.mp4", style="nothing")
    assert not list(tmp_path.glob(".painted*"))


def test_a_part_without_frames_is_said(paint, clip, tmp_path):
    with pytest.raises(VideoError, match="expected frames between start and end, got none"):
        paint(clip, tmp_path / "painted.mp4", selection=Selection(start=Fraction(100)))
    assert not (tmp_path / "painted.mp4").exists()


def test_a_preview_shows_frames_spread_over_the_video(stylizer, tmp_path):
    frames = [moving_square(number % 20) for number in range(150)]
    source = Clip(frames=frames).write(tmp_path / "clip.mp4")
    count = write_preview(source, tmp_path / "sheet.png", stylizer, StylizeOptions("the_scream"))
    assert count == 3
    assert np.asarray(Image.open(tmp_path / "sheet.png")).shape[1] > WIDTH


@pytest.fixture
def short_segments(monkeypatch):
    monkeypatch.setattr("tfstyle.video.video_painter.SEGMENT_FRAMES", 3)


class _Stop(Exception):
    pass


def stopping(after: int, error: type[BaseException]):
    def report(done, total):
        if done == after:
            raise error

    return report


@pytest.mark.parametrize("after", [1, 3, 5, 9])
@pytest.mark.parametrize("stability", [0.0, 0.7], ids=["alone", "steady"])
def test_a_run_that_was_ended_goes_on_and_comes_out_the_same(paint, clip, tmp_path, short_segments, after, stability):
    """Frame for frame and bit for bit; the strokes that were carried over the joint, too."""
    paint(clip, tmp_path / "whole.mp4", stability=stability)
    output = tmp_path / "painted.mp4"
    with pytest.raises(_Stop):
        paint(clip, output, stability=stability, report=stopping(after, _Stop))
    assert not output.exists()
    painted = paint(clip, output, stability=stability)
    assert painted.resumed == (after - 1) // 3 * 3
    assert output.read_bytes() == (tmp_path / "whole.mp4").read_bytes()


def test_what_is_interrupted_plays_and_goes_on(paint, clip, tmp_path, short_segments):
    paint(clip, tmp_path / "whole.mp4")
    output = tmp_path / "painted.mp4"
    painted = paint(clip, output, report=stopping(5, KeyboardInterrupt))
    assert (painted.whole, painted.frames) == (False, 5)
    assert len(pictures(output)) == 5
    assert paint(clip, output).whole
    assert output.read_bytes() == (tmp_path / "whole.mp4").read_bytes()


def test_another_call_begins_anew(paint, clip, tmp_path, short_segments):
    output = tmp_path / "painted.mp4"
    with pytest.raises(_Stop):
        paint(clip, output, report=stopping(5, _Stop))
    assert paint(clip, output, strength=0.0).resumed == 0
    assert np.abs(pictures(output)[0].astype(int) - moving_square(0)).mean() < 6


def test_two_processes_do_not_paint_one_output(paint, clip, tmp_path):
    output = tmp_path / "painted.mp4"
    with VideoJob(output, {}), pytest.raises(RequestError, match="another process is painting into it"):
        paint(clip, output)


def test_a_disk_that_fills_is_said_and_what_is_done_is_kept(paint, clip, tmp_path, short_segments, monkeypatch):
    from tfstyle.video.files.encoder import SegmentEncoder

    written = SegmentEncoder.write

    def write(self, frame):
        if frame.time >= Fraction(5, RATE):
            raise OSError(28, "No space left on device", str(tmp_path))
        written(self, frame)

    output = tmp_path / "painted.mp4"
    monkeypatch.setattr(SegmentEncoder, "write", write)
    with pytest.raises(OSError, match="No space left on device"):
        paint(clip, output)
    assert not output.exists()
    monkeypatch.setattr(SegmentEncoder, "write", written)
    assert paint(clip, output).resumed == 3
