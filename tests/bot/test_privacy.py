"""What the database holds after everything is done, beside what /privacy and docs/bot.md say."""

import json
import sqlite3

import pytest

from bot.app import BotTimings
from bot.storage.tables import metadata
from testing.bot_api import Person, buttons_of, photo_bytes
from testing.bot_thread import BotThread

pytestmark = pytest.mark.filterwarnings("ignore:Please use 'Bot.get_updates'")


@pytest.fixture
def database(own_api, styles, tmp_path):
    """Rows by table, as dicts, after a person has used everything that leaves something."""
    person = Person(own_api, 4711)
    with BotThread(own_api, styles[1], tmp_path, timings=BotTimings(album_seconds=0.3)) as thread:
        sent = person.send_photo(photo_bytes(), "scream strength 77")
        answer = person.wait_for_answer(sent)
        person.press(answer, "Weaker")
        person.wait_for_text("57 %")
        person.send_photo(photo_bytes(), reply_to=sent)
        person.wait_for_answer(sent, count=2)
        for seed in range(2):
            person.send_photo(photo_bytes(seed=seed), "wave and a secret" if seed == 0 else "", album="a")
        assert buttons_of(person.wait_for_text("2 paintings."))
        person.say("/strength 33")
        person.wait_for_text("Strength: 33 %.")
        own_api.wait_for(lambda: not thread.run(thread.store.unfinished(4711)))
        own_api.wait_for(lambda: thread.run(thread.store.settings(4711))["style_settings"]["strength"] == 33)
        with sqlite3.connect(tmp_path / "bot.db") as connection:
            connection.row_factory = sqlite3.Row
            yield {
                table: [dict(row) for row in connection.execute(f"SELECT * FROM {table}")] for table in metadata.tables
            }


def test_there_are_four_tables_of_people_and_what_is_done_holds_nothing_that_was_sent(database):
    assert set(database) == {"tasks", "chats", "sources", "own_styles", "heartbeat"}
    assert [set(row) for row in database["heartbeat"]] == [{"id", "written_at"}]
    kept = [(row["kind"], set(json.loads(row["payload"]))) for row in database["tasks"] if row["finished_at"]]

    assert {kind for kind, _ in kept} == {"update", "album", "paint"}
    assert {kind for kind, keys in kept if keys} == {"album"}
    assert all(keys <= {"style_settings"} for _, keys in kept)
    assert "secret" not in str(database)
    assert "file-" not in str(database["tasks"])


def test_what_stays_of_photos_and_masks_are_references_only(database):
    sources = [json.loads(row["source"]) for row in database["sources"]]

    assert len(sources) == 4  # a painting, a mask and its painting, an album
    assert {key for source in sources for key in source} == {"message_id", "pictures", "from_bot"}
    pictures = [picture for source in sources for picture in source["pictures"]]
    assert {key for picture in pictures for key in picture} == {"file_id", "width", "height", "file_size"}
    assert json.loads(database["chats"][0]["settings"]).keys() == {"style_settings", "saw_styles", "renaming"}
