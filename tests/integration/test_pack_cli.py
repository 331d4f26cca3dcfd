# SPDX-License-Identifier: Apache-2.0
"""What the person who edits a pack does with `lacuna pack`: no broker and no database is needed."""

import json
import os

import pytest
from harness.program import run_tool

PACK = "name: ours\nversion: 3\nbase: builtin\n"
RULE = """rules:
- id: order-number
  entity: ORDER
  tier: INTERNAL
  pattern: '\\bORD-[0-9]{6}\\b'
  examples:
    match: ["ORD-123456", "see ORD-000001", "(ORD-999999)"]
    no_match: ["ORD-12345", "WORD-123456", "ORD-1234567"]
"""


@pytest.fixture
def pack(tmp_path):
    """pack("lint", "ours", files={"rules.yaml": ...}) in an empty folder; the status is not
    checked. `files` become the folder ours/."""

    def call(*args, files=None, stdin=None):
        for name, text in (files or {}).items():
            path = tmp_path / "ours" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return run_tool(["pack", *args], tmp_path, {}, stdin=stdin, check=False)

    call.folder = tmp_path
    return call


def findings(pack, files):
    done = pack("lint", "ours", "--format", "json", files={"pack.yaml": PACK, **files})
    answer = json.loads(done.stdout)
    assert done.returncode == (1 if answer["errors"] + answer["warnings"] else 0), done.stdout
    return {(f["code"], f["file"], f["line"]): f for f in answer["findings"]
            if not f["file"].startswith("base/")}


def test_init_makes_all_of_a_pack_or_nothing(pack):
    mine = pack.folder / "mine"
    mine.mkdir()
    (mine / "README.md").write_text("of the repository")
    refused = pack("init", "mine")
    assert refused.returncode != 0 and "mine/README.md is there already" in refused.stderr
    assert [f.name for f in mine.iterdir()] == ["README.md"]
    assert (mine / "README.md").read_text() == "of the repository"
    (mine / "README.md").unlink()
    assert pack("init", "mine").returncode == 0


def test_init_makes_a_pack_that_lints_clean_and_passes(pack):
    assert pack("init", "mine").returncode == 0
    again = pack("init", "mine")
    assert again.returncode == 2 and "is there already" in again.stderr
    lint = pack("lint", "mine", "--quiet")
    assert lint.returncode == 0, lint.stdout
    assert lint.stdout == lint.stdout.split("\n")[-2] + "\n"  # nothing but the summary
    test = pack("test", "mine", "--rule", "employee-id", "--mutate")
    assert test.returncode == 0, test.stdout
    assert "1 rule, 6 examples, 0 failed" in test.stdout
    assert json.loads(pack("show", "mine", "--format", "json").stdout)["name"] == "mine"


def test_build_gives_the_same_bytes_and_the_same_pack(pack):
    files = {"pack.yaml": PACK, "rules.yaml": RULE, "terms/a.yaml": "customers: [megacorp]\n"}
    first = pack("build", "ours", "-o", "a.pack", files=files)
    assert first.returncode == 0, first.stderr
    os.utime(pack.folder / "ours" / "pack.yaml", (1, 1))
    assert pack("build", "ours", "-o", "b.pack").returncode == 0
    a, b = (pack.folder / "a.pack").read_bytes(), (pack.folder / "b.pack").read_bytes()
    assert a == b
    assert pack("build", "a.pack", "-o", "c.pack").returncode == 0
    assert (pack.folder / "c.pack").read_bytes() == a
    shown = [json.loads(pack("show", p, "--format", "json").stdout) for p in ("ours", "a.pack")]
    assert shown[0] == shown[1] and shown[0]["version"] == 3
    assert not [p for p in pack.folder.iterdir() if p.name.startswith("a.pack.")]
    (pack.folder / "a.pack").write_bytes(a[:-1])
    assert pack("show", "a.pack").returncode == 2
    assert pack("build", "ours").returncode == 2  # where to?
    assert pack("build", "ours", "-o", "no/such/folder").returncode == 4


