# SPDX-License-Identifier: Apache-2.0
"""The built-in pack's head is what tools/starter makes of the starter texts, and it does on domains that
it has never seen what README says. Training anew would take minutes: the texts' hash, the vectors and
the figures show the same."""

import hashlib
import json
import random
import re
import struct
import subprocess
from collections import Counter, defaultdict

import numpy as np
import pytest
from harness.paths import BIN, MODEL, ROOT, need
from harness.program import clean_env

STARTER = ROOT / "packs" / "starter"
BUILTIN = ROOT / "packs" / "builtin"
ASIDES = ROOT / "tests" / "data" / "eval" / "asides.jsonl"
KINDS = ROOT / "tests" / "data" / "eval" / "kinds.jsonl"
LEARNED = ("aerospace", "airport", "assistant", "banking", "brief", "building", "charity", "consulting", "desk", "education",
           "energy", "engineering", "everyday", "fashion", "finance", "food", "forms", "games", "garage", "general", "hr",
           "infrastructure", "insurance", "justice", "legal", "leisure", "manufacturing", "media", "mixed", "museum",
           "numbers", "operations", "plant", "property", "public", "research", "retail", "shipping", "telecom")
HELD_OUT = ("health", "sales", "support")

# 0.0048 and 0.148 are reached: a head that got worse fails here.
LEAK, OVER_BLOCK = 0.01, 0.15


