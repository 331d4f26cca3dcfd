# SPDX-License-Identifier: Apache-2.0
"""What is a floor stays one in every disguise that a careless or a sly person gives it.

Each text below is PROPRIETARY by itself. It is still, encoded, marked up, coloured, or written with
other characters: one disguise at a time, and two around each other, drawn with a seed.

What is out of reach, by decision: texts that nobody can read as they stand (ciphers, compression,
base32, base85, numbers of bytes), more than three encodings around each other, characters of one
text far apart in others, hex with something between its pairs.
"""

import base64
import json
import os
import quopri
import random
import subprocess
from urllib.parse import quote, quote_plus

import pytest
from harness import BIN

TEXTS = {
    "card": "Customer paid with 4111 1111 1111 1111 and wants it back",
    "key": "our key is AKIAQ3EGRZQ7WNTB4XKP for the bucket",
    "token": "token ghp_x7Kd93mQpL2vN8sT4wYbZ6cR1fHjGuA0eXio in CI",
    "ssn": "her ssn is 536-90-4399 thanks",
    "iban": "transfer to DE89 3704 0044 0532 0130 00 today",
    "mail": "write to jane.doe@example.com about the merger",
    "term": "Revenue forecast for acme_corp, second draft.",
    "password": "the config says db_password = 'kT9#vLq27pXz!' for prod",
    "url": "postgres://admin:kT9vLq27pXz@db.internal.example.com:5432/prod is it",
}
AROUND = "The report below is for the team and is to be read with care by everybody who works. "


def each(form):
    return lambda text: "".join(form.format(ord(c)) for c in text)


def between(what):
    """Between all letters and digits that stand beside each other."""
    return lambda text: "".join(
        c + (what if (c + n).isalnum() else "") for c, n in zip(text, text[1:] + " "))


def base64_of(text, code="utf-8"):
    return base64.b64encode(text.encode(code)).decode()


def lines(text, width):
    return [text[i:i + width] for i in range(0, len(text), width)]


def wrapped(glue, width=76):
    return lambda text: glue.join(lines(base64_of(AROUND + text + AROUND), width))


def digits(zero):
    return lambda text: "".join(chr(zero + int(c)) if c in "0123456789" else c for c in text)


ENCODINGS = {
    "percent": lambda text: "".join(f"%{b:02X}" for b in text.encode()),
    "percent, where needed": quote,
    "a form's field": lambda text: f"https://x.example/find?hl=en&q={quote_plus(text)}",
    "escape()": each("%u{:04x}"),
    "JSON": each("\\u{:04x}"),
    "braces": each("\\u{{{:x}}}"),
    "Python": each("\\U{:08x}"),
    "bytes": each("\\x{:02x}"),
    "octal": each("\\{:03o}"),
    "octal of a shell": each("\\0{:03o}"),
    "HTML": each("&#{};"),
    "HTML, hex": each("&#x{:X};"),
    "HTML, open": each("&#{}"),
    "HTML, zeros": each("&#{:012d};"),
    "quoted-printable": each("={:02X}"),
    "mail's header": lambda text: "=?utf-8?Q?" + each("={:02X}")(text) + "?=",
    "base64": base64_of,
    "base64url": lambda text: base64.urlsafe_b64encode(text.encode()).decode().rstrip("="),
    "base64 of UTF-16": lambda text: base64_of(text, "utf-16-le"),
    "base64 of UTF-16, big": lambda text: base64_of(text, "utf-16-be"),
    "base64 of UTF-16, an umlaut": lambda text: base64_of("für: " + text, "utf-16-le"),
    "base64 of UTF-16, Russian": lambda text: base64_of("Она: " + text, "utf-16-be"),
    "base64 of UTF-16, marked": lambda text: base64_of(text, "utf-16"),
    "data URL": lambda text: "data:text/plain;base64," + quote(base64_of(text), safe=""),
    "base64 in a path": lambda text: f"https://x.example/view/{base64_of(text)}",
    "hex": lambda text: text.encode().hex(),
    "hex of Postgres": lambda text: "\\x" + text.encode().hex().upper(),
    "hex of UTF-16": lambda text: text.encode("utf-16-le").hex(),
}
DISGUISES = {
    "MIME": wrapped("\r\n"),
    "base64 in YAML": wrapped("\n    "),
    "base64 in a reply": wrapped("\n> "),
    "base64 in a program": wrapped('" +\n    "'),
    "base64 in JSON": wrapped("\\n"),
    "PEM": wrapped("\n", 64),
    "hex in lines": lambda text: "\n".join(lines((text + AROUND).encode().hex(), 64)),
    "base64 with invisible": lambda text: "\u200b".join(base64_of(text)),
    "full-width base64": lambda text: "".join(chr(ord(c) + 0xFEE0) for c in base64_of(text)),
    "soft line ends": lambda text: quopri.encodestring(
        (AROUND[:52] + text).replace("=", "\0").encode()).decode().replace("=00", "=3D"),
    "Markdown": lambda text: "".join("\\" + c if c in "_-.@#!*" else c for c in text),
    "HTML's names": lambda text: text.replace("@", "&commat;").replace(".", "&period;")
    .replace("_", "&lowbar;").replace("-", "&hyphen;").replace("'", "&apos;"),
    "HTML's blanks": lambda text: text.replace(" ", "&nbsp;"),
    "HTML's soft hyphens": between("&shy;"),
    "colours": lambda text: " ".join(f"\x1b[01;31m{word}\x1b[0m" for word in text.split(" ")),
    "colours, escaped": lambda text: text.replace(" ", " \\033[32m"),
    "strokes": between("\u0336"),
    "strokes through all": lambda text: "".join(c + "\u0336" for c in text),
    "circles": between("\u20dd"),
    "keycaps": lambda text: "".join(c + "\ufe0f\u20e3" if c.isdigit() else c for c in text),
    "right to left": lambda text: "\u202e" + text + "\u202c",
    **{f"U+{ord(c):04X} between": between(c) for c in
       "\u00ad\u200b\u200c\u200d\u200f\u2060\u2063\u2067\u034f\ufe0f\ufeff\u180e\U000e0041"},
    **{f"U+{ord(c):04X} for blanks": lambda text, c=c: text.replace(" ", c) for c in
       "\u00a0\u1680\u2000\u2007\u2009\u2028\u202f\u205f\u2800\u3000\u3164"},
    **{f"U+{ord(c):04X} for dashes": lambda text, c=c: text.replace("-", c) for c in
       "\u2010\u2011\u2012\u2013\u2014\u2212\ufe63\uff0d"},
    **{f"digits from U+{zero:04X}": digits(zero) for zero in
       (0x660, 0x6F0, 0x966, 0x9E6, 0xE50, 0xFF10, 0x1D7CE, 0x1D7F6, 0x1E950)},
    "full width": lambda text: "".join(chr(ord(c) + 0xFEE0) if "!" <= c else c for c in text),
}