def test_lint_has_a_place_and_a_suggestion_for_each_finding(pack):
    found = findings(pack, {
        "rules.yaml": RULE.replace("- id:", "- id: bad\n  entity: X\n  teir: PUBLIC\n- id:", 1)
                      + "- id: wide\n  entity: W\n  tier: INTERNAL\n  pattern: 'a+'\n"
                      + "- id: bare\n  entity: B\n  tier: INTERNAL\n  phrases: [one word]\n"
                      + "- id: twin\n  entity: ORDER\n  tier: INTERNAL\n"
                      + "  pattern: '\\bORD-[0-9]{6}\\b'\n"
                      + "  examples: {match: [ORD-123456, nothing, ORD-123457], "
                      + "no_match: [a, b, c]}\n"
                      + "- id: dull\n  entity: D\n  tier: INTERNAL\n  phrases: [dull words]\n"
                      + "  strength: opinion\n"
                      + "  likelihoods: {public: 0.5, internal: 0.5, proprietary: 0.5}\n",
        "terms/a.yaml": "customers:\n- Apple\n- Mega Corp\n- mega_corp\n- x\n- QZ7\n",
        "routing.yaml": "PUBLIC: [local_rag]\nINTERNAL: [local_rag, export]\nPROPRIETARY: []\n",
    })
    assert found[("source", "rules.yaml", 4)]["text"] == (
        "unknown key 'teir'; did you mean 'tier'?")
    places = {(code, file): line for code, file, line in found}
    assert places[("examples-missing", "rules.yaml")]
    assert ("duplicate-pattern", "rules.yaml") in places
    assert ("example-fails", "rules.yaml") in places
    assert ("likelihood", "rules.yaml") in places
    assert found[("common-term", "terms/a.yaml", 2)]["level"] == "note"
    assert "context words of its own" in found[("common-term", "terms/a.yaml", 2)]["suggestion"]
    assert "line 3" in found[("duplicate-term", "terms/a.yaml", 4)]["text"]
    assert ("source", "terms/a.yaml", 5) in found
    assert ("short-term", "terms/a.yaml", 6) in found
    assert found[("route-contradiction", "routing.yaml", 2)]["level"] == "warning"
    text = pack("lint", "ours").stdout
    assert "ours/terms/a.yaml:4: warning: 'mega_corp' is on line 3" in text


@pytest.mark.parametrize("name", ["terms.yaml", "terms/names.txt", "terms/eu/a.yaml", "rules/A.YAML",
                                  "exemplars/hr.json", "customers.yml"])
def test_lint_says_which_files_nobody_reads(pack, name):
    found = findings(pack, {name: "customers: [Zanthor Industries]\n", "README.md": "for people",
                            "terms/README.md": "too", "terms/a.yml": "customers: [megacorp]\n"})
    assert [key for key in found if key[0] == "not-read"] == [("not-read", name, 1)]
    assert found[("not-read", name, 1)]["level"] == "warning"


def costly(count):
    """Rules that nearly reach what a single pattern may cost."""
    return "rules:\n" + "".join(
        f"- id: costly-{i}\n  entity: C{i}\n  tier: INTERNAL\n"
        f"  pattern: '[ab]{{1,60}}{'[ac]{1,60}' * 5}[ae]{{1,{20 + i % 20}}}[x-z]'\n" for i in range(count))


