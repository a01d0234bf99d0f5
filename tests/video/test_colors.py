"""High dynamic range becomes what every screen shows: neither dark nor washed out, and gray stays gray."""

import numpy as np
import pytest

from tfstyle.video.files.colors import BT2020, HLG, LIMITED, PQ, PRIMARIES_BT2020, ColorTags, to_sdr


def pq(light: float) -> int:
    """The 16-bit code of cd/m2, SMPTE ST 2084."""
    m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
    power = (light / 10_000) ** m1
    return round(((c1 + c2 * power) / (1 + c3 * power)) ** m2 * 65535)


def shown(codes: list[int], transfer: int) -> np.ndarray:
    tags = ColorTags(BT2020, LIMITED, PRIMARIES_BT2020, transfer)
    return to_sdr(np.repeat(np.array(codes, np.uint16)[None, :, None], 3, axis=2), tags)[0].astype(int)


def test_gray_of_pq_stays_what_it_is_up_to_three_quarters_of_white():
    light = [0, 20.3, 101.5, 150]  # cd/m2; white is 203
    expected = [0, 89, 188, 222]  # sRGB codes of 0, 10, 50 and 74 %
    grays = shown([pq(value) for value in light], PQ)
    assert np.abs(grays - np.array(expected)[:, None]).max() <= 2


@pytest.mark.parametrize("transfer", [PQ, HLG], ids=["pq", "hlg"])
def test_highlights_keep_their_order_below_white(transfer):
    codes = [30_000, 36_000, 42_000, 48_000, 54_000, 62_000]
    grays = shown(codes, transfer)
    assert (np.diff(grays[:, 0]) > 0).all()
    assert grays.max() <= 255
    assert np.abs(grays - grays[:, :1]).max() <= 1


def test_white_of_hlg_is_bright():
    """75 % of the signal is white, ITU-R BT.2408."""
    assert 215 <= shown([round(0.75 * 65535)], HLG)[0, 0] <= 250


def test_saturated_colours_of_bt2020_keep_their_hue():
    tags = ColorTags(BT2020, LIMITED, PRIMARIES_BT2020, PQ)
    red = to_sdr(np.array([[[pq(203), 0, 0]]], np.uint16), tags)[0, 0]
    assert red[0] > 230
    assert red[1:].max() < 30
