"""Photo to painting through everything: the bot, the client, the embedded server, the released model."""

import io

import numpy as np
import pytest
from PIL import Image

from serving import server
from serving.client import StyleClient
from tests.bot.bot_api import BotApi, Person, buttons_of
from tests.bot.process import BotProcess
from tfstyle.models import models_root


@pytest.fixture(scope="module")
def address():
    with server.running(models_root()) as address:
        yield address


def test_a_photo_sent_in_telegram_comes_back_as_the_released_model_paints_it(address, astronaut, tmp_path):
    buffer = io.BytesIO()
    Image.fromarray(astronaut).save(buffer, "jpeg", quality=92)
    with BotApi() as api, BotProcess(api, address, tmp_path):
        person = Person(api, 1)
        sent = person.send_photo(buffer.getvalue(), "stary night 60 scream 40 keep colors")

        answer = person.wait_for_answer(sent, seconds=60)
        gallery_asked = person.say("/styles")
        gallery = person.wait_for_text("Which style?")

        with StyleClient(address) as client:
            styles = client.styles()
            direct = client.stylize(
                buffer.getvalue(), "starry_night:60,the_scream:40", preserve_color=True, format="jpeg"
            )
        painted = np.asarray(person.painting(answer)).astype(int)
        assert painted.shape == (512, 512, 3)
        assert np.abs(painted - direct.pixels).max() <= 2
        assert np.abs(painted - astronaut).mean() > 5
        assert [button["text"] for button in buttons_of(gallery)] == [style.title for style in styles]
        assert min(person.painting(gallery).size) > 400
        assert gallery_asked