def test_all_patterns_together_have_a_bound(pack):
    answer = json.loads(pack("lint", "ours", "--format", "json",
                             files={"pack.yaml": PACK, "rules.yaml": costly(110)}).stdout)
    total, errors = answer["steps"], [f for f in answer["findings"] if f["level"] == "error"]
    assert total > 262144 == answer["most_steps"] and 1500 < (total - answer["inherited_steps"]) / 110 < 2048
    assert len(errors) == 1 and errors[0]["code"] == "source"
    text = errors[0]["text"]
    assert f"may take {total} steps for each byte of text, 262144 are allowed" in text
    assert text.count("costly-") == 5 and "costly-19 " in text  # the dearest
    table = pack("lint", "--costs", "ours").stdout  # of a pack that is refused, too
    assert f"up to {total} steps for each byte of text" in table and "costly-19 " in table
    built = pack("build", "ours", "-o", "x.pack")
    assert built.returncode == 2 and "262144 are allowed" in built.stderr


def test_the_built_in_pack_is_far_below_the_bound(pack):
    answer = json.loads(pack("lint", "--format", "json").stdout)
    assert 0 < answer["steps"] < answer["most_steps"] / 4
    assert f"up to {answer['steps']} steps a byte, of 262144" in pack("lint").stdout
    assert pack("init", "mine").returncode == 0
    mine = json.loads(pack("lint", "mine", "--format", "json").stdout)
    assert mine["inherited_steps"] == answer["steps"] and mine["steps"] > mine["inherited_steps"]


def test_lint_refuses_what_is_no_pack(pack):
    assert pack("lint", "nowhere").returncode == 4
    done = pack("lint", "ours", files={"notes.txt": "x"})
    assert done.returncode == 1 and "pack.yaml is missing" in done.stdout


def test_test_says_which_example_fails_and_what_no_example_notices(pack):
    weak = RULE + ("- id: card\n  entity: CARD\n  tier: INTERNAL\n  pattern: '\\b[0-9]{16}\\b'\n"
                   "  validator: luhn\n  allow: ['4111111111111111']\n"
                   "  examples: {match: ['4012888888881881'], no_match: ['401288888888188']}\n")
    done = pack("test", "ours", "--mutate", "--format", "json",
                files={"pack.yaml": PACK, "rules.yaml": weak})
    answer = json.loads(done.stdout)
    assert done.returncode == 1 and answer["failures"] == []
    mine = {(u.get("rule"), u["part"]) for u in answer["unnoticed"]}
    assert {("card", "validator"), ("card", "allow")} <= mine
    wrong = RULE.replace('"ORD-12345"', '"ORD-123456 again"')
    done = pack("test", "ours", "--rule", "order-number", files={"rules.yaml": wrong})
    assert done.returncode == 1
    assert "order-number: no_match example 1: finds 'ORD-123456 again'" in done.stdout
    assert pack("test", "ours", "--rule", "nothing").returncode == 2


def test_the_built_in_pack_lints_clean_and_passes_its_own_tests(pack):
    done = pack("lint", "--quiet")
    assert done.returncode == 0, done.stdout
    done = pack("test")
    assert done.returncode == 0, done.stdout


def test_each_part_of_each_built_in_rule_is_needed_by_an_example(pack):
    """Without a validator, a least entropy, a context, an allow-list or a count some example fails:
    none of them can break unseen, and none is there for nothing."""
    answer = json.loads(pack("test", "--mutate", "--format", "json").stdout)
    assert answer["parts"] > 1300
    assert answer["unnoticed"] == []


def test_show_one_rule_in_full(pack):
    text = pack("show", "ours", "--rule", "order-number",
                files={"pack.yaml": PACK, "rules.yaml": RULE}).stdout
    assert "\\bORD-[0-9]{6}\\b" in text and "WORD-123456" in text
    rule = json.loads(pack("show", "ours", "--rule", "order-number", "--format", "json").stdout)
    assert rule["tier"] == "INTERNAL" and rule["no_match"][1] == "WORD-123456"
    assert pack("show", "ours", "--rule", "x").returncode == 2
    assert pack("show", "ours", "--format", "xml").returncode == 2


