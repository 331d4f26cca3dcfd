# SPDX-License-Identifier: Apache-2.0
"""A certificate authority that lives as long as a test, made with the openssl command."""

import subprocess
from pathlib import Path


def _openssl(*args, cwd):
    done = subprocess.run(["openssl", *args], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"openssl {' '.join(args)}: {done.stderr}"


class Certificates:
    """ca is what clients trust; server() makes a key and certificate for names of this machine."""

    def __init__(self, folder: Path, name="authority"):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.name = name
        self.ca = self.folder / f"{name}.crt"
        self.ca_key = self.folder / f"{name}.key"
        _openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-sha256",
                 "-subj", f"/CN=Lacuna test {name}", "-keyout", self.ca_key.name,
                 "-out", self.ca.name, cwd=self.folder)

    def server(self, name, hosts=("DNS:localhost", "IP:127.0.0.1"), days=2):
        """(certificate, key) as PEM files, signed by this authority. days: -1, it has expired."""
        key, request = f"{name}.key", f"{name}.csr"
        certificate, extensions = f"{name}.crt", f"{name}.ext"
        (self.folder / extensions).write_text(
            f"subjectAltName={','.join(hosts)}\nextendedKeyUsage=serverAuth\n")
        _openssl("req", "-newkey", "rsa:2048", "-nodes", "-sha256", "-subj", f"/CN={name}",
                 "-keyout", key, "-out", request, cwd=self.folder)
        _openssl("x509", "-req", "-in", request, "-CA", self.ca.name, "-CAkey", self.ca_key.name,
                 "-CAcreateserial", "-days", str(days), "-sha256", "-extfile", extensions,
                 "-out", certificate, cwd=self.folder)
        return self.folder / certificate, self.folder / key
