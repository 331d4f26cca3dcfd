/* SPDX-License-Identifier: Apache-2.0 */
/* Goal: the pieces everything stands on keep their promises at the edges. */
#include "lac_buf.h"
#include "lac_clock.h"
#include "lac_err.h"
#include "lac_file.h"
#include "lac_signal.h"
#include "lac_str.h"
#include "lac_thread.h"
#include "lac_tier.h"
#include "lac_trace.h"
#include "lac_utf8.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lac_test.h"

static ino_t synced[2]; /* what fsync() was called for last, and before */

/* NOLINTBEGIN(readability-identifier-naming): the linker's names */
int __real_fsync(int fd);
int __wrap_fsync(int fd);
struct dirent *__real_readdir(DIR *dir);
struct dirent *__wrap_readdir(DIR *dir);

int __wrap_fsync(int fd)
{
    struct stat st;

    LAC_TEST_NEED(fstat(fd, &st) == 0);
    synced[1] = synced[0];
    synced[0] = st.st_ino;
    return __real_fsync(fd);
}

/* As a file system that does not say what its entries are. */
struct dirent *__wrap_readdir(DIR *dir)
{
    struct dirent *entry = __real_readdir(dir); /* NOLINT(concurrency-mt-unsafe): its own stream */

    if (entry)
        entry->d_type = DT_UNKNOWN;
    return entry;
}

/* NOLINTEND(readability-identifier-naming) */

static void join_is_a_lattice(void)
{
    for (int a = 0; a < LAC_TIER_COUNT; a++) {
        for (int b = 0; b < LAC_TIER_COUNT; b++) {
            enum lac_tier j = lac_tier_join((enum lac_tier)a, (enum lac_tier)b);

            LAC_TEST_EQ(j, lac_tier_join((enum lac_tier)b, (enum lac_tier)a));
            CU_ASSERT((int)j >= a && (int)j >= b && ((int)j == a || (int)j == b));
            for (int c = 0; c < LAC_TIER_COUNT; c++)
                LAC_TEST_EQ(lac_tier_join(j, (enum lac_tier)c),
                            lac_tier_join((enum lac_tier)a,
                                          lac_tier_join((enum lac_tier)b, (enum lac_tier)c)));
        }
    }
}

static void tier_names_are_read_back(void)
{
    enum lac_tier t = LAC_TIER_PUBLIC;

    CU_ASSERT(lac_tier_parse(LAC_STR("proprietary"), &t));
    LAC_TEST_EQ(t, LAC_TIER_PROPRIETARY);
    CU_ASSERT(!lac_tier_parse(LAC_STR("SECRET"), &t));
    LAC_TEST_EQ(t, LAC_TIER_PROPRIETARY);
}

static const struct {
    const char *text;
    bool ok;
    uint64_t value;
} numbers[] = {
    {"0", true, 0},   {"18446744073709551615", true, UINT64_MAX},
    {"", false, 0},   {"18446744073709551616", false, 0},
    {"-1", false, 0}, {" 1", false, 0},
    {"1x", false, 0},
};

static void numbers_are_digits_and_nothing_else(void)
{
    int64_t i = 0;

    for (size_t n = 0; n < LAC_COUNT(numbers); n++) {
        uint64_t v = 0;

        lac_test_row("\"%s\"", numbers[n].text);
        LAC_TEST_EQ(lac_str_to_u64(lac_str_from(numbers[n].text), &v), numbers[n].ok);
        LAC_TEST_EQ(v, numbers[n].value);
    }
    CU_ASSERT(lac_str_to_i64(LAC_STR("-9223372036854775808"), &i));
    CU_ASSERT(i == INT64_MIN);
    CU_ASSERT(!lac_str_to_i64(LAC_STR("9223372036854775808"), &i));
}

static const struct {
    const char *bytes;
    size_t len, prefix;
} utf8[] = {
    {"plain ascii, longer than a word", 31, 31},
    {"gr\xc3\xbc\xc3\x9f", 6, 6},
    {"\xc0\xaf", 2, 0},         /* overlong */
    {"a\xe0\x80\x80", 4, 1},    /* overlong */
    {"\xed\xa0\x80", 3, 0},     /* surrogate */
    {"\xf4\x90\x80\x80", 4, 0}, /* above U+10FFFF */
    {"\xf0\x9f\x98\x80", 4, 4}, /* outside the BMP */
    {"ok\xe2\x82", 4, 2},       /* cut short */
    {"", 0, 0},
};

