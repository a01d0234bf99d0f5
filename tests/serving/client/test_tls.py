"""TLS with certificates made on the spot: who is trusted, and what is said when somebody is not."""

import datetime

import grpc
import pytest
import trustme

from serving.client.connection import Retries, Tls
from serving.client.errors import AccessDeniedError, CertificateError, ConnectionSettingsError, ServerDownError
from testing.fake_model import COLOURS, photo_array
from testing.fake_server import FakeModel, answering
from tfstyle import cli
from tfstyle.imaging.photo import read_photo

QUICKLY = Retries(initial_backoff=0.01)


class Authority:
    """An authority whose certificates come as files."""

    def __init__(self, folder, name):
        self.ca = trustme.CA()
        self.folder, self.name = folder, name
        self.path = folder / f"{name}.pem"
        self.ca.cert_pem.write_to_path(self.path)

    def issue(self, *identities, **options):
        return self.ca.issue_cert(*identities, **options)

    def client_files(self, identity="somebody@example.org"):
        issued = self.issue(identity)
        cert, key = self.folder / f"{self.name}-client.pem", self.folder / f"{self.name}-client.key"
        cert.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
        issued.private_key_pem.write_to_path(key)
        return {"cert": cert, "key": key}


@pytest.fixture
def ours(tmp_path):
    return Authority(tmp_path, "ours")


@pytest.fixture
def others(tmp_path):
    return Authority(tmp_path, "others")


def tls_server(issued, *, clients_of=None):
    """A server that shows `issued`, and wants certificates of the authority `clients_of`."""
    chain = b"".join(blob.bytes() for blob in issued.cert_chain_pems)
    roots = clients_of.ca.cert_pem.bytes() if clients_of else None
    credentials = grpc.ssl_server_credentials(
        [(issued.private_key_pem.bytes(), chain)], roots, require_client_auth=clients_of is not None
    )
    return answering(FakeModel().methods, credentials=credentials)


def test_a_server_of_a_known_authority_is_trusted(open_client, ours):
    with tls_server(ours.issue("127.0.0.1", "localhost")) as address:
        for where in (address, address.replace("127.0.0.1", "localhost")):
            with open_client(where, tls=Tls(ca=ours.path)) as client:
                assert len(client.styles()) == 3


def test_both_sides_may_show_a_certificate(open_client, ours):
    with (
        tls_server(ours.issue("127.0.0.1"), clients_of=ours) as address,
        open_client(address, tls=Tls(ca=ours.path, **ours.client_files())) as client,
    ):
        assert len(client.styles()) == 3


def test_servers_in_turns_share_a_name(open_client, ours):
    """In a list of addresses there is no name that their certificates could carry."""
    issued = ours.issue("models.example")
    with (
        tls_server(issued) as first,
        tls_server(issued) as second,
        open_client([first, second], tls=Tls(ca=ours.path, server_name="models.example")) as client,
    ):
        for _ in range(4):
            client.predict("describe", {})


LONG_AGO = {"not_before": datetime.datetime(2020, 1, 1), "not_after": datetime.datetime(2021, 1, 1)}


@pytest.mark.parametrize("wait_for_ready", [False, True])
@pytest.mark.parametrize(
    ("issue", "trouble"),
    [
        (lambda ours, others: others.issue("127.0.0.1", "localhost"), "unable to get local issuer certificate"),
        (lambda ours, others: ours.issue("elsewhere.example"), "IP address mismatch|Hostname mismatch"),
        (lambda ours, others: ours.issue("127.0.0.1", "localhost", **LONG_AGO), "certificate has expired"),
    ],
    ids=["unknown authority", "another name", "expired"],
)
def test_a_server_that_is_not_trusted_is_not_called_down(open_client, ours, others, issue, trouble, wait_for_ready):
    """Also where a name has several addresses, of which gRPC tells only how the last one failed."""
    with tls_server(issue(ours, others)) as address:
        for where in (address, address.replace("127.0.0.1", "localhost")):
            with (
                open_client(where, tls=Tls(ca=ours.path), retries=QUICKLY, wait_for_ready=wait_for_ready) as client,
                pytest.raises(CertificateError, match=rf"{where} answers, but not as expected of TLS: .*({trouble})"),
            ):
                client.styles(timeout=0.3 if wait_for_ready else 20)


