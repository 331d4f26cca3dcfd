/* SPDX-License-Identifier: Apache-2.0 */
/* What is in a pack: an overview with a table of rules, or one rule in full. */
#include "lac_cli_pack.h"

#include <stdio.h>

#include "lac_cli.h"
#include "lac_digest.h"
#include "lac_json.h"
#include "lac_pack.h"
#include "lac_pack_cost.h"
#include "lac_records.h"
#include "lac_table.h"

enum { OUTPUT_MAX = 64 << 20 };

static const char *const strength_names[] = {"floor", "opinion", "allow"};
static const char *const redaction_names[] = {"replace", "mask", "last4", "hash"};

static const char *kind_of(const struct lac_match_rule *r)
{
    if (r->detector.len > 0)
        return "detector";
    if (r->pattern.len > 0)
        return "pattern";
    return r->names ? "names" : "phrases";
}

/* Empty where the rule does not say. */
static struct lac_str basis_of(const struct lac_match_rule *r)
{
    return r->basis == LAC_MATCH_BASIS_NONE ? LAC_STR_NULL
                                            : lac_str_from(lac_pack_basis_name(r->basis));
}

/* ---- JSON ---- */

static void put_texts(struct lac_json_writer *w, const char *key, const struct lac_str *at,
                      size_t count)
{
    lac_json_key(w, key);
    lac_json_open_array(w);
    for (size_t i = 0; i < count; i++)
        lac_json_put_str(w, at[i]);
    lac_json_close_array(w);
}

static void put_str(struct lac_json_writer *w, const char *key, struct lac_str text)
{
    lac_json_key(w, key);
    lac_json_put_str(w, text.len > 0 ? text : LAC_STR_NULL);
}

static void put_context(struct lac_json_writer *w, const struct lac_match_rule *r)
{
    lac_json_key(w, "context");
    if (r->context_count == 0) {
        lac_json_put_null(w);
        return;
    }
    lac_json_open_object(w);
    put_texts(w, "words", r->context, r->context_count);
    lac_json_key(w, "window");
    lac_json_put_uint(w, r->context_window);
    lac_json_key(w, "boost");
    lac_json_put_ppm(w, r->context_boost);
    lac_json_close_object(w);
}

static void put_rule(struct lac_json_writer *w, const struct lac_pack *p, size_t i, bool full)
{
    const struct lac_match_rule *r = lac_match_rule_at(lac_pack_match(p), i);
    struct lac_pack_examples e = lac_pack_examples(p, i);

    lac_json_open_object(w);
    put_str(w, "id", r->id);
    put_str(w, "entity", r->entity);
    lac_json_key(w, "tier");
    lac_json_put_text(w, lac_tier_name(r->tier));
    lac_json_key(w, "strength");
    lac_json_put_text(w, strength_names[r->strength]);
    lac_json_key(w, "score");
    lac_json_put_ppm(w, r->score);
    lac_json_key(w, "kind");
    lac_json_put_text(w, kind_of(r));
    put_str(w, "pattern", r->pattern);
    put_str(w, "detector", r->detector);
    put_str(w, "validator", r->validator);
    put_str(w, "basis", basis_of(r));
    put_str(w, "source", r->source);
    put_str(w, "checked", r->checked);
    lac_json_key(w, "phrases");
    lac_json_put_uint(w, r->phrase_count);
    if (full) {
        put_str(w, "description", r->description);
        put_texts(w, "phrase_list", r->phrases, r->phrase_count);
        lac_json_key(w, "min_entropy");
        lac_json_put_real(w, r->min_entropy / 1000.0);
        lac_json_key(w, "count");
        lac_json_put_uint(w, r->count ? r->count : 1);
        put_context(w, r);
        put_texts(w, "except", r->except, r->except_count);
        put_texts(w, "allow", r->allow, r->allow_count);
        put_texts(w, "tags", r->tags, r->tag_count);
        lac_json_key(w, "redaction");
        lac_json_put_text(w, redaction_names[r->redaction]);
        put_texts(w, "match", e.match, e.match_count);
        put_texts(w, "no_match", e.no_match, e.no_match_count);
    }
    lac_json_close_object(w);
}

