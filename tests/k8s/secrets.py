"""Secrets as cert-manager makes them, in folders as Kubernetes mounts them."""

from pathlib import Path

import trustme


def write_secret(folder: Path, issued: trustme.LeafCert, authority: trustme.CA) -> Path:
    """The files of a certificate's Secret."""
    folder.mkdir()
    authority.cert_pem.write_to_path(folder / "ca.crt")
    issued.private_key_pem.write_to_path(folder / "tls.key")
    (folder / "tls.crt").write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
    return folder
