# SPDX-License-Identifier: Apache-2.0
"""Where things are: the tree, the binaries under test, what tools/setup --test has fetched."""

import os
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
COMPONENTS = ROOT / "tests" / "integration" / "components"

# LACUNA_BIN chooses another build of the programs, for example build/asan/bin.
BIN = Path(os.environ.get("LACUNA_BIN") or ROOT / "build" / "dev" / "bin").resolve()

CACHE = Path(os.environ.get("LACUNA_CACHE") or Path.home() / ".cache" / "lacuna")

KAFKA_VERSION = re.search(
    r"<kafka.version>(.*?)</kafka.version>", (COMPONENTS / "kafka.xml").read_text())[1]
KAFKA_LIB = CACHE / f"kafka-{KAFKA_VERSION}" / "lib"
REGISTRY_VERSION = re.search(r"^registry_version=(.*)$", (ROOT / "tools" / "setup").read_text(), re.M)[1]
REGISTRY_HOME = CACHE / f"apicurio-{REGISTRY_VERSION}" / "registry"

# all-MiniLM-L6-v2 as Hugging Face lays it out.
MODEL = Path(os.environ.get("LACUNA_TEST_MODEL") or CACHE / "hf" / "all-minilm-l6-v2")


def postgres_bin() -> Path:
    """Debian's newest Postgres, 15 before all others: that is what production runs."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        raise RuntimeError("no Postgres server under /usr/lib/postgresql: run tools/setup --test")
    for initdb in found:
        if initdb.parts[-3] == "15":
            return initdb.parent
    return found[-1].parent


def need(path: Path) -> Path:
    """A component that is missing is a failure, never a skip."""
    if not path.exists():
        raise RuntimeError(f"{path} is missing: run tools/setup --test")
    return path
