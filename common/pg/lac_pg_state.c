/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_pg.h"

#include <string.h>

/* First match wins; single codes stand before their class. */
static const struct {
    const char *prefix;
    enum lac_status status;
} table[] = {
    {"25006", LAC_RETRY},  /* read-only: a standby that is being promoted */
    {"25P03", LAC_RETRY},  /* the server ended an idle transaction: we were frozen */
    {"55P03", LAC_RETRY},  /* lock_timeout */
    {"54000", LAC_REJECT}, /* one row past a limit of the server, such as an index entry's size */
    {"08", LAC_RETRY},     /* connection */
    {"40", LAC_RETRY},     /* serialisation failure, deadlock */
    {"53", LAC_RETRY},     /* out of memory, disk or connections */
    {"57", LAC_RETRY},     /* shutdown, cancelled, starting up */
    {"22", LAC_REJECT},    /* data */
    {"23", LAC_REJECT},    /* integrity */
};

enum lac_status lac_pg_status_of(const char *sqlstate)
{
    if (!sqlstate || strlen(sqlstate) != 5)
        return LAC_RETRY;
    for (size_t i = 0; i < LAC_COUNT(table); i++)
        if (strncmp(sqlstate, table[i].prefix, strlen(table[i].prefix)) == 0)
            return table[i].status;
    return LAC_FATAL;
}
