/* SPDX-License-Identifier: Apache-2.0 */
/* What `lacuna scan` and `lacuna redact` both need before they begin: pack, plan, key. */
#include <string.h>
#include <sys/stat.h>

#include "lac_cli.h"
#include "lac_cli_scan.h"
#include "lac_file.h"
#include "lac_pack.h"

enum { KEY_BYTES = 64 << 10 };

/* "0.35" -> 350000. False: no number from 0 to 1 with at most six decimals. */
static bool score_of(const char *text, uint32_t *ppm)
{
    uint64_t value = 0, unit = 1000000;
    bool digits = false;

    for (; *text >= '0' && *text <= '9' && value <= 1; text++, digits = true)
        value = value * 10 + (uint64_t)(*text - '0');
    value *= 1000000;
    if (*text == '.')
        for (text++; *text >= '0' && *text <= '9' && unit > 1; text++, digits = true)
            value += (uint64_t)(*text - '0') * (unit /= 10);
    if (!digits || *text || value > 1000000)
        return false;
    *ppm = (uint32_t)value;
    return true;
}

/* "A,B" -> names; empty ones are left out. False: too many. */
static bool split(const char *text, struct lac_str *names, size_t *count)
{
    *count = 0;
    while (text && *text) {
        size_t n = strcspn(text, ",");

        while (n && *text == ' ') {
            text++;
            n--;
        }
        if (n > 0) {
            if (*count == LAC_SCAN_NAMES_MAX)
                return false;
            names[(*count)++] = (struct lac_str){text, n};
        }
        text += n + (text[n] == ',');
    }
    return true;
}

static int open_plan(const struct lac_tool *t, const struct lac_cli_scan_words *w, bool floors_only,
                     struct lac_cli_scan_setup *s)
{
    struct lac_str entities[LAC_SCAN_NAMES_MAX], rules[LAC_SCAN_NAMES_MAX];
    struct lac_scan_options o = {.entities = entities,
                                 .rules = rules,
                                 .min_score = LAC_MATCH_SCORE_COUNTS,
                                 .min_tier = LAC_TIER_INTERNAL,
                                 .floors_only = floors_only};
    struct lac_err err;

    if (!split(w->entities, entities, &o.entity_count) || !split(w->rules, rules, &o.rule_count))
        return lac_tool_fail(t, LAC_EXIT_USAGE, "too many names after --entities or --rules", NULL);
    if (w->min_score && !score_of(w->min_score, &o.min_score))
        return lac_tool_fail(t, LAC_EXIT_USAGE, "--min-score takes a number from 0 to 1", NULL);
    if (w->min_tier && !lac_tier_parse(lac_str_from(w->min_tier), &o.min_tier))
        return lac_tool_fail(t, LAC_EXIT_USAGE, "--min-tier takes PUBLIC, INTERNAL or PROPRIETARY",
                             NULL);
    if (lac_scan_plan_open(&s->plan, s->pack, &o, &err) != LAC_OK)
        return lac_tool_fail(t, LAC_EXIT_USAGE, err.text, NULL);
    return -1;
}

/* -1 or the exit status. Refusing a key that others may read would not take it from them, and a
 * group may share one on purpose: it is said, as `lacuna doctor` says it of the other key. */
static int read_key(const struct lac_tool *t, const char *path, struct lac_buf *key)
{
    struct lac_err err;
    struct stat st;

    if (lac_file_read(path, key, &err) != LAC_OK)
        return lac_tool_fail(t, LAC_EXIT_USAGE, err.text, NULL);
    if (key->len < LAC_REDACT_KEY_MIN)
        return lac_tool_fail(t, LAC_EXIT_USAGE, "the key has fewer than 16 bytes",
                             "Make one: (umask 077; head -c 32 /dev/urandom >redact.key)");
    if (stat(path, &st) == 0 && (st.st_mode & (S_IRWXG | S_IRWXO)))
        lac_tool_warn(t,
                      "%s can be used by others (mode %04o): chmod 600 it; who reads it can guess "
                      "what was hashed",
                      path, (unsigned)st.st_mode & 07777);
    return -1;
}

int lac_cli_scan_setup(const struct lac_tool *t, const struct lac_cli_scan_words *w,
                       bool floors_only, struct lac_cli_scan_setup *s)
{
    const char *pack = w->pack ? w->pack : lac_conf_text(t->conf, "pack.path");
    const char *key = w->key_file ? w->key_file : lac_conf_text(t->conf, "redact.key_file");
    struct lac_err err;
    int exit_status = -1;

    *s =
        (struct lac_cli_scan_setup){.threads = w->threads ? (unsigned)w->threads : lac_cli_cores()};
    lac_buf_init(&s->key, KEY_BYTES);
    if (*key)
        exit_status = read_key(t, key, &s->key);
    if (exit_status >= 0)
        return exit_status;
    if (lac_pack_open_rules(&s->pack, *pack ? pack : NULL, &err) != LAC_OK)
        return lac_tool_fail(t, LAC_EXIT_USAGE, err.text, NULL);
    return open_plan(t, w, floors_only, s);
}

void lac_cli_scan_setup_deinit(struct lac_cli_scan_setup *s)
{
    lac_scan_plan_close(s->plan);
    lac_pack_close(s->pack);
    if (s->key.ptr)
        lac_digest_wipe(s->key.ptr, s->key.len);
    lac_buf_deinit(&s->key);
}
