# SPDX-License-Identifier: Apache-2.0
"""Real components and our real programs as objects; conftest.py says how tests use them."""

from .kafka import Kafka, Message
from .paths import BIN, CACHE, ROOT
from .postgres import Postgres
from .process import Process
from .program import Program, conf_env
from .proxy import Act, Api, Fault, Proxy
from .records import decode, encode, fingerprint, named_schema
from .registry import Registry
from .stack import Stack
from .tls import Certificates
from .wait import free_port, wait_until

__all__ = [
    "Act", "Api", "BIN", "CACHE", "Certificates", "Fault", "Kafka", "Message", "Postgres",
    "Process", "Program", "Proxy", "ROOT", "Registry", "Stack", "conf_env", "decode", "encode",
    "fingerprint", "free_port", "named_schema", "wait_until",
]
