/* SPDX-License-Identifier: Apache-2.0 */
/* Goal: what Postgres says becomes the right answer for the caller, and rows are the exact bytes
 * of COPY's binary format. */
#include "lac_pg.h"

#include <stdio.h>
#include <string.h>

#include "lac_buf.h"
#include "lac_pg_copy.h"
#include "lac_pg_migrate.h"

#include "lac_test.h"

static const struct {
    const char *sqlstate;
    enum lac_status status;
} states[] = {
    {"08000", LAC_RETRY},  {"08006", LAC_RETRY},  {"40001", LAC_RETRY},  {"40P01", LAC_RETRY},
    {"53100", LAC_RETRY},  {"53300", LAC_RETRY},  {"57014", LAC_RETRY},  {"57P01", LAC_RETRY},
    {"57P03", LAC_RETRY},  {"25006", LAC_RETRY},  {"25P03", LAC_RETRY},  {"55P03", LAC_RETRY},
    {"22021", LAC_REJECT}, {"22P05", LAC_REJECT}, {"23502", LAC_REJECT}, {"23505", LAC_REJECT},
    {"54000", LAC_REJECT}, {"42P01", LAC_FATAL},  {"42501", LAC_FATAL},  {"28P01", LAC_FATAL},
    {"3D000", LAC_FATAL},  {"25P02", LAC_FATAL},  {"58030", LAC_FATAL},  {"XX001", LAC_FATAL},
    {"", LAC_RETRY},       {NULL, LAC_RETRY},
};

static void each_class_of_sqlstate_has_its_status(void)
{
    for (size_t i = 0; i < LAC_COUNT(states); i++) {
        lac_test_row("%s", states[i].sqlstate ? states[i].sqlstate : "NULL");
        LAC_TEST_EQ(lac_pg_status_of(states[i].sqlstate), states[i].status);
    }
}

static void unique_violation_is_told_apart(void)
{
    CU_ASSERT(LAC_PG_UNIQUE_VIOLATION != LAC_PG_CHECK_VIOLATION);
    CU_ASSERT(LAC_PG_UNIQUE_VIOLATION != LAC_PG_SQLSTATE('2', '3', '5', '0', '3'));
    CU_ASSERT(LAC_PG_UNIQUE_VIOLATION != 0);
}

/* The hex of what was put since the last call. */
static const char *hex_of(struct lac_buf *b)
{
    static char out[1024];

    LAC_TEST_NEED(lac_buf_ok(b) && b->len * 2 < sizeof(out));
    lac_hex_encode(out, b->ptr, b->len);
    lac_buf_reset(b);
    return out;
}