def texts(domain):
    rows = (STARTER / f"{domain}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(row) for row in rows]


@pytest.fixture(scope="module")
def head():
    return json.loads((BUILTIN / "semantic" / "head.json").read_text(encoding="utf-8"))


def environment(folder):
    return clean_env(folder) | {"LACUNA__CLASSIFY__SEMANTIC": "required", "LACUNA_MODEL": str(need(MODEL))}


def test_the_pack_has_the_texts_of_its_domains_and_no_other():
    assert {path.stem for path in (BUILTIN / "exemplars").iterdir()} == set(LEARNED)
    for domain in LEARNED:
        assert (BUILTIN / "exemplars" / f"{domain}.jsonl").read_bytes() == (
            STARTER / f"{domain}.jsonl").read_bytes(), "run tools/starter"
    seen = {row["text"] for domain in LEARNED for row in texts(domain)}
    assert not [row["id"] for domain in HELD_OUT for row in texts(domain) if row["text"] in seen]


def letters(text):
    """What the encoder makes of it: it reads no letter case, and hardly any punctuation."""
    return " ".join(re.findall(r"\w+", text.casefold()))


def pieces(text):
    """All runs of four letters."""
    whole = letters(text)
    return {whole[i:i + 4] for i in range(max(1, len(whole) - 3))}


def test_no_text_is_there_twice():
    """What is in two domains is learned with one while the other is held out, and the figures lie."""
    seen = defaultdict(list)
    for path in [*STARTER.glob("*.jsonl"), ASIDES, KINDS]:
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            seen[letters(row["text"])].append(row["id"])
    assert sum(map(len, seen.values())) > 7000
    assert not [ids for ids in seen.values() if len(ids) > 1]


def test_nothing_is_measured_on_that_is_nearly_what_was_learned():
    learned = [(row["id"], pieces(row["text"])) for domain in LEARNED for row in texts(domain)]
    count = Counter(part for _, parts in learned for part in parts)

    def rarest(parts):
        """Who has 60 % of these pieces has one of them."""
        return sorted(parts, key=lambda part: (count[part], part))[:2 * len(parts) // 5 + 1]

    index = defaultdict(list)
    for i, (_, parts) in enumerate(learned):
        for part in rarest(parts):
            index[part].append(i)
    measured = [row for domain in HELD_OUT for row in texts(domain)]
    for path in (ASIDES, KINDS):
        measured += [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    near = []
    for row in measured:
        parts = pieces(row["text"])
        for i in sorted({i for part in rarest(parts) for i in index[part]}):
            id_, other = learned[i]
            alike = 0.6 * len(parts) < len(other) < len(parts) / 0.6
            if alike and len(parts & other) > 0.6 * len(parts | other):
                near.append((row["id"], id_))
    assert not near


def test_the_head_was_made_of_these_texts(head):
    rows = sorted(((row["id"], row["tier"], row.get("domain", domain), row["text"])
                   for domain in LEARNED for row in texts(domain)), key=lambda r: r[0].encode())
    digest = hashlib.sha256()
    for row in rows:
        for part in row:
            digest.update(len(part.encode()).to_bytes(4, "big") + part.encode())
    assert head["data"]["sha256"] == digest.hexdigest(), "texts were changed: run tools/starter"
    assert head["report"]["texts"] == len(rows) >= 5000
    vectors = (BUILTIN / "semantic" / "exemplars.vec").read_bytes()
    assert digest.digest() == vectors[24:56]


def test_the_vectors_are_those_of_the_model(head, tmp_path):
    data = (BUILTIN / "semantic" / "exemplars.vec").read_bytes()
    count, width, size, _ = struct.unpack_from("<4I", data, 8)
    starts = struct.unpack_from(f"<{count + 1}I", data, 56 + count)
    ids_at = 56 + count + 4 * (count + 1)
    ids = [data[ids_at + a:ids_at + b].decode() for a, b in zip(starts, starts[1:])]
    vectors = np.frombuffer(data, np.int8, count * width, ids_at + size).reshape(count, width)
    known = {row["id"]: row["text"] for domain in LEARNED for row in texts(domain)}
    some = random.Random(1).sample(range(count), 60)
    done = subprocess.run(
        [BIN / "lacuna", "embed", "--class", "fp32", "--layers", str(head["model"]["layers"]), "--jsonl", "-"],
        input="".join(json.dumps({"id": ids[i], "text": known[ids[i]]}) + "\n" for i in some),
        env=environment(tmp_path), capture_output=True, text=True, check=True, timeout=120)
    for i, line in zip(some, done.stdout.splitlines(), strict=True):
        answer = json.loads(line)
        right = np.array(answer["vector"], np.float64)
        kept = vectors[i].astype(np.float64)
        assert answer["id"] == ids[i]
        # A signed byte per number loses a little.
        assert right @ kept / np.linalg.norm(right) / np.linalg.norm(kept) > 0.9995


# Harmless sentences around a text that must not leave; none of either is in packs/starter.
HARMLESS = ("Trees along streets give shade, swallow rain water and are home to many insects. Vienna, Medellin and "
            "Melbourne have planted thousands of them in the last years. They need water while they are young, and "
            "somebody has to rake the leaves in autumn.",
            "Which of them grow well in a small pot on a balcony? Write a short text about it for a school magazine, "
            "friendly, with a catchy title.")
SECRET = ("Our margin on the new lift is 38 %, and the city thinks it is 15; keep that out of the offer, please.",
          "Draft the redundancy plan: 140 jobs in hall 2 go in June, the works council does not know yet.",
          "Patient in room 4 has had two seizures since spring and has not told his employer.",
          "We will buy Kastner in March for 12 million, and nobody outside the board may hear it before.",
          "The reactor leaks at the upper valve; the agency has been given the figures of the lower one.")


def answers(tmp_path, texts):
    """The tier of each, decided by the conservative matrix."""
    file = tmp_path / "texts.jsonl"
    file.write_text("".join(json.dumps({"text": text, "tier": "PROPRIETARY"}) + "\n" for text in texts))
    done = subprocess.run([BIN / "lacuna", "eval", "--pack", BUILTIN, "--strategy", "conservative", "--class", "fp32",
                           "--mistakes", "1000", "--format", "json", file],
                          env=environment(tmp_path), capture_output=True, text=True, check=True, timeout=120)
    low = {row["line"]: row["tier"] for row in json.loads(done.stdout)["mistakes"]}
    return [low.get(line, "PROPRIETARY") for line in range(1, len(texts) + 1)]


def test_a_secret_sentence_among_harmless_ones_is_found(tmp_path):
    before, after = HARMLESS
    assert answers(tmp_path, [f"{before} {after}"]) == ["PUBLIC"]
    assert answers(tmp_path, SECRET) == ["PROPRIETARY"] * len(SECRET)
    hidden = [form.format(b=before, s=secret, a=after) for secret in SECRET
              for form in ("{b} {s} {a}", "{b}\n\n{s}", "{s}\n{b}\n{a}", "{b} {a} {b} {a} {b} {s} {a} {b} {a}")]
    # Judged as a whole, 17 of these 20 were PUBLIC.
    assert answers(tmp_path, hidden).count("PUBLIC") <= len(hidden) // 10


def measure(tmp_path, *arguments):
    done = subprocess.run([BIN / "lacuna", "eval", "--pack", BUILTIN, "--strategy", "conservative",
                           "--class", "fp32", "--format", "json", *arguments],
                          env=environment(tmp_path), capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_secrets_among_asides(tmp_path):
    """Short texts, and such as stand among asides: "My sister lives in Toronto. Keep it short." The bars
    are what is reached; they are far from those for texts about one thing."""
    rows = [json.loads(row) for row in ASIDES.read_text(encoding="utf-8").splitlines()]
    seen = {row["text"] for domain in LEARNED for row in texts(domain)}
    assert not [row["id"] for row in rows if row["text"] in seen]
    report = measure(tmp_path, ASIDES)
    assert report["texts"] == len(rows)
    assert report["leaks"]["value"] <= 0.07, report["mistakes"]
    assert report["over_blocks"]["value"] <= 0.105, report["mistakes"]


def test_tickets_searches_code_logs_and_orders(tmp_path):
    """Kinds of texts of which the domains held out have few. The bars are what is reached; the head before
    forms.jsonl was learned had 0.037, 0.24 and 0.818."""
    report = measure(tmp_path, KINDS)
    assert report["texts"] == 353
    assert report["leaks"]["value"] <= 0.03, report["mistakes"]
    assert report["over_blocks"]["value"] <= 0.215, report["mistakes"]
    assert report["macro_f1"] >= 0.84


def test_domains_that_were_held_out(tmp_path):
    report = measure(tmp_path, "--untouched", *(STARTER / f"{domain}.jsonl" for domain in HELD_OUT))
    assert report["texts"] > 1000
    assert report["macro_f1"] >= 0.85
    assert report["calibration"]["likeliest"]["error"] <= 0.05
    assert report["calibration"]["answer"]["error"] <= 0.05
    assert report["leaks"]["value"] <= LEAK, report["mistakes"]
    assert report["over_blocks"]["value"] <= OVER_BLOCK
