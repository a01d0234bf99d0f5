"""Small videos to test with, written by PyAV, and what is in files, read by PyAV alone."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

WIDTH, HEIGHT, FRAMES, RATE = 64, 48, 10, 25
# 75 % bars, and gray and white: what goes wrong with colours shows on them.
BARS = np.array(
    [[191, 191, 191], [191, 191, 0], [0, 191, 191], [0, 191, 0], [191, 0, 191], [191, 0, 0], [0, 0, 191], [255] * 3],
    np.uint8,
)


def moving_square(number: int, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """A frame, uint8 `[H,W,3]`: a bright square that moves 2 px a frame over a texture that stands still."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(40, 120, (height // 8 + 1, width // 8 + 1, 3)).astype(np.uint8)
    frame = np.repeat(np.repeat(coarse, 8, 0), 8, 1)[:height, :width].copy()
    left = 4 + 2 * number
    frame[height // 3 : height // 3 + 16, left : left + 16] = (240, 200, 60)
    return frame


def bars(width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """Colour bars, uint8 `[H,W,3]`."""
    return np.repeat(np.repeat(BARS[None], height, 0), width // len(BARS), 1)


def centres(pixels: np.ndarray) -> np.ndarray:
    """The colours in the middle of the bars, int `[8,3]`."""
    step = pixels.shape[1] // len(BARS)
    return pixels[pixels.shape[0] // 2, step // 2 :: step][: len(BARS)].astype(int)


def top_left_red(width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """A gray frame whose top left corner is red: shows which way up it is."""
    frame = np.full((height, width, 3), 90, np.uint8)
    frame[: height // 3, : width // 3] = (220, 20, 20)
    return frame


@dataclass
class Sound:
    """A tone as a second track."""

    codec: str = "aac"
    begin: Fraction = Fraction(0)
    seconds: Fraction = Fraction(FRAMES, RATE)
    language: str = "und"


@dataclass
class Clip:
    """How a video is written."""

    frames: Sequence[np.ndarray] = field(default_factory=lambda: [moving_square(number) for number in range(FRAMES)])
    ticks: Sequence[int] | None = None
    time_base: Fraction = Fraction(1, RATE * 512)
    rate: int = RATE
    codec: str = "libx264"
    pixel_format: str = "yuv420p"
    rotation: int = 0
    pixel_shape: Fraction | None = None
    matrix: int = 2
    range: int = 0
    sounds: Sequence[Sound] = ()
    subtitles: Sequence[str] = ()
    metadata: dict[str, str] = field(default_factory=dict)
    options: dict[str, str] = field(default_factory=lambda: {"crf": "4"})

    def write(self, path: Path) -> Path:
        """Write it, and say where."""
        with av.open(str(path), "w", container_options={}) as container:
            container.metadata.update(self.metadata)
            stream: Any = container.add_stream(self.codec, rate=self.rate, options=self.options)
            height, width = self.frames[0].shape[:2]
            stream.width, stream.height, stream.pix_fmt = width, height, self.pixel_format
            stream.codec_context.time_base = self.time_base
            stream.codec_context.max_b_frames = 0
            if self.pixel_shape:
                stream.codec_context.sample_aspect_ratio = self.pixel_shape
            if self.rotation:
                stream.set_display_rotation(self.rotation)
            if self.matrix != 2:
                stream.codec_context.colorspace = self.matrix
            if self.range:
                stream.codec_context.color_range = self.range
            tones = [(_sound_stream(container, sound), sound) for sound in self.sounds]
            step = round(1 / self.rate / self.time_base)
            ticks = self.ticks or [number * step for number in range(len(self.frames))]
            for pixels, tick in zip(self.frames, ticks, strict=True):
                frame = self._encoded(pixels)
                frame.pts, frame.time_base = tick, self.time_base
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
            for tone, sound in tones:
                _write_tone(container, tone, sound)
        return path

    def _encoded(self, pixels: np.ndarray) -> Any:
        kind = "rgba" if pixels.shape[2] == 4 else "rgb24"
        frame = av.VideoFrame.from_ndarray(pixels, format=kind)
        if self.pixel_format in ("rgb24", "rgba", "bgra"):
            return frame.reformat(format=self.pixel_format)
        matrix = {1: "ITU709", 9: "BT2020"}.get(self.matrix, "ITU601")
        frame = frame.reformat(
            format=self.pixel_format,
            src_colorspace=matrix,
            dst_colorspace=matrix,
            src_color_range="JPEG",
            dst_color_range="JPEG" if self.range == 2 else "MPEG",
        )
        if self.matrix != 2:
            frame.colorspace = self.matrix
        if self.range:
            frame.color_range = self.range
        return frame


def _sound_stream(container: Any, sound: Sound) -> Any:
    stream = container.add_stream(sound.codec, rate=48_000, layout="mono")
    stream.metadata["language"] = sound.language
    return stream


def _write_tone(container: Any, stream: Any, sound: Sound) -> None:
    count = round(sound.seconds * 48_000)
    tone = (np.sin(np.arange(count) * 2 * np.pi * 440 / 48_000) * 0.5).astype(np.float32)
    frame = av.AudioFrame.from_ndarray(tone[None], format="fltp", layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = 48_000, round(sound.begin * 48_000), Fraction(1, 48_000)
    resampler = av.AudioResampler(stream.codec_context.codec.audio_formats[0].name, "mono", 48_000, frame_size=1024)
    for part in [*resampler.resample(frame), *resampler.resample(None)]:
        container.mux(stream.encode(part))
    container.mux(stream.encode(None))


def packets(path: Path, index: int) -> list[tuple[Fraction, bytes]]:
    """Times, seconds, and bytes of the packets of one stream."""
    with av.open(str(path)) as container:
        stream = container.streams[index]
        return [
            (packet.pts * packet.time_base, bytes(packet))
            for packet in container.demux(stream)
            if packet.size and packet.pts is not None
        ]


def times(path: Path) -> list[Fraction]:
    """When the frames of a video are shown, seconds."""
    return [time for time, _ in packets(path, 0)]


def pictures(path: Path) -> list[np.ndarray]:
    """The frames of a video, RGB uint8, by its own tags as FFmpeg reads them."""
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
