# SPDX-License-Identifier: Apache-2.0
"""`lacuna tokenize` against Hugging Face's tokenizers: equal ids and places on generated lines.

The lines come from a seeded generator (LAC_TEST_SEED); LAC_TEST_LINES asks for more than the usual
100,000.
"""

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from harness import BIN

tokenizers = pytest.importorskip("tokenizers")

SEED = int(os.environ.get("LAC_TEST_SEED", "20261121"))
LINES = int(os.environ.get("LAC_TEST_LINES", "100000"))
CACHE = os.environ.get("LACUNA_CACHE") or str(Path.home() / ".cache" / "lacuna")
MODEL = Path(os.environ.get("LACUNA_TEST_MODEL") or Path(CACHE) / "hf" / "all-minilm-l6-v2")
ROOT = Path(__file__).resolve().parents[2]

needs_model = pytest.mark.skipif(not MODEL.exists(), reason="MiniLM is not there")

# Marks of many classes, kept ones and stripped ones, and what the library's tables don't agree on.
MARKS = [chr(c) for c in [*range(0x300, 0x370), 0x5B0, 0x5BC, 0x64B, 0x651, 0x898, 0x93C, 0xF71,
                          0xF72, 0xF73, 0xF74, 0x1DCE, 0x20DD, 0x302E, 0x3099, 0x16FF0, 0x1D165,
                          0x1D16D]]
ODD = ["\u200d", "\ufe0f", "\U0001f600", "\U0001f469", "\U0001f3fd", "\u200b", "\x01", "\x07",
       "\t", "\n", "\r", "\x0b", "\x85", "\x7f", "\u2028", "\ufffd", "\u0378", "\U000e0001"]
TEXT = ["[SEP]", "[CLS]", "[UNK]", "##ing", "can't", "e-mail", "https://x.example/a?b=c&d=%20",
        "U.S.A.", "3.14", "İstanbul", "ﬁ", "½"]


def generator(r, pieces):
    """A function that makes a line: of everything, of a few kinds, of words, or one long word."""
    kinds = [
        lambda: chr(r.randrange(32, 127)), lambda: chr(r.randrange(0x80, 0x250)),
        lambda: r.choice(MARKS), lambda: chr(r.randrange(0x370, 0x600)),
        lambda: chr(r.randrange(0x600, 0x3100)), lambda: chr(r.randrange(0x4E00, 0x9FFF)),
        lambda: chr(r.randrange(0xAC00, 0xD7A4)), lambda: chr(r.randrange(0xF900, 0x10000)),
        lambda: chr(r.randrange(0x10000, 0x110000)), lambda: r.choice(ODD),
        lambda: r.choice(TEXT), lambda: f"{r.randrange(1 << 48):x}", lambda: " ", lambda: " ",
        lambda: r.choice(pieces), lambda: r.choice(pieces).capitalize(),
    ]

    def line():
        chance = r.random()
        if chance < 0.02:
            return "".join(r.choice("abcdefghij") for _ in range(r.randrange(95, 106)))
        if chance < 0.03:
            return "e" + "".join(r.choice(MARKS) for _ in range(r.randrange(150)))
        if chance < 0.3:
            return " ".join(r.choice(pieces) for _ in range(r.randrange(30)))
        some = kinds if chance < 0.6 else r.sample(kinds, r.randrange(1, 5))
        return "".join(r.choice(some)() for _ in range(r.randrange(40)))

    return line


def reference(vocab, **normalizer):
    tokenizer = tokenizers.Tokenizer(tokenizers.models.WordPiece(
        vocab, unk_token="[UNK]", max_input_chars_per_word=100))
    tokenizer.normalizer = tokenizers.normalizers.BertNormalizer(**normalizer)
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    return tokenizer


def tokenize(*args, stdin=b"", status=0):
    env = {k: v for k, v in os.environ.items() if not k.startswith("LACUNA")}
    done = subprocess.run([BIN / "lacuna", "tokenize", *args], input=stdin, env=env,
                          capture_output=True, timeout=120, check=False)
    assert done.returncode == status, done.stderr[-2000:]
    assert b"Sanitizer" not in done.stderr
    return done


def compare(folder, reference_tokenizer, lines):
    stdin = "".join(json.dumps({"text": line}) + "\n" for line in lines).encode()
    answers = tokenize("--model", folder, "--jsonl", "-", stdin=stdin).stdout.splitlines()
    assert len(answers) == len(lines)
    wanted = reference_tokenizer.encode_batch(lines, add_special_tokens=False)
    for line, answer, want in zip(lines, answers, wanted):
        got = json.loads(answer)
        assert got["ids"] == want.ids, ascii(line)
        places = want.offsets
        if not line.isascii():
            byte = [0]
            for char in line:
                byte.append(byte[-1] + len(char.encode()))
            places = [(byte[a], byte[b]) for a, b in places]
        assert [tuple(place) for place in got["offsets"]] == places, ascii(line)


@needs_model
@pytest.mark.timeout(180)
def test_generated_lines_have_the_librarys_ids_and_places():
    vocab = json.loads((MODEL / "tokenizer.json").read_text(encoding="utf-8"))["model"]["vocab"]
    line = generator(random.Random(SEED), [piece.removeprefix("##") for piece in vocab])
    own = reference(vocab)
    for _ in range(0, LINES, 20000):
        compare(MODEL, own, [line() for _ in range(min(20000, LINES))])


