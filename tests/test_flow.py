"""Photo to painting through everything: the bot, the client, the embedded server, the released model.

Nothing here stands in but Telegram. Pictures are judged by their pixels: by what a direct call of the server makes of
the same photo, and by what was asked for, such as colours that stay or a half that is left alone.
"""

import io
import itertools
from types import SimpleNamespace

import numpy as np
import pytest
import skimage.data
from PIL import Image

from bot.texts import load_texts
from serving.client import StyleClient
from testing.bot_api import BotApi, Person, buttons_of
from testing.bot_process import BotProcess
from tfstyle.imaging.color import rgb_to_yiq

EN = load_texts("en")
JPEG_NOISE = 4.0  # gray levels, on average, between a picture and its JPEG
SECONDS = 60.0  # for one painting on a busy machine

_ids = itertools.count(1)


@pytest.fixture(scope="module")
def flow(tmp_path_factory, released_server):
    """The bot between Telegram's double and the released model; its styles, and a client of the same server."""
    with (
        BotApi() as api,
        BotProcess(api, released_server, tmp_path_factory.mktemp("flow"), admins="1", max_file_mb=1) as bot,
        StyleClient(released_server) as client,
    ):
        yield SimpleNamespace(api=api, bot=bot, client=client, styles=list(client.styles()))


@pytest.fixture(scope="module")
def photo():
    """A portrait as Telegram would send it: a JPEG of 240 x 256 pixels."""
    buffer = io.BytesIO()
    Image.fromarray(skimage.data.astronaut()).crop((0, 0, 480, 512)).resize((240, 256)).save(buffer, "jpeg", quality=92)
    return buffer.getvalue()


@pytest.fixture
def person(flow):
    """Somebody in a chat that nobody used before, who has seen the gallery."""
    person = Person(flow.api, next(_ids))
    person.say("/styles")
    person.wait_for_text(EN.choose_style, seconds=SECONDS)
    return person


def pixels(picture):
    return np.asarray(picture.convert("RGB")).astype(float)


def decoded(data):
    return pixels(Image.open(io.BytesIO(data)))


def difference(one, other):
    """Mean difference in gray levels."""
    return np.abs(one - other).mean()


def answer_to(person, photo, caption="", **options):
    """Send a photo and wait for its painting: the message and its pixels."""
    answer = person.wait_for_answer(person.send_photo(photo, caption, **options), seconds=SECONDS)
    return answer, pixels(person.painting(answer))


def press(person, answer, *labels, count=0):
    """Press buttons one after another, and return the painting: changed in place, or the `count`th in answer."""
    before = person.painting(answer).tobytes()
    for label in labels:
        person.api.wait_for(lambda text=label: any(text in b["text"] for b in buttons_of(now(person, answer))))
        person.press(answer, label)
    if count:
        answer = person.wait_for_answer(answer["reply_to_message"]["message_id"], count=count, seconds=SECONDS)
    else:
        person.api.wait_for(lambda: person.painting(answer).tobytes() != before, seconds=SECONDS)
    return answer, pixels(person.painting(answer))


def now(person, message):
    return person.api.messages[person.chat_id][message["message_id"]]


def expect(flow, photo, painting, style, **options):
    """It is what the server makes of it when it is asked directly."""
    direct = flow.client.stylize(photo, style, format="jpeg", **options)
    assert np.abs(painting - direct.pixels).max() <= 2


# What captions, commands and buttons ask for, seen in the pixels.


def keeps_colours(painting, photo):
    """Chrominance is the photo's; luminance is not."""
    ours, theirs = rgb_to_yiq(painting), rgb_to_yiq(photo)
    return (
        np.abs(ours[..., 1:] - theirs[..., 1:]).mean() < JPEG_NOISE
        and np.abs(ours[..., 0] - theirs[..., 0]).mean() > 2 * JPEG_NOISE
    )


def same_where(painting, photo, place):
    """Only the other side is painted."""
    far, near = EDGES[place]
    return (
        difference(painting[far], photo[far]) < JPEG_NOISE and difference(painting[near], photo[near]) > 2 * JPEG_NOISE
    )


_FIRST, _LAST = slice(0, 24), slice(-24, None)
EDGES = {  # the edge that is left alone, and the one that is painted
    "left": ((slice(None), _LAST), (slice(None), _FIRST)),
    "right": ((slice(None), _FIRST), (slice(None), _LAST)),
    "top": (_LAST, _FIRST),
    "bottom": (_FIRST, _LAST),
}


