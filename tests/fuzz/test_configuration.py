"""Settings, flags and configuration files, which people write."""

import os
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.settings import PREFIX, Settings, SettingsError, load_settings
from serving.client.connection import Connection
from serving.client.errors import ConnectionSettingsError
from serving.config import config_files
from serving.config.config_files import ConfigFileError
from serving.config.flags import Flags, Parser, add_arguments
from testing.fuzz_cases import bounded_memory, cases, outcome
from testing.hostile_bytes import damaged

CONFIG = Path(config_files.__file__).parent
WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
NUMBERS = st.one_of(st.integers(), st.floats()).map(str)
SECRET = "S3cret-S3cret"
SECRETS = {
    "TOKEN": st.sampled_from(["1:a", SECRET, f"1:{SECRET}", f"{SECRET}:{SECRET}"]),
    "WEBHOOK_SECRET": st.one_of(st.just(SECRET), WORDS.map(lambda word: SECRET + word)),
    "DATABASE_URL": st.one_of(
        WORDS.map(lambda word: f"postgresql://bot:{SECRET}@{word}"),
        WORDS.map(lambda word: f"{word}://bot:{SECRET}@host/db"),
    ),
}
OTHERS = [name.upper() for name in Settings.model_fields if name.upper() not in SECRETS]
VALUES = st.one_of(
    WORDS,
    NUMBERS,
    st.sampled_from(["webhook", "https://x", "localhost:8500", "true", "en,de", "DEBUG", "http://x/bot"]),
)


CONFIGURATIONS = [
    b'model_config_list { config { name: "tfstyle" base_path: "/models/tfstyle" model_platform: "tensorflow" '
    b'model_version_policy { specific { versions: 1 } } version_labels { key: "stable" value: 1 } } }',
    b"gpu_options { allow_growth: true } intra_op_parallelism_threads: 4",
    b'prometheus_config { enable: true path: "/monitoring/prometheus/metrics" }',
    b'server_key: "-----BEGIN PRIVATE KEY-----\\nS3cret-S3cret" server_cert: "-----BEGIN CERTIFICATE-----"',
]
READERS = [config_files.read_models, config_files.read_session, config_files.read_monitoring, config_files.read_ssl]


@pytest.fixture(autouse=True, scope="module")
def memory() -> Iterator[None]:
    for read, name in zip(READERS, ("models", "session"), strict=False):  # what they import
        read(CONFIG / f"{name}.config")
    with bounded_memory(100):
        yield


@cases(200)
@given(
    secrets=st.fixed_dictionaries({}, optional=SECRETS),
    others=st.dictionaries(st.sampled_from(OTHERS), VALUES, max_size=4),
)
def test_any_settings_are_taken_or_refused_with_a_sentence_without_secrets(secrets, others):
    environment = {PREFIX + name: value for name, value in (others | secrets).items()}
    with mock.patch.dict(os.environ, environment, clear=True):
        settings, refusal = outcome(load_settings, SettingsError)
    assert "\n" not in refusal
    assert SECRET not in f"{settings} {refusal}"


def _parser() -> Parser:
    parser = Parser(prog="tfstyle serve", exit_on_error=True)
    add_arguments(parser)
    return parser


PARSER = _parser()
OPTIONS = sorted(option for action in PARSER._actions for option in action.option_strings if option != "--help")


@cases(200)
@given(
    words=st.lists(
        st.one_of(WORDS, st.builds("{}={}".format, st.sampled_from(OPTIONS), st.one_of(WORDS, NUMBERS))), max_size=4
    )
)
def test_any_flags_are_taken_or_refused_with_exit_code_2(words):
    with mock.patch("sys.stderr"), mock.patch("sys.stdout"):
        flags, code = outcome(lambda: Flags.from_args(PARSER.parse_flags(words)), SystemExit)
    assert flags or code == "2" or {"-h", "--help"} & set(words)


@cases(150)
@given(address=st.one_of(WORDS, st.from_regex(r"(dns:///|ipv4:|ipv6:|unix:)?[a-z0-9.\[\]:,]{0,20}(:[0-9]{1,6})?")))
def test_any_address_is_taken_or_refused_with_a_sentence(address):
    connection, refusal = outcome(lambda: Connection(address), ConnectionSettingsError)
    assert connection or refusal.startswith("Expected ")


@cases(200)
@given(data=st.one_of(damaged(CONFIGURATIONS), st.binary(max_size=100)), read=st.sampled_from(READERS))
def test_any_configuration_file_is_taken_or_refused_by_its_name(tmp_path_factory, data, read):
    path = tmp_path_factory.getbasetemp() / "fuzzed.config"
    path.write_bytes(data)
    config, refusal = outcome(lambda: read(path), ConfigFileError)
    assert config is not None or str(path) in refusal
    assert read is not config_files.read_ssl or SECRET not in refusal