static void only_well_formed_utf8_passes(void)
{
    for (size_t i = 0; i < LAC_COUNT(utf8); i++) {
        lac_test_row("case %zu", i);
        LAC_TEST_EQ(lac_utf8_valid_prefix((struct lac_str){utf8[i].bytes, utf8[i].len}),
                    utf8[i].prefix);
    }
}

static void every_scalar_value_round_trips(void)
{
    int bad = 0;

    for (uint32_t code = 0; code < 0x110000; code++) {
        char bytes[4];
        size_t at = 0, n;

        if (code >= 0xD800 && code <= 0xDFFF)
            continue;
        n = lac_utf8_put(bytes, code);
        bad += lac_utf8_next((struct lac_str){bytes, n}, &at) != code || at != n;
    }
    LAC_TEST_EQ(bad, 0);
}

static void buffer_stops_at_its_limit_and_says_so(void)
{
    struct lac_buf b;

    lac_buf_init(&b, 300);
    for (int i = 0; i < 40; i++)
        lac_buf_put_text(&b, "0123456789");
    CU_ASSERT(!lac_buf_ok(&b));
    LAC_TEST_EQ(b.len, 300);
    lac_buf_reset(&b);
    lac_buf_printf(&b, "%d-%s", 7, "x");
    LAC_TEST_STR(lac_buf_cstr(&b), "7-x");
    lac_buf_deinit(&b);
}

static void hex_of_every_byte_and_length(void)
{
    unsigned char in[256];
    char text[2 * sizeof(in) + 1], want[8];

    for (size_t i = 0; i < sizeof(in); i++)
        in[i] = (unsigned char)i;
    for (size_t n = 0; n <= sizeof(in); n++) {
        memset(text, '!', sizeof(text));
        lac_hex_encode(text, in, n);
        CU_ASSERT_EQUAL(strlen(text), 2 * n);
        for (size_t i = 0; i < n; i++) {
            (void)snprintf(want, sizeof(want), "%02x", (unsigned)i);
            CU_ASSERT(memcmp(text + 2 * i, want, 2) == 0);
        }
    }
}

static void hex_is_read_back(void)
{
    unsigned char in[4] = {0x00, 0x9f, 0xff, 0x10}, out[4];
    char text[9];

    lac_hex_encode(text, in, sizeof(in));
    LAC_TEST_STR(text, "009fff10");
    CU_ASSERT(lac_hex_decode(out, sizeof(out), lac_str_from("009FfF10")));
    LAC_TEST_EQ(memcmp(in, out, sizeof(in)), 0);
    CU_ASSERT(!lac_hex_decode(out, sizeof(out), lac_str_from("009FfF1")));
    CU_ASSERT(!lac_hex_decode(out, sizeof(out), lac_str_from("009FfF1g")));
}

static void time_is_formatted_in_utc(void)
{
    char text[LAC_CLOCK_TEXT_SIZE];

    lac_clock_format(text, 1795239180123);
    LAC_TEST_STR(text, "2026-11-21T05:33:00.123Z");
    lac_clock_format(text, -1);
    LAC_TEST_STR(text, "1969-12-31T23:59:59.999Z");
    lac_clock_format(text, -1000);
    LAC_TEST_STR(text, "1969-12-31T23:59:59.000Z");
    lac_clock_format(text, INT64_MIN); /* a record's timestamp is its sender's choice */
    LAC_TEST_STR(text, "-292275055-05-16T16:47:04.192Z");
    lac_clock_format(text, INT64_MAX);
    LAC_TEST_STR(text, "292278994-08-17T07:12:55.807Z");
}

static void an_errno_value_has_a_text(void)
{
    errno = EDOM;
    LAC_TEST_STR(lac_errno_text(ENOENT), "No such file or directory");
    LAC_TEST_STR(lac_errno_text(-1), "unknown error");
    LAC_TEST_EQ(errno, EDOM);
}

static void held_signals_are_asked_for(void)
{
    lac_signal_hold();
    CU_ASSERT(!lac_signal_came());
    LAC_TEST_EQ(raise(SIGTERM), 0);
    CU_ASSERT(lac_signal_came());
    CU_ASSERT(!lac_signal_came());
}

static void *own_mask(void *ctx)
{
    (void)pthread_sigmask(SIG_SETMASK, NULL, ctx);
    return NULL;
}

