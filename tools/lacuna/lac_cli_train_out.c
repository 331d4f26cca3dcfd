/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a training measured, for people and machines, and the files that it leaves in the pack: all
 * of them, or none where there is no room. Should the machine stop between two, the pack is refused
 * and not misread: head.json, which holds the hash of exemplars.vec, comes last.
 */
#include "lac_cli_train.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lac_digest.h"
#include "lac_file.h"
#include "lac_json.h"
#include "lac_table.h"

enum { REPORT_MAX = 1 << 20 };

/* ---- for machines, and for head.json ---- */

static void put_count(struct lac_json_writer *w, const char *key, uint64_t value)
{
    lac_json_key(w, key);
    lac_json_put_uint(w, value);
}

/* To a millionth: what is further behind is noise, and would make files differ for nothing. */
static void put_real(struct lac_json_writer *w, const char *key, double value)
{
    char text[64];

    snprintf(text, sizeof(text), "%.6f", value);
    lac_json_key(w, key);
    lac_json_put_raw(w, lac_str_from(text));
}

static void put_per_tier(struct lac_json_writer *w, const char *key,
                         const double values[LAC_TIER_COUNT], int from, int to)
{
    lac_json_key(w, key);
    lac_json_open_object(w);
    for (int t = from; t < to; t++)
        put_real(w, lac_tier_name((enum lac_tier)t), values[t]);
    lac_json_close_object(w);
}

static void put_held_out(struct lac_json_writer *w, const struct lac_head_measured *m)
{
    lac_json_key(w, "held_out");
    lac_json_open_object(w);
    put_real(w, "accuracy", m->accuracy);
    put_real(w, "macro_f1", m->f1);
    put_real(w, "loss", m->loss);
    put_real(w, "calibration_error", m->calibration);
    put_real(w, "leak", m->leak);
    put_real(w, "over_block", m->block);
    put_per_tier(w, "leaks", m->leaks, LAC_TIER_INTERNAL, LAC_TIER_COUNT);
    put_per_tier(w, "over_blocks", m->blocks, LAC_TIER_PUBLIC, LAC_TIER_PROPRIETARY);
    lac_json_close_object(w);
}

static void put_domains(const struct lac_cli_train *r, struct lac_json_writer *w)
{
    lac_json_key(w, "domains");
    lac_json_open_object(w);
    for (uint32_t d = 0; d < lac_head_data_domains(r->data); d++) {
        lac_json_key_str(w, lac_head_data_domain(r->data, d));
        lac_json_open_object(w);
        put_count(w, "texts", r->domain_texts[d]);
        put_real(w, "macro_f1", r->best->report.domain_f1[d]);
        lac_json_close_object(w);
    }
    lac_json_close_object(w);
}

static void put_report(const struct lac_cli_train *r, struct lac_buf *b)
{
    const struct lac_head_report *report = &r->best->report;
    double bounds[LAC_TIER_COUNT];
    struct lac_json_writer w;

    lac_json_begin(&w, b);
    lac_json_open_object(&w);
    put_count(&w, "texts", report->count);
    lac_json_key(&w, "tiers");
    lac_json_open_object(&w);
    for (int t = 0; t < LAC_TIER_COUNT; t++) {
        put_count(&w, lac_tier_name((enum lac_tier)t), report->tiers[t]);
        bounds[t] = r->bound[t] / 1e6;
    }
    lac_json_close_object(&w);
    put_domains(r, &w);
    put_count(&w, "doubles", lac_head_data_doubles(r->data));
    put_count(&w, "cut", r->cut);
    lac_json_key(&w, "by_seed");
    lac_json_put_bool(&w, report->folds);
    lac_json_key(&w, "tried");
    lac_json_open_array(&w);
    for (size_t i = 0; i < r->trial_count; i++) {
        lac_json_open_object(&w);
        put_count(&w, "layers", r->trials[i].layers);
        put_real(&w, "loss", r->trials[i].report.held_out.loss);
        put_real(&w, "macro_f1", r->trials[i].report.held_out.f1);
        put_real(&w, "over_block", r->trials[i].report.held_out.block);
        lac_json_close_object(&w);
    }
    lac_json_close_array(&w);
    put_count(&w, "layers", r->best->layers);
    put_real(&w, "sharpness", report->sharpness);
    put_real(&w, "ridge", report->ridge);
    put_real(&w, "word_share", report->word_share);
    put_real(&w, "regression_ridge", report->logistic_ridge);
    put_count(&w, "words", report->words);
    put_per_tier(&w, "bounds", bounds, LAC_TIER_INTERNAL, LAC_TIER_COUNT);
    put_held_out(&w, &report->held_out);
    put_real(&w, "refused", report->gate);
    lac_json_close_object(&w);
}

