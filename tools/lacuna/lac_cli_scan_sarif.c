/* SPDX-License-Identifier: Apache-2.0 */
/* SARIF 2.1.0 (OASIS): what code hosts show beside the lines of a change. */
#include "lac_cli_scan.h"
#include "lac_json.h"

static const char *level_of(const struct lac_match_rule *r)
{
    if (r->strength != LAC_MATCH_FLOOR)
        return "note";
    return r->tier == LAC_TIER_PROPRIETARY ? "error" : "warning";
}

/* As GitHub ranks them: 9 and above is critical, 7 high, 4 medium. */
static const char *severity_of(const struct lac_match_rule *r)
{
    if (r->strength != LAC_MATCH_FLOOR)
        return "3.0";
    return r->tier == LAC_TIER_PROPRIETARY ? "8.0" : "5.0";
}

static void put_rule(struct lac_json_writer *w, const struct lac_match_rule *r)
{
    lac_json_open_object(w);
    lac_json_key(w, "id");
    lac_json_put_str(w, r->id);
    lac_json_key(w, "name");
    lac_json_put_str(w, r->entity);
    lac_json_key(w, "shortDescription");
    lac_json_open_object(w);
    lac_json_key(w, "text");
    lac_json_put_str(w, r->description.len ? r->description : r->entity);
    lac_json_close_object(w);
    if (r->source.len) {
        lac_json_key(w, "help");
        lac_json_open_object(w);
        lac_json_key(w, "text");
        lac_json_put_str(w, r->source);
        lac_json_close_object(w);
    }
    lac_json_key(w, "defaultConfiguration");
    lac_json_open_object(w);
    lac_json_key(w, "level");
    lac_json_put_text(w, level_of(r));
    lac_json_close_object(w);
    lac_json_key(w, "properties");
    lac_json_open_object(w);
    lac_json_key(w, "tier");
    lac_json_put_text(w, lac_tier_name(r->tier));
    lac_json_key(w, "security-severity");
    lac_json_put_text(w, severity_of(r));
    lac_json_key(w, "tags");
    lac_json_open_array(w);
    lac_json_put_text(w, "security");
    for (size_t i = 0; i < r->tag_count; i++)
        lac_json_put_str(w, r->tags[i]);
    lac_json_close_array(w);
    lac_json_close_object(w);
    lac_json_close_object(w);
}

void lac_cli_sarif_begin(const struct lac_cli_scan_run *run, struct lac_buf *out)
{
    const struct lac_scan_plan *plan = run->setup.plan;
    struct lac_json_writer w;

    lac_buf_put_text(out, "{\"$schema\":\"https://json.schemastore.org/sarif-2.1.0.json\","
                          "\"version\":\"2.1.0\",\"runs\":[{\"tool\":{\"driver\":");
    lac_json_begin(&w, out);
    lac_json_open_object(&w);
    lac_json_key(&w, "name");
    lac_json_put_text(&w, "lacuna");
    lac_json_key(&w, "version");
    lac_json_put_text(&w, lac_tool_version());
    lac_json_key(&w, "semanticVersion");
    lac_json_put_text(&w, lac_tool_version());
    lac_json_key(&w, "rules");
    lac_json_open_array(&w);
    for (size_t i = 0; i < lac_scan_rule_count(plan); i++)
        put_rule(&w, lac_scan_rule(plan, (uint32_t)i));
    lac_json_close_array(&w);
    lac_json_close_object(&w);
    lac_buf_put_text(out, "},\"columnKind\":\"unicodeCodePoints\",\"results\":[");
}

void lac_cli_sarif_end(const struct lac_cli_scan_run *run, struct lac_buf *out)
{
    bool failed = run->interrupted || atomic_load(&run->counts.failed) > 0;

    lac_buf_printf(out, "\n],\"invocations\":[{\"executionSuccessful\":%s",
                   failed ? "false" : "true");
    if (run->interrupted)
        lac_buf_printf(out, ",\"exitCode\":%d,\"exitCodeDescription\":\"stopped by a signal\"",
                       LAC_EXIT_SIGNAL);
    lac_buf_put_text(out, "}]}]}\n");
}

