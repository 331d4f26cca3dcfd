/* SPDX-License-Identifier: Apache-2.0 */
/* What is said about a finding, in the formats that people and programs read. */
#include <inttypes.h>

#include "lac_cli_scan.h"
#include "lac_json.h"
#include "lac_pack.h"
#include "lac_utf8.h"
#include "lac_width.h"

static const char *const suppressed_names[] = {
    [LAC_CLI_REPORTED] = NULL,
    [LAC_CLI_BY_COMMENT] = "comment",
    [LAC_CLI_BY_BASELINE] = "baseline",
};

/* ---- Text: path:line:column: TIER ENTITY rule score  excerpt ---- */

static void put_text(const struct lac_cli_scan_run *run, struct lac_buf *out,
                     const struct lac_cli_record *r)
{
    const struct lac_term *term = &run->tool->out;
    const char *tier = lac_tier_name(r->rule->tier);

    if (r->suppressed != LAC_CLI_REPORTED)
        return; /* counted in the last line */
    lac_buf_put_text(out, lac_term_on(term, LAC_STYLE_BOLD));
    (void)lac_width_put(out, r->path, 0, false);
    lac_buf_put_text(out, lac_term_off(term, LAC_STYLE_BOLD));
    lac_buf_printf(out, ":%" PRIu64 ":%" PRIu64 ": ", r->line, r->column);
    lac_term_put(term, out, lac_term_tier_style(lac_str_from(tier)), tier);
    lac_buf_printf(out, " %.*s ", LAC_STR_FMT(r->rule->entity));
    lac_buf_put_text(out, lac_term_on(term, LAC_STYLE_DIM));
    lac_buf_printf(out, "%.*s %.2f", LAC_STR_FMT(r->rule->id), (double)r->found.score / 1e6);
    lac_buf_put_text(out, lac_term_off(term, LAC_STYLE_DIM));
    lac_buf_put_text(out, "  ");
    (void)lac_width_put(out, r->excerpt, 0, false);
    lac_buf_put_char(out, '\n');
}

/* ---- JSON ---- */

static void put_number(struct lac_json_writer *w, const char *key, uint64_t value)
{
    lac_json_key(w, key);
    lac_json_put_uint(w, value);
}

static void put_json(const struct lac_cli_scan_run *run, struct lac_buf *out,
                     const struct lac_cli_record *r)
{
    struct lac_json_writer w;

    lac_json_begin(&w, out);
    lac_json_open_object(&w);
    lac_json_key(&w, "path");
    lac_json_put_str(&w, r->path);
    put_number(&w, "line", r->line);
    put_number(&w, "column", r->column);
    put_number(&w, "end_line", r->end_line);
    put_number(&w, "end_column", r->end_column);
    if (r->placed) {
        put_number(&w, "start", r->found.start);
        put_number(&w, "end", r->found.end);
        put_number(&w, "start_char", r->start_char);
        put_number(&w, "end_char", r->end_char);
    }
    lac_json_key(&w, "rule");
    lac_json_put_str(&w, r->rule->id);
    lac_json_key(&w, "entity");
    lac_json_put_str(&w, r->rule->entity);
    lac_scan_put_rule(&w, run->setup.plan, &r->found);
    lac_json_key(&w, "excerpt");
    lac_json_put_str(&w, r->excerpt);
    lac_json_key(&w, "fingerprint");
    lac_json_put_hex(&w, r->fingerprint, sizeof(r->fingerprint));
    lac_json_key(&w, "suppressed");
    lac_json_put_text(&w, suppressed_names[r->suppressed]);
    lac_json_close_object(&w);
}

static void begin_json(const struct lac_cli_scan_run *run, struct lac_buf *out)
{
    struct lac_json_writer w;

    lac_buf_put_text(out, "{\"version\":");
    lac_json_begin(&w, out);
    lac_json_put_text(&w, lac_tool_version());
    lac_buf_put_text(out, ",\"pack\":");
    lac_json_begin(&w, out);
    lac_json_put_str(&w, lac_pack_name(run->setup.pack));
    lac_buf_put_text(out, ",\"findings\":[");
}

static void end_json(const struct lac_cli_scan_run *run, struct lac_buf *out)
{
    const struct lac_cli_scan_counts *c = &run->counts;
    struct lac_json_writer w;

    lac_buf_put_text(out, "\n],\"summary\":");
    lac_json_begin(&w, out);
    lac_json_open_object(&w);
    put_number(&w, "files", atomic_load(&c->files));
    put_number(&w, "bytes", atomic_load(&c->bytes));
    put_number(&w, "findings", atomic_load(&c->findings));
    put_number(&w, "suppressed_by_comment", atomic_load(&c->by_comment));
    put_number(&w, "suppressed_by_baseline", atomic_load(&c->by_baseline));
    put_number(&w, "skipped_binary", atomic_load(&c->binary));
    put_number(&w, "not_utf8", atomic_load(&c->undecodable));
    put_number(&w, "truncated", atomic_load(&c->truncated));
    put_number(&w, "failed", atomic_load(&c->failed));
    if (run->interrupted) {
        lac_json_key(&w, "interrupted");
        lac_json_put_bool(&w, true);
    }
    lac_json_close_object(&w);
    lac_buf_put_text(out, "}\n");
}

