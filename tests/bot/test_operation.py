"""What an operator sees: start, health, metrics, logs, memory, settings."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bot.settings import PREFIX, Settings, SettingsError, load_settings
from testing.bot_api import TOKEN, BotApi, Fault, Person, photo_bytes
from testing.bot_process import BotProcess

ROOT = Path(__file__).resolve().parents[2]
SAMPLE_PHOTO = ROOT / "tfstyle" / "assets" / "astronaut.jpg"


@pytest.fixture(scope="module")
def watched(styles, tmp_path_factory):
    """A bot that logs all it can: the Bot API, the bot, and its resident memory before and after its first mask."""
    with BotApi() as api, BotProcess(api, styles[1], tmp_path_factory.mktemp("watched"), log_level="DEBUG") as bot:
        api.wait_for(lambda: len(api.commands) == 3)
        before = bot.resident_mb()
        api.faults.append(Fault(method="getFile", done_first=True))  # so that a library tells of a URL
        person = Person(api, 1)
        person.wait_for_answer(person.send_photo(SAMPLE_PHOTO.read_bytes(), "scream person"))
        yield api, bot, (before, bot.resident_mb())


def test_the_bot_is_light_before_and_after_its_first_mask_and_loads_no_tensorflow(watched):
    """RSS as the kernel counts it; what is loaded, from the files mapped into the process."""
    _, bot, (before, after) = watched
    mapped = Path(f"/proc/{bot.process.pid}/maps").read_text()

    assert before < 150
    assert after < 250
    assert "numpy" in mapped
    assert "tensorflow" not in mapped
    assert "keras" not in mapped


def test_importing_the_bot_imports_neither_tensorflow_nor_keras():
    code = (
        "import sys, bot.app, bot.terminal\nassert not {'tensorflow', 'keras', 'jax'} & set(sys.modules), sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_it_lives_and_is_ready(bot):
    assert bot.get("/livez") == (200, '{"worker": true}')
    status, body = bot.get("/readyz")

    assert status == 200
    assert json.loads(body) == {"telegram": True, "database": True, "server": True}


def test_it_is_not_ready_while_telegram_does_not_answer(watched):
    api, bot, _ = watched
    api.wait_for(lambda: bot.get("/readyz")[0] == 200)
    api.faults.append(Fault(method="getUpdates", times=1000, status=500))
    api.add_update(message={})  # ends the poll under way

    api.wait_for(lambda: bot.get("/readyz")[0] == 503)

    assert bot.get("/livez")[0] == 200
    api.faults.clear()
    api.wait_for(lambda: bot.get("/readyz")[0] == 200)


def test_metrics_count_photos_styles_errors_and_times(person, bot):
    def value(name):
        found = re.search(rf"^{re.escape(name)} ([\d.e+]+)$", bot.get("/metrics")[1], re.MULTILINE)
        return float(found[1]) if found else 0.0

    names = {
        'tfstyle_bot_photos_total{outcome="painted"}': 1,
        'tfstyle_bot_photos_total{outcome="failed"}': 1,
        'tfstyle_bot_styles_total{style="great_wave"}': 1,
        'tfstyle_bot_errors_total{kind="photo_unreadable"}': 1,
        "tfstyle_bot_answer_seconds_count": 1,
        'tfstyle_bot_stage_seconds_count{stage="paint"}': 1,
        'tfstyle_bot_stage_seconds_count{stage="deliver"}': 1,
        "tfstyle_bot_updates_total": 2,
    }
    before = {name: value(name) for name in names}
    person.wait_for_answer(person.send_photo(photo_bytes(), "wave"))
    person.send_file(b"no picture")
    person.wait_for_text("I cannot read this picture")

    person.api.wait_for(lambda: all(value(name) - before[name] == more for name, more in names.items()), seconds=5)
    assert 'tfstyle_bot_queue_length{state="waiting"} 0.0' in bot.get("/metrics")[1]


def test_logs_are_json_lines_without_the_token_and_without_what_people_wrote(person, bot, api):
    api.faults += [Fault(method="sendMessage", chat_id=person.chat_id, status=500), Fault(method="getFile")]
    person.wait_for_answer(person.send_photo(photo_bytes(), "scream strength 77"))

    lines = bot.logs().splitlines()
    assert all({"time", "level", "logger", "message"} <= set(json.loads(line)) for line in lines)
    assert TOKEN not in bot.logs()
    assert TOKEN.partition(":")[2] not in bot.logs()
    assert "strength 77" not in bot.logs()


def test_no_log_level_shows_the_token(watched):
    """At DEBUG libraries log URLs and parameters."""
    _, bot, _ = watched

    assert '"DEBUG"' in bot.logs()
    assert TOKEN.partition(":")[2] not in bot.logs()


def test_a_token_that_telegram_does_not_know_ends_the_start_with_one_sentence(own_api, styles, tmp_path):
    bot = BotProcess(own_api, styles[1], tmp_path, token="1:wrong")
    bot.start(wait=False)

    assert bot.process.wait(30) == 2
    assert bot.logs() == (
        f"bot: TFSTYLE_BOT_TOKEN: http://127.0.0.1:{own_api.port} does not know this token; "
        "ask @BotFather for the right one.\n"
    )


def test_a_port_that_is_taken_ends_the_start_with_one_sentence(own_api, styles, tmp_path):
    bot = BotProcess(own_api, styles[1], tmp_path, http_port=own_api.port)
    bot.start(wait=False)

    assert bot.process.wait(30) == 2
    assert "check TFSTYLE_BOT_HTTP_HOST and TFSTYLE_BOT_HTTP_PORT.\n" in bot.logs().splitlines(keepends=True)[-1]


@pytest.fixture
def environment(monkeypatch):
    """Sets variables, after all others of the bot are gone."""
    import os

    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        monkeypatch.delenv(name)

    def put(**values):
        for name, value in {"TOKEN": "1:a", **values}.items():
            monkeypatch.setenv(PREFIX + name, value)

    return put


def test_defaults_are_for_a_bot_beside_its_server(environment):
    environment()
    settings = load_settings()

    assert (settings.server, settings.mode, settings.database_url) == (
        "localhost:8500", "polling", "sqlite:///tfstyle-bot.db",
    )  # fmt: skip
    assert settings.languages == ("en", "de", "es")


def test_lists_are_written_with_commas(environment):
    environment(ADMINS="1, 2,3", ALLOWED_USERS="4", LANGUAGES="de,en")
    settings = load_settings()

    assert (settings.admins, settings.allowed_users, settings.languages) == ({1, 2, 3}, {4}, ("de", "en"))


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"TOKEN": "secret-without-colon"}, "TFSTYLE_BOT_TOKEN: expected a token such as 123456:ABC-DEF"),
        ({"SERVER": "localhost"}, "TFSTYLE_BOT_SERVER: expected host:port, got 'localhost'."),
        ({"BASE_URL": "https://api.telegram.org"}, "TFSTYLE_BOT_BASE_URL: expected http(s)://... that ends in /bot,"),
        (
            {"BASE_FILE_URL": "https://x/bot"},
            "TFSTYLE_BOT_BASE_FILE_URL: expected http(s)://... that ends in /file/bot,",
        ),
        (
            {"DATABASE_URL": "mysql://u:pw@h/d"},
            "TFSTYLE_BOT_DATABASE_URL: expected sqlite:///FILE or postgresql://..., ",
        ),
        ({"MODE": "push"}, "TFSTYLE_BOT_MODE: Input should be 'polling' or 'webhook'"),
        ({"MODE": "webhook"}, "webhook mode needs TFSTYLE_BOT_WEBHOOK_URL, an https:// address."),
        (
            {"MODE": "webhook", "WEBHOOK_URL": "https://x", "WEBHOOK_SECRET": "a b"},
            "webhook mode needs TFSTYLE_BOT_WEBHOOK_SECRET, 1 to 256 of A-Z a-z 0-9 _ -.",
        ),
        ({"CONCURRENCY": "0"}, "TFSTYLE_BOT_CONCURRENCY: Input should be greater than or equal to 1."),
        ({"HTTP_PORT": "x"}, "TFSTYLE_BOT_HTTP_PORT: Input should be a valid integer"),
        ({"LANGUAGES": "en,tlh"}, "TFSTYLE_BOT_LANGUAGES: expected some of en, de, es, got en, tlh."),
        (
            {"TLS_CERT": "bot.pem"},
            "expected TFSTYLE_BOT_TLS_CERT and TFSTYLE_BOT_TLS_KEY together, and TFSTYLE_BOT_TLS_CA",
        ),
        ({"ADMINS": "me"}, "TFSTYLE_BOT_ADMINS: Input should be a valid integer"),
    ],
)
def test_a_wrong_setting_is_one_sentence_without_secrets(environment, wrong, sentence):
    environment(**wrong)

    with pytest.raises(SettingsError) as error:
        load_settings()

    assert str(error.value).startswith(sentence)
    assert "\n" not in str(error.value)
    assert "secret-without" not in str(error.value)
    assert "pw" not in str(error.value)


def test_without_a_token_the_bot_says_what_is_missing():
    done = subprocess.run([sys.executable, "-m", "bot"], cwd=ROOT, env={}, capture_output=True, text=True)

    assert (done.returncode, done.stderr) == (
        2, "bot: TFSTYLE_BOT_TOKEN is not set; it is what @BotFather gave you.\n",
    )  # fmt: skip


def test_without_the_extra_bot_it_says_what_to_install(tmp_path):
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['pydantic_settings'] = None\n")
    environment = {"PYTHONPATH": str(tmp_path)}

    done = subprocess.run([sys.executable, "-m", "bot"], cwd=ROOT, env=environment, capture_output=True, text=True)

    assert (done.returncode, done.stderr) == (
        2, "bot: pydantic_settings is not installed; pip install 'tfstyle[bot]'.\n",
    )  # fmt: skip


def test_every_setting_is_in_the_table_of_the_docs_with_its_default():
    section = (ROOT / "docs" / "bot.md").read_text(encoding="utf-8").partition("## Settings")[2].partition("\n## ")[0]
    rows = {
        cells[0].strip().strip("`"): cells[1].strip().strip("`")
        for line in section.splitlines()
        if line.startswith("| `")
        for cells in [line.strip("|").split("|")]
    }

    def written(value):
        if isinstance(value, tuple | frozenset):
            return ",".join(value) or "none"
        value = value.get_secret_value() if hasattr(value, "get_secret_value") else value
        return f"{value:g}" if isinstance(value, float) else str(value) or "none"

    expected = {
        PREFIX + name.upper(): "needed" if field.is_required() else written(field.default)
        for name, field in Settings.model_fields.items()
    }
    assert rows == expected