static void signals_pass_by_a_thread(void)
{
    struct lac_err err = {0};
    sigset_t in_thread, after;
    pthread_t thread;

    LAC_TEST_NEED(lac_thread_start(&thread, own_mask, &in_thread, &err) == LAC_OK);
    LAC_TEST_EQ(pthread_join(thread, NULL), 0);
    LAC_TEST_EQ(sigismember(&in_thread, SIGUSR1), 1);
    (void)pthread_sigmask(SIG_SETMASK, NULL, &after);
    LAC_TEST_EQ(sigismember(&after, SIGUSR1), 0);
}

static void lists_are_equal_item_by_item(void)
{
    const struct lac_str a[] = {LAC_STR("x"), LAC_STR("y")};
    const struct lac_str b[] = {LAC_STR("x"), LAC_STR("z")};

    CU_ASSERT(lac_str_lists_eq(a, 2, a, 2));
    CU_ASSERT(lac_str_lists_eq(a, 1, b, 1));
    CU_ASSERT(lac_str_lists_eq(a, 0, NULL, 0));
    CU_ASSERT_FALSE(lac_str_lists_eq(a, 2, b, 2));
    CU_ASSERT_FALSE(lac_str_lists_eq(a, 2, a, 1));
}

static void a_file_is_replaced_whole_or_not_at_all(void)
{
    char folder[] = "/tmp/lac_base_XXXXXX", path[64], below[80];
    struct lac_buf got;
    struct lac_err err;
    struct stat st;

    LAC_TEST_NEED(mkdtemp(folder) != NULL);
    (void)snprintf(path, sizeof(path), "%s/file", folder);
    (void)snprintf(below, sizeof(below), "%s/none", path);
    LAC_TEST_EQ(lac_file_replace(path, LAC_STR("old"), NULL, &err), LAC_OK);
    LAC_TEST_EQ(stat(folder, &st), 0);
    LAC_TEST_EQ(synced[0], st.st_ino); /* or a crash may undo what was said to be done */
    LAC_TEST_EQ(stat(path, &st), 0);
    LAC_TEST_EQ(synced[1], st.st_ino);
    LAC_TEST_EQ(st.st_mode & 07777, 0644);
    st.st_mode = (st.st_mode & ~(mode_t)07777) | 0600;
    LAC_TEST_EQ(lac_file_replace(path, LAC_STR("new text"), &st, &err), LAC_OK);
    LAC_TEST_EQ(stat(path, &st), 0);
    LAC_TEST_EQ(st.st_mode & 07777, 0600);
    /* Somebody has written to it since `st`: that must not be lost. */
    LAC_TEST_EQ(lac_file_replace(path, LAC_STR("new text"), NULL, &err), LAC_OK);
    LAC_TEST_EQ(lac_file_replace(path, LAC_STR("newer"), &st, &err), LAC_FATAL);
    LAC_TEST_EQ(err.code, ESTALE);
    LAC_TEST_EQ(lac_file_replace(below, LAC_STR("x"), NULL, &err), LAC_FATAL);
    LAC_TEST_EQ(err.code, ENOTDIR);
    lac_buf_init(&got, 64);
    LAC_TEST_EQ(lac_file_read(path, &got, &err), LAC_OK);
    CU_ASSERT(lac_str_is(lac_buf_str(&got), "new text"));
    lac_buf_deinit(&got);
    LAC_TEST_EQ(unlink(path), 0);
    LAC_TEST_EQ(rmdir(folder), 0); /* nothing temporary is left */
}