ALIKE = str.maketrans("AEOPCTKMBXaeopcx", "АЕОРСТКМВХаеорсх")
OVER = {
    "full width": lambda text: "".join(
        chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text),
    "look-alikes": lambda text: "".join(
        c.translate(ALIKE) if i % 2 else c for i, c in enumerate(text)),
    "invisible": DISGUISES["U+200B between"],
    "digits": DISGUISES["digits from U+0660"],
}


GLUES = {
    "a line end": "\n",
    "CRLF": "\r\n",
    "an indented line": "\n    ",
    "a soft line end": "=\n",
    "a shell's line": "\\\n",
    "a reply": "\n> ",
    "two strings": '" +\n    "',
}
# Each with the first place at which a line may end in it: before that nothing tells what it is. A
# mail address, a password and a URL have no length and no check digit: the next line might be
# anything.
CUT = {
    "card": ("The customer's card {} was charged twice", "4111 1111 1111 1111", 1),
    "card, a run": ("Kreditkarte {} ist weg", "4556737586899855", 1),
    "ssn": ("her ssn is {} thanks", "536-90-4399", 1),
    "iban": ("transfer to {} today", "DE89 3704 0044 0532 0130 00", 9),
    "tax id": ("Steuer-ID: {}, danke", "86 095 742 719", 1),
    "key": ("our key is {} for the bucket", "AKIAQ3EGRZQ7WNTB4XKP", 4),
    "token": ("token {} in CI", "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", 4),
    "two parts": ("password SG.x7Kd93mQpL2vN8sT4wYbZ6.{} it is",
                  "cR1fHjGuA0eXioQ2wErT5yUiOpAsDfGhJkLzXcVbNm3", 1),
}


def tiers(texts):
    """What `lacuna scan` says of each."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("LACUNA")}
    records = "".join(json.dumps({"id": str(i), "text": t}) + "\n" for i, t in enumerate(texts))
    done = subprocess.run([BIN / "lacuna", "scan", "--jsonl", "-"], input=records.encode(), env=env,
                          capture_output=True, timeout=120, check=False)
    assert done.returncode in (0, 1), done.stderr
    assert b"Sanitizer" not in done.stderr
    return [json.loads(line)["tier"] for line in done.stdout.splitlines()]


def lost(cases):
    """The names of the cases that are no longer PROPRIETARY."""
    found = tiers([text for _, text in cases])
    assert len(found) == len(cases)
    return [name for (name, _), tier in zip(cases, found) if tier != "PROPRIETARY"]


@pytest.mark.parametrize("disguise", [*ENCODINGS, *DISGUISES])
def test_one_disguise(disguise):
    change = {**ENCODINGS, **DISGUISES}[disguise]
    assert lost([(name, change(text)) for name, text in TEXTS.items()]) == []


@pytest.mark.parametrize("glue", GLUES)
@pytest.mark.parametrize("name", CUT)
def test_a_line_ends_in_it(name, glue):
    """At every place, in the text alone and in one that is encoded."""
    text, value, first = CUT[name]
    cut = [text.format(value[:i] + GLUES[glue] + value[i:]) for i in range(first, len(value))]
    assert lost([(text, text) for text in cut] + [(text, base64_of(text)) for text in cut]) == []


@pytest.mark.parametrize("outer", OVER)
@pytest.mark.parametrize("inner", OVER)
def test_disguises_over_each_other(inner, outer):
    """And a stroke through all of it."""
    assert lost([(name, DISGUISES["strokes"](OVER[outer](OVER[inner](text))))
                 for name, text in TEXTS.items()]) == []


def test_encodings_around_each_other():
    seed = int(os.environ.get("LACUNA_TEST_SEED", "1"))
    rand = random.Random(seed)
    cases = []
    for _ in range(200):
        inner, outer = rand.choice([*ENCODINGS]), rand.choice([*ENCODINGS])
        name = rand.choice([*TEXTS])
        text = ENCODINGS[outer](ENCODINGS[inner](TEXTS[name]))
        cases.append((f"{name}: {inner} in {outer}", f"see {text} there"))
    assert lost(cases) == [], f"seed {seed}"
