#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the two labelled sets beside this file: mixed.jsonl and hard.jsonl.

The texts are made up here, from templates, with a fixed seed; identifiers get their check digits from
the code below, which shares nothing with the scanner. `mixed` is what people and programs write all
day: prose, tickets, chat, logs, code, tables and JSON, some with personal data or secrets. `hard` is what
looks like them and is not (orders, versions, hashes, UUIDs, timestamps, wrong check digits, documented
examples), with some of the real thing between it, also in disguise.

Usage: make.py [--check]   (--check: fail when the files are not what this script writes)
"""

import base64
import binascii
import json
import random
import string
import sys
import uuid
from pathlib import Path

HERE = Path(__file__).resolve().parent
rng = random.Random(20261121)

FIRST = ("Anna Bruno Carla Dmitri Elif Femi Grace Hiro Ines Jonas Kavya Liam Mona Nadia Oskar Priya Quentin "
         "Rosa Sven Tariq Uma Viktor Wanda Xenia Yusuf Zofia").split()
LAST = ("Almeida Becker Castillo Dahl Eriksen Ferrari Gupta Haddad Ivanova Jensen Kowalska Lindqvist Moreau "
        "Nakamura Okafor Petrov Quinn Rossi Schneider Tanaka Ueda Varga Weber Yilmaz Zhang").split()
DOMAINS = "northwind.example contoso.example brightlake.org hafen-it.de oakmill.co.uk vero.it nimbus.io kestrel.net".split()
HOSTS = "db01 web-3 cache cron-7 api build-12 edge worker".split()
WORDS = ("invoice order parcel report meeting contract draft release cluster folder printer ticket branch "
         "dashboard index backup migration service queue batch test review export import screen").split()


def digits(n):
    return "".join(rng.choice(string.digits) for _ in range(n))


def pick(alphabet, n):
    return "".join(rng.choice(alphabet) for _ in range(n))


ALNUM = string.ascii_letters + string.digits
HEX = "0123456789abcdef"


# ---- check digits, from the issuers' rules ----

def luhn(body):
    total = 0
    for i, ch in enumerate(reversed(body)):
        d = int(ch)
        if i % 2 == 0:
            d = d * 2 - 9 if d > 4 else d * 2
        total += d
    return body + str(-total % 10)


def card():
    start, length = rng.choice([("4", 16), ("51", 16), ("55", 16), ("2221", 16), ("34", 15), ("37", 15),
                                ("6011", 16), ("3528", 16)])
    number = luhn(start + digits(length - 1 - len(start)))
    style = rng.randrange(3)
    if style == 0 or length == 15:
        return number
    sep = " " if style == 1 else "-"
    return sep.join(number[i:i + 4] for i in range(0, 16, 4))


def mod97(country, bban):
    rearranged = "".join(str(int(c, 36)) for c in bban + country + "00")
    return country + f"{98 - int(rearranged) % 97:02d}" + bban


def iban():
    country, shape = rng.choice([("DE", "18d"), ("FR", "10d11A2d"), ("GB", "4A14d"), ("NL", "4A10d"),
                                 ("ES", "20d"), ("IT", "1A10d12A"), ("CH", "17d"), ("AT", "16d")])
    bban, count = "", ""
    for ch in shape:
        if ch.isdigit():
            count += ch
            continue
        bban += digits(int(count)) if ch == "d" else pick(string.ascii_uppercase, int(count))
        count = ""
    number = mod97(country, bban)
    if rng.random() < 0.5:
        return " ".join(number[i:i + 4] for i in range(0, len(number), 4))
    return number


def ssn():
    area = rng.choice([n for n in range(100, 899) if n != 666])
    return f"{area:03d}-{rng.randrange(1, 99):02d}-{rng.randrange(1, 9999):04d}"


def nhs():
    while True:
        body = digits(9)
        check = 11 - sum(int(d) * (10 - i) for i, d in enumerate(body)) % 11
        check = 0 if check == 11 else check
        if check < 10:
            number = body + str(check)
            return f"{number[:3]} {number[3:6]} {number[6:]}"


def pesel():
    body = f"{rng.randrange(50, 99)}{rng.randrange(1, 13):02d}{rng.randrange(1, 28):02d}" + digits(4)
    weights = [1, 3, 7, 9, 1, 3, 7, 9, 1, 3]
    return body + str(-sum(int(d) * w for d, w in zip(body, weights)) % 10)


def nif():
    number = rng.randrange(10000000, 99999999)
    return f"{number}{'TRWAGMYFPDXBNJZSQVHLCKE'[number % 23]}"


def nric():
    body = digits(7)
    total = sum(int(d) * w for d, w in zip(body, [2, 7, 6, 5, 4, 3, 2]))
    return "S" + body + "JZIHGFEDCBA"[total % 11]


def hetu():
    day, month, year = rng.randrange(1, 28), rng.randrange(1, 13), rng.randrange(50, 99)
    serial = rng.randrange(2, 900)
    number = int(f"{day:02d}{month:02d}{year:02d}{serial:03d}")
    return f"{day:02d}{month:02d}{year:02d}-{serial:03d}{'0123456789ABCDEFHJKLMNPRSTUVWXY'[number % 31]}"




def verhoeff(body):
    """Multiplication in the dihedral group of order ten (Verhoeff 1969)."""
    def mul(a, b):
        if a < 5:
            return (a + b) % 5 if b < 5 else (a + b - 5) % 5 + 5
        return (a - b) % 5 + 5 if b < 5 else (a - b) % 5
    base = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4]
    table = [list(range(10))]
    for _ in range(7):
        table.append([base[x] for x in table[-1]])
    total = 0
    for i, ch in enumerate(reversed(body), start=1):
        total = mul(total, table[i % 8][int(ch)])
    inverse = next(x for x in range(10) if mul(total, x) == 0)
    return body + str(inverse)


def aadhaar():
    number = verhoeff(rng.choice("23456789") + digits(10))
    return f"{number[:4]} {number[4:8]} {number[8:]}"


def tfn():
    while True:
        body = digits(8)
        for check in range(10):
            number = body + str(check)
            if sum(int(d) * w for d, w in zip(number, [1, 4, 3, 7, 5, 8, 6, 9, 10])) % 11 == 0 and body[0] != "0":
                return f"{number[:3]} {number[3:6]} {number[6:]}"


def npi():
    body = rng.choice("12") + digits(8)
    return luhn("80840" + body)[5:]


def nino():
    first = rng.choice("ABCEGHJKLMNOPRSTWXYZ")
    second = rng.choice("ABCEGHJKLMNPRSTWXYZ")
    if first + second in ("BG", "GB", "NK", "KN", "TN", "NT", "ZZ"):
        return nino()
    return f"{first}{second}{digits(6)}{rng.choice('ABCD')}"


def pan():
    return pick(string.ascii_uppercase, 3) + rng.choice("PCHF") + pick(string.ascii_uppercase, 1) + \
        f"{rng.randrange(1, 9999):04d}" + pick(string.ascii_uppercase, 1)


BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def bitcoin():
    import hashlib
    payload = b"\x00" + bytes(rng.randrange(256) for _ in range(20))
    raw = payload + hashlib.sha256(hashlib.sha256(payload).digest()).digest()[:4]
    number, out = int.from_bytes(raw, "big"), ""
    while number:
        number, rest = divmod(number, 58)
        out = BASE58[rest] + out
    return "1" * (len(raw) - len(raw.lstrip(b"\x00"))) + out


def email():
    first, last = rng.choice(FIRST).lower(), rng.choice(LAST).lower()
    local = rng.choice([f"{first}.{last}", f"{first[0]}{last}", f"{first}+{rng.choice(WORDS)}", f"{last}_{first}",
                        f"{first}{rng.randrange(10, 99)}"])
    return f"{local}@{rng.choice(DOMAINS)}"


def phone():
    return rng.choice([
        lambda: f"({rng.randrange(201, 989)}) {rng.randrange(200, 999)}-{digits(4)}",
        lambda: f"+1 {rng.choice([212, 415, 617, 312, 206])} {rng.randrange(200, 999)} {digits(4)}",
        lambda: f"+44 20 7{digits(3)} {digits(4)}",
        lambda: f"+49 30 {rng.randrange(1, 9)}{digits(6)}",
        lambda: f"+33 6 {digits(2)} {digits(2)} {digits(2)} {digits(2)}",
        lambda: f"+91 98{digits(3)} {digits(5)}",
    ])()


def ipv4():
    return f"{rng.choice([10, 81, 93, 172, 185, 192, 203])}." + ".".join(str(rng.randrange(1, 254)) for _ in range(3))


def mac():
    return ":".join(f"{rng.randrange(256):02x}" for _ in range(6))


def jwt():
    def part(obj):
        return base64.urlsafe_b64encode(json.dumps(obj).encode()).decode().rstrip("=")
    return ".".join([part({"alg": "HS256", "typ": "JWT"}),
                     part({"sub": digits(10), "iat": 1700000000 + rng.randrange(10**7)}),
                     pick(ALNUM + "-_", 43)])


def base62(number):
    out = ""
    for _ in range(6):
        number, rest = divmod(number, 62)
        out = (string.digits + string.ascii_uppercase + string.ascii_lowercase)[rest] + out
    return out


def github():
    body = pick(ALNUM, 30)
    return "ghp_" + body + base62(binascii.crc32(body.encode()))


def pem():
    body = base64.b64encode(bytes(rng.randrange(256) for _ in range(96))).decode()
    return "-----BEGIN PRIVATE KEY-----\n" + "\n".join(body[i:i + 64] for i in range(0, len(body), 64)) + \
        "\n-----END PRIVATE KEY-----"


# entity -> (maker, sentences with {} in which people write it)
PERSONAL = {
    "EMAIL_ADDRESS": (email, ["please write to {} before Friday", "cc {} on the reply", "From: {}",
                              "user {} could not sign in", "contact={}", "his address is {}, as far as I know"]),
    "PHONE_NUMBER": (phone, ["call me at {}", "phone: {}", "you can reach her on {} after six", "mobile {}",
                             "Tel. {}", "the customer's number is {}"]),
    "CREDIT_CARD": (card, ["card {} was declined", "charged to {}", "card number {}, expires 04/28",
                           "paid with {}", "pan={}"]),
    "IBAN_CODE": (iban, ["please transfer to {}", "IBAN {}", "account {} at the bank", "refund to {}"]),
    "US_SSN": (ssn, ["SSN {}", "her social security number is {}", "ssn: {}", "employee {} (SSN)"]),
    "IP_ADDRESS": (ipv4, ["login from {}", "client={} status=200", "host {} does not answer", "block {} please"]),
    "MAC_ADDRESS": (mac, ["the adapter {} is new", "mac={} lease expired", "device {} joined"]),
    "UK_NHS": (nhs, ["NHS number {}", "the patient's NHS no. is {}", "nhs: {}"]),
    "UK_NINO": (nino, ["NI number {}", "national insurance {}", "nino={}"]),
    "PL_PESEL": (pesel, ["PESEL {}", "numer PESEL: {}"]),
    "ES_NIF": (nif, ["DNI {}", "NIF: {}", "el DNI del cliente es {}"]),
    "SG_NRIC_FIN": (nric, ["NRIC {}", "her NRIC is {}", "nric no. {}"]),
    "FI_PERSONAL_IDENTITY_CODE": (hetu, ["henkilötunnus {}", "hetu {}", "personal identity code {}"]),
    "IN_AADHAAR": (aadhaar, ["Aadhaar {}", "aadhaar number: {}", "UIDAI {}"]),
    "IN_PAN": (pan, ["PAN {}", "pan card {}", "his permanent account number is {}"]),
    "AU_TFN": (tfn, ["TFN {}", "tax file number {}"]),
    "US_NPI": (npi, ["NPI {}", "provider NPI: {}"]),
    "CRYPTO": (bitcoin, ["send it to {}", "wallet {}", "bitcoin address {}"]),
}

SECRETS = {
    "AWS_ACCESS_KEY": (lambda: "AKIA" + pick(string.ascii_uppercase + "234567", 16),
                       ["AWS_ACCESS_KEY_ID={}", "aws_access_key_id = {}", "the key is {}", "access: {}"]),
    "GITHUB_TOKEN": (github, ["GITHUB_TOKEN={}", "git clone https://{}@github.com/org/repo", "token {} leaked",
                              "export GH_TOKEN={}"]),
    "STRIPE_SECRET_KEY": (lambda: "sk_live_" + pick(ALNUM, 24), ["STRIPE_KEY={}", "stripe.api_key = \"{}\"",
                                                               "we use {} in production"]),
    "SENDGRID_API_KEY": (lambda: "SG." + pick(ALNUM + "-_", 22) + "." + pick(ALNUM + "-_", 43),
                         ["SENDGRID_API_KEY={}", "sendgrid: {}"]),
    "GOOGLE_API_KEY": (lambda: "AIza" + pick(ALNUM + "-_", 35), ["key={}", "maps api key {}",
                                                              "GOOGLE_API_KEY={}"]),
    "NPM_TOKEN": (lambda: (lambda body: "npm_" + body + base62(binascii.crc32(body.encode())))(pick(ALNUM, 30)),
                  ["//registry.npmjs.org/:_authToken={}", "NPM_TOKEN={}"]),
    "JWT": (jwt, ["session {} is still valid", "id_token={}", "jwt: {}"]),
    "PRIVATE_KEY": (pem, ["{}", "the key:\n{}\nplease rotate"]),
    "TELEGRAM_BOT_TOKEN": (lambda: str(rng.randrange(10**9, 10**10)) + ":AA" + pick(ALNUM + "-_", 33),
                           ["bot token {}", "https://api.telegram.org/bot{}/getMe"]),
    "GITLAB_TOKEN": (lambda: "glpat-" + pick(ALNUM + "-_", 20), ["GITLAB_TOKEN={}", "PRIVATE-TOKEN: {}"]),
}

# What a text is when it has no finding.
PUBLIC_TEXTS = [
    "How do I merge two lists in Python without duplicates?",
    "What is the boiling point of water at {n} metres above sea level?",
    "Explain the difference between TCP and UDP in {n} sentences.",
    "Write a haiku about the {w} in autumn.",
    "Which version of PostgreSQL introduced partitioned tables?",
    "Translate 'the {w} is on the table' into Portuguese.",
    "Is there a train from Lisbon to Porto after {n} o'clock?",
    "What does HTTP status {h} mean?",
    "Recipe for {n} pancakes, please, without eggs.",
    "Who painted the ceiling of the Sistine Chapel?",
]
INTERNAL_TEXTS = [
    "The staging deployment of the {w} service failed again, see the runbook.",
    "Please add the {w} to the on-call handover of this week.",
    "For internal use only: the {w} process, version {n}.",
    "Our team moves to the {n}th floor in May.",
    "The postmortem about the {w} is in the internal wiki.",
    "our database migration takes {n} minutes, our servers are down meanwhile",
]

NEGATIVE = [
    ("order {} shipped", lambda: digits(10)),
    ("order no. {}", lambda: f"{digits(3)}-{digits(7)}-{digits(7)}"),
    ("build {} passed", lambda: digits(9)),
    ("release {}", lambda: f"{rng.randrange(1, 20)}.{rng.randrange(40)}.{rng.randrange(300)}"),
    ("upgrade to version {}", lambda: f"{rng.randrange(1, 9)}.{rng.randrange(9)}.{rng.randrange(9)}.{rng.randrange(99)}"),
    ("commit {}", lambda: pick(HEX, 40)),
    ("sha256 {}", lambda: pick(HEX, 64)),
    ("md5: {}", lambda: pick(HEX, 32)),
    ("request id {}", lambda: str(uuid.UUID(int=rng.getrandbits(128), version=4))),
    ("trace {}", lambda: f"00-{pick(HEX, 32)}-{pick(HEX, 16)}-01"),
    ("at {}", lambda: f"2026-{rng.randrange(1, 13):02d}-{rng.randrange(1, 29):02d}T{rng.randrange(24):02d}:"
                      f"{rng.randrange(60):02d}:{rng.randrange(60):02d}.{digits(3)}Z"),
    ("epoch {}", lambda: str(1700000000 + rng.randrange(10**8))),
    ("timestamp {}", lambda: str(1700000000000 + rng.randrange(10**11))),
    ("part number {}", lambda: f"{pick(string.ascii_uppercase, 2)}-{digits(5)}-{pick(string.ascii_uppercase, 1)}"),
    ("ISBN {}", lambda: f"978-3-16-{digits(6)}-0"),
    ("room {}", lambda: f"{rng.randrange(1, 9)}.{rng.randrange(100, 499)}"),
    ("price {} EUR", lambda: f"{rng.randrange(1, 99)}.{digits(3)},{digits(2)}"),
    ("{} rows copied", lambda: f"{rng.randrange(1, 999)},{digits(3)},{digits(3)}"),
    ("coordinates {}", lambda: f"{rng.randrange(10, 60)}.{digits(6)}, {rng.randrange(1, 99)}.{digits(6)}"),
    ("npm install lodash@{}", lambda: f"4.17.{rng.randrange(30)}"),
    ("git clone git@github.com:org/{}.git", lambda: rng.choice(WORDS)),
    ("@Override public void {}()", lambda: rng.choice(WORDS)),
    ("logo@2x.png and {}@3x.png", lambda: rng.choice(WORDS)),
    ("color #{}", lambda: pick(HEX, 6)),
    ("tracking 1Z{}", lambda: pick(string.digits + string.ascii_uppercase, 16)),
    ("ghp_{}", lambda: "x" * 36),
    ("AWS_ACCESS_KEY_ID={}", lambda: "AKIAIOSFODNN7EXAMPLE"),
    ("password: {}", lambda: rng.choice(["<your password>", "********", "${DB_PASSWORD}", "changeme", "null"])),
    ("api_key = {}", lambda: rng.choice(["os.environ['API_KEY']", "YOUR_API_KEY", "config.get('key')", "\"\""])),
    ("ticket {}", lambda: f"{pick(string.ascii_uppercase, 3)}-{rng.randrange(100, 9999)}"),
    ("{} is the account's balance in cents", lambda: digits(16 if rng.random() < 0.2 else 8)),
    ("etag \"{}\"", lambda: pick(HEX, 32)),
    ("snapshot snap-{}", lambda: pick(HEX, 17)),
    ("the {} declassified files of 1962", lambda: str(rng.randrange(10, 99))),
    ("an unclassified {} note", lambda: rng.choice(WORDS)),
    ("open source {} tools", lambda: rng.choice(WORDS)),
    ("what is confidential computing, in {} words", lambda: str(rng.randrange(10, 99))),
    ("data:image/png;base64,{}", lambda: base64.b64encode(bytes(rng.randrange(256) for _ in range(60))).decode()),
]


# ---- texts ----

class Text:
    """A text that grows, with the spans in it that are labelled (characters)."""

    def __init__(self):
        self.parts, self.length, self.spans = [], 0, []

    def put(self, text):
        self.parts.append(text)
        self.length += len(text)
        return self

    def put_labelled(self, template, value, entity):
        before, after = template.split("{}")
        self.put(before)
        self.spans.append({"entity": entity, "start": self.length, "end": self.length + len(value)})
        return self.put(value).put(after)


def filler():
    return rng.choice([
        lambda: f"The {rng.choice(WORDS)} of last week is still open.",
        lambda: f"{rng.choice(FIRST)} will look at the {rng.choice(WORDS)} tomorrow.",
        lambda: f"Nothing new about the {rng.choice(WORDS)} and the {rng.choice(WORDS)}.",
        lambda: f"See the {rng.choice(WORDS)} in folder {rng.randrange(1, 40)}.",
        lambda: "Thanks in advance!",
        lambda: f"We need {rng.randrange(2, 90)} of them by Monday.",
    ])()


def sentence(text, entity, maker, templates):
    text.put_labelled(rng.choice(templates), maker(), entity)


def prose(text, found):
    text.put(f"Hi {rng.choice(FIRST)},\n{filler()} ")
    for item in found:
        sentence(text, *item)
        text.put(". ")
    text.put(filler())


def ticket(text, found):
    text.put(f"[{pick(string.ascii_uppercase, 3)}-{rng.randrange(100, 9999)}] {rng.choice(WORDS)} broken\n")
    text.put(f"Priority: {rng.choice(['low', 'high'])}\n{filler()}\n")
    for item in found:
        text.put("- ")
        sentence(text, *item)
        text.put("\n")


def chat(text, found):
    for item in found or [None]:
        text.put(f"{rng.choice(FIRST).lower()}: ")
        if item:
            sentence(text, *item)
        else:
            text.put(filler())
        text.put(f"\n{rng.choice(FIRST).lower()}: ok, {rng.choice(['thx', 'got it', 'on it', 'later'])}\n")


def log(text, found):
    text.put(f"2026-11-{rng.randrange(1, 29):02d} {rng.randrange(24):02d}:{rng.randrange(60):02d}:{rng.randrange(60):02d},"
             f"{digits(3)} {rng.choice(['INFO', 'WARN', 'ERROR'])} [{rng.choice(HOSTS)}] {rng.choice(WORDS)}.handler: ")
    for item in found:
        sentence(text, *item)
        text.put("; ")
    text.put(f"took {rng.randrange(1, 4000)} ms, request {uuid.UUID(int=rng.getrandbits(128), version=4)}")


def code(text, found):
    text.put(f"def {rng.choice(WORDS)}_{rng.choice(WORDS)}(items):\n    # {filler()}\n")
    for item in found:
        text.put("    # ")
        sentence(text, *item)
        text.put("\n")
    text.put(f"    return [x for x in items if x.id > {rng.randrange(1000)}]\n")


STYLES = [prose, ticket, chat, log, code]


def choose(table):
    entity = rng.choice(list(table))
    return (entity, *table[entity])


def line(name, number, text, tier):
    if tier == "PROPRIETARY" and all(s["entity"] in ("IP_ADDRESS", "MAC_ADDRESS", "US_NPI") for s in text.spans):
        tier = "INTERNAL"  # machines, and numbers that are published
    return {"id": f"{name}-{number}", "text": "".join(text.parts), "tier": tier, "spans": text.spans}


def mixed(count):
    for number in range(count):
        text, roll = Text(), rng.random()
        if roll < 0.25:
            text.put(rng.choice(PUBLIC_TEXTS).format(n=rng.randrange(2, 40), w=rng.choice(WORDS),
                                                     h=rng.choice([301, 404, 418, 503])))
            yield line("mixed", number, text, "PUBLIC")
        elif roll < 0.40:
            text.put(rng.choice(INTERNAL_TEXTS).format(n=rng.randrange(2, 40), w=rng.choice(WORDS)))
            yield line("mixed", number, text, "INTERNAL")
        else:
            found = [choose(SECRETS if rng.random() < 0.3 else PERSONAL) for _ in range(rng.choice([1, 1, 1, 2, 3]))]
            style = rng.choice(STYLES)
            if any(item[0] == "PRIVATE_KEY" for item in found):
                style = ticket
            style(text, found)
            yield line("mixed", number, text, "PROPRIETARY")


def wrong(entity, value):
    """The same with one digit changed, so that its check digit is wrong; None: it has none."""
    if entity not in ("CREDIT_CARD", "IBAN_CODE", "UK_NHS", "PL_PESEL", "IN_AADHAAR", "AU_TFN", "US_NPI", "ES_NIF",
                      "SG_NRIC_FIN", "FI_PERSONAL_IDENTITY_CODE"):
        return None
    places = [i for i, ch in enumerate(value) if ch.isdigit() and i > len(value) // 2]
    i = rng.choice(places)
    return value[:i] + str((int(value[i]) + rng.choice([1, 2, 3])) % 10) + value[i + 1:]


LOOK_ALIKE = {"a": "а", "e": "е", "o": "о", "c": "с", "p": "р", "x": "х"}


def disguise(value):
    """The value as somebody hides it, and what of it is labelled: all of it."""
    return rng.choice([
        lambda: "".join(chr(ord(ch) + 0xFEE0) if ch.isdigit() else ch for ch in value),
        lambda: "\u200b".join(value),
        lambda: "".join(f"%{ord(ch):02X}" if not ch.isalnum() else ch for ch in value),
    ])()


def hard(count):
    for number in range(count):
        text, roll = Text(), rng.random()
        text.put(filler()).put(" ")
        if roll < 0.6:
            for _ in range(rng.choice([1, 2, 3])):
                template, maker = rng.choice(NEGATIVE)
                text.put(template.format(maker())).put(rng.choice([". ", ", ", "\n"]))
            yield line("hard", number, text, "INTERNAL")
        elif roll < 0.75:
            entity, maker, templates = choose(PERSONAL)
            value = wrong(entity, maker())
            while value is None:
                entity, maker, templates = choose(PERSONAL)
                value = wrong(entity, maker())
            text.put(rng.choice(["reference {}", "the code {} is not valid", "item {} is sold out"]).format(value))
            yield line("hard", number, text, "INTERNAL")
        elif roll < 0.85:
            entity = rng.choice(["EMAIL_ADDRESS", "US_SSN"])
            maker, templates = PERSONAL[entity]
            text.put_labelled(rng.choice(templates), disguise(maker()), entity)
            yield line("hard", number, text, "PROPRIETARY")
        else:
            template, maker = rng.choice(NEGATIVE)
            text.put(template.format(maker())).put(", ")
            sentence(text, *choose(SECRETS if rng.random() < 0.4 else PERSONAL))
            yield line("hard", number, text, "PROPRIETARY")


def main():
    check = sys.argv[1:] == ["--check"]
    for name, texts in (("mixed", mixed(1600)), ("hard", hard(1200))):
        content = "".join(json.dumps(t, ensure_ascii=False) + "\n" for t in texts)
        path = HERE / f"{name}.jsonl"
        if not check:
            path.write_text(content, encoding="utf-8")
        elif path.read_text(encoding="utf-8") != content:
            sys.exit(f"{path.name} is not what make.py writes")


if __name__ == "__main__":
    main()