static void several_files_are_replaced_or_none(void)
{
    char folder[] = "/tmp/lac_base_XXXXXX", one[64], two[64], below[80];
    struct lac_file_part parts[] = {
        {one, LAC_STR("new")}, {two, LAC_STR("new too")}, {below, LAC_STR("x")}};
    struct lac_buf got;
    struct lac_err err;

    LAC_TEST_NEED(mkdtemp(folder) != NULL);
    (void)snprintf(one, sizeof(one), "%s/one", folder);
    (void)snprintf(two, sizeof(two), "%s/two", folder);
    (void)snprintf(below, sizeof(below), "%s/below", one);
    LAC_TEST_EQ(lac_file_replace(one, LAC_STR("old"), NULL, &err), LAC_OK);
    LAC_TEST_EQ(lac_file_replace_all(parts, LAC_COUNT(parts), &err), LAC_FATAL);
    LAC_TEST_EQ(err.code, ENOTDIR);
    CU_ASSERT(strstr(err.text, below) != NULL);
    LAC_TEST_EQ(access(two, F_OK), -1);
    lac_buf_init(&got, 64);
    LAC_TEST_EQ(lac_file_read(one, &got, &err), LAC_OK);
    CU_ASSERT(lac_str_is(lac_buf_str(&got), "old"));
    LAC_TEST_EQ(lac_file_replace_all(parts, 2, &err), LAC_OK);
    for (size_t i = 0; i < 2; i++) {
        lac_buf_reset(&got);
        LAC_TEST_EQ(lac_file_read(parts[i].path, &got, &err), LAC_OK);
        CU_ASSERT(lac_str_eq(lac_buf_str(&got), parts[i].data));
        LAC_TEST_EQ(unlink(parts[i].path), 0);
    }
    lac_buf_deinit(&got);
    LAC_TEST_EQ(lac_file_replace_all(NULL, 0, &err), LAC_OK);
    LAC_TEST_EQ(rmdir(folder), 0); /* nothing temporary is left */
}

static void a_tree_is_removed_and_nothing_else(void)
{
    char folder[] = "/tmp/lac_base_XXXXXX", path[64];
    struct lac_err err;

    LAC_TEST_NEED(mkdtemp(folder) != NULL);
    LAC_TEST_EQ(chdir(folder), 0);
    LAC_TEST_EQ(mkdir("tree", 0700), 0);
    LAC_TEST_EQ(mkdir("tree/below", 0700), 0);
    LAC_TEST_EQ(mkdir("kept", 0700), 0);
    LAC_TEST_EQ(lac_file_replace("tree/below/file", LAC_STR("x"), NULL, &err), LAC_OK);
    LAC_TEST_EQ(lac_file_replace("kept/file", LAC_STR("x"), NULL, &err), LAC_OK);
    LAC_TEST_EQ(symlink("../kept", "tree/link"), 0);
    (void)snprintf(path, sizeof(path), "%s/tree", folder);
    lac_file_remove_tree(path);
    lac_file_remove_tree(path); /* nothing is there */
    LAC_TEST_EQ(access(path, F_OK), -1);
    LAC_TEST_EQ(unlink("kept/file"), 0);
    LAC_TEST_EQ(rmdir("kept"), 0);
    LAC_TEST_EQ(chdir("/"), 0);
    LAC_TEST_EQ(rmdir(folder), 0);
}

static void what_is_no_file_of_its_own_keeps_its_name(void)
{
    char folder[] = "/tmp/lac_base_XXXXXX", path[64], link[64], got[8];
    struct lac_err err;
    struct stat st;
    int fd;

    LAC_TEST_NEED(mkdtemp(folder) != NULL);
    LAC_TEST_EQ(lac_file_replace(folder, LAC_STR("x"), NULL, &err), LAC_FATAL);
    LAC_TEST_EQ(err.code, EISDIR);
    (void)snprintf(path, sizeof(path), "%s/pipe", folder);
    LAC_TEST_EQ(mkfifo(path, 0600), 0);
    fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    LAC_TEST_NEED(fd >= 0);
    LAC_TEST_EQ(lac_file_replace(path, LAC_STR("through"), NULL, &err), LAC_OK);
    LAC_TEST_EQ(read(fd, got, sizeof(got)), 7);
    LAC_TEST_EQ(lstat(path, &st), 0);
    CU_ASSERT(S_ISFIFO(st.st_mode));
    LAC_TEST_EQ(close(fd), 0);
    LAC_TEST_EQ(unlink(path), 0);
    (void)snprintf(path, sizeof(path), "%s/file", folder);
    (void)snprintf(link, sizeof(link), "%s/link", folder);
    LAC_TEST_EQ(lac_file_replace(path, LAC_STR("old"), NULL, &err), LAC_OK);
    LAC_TEST_EQ(symlink("file", link), 0);
    LAC_TEST_EQ(lac_file_replace(link, LAC_STR("longer"), NULL, &err), LAC_OK);
    LAC_TEST_EQ(lstat(link, &st), 0);
    CU_ASSERT(S_ISLNK(st.st_mode));
    LAC_TEST_EQ(stat(path, &st), 0);
    LAC_TEST_EQ(st.st_size, 6);
    LAC_TEST_EQ(unlink(link), 0);
    LAC_TEST_EQ(unlink(path), 0);
    LAC_TEST_EQ(rmdir(folder), 0);
}

