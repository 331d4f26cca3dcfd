/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bodies of /api/v1/scan and /api/v1/redact; the first byte says which. What is taken is within
 * its bounds and can be done; what is refused is told without a word of what was sent.
 */
#include <stdint.h>
#include <string.h>

#include "lac_assert.h"
#include "lac_bridge_scan_body.h"
#include "lac_buf.h"
#include "lac_pack.h"
#include "lac_redact.h"
#include "lac_scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SHOWN_MAX = 1 << 20 };

static struct lac_pack *pack;
static struct lac_redact *redact;
static struct lac_buf shown;

static void open_all(void)
{
    struct lac_err err = {0};

    LAC_ASSERT(lac_pack_open(&pack, NULL, &err) == LAC_OK);
    LAC_ASSERT(lac_redact_open(&redact, LAC_STR("0123456789abcdef0123456789abcdef"), &err) ==
               LAC_OK);
    lac_buf_init(&shown, SHOWN_MAX);
}

static void check(const struct lac_bridge_scan_body *q, bool redacts)
{
    LAC_ASSERT(!q->text != !q->texts && (redacts || !q->has_mode));
    LAC_ASSERT(!q->text || lac_json_string(q->text).ptr);
    LAC_ASSERT(!q->texts || (lac_json_size(q->texts) > 0 &&
                             lac_json_size(q->texts) <= LAC_BRIDGE_SCAN_TEXTS_MAX));
    for (size_t i = 0; q->texts && i < lac_json_size(q->texts); i++)
        LAC_ASSERT(lac_json_string(lac_json_item(q->texts, i)).ptr);
    LAC_ASSERT(q->entity_count <= LAC_BRIDGE_SCAN_NAMES_MAX && q->min_score <= LAC_DECIDE_PPM);
    for (size_t i = 0; i < q->entity_count; i++)
        LAC_ASSERT(q->entities[i].ptr);
}

/* The first text with the rules that were asked for, as the bridge does it. */
static void do_it(const struct lac_bridge_scan_body *q, bool redacts)
{
    const struct lac_scan_options o = {.entities = q->entities,
                                       .entity_count = q->entity_count,
                                       .min_score = q->min_score,
                                       .min_tier = LAC_TIER_INTERNAL,
                                       .floors_only = redacts};
    struct lac_str text = lac_json_string(q->text ? q->text : lac_json_item(q->texts, 0));
    struct lac_scan_plan *plan = NULL;
    struct lac_scan *scan = NULL;
    struct lac_scan_result r;
    struct lac_err err = {0};
    size_t places;
    enum lac_status status = lac_scan_plan_open(&plan, pack, &o, &err);

    LAC_ASSERT(status == LAC_OK || (status == LAC_REJECT && q->entity_count > 0));
    if (status != LAC_OK)
        return;
    LAC_ASSERT(lac_scan_open(&scan, plan, &err) == LAC_OK);
    LAC_ASSERT(lac_scan_text(scan, text, 0, text.len, &r, &err) == LAC_OK);
    lac_buf_reset(&shown);
    if (redacts)
        LAC_ASSERT(lac_scan_redact(scan, &r, text, redact, q->has_mode ? &q->mode : NULL, &shown,
                                   &places, &err) == LAC_OK);
    lac_scan_close(scan);
    lac_scan_plan_close(plan);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct lac_bridge_scan_body q;
    struct lac_json *doc = NULL;
    struct lac_err err = {0};
    bool redacts;

    if (size < 1 || size > 1 << 14)
        return 0;
    if (!pack)
        open_all();
    redacts = data[0] & 1;
    if (lac_json_parse(&doc, (struct lac_str){(const char *)data + 1, size - 1}, &err) != LAC_OK)
        return 0;
    if (lac_bridge_scan_body_read(&q, doc, redacts, &err) == LAC_OK) {
        check(&q, redacts);
        do_it(&q, redacts);
    } else {
        LAC_ASSERT(err.status == LAC_REJECT && err.code == 422);
        for (const char *c = err.text; *c; c++) /* ours: letters, digits, few signs */
            LAC_ASSERT(*c >= ' ' && *c < 0x7F && *c != '"' && *c != '\\');
    }
    lac_json_free(doc);
    return 0;
}
