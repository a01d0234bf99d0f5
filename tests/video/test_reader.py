"""Frames are read upright, with square pixels, in their true colours, at their own times."""

import itertools
from fractions import Fraction

import numpy as np
import pytest

from tests.video.clips import BARS, FRAMES, HEIGHT, RATE, WIDTH, Clip, bars, centres, moving_square, top_left_red
from tfstyle.errors import RequestError, VideoError
from tfstyle.video.files.reader import open_reader
from tfstyle.video.selection import Selection


def test_frames_come_in_order_with_their_times(clip):
    reader = open_reader(clip)
    frames = list(reader)
    assert (reader.info.width, reader.info.height, reader.info.frames) == (WIDTH, HEIGHT, FRAMES)
    assert [frame.time for frame in frames] == [Fraction(number, RATE) for number in range(FRAMES)]
    assert {frame.duration for frame in frames} == {Fraction(1, RATE)}
    assert np.abs(frames[3].pixels.astype(int) - moving_square(3)).mean() < 6


@pytest.mark.parametrize(
    ("rotation", "corner"), [(0, (0, 0)), (90, (1, 0)), (180, (1, 1)), (-90, (0, 1))], ids=["0", "90", "180", "-90"]
)
def test_all_rotations_of_phones_come_upright(tmp_path, rotation, corner):
    """The display matrix turns counter-clockwise, as FFmpeg counts."""
    path = Clip(frames=[top_left_red()] * 2, rotation=rotation).write(tmp_path / "phone.mp4")
    pixels = next(iter(open_reader(path))).pixels
    turned = rotation % 180 == 90
    assert pixels.shape[:2] == ((WIDTH, HEIGHT) if turned else (HEIGHT, WIDTH))
    red = (pixels[..., 0] > 150) & (pixels[..., 1] < 80)
    row, column = (int(np.flatnonzero(red.any(axis=axis)).mean()) for axis in (1, 0))
    assert (row > pixels.shape[0] / 2, column > pixels.shape[1] / 2) == (bool(corner[0]), bool(corner[1]))


def test_pixels_that_are_no_squares_become_squares(tmp_path):
    """DVDs: 720 columns that are shown as 1047."""
    path = Clip(pixel_shape=Fraction(16, 11)).write(tmp_path / "dvd.mkv")
    info = open_reader(path).info
    assert (info.width, info.height) == (94, 48)  # 64 * 16 / 11 = 93.1, even


@pytest.mark.parametrize("range", [1, 2], ids=["limited", "full"])
@pytest.mark.parametrize("matrix", [1, 6, 9], ids=["bt709", "bt601", "bt2020"])
def test_colours_are_read_by_their_tags(tmp_path, matrix, range):
    path = Clip(frames=[bars()], matrix=matrix, range=range, pixel_format="yuv444p").write(tmp_path / "bars.mp4")
    assert np.abs(centres(next(iter(open_reader(path))).pixels) - BARS).max() <= 4


@pytest.mark.parametrize(("width", "height", "matrix"), [(64, 48, 6), (1280, 720, 1)], ids=["small", "large"])
def test_colours_without_tags_are_read_by_the_size(tmp_path, width, height, matrix):
    frame = bars(width, height)
    tagged = Clip(frames=[frame], matrix=matrix, pixel_format="yuv444p")
    untagged = Clip(frames=[frame], pixel_format="yuv444p")
    untagged._encoded = lambda pixels: _without_tags(tagged._encoded(pixels))  # type: ignore[method-assign]
    path = untagged.write(tmp_path / "bars.mp4")
    assert np.abs(centres(next(iter(open_reader(path))).pixels) - BARS).max() <= 4


def _without_tags(frame):
    frame.colorspace, frame.color_range = 2, 0
    return frame


def test_ten_bits_come_as_eight(tmp_path):
    clip = Clip(frames=[bars()], codec="libx265", pixel_format="yuv444p10le", options={"crf": "4", "log-level": "none"})
    path = clip.write(tmp_path / "deep.mkv")
    assert np.abs(centres(next(iter(open_reader(path))).pixels) - BARS).max() <= 4


def test_times_of_a_variable_rate_are_kept(tmp_path):
    ticks = [0, 512, 3000, 3001, 9000]
    path = Clip(frames=[moving_square(number) for number in range(5)], ticks=ticks).write(tmp_path / "variable.mp4")
    frames = list(open_reader(path))
    assert [frame.time / Fraction(1, RATE * 512) for frame in frames] == ticks
    assert frames[2].duration == Fraction(1, RATE * 512)


def test_a_part_begins_at_its_start_and_ends_before_its_end(clip):
    frames = list(open_reader(clip, Selection(start=Fraction(3, RATE), end=Fraction(7, RATE))))
    assert [frame.time for frame in frames] == [Fraction(number, RATE) for number in range(4)]
    assert np.abs(frames[0].pixels.astype(int) - moving_square(3)).mean() < 6