def test_every_style_is_painted_by_its_name_and_by_its_title_and_no_two_alike(flow, person, photo):
    paintings = []
    for style in flow.styles:
        answer, painting = answer_to(person, photo, style.name)
        expect(flow, photo, painting, style.name)
        assert answer["caption"] == f"{style.title} · 100 %"
        _, by_title = answer_to(person, photo, style.title)
        np.testing.assert_array_equal(painting, by_title)
        assert difference(painting, decoded(photo)) > 2 * JPEG_NOISE
        paintings.append(painting)

    for one, other in itertools.combinations(paintings, 2):
        assert difference(one, other) > JPEG_NOISE


def test_the_picker_has_every_style_with_its_picture(flow, person):
    gallery = person.wait_for_text(EN.choose_style)

    assert len(flow.styles) <= 12, "more are on pages, which this test does not turn"
    assert [button["text"] for button in buttons_of(gallery)] == [style.title for style in flow.styles]
    picture = person.painting(gallery)
    assert picture.width > 500
    assert sum(picture.size) <= 10_000
    assert len(person.api.file_of(gallery)) <= 10 * 2**20


def test_the_first_photo_of_a_chat_is_painted_and_brings_the_picker_whose_buttons_paint_it(flow, photo):
    person = Person(flow.api, next(_ids))
    first, second = flow.styles[:2]
    answer, painting = answer_to(person, photo)
    expect(flow, photo, painting, first.name)

    person.press(person.wait_for_text(EN.choose_style), second.title)

    again = person.wait_for_answer(answer["reply_to_message"]["message_id"], count=2, seconds=SECONDS)
    expect(flow, photo, pixels(person.painting(again)), second.name)
    _, next_one = answer_to(person, photo)  # chosen for the next photo too
    expect(flow, photo, next_one, second.name)


def test_a_blend_is_like_neither_of_its_styles_and_between_them_in_its_captions_proportion(flow, person, photo):
    first, second = (style.name for style in flow.styles[:2])
    _, blend = answer_to(person, photo, f"{first} 60 {second} 40")
    expect(flow, photo, blend, {first: 60, second: 40})

    for style in (first, second):
        _, pure = answer_to(person, photo, style)
        assert difference(blend, pure) > JPEG_NOISE


@pytest.mark.parametrize("caption", ["keep colors", "colors keep", "keep colours"])
def test_keep_colors_in_a_caption_keeps_chrominance(flow, person, photo, caption):
    _, painting = answer_to(person, photo, f"{flow.styles[1].name} {caption}")

    assert keeps_colours(painting, decoded(photo))
    expect(flow, photo, painting, flow.styles[1].name, preserve_color=True)


@pytest.mark.parametrize("place", EDGES)
def test_a_place_in_a_caption_leaves_the_other_side_as_it_was(flow, person, photo, place):
    answer, painting = answer_to(person, photo, f"{flow.styles[1].name} {place}")

    assert same_where(painting, decoded(photo), place)
    assert answer["caption"].endswith(EN.places[place])


def test_the_middle_in_a_caption_leaves_the_corners_as_they_were(flow, person, photo):
    _, painting = answer_to(person, photo, f"{flow.styles[1].name} middle")
    original = decoded(photo)

    for corner in itertools.product((slice(0, 12), slice(-12, None)), repeat=2):
        assert difference(painting[corner], original[corner]) < JPEG_NOISE
    middle = slice(100, 140), slice(100, 140)
    assert difference(painting[middle], original[middle]) > 2 * JPEG_NOISE


def test_person_and_background_in_captions_are_each_others_complement(flow, person, photo):
    style = flow.styles[1].name
    _, whole = answer_to(person, photo, style)
    _, of_person = answer_to(person, photo, f"{style} person")
    _, of_background = answer_to(person, photo, f"{style} only the background")
    original = decoded(photo)

    corner, chest = (slice(0, 24), slice(0, 24)), (slice(200, 250), slice(100, 140))
    assert difference(of_person[corner], original[corner]) < JPEG_NOISE
    assert difference(of_person[chest], whole[chest]) < JPEG_NOISE
    assert difference(of_background[chest], original[chest]) < JPEG_NOISE
    assert difference(of_background[corner], whole[corner]) < JPEG_NOISE


