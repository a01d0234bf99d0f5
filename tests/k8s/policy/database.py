"""Rules for PostgreSQL and for whoever asks it."""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from urllib.parse import parse_qs, urlsplit

from tests.k8s.cluster import Cluster, Object, Workload

_DAYS = 30  # for which docs/bot.md says that anything about people is kept
_AUTHORITY = "ca.crt"  # as cert-manager calls it in each certificate's secret


def the_database_wants_tls(cluster: Cluster) -> Iterator[str]:
    """Where there is an authority, which PostgreSQL itself does not need."""
    database = next((workload for workload in cluster.workloads if workload.name == "postgres"), None)
    if database is None or not cluster.of("Certificate"):
        return
    settings = dict(argument.removeprefix("--").split("=", 1) for argument in database.main.get("args", []))
    if settings.get("ssl") != "on":
        yield "PostgreSQL speaks in the clear"
        return
    access = cluster.mounted_texts(database).get(PurePosixPath(settings.get("hba_file", "/none")), "host all all all")
    rules = [line.split() for line in access.splitlines() if line and not line.startswith("#")]
    if {(rule[0], rule[-1]) for rule in rules} != {("local", "trust"), ("hostssl", "scram-sha-256")}:
        yield "PostgreSQL lets in who has neither TLS nor a password"
    key = PurePosixPath(settings["ssl_key_file"])
    secret = _secret(database, key)
    mode, context = secret.get("defaultMode", 0o644), database.pod["securityContext"]
    if mode & ~0o640 or not mode & 0o040 or context.get("fsGroup") != context["runAsGroup"]:
        yield "PostgreSQL refuses a key that more may use than root and its own group, and needs the group's"
    if (settings["ssl_cert_file"], key.name) != (str(key.with_name("tls.crt")), "tls.key"):
        yield "PostgreSQL's certificate and key are no pair"
    specs = [item["spec"] for item in cluster.of("Certificate")]
    names = [name for spec in specs if spec["secretName"] == secret.get("secretName") for name in spec["dnsNames"]]
    for host in sorted({host for _, host, _ in _clients(cluster)}):
        if host not in names:
            yield f"the certificate of PostgreSQL is not made for {host}"


def whoever_asks_the_database_checks_its_certificate(cluster: Cluster) -> Iterator[str]:
    """KEDA is told the authority elsewhere."""
    if cluster.of("Certificate"):
        for who, _, sure in _clients(cluster):
            if not sure:
                yield f"{who} does not check who PostgreSQL is"


def backups_are_of_the_bots_database(cluster: Cluster) -> Iterator[str]:
    bot = cluster.workload("bot")
    for item, backup in zip(cluster.of("CronJob"), _backups(cluster), strict=True):
        restores = item["metadata"]["name"] == "restore"
        address = urlsplit(bot.environment["TFSTYLE_BOT_DATABASE_URL"]["value"])
        told = {name: variable.get("value") for name, variable in backup.environment.items()}
        if (told["PGHOST"], f"/{told['PGDATABASE']}") != (address.hostname, address.path):
            yield "another database than the bot's is copied"
        if backup.main["image"] != cluster.workload("postgres").main["image"]:
            yield "backups are made by another version than the server's"
        if item["spec"].get("concurrencyPolicy") != "Forbid":
            yield "two backups may write into one file"
        if restores != bool(item["spec"].get("suspend")):
            yield "every night a copy is put back, or none is made"
        daily = re.fullmatch(r"\d+ \d+ \* \* \*", item["spec"]["schedule"])
        if not restores and (not daily or not 1 <= int(told["KEEP"]) <= _DAYS):
            yield f"copies are kept for other than {_DAYS} days at most"
        if restores and told["RESTORE"] != "":
            yield "a copy is put back that nobody has chosen"
        volumes = {volume["name"]: volume for volume in backup.pod["volumes"]}
        claimed = [
            mount["mountPath"]
            for mount in backup.main["volumeMounts"]
            if "persistentVolumeClaim" in volumes[mount["name"]]
        ]
        if claimed != re.findall(r"^cd (\S+)$", backup.main["command"][-1], re.MULTILINE):
            yield "copies go with the pod that has made them"