static void put_overview_json(const struct lac_pack *p, struct lac_buf *out)
{
    struct lac_json_writer w;

    lac_json_begin(&w, out);
    lac_json_open_object(&w);
    put_str(&w, "name", lac_pack_name(p));
    lac_json_key(&w, "version");
    lac_json_put_uint(&w, lac_pack_version(p));
    lac_json_key(&w, "hash");
    lac_json_put_hex(&w, lac_pack_hash(p)->bytes, LAC_PACK_HASH_SIZE);
    lac_json_key(&w, "files");
    lac_json_open_array(&w);
    for (size_t i = 0; i < lac_pack_file_count(p); i++) {
        lac_json_open_object(&w);
        put_str(&w, "path", lac_pack_file_at(p, i)->path);
        lac_json_key(&w, "size");
        lac_json_put_uint(&w, lac_pack_file_at(p, i)->data.len);
        lac_json_close_object(&w);
    }
    lac_json_close_array(&w);
    lac_json_key(&w, "routes");
    lac_json_open_object(&w);
    for (int t = 0; t < LAC_TIER_COUNT; t++) {
        size_t count;
        const struct lac_str *route = lac_pack_route(p, (enum lac_tier)t, &count);

        put_texts(&w, lac_tier_name((enum lac_tier)t), route, count);
    }
    lac_json_close_object(&w);
    lac_json_key(&w, "rules");
    lac_json_open_array(&w);
    for (size_t i = 0; i < lac_match_rule_count(lac_pack_match(p)); i++)
        put_rule(&w, p, i, false);
    lac_json_close_array(&w);
    lac_json_close_object(&w);
    lac_buf_put_char(out, '\n');
}

/* ---- text ---- */

static void put_line(const struct lac_tool *t, struct lac_buf *out, const char *label)
{
    char padded[16];

    snprintf(padded, sizeof(padded), "%-13s", label);
    lac_term_put(&t->out, out, LAC_STYLE_DIM, padded);
}

struct counts {
    size_t strength[3], tier[LAC_TIER_COUNT], detectors, patterns, phrase_rules, phrases, entities;
    size_t examples;
    size_t basis[LAC_MATCH_BASIS_OWN + 1], checked; /* the latter: of those that are stated */
};

static void count(const struct lac_pack *p, struct counts *c)
{
    const struct lac_match *m = lac_pack_match(p);

    *c = (struct counts){0};
    for (size_t i = 0; i < lac_match_rule_count(m); i++) {
        const struct lac_match_rule *r = lac_match_rule_at(m, i);
        struct lac_pack_examples e = lac_pack_examples(p, i);
        bool seen = false;

        c->strength[r->strength]++;
        c->basis[r->basis]++;
        c->checked += lac_match_is_stated(r->basis) && r->checked.len > 0;
        c->tier[r->tier]++;
        c->detectors += r->detector.len > 0;
        c->patterns += r->pattern.len > 0;
        c->phrase_rules += r->phrase_count > 0;
        c->phrases += r->phrase_count;
        c->examples += e.match_count + e.no_match_count;
        for (size_t k = 0; k < i && !seen; k++)
            seen = lac_str_eq(lac_match_rule_at(m, k)->entity, r->entity);
        c->entities += !seen;
    }
}

static void put_head(const struct lac_tool *t, const struct lac_pack *p, struct lac_buf *out)
{
    char hex[2 * LAC_PACK_HASH_SIZE + 1];
    struct counts c;

    count(p, &c);
    lac_hex_encode(hex, lac_pack_hash(p)->bytes, LAC_PACK_HASH_SIZE);
    put_line(t, out, "Pack");
    lac_buf_printf(out, "%.*s version %llu\n", LAC_STR_FMT(lac_pack_name(p)),
                   (unsigned long long)lac_pack_version(p));
    put_line(t, out, "Hash");
    lac_buf_printf(out, "%s\n", hex);
    put_line(t, out, "Files");
    lac_buf_printf(out, "%zu\n", lac_pack_file_count(p));
    put_line(t, out, "Rules");
    lac_buf_printf(out,
                   "%zu for %zu entities: %zu patterns, %zu detectors, %zu lists with %zu phrases; "
                   "%zu examples\n",
                   lac_match_rule_count(lac_pack_match(p)), c.entities, c.patterns, c.detectors,
                   c.phrase_rules, c.phrases, c.examples);
    put_line(t, out, "Strength");
    lac_buf_printf(out, "%zu floors, %zu opinions, %zu allow\n", c.strength[0], c.strength[1],
                   c.strength[2]);
    put_line(t, out, "Forms");
    lac_buf_printf(out, "%zu specified, %zu documented, %zu known from use, %zu own",
                   c.basis[LAC_MATCH_BASIS_SPECIFICATION], c.basis[LAC_MATCH_BASIS_DOCUMENTED],
                   c.basis[LAC_MATCH_BASIS_PRACTICE], c.basis[LAC_MATCH_BASIS_OWN]);
    if (c.basis[LAC_MATCH_BASIS_NONE])
        lac_buf_printf(out, ", %zu unsaid", c.basis[LAC_MATCH_BASIS_NONE]);
    if (c.checked)
        lac_buf_printf(out, "; %zu of the first two held against their source", c.checked);
    lac_buf_put_char(out, '\n');
    for (int tier = 0; tier < LAC_TIER_COUNT; tier++) {
        size_t n;
        const struct lac_str *route = lac_pack_route(p, (enum lac_tier)tier, &n);

        put_line(t, out, lac_tier_name((enum lac_tier)tier));
        lac_buf_printf(out, "%zu rules; may go to ", c.tier[tier]);
        for (size_t i = 0; i < n; i++)
            lac_buf_printf(out, "%s%.*s", i ? ", " : "", LAC_STR_FMT(route[i]));
        lac_buf_put_text(out, n ? "\n" : "nothing\n");
    }
    for (size_t i = 0; i < lac_pack_note_count(p); i++) {
        put_line(t, out, i ? "" : "Notes");
        lac_buf_printf(out, "%.*s\n", LAC_STR_FMT(lac_pack_note_at(p, i)));
    }
}