def test_the_weaker_a_caption_wants_it_the_closer_it_is_to_the_photo(flow, person, photo):
    style = flow.styles[1].name
    steps = []
    for caption in ("strength 0", "strength 30", "60%", ""):
        _, painting = answer_to(person, photo, f"{style} {caption}")
        steps.append(difference(painting, decoded(photo)))

    assert steps[0] < JPEG_NOISE
    np.testing.assert_allclose(steps[1:3], [0.3 * steps[3], 0.6 * steps[3]], atol=JPEG_NOISE)


def test_regions_in_a_caption_are_each_in_their_own_style(flow, person, photo):
    first, second = (style.name for style in flow.styles[:2])
    _, painting = answer_to(person, photo, f"left {first} right {second}")
    expect(flow, photo, painting, None, regions=[("left", first), ("right", second)])

    _, in_first = answer_to(person, photo, first)
    _, in_second = answer_to(person, photo, second)
    for edge, near, far in ((_FIRST, in_first, in_second), (_LAST, in_second, in_first)):
        near, far = (difference(painting[:, edge], pure[:, edge]) for pure in (near, far))
        assert near < far / 2


def test_a_size_in_a_caption_is_the_longer_side(flow, person, photo):
    _, painting = answer_to(person, photo, f"{flow.styles[1].name} size 128")

    assert painting.shape == (128, 120, 3)


def test_everything_in_one_caption_with_typos(flow, person, photo):
    first, second = flow.styles[:2]
    misspelt = first.name.replace("r", "", 1)
    assert misspelt != first.name

    answer, painting = answer_to(person, photo, f"{misspelt} 60 {second.name} 40 keep colors strength 70 left")

    expect(flow, photo, painting, {first.name: 60, second.name: 40}, preserve_color=True, strength=0.7, mask="left")
    assert answer["caption"] == f"{first.title} 60 % + {second.title} 40 % · 70 % · own colours · left"


def test_captions_in_other_languages(flow, photo):
    for language, caption in (("de", "Farben behalten links"), ("es", "conservar colores izquierda")):
        person = Person(flow.api, next(_ids), language=language)
        _, painting = answer_to(person, photo, f"{flow.styles[1].name} {caption}")
        expect(flow, photo, painting, flow.styles[1].name, preserve_color=True, mask="left")


def test_a_caption_for_people_is_painted_in_the_chats_style(flow, person, photo):
    _, painting = answer_to(person, photo, "our neighbour at the seaside, happy birthday to her!")

    expect(flow, photo, painting, flow.styles[0].name)


# Commands.


@pytest.mark.parametrize(
    ("commands", "options"),
    [
        (["/style {1}"], {"style": "{1}"}),
        (["/style {0} 30 {1} 70"], {"style": "{0}:30,{1}:70"}),
        (["/style {1}", "/strength 40"], {"style": "{1}", "strength": 0.4}),
        (["/style {1}", "/colors keep"], {"style": "{1}", "preserve_color": True}),
        (["/colors keep", "/style {1}", "/colors style"], {"style": "{1}"}),
        (["/style {1}", "/mask right"], {"style": "{1}", "mask": "right"}),
        (["/mask right", "/style {1}", "/mask off"], {"style": "{1}"}),
        (["/regions top {0} bottom {1}"], {"regions": [("top", "{0}"), ("bottom", "{1}")]}),
        (["/style {1}", "/strength 40", "/mask top", "/reset"], {"style": "{0}"}),
    ],
)
def test_what_commands_chose_is_how_the_next_photo_is_painted(flow, person, photo, commands, options):
    names = [style.name for style in flow.styles]

    def named(value):
        if isinstance(value, list):
            return [(place, named(style)) for place, style in value]
        return value.format(*names) if isinstance(value, str) else value

    for command in commands:
        seen = len(person.seen())
        person.say(named(command))
        flow.api.wait_for(lambda seen=seen: len(person.seen()) > seen)

    _, painting = answer_to(person, photo)

    options = {"style": None} | {key: named(value) for key, value in options.items()}
    expect(flow, photo, painting, options.pop("style"), **options)


def test_size_sets_the_longer_side_of_the_photos_to_come(person, photo):
    person.say("/size 64")
    person.wait_for_text("Longer side: at most 64 pixels.")

    assert answer_to(person, photo)[1].shape == (64, 60, 3)