def test_every_built_in_form_says_who_states_it_and_how_well(pack):
    lines = pack("show", "--sources").stdout.splitlines()
    assert lines[0].split() == ["RULE", "ENTITY", "FORM", "CHECK", "BASIS", "CHECKED", "SOURCE"]
    npm = next(line for line in lines if line.startswith("npm-token "))
    assert "\\bnpm_[A-Za-z0-9]{36}\\b" in npm and "github.blog" in npm
    assert "github" in npm and "specification" in npm
    rules = json.loads(pack("show", "--format", "json").stdout)["rules"]
    assert len(lines) == len(rules) + 2  # and a rule below the titles
    bases = [r["basis"] for r in rules]
    assert set(bases) == {"specification", "documented", "practice", "own"}
    stated = [r for r in rules if r["basis"] in ("specification", "documented")]
    assert all(r["source"] for r in stated)
    assert len({r["id"] for r in stated}) >= 500
    assert sum(bool(r["checked"]) for r in stated) >= 475


def test_lint_asks_a_source_how_good_it_is(pack):
    rule = RULE.rstrip("\n") + "\n  source: handbook\n"
    found = [json.loads(pack("lint", "ours", "--format", "json",
                             files={"pack.yaml": PACK.replace("ours", name),
                                    "rules.yaml": text}).stdout)["findings"]
             for name, text in [("ours", rule), ("builtin", rule),
                                ("ours", rule + "  basis: documented\n")]]
    levels = [[f["level"] for f in fs if f["code"] == "basis-missing"] for fs in found]
    assert levels == [["note"], ["warning"], []]


def test_lint_asks_the_built_in_pack_what_was_held_against_its_source(pack):
    rule = RULE.rstrip("\n") + "\n  source: handbook\n  basis: documented\n"
    checked = rule + "  checked: 2026-11-21\n"
    found = [json.loads(pack("lint", "ours", "--format", "json",
                             files={"pack.yaml": PACK.replace("ours", name),
                                    "rules.yaml": text}).stdout)["findings"]
             for name, text in [("ours", rule), ("builtin", checked), ("builtin", rule)]]
    levels = [[f["level"] for f in fs if f["code"] == "check-missing"] for fs in found]
    assert levels == [[], [], ["note"]]


def test_show_says_when_a_form_was_checked(pack):
    rule = RULE.rstrip("\n") + "\n  source: handbook\n  basis: documented\n"
    files = {"pack.yaml": PACK, "rules.yaml": rule + "  checked: 2026-11-21\n"}
    shown = pack("show", "ours", "--rule", "order-number", "--format", "json", files=files)
    assert json.loads(shown.stdout)["checked"] == "2026-11-21"
    assert "2026-11-21" in pack("show", "ours", "--rule", "order-number").stdout
    table = pack("show", "ours", "--sources").stdout.splitlines()
    assert "2026-11-21" in next(line for line in table if line.startswith("order-number "))
    assert pack("build", "ours", "-o", "before.pack").returncode == 0
    after = pack("diff", "before.pack", "ours", files={"rules.yaml": rule}).stdout
    assert "order-number: checked '2026-11-21' removed" in after