static void put_overview(const struct lac_tool *t, const struct lac_pack *p, struct lac_buf *out)
{
    static const struct lac_table_column columns[] = {
        {"RULE", false, true, 0},      {"ENTITY", false, true, 0}, {"TIER", false, false, 0},
        {"STRENGTH", false, false, 0}, {"SCORE", true, false, 0},  {"BY", false, true, 0},
        {"EXAMPLES", true, false, 0},
    };
    struct lac_table table;

    put_head(t, p, out);
    lac_buf_put_char(out, '\n');
    lac_table_init(&table, columns, LAC_COUNT(columns), LAC_MATCH_RULE_MAX);
    for (size_t i = 0; i < lac_match_rule_count(lac_pack_match(p)); i++) {
        const struct lac_match_rule *r = lac_match_rule_at(lac_pack_match(p), i);
        struct lac_pack_examples e = lac_pack_examples(p, i);

        lac_table_add(&table, r->id, LAC_STYLE_NONE);
        lac_table_add(&table, r->entity, LAC_STYLE_NONE);
        lac_table_add(&table, lac_str_from(lac_tier_name(r->tier)),
                      lac_term_tier_style(lac_str_from(lac_tier_name(r->tier))));
        lac_table_add(&table, lac_str_from(strength_names[r->strength]), LAC_STYLE_NONE);
        lac_table_addf(&table, LAC_STYLE_NONE, "%u.%02u", r->score / 1000000,
                       r->score % 1000000 / 10000);
        if (r->phrase_count > 0)
            lac_table_addf(&table, LAC_STYLE_NONE, "%zu %s%s", r->phrase_count,
                           r->names ? "names" : "phrases", r->context_count ? " in context" : "");
        else
            lac_table_addf(&table, LAC_STYLE_NONE, "%s%s%.*s%s", kind_of(r),
                           r->validator.len ? " + " : "", LAC_STR_FMT(r->validator),
                           r->context_count && !r->context_boost ? " in context" : "");
        lac_table_addf(&table, LAC_STYLE_NONE, "%zu+%zu", e.match_count, e.no_match_count);
    }
    lac_table_print(&table, &t->out, out);
    lac_table_deinit(&table);
}

/* What a rule looks for, in a line. */
static struct lac_str form_of(const struct lac_match_rule *r)
{
    if (r->pattern.len > 0)
        return r->pattern;
    return r->detector.len > 0 ? r->detector : r->phrases[0];
}

