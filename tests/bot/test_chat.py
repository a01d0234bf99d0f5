"""The conversation end to end: the real bot between a Bot API and a style server, over real HTTP and gRPC."""

import io
import json
import re

import numpy as np
import pytest
from PIL import Image

from bot.texts import load_texts
from testing.bot_api import GALLERY_CAPTIONS, buttons_of, photo_bytes
from testing.fake_model import COLOURS

EN = load_texts("en")


def mean_colour(picture):
    return np.asarray(picture.convert("RGB"), dtype=float).mean(axis=(0, 1))


def looks_like(picture, style, *, tolerance=6.0):
    return np.abs(mean_colour(picture) - COLOURS[style]).max() < tolerance


def split_colours(picture):
    """Mean colours of the outer left and the outer right."""
    pixels = np.asarray(picture.convert("RGB"), dtype=float)
    edge = max(1, pixels.shape[1] // 10)
    return pixels[:, :edge].mean(axis=(0, 1)), pixels[:, -edge:].mean(axis=(0, 1))


def near(colour, style, tolerance=25.0):
    return np.abs(colour - COLOURS[style]).max() < tolerance


# Photos.


def test_a_photo_without_a_word_comes_back_painted_with_buttons_under_it(person):
    sent = person.send_photo(photo_bytes())

    answer = person.wait_for_answer(sent)

    assert looks_like(person.painting(answer), "starry_night")
    assert person.painting(answer).size == (64, 48)
    assert answer["caption"] == "The Starry Night · 100 %"
    assert [button["text"] for button in buttons_of(answer)] == [
        EN.button_style, EN.button_blend, EN.button_weaker, EN.button_stronger, EN.button_keep_colors, EN.button_where,
        EN.button_compare, EN.button_file,
    ]  # fmt: skip


def test_the_status_message_turns_into_the_painting(person, api):
    sent = person.send_photo(photo_bytes())

    answer = person.wait_for_answer(sent)

    said = [call for call in api.calls if call.chat_id == person.chat_id and call.method == "sendMessage"]
    assert [call.params["text"] for call in said] == [EN.painting]
    assert EN.painting not in person.texts()
    assert "edit_date" in answer


def test_the_first_photo_of_a_chat_also_brings_the_picker_with_its_gallery_and_the_second_does_not(person):
    person.wait_for_answer(person.send_photo(photo_bytes()))
    gallery = person.wait_for_text(EN.choose_style)
    person.wait_for_answer(person.send_photo(photo_bytes(seed=1)))

    assert [button["text"] for button in buttons_of(gallery)] == [
        "The Starry Night", "The Scream", "The Great Wave off Kanagawa",
    ]  # fmt: skip
    assert person.painting(gallery).size[0] > 300
    assert person.texts().count(EN.choose_style) == 1


def test_a_style_of_the_picker_paints_the_photo_and_is_kept_for_the_next_one(person):
    sent = person.send_photo(photo_bytes())
    person.wait_for_answer(sent)

    person.press(person.wait_for_text(EN.choose_style), "The Scream")

    assert looks_like(person.painting(person.wait_for_answer(sent, count=2)), "the_scream")
    assert looks_like(person.painting(person.wait_for_answer(person.send_photo(photo_bytes()))), "the_scream")


def test_an_image_file_is_painted_too(person):
    answer = person.wait_for_answer(person.send_file(photo_bytes(90, 50, format="png")))

    assert person.painting(answer).size == (90, 50)


def test_a_photo_larger_than_telegram_shows_is_painted_at_1280_pixels_and_as_large_as_wanted_after_size(person):
    large = photo_bytes(1800, 1200)
    first = person.painting(person.wait_for_answer(person.send_file(large)))
    person.say("/size 320")
    person.wait_for_text("Longer side: at most 320 pixels.")
    second = person.painting(person.wait_for_answer(person.send_file(large)))
    full = person.painting(person.wait_for_answer(person.send_file(large, "size full")))

    assert (first.size, second.size, full.size) == ((1280, 853), (320, 213), (1800, 1200))


@pytest.mark.parametrize(
    ("caption", "style"),
    [
        ("the_scream", "the_scream"),
        ("scream please", "the_scream"),
        ("Gerat Waev", "great_wave"),
        ("munch", "the_scream"),
    ],
)
def test_a_caption_names_the_style_typos_forgiven(person, caption, style):
    answer = person.wait_for_answer(person.send_photo(photo_bytes(), caption))

    assert looks_like(person.painting(answer), style)


def test_a_caption_says_everything_at_once(person, model):
    answer = person.wait_for_answer(person.send_photo(photo_bytes(), "scream 50 wave 50 keep colors strength 70 left"))

    request = model.predictor.last
    np.testing.assert_allclose(request["region_weights"], [[[0, 0.5, 0.5]]])
    assert request["strength"] == pytest.approx(0.7)
    assert request["preserve_color"].all()
    assert request["region_masks"][0][0].startswith(b"\x89PNG")
    assert answer["caption"] == "The Scream 50 % + The Great Wave off Kanagawa 50 % · 70 % · own colours · left"


def test_a_caption_for_people_changes_nothing(person):
    answer = person.wait_for_answer(
        person.send_photo(photo_bytes(), "my cat at the beach on the left, happy birthday!")
    )

    assert answer["caption"] == "The Starry Night · 100 %"


def test_a_caption_gives_each_place_its_own_style(person):
    answer = person.wait_for_answer(person.send_photo(photo_bytes(200, 100), "left scream right wave"))

    left, right = split_colours(person.painting(answer))
    assert near(left, "the_scream")
    assert near(right, "great_wave")


def test_words_in_reply_to_an_older_photo_paint_that_photo(person):
    old = person.send_photo(photo_bytes())
    person.wait_for_answer(old)

    person.say("scream", reply_to=old)

    assert looks_like(person.painting(person.wait_for_answer(old, count=2)), "the_scream")


def test_words_in_reply_to_a_painting_paint_its_photo_again(person):
    sent = person.send_photo(photo_bytes())
    painting = person.wait_for_answer(sent)

    person.say("/style great_wave", reply_to=painting["message_id"])

    again = person.wait_for_answer(sent, count=2)
    assert looks_like(person.painting(again), "great_wave")


def test_a_picture_in_reply_to_a_photo_is_its_mask(person):
    sent = person.send_photo(photo_bytes(200, 100))
    person.wait_for_answer(sent)
    mask = np.zeros((100, 200), np.uint8)
    mask[:, :100] = 255
    buffer = io.BytesIO()
    Image.fromarray(mask).save(buffer, "png")

    person.send_file(buffer.getvalue(), "scream", reply_to=sent)

    answer = person.wait_for_answer(sent, count=2)
    left, right = split_colours(person.painting(answer))
    original = split_colours(Image.open(io.BytesIO(photo_bytes(200, 100))))[1]
    assert near(left, "the_scream")
    np.testing.assert_allclose(right, original, atol=5)
    assert EN.own_mask in answer["caption"]

    person.press(answer, EN.button_weaker)  # the mask stays
    person.wait_for_text("80 %")
    assert EN.own_mask in person.texts()[-1]


# Buttons.


def test_stronger_and_weaker_repaint_in_place(person, model):
    sent = person.send_photo(photo_bytes())
    answer = person.wait_for_answer(sent)

    person.press(answer, EN.button_weaker)
    person.wait_for_text("The Starry Night · 80 %")
    person.press(answer, EN.button_weaker)
    person.wait_for_text("The Starry Night · 60 %")
    person.press(answer, EN.button_stronger)
    person.wait_for_text("The Starry Night · 80 %")

    assert len(person.answers_to(sent)) == 1
    assert model.predictor.last["strength"] == pytest.approx(0.8)


def test_stronger_than_full_strength_is_answered_in_a_word(person, api):
    answer = person.wait_for_answer(person.send_photo(photo_bytes()))

    press = person.press(answer, EN.button_stronger)

    call = api.wait_for(lambda: next((one for one in api.calls if one.params.get("callback_query_id") == press), None))
    assert call.params["text"] == EN.strongest


def test_keep_colours_toggles(person):
    answer = person.wait_for_answer(person.send_photo(photo_bytes()))

    person.press(answer, EN.button_keep_colors)
    person.wait_for_text("own colours")
    person.press(answer, EN.button_style_colors)

    person.api.wait_for(lambda: person.answers_to(answer["reply_to_message"]["message_id"])[0]["caption"].endswith("%"))


@pytest.mark.parametrize("place", ["left", "right", "top", "bottom", "radial"])
def test_where_paints_only_there(person, place):
    answer = person.wait_for_answer(person.send_photo(photo_bytes()))

    person.press(answer, EN.button_where)
    person.api.wait_for(lambda: EN.button_back in str(person.seen()))
    person.press(answer, EN.places[place])

    person.wait_for_text(f"100 % · {EN.places[place]}")


def test_where_everywhere_takes_the_place_back(person):
    answer = person.wait_for_answer(person.send_photo(photo_bytes(), "left"))

    person.press(answer, EN.button_where)
    person.api.wait_for(lambda: f"✓ {EN.places['left']}" in str(person.seen()))
    person.press(answer, EN.everywhere)

    person.api.wait_for(lambda: person.texts()[0] == "The Starry Night · 100 %")


def test_another_style_is_a_new_painting_of_the_same_photo(person):
    sent = person.send_photo(photo_bytes())
    answer = person.wait_for_answer(sent)

    person.press(answer, EN.button_style)
    person.api.wait_for(lambda: "Kanagawa" in str(buttons_of(person.answers_to(sent)[0])))
    person.press(answer, "Kanagawa")

    again = person.wait_for_answer(sent, count=2)
    assert looks_like(person.painting(again), "great_wave")
    assert looks_like(person.painting(answer), "starry_night")


def test_back_leads_back(person):
    sent = person.send_photo(photo_bytes())
    answer = person.wait_for_answer(sent)
    before = buttons_of(answer)

    person.press(answer, EN.button_style)
    person.api.wait_for(lambda: EN.button_back in str(person.answers_to(sent)[0]))
    person.press(answer, EN.button_back)

    person.api.wait_for(lambda: buttons_of(person.answers_to(sent)[0]) == before)


def test_blend_mixes_half_of_a_second_style_in(person):
    sent = person.send_photo(photo_bytes(), "starry night")
    answer = person.wait_for_answer(sent)

    person.press(answer, EN.button_blend)
    person.api.wait_for(lambda: EN.button_back in str(person.answers_to(sent)[0]))
    person.press(answer, "The Scream")

    again = person.wait_for_answer(sent, count=2)
    assert again["caption"].startswith("The Starry Night 50 % + The Scream 50 %")
    half = (np.array(COLOURS["starry_night"]) + COLOURS["the_scream"]) / 2
    np.testing.assert_allclose(mean_colour(person.painting(again)), half, atol=6)


def test_compare_shows_photo_and_painting_side_by_side(person):
    sent = person.send_photo(photo_bytes(60, 100))
    answer = person.wait_for_answer(sent)

    person.press(answer, EN.button_compare)

    both = person.painting(person.wait_for_answer(sent, count=2))
    assert both.size == (128, 100)
    left, right = split_colours(both)
    assert near(right, "starry_night")
    assert not near(left, "starry_night")


def test_as_file_is_a_png_as_large_as_the_photo(person):
    sent = person.send_file(photo_bytes(1500, 900))
    answer = person.wait_for_answer(sent)

    person.press(answer, EN.button_file)

    file = person.wait_for_answer(sent, count=2)
    assert "document" in file
    assert (person.painting(file).format, person.painting(file).size) == ("PNG", (1500, 900))


def test_buttons_of_an_old_message_work_after_everything_else_was_forgotten(person):
    sent = person.send_photo(photo_bytes())
    answer = person.wait_for_answer(sent)
    person.say("/forget")
    person.wait_for_text(EN.forgotten)

    person.press(answer, EN.button_weaker)

    person.wait_for_text("The Starry Night · 80 %")


# Albums.


def test_an_album_comes_back_as_an_album_with_its_buttons_in_a_message_after(person):
    sent = [person.send_photo(photo_bytes(seed=seed), "scream" if seed == 0 else "", album="a1") for seed in range(4)]

    after = person.wait_for_text("The Scream: 4 paintings.")

    album = [message for message in person.seen() if "media_group_id" in message]
    assert len(album) == 4
    assert len({message["media_group_id"] for message in album}) == 1
    assert all(looks_like(person.painting(message), "the_scream") for message in album)
    assert after["message_id"] > album[-1]["message_id"]
    assert buttons_of(after)
    assert EN.painting not in person.texts()

    person.press(after, EN.button_weaker)  # paints all of it again
    person.wait_for_text("The Scream · 80 %")
    person.api.wait_for(lambda: len([one for one in person.seen() if "media_group_id" in one]) == 8)
    assert sent


def test_of_an_album_with_a_broken_photo_the_others_come_back(person):
    for data in (photo_bytes(), b"\xff\xd8\xff not a photo", photo_bytes(seed=2)):
        person.send_photo(data, album="broken", size=(64, 48))

    person.wait_for_text("2 paintings. 1 could not be painted: I cannot read this picture.")
    assert len([one for one in person.seen() if "media_group_id" in one]) == 2


# Commands.


def test_start_and_help_explain(person):
    person.say("/start")
    person.wait_for_text("Send me a photo and I paint it.")
    person.say("/help")
    help_text = person.wait_for_text("/regions: ")["text"]

    assert set(re.findall(r"^/(\w+):", help_text, re.MULTILINE)) == set(EN.commands)


def test_styles_sends_the_gallery_and_its_buttons_choose(person):
    person.say("/styles")
    person.press(person.wait_for_text(EN.choose_style), "The Scream")
    person.wait_for_text("Style: The Scream. Now send a photo.")

    assert looks_like(person.painting(person.wait_for_answer(person.send_photo(photo_bytes()))), "the_scream")


def test_style_sets_a_mix_for_all_photos_to_come(person, model):
    person.say("/style starry_night 60 the_scream 40")
    person.wait_for_text("Style: The Starry Night 60 % + The Scream 40 %.")

    person.wait_for_answer(person.send_photo(photo_bytes()))

    np.testing.assert_allclose(model.predictor.last["region_weights"][0, 0, :2], [0.6, 0.4], atol=1e-6)


@pytest.mark.parametrize(
    ("command", "answer", "caption"),
    [
        ("/strength 70", "Strength: 70 %.", "The Starry Night · 70 %"),
        ("/colors keep", "Colours: the photo's own.", "The Starry Night · 100 % · own colours"),
        ("/colors style", "Colours: the painting's.", "The Starry Night · 100 %"),
        ("/mask left", "Where: left.", "The Starry Night · 100 % · left"),
        ("/mask off", "I paint the whole picture.", "The Starry Night · 100 %"),
        (
            "/regions left the_scream right great_wave",
            "Regions: left: The Scream, right: The Great Wave off Kanagawa.",
            "left: The Scream, right: The Great Wave off Kanagawa · 100 %",
        ),
    ],
)
def test_commands_set_how_photos_are_painted(person, command, answer, caption):
    person.say(command)
    person.wait_for_text(answer)

    assert person.wait_for_answer(person.send_photo(photo_bytes()))["caption"] == caption


def test_settings_are_kept_per_chat_shown_and_reset(person, new_person):
    other = new_person()
    person.say("/style scream")
    person.say("/strength 40")
    person.wait_for_text("Strength: 40 %.")
    person.say("/settings")
    person.wait_for_text("Style: The Scream\nStrength: 40 %\nColours: the painting's\nWhere: everywhere\nSize: 1280 px")
    other.say("/settings")
    other.wait_for_text("Style: The Starry Night\nStrength: 100 %")
    person.say("/reset")
    person.wait_for_text(EN.reset)
    person.say("/settings")
    person.wait_for_text("Style: The Starry Night\nStrength: 100 %")


@pytest.mark.parametrize(
    ("command", "advice"),
    [
        ("/style skreem", "Style: The Scream"),
        ("/style picasso", "I do not know “picasso”. There are: starry_night, the_scream, great_wave."),
        ("/style starry nxxxx", "I do not know “nxxxx”."),
        ("/strength lots", "Expected a number from 0 to 100"),
        ("/strength 700", "Expected a number from 0 to 100"),
        ("/size 3", "Expected a size from 16 to 2560 pixels, or full"),
        ("/colors", "Expected /colors keep or /colors style."),
        ("/mask mars", "Expected a place: left, right"),
        ("/regions somewhere", "I do not know “somewhere”."),
        ("/regions left", "Expected places and styles"),
        ("/paintitblack", EN.unknown_command),
        ("hello", EN.no_photo),
    ],
)
def test_what_is_not_understood_gets_advice(person, command, advice):
    person.say(command)

    person.wait_for_text(advice)


def test_cancel_stops_what_waits_and_what_is_being_painted(person, model):
    model.seconds = 5.0  # longer than four notes take
    sent = [person.send_photo(photo_bytes(seed=seed), "scream") for seed in range(4)]
    person.api.wait_for(lambda: person.texts().count(EN.painting) == 4)

    person.say("/cancel")
    person.api.wait_for(lambda: person.texts().count(EN.cancelled) == 5)  # four photos, and the answer
    model.seconds = 0.0
    person.wait_for_answer(person.send_photo(photo_bytes(), "wave"))

    assert not any(person.answers_to(one) for one in sent)
    person.say("/cancel")
    person.wait_for_text(EN.nothing_to_cancel)


def test_privacy_tells_what_is_kept_and_forget_deletes_it(person, bot):
    import sqlite3

    person.say("/style scream")
    person.wait_for_answer(person.send_photo(photo_bytes()))
    person.say("/privacy")
    person.wait_for_text("for 30 days, which photo a painting was made from")
    person.say("/forget")
    person.wait_for_text(EN.forgotten)

    def rows():
        database = sqlite3.connect(bot.log.parent / "bot.db")
        with database:
            return [
                row
                for table in ("tasks", "chats", "sources")
                for row in database.execute(f"SELECT * FROM {table} WHERE chat_id = ?", (person.chat_id,))
            ]

    person.api.wait_for(lambda: not rows())
    person.say("/settings")
    person.wait_for_text("Style: The Starry Night")


def test_stats_are_for_admins(person, new_person, api):
    from testing.bot_api import Person

    person.say("/stats")
    person.wait_for_text(EN.admins_only)
    admin = Person(api, 100_000)
    admin.say("/stats")
    admin.wait_for_text("Waiting: ")


@pytest.mark.parametrize("language", ["de", "es"])
def test_people_are_answered_in_their_language(new_person, language):
    texts = load_texts(language)
    person = new_person(language=f"{language}-XX")

    person.say("/start")
    person.wait_for_text(texts.start[:20])
    sent = person.send_photo(photo_bytes(), {"de": "Schrei Welle Farben behalten links", "es": "izquierda"}[language])
    answer = person.wait_for_answer(sent)

    assert texts.places["left"] in answer["caption"]
    assert buttons_of(answer)[0]["text"] == texts.button_style


def test_other_languages_get_english(new_person):
    person = new_person(language="fi")

    person.say("/start")

    person.wait_for_text("Send me a photo and I paint it.")


def test_commands_are_registered_in_every_language(api, bot):
    api.wait_for(lambda: len(api.commands) == 3)

    for language, code in (("en", ""), ("de", "de"), ("es", "es")):
        registered = {command["command"]: command["description"] for command in api.commands[code]}
        assert registered == load_texts(language).commands


# Groups.


@pytest.fixture
def group(bot, new_person):
    ids = {}

    def join(chat_id):
        ids[chat_id] = new_person(chat_id=chat_id)
        return ids[chat_id]

    return join


def test_in_a_group_only_what_is_addressed_to_the_bot_is_painted(group):
    person = group(-41)
    ignored = person.send_photo(photo_bytes())
    person.say("nice weather")
    person.say("/start@another_bot")
    named = person.send_photo(photo_bytes(), "@paint_test_bot scream")

    assert looks_like(person.painting(person.wait_for_answer(named)), "the_scream")
    assert not person.answers_to(ignored)
    assert len(person.seen()) == 1


def test_in_a_group_a_command_in_a_caption_or_in_reply_to_a_photo_paints_it(group):
    person = group(-42)
    with_command = person.send_photo(photo_bytes(), "/style@paint_test_bot wave")
    assert looks_like(person.painting(person.wait_for_answer(with_command)), "great_wave")
    silent = person.send_photo(photo_bytes())

    person.say("/style scream", reply_to=silent)

    assert looks_like(person.painting(person.wait_for_answer(silent)), "the_scream")


def test_in_a_group_a_whole_album_is_painted_if_its_first_photo_names_the_bot(group):
    person = group(-43)
    for seed in range(3):
        person.send_photo(photo_bytes(seed=seed), "@paint_test_bot scream" if seed == 0 else "", album="g")

    person.wait_for_text("The Scream: 3 paintings.")


def test_in_a_group_talk_about_a_painting_is_not_answered(group):
    person = group(-44)
    answer = person.wait_for_answer(person.send_photo(photo_bytes(), "@paint_test_bot scream"))
    before = len(person.seen())

    person.say("wow, lovely", reply_to=answer["message_id"])
    person.say("/settings")
    person.wait_for_text("Strength")

    assert len(person.seen()) == before + 1


@pytest.mark.parametrize(("command", "told"), [("/reset", EN.reset), ("/forget", EN.forgotten)])
def test_in_a_group_only_admins_undo_what_was_chosen(api, group, new_person, command, told):
    chat_id = {"/reset": -45, "/forget": -46}[command]
    person = group(chat_id)
    person.say("/strength@paint_test_bot 33")
    person.wait_for_text("Strength: 33 %.")

    person.say(f"{command}@paint_test_bot")
    person.wait_for_text(EN.group_admins_only)
    person.say("/settings@paint_test_bot")
    person.wait_for_text("33 %")

    admin = new_person(chat_id=chat_id)
    api.admins.add((chat_id, admin.user["id"]))
    admin.say(f"{command}@paint_test_bot")
    admin.wait_for_text(told)


def test_in_a_group_everybody_cancels_their_own_photos_only(api, group, new_person, model):
    person, other = group(-47), new_person(chat_id=-47)
    model.seconds = 2.0
    sent = person.send_photo(photo_bytes(), "@paint_test_bot scream")
    api.wait_for(lambda: model.painting == 1)

    other.say("/cancel@paint_test_bot")

    other.wait_for_text(EN.nothing_to_cancel)
    assert person.wait_for_answer(sent)


@pytest.mark.parametrize(
    ("mime_type", "file_name"),
    [
        ("application/octet-stream", "IMG_1.JPG"),
        ("application/octet-stream", None),
        ("application/octet-stream", "IMG_1.dat"),
        (None, "photo.png"),
        (None, None),
        ("IMAGE/JPEG", None),
        ("image/png; charset=binary", "x"),
        ("text/plain", "photo.jpeg"),
    ],
)
def test_a_photo_as_a_file_is_painted_whatever_its_type_says(person, mime_type, file_name):
    sent = person.send_file(photo_bytes(), "scream", mime_type=mime_type, file_name=file_name)

    assert person.wait_for_answer(sent)


@pytest.mark.parametrize(
    ("mime_type", "file_name"),
    [("application/pdf", "a.pdf"), ("application/octet-stream", "a.zip"), (None, "song.mp3"), ("video/mp4", None)],
)
def test_a_file_that_says_what_else_it_is_is_not_fetched(person, api, mime_type, file_name):
    before = api.count("getFile")
    person.send_file(photo_bytes(), mime_type=mime_type, file_name=file_name)

    person.wait_for_text(EN.no_photo)
    assert api.count("getFile") == before


@pytest.mark.parametrize(
    "data",
    [
        f"r:0;100;s;#{10**30};1280",
        f"r:0;100;s;#-{10**30};1280",
        f"r:0;{10**30};s;;1280",
        f"r:0;100;s;;{10**30}",
        "r:0;100;s;;-5",
        f"r:{10**20};100;s;;1280",
        f"s{10**30}:0;100;s;;1280",
        "r:-1;100;s;;1280",
        "r:0;-1;s;;1280",
        "r:0;\u0661\u0660;s;;1280",
    ],
)
def test_a_forged_number_in_a_button_is_an_old_button(person, api, bot, data):
    answer = person.wait_for_answer(person.send_photo(photo_bytes(), "scream"))
    before = bot.logs().count("a task failed")

    press = person.press_data(answer, data)

    def told():
        return [
            call.params.get("text", "")
            for call in api.calls
            if call.method == "answerCallbackQuery" and call.params["callback_query_id"] == press
        ]

    api.wait_for(told)
    assert told()[0] == ("" if data.startswith("s") else EN.old_button)
    person.say("/settings")
    person.wait_for_text("Strength")
    assert bot.logs().count("a task failed") == before


def test_every_button_fits_into_telegrams_64_bytes(person):
    sent = person.send_photo(
        photo_bytes(), "left scream 12.5 wave 87.5 right wave 33 starry night 67 top scream bottom wave"
    )
    answer = person.wait_for_answer(sent)

    assert all(len(button["callback_data"].encode()) <= 64 for button in buttons_of(answer))
    assert json.dumps(answer)
    assert answer["caption"] not in GALLERY_CAPTIONS
