/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where labelled texts come from: the pack's exemplars, the files of --data, and feedback joined
 * with its requests.
 */
#include "lac_cli_train.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lac_event_id.h"
#include "lac_file.h"
#include "lac_json.h"
#include "lac_record.h"
#include "lac_utf8.h"

enum { REQUESTS_BYTES = 1 << 30 };

#define SUFFIX ".jsonl"

/* "a/hr.jsonl" is about "hr". False: it is no such file. */
static bool stem_of(struct lac_str path, struct lac_str *out)
{
    const char *slash = path.len ? memrchr(path.ptr, '/', path.len) : NULL;
    size_t from = slash ? (size_t)(slash - path.ptr) + 1 : 0, suffix = sizeof(SUFFIX) - 1;

    if (path.len <= from + suffix || path.ptr[from] == '.' ||
        !lac_str_is(lac_str_slice(path, path.len - suffix, path.len), SUFFIX))
        return false;
    *out = lac_str_slice(path, from, path.len - suffix);
    return true;
}

/* ---- the pack's own ---- */

/* Whether a file of --data takes this one's place. */
static bool is_replaced(const struct lac_cli_train_options *o, struct lac_str stem)
{
    struct lac_str other;

    for (size_t i = 0; i < o->data.count; i++)
        if (stem_of(lac_str_from(o->data.items[i]), &other) && lac_str_eq(stem, other))
            return true;
    return false;
}

static int take_exemplars(struct lac_cli_train *r)
{
    for (size_t i = 0; i < lac_pack_file_count(r->pack); i++) {
        const struct lac_pack_file *f = lac_pack_file_at(r->pack, i);
        struct lac_str path = f->path, stem;
        size_t lines = lac_head_data_lines(r->data);
        bool base = lac_str_has_at(path, 0, "base/");
        char name[512];
        struct lac_err err;

        if (base)
            path = lac_str_slice(path, 5, path.len);
        if ((base && r->o->own) || path.len < 10 || memcmp(path.ptr, "exemplars/", 10) != 0 ||
            !stem_of(path, &stem) || is_replaced(r->o, stem))
            continue;
        snprintf(name, sizeof(name), "%.*s", LAC_STR_FMT(f->path));
        if (lac_head_data_add(r->data, name, stem, f->data, &err) != LAC_OK)
            return lac_cli_train_failed(r, &err);
        r->from_base += base ? lac_head_data_lines(r->data) - lines : 0;
    }
    return -1;
}

/* Who brings a hundred texts may not expect to wait for thousands. */
static void tell_of_base(const struct lac_cli_train *r)
{
    if (r->from_base > 0)
        fprintf(
            stderr,
            "learning from %zu texts, of which %zu are the base pack's; --own leaves those out\n",
            lac_head_data_count(r->data), r->from_base);
    else
        fprintf(stderr, "learning from %zu texts\n", lac_head_data_count(r->data));
}

/* ---- --data ---- */

static int take_file(struct lac_cli_train *r, const char *path)
{
    size_t lines = lac_head_data_lines(r->data), feedback = lac_head_data_feedback(r->data);
    struct lac_str stem;
    struct lac_buf b;
    struct lac_err err;
    enum lac_status status;
    int exit_status = -1;

    if (!stem_of(lac_str_from(path), &stem))
        return lac_tool_fail(r->t, LAC_EXIT_USAGE, "--data takes files whose names end in .jsonl",
                             "The name is their domain: hr.jsonl.");
    lac_buf_init(&b, LAC_HEAD_DATA_BYTES);
    status = lac_file_read(path, &b, &err);
    if (status == LAC_OK)
        status = lac_head_data_add(r->data, path, stem, lac_buf_str(&b), &err);
    if (status != LAC_OK)
        exit_status = lac_cli_train_failed(r, &err);
    lines = lac_head_data_lines(r->data) - lines;
    feedback = lac_head_data_feedback(r->data) - feedback;
    if (exit_status < 0 && feedback > 0 && feedback < lines)
        exit_status = lac_tool_fail(r->t, LAC_EXIT_USAGE,
                                    "a file holds labelled texts or feedback, not both", path);
    else if (exit_status < 0 && feedback == 0) /* goes into the pack as it is */
        r->files[r->file_count++] = (struct lac_cli_train_file){stem, b};
    if (exit_status >= 0 || feedback > 0)
        lac_buf_deinit(&b);
    return exit_status;
}

static int take_files(struct lac_cli_train *r)
{
    const struct lac_args_list *files = &r->o->data;
    int status = -1;

    for (size_t i = 0; i < files->count && status < 0; i++) {
        struct lac_str stem, other;

        for (size_t k = 0; k < i; k++)
            if (stem_of(lac_str_from(files->items[i]), &stem) &&
                stem_of(lac_str_from(files->items[k]), &other) && lac_str_eq(stem, other))
                return lac_tool_fail(r->t, LAC_EXIT_USAGE,
                                     "two files of --data have one name, which is their domain",
                                     files->items[i]);
        status = take_file(r, files->items[i]);
    }
    return status;
}