/* For who has to show that the forms are right: each with its check and who states it. */
static void put_sources(const struct lac_tool *t, const struct lac_pack *p, struct lac_buf *out)
{
    static const struct lac_table_column columns[] = {
        {"RULE", false, true, 0},   {"ENTITY", false, true, 0}, {"FORM", false, true, 0},
        {"CHECK", false, true, 0},  {"BASIS", false, false, 0}, {"CHECKED", false, false, 0},
        {"SOURCE", false, true, 0},
    };
    struct lac_table table;

    lac_table_init(&table, columns, LAC_COUNT(columns), LAC_MATCH_RULE_MAX);
    for (size_t i = 0; i < lac_match_rule_count(lac_pack_match(p)); i++) {
        const struct lac_match_rule *r = lac_match_rule_at(lac_pack_match(p), i);
        struct lac_str form = form_of(r);

        lac_table_add(&table, r->id, LAC_STYLE_NONE);
        lac_table_add(&table, r->entity, LAC_STYLE_NONE);
        lac_table_addf(&table, LAC_STYLE_NONE, "%s%.*s%s", r->detector.len > 0 ? "detector " : "",
                       LAC_STR_FMT(form), r->phrase_count > 1 ? ", ..." : "");
        lac_table_addf(&table, LAC_STYLE_NONE, "%.*s%s%s", LAC_STR_FMT(r->validator),
                       r->validator.len && r->context_count && !r->context_boost ? ", " : "",
                       r->context_count && !r->context_boost ? "context" : "");
        lac_table_addf(&table, LAC_STYLE_NONE, "%s", lac_pack_basis_name(r->basis));
        lac_table_add(&table, r->checked, LAC_STYLE_NONE);
        lac_table_add(&table, r->source, LAC_STYLE_NONE);
    }
    lac_table_print(&table, &t->out, out);
    lac_table_deinit(&table);
}

static void put_list(const struct lac_tool *t, struct lac_buf *out, const char *label,
                     const struct lac_str *at, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        put_line(t, out, i ? "" : label);
        lac_buf_printf(out, "%.*s\n", LAC_STR_FMT(at[i]));
    }
}

static void put_if(const struct lac_tool *t, struct lac_buf *out, const char *label,
                   struct lac_str text)
{
    if (text.len > 0)
        put_list(t, out, label, &text, 1);
}

static void put_numbers(const struct lac_tool *t, const struct lac_match_rule *r,
                        struct lac_buf *out)
{
    put_line(t, out, "Says");
    lac_buf_printf(out, "%s, %s, score %u.%02u\n", lac_tier_name(r->tier),
                   strength_names[r->strength], r->score / 1000000, r->score % 1000000 / 10000);
    if (r->strength != LAC_MATCH_FLOOR) {
        put_line(t, out, "Likelihood");
        for (int i = 0; i < LAC_TIER_COUNT; i++)
            lac_buf_printf(out, "%s %u.%06u%s", lac_tier_name((enum lac_tier)i),
                           r->likelihood[i] / 1000000, r->likelihood[i] % 1000000,
                           i + 1 < LAC_TIER_COUNT ? "  " : "\n");
    }
    if (r->min_entropy > 0) {
        put_line(t, out, "Entropy");
        lac_buf_printf(out, "at least %u.%03u bits a byte\n", r->min_entropy / 1000,
                       r->min_entropy % 1000);
    }
    if (r->count > 1) {
        put_line(t, out, "Count");
        lac_buf_printf(out, "from %u in one field on\n", r->count);
    }
    if (r->context_count > 0) {
        put_line(t, out, "Context");
        lac_buf_printf(out, "%u bytes to either side, ", r->context_window);
        if (r->context_boost > 0)
            lac_buf_printf(out, "adds %u.%02u:", r->context_boost / 1000000,
                           r->context_boost % 1000000 / 10000);
        else
            lac_buf_put_text(out, "needed:");
        for (size_t i = 0; i < r->context_count; i++)
            lac_buf_printf(out, "%s %.*s", i ? "," : "", LAC_STR_FMT(r->context[i]));
        lac_buf_put_char(out, '\n');
    }
    put_line(t, out, "Redaction");
    lac_buf_printf(out, "%s\n", redaction_names[r->redaction]);
}

static void put_cost(const struct lac_tool *t, const struct lac_pack *p, size_t i,
                     struct lac_buf *out)
{
    struct lac_pack_cost cost;
    struct lac_err err;

    if (lac_pack_cost(p, i, &cost, &err) != LAC_OK || cost.trigger == LAC_PACK_TRIGGER_NONE)
        return;
    put_line(t, out, "Looked at by");
    lac_buf_printf(out, "%s %s", lac_pack_trigger_name(cost.trigger), cost.what);
    if (cost.steps)
        lac_buf_printf(out, "; %u to %u bytes; at most %u steps a byte", cost.least, cost.most,
                       cost.steps);
    lac_buf_put_char(out, '\n');
}