def test_diff_says_in_words_what_changed_and_what_flips(pack):
    before = {"pack.yaml": PACK, "rules.yaml": RULE.replace("INTERNAL", "PROPRIETARY"),
              "terms/a.yaml": "customers: [megacorp]\n"}
    assert pack("build", "ours", "-o", "before.pack", files=before).returncode == 0
    assert pack("diff", "before.pack", "ours").returncode == 0
    after = {"pack.yaml": PACK.replace("3", "4"),
             "rules.yaml": RULE.replace("{6}", "{7}").replace('"ORD-123456"', '"ORD-1234567"')
                               .replace("000001", "0000010").replace("999999", "9999990")
                               .replace('"ORD-1234567"]', '"ORD-12345678"]'),
             "terms/a.yaml": "customers: [{name: megacorp, tier: INTERNAL}, Apple]\n",
             "routing.yaml": "PUBLIC: [web_search]\nINTERNAL: [local_rag]\nPROPRIETARY: []\n"}
    text = pack("diff", "before.pack", "ours", files=after)
    assert text.returncode == 1
    for line in ["version: 3 -> 4", "order-number: tier 'PROPRIETARY' -> 'INTERNAL'; pattern ",
                 "customer: 'megacorp' removed", "customer: 'megacorp' added, INTERNAL",
                 "customer: 'Apple' added, in context of 'customer' ...",
                 "PUBLIC: may go: without 'export', 'hosted_llm', 'local_rag'"]:
        assert line in text.stdout, text.stdout
    (pack.folder / "r.jsonl").write_text('{"request_id": "a", "text": "ship ORD-123456"}\n\n'
                                         '{"text": "what is rain?"}\n')
    done = pack("diff", "before.pack", "ours", "--requests", "r.jsonl", "--format", "json",
                "--strategy", "balanced")
    answer = json.loads(done.stdout)
    assert answer["requests"] == 2
    flip = answer["flips"][0]
    assert (flip["request"], flip["before"], flip["after"]) == ("a", "PROPRIETARY", "INTERNAL")
    assert flip["rule_before"] == "order-number" and flip["strategies"] == ["balanced"]
    (pack.folder / "bad.jsonl").write_text('{"txet": 1}\n')
    bad = pack("diff", "before.pack", "ours", "--requests", "bad.jsonl")
    assert bad.returncode == 2 and "bad.jsonl:1:" in bad.stderr
    assert pack("diff", "before.pack").returncode == 2


def test_import_names_what_is_lost_and_gives_rules_that_load(pack):
    (pack.folder / "g.toml").write_text(
        "[[rules]]\nid = 'zebra'\ndescription = 'Zebra\\'s'\n".replace("\\'s", "")
        + "regex = '''\\bzbr_[a-z0-9]{20}\\b'''\n\n[[rules]]\nid = 'back'\n"
        + "regex = '''(a)\\1'''\n")
    done = pack("import", "gitleaks", "g.toml", "-o", "out.yaml")
    assert done.returncode == 1
    assert "g.toml:6: lost: back: the pattern can't be rewritten: it refers back" in done.stderr
    assert "1 rules taken, 1 lost" in done.stderr
    lint = pack("lint", "ours", "--format", "json",
                files={"pack.yaml": PACK,
                       "rules/g.yaml": (pack.folder / "out.yaml").read_text()})
    codes = [f["code"] for f in json.loads(lint.stdout)["findings"]]
    assert codes == ["examples-missing", "source-missing"]
    (pack.folder / "p.yaml").write_text(
        "recognizers:\n- name: Zip\n  supported_entity: ZIP\n  patterns:\n"
        "  - {name: zip, regex: '\\b[0-9]{5}-[0-9]{4}\\b', score: 0.6}\n")
    done = pack("import", "presidio", "p.yaml")
    assert done.returncode == 0 and "id: presidio.zip" in done.stdout
    assert pack("import", "gitleaks", "p.yaml").returncode == 2
    assert pack("import", "gitleaks", "nothing.toml").returncode == 4
    assert pack("import", "semgrep", "x").returncode == 2


@pytest.mark.parametrize("command", [
    ["pack", "lint"], ["pack", "test"], ["pack", "show"], ["pack", "build", "-o", "out"],
    ["pack", "diff", "builtin"], ["pack", "import", "gitleaks"], ["pack", "import", "presidio"],
    ["eval"], ["publish"], ["train"], ["classify", "--file"]])
def test_what_cannot_be_read_is_the_same_failure_everywhere(command, tmp_path):
    """4, as the table in lac_tool.h says; 2 is for what options and settings name."""
    done = run_tool([*command, "no-such-file"], tmp_path, {}, check=False)
    assert (done.returncode, "no-such-file" in done.stderr) == (4, True), done.stderr