/* ---- CSV (RFC 4180) ---- */

/* What is not UTF-8 becomes U+FFFD, as in JSON: programs refuse a whole table for one byte. */
static void put_letters(struct lac_buf *out, struct lac_str s)
{
    while (s.len > 0) {
        size_t good = lac_utf8_valid_prefix(s);

        for (size_t i = 0; i < good; i++) {
            if (s.ptr[i] == '"')
                lac_buf_put_char(out, '"');
            lac_buf_put_char(out, s.ptr[i]);
        }
        if (good < s.len)
            lac_buf_put(out, "\xEF\xBF\xBD", 3);
        s = lac_str_slice(s, good < s.len ? good + 1 : good, s.len);
    }
}

/* Quoted where it must be. A cell that a spreadsheet would take for a formula gets a quote mark in
 * front: a file's name comes from whoever made the file. */
static void put_cell(struct lac_buf *out, struct lac_str s)
{
    static const char formulas[] = {'=', '+', '-', '@', '\t', '\r'};
    static const char special[] = {',', '"', '\r', '\n'};
    bool formula = s.len && memchr(formulas, s.ptr[0], sizeof(formulas)) != NULL;
    bool quoted = formula || !lac_utf8_valid(s);

    for (size_t i = 0; i < s.len && !quoted; i++)
        quoted = memchr(special, s.ptr[i], sizeof(special)) != NULL;
    if (!quoted) {
        lac_buf_put_str(out, s);
        return;
    }
    lac_buf_put_char(out, '"');
    if (formula)
        lac_buf_put_char(out, '\'');
    put_letters(out, s);
    lac_buf_put_char(out, '"');
}

static void put_csv(struct lac_buf *out, const struct lac_cli_record *r)
{
    put_cell(out, r->path);
    lac_buf_printf(out, ",%" PRIu64 ",%" PRIu64 ",", r->line, r->column);
    put_cell(out, r->rule->id);
    lac_buf_put_char(out, ',');
    put_cell(out, r->rule->entity);
    lac_buf_printf(out, ",%s,%s,%.6g,%s,%s,", lac_tier_name(r->rule->tier),
                   lac_scan_strength_name(r->rule->strength), (double)r->found.score / 1e6,
                   lac_scan_validated(r->rule) ? "true" : "false",
                   r->suppressed ? suppressed_names[r->suppressed] : "");
    put_cell(out, r->excerpt);
    lac_buf_put_text(out, "\r\n");
}

/* ---- All of them ---- */

void lac_cli_scan_put(const struct lac_cli_scan_run *run, struct lac_buf *out,
                      const struct lac_cli_record *r)
{
    switch (run->format) {
    case LAC_CLI_SCAN_TEXT:
        put_text(run, out, r);
        return;
    case LAC_CLI_SCAN_JSON:
        lac_buf_put_text(out, ",\n");
        put_json(run, out, r);
        return;
    case LAC_CLI_SCAN_JSONL:
        put_json(run, out, r);
        lac_buf_put_char(out, '\n');
        return;
    case LAC_CLI_SCAN_SARIF:
        lac_buf_put_text(out, ",\n");
        lac_cli_sarif_put(run, out, r);
        return;
    case LAC_CLI_SCAN_CSV:
        put_csv(out, r);
        return;
    }
}

void lac_cli_scan_begin(const struct lac_cli_scan_run *run, struct lac_buf *out)
{
    if (run->format == LAC_CLI_SCAN_JSON)
        begin_json(run, out);
    else if (run->format == LAC_CLI_SCAN_SARIF)
        lac_cli_sarif_begin(run, out);
    else if (run->format == LAC_CLI_SCAN_CSV)
        lac_buf_put_text(out, "path,line,column,rule,entity,tier,strength,score,validated,"
                              "suppressed,excerpt\r\n");
}

void lac_cli_scan_end(const struct lac_cli_scan_run *run, struct lac_buf *out)
{
    if (run->format == LAC_CLI_SCAN_JSON)
        end_json(run, out);
    else if (run->format == LAC_CLI_SCAN_SARIF)
        lac_cli_sarif_end(run, out);
}

bool lac_cli_scan_write(struct lac_cli_scan_run *run, struct lac_buf *records)
{
    struct lac_str text = lac_buf_str(records);
    bool commas = run->format == LAC_CLI_SCAN_JSON || run->format == LAC_CLI_SCAN_SARIF;
    bool ok = true;

    if (text.len == 0)
        return true;
    pthread_mutex_lock(&run->talk);
    if (run->output_error) {
        ok = false;
    } else {
        lac_progress_clear(&run->progress);
        /* Each record brings the comma that stands before it; the first one needs none. */
        if (commas && !run->wrote && !run->options->jsonl)
            text = lac_str_slice(text, 1, text.len);
        run->wrote = true;
        lac_buf_reset(&run->out);
        lac_buf_put_str(&run->out, text);
        run->output_error = lac_tool_write(run->tool, &run->out);
        ok = run->output_error == 0;
    }
    pthread_mutex_unlock(&run->talk);
    return ok;
}