def test_a_command_in_reply_to_a_photo_or_to_its_painting_paints_that_photo(flow, person, photo):
    answer, _ = answer_to(person, photo)
    sent = answer["reply_to_message"]["message_id"]

    for count, message_id in enumerate((sent, answer["message_id"]), 2):
        person.say(f"/style {flow.styles[count - 1].name}", reply_to=message_id)
        again = person.wait_for_answer(sent, count=count, seconds=SECONDS)
        expect(flow, photo, pixels(person.painting(again)), flow.styles[count - 1].name)


def test_a_button_of_the_styles_command_chooses_for_the_photos_to_come(flow, person, photo):
    style = flow.styles[-1]
    person.press(person.wait_for_text(EN.choose_style), style.title)
    person.wait_for_text(EN.style_set.format(styles=style.title))

    _, painting = answer_to(person, photo)
    expect(flow, photo, painting, style.name)


@pytest.mark.parametrize(
    ("command", "text"),
    [
        ("/start", "Send me a photo and I paint it."),
        ("/help", "/regions: "),
        ("/settings", "Strength: 100 %"),
        ("/privacy", "/forget deletes all of it"),
        ("/forget", EN.forgotten),
        ("/cancel", EN.nothing_to_cancel),
        ("/stats", EN.admins_only),
        ("/nonsense", EN.unknown_command),
    ],
)
def test_commands_that_paint_nothing_answer(person, command, text):
    person.say(command)

    person.wait_for_text(text)


def test_cancel_ends_what_waits_and_the_next_photo_is_painted(flow, person, photo):
    sent = [person.send_photo(photo, flow.styles[1].name) for _ in range(4)]
    person.say("/cancel")
    flow.api.wait_for(lambda: person.texts().count(EN.cancelled) >= 1, seconds=SECONDS)

    _, painting = answer_to(person, photo, flow.styles[0].name)

    expect(flow, photo, painting, flow.styles[0].name)
    cancelled = [text for text in person.texts() if text == EN.cancelled]
    assert len(cancelled) - 1 + sum(len(person.answers_to(one)) for one in sent) == len(sent)


# Buttons.


@pytest.fixture
def painted(flow, person, photo):
    """A painting in the second style: its message and its pixels."""
    return answer_to(person, photo, flow.styles[1].name)


def test_weaker_is_closer_to_the_photo_and_stronger_leads_back(flow, person, photo, painted):
    answer, full = painted
    _, weaker = press(person, answer, EN.button_weaker)
    _, stronger = press(person, answer, EN.button_stronger)

    original = decoded(photo)
    assert difference(weaker, original) == pytest.approx(0.8 * difference(full, original), abs=JPEG_NOISE)
    expect(flow, photo, weaker, flow.styles[1].name, strength=0.8)
    np.testing.assert_array_equal(stronger, full)


def test_keep_colours_keeps_chrominance_and_the_paintings_colours_lead_back(person, photo, painted):
    answer, full = painted
    _, kept = press(person, answer, EN.button_keep_colors)
    _, back = press(person, answer, EN.button_style_colors)

    assert keeps_colours(kept, decoded(photo))
    np.testing.assert_array_equal(back, full)


@pytest.mark.parametrize("place", EDGES)
def test_where_leaves_the_rest_as_it_was(person, photo, painted, place):
    _, somewhere = press(person, painted[0], EN.button_where, EN.places[place])

    assert same_where(somewhere, decoded(photo), place)


@pytest.mark.parametrize("place", ["radial", "person", "background", "subject"])
def test_where_finds_what_is_in_the_photo_and_everywhere_leads_back(flow, person, photo, painted, place):
    answer, full = painted
    _, somewhere = press(person, answer, EN.button_where, EN.places[place])
    _, back = press(person, answer, EN.button_where, EN.everywhere)

    expect(flow, photo, somewhere, flow.styles[1].name, mask=place)
    assert 0 < difference(somewhere, decoded(photo)) < difference(full, decoded(photo))
    np.testing.assert_array_equal(back, full)


def test_another_style_is_a_second_painting_of_the_same_photo(flow, person, photo, painted):
    answer, full = painted
    _, other = press(person, answer, EN.button_style, flow.styles[0].title, count=2)

    expect(flow, photo, other, flow.styles[0].name)
    np.testing.assert_array_equal(pixels(person.painting(answer)), full)


