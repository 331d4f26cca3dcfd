/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_publish_private.h"

#include <errno.h>

#include "lac_clock.h"
#include "lac_pg.h"
#include "lac_signal.h"
#include "lac_table.h"

enum { ASK_MS = 100, STATEMENT_MS = 30000 };

static int print_table(struct lac_publish *r, struct lac_pg *pg)
{
    static const struct lac_table_column columns[] = {
        {.title = "TEXT", .shrinks = true, .limit = 48},
        {.title = "TIER"},
        {.title = "CONFIDENCE", .right = true},
        {.title = "WHY", .shrinks = true},
        {.title = "ROUTE", .shrinks = true},
    };
    struct lac_table table;
    struct lac_buf b;
    struct lac_err err;
    int exit_status = LAC_EXIT_OK;

    lac_table_init(&table, columns, LAC_COUNT(columns), LAC_PUBLISH_TEXTS_MAX);
    lac_buf_init(&b, 16 << 20);
    if (lac_publish_wait_table(r->wait, pg, &table, &err) != LAC_OK) {
        exit_status = lac_tool_dependency(r->t, &err, NULL);
    } else {
        lac_table_print(&table, &r->t->out, &b);
        if (!lac_term_flush(&r->t->out, &b))
            exit_status = lac_tool_output_failed(r->t, errno);
    }
    lac_buf_deinit(&b);
    lac_table_deinit(&table);
    return exit_status;
}

static enum lac_status connect(const struct lac_publish *r, struct lac_pg **pg, struct lac_err *err)
{
    const struct lac_conf *c = r->t->conf;
    struct lac_pg_options o = {
        .url = lac_conf_text(c, "postgres.url"),
        .password = lac_conf_text(c, "postgres.password"),
        .application = "lacuna-publish",
        .connect_timeout_ms = (uint32_t)lac_conf_number(c, "postgres.connect_timeout_ms"),
        .statement_timeout_ms = STATEMENT_MS,
    };

    return lac_pg_connect(pg, &o, err);
}

/* Asks until nothing is missing, the time is up or a signal comes. A Postgres that is away is
 * waited for as well: its restart is no reason to give up on records that are safe. `*pg` is
 * the connection at the end, NULL when there is none. */
static enum lac_status wait_for(struct lac_publish *r, struct lac_pg **pg, size_t *missing,
                                struct lac_err *err)
{
    uint64_t end = lac_clock_mono_ms() + r->o->wait_ms;
    size_t all = lac_publish_wait_count(r->wait);
    enum lac_status status;

    for (;;) {
        status = *pg ? LAC_OK : connect(r, pg, err);
        if (status == LAC_OK)
            status = lac_publish_wait_ask(r->wait, *pg, missing, err);
        if (status == LAC_RETRY) {
            lac_pg_close(*pg);
            *pg = NULL;
        }
        if ((status == LAC_OK && *missing == 0) || (status != LAC_OK && status != LAC_RETRY) ||
            lac_clock_mono_ms() >= end || lac_signal_came())
            break;
        if (!r->o->quiet)
            lac_progress_bar(&r->progress, all - *missing, all,
                             status == LAC_OK ? "decided" : "decided; waiting for Postgres");
        lac_clock_sleep_ms(ASK_MS);
    }
    lac_progress_clear(&r->progress);
    return status;
}

int lac_publish_wait_and_show(struct lac_publish *r, size_t *missing)
{
    struct lac_pg *pg = NULL;
    struct lac_err err;
    int exit_status = LAC_EXIT_OK;

    *missing = lac_publish_wait_count(r->wait);
    if (r->wait_status != LAC_OK)
        return lac_tool_fail(r->t, LAC_EXIT_FAILURE, r->wait_err.text, NULL);
    if (wait_for(r, &pg, missing, &err) != LAC_OK)
        exit_status = lac_tool_dependency(r->t, &err, NULL);
    else if (r->o->table)
        exit_status = print_table(r, pg);
    lac_pg_close(pg);
    return exit_status;
}