static void what_is_opened_never_takes_a_closed_standard_stream(void)
{
    int status = -1;
    pid_t child = fork();

    LAC_TEST_NEED(child >= 0);
    if (child == 0) {
        char c;
        int fd, bad = 0;

        for (fd = 0; fd <= STDERR_FILENO; fd++)
            close(fd);
        lac_file_hold_standard();
        lac_file_hold_standard(); /* what is there stays */
        fd = open("/", O_RDONLY | O_CLOEXEC);
        bad += fd <= STDERR_FILENO;
        bad += read(STDIN_FILENO, &c, 1) != -1 || errno != EBADF;
        bad += write(STDOUT_FILENO, "x", 1) != -1 || errno != EBADF;
        bad += write(STDERR_FILENO, "x", 1) != 1;
        _exit(bad);
    }
    LAC_TEST_EQ(waitpid(child, &status, 0), child);
    LAC_TEST_EQ(status, 0);
}

static void folders_are_made_with_those_above_and_others_may_pass_if_so_wanted(void)
{
    char folder[] = "/tmp/lac_base_XXXXXX", path[96], want[80];
    struct lac_err err;
    struct stat st;
    mode_t before = umask(077);

    LAC_TEST_NEED(mkdtemp(folder) != NULL);
    for (int passable = 0; passable < 3; passable++) {
        lac_test_row("passable %d", passable);
        (void)snprintf(path, sizeof(path), "%s/%d/b", folder, passable);
        /* 0: none of them, 1: all but the last, 2: all. */
        size_t len = passable == 2 ? strlen(path) : passable == 1 ? strlen(path) - 2 : 0;
        CU_ASSERT(lac_file_make_folders(path, len));
        CU_ASSERT(lac_file_make_folders(path, len)); /* they are there */
        for (int i = 0; i < 2; i++) {
            LAC_TEST_EQ(stat(path, &st), 0);
            LAC_TEST_EQ(st.st_mode & 07777, passable > 1 - i ? 0755 : 0700);
            LAC_TEST_EQ(rmdir(path), 0);
            *strrchr(path, '/') = '\0';
        }
    }
    (void)snprintf(want, sizeof(want), "%s/file", folder);
    LAC_TEST_EQ(lac_file_replace(want, LAC_STR("x"), NULL, &err), LAC_OK);
    (void)snprintf(want, sizeof(want), "%s/file/b", folder);
    (void)snprintf(path, sizeof(path), "%s/c", want);
    CU_ASSERT_FALSE(lac_file_make_folders(path, strlen(path)));
    LAC_TEST_EQ(errno, ENOTDIR);
    LAC_TEST_STR(path, want);
    *strrchr(want, '/') = '\0';
    LAC_TEST_EQ(unlink(want), 0);
    LAC_TEST_EQ(rmdir(folder), 0);
    (void)umask(before);
}

static void what_all_share_is_told_by_its_path(void)
{
    static const struct {
        const char *path;
        size_t len;
    } rows[] = {{"/var/lib/lacuna", 15},
                {"/var/lib/lacuna/models/names", 15},
                {"/var/lib/lacuna/", 15},
                {"/var/lib/lacunar", 0},
                {"/var/lib", 0},
                {"/srv/var/lib/lacuna", 0},
                {"", 0}};

    for (size_t i = 0; i < LAC_COUNT(rows); i++) {
        lac_test_row("%s", rows[i].path);
        LAC_TEST_EQ(lac_file_shared_len(rows[i].path), rows[i].len);
    }
}

static void a_lock_is_one_descriptors_until_it_is_closed(void)
{
    char path[] = "/tmp/lac_file.XXXXXX";
    int first = mkstemp(path), second = open(path, O_RDWR | O_CLOEXEC);

    LAC_TEST_NEED(first >= 0 && second >= 0);
    LAC_TEST_EQ(lac_file_lock(first), 0);
    LAC_TEST_EQ(lac_file_lock(first), 0);
    LAC_TEST_EQ(lac_file_lock(second), EWOULDBLOCK);
    (void)close(first);
    LAC_TEST_EQ(lac_file_lock(second), 0);
    LAC_TEST_EQ(lac_file_lock(first), EBADF);
    (void)close(second);
    (void)unlink(path);
}