def everybody_has_a_role_of_their_own(cluster: Cluster) -> Iterator[str]:
    """Which roles.sql makes, with the password that they come with; only what restores is the bot."""
    database = next((workload for workload in cluster.workloads if workload.name == "postgres"), None)
    if database is None:
        return
    (text,) = [text for path, text in cluster.mounted_texts(database).items() if path.name == "roles.sql"]
    variables = dict(re.findall(r"^\\getenv (\w+)_password (\w+)$", text, re.MULTILINE))
    keys = {role: _key(database, variable) for role, variable in variables.items()}
    for who, role, key in _roles(cluster):
        if keys.get(role) != key or role != {"the bot": "bot", "restore": "bot", "backup": "backup"}[who]:
            yield f"{who} comes as {role}, with the password {key}"
    if database.environment.keys() & {"POSTGRES_USER", "PGUSER"}:
        yield "the first user, who may do everything, is no role of its own"


def _roles(cluster: Cluster) -> Iterator[tuple[str, str | None, str | None]]:
    """Who comes as which role, with which key's password; KEDA is looked at in policy/network."""
    bot = cluster.workload("bot")
    address = urlsplit(bot.environment["TFSTYLE_BOT_DATABASE_URL"]["value"])
    yield "the bot", address.username, _key(bot, "PGPASSWORD")
    for backup in _backups(cluster):
        yield backup.name, backup.environment["PGUSER"]["value"], _key(backup, "PGPASSWORD")


def _key(workload: Workload, variable: str) -> str | None:
    reference = workload.environment.get(variable, {}).get("valueFrom", {}).get("secretKeyRef", {})
    return reference.get("key")


def _backups(cluster: Cluster) -> list[Workload]:
    return [cluster.workload(item["metadata"]["name"]) for item in cluster.of("CronJob")]


def _clients(cluster: Cluster) -> Iterator[tuple[str, str, bool]]:
    """Who asks, at which host, and whether it checks the certificate."""
    bot = cluster.workload("bot")
    address = urlsplit(bot.environment.get("TFSTYLE_BOT_DATABASE_URL", {}).get("value", ""))
    if address.scheme == "postgresql":
        query = {key: values[-1] for key, values in parse_qs(address.query).items()}
        yield "the bot", address.hostname or "", _checks(bot, query.get("sslmode"), query.get("sslrootcert"))
    for scaled in cluster.of("ScaledObject"):
        (trigger,) = scaled["spec"]["triggers"]
        yield "KEDA", trigger["metadata"]["host"], trigger["metadata"]["sslmode"] == "verify-full"
    for backup in _backups(cluster):
        told = {name: variable.get("value") for name, variable in backup.environment.items()}
        yield "backup", told["PGHOST"], _checks(backup, told.get("PGSSLMODE"), told.get("PGSSLROOTCERT"))


def _checks(workload: Workload, mode: str | None, authority: str | None) -> bool:
    path = PurePosixPath(authority or "/none")
    return mode == "verify-full" and path.name == _AUTHORITY and bool(_secret(workload, path))


def _secret(workload: Workload, file: PurePosixPath) -> Object:
    """The secret that is mounted where a file lies; empty if none is."""
    mounts = {PurePosixPath(mount["mountPath"]): mount["name"] for mount in workload.main.get("volumeMounts", [])}
    volumes = {volume["name"]: volume for volume in workload.pod.get("volumes", [])}
    return volumes.get(mounts.get(file.parent), {}).get("secret", {})


RULES = (
    the_database_wants_tls,
    whoever_asks_the_database_checks_its_certificate,
    backups_are_of_the_bots_database,
    everybody_has_a_role_of_their_own,
)