/* ---- for people ---- */

static void put_tried(const struct lac_cli_train *r, struct lac_buf *b)
{
    static const struct lac_table_column columns[] = {{"layers", true, false, 0},
                                                      {"loss", true, false, 0},
                                                      {"macro-F1", true, false, 0},
                                                      {"over-block", true, false, 0}};
    struct lac_table table;

    lac_table_init(&table, columns, LAC_COUNT(columns), LAC_CLI_TRAIN_TRIALS);
    for (size_t i = 0; i < r->trial_count; i++) {
        const struct lac_cli_train_trial *trial = &r->trials[i];
        enum lac_style style = trial == r->best ? LAC_STYLE_BOLD : LAC_STYLE_NONE;

        lac_table_addf(&table, style, "%u", trial->layers);
        lac_table_addf(&table, style, "%.4f", trial->report.held_out.loss);
        lac_table_addf(&table, style, "%.4f", trial->report.held_out.f1);
        lac_table_addf(&table, style, "%.4f", trial->report.held_out.block);
    }
    lac_term_put(&r->t->out, b, LAC_STYLE_BOLD, "\nLayers of the encoder\n");
    lac_table_print(&table, &r->t->out, b);
    lac_table_deinit(&table);
}

static void put_held_out_people(const struct lac_cli_train *r, struct lac_buf *b)
{
    const struct lac_head_report *report = &r->best->report;
    const struct lac_head_measured *m = &report->held_out;

    lac_term_put(&r->t->out, b, LAC_STYLE_BOLD,
                 report->folds ? "\nOn a fifth held out, in turn\n"
                               : "\nOn each domain held out, in turn\n");
    lac_buf_printf(b, "%-18s%.4f\n%-18s%.4f\n%-18s%.4f\n", "accuracy", m->accuracy, "macro-F1",
                   m->f1, "calibration error", m->calibration);
    for (uint32_t d = 0; d < lac_head_data_domains(r->data); d++)
        lac_buf_printf(b, "  %-16.*s%.4f macro-F1, %u texts\n",
                       LAC_STR_FMT(lac_head_data_domain(r->data, d)), report->domain_f1[d],
                       r->domain_texts[d]);
    lac_term_put(&r->t->out, b, LAC_STYLE_BOLD, "\nGuarded, by the conservative matrix\n");
    lac_buf_printf(b, "%-18s%.4f (%s %.4f of at most %.4f, %s %.4f of at most %.4f)\n", "leaks",
                   m->leak, lac_tier_name(LAC_TIER_INTERNAL), m->leaks[1], r->bound[1] / 1e6,
                   lac_tier_name(LAC_TIER_PROPRIETARY), m->leaks[2], r->bound[2] / 1e6);
    lac_buf_printf(b, "%-18s%.4f (%s %.4f, %s %.4f)\n", "over-blocks", m->block,
                   lac_tier_name(LAC_TIER_PUBLIC), m->blocks[0], lac_tier_name(LAC_TIER_INTERNAL),
                   m->blocks[1]);
    lac_buf_printf(b, "%-18s%.4f of them\n", "refused by gate", report->gate);
}

static void put_people(const struct lac_cli_train *r, struct lac_buf *b)
{
    const struct lac_head_report *report = &r->best->report;

    lac_buf_printf(b, "%u texts (%u %s, %u %s, %u %s) of %u domain%s; model %s, %u words\n",
                   report->count, report->tiers[0], lac_tier_name(LAC_TIER_PUBLIC),
                   report->tiers[1], lac_tier_name(LAC_TIER_INTERNAL), report->tiers[2],
                   lac_tier_name(LAC_TIER_PROPRIETARY), report->domains,
                   report->domains == 1 ? "" : "s", r->name, report->words);
    if (r->from_base > 0)
        lac_buf_printf(b, "%zu of them are the base pack's: --own leaves those out\n",
                       r->from_base);
    put_tried(r, b);
    put_held_out_people(r, b);
    if (r->cut)
        lac_buf_printf(b, "%zu texts are longer than the model's window: their first one counts\n",
                       r->cut);
}

/* ---- files ---- */

static int make_folder(const struct lac_cli_train *r, const char *name)
{
    char path[PATH_MAX], what[PATH_MAX + 256];

    if (snprintf(path, sizeof(path), "%s/%s", r->t->operands[0], name) >= PATH_MAX)
        return lac_tool_fail(r->t, LAC_EXIT_USAGE, "the pack's path is too long", NULL);
    if (mkdir(path, 0777) == 0 || errno == EEXIST)
        return -1;
    snprintf(what, sizeof(what), "%s: %s", path, lac_errno_text(errno));
    return lac_tool_fail(r->t, LAC_EXIT_FAILURE, what, NULL);
}