static void fields_are_the_bytes_of_the_protocol(void)
{
    static const uint8_t uuid[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
    const struct lac_str items[] = {LAC_STR("a"), LAC_STR("bc")};
    char memory[512];
    struct lac_buf b;

    lac_buf_init_fixed(&b, memory, sizeof(memory));
    lac_pg_put_row(&b, 3);
    LAC_TEST_STR(hex_of(&b), "0003");
    lac_pg_put_null(&b);
    LAC_TEST_STR(hex_of(&b), "ffffffff");
    lac_pg_put_bool(&b, true);
    LAC_TEST_STR(hex_of(&b), "0000000101");
    lac_pg_put_int(&b, 258);
    LAC_TEST_STR(hex_of(&b), "0000000400000102");
    lac_pg_put_bigint(&b, -1);
    LAC_TEST_STR(hex_of(&b), "00000008ffffffffffffffff");
    lac_pg_put_text(&b, LAC_STR("hi"));
    LAC_TEST_STR(hex_of(&b), "000000026869");
    lac_pg_put_text(&b, LAC_STR(""));
    LAC_TEST_STR(hex_of(&b), "00000000");
    lac_pg_put_text(&b, LAC_STR_NULL);
    LAC_TEST_STR(hex_of(&b), "ffffffff");
    lac_pg_put_uuid(&b, uuid);
    LAC_TEST_STR(hex_of(&b), "000000100102030405060708090a0b0c0d0e0f10");
    lac_pg_put_time_us(&b, INT64_C(946684800000001)); /* one microsecond into 2000 */
    LAC_TEST_STR(hex_of(&b), "000000080000000000000001");
    lac_pg_put_text_array(&b, items, 2, 64);
    LAC_TEST_STR(hex_of(&b), "0000001f000000010000000100000019"
                             "000000020000000100000001610000000262"
                             "63");
    lac_pg_put_text_array(&b, NULL, 0, 64);
    LAC_TEST_STR(hex_of(&b), "0000000c000000000000000100000019");
    size_t mark = lac_pg_open_jsonb(&b);
    lac_buf_put_text(&b, "[]");
    lac_pg_close_field(&b, mark);
    LAC_TEST_STR(hex_of(&b), "00000003015b5d");
}

static void text_is_made_fit_for_a_column(void)
{
    char memory[64];
    struct lac_buf b;

    lac_buf_init_fixed(&b, memory, sizeof(memory));
    lac_pg_put_text(&b, (struct lac_str){"a\0b\0", 4});
    LAC_TEST_STR(hex_of(&b), "00000008"
                             "61efbfbd62efbfbd");
    lac_pg_put_text_cut(&b, LAC_STR("abc"), 3);
    LAC_TEST_STR(hex_of(&b), "00000003616263");
    lac_pg_put_text_cut(&b, LAC_STR("ab\xe2\x82\xac"), 4); /* not inside the euro sign */
    LAC_TEST_STR(hex_of(&b), "000000026162");
    lac_pg_put_text_cut(&b, LAC_STR("ab\xe2\x82\xac"), 5);
    LAC_TEST_STR(hex_of(&b), "000000056162e282ac");
}

static void absurd_times_are_clamped(void)
{
    char memory[64];
    struct lac_buf b;

    lac_buf_init_fixed(&b, memory, sizeof(memory));
    lac_pg_put_time_us(&b, INT64_MIN);
    LAC_TEST_STR(hex_of(&b), "00000008ff1fe2ffc59c6000");
    lac_pg_put_time_us(&b, INT64_MAX);
    LAC_TEST_STR(hex_of(&b), "000000080380e70b913b7fff");
}

static void row_that_does_not_fit_says_so(void)
{
    char memory[16];
    struct lac_buf b;

    lac_buf_init_fixed(&b, memory, sizeof(memory));
    size_t mark = lac_pg_open_text_array(&b);
    lac_pg_put_text(&b, LAC_STR("longer than the buffer"));
    lac_pg_close_text_array(&b, mark, 1);
    CU_ASSERT(!lac_buf_ok(&b));
}

static const char *const unreadable[] = {
    "postgresql://me:s3cret@host:notaport/db",
    "postgresql://me:s3cret@host:5432/db?nosuchoption=1",
    /* Part of the password is the host, or the port. */
    "postgresql://me:p@s3cret@host/db",
    "postgresql://me:s3cret/x@host/db",
    "postgresql://me:x@one,s3cret@host/db",
};

static void unreadable_url_is_fatal_and_not_quoted(void)
{
    for (size_t i = 0; i < LAC_COUNT(unreadable); i++) {
        struct lac_pg_options o = {.url = unreadable[i]};
        struct lac_pg *pg = NULL;
        struct lac_err err = {0};

        lac_test_row("%s", unreadable[i]);
        LAC_TEST_EQ(lac_pg_connect(&pg, &o, &err), LAC_FATAL);
        CU_ASSERT(strstr(err.text, "s3cret") == NULL);
    }
}

static void nobody_there_is_retry(void)
{
    struct lac_pg_options o = {.url = "postgresql+asyncpg://me:s3cret@127.0.0.1:1/db",
                               .password = "hidden",
                               .connect_timeout_ms = 1000};
    struct lac_pg *pg = NULL;
    struct lac_err err = {0};

    LAC_TEST_EQ(lac_pg_connect(&pg, &o, &err), LAC_RETRY);
    CU_ASSERT(strstr(err.text, "s3cret") == NULL && strstr(err.text, "hidden") == NULL);
    CU_ASSERT(pg == NULL);
}

static void migrations_are_numbered_without_a_gap(void)
{
    size_t count = 0;
    const struct lac_pg_migration *all = lac_pg_migrations(&count);

    CU_ASSERT(count > 0);
    for (size_t i = 0; i < count; i++) {
        LAC_TEST_EQ(all[i].version, i + 1);
        LAC_TEST_EQ(strlen(all[i].sha256), 64);
        CU_ASSERT(strlen(all[i].sql) > 0 && strlen(all[i].name) > 0);
    }
}

LAC_TEST_MAIN(pg, each_class_of_sqlstate_has_its_status, unique_violation_is_told_apart,
              fields_are_the_bytes_of_the_protocol, text_is_made_fit_for_a_column,
              absurd_times_are_clamped, row_that_does_not_fit_says_so,
              unreadable_url_is_fatal_and_not_quoted, nobody_there_is_retry,
              migrations_are_numbered_without_a_gap)