def test_a_part_has_its_colours_where_decoders_need_the_first_frame(tmp_path):
    """Of x264's 4:4:4 only the first frame says which version wrote it, and older ones are decoded otherwise."""
    frames = [bars() for _ in range(30)]
    clip = Clip(frames=frames, pixel_format="yuv444p", options={"g": "5", "crf": "4"}).write(tmp_path / "bars.mp4")
    frame = next(iter(open_reader(clip, Selection(start=Fraction(20, RATE)))))
    assert np.abs(centres(frame.pixels) - BARS).max() <= 4


@pytest.mark.parametrize(("fps", "count"), [(5, 2), (50, 20)], ids=["fewer", "more"])
def test_another_rate_leaves_frames_out_or_shows_them_longer(clip, fps, count):
    frames = list(open_reader(clip, Selection(fps=Fraction(fps))))
    assert [frame.time for frame in frames] == [Fraction(number, fps) for number in range(count)]


def test_large_frames_shrink_to_even_sides(tmp_path):
    path = Clip(frames=[moving_square(0, 200, 90)]).write(tmp_path / "wide.mp4")
    assert open_reader(path, Selection(max_size=101)).info.width == 102 - 2
    pixels = next(iter(open_reader(path, Selection(max_size=101)))).pixels
    assert pixels.shape == (46, 100, 3)


def test_a_recording_without_a_length_is_read(tmp_path):
    """Browsers write WebM as it is recorded: nobody knows how long it will be."""
    path = Clip(codec="libvpx-vp9", options={"deadline": "realtime"}).write(tmp_path / "whole.webm")
    data = path.read_bytes()
    info_at = data.index(b"\x44\x89\x88")  # Duration, 8 bytes
    path = tmp_path / "recorded.webm"
    path.write_bytes(data[:info_at] + b"\xec\x89" + bytes(9) + data[info_at + 11 :])  # Void of the same length
    reader = open_reader(path)
    assert (reader.info.duration, reader.info.frames) == (None, None)
    assert len(list(reader)) == FRAMES


def test_times_that_jump_back_go_on(tmp_path):
    step = 512
    first = Clip().write(tmp_path / "one.ts")
    path = tmp_path / "twice.ts"
    path.write_bytes(first.read_bytes() * 2)  # a recording that was stopped and begun again
    reader = open_reader(path)
    frames = list(reader)
    gaps = {later.time - sooner.time for sooner, later in itertools.pairwise(frames)}
    assert len(frames) >= 2 * FRAMES - 1
    assert all(0 < gap < Fraction(3 * step, RATE * 512) for gap in gaps)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "expected a video, got an empty file"),
        (b"This is a letter.\n" * 50, "expected a video, got something else, or one that is cut short"),
    ],
    ids=["empty", "text"],
)
def test_what_is_no_video_is_said(tmp_path, content, message):
    path = tmp_path / "clip.mp4"
    path.write_bytes(content)
    with pytest.raises(VideoError, match=message):
        open_reader(path)


def test_sound_alone_is_no_video(tmp_path):
    import wave

    with wave.open(str(tmp_path / "tone.wav"), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(bytes(16_000))
    with pytest.raises(VideoError, match="got one with sound only"):
        open_reader(tmp_path / "tone.wav")


def test_a_photo_is_no_video(tmp_path, astronaut):
    from PIL import Image

    Image.fromarray(astronaut).save(tmp_path / "photo.jpg")
    with pytest.raises(VideoError, match="got a picture; tfstyle stylize paints those"):
        open_reader(tmp_path / "photo.jpg")


def test_a_video_that_is_cut_short_is_read_as_far_as_it_goes(tmp_path):
    frames = [moving_square(number % 20) for number in range(60)]
    whole = Clip(frames=frames, options={"g": "5", "crf": "4"}).write(tmp_path / "whole.mkv").read_bytes()
    path = tmp_path / "cut.mkv"
    path.write_bytes(whole[: len(whole) // 2])
    reader = open_reader(path)
    count = len(list(reader))
    assert 10 < count < 50
    assert len(reader.info.faults) == 1
    assert "it is cut short or damaged there" in reader.info.faults[0]


def test_frames_whose_size_changes_are_brought_to_the_first_ones(tmp_path):
    one = Clip().write(tmp_path / "one.ts").read_bytes()
    larger = [moving_square(number, 96, 72) for number in range(FRAMES)]
    two = Clip(frames=larger).write(tmp_path / "two.ts").read_bytes()
    path = tmp_path / "both.ts"
    path.write_bytes(one + two)
    reader = open_reader(path)
    assert {frame.pixels.shape for frame in reader} == {(HEIGHT, WIDTH, 3)}
    assert any("the size of the frames changes" in note for note in reader.info.notes)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"start": Fraction(-1)}, "a start of 0 seconds or later"),
        ({"start": Fraction(2), "end": Fraction(1)}, "an end after the start"),
        ({"fps": Fraction(0)}, "more than 0 and at most 1000 frames a second"),
        ({"max_size": 8}, "a max size of at least 16 pixels"),
    ],
    ids=["start", "end", "fps", "max_size"],
)
def test_selections_out_of_range_are_refused(wrong, message):
    with pytest.raises(RequestError, match=message):
        Selection(**wrong)
