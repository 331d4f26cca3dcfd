# SPDX-License-Identifier: Apache-2.0
"""What must be true of a run: every request has one decision, everywhere, and nothing else has."""

from collections import Counter, defaultdict

from .records import core_of, decode
from .wait import wait_until

# Three kinds of text whose floor is known, whatever the strategy or the built-in opinions say.
_SSN = "employee {i} has the number 536-22-{last:04d}"
_CARD = "please refund 4111 1111 1111 1111, order {i}"
_PLAIN = "how do I sort a list of {i} numbers?"


def requests(count, start=0, tag="r"):
    """`count` requests with ids of their own; every third has hard evidence in it."""
    for i in range(start, start + count):
        text = (_SSN, _CARD, _PLAIN)[i % 3].format(i=i, last=i % 9998 + 1)
        yield {"request_id": f"{tag}{i}", "text": text, "subject": f"s{i % 50}"}


def must_be_proprietary(request_id) -> bool:
    """Whether the request of that id holds hard evidence."""
    return int(request_id.lstrip("abcdefghijklmnopqrstuvwxyz")) % 3 != 2


def doubles(values) -> list:
    return [value for value, times in Counter(values).items() if times > 1]


def decisions_of(messages) -> list[dict]:
    return [decode("Decision", m.value) for m in messages]


def _told(messages, records) -> str:
    """Where the copies of doubled records lie; one event id means that a request was decided
    twice, two that it was published twice."""
    copies = defaultdict(list)
    for message, record in zip(messages, records, strict=True):
        copies[record["request_id"]].append((message, record))
    copies = {key: some for key, some in copies.items() if len(some) > 1}
    lines = [f"{len(copies)} doubled; the first and the last:"]
    for key in list(copies)[:3] + list(copies)[-3:]:
        lines += [f"  {key}: {m.partition}@{m.offset} at {m.timestamp}, event {r['event_id'].hex()}"
                  for m, r in copies[key]]
    return "\n".join(lines)


def _once(records) -> list[dict]:
    """Without what an at-least-once lane has written again: the same event and decision."""
    return list({(r["event_id"], r["decision_hash"]): r for r in records}.values())


def read_decided(stack, count, timeout=30, repeats=False) -> dict[str, list]:
    """Routing and lineage as a read_committed reader sees them, once both hold `count` records.

    One transaction writes to both, and the broker ends it partition by partition: who has seen all
    of one topic may not yet see all of the other. What is still short at the end is returned so;
    the caller says who is lost. With `repeats`, what is written again does not count.
    """
    names = {"routing": "Routing", "lineage": "Decision"}
    got = {}

    def enough(name):
        messages = got.get(name, ())
        return len(messages) >= count and (
            not repeats or len(_once(decode(names[name], m.value) for m in messages)) >= count)

    def all_there():
        for name in names:
            if not enough(name):
                got[name] = stack.kafka.read(stack.topic(name))
        return all(enough(name) for name in names)

    try:
        wait_until(all_there, timeout, "routing and lineage to be committed", every=0.1)
    except AssertionError:
        pass
    return got


def check_topics(stack, ids, repeats=False) -> dict[str, dict]:
    """Exactly one routing and one lineage record per id of `ids`; lineage by event id (hex).

    With `repeats` each may be there more than once, as the same event and decision.
    """
    ids = set(ids)
    messages = read_decided(stack, len(ids), repeats=repeats)
    routing = [decode("Routing", m.value) for m in messages["routing"]]
    lineage = decisions_of(messages["lineage"])
    if repeats:
        routing, lineage = _once(routing), _once(lineage)
    for name, records in (("routing", routing), ("lineage", lineage)):
        got = [r["request_id"] for r in records]
        assert not doubles(got), f"{name}: {doubles(got) if repeats else _told(messages[name], records)}"
        lost, phantom = ids - set(got), set(got) - ids
        assert not lost, f"{name}: {len(lost)} of {len(ids)} lost, for example {sorted(lost)[:5]}"
        assert not phantom, f"{name}: nobody asked for {sorted(phantom)[:5]}"
        assert not doubles(r["event_id"] for r in records), f"{name}: two requests share an event id"
    tiers = {r["request_id"]: r["tier"] for r in routing}
    loose = [i for i in ids if must_be_proprietary(i) and tiers[i] != "PROPRIETARY"]
    assert not loose, f"undercut: {loose[:5]}"
    by_event = {r["event_id"]: r for r in routing}
    for decision in lineage:
        twin = by_event[decision["event_id"]]
        assert twin["decision_hash"] == decision["decision_hash"]
        assert twin["request_id"] == decision["request_id"]
    return {d["event_id"].hex(): d for d in lineage}


def check_rows(stack, lineage):
    """Postgres has one row for each decision of check_topics(), with the same hash."""
    rows = stack.postgres.query(
        "select encode(uuid_send(event_id), 'hex'), revision, encode(decision_hash, 'hex') from decisions")
    assert len(rows) == len(lineage), f"{len(rows)} rows for {len(lineage)} decisions"
    for event_id, revision, decision_hash in rows:
        assert revision == 0
        assert lineage[event_id]["decision_hash"].hex() == decision_hash


def tier_of(decision) -> str:
    return core_of(decision)["tier"]
