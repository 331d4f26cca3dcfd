/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_cli.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "lac_pg_migrate.h"

static void done(void *ctx, const struct lac_pg_migration *m)
{
    (void)ctx;
    printf("applied %03d %s\n", m->version, m->name);
    fflush(stdout);
}

static int dry_run(const struct lac_tool *t, struct lac_pg *pg, const struct lac_pg_migration *all,
                   size_t count)
{
    struct lac_pg_migration *state = calloc(count, sizeof(*state));
    struct lac_err err;
    size_t open = 0;

    if (!state)
        return lac_tool_fail(t, LAC_EXIT_FAILURE, "out of memory", NULL);
    if (lac_pg_migrations_state(pg, all, count, state, &err) != LAC_OK) {
        free(state);
        return lac_tool_dependency(t, &err, NULL);
    }
    for (size_t i = 0; i < count; i++) {
        printf("%s %03d %s\n", state[i].applied ? "applied" : "missing", state[i].version,
               state[i].name);
        open += !state[i].applied;
    }
    free(state);
    return open ? LAC_EXIT_NEGATIVE : LAC_EXIT_OK;
}

static int migrate(const struct lac_tool *t, bool dry)
{
    size_t count, applied = 0;
    const struct lac_pg_migration *all = lac_pg_migrations(&count);
    struct lac_pg *pg;
    struct lac_err err;
    int status = lac_cli_postgres(t, &pg);

    if (status >= 0)
        return status;
    if (dry)
        status = dry_run(t, pg, all, count);
    else if (lac_pg_migrate(pg, all, count, done, NULL, &applied, &err) != LAC_OK)
        status = lac_tool_dependency(t, &err, NULL);
    else if (applied == 0)
        puts("nothing to do: the database has this version's schema");
    lac_pg_close(pg);
    if (status < 0)
        status = LAC_EXIT_OK;
    return fflush(stdout) == 0 ? status : lac_tool_output_failed(t, errno);
}

int lac_cli_migrate(int argc, char **argv)
{
    bool dry = false;
    const struct lac_args_option options[] = {
        {'n', "dry-run", LAC_ARGS_SWITCH, &dry, NULL, "Say what is missing, change nothing", 0, 0},
    };
    const struct lac_tool_command command = {
        .name = "lacuna migrate",
        .usage = "[OPTION]...",
        .summary = "Bring the database of postgres.url to this version's schema.",
        .details =
            "Only forward, each step in one transaction, safe to run from several places at\n"
            "once and again.",
        .examples = "  lacuna migrate --dry-run\n"
                    "  lacuna migrate --postgres-url postgresql://owner@db/lacuna\n",
        .negative = "--dry-run found something missing",
        .options = options,
        .option_count = LAC_COUNT(options),
    };
    struct lac_tool t;
    int status = lac_tool_open(&t, &command, argc, argv);

    if (status < 0)
        status = migrate(&t, dry);
    lac_tool_close(&t);
    return status;
}