/* A relative reference (RFC 3986): what is no plain character of a path is %XX. */
static void put_uri(struct lac_json_writer *w, struct lac_str path)
{
    static const char plain[] = "-._~/!$&'()*+,;=@";
    char memory[4096 * 3 + 8];
    struct lac_buf uri;

    lac_buf_init_fixed(&uri, memory, sizeof(memory));
    if (path.len && path.ptr[0] == '/')
        lac_buf_put_text(&uri, "file://");
    for (size_t i = 0; i < path.len; i++) {
        unsigned char c = (unsigned char)path.ptr[i];
        bool letter = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');

        if (letter || (c && memchr(plain, c, sizeof(plain) - 1)))
            lac_buf_put_char(&uri, (char)c);
        else
            lac_buf_printf(&uri, "%%%02X", c);
    }
    lac_json_put_str(w, lac_buf_str(&uri));
}

static void put_number(struct lac_json_writer *w, const char *key, uint64_t value)
{
    lac_json_key(w, key);
    lac_json_put_uint(w, value);
}

static void put_location(struct lac_json_writer *w, const struct lac_cli_record *r)
{
    lac_json_key(w, "locations");
    lac_json_open_array(w);
    lac_json_open_object(w);
    lac_json_key(w, "physicalLocation");
    lac_json_open_object(w);
    lac_json_key(w, "artifactLocation");
    lac_json_open_object(w);
    lac_json_key(w, "uri");
    put_uri(w, r->path);
    lac_json_close_object(w);
    lac_json_key(w, "region");
    lac_json_open_object(w);
    put_number(w, "startLine", r->line);
    put_number(w, "startColumn", r->column);
    put_number(w, "endLine", r->end_line);
    put_number(w, "endColumn", r->end_column);
    if (r->placed) {
        put_number(w, "byteOffset", r->found.start);
        put_number(w, "byteLength", r->found.end - r->found.start);
    }
    lac_json_close_object(w);
    lac_json_close_object(w);
    lac_json_close_object(w);
    lac_json_close_array(w);
}

static void put_suppressions(struct lac_json_writer *w, const struct lac_cli_record *r)
{
    lac_json_key(w, "suppressions");
    lac_json_open_array(w);
    if (r->suppressed != LAC_CLI_REPORTED) {
        lac_json_open_object(w);
        lac_json_key(w, "kind");
        lac_json_put_text(w, r->suppressed == LAC_CLI_BY_COMMENT ? "inSource" : "external");
        lac_json_close_object(w);
    }
    lac_json_close_array(w);
}

void lac_cli_sarif_put(const struct lac_cli_scan_run *run, struct lac_buf *out,
                       const struct lac_cli_record *r)
{
    struct lac_json_writer w;

    (void)run;
    lac_json_begin(&w, out);
    lac_json_open_object(&w);
    lac_json_key(&w, "ruleId");
    lac_json_put_str(&w, r->rule->id);
    lac_json_key(&w, "ruleIndex");
    lac_json_put_uint(&w, r->found.rule);
    lac_json_key(&w, "level");
    lac_json_put_text(&w, level_of(r->rule));
    lac_json_key(&w, "message");
    lac_json_open_object(&w);
    lac_json_key(&w, "text");
    lac_json_put_str(&w, r->excerpt.len ? r->excerpt : r->rule->entity);
    lac_json_close_object(&w);
    put_location(&w, r);
    lac_json_key(&w, "partialFingerprints");
    lac_json_open_object(&w);
    lac_json_key(&w, r->keyed ? "lacunaFinding/v1" : "lacunaPlace/v1");
    lac_json_put_hex(&w, r->fingerprint, sizeof(r->fingerprint));
    lac_json_close_object(&w);
    put_suppressions(&w, r);
    lac_json_key(&w, "properties");
    lac_json_open_object(&w);
    lac_json_key(&w, "entity");
    lac_json_put_str(&w, r->rule->entity);
    lac_scan_put_rule(&w, run->setup.plan, &r->found);
    lac_json_close_object(&w);
    lac_json_close_object(&w);
}
