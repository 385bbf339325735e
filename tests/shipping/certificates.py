"""A certificate authority for one test, and what it signs, by openssl."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Certificates:
    """PEM files: the authority's certificate; a server's and a client's certificate, and both with their keys."""

    ca: Path
    server: Path
    client_cert: Path
    client_key: Path


def make(folder: Path) -> Certificates:
    """New ones, valid for a day, the server's for 127.0.0.1."""

    def openssl(*arguments: str | Path) -> None:
        subprocess.run(["openssl", *map(str, arguments)], cwd=folder, check=True, capture_output=True)

    def new_key(name: str) -> None:
        openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", f"{name}.key")

    new_key("ca")
    openssl("req", "-x509", "-new", "-key", "ca.key", "-subj", "/CN=test authority", "-days", "1", "-out", "ca.pem")
    for name in ("server", "client"):
        new_key(name)
        openssl("req", "-new", "-key", f"{name}.key", "-subj", f"/CN={name}", "-out", f"{name}.csr")
        (folder / f"{name}.ext").write_text("subjectAltName=IP:127.0.0.1\n")
        signed = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "1", "-extfile", f"{name}.ext")
        openssl("x509", "-req", "-in", f"{name}.csr", *signed, "-out", f"{name}.pem")
    server = folder / "server-with-key.pem"
    server.write_text((folder / "server.key").read_text() + (folder / "server.pem").read_text())
    return Certificates(folder / "ca.pem", server, folder / "client.pem", folder / "client.key")