static void put_rule_text(const struct lac_tool *t, const struct lac_pack *p, size_t i,
                          struct lac_buf *out)
{
    const struct lac_match_rule *r = lac_match_rule_at(lac_pack_match(p), i);
    struct lac_pack_examples e = lac_pack_examples(p, i);

    put_if(t, out, "Rule", r->id);
    put_if(t, out, "About", r->description);
    put_if(t, out, "Entity", r->entity);
    put_if(t, out, "Source", r->source);
    put_if(t, out, "Basis", basis_of(r));
    put_if(t, out, "Checked", r->checked);
    put_if(t, out, "Detector", r->detector);
    put_if(t, out, "Pattern", r->pattern);
    put_if(t, out, "Validator", r->validator);
    put_cost(t, p, i, out);
    put_numbers(t, r, out);
    put_list(t, out, "Phrases", r->phrases, r->phrase_count);
    put_list(t, out, "Except", r->except, r->except_count);
    put_list(t, out, "Allow", r->allow, r->allow_count);
    put_list(t, out, "Tags", r->tags, r->tag_count);
    put_list(t, out, "Finds", e.match, e.match_count);
    put_list(t, out, "Leaves", e.no_match, e.no_match_count);
}

static int show_rules(const struct lac_tool *t, const struct lac_pack *p, const char *id, bool json,
                      struct lac_buf *out)
{
    const struct lac_match *m = lac_pack_match(p);
    struct lac_json_writer w;
    size_t found = 0;

    for (size_t i = 0; i < lac_match_rule_count(m); i++) {
        if (!lac_str_is(lac_match_rule_at(m, i)->id, id))
            continue;
        if (found++ && !json)
            lac_buf_put_char(out, '\n');
        if (json) {
            lac_json_begin(&w, out);
            put_rule(&w, p, i, true);
            lac_buf_put_char(out, '\n');
        } else {
            put_rule_text(t, p, i, out);
        }
    }
    if (found > 0)
        return -1;
    return lac_tool_fail(t, LAC_EXIT_USAGE, "there is no rule with this id",
                         "`lacuna pack show` lists them.");
}

static int show(const struct lac_tool *t, const char *rule, bool sources, bool json)
{
    struct lac_pack *p = NULL;
    struct lac_buf out;
    int status = lac_cli_pack_open(t, t->operand_count ? t->operands[0] : NULL, &p);

    if (status >= 0)
        return status;
    lac_buf_init(&out, OUTPUT_MAX);
    if (rule)
        status = show_rules(t, p, rule, json, &out);
    else if (json)
        put_overview_json(p, &out);
    else if (sources)
        put_sources(t, p, &out);
    else
        put_overview(t, p, &out);
    if (status < 0)
        status = lac_cli_flush(t, &out);
    lac_buf_deinit(&out);
    lac_pack_close(p);
    return status < 0 ? LAC_EXIT_OK : status;
}

int lac_cli_pack_show(int argc, char **argv)
{
    const char *rule = NULL, *format = NULL;
    bool json = false, sources = false;
    const struct lac_args_option options[] = {
        {'r', "rule", LAC_ARGS_TEXT, &rule, "ID", "Show this rule in full", 0, 0},
        {'s', "sources", LAC_ARGS_SWITCH, &sources, NULL,
         "A table of the forms: check, who states it, how well, when that was looked up", 0, 0},
        LAC_CLI_FORMAT_OPTIONS(&format, &json),
    };
    const struct lac_tool_command command = {
        .name = "lacuna pack show",
        .usage = "[OPTION]... [DIR|FILE]",
        .summary = "Show what is in a pack, or one rule in full.",
        .details =
            "Without an operand it shows the configured pack, by default the built-in one.\n"
            "Several rules may share the ids customer, project, term, path, table and\n"
            "column: they hold the pack's names, one per tier and context; as JSON they are\n"
            "one line each.",
        .examples = "  lacuna pack show\n"
                    "  lacuna pack show ours.pack --rule us-ssn\n"
                    "  lacuna pack show --sources | less -S\n"
                    "  lacuna pack show --format json | jq -r '.rules[].entity' | sort -u\n",
        .options = options,
        .option_count = LAC_COUNT(options),
        .operands_most = 1,
    };
    struct lac_tool t;
    int status = lac_tool_open(&t, &command, argc, argv);

    if (status < 0)
        status = lac_cli_format(&t, format, &json);
    if (status < 0)
        status = show(&t, rule, sources, json);
    lac_tool_close(&t);
    return status;
}