def test_blend_is_half_of_each(flow, person, photo, painted):
    answer, _ = painted
    _, blend = press(person, answer, EN.button_blend, flow.styles[0].title, count=2)

    expect(flow, photo, blend, {flow.styles[0].name: 50, flow.styles[1].name: 50})


def test_back_shows_the_first_buttons_again(person, painted):
    answer, _ = painted
    before = buttons_of(now(person, answer))
    for menu in (EN.button_style, EN.button_blend, EN.button_where):
        person.press(answer, menu)
        person.api.wait_for(lambda: EN.button_back in str(buttons_of(now(person, answer))))
        person.press(answer, EN.button_back)
        person.api.wait_for(lambda: buttons_of(now(person, answer)) == before)


def test_compare_is_the_photo_beside_its_painting(person, photo, painted):
    answer, full = painted
    _, both = press(person, answer, EN.button_compare, count=2)

    original = decoded(photo)
    width = original.shape[1]
    assert difference(both[:, :width], original) < JPEG_NOISE
    assert difference(both[:, -width:], full) < JPEG_NOISE


def test_as_file_is_a_png_of_the_same_painting(person, painted):
    answer, full = painted
    file, whole = press(person, answer, EN.button_file, count=2)

    assert "document" in file
    assert person.painting(file).format == "PNG"
    assert difference(whole, full) < JPEG_NOISE


# Other ways to send a photo.


def test_an_image_file_is_painted_as_a_photo_is(flow, person, photo):
    buffer = io.BytesIO()
    Image.open(io.BytesIO(photo)).save(buffer, "png")

    sent = person.send_file(buffer.getvalue(), flow.styles[1].name)
    answer = person.wait_for_answer(sent, seconds=SECONDS)

    expect(flow, buffer.getvalue(), pixels(person.painting(answer)), flow.styles[1].name)


def test_an_album_comes_back_with_every_photo_painted_and_its_buttons_paint_all_of_it(flow, person, photo):
    mirrored = io.BytesIO()
    Image.open(io.BytesIO(photo)).transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(mirrored, "jpeg", quality=92)
    files, style = [photo, mirrored.getvalue()], flow.styles[1]
    for number, data in enumerate(files):
        person.send_photo(data, f"{style.name} keep colors" if number == 0 else "", album="a")
    after = person.wait_for_text(f"{style.title}: 2 paintings.", seconds=SECONDS)

    def album():
        return [message for message in person.seen() if "media_group_id" in message]

    for data, message in zip(files, album(), strict=True):
        expect(flow, data, pixels(person.painting(message)), style.name, preserve_color=True)
    person.press(after, EN.button_weaker)
    flow.api.wait_for(lambda: len(album()) == 4, seconds=SECONDS)
    for data, message in zip(files, album()[2:], strict=True):
        expect(flow, data, pixels(person.painting(message)), style.name, preserve_color=True, strength=0.8)


def test_a_picture_in_reply_to_a_photo_is_its_mask(flow, person, photo):
    answer, _ = answer_to(person, photo)
    sent = answer["reply_to_message"]["message_id"]
    mask = np.zeros((256, 240), np.uint8)
    mask[:, :120] = 255
    buffer = io.BytesIO()
    Image.fromarray(mask).save(buffer, "png")

    person.send_file(buffer.getvalue(), flow.styles[1].name, reply_to=sent)

    again = person.wait_for_answer(sent, count=2, seconds=SECONDS)
    assert same_where(pixels(person.painting(again)), decoded(photo), "left")


def test_in_a_group_the_photo_that_names_the_bot_is_painted_and_no_other(flow, photo):
    person = Person(flow.api, next(_ids), chat_id=-900)
    silent = person.send_photo(photo)
    _, painting = answer_to(person, photo, f"@paint_test_bot {flow.styles[1].name}")

    expect(flow, photo, painting, flow.styles[1].name)
    assert not person.answers_to(silent)


def test_a_file_over_the_limit_is_told_its_size_the_limit_and_what_to_do(person, photo):
    person.send_file(photo + bytes(2**21))

    text = person.wait_for_text("This file has ")["text"]
    assert text == "This file has 2.1 MB; the most I can take is 1 MB. Send it smaller, or as a photo."