/* ---- requests ---- */

static enum lac_status take_request(struct lac_cli_train *r, const char *origin,
                                    struct lac_str line, struct lac_err *err)
{
    struct lac_cli_train_request q;
    enum lac_status status = lac_cli_train_request_read(&q, line, origin, err);

    if (status == LAC_OK && q.text.ptr)
        status = lac_head_data_join(r->data, lac_str_from(q.event), q.text, err);
    lac_json_free(q.doc);
    return status;
}

static int take_requests(struct lac_cli_train *r, const char *path, const char *origin)
{
    unsigned long number = 0;
    struct lac_str rest;
    struct lac_buf b;
    struct lac_err err;
    enum lac_status status;

    lac_buf_init(&b, REQUESTS_BYTES);
    status = lac_file_read(path, &b, &err);
    rest = lac_buf_str(&b);
    rest = lac_str_slice(rest, lac_utf8_mark(rest), rest.len);
    while (status == LAC_OK && rest.len > 0) {
        const char *end = memchr(rest.ptr, '\n', rest.len);
        size_t len = end ? (size_t)(end - rest.ptr) : rest.len;
        struct lac_err why = {.text = ""};

        number++;
        if (len > 0)
            status = take_request(r, origin, lac_str_slice(rest, 0, len), &why);
        if (status != LAC_OK)
            (void)lac_err_set(&err, status, why.code, "%s:%lu: %s", path, number, why.text);
        len += end != NULL;
        rest = lac_str_slice(rest, len, rest.len);
    }
    lac_buf_deinit(&b);
    return status == LAC_OK ? -1 : lac_cli_train_failed(r, &err);
}

static int join_feedback(struct lac_cli_train *r)
{
    const char *origin = r->o->origin ? r->o->origin : lac_conf_text(r->t->conf, "kafka.origin");
    int status = -1;

    if (r->o->requests.count == 0)
        return -1;
    if (!*origin || strlen(origin) > LAC_EVENT_ID_NAME_MAX)
        return lac_tool_fail(r->t, LAC_EXIT_USAGE, "the origin of the requests is not known",
                             "Give --origin: lineage records hold it in origin.origin.");
    for (size_t i = 0; i < r->o->requests.count && status < 0; i++)
        status = take_requests(r, r->o->requests.items[i], origin);
    return status;
}

/* What the pack keeps of feedback: texts and tiers, not who said it. */
static int keep_feedback(struct lac_cli_train *r)
{
    struct lac_json_writer w;

    for (size_t i = 0; i < lac_head_data_count(r->data); i++) {
        const struct lac_head_text *text = lac_head_data_at(r->data, i);

        if (!lac_str_is(lac_head_data_domain(r->data, text->domain), "feedback"))
            continue;
        lac_json_begin(&w, &r->feedback);
        lac_json_open_object(&w);
        lac_json_key(&w, "id");
        lac_json_put_str(&w, text->id);
        lac_json_key(&w, "text");
        lac_json_put_str(&w, text->text);
        lac_json_key(&w, "tier");
        lac_json_put_text(&w, lac_tier_name(text->tier));
        lac_json_close_object(&w);
        lac_buf_put_char(&r->feedback, '\n');
    }
    return lac_buf_ok(&r->feedback)
               ? -1
               : lac_tool_fail(r->t, LAC_EXIT_FAILURE, "the feedback takes too much memory", NULL);
}

int lac_cli_train_collect(struct lac_cli_train *r)
{
    struct lac_err err;
    size_t feedback;
    int status;

    if (lac_head_data_new(&r->data, &err) != LAC_OK)
        return lac_cli_train_failed(r, &err);
    status = take_exemplars(r);
    if (status < 0)
        status = take_files(r);
    feedback = lac_head_data_feedback(r->data);
    if (status < 0 && feedback > 0)
        status = join_feedback(r);
    if (status < 0 && lac_head_data_finish(r->data, &err) != LAC_OK)
        status = lac_cli_train_failed(r, &err);
    if (status < 0 && lac_head_data_count(r->data) == 0)
        status = lac_tool_fail(r->t, LAC_EXIT_USAGE, "there are no labelled texts",
                               "Put them into exemplars/NAME.jsonl of the pack, or give --data.");
    if (status < 0 && lac_head_data_waiting(r->data) > 0)
        lac_tool_warn(r->t, "%zu events with feedback have no text here: give --requests",
                      lac_head_data_waiting(r->data));
    if (status < 0)
        tell_of_base(r);
    return status < 0 && feedback > 0 ? keep_feedback(r) : status;
}