static void byte_order_mark_is_whole_or_none(void)
{
    LAC_TEST_EQ(lac_utf8_mark(LAC_STR("\xEF\xBB\xBF")), 3);
    LAC_TEST_EQ(lac_utf8_mark(LAC_STR("\xEF\xBB\xBFtext")), 3);
    LAC_TEST_EQ(lac_utf8_mark(LAC_STR("\xEF\xBB")), 0);
    LAC_TEST_EQ(lac_utf8_mark(LAC_STR("\xEF\xBB\xBE")), 0);
    LAC_TEST_EQ(lac_utf8_mark(LAC_STR(" \xEF\xBB\xBF")), 0);
    LAC_TEST_EQ(lac_utf8_mark(LAC_STR_NULL), 0);
}

/* W3C Trace Context, level 1, sections 2.2.2 (values) and 4.3 (versions to come). */
static void a_trace_of_any_version_is_read_and_passed_on_as_version_00(void)
{
#define T "4bf92f3577b34da6a3ce929d0e0e4736"
#define S "00f067aa0ba902b7"
    static const struct {
        const char *value, *read; /* NULL: refused */
    } rows[] = {
        {"00-" T "-" S "-01", "00-" T "-" S "-01"},
        {"00-" T "-" S "-00", "00-" T "-" S "-00"},
        {"00-" T "-" S "-ff", "00-" T "-" S "-ff"},
        {"01-" T "-" S "-01", "00-" T "-" S "-01"},
        {"cc-" T "-" S "-01-what-the-future-will-be", "00-" T "-" S "-01"},
        {"cc-" T "-" S "-01-", "00-" T "-" S "-01"},
        {"cc-" T "-" S "-fe-x", "00-" T "-" S "-00"},
        {"cc-" T "-" S "-ff", "00-" T "-" S "-01"},
        {"cc-" T "-" S "-01.what", NULL},
        {"cc-" T "-" S "-01x", NULL},
        {"00-" T "-" S "-01-", NULL},
        {"00-" T "-" S "-01-x", NULL},
        {"ff-" T "-" S "-01", NULL},
        {"0-" T "-" S "-01", NULL},
        {"CC-" T "-" S "-01", NULL},
        {"00-" T "-" S "-1", NULL},
        {"00-" T "-" S "-0g", NULL},
        {"00-" T "-" S "-0A", NULL},
        {"00-4BF92F3577B34DA6A3CE929D0E0E4736-" S "-01", NULL},
        {"00-" T "-00F067AA0BA902B7-01", NULL},
        {"00-00000000000000000000000000000000-" S "-01", NULL},
        {"cc-00000000000000000000000000000000-" S "-01", NULL},
        {"00-" T "-0000000000000000-01", NULL},
        {"00-" T "x" S "-01", NULL},
        {"00_" T "-" S "-01", NULL},
        {"00-" T "-" S "_01", NULL},
        {"my secret", NULL},
        {"", NULL},
    };
#undef T
#undef S

    for (size_t i = 0; i < LAC_COUNT(rows); i++) {
        char read[LAC_TRACE_SIZE] = "untouched";

        lac_test_row("%s", rows[i].value);
        LAC_TEST_EQ(lac_trace_read(read, lac_str_from(rows[i].value)), rows[i].read != NULL);
        LAC_TEST_STR(read, rows[i].read ? rows[i].read : "untouched");
    }
}

LAC_TEST_MAIN(base, a_trace_of_any_version_is_read_and_passed_on_as_version_00, join_is_a_lattice,
              tier_names_are_read_back, numbers_are_digits_and_nothing_else,
              only_well_formed_utf8_passes, every_scalar_value_round_trips,
              buffer_stops_at_its_limit_and_says_so, hex_is_read_back, hex_of_every_byte_and_length,
              time_is_formatted_in_utc, an_errno_value_has_a_text, held_signals_are_asked_for,
              signals_pass_by_a_thread, lists_are_equal_item_by_item,
              a_file_is_replaced_whole_or_not_at_all, several_files_are_replaced_or_none,
              a_tree_is_removed_and_nothing_else, what_is_no_file_of_its_own_keeps_its_name,
              what_is_opened_never_takes_a_closed_standard_stream,
              folders_are_made_with_those_above_and_others_may_pass_if_so_wanted,
              what_all_share_is_told_by_its_path, a_lock_is_one_descriptors_until_it_is_closed,
              byte_order_mark_is_whole_or_none)
