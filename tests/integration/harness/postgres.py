# SPDX-License-Identifier: Apache-2.0
"""A private Postgres on a unix socket; every test gets a fresh one, copied from a template."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import psycopg

from .paths import postgres_bin
from .process import Process
from .wait import free_port, wait_until

# The server refuses root. This user owns nothing else and always exists.
_USER = "nobody" if os.geteuid() == 0 else None

PASSWORD = "a-password-of-the-tests"


def _as_user(*command):
    prefix = []
    if _USER:
        prefix = ["setpriv", f"--reuid={_USER}", "--regid=nogroup", "--clear-groups", "--"]
    done = subprocess.run(prefix + [str(c) for c in command], capture_output=True, text=True,
                          check=False, cwd="/", timeout=60)
    assert done.returncode == 0, f"{command[0]}: {done.stdout}{done.stderr}"


def _own(path: Path):
    if _USER:
        shutil.chown(path, _USER, "nogroup")


class Postgres:
    """start() copies the template and runs a server with the database `lacuna`, user `lacuna`.

    Its folder is not under pytest's: the path of a socket may have 107 bytes, and `nobody` must
    be able to walk to it. close() removes it.

    certificates: TLS on a port of localhost, with a password (SCRAM); the socket stays.
    durable: fsync as in production; off by default, a test machine's crash loses nothing.
    """

    _template = None

    def __init__(self, log: Path, certificates=None, durable=False, settings=None):
        self.folder = Path(tempfile.mkdtemp(prefix="lacuna-pg-", dir="/tmp"))
        self.folder.chmod(0o755)
        self.data, self.socket = self.folder / "data", self.folder / "s"
        self.certificates = certificates
        self.port = free_port() if certificates else None
        self.settings = {
            "listen_addresses": "", "unix_socket_directories": self.socket,
            "unix_socket_permissions": "0700" if not _USER else "0777",
            "shared_buffers": "32MB", "max_connections": 50, "max_wal_size": "256MB",
            "log_line_prefix": "%m [%p] ",
        }
        if not durable:
            self.settings |= {"fsync": "off", "synchronous_commit": "off",
                              "full_page_writes": "off"}
        self.settings |= settings or {}
        self._prepare()
        flags = [f for key, value in self.settings.items() for f in ("-c", f"{key}={value}")]
        self.process = Process("postgres", [postgres_bin() / "postgres", "-D", self.data, *flags],
                               log, cwd="/", user=_USER)

    # --- files ----------------------------------------------------------------------------

    @classmethod
    def _make_template(cls) -> Path:
        if cls._template is None:
            folder = Path(tempfile.mkdtemp(prefix="lacuna-pg-", dir="/tmp"))
            folder.chmod(0o755)
            _own(folder)
            _as_user(postgres_bin() / "initdb", "-D", folder / "data", "--no-sync", "-A", "trust",
                     "-U", "lacuna", "-E", "UTF8", "--locale=C.UTF-8")
            cls._template = folder
        return cls._template / "data"

    @classmethod
    def remove_template(cls):
        if cls._template is not None:
            shutil.rmtree(cls._template, ignore_errors=True)
            cls._template = None

    def _prepare(self):
        subprocess.run(["cp", "-a", str(self._make_template()), str(self.data)], check=True)
        self.socket.mkdir(mode=0o755)
        _own(self.socket)
        if self.certificates:
            certificate, key = self.certificates.server("postgres", hosts=("DNS:localhost",))
            for source, name in ((certificate, "server.crt"), (key, "server.key")):
                target = self.data / name
                shutil.copy(source, target)
                target.chmod(0o600)
                _own(target)
            (self.data / "pg_hba.conf").write_text(
                "local all all trust\n"
                "hostssl all all 127.0.0.1/32 scram-sha-256\n"
                "hostssl all all ::1/128 scram-sha-256\n")
            self.settings |= {"listen_addresses": "localhost", "port": self.port, "ssl": "on"}

    # --- life -----------------------------------------------------------------------------

    def start(self):
        self.process.start()
        wait_until(self._answers, timeout=30, what="Postgres", alive=[self.process])
        with self.connect("postgres") as db:
            if not db.execute("select 1 from pg_database where datname = 'lacuna'").fetchone():
                db.execute("create database lacuna")
            if self.certificates:
                db.execute(f"alter role lacuna password '{PASSWORD}'")
        return self

    def _answers(self):
        self.connect("postgres").close()
        return True

    def stop(self, immediate=False):
        """Fast: sessions are ended. immediate: as if the power had gone."""
        import signal  # pylint: disable=import-outside-toplevel
        self.process.stop(timeout=30, number=signal.SIGQUIT if immediate else signal.SIGINT)

    def restart(self, immediate=False):
        self.stop(immediate)
        self.start()

    def close(self):
        self.process.forget()
        shutil.rmtree(self.folder, ignore_errors=True)

    # --- use ------------------------------------------------------------------------------

    @property
    def url(self) -> str:
        """For postgres.url: over the socket, without a password."""
        port = f"&port={self.port}" if self.port else ""
        return f"postgresql://lacuna@/lacuna?host={self.socket}{port}"

    @property
    def tls_url(self) -> str:
        """For postgres.url: over TLS; the server's name and authority are checked."""
        return (f"postgresql://lacuna@localhost:{self.port}/lacuna?sslmode=verify-full"
                f"&sslrootcert={self.certificates.ca}")

    def connect(self, database="lacuna"):
        return psycopg.connect(
            host=str(self.socket), port=self.port or 5432, user="lacuna", dbname=database,
            autocommit=True, connect_timeout=5)

    def query(self, sql, *parameters) -> list[tuple]:
        with self.connect() as db:
            return db.execute(sql, parameters).fetchall()

    def value(self, sql, *parameters):
        rows = self.query(sql, *parameters)
        return rows[0][0] if rows else None