@needs_model
@pytest.mark.parametrize("clean, chinese, strip, lower", [
    (True, True, None, False), (True, True, True, False), (True, False, False, True),
    (False, True, None, True), (False, False, False, False), (True, False, None, True),
])
def test_other_kinds_of_models(tmp_path, clean, chinese, strip, lower):
    """Cased models and rare settings, with the vocabulary that shows the difference."""
    data = json.loads((MODEL / "tokenizer.json").read_text(encoding="utf-8"))
    vocab = data["model"]["vocab"]
    more = ["A", "B", "É", "é", "İ", "i\u0307", "ß", "ẞ", "\x01", "\x07", "\ufffd", "\u200b", "Я"]
    more += [chr(c) for c in [*range(0x1100, 0x1200), *range(0xAC00, 0xAC40), *range(0x300, 0x340)]]
    for piece in more:
        for form in (piece, "##" + piece):
            vocab.setdefault(form, len(vocab))
    settings = {"clean_text": clean, "handle_chinese_chars": chinese, "strip_accents": strip,
                "lowercase": lower}
    data["normalizer"].update(settings)
    (tmp_path / "tokenizer.json").write_text(json.dumps(data), encoding="utf-8")
    line = generator(random.Random(SEED + 1), [piece.removeprefix("##") for piece in vocab])
    compare(tmp_path, reference(vocab, **settings), [line() for _ in range(4000)])


ADDED = ["Lacuna", "lacuna-x", "node js", "C++", "Ångström", "İz", "中文", "中", "日 本", "ß", "New York", "New", "York",
         "x y z", "…", "run", "running", "\u200b?", "Zażółć", "한국", "e\u0301t", "a b", "<PROJ>", "§ 5", "Ⅷ", "0x"]


@needs_model
@pytest.mark.parametrize("seed", range(8))
def test_words_that_were_added_are_found_where_the_library_finds_them(tmp_path, seed):
    """Words of a user's own, with all switches; special ones are text all the same."""
    r = random.Random(SEED + 10 + seed)
    data = json.loads((MODEL / "tokenizer.json").read_text(encoding="utf-8"))
    vocab = data["model"]["vocab"]
    settings = {"clean_text": seed % 4 != 3, "handle_chinese_chars": seed % 3 != 2,
                "strip_accents": None if seed % 2 else True, "lowercase": seed % 5 != 4}
    data["normalizer"].update(settings)
    words = r.sample(ADDED, 12) + [w for w in r.sample(sorted(vocab), 6) if w.isalpha()]
    own = reference(vocab, **settings)
    for word in words:
        flags = {"single_word": r.random() < 0.3, "special": False, "normalized": r.random() < 0.6 if seed else False,
                 "lstrip": r.random() < 0.3, "rstrip": r.random() < 0.3}
        own.add_tokens([tokenizers.AddedToken(word, **flags)])
        data["added_tokens"].append({"id": own.token_to_id(word), "content": word, **flags})
    (tmp_path / "tokenizer.json").write_text(json.dumps(data), encoding="utf-8")
    some = generator(r, [piece.removeprefix("##") for piece in r.sample(sorted(vocab), 2000)])

    def line():
        parts = [r.choice([some(), some()[:5], r.choice(words), r.choice(words).upper(), r.choice(words).lower(),
                           " ", "  ", "\t", "\u3000", "\u0301", "中", "x"]) for _ in range(r.randrange(12))]
        return "".join(parts)

    compare(tmp_path, own, [line() for _ in range(4000)])
    compare(tmp_path, own, words)


@needs_model
def test_vocab_txt_gives_the_same_as_tokenizer_json(tmp_path):
    for name in ("vocab.txt", "tokenizer_config.json"):
        (tmp_path / name).write_bytes((MODEL / name).read_bytes())
    lines = b"Hello, World! caf\xc3\xa9 \xe4\xb8\xad\xe6\x96\x87 unaffable [SEP]\n" * 3
    assert (tokenize("--model", tmp_path, stdin=lines).stdout
            == tokenize("--model", MODEL, stdin=lines).stdout)


@needs_model
def test_the_table_is_what_the_library_does():
    subprocess.run([sys.executable, ROOT / "tools" / "unicode", "--check"], check=True, timeout=170)


@needs_model
def test_long_lines_are_not_cut():
    text = b"word " * 300_000
    answer = json.loads(tokenize("--model", MODEL, stdin=text + b"\n").stdout)
    assert len(answer["ids"]) == 300_000 and answer["offsets"][-1] == [len(text) - 5, len(text) - 1]


@needs_model
def test_bad_lines_are_answered_and_counted():
    done = tokenize("--model", MODEL, "--jsonl", "-", "--pieces",
                    stdin=b'{"text":"a","id":[1]}\n{"text":1}\n\nnonsense\n{"text":""}\n', status=1)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert answers[0] == {"id": [1], "ids": [1037], "offsets": [[0, 1]], "tokens": ["a"]}
    assert [answer.get("line") for answer in answers] == [None, 2, 4, None]
    assert answers[3]["ids"] == []


def test_wrong_usage_says_what_is_wrong(tmp_path):
    assert b"--model" in tokenize(status=2).stderr
    assert b"neither tokenizer.json nor vocab.txt" in tokenize("--model", tmp_path, status=2).stderr
    (tmp_path / "tokenizer.json").write_text('{"normalizer":{"type":"NFC"}}')
    done = tokenize("--model", tmp_path, status=2)
    assert b"tokenizer.json: /normalizer/type" in done.stderr