/* What is to be written, in this order. */
struct files {
    struct lac_file_part parts[LAC_ARGS_LIST_MAX + 3]; /* feedback, vectors, head */
    char paths[LAC_ARGS_LIST_MAX + 3][PATH_MAX];
    size_t count;
};

static int add_file(const struct lac_cli_train *r, struct files *f, const char *folder,
                    struct lac_str name, const char *suffix, struct lac_str data)
{
    char *path = f->paths[f->count];

    if (snprintf(path, PATH_MAX, "%s/%s/%.*s%s", r->t->operands[0], folder, LAC_STR_FMT(name),
                 suffix) >= PATH_MAX)
        return lac_tool_fail(r->t, LAC_EXIT_USAGE, "the pack's path is too long", NULL);
    f->parts[f->count++] = (struct lac_file_part){path, data};
    return -1;
}

static int add_exemplars(struct lac_cli_train *r, struct files *f)
{
    int status = -1;

    if (r->file_count > 0 || r->feedback.len > 0)
        status = make_folder(r, "exemplars");
    for (size_t i = 0; i < r->file_count && status < 0; i++)
        status = add_file(r, f, "exemplars", r->files[i].stem, ".jsonl",
                          lac_buf_str(&r->files[i].bytes));
    if (status < 0 && r->feedback.len > 0)
        status =
            add_file(r, f, "exemplars", LAC_STR("feedback"), ".jsonl", lac_buf_str(&r->feedback));
    return status;
}

static int write_files(struct lac_cli_train *r, struct lac_str report)
{
    unsigned char hash[LAC_HEAD_HASH_SIZE];
    struct files *f = calloc(1, sizeof(*f));
    struct lac_buf json;
    struct lac_err err;
    int status;

    if (!f)
        return lac_tool_fail(r->t, LAC_EXIT_FAILURE, "no memory", NULL);
    lac_buf_init(&json, LAC_HEAD_JSON_MAX);
    lac_sha256(hash, r->best->vec.ptr, r->best->vec.len);
    lac_head_params_write(&r->best->params, hash, report, &json);
    status = lac_buf_ok(&json)
                 ? add_exemplars(r, f)
                 : lac_tool_fail(r->t, LAC_EXIT_FAILURE, "the head is too large", NULL);
    if (status < 0)
        status = make_folder(r, "semantic");
    if (status < 0)
        status =
            add_file(r, f, "semantic", LAC_STR("exemplars"), ".vec", lac_buf_str(&r->best->vec));
    if (status < 0)
        status = add_file(r, f, "semantic", LAC_STR("head"), ".json", lac_buf_str(&json));
    if (status < 0 && lac_file_replace_all(f->parts, f->count, &err) != LAC_OK)
        status = lac_cli_train_failed(r, &err);
    lac_buf_deinit(&json);
    free(f);
    return status;
}

/* (0 + 1) / (n + 1) is the least risk that n texts can show. */
static void warn_of_few(const struct lac_cli_train *r)
{
    for (int t = LAC_TIER_INTERNAL; t < LAC_TIER_COUNT; t++) {
        uint32_t least = (1000000 + r->bound[t] - 1) / r->bound[t] - 1;

        if (r->best->report.tiers[t] < least)
            lac_tool_warn(r->t,
                          "%u %s texts: at most %g %% of leaks can't be shown with fewer than %u, "
                          "so that everything becomes %s or stricter; see --leak",
                          r->best->report.tiers[t], lac_tier_name((enum lac_tier)t),
                          r->bound[t] / 1e4, least, lac_tier_name((enum lac_tier)t));
    }
}

int lac_cli_train_write(struct lac_cli_train *r)
{
    struct lac_buf report, out;
    int status = -1;

    for (size_t i = 0; i < lac_head_data_count(r->data); i++)
        r->domain_texts[lac_head_data_at(r->data, i)->domain]++;
    lac_buf_init(&report, REPORT_MAX);
    lac_buf_init(&out, REPORT_MAX);
    warn_of_few(r);
    put_report(r, &report);
    if (r->o->json) {
        lac_buf_put_str(&out, lac_buf_str(&report));
        lac_buf_put_char(&out, '\n');
    } else {
        put_people(r, &out);
    }
    if (!r->o->dry_run)
        status = write_files(r, lac_buf_str(&report));
    if (status < 0)
        status = lac_cli_flush(r->t, &out);
    lac_buf_deinit(&report);
    lac_buf_deinit(&out);
    return status;
}