@pytest.mark.parametrize("shown", ["nothing", "another authority's"])
def test_a_client_that_is_not_trusted_is_told(open_client, ours, others, shown):
    files = others.client_files() if shown != "nothing" else {}
    with (
        tls_server(ours.issue("127.0.0.1"), clients_of=ours) as address,
        open_client(address, tls=Tls(ca=ours.path, **files), retries=QUICKLY) as client,
        pytest.raises(CertificateError, match=r"certificate"),
    ):
        client.styles()


def test_a_certificate_and_a_key_that_do_not_belong_together_are_told(open_client, ours, others):
    files = {"cert": ours.client_files()["cert"], "key": others.client_files()["key"]}
    with (
        tls_server(ours.issue("127.0.0.1"), clients_of=ours) as address,
        open_client(address, tls=Tls(ca=ours.path, **files), retries=QUICKLY) as client,
        pytest.raises(CertificateError, match="do not fit together or are broken"),
    ):
        client.styles()


def test_plain_text_to_a_server_of_tls_is_told(open_client, ours):
    with (
        tls_server(ours.issue("127.0.0.1")) as address,
        open_client(address, retries=QUICKLY) as client,
        pytest.raises(CertificateError, match="the server speaks TLS and this client does not"),
    ):
        client.styles()


def test_tls_to_a_server_of_plain_text_is_told(open_client, ours):
    with (
        answering(FakeModel().methods) as address,
        open_client(address, tls=Tls(ca=ours.path), retries=QUICKLY) as client,
        pytest.raises(CertificateError, match="the server does not speak TLS"),
    ):
        client.styles()


def test_a_server_that_is_down_is_so_with_tls_too(open_client, ours):
    with tls_server(ours.issue("127.0.0.1")) as address:
        pass
    with (
        open_client(address, tls=Tls(ca=ours.path), retries=QUICKLY) as client,
        pytest.raises(ServerDownError, match="Connection refused"),
    ):
        client.styles()


def test_files_that_hold_no_certificate_are_refused_before_anything_is_sent(open_client, ours, tmp_path):
    empty = tmp_path / "empty.pem"
    empty.write_text("no certificate")
    files = ours.client_files()
    for tls, message in [
        (Tls(ca=tmp_path / "missing.pem"), r"missing\.pem: cannot be read: No such file"),
        (Tls(ca=empty), r"empty\.pem: expected a PEM file with a CERTIFICATE"),
        (Tls(ca=ours.path, cert=files["cert"]), "got only one of them"),
        (Tls(ca=ours.path, key=files["key"]), "got only one of them"),
        (Tls(ca=ours.path, cert=files["cert"], key=files["cert"]), "expected a PEM file with a PRIVATE KEY"),
    ]:
        with pytest.raises(ConnectionSettingsError, match=message):
            open_client("localhost:8500", tls=tls)


@pytest.mark.parametrize("code", [grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED])
def test_a_proxy_that_keeps_a_client_out_is_told(open_client, code):
    deny = lambda _, context: context.abort(code, "no token")  # noqa: E731
    with (
        answering({"/tensorflow.serving.PredictionService/Predict": deny}) as address,
        open_client(address) as client,
        pytest.raises(AccessDeniedError, match=rf"{address} does not let this client in \(no token\)"),
    ):
        client.styles()


def test_the_command_line_speaks_tls(ours, tmp_path, capsys):
    photo, stylized = tmp_path / "photo.png", tmp_path / "painting.png"
    read_photo(photo_array()).save(photo)
    files = ours.client_files()
    options = ["--tls-ca", ours.path, "--tls-cert", files["cert"], "--tls-key", files["key"]]
    with tls_server(ours.issue("127.0.0.1"), clients_of=ours) as address:
        command = ["stylize", photo, "--style", "the_scream", "-o", stylized, "--server", address]
        assert cli.main([str(word) for word in command + options]) == 0
        assert tuple(read_photo(stylized).pixels[0, 0]) == COLOURS["the_scream"]
        capsys.readouterr()

        assert cli.main([str(word) for word in [*command, "--tls"]]) == 2
        assert "certificate" in capsys.readouterr().err
    assert cli.main(["styles", "--tls"]) == 2
    assert "--server" in capsys.readouterr().err
