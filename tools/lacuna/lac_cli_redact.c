/* SPDX-License-Identifier: Apache-2.0 */
/* `lacuna redact`: the same text without what was found in it. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lac_cli.h"
#include "lac_cli_scan.h"
#include "lac_clock.h"
#include "lac_file.h"
#include "lac_scan_utf16.h"

enum { TEXT_BYTES = 256 << 20, OUT_BYTES = 1 << 30, READ_BYTES = 1 << 20 };

struct redact_options {
    struct lac_cli_scan_options scan;
    const char *mode;
    bool in_place;
};

/* False: said. */
static bool read_all(struct lac_cli_scan_run *run, const char *name, int fd, struct lac_buf *text)
{
    for (;;) {
        char *at = lac_buf_reserve(text, READ_BYTES);
        ssize_t n;

        if (!at) {
            lac_cli_scan_complain(run, lac_str_from(name),
                                  "larger than 256 MiB; give it in parts, cut at line ends");
            return false;
        }
        n = read(fd, at, READ_BYTES);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            lac_cli_scan_complain(run, lac_str_from(name), lac_errno_text(errno));
            return false;
        }
        if (n == 0)
            return true;
        lac_buf_commit(text, (size_t)n);
    }
}

/* False: said, and `out` must not be used: a text that is only half redacted is none. */
static bool redact_utf8(struct lac_cli_scan_run *run, const char *name, struct lac_str text,
                        struct lac_buf *out, size_t *places)
{
    struct lac_cli_scan_worker *w = &run->workers[0];
    struct lac_scan_result r;
    struct lac_err err;

    if (lac_scan_text(w->scan, text, 0, text.len, &r, &err) != LAC_OK ||
        lac_scan_redact(w->scan, &r, text, w->redact, run->how, out, places, &err) != LAC_OK) {
        lac_cli_scan_complain(run, lac_str_from(name), err.text);
        return false;
    }
    if (r.too_deep)
        lac_tool_warn(run->tool,
                      "%s: something in it is encoded more often than is looked into; it was left "
                      "as it is",
                      name);
    if (r.undecodable)
        lac_tool_warn(run->tool, "%s: not all of it is UTF-8; what is not could not be looked at",
                      name);
    else if (text.len > 0 && memchr(text.ptr, 0, text.len))
        lac_tool_warn(run->tool,
                      "%s: has NUL bytes; what is written with such between its letters, as in "
                      "UTF-16 without a byte order mark, could not be found",
                      name);
    return true;
}

static bool has_utf16_mark(struct lac_str text)
{
    return text.len >= LAC_SCAN_UTF16_MARK &&
           (memcmp(text.ptr, "\xFF\xFE", 2) == 0 || memcmp(text.ptr, "\xFE\xFF", 2) == 0);
}

/* By way of UTF-8. What is no character there would not come back as it was: then nothing does. */
static bool redact_utf16(struct lac_cli_scan_run *run, const char *name, struct lac_str text,
                         struct lac_buf *out, size_t *places)
{
    size_t room = text.len * 3 / 2 + 4, len = 0;
    struct lac_buf plain, redacted;
    struct lac_scan_utf16 d;
    bool done = lac_scan_utf16_begins(&d, text);
    char *at;

    lac_buf_init(&plain, room);
    lac_buf_init(&redacted, OUT_BYTES);
    at = done ? lac_buf_reserve(&plain, room) : NULL;
    if (at) {
        (void)lac_scan_utf16_decode(&d, lac_str_slice(text, LAC_SCAN_UTF16_MARK, text.len), true,
                                    at, &len, room);
        lac_buf_commit(&plain, len);
    }
    if (!done || !at || d.malformed) {
        lac_cli_scan_complain(run, lac_str_from(name),
                              done && !at ? "no memory for so large a text"
                                          : "has the byte order mark of UTF-16 and is not UTF-16");
        done = false;
    }
    done = done && redact_utf8(run, name, lac_buf_str(&plain), &redacted, places);
    if (done) {
        lac_buf_put_str(out, lac_scan_utf16_mark(&d));
        lac_scan_utf16_encode(&d, lac_buf_str(&redacted), out);
    }
    lac_buf_deinit(&plain);
    lac_buf_deinit(&redacted);
    return done;
}

static bool redact(struct lac_cli_scan_run *run, const char *name, struct lac_str text,
                   struct lac_buf *out, size_t *places)
{
    bool done = has_utf16_mark(text) ? redact_utf16(run, name, text, out, places)
                                     : redact_utf8(run, name, text, out, places);

    if (done && !lac_buf_ok(out)) {
        lac_cli_scan_complain(run, lac_str_from(name), "no memory for the redacted text");
        done = false;
    }
    if (!done)
        return false;
    atomic_fetch_add(&run->counts.files, 1);
    atomic_fetch_add(&run->counts.bytes, text.len);
    atomic_fetch_add(&run->counts.findings, *places);
    atomic_fetch_add(&run->counts.files_with, *places > 0);
    return true;
}

/* ---- In place ---- */

static const char *put_in_place(const char *path, const struct stat *st, struct lac_str text)
{
    static char why[256];
    struct lac_err err;

    if (lac_file_replace(path, text, st, &err) == LAC_OK)
        return NULL;
    if (err.code == ENAMETOOLONG)
        return "its path is too long";
    if (err.code == ESTALE)
        return "left as it is: it was changed while it was read";
    snprintf(why, sizeof(why), "left as it is: %s", lac_errno_text(err.code));
    return why;
}

static void one_in_place(struct lac_cli_scan_run *run, const char *path, struct lac_buf *text,
                         struct lac_buf *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    const char *why = NULL;
    struct stat st;
    size_t places;

    if (fd < 0)
        why = errno == ELOOP ? "a link; name the file that it leads to" : lac_errno_text(errno);
    else if (fstat(fd, &st) != 0)
        why = lac_errno_text(errno);
    else if (!S_ISREG(st.st_mode))
        why = "no regular file";
    else if (st.st_nlink > 1)
        why = "has another name (a hard link), which would keep the old text";
    else if (read_all(run, path, fd, text) && redact(run, path, lac_buf_str(text), out, &places) &&
             places > 0)
        why = put_in_place(path, &st, lac_buf_str(out));
    if (why)
        lac_cli_scan_complain(run, lac_str_from(path), why);
    if (fd >= 0)
        close(fd);
}

/* ---- The run ---- */

static int to_stdout(struct lac_cli_scan_run *run, struct lac_buf *text, struct lac_buf *out)
{
    const struct lac_tool *t = run->tool;
    const char *path = t->operand_count ? t->operands[0] : "-";
    bool is_stdin = strcmp(path, "-") == 0;
    const char *name = is_stdin ? "<stdin>" : path;
    int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    bool done;
    size_t places;

    if (fd < 0) {
        lac_cli_scan_complain(run, lac_str_from(path), lac_errno_text(errno));
        return LAC_EXIT_USAGE;
    }
    done = read_all(run, name, fd, text) && redact(run, name, lac_buf_str(text), out, &places);
    if (!is_stdin)
        close(fd);
    if (!done)
        return LAC_EXIT_USAGE;
    return lac_term_flush(&t->out, out) ? -1 : lac_tool_output_failed(t, errno);
}

static int texts(struct lac_cli_scan_run *run, const struct redact_options *o)
{
    const struct lac_tool *t = run->tool;
    struct lac_buf text, out;
    int status = -1;

    if (o->scan.jsonl)
        return lac_cli_scan_jsonl(run);
    lac_buf_init(&text, TEXT_BYTES + READ_BYTES);
    lac_buf_init(&out, OUT_BYTES);
    if (!o->in_place)
        status = to_stdout(run, &text, &out);
    for (int i = 0; o->in_place && i < t->operand_count; i++) {
        lac_buf_reset(&text);
        lac_buf_reset(&out);
        one_in_place(run, t->operands[i], &text, &out);
    }
    lac_buf_deinit(&text);
    lac_buf_deinit(&out);
    return status;
}

static int check(const struct lac_tool *t, const struct redact_options *o,
                 enum lac_match_redaction *how)
{
    if (o->mode && !lac_redact_how_parse(lac_str_from(o->mode), how))
        return lac_tool_fail(t, LAC_EXIT_USAGE, "--mode takes replace, mask, last4 or hash", NULL);
    if (o->in_place && o->scan.jsonl)
        return lac_tool_fail(t, LAC_EXIT_USAGE, "--jsonl and --in-place exclude each other", NULL);
    if (o->in_place && t->operand_count == 0)
        return lac_tool_fail(t, LAC_EXIT_USAGE, "--in-place needs the names of files", NULL);
    if (!o->in_place && !o->scan.jsonl && t->operand_count > 1)
        return lac_tool_fail(t, LAC_EXIT_USAGE, "more than one file",
                             "--in-place takes several, each for itself.");
    return -1;
}

/* Without a key of the person's one for this run: hashes can be compared within it only. */
static bool own_key(struct lac_cli_scan_setup *s)
{
    unsigned char key[LAC_SHA256_SIZE];

    if (s->key.len > 0)
        return true;
    lac_random_bytes(key, sizeof(key));
    lac_buf_put(&s->key, key, sizeof(key));
    lac_digest_wipe(key, sizeof(key));
    return lac_buf_ok(&s->key);
}

static void summary(const struct lac_cli_scan_run *run)
{
    char number[LAC_PROGRESS_NUMBER_SIZE];
    uint64_t files = atomic_load(&run->counts.files);

    if (!run->options->quiet && run->tool->err.terminal)
        fprintf(stderr, "%s replaced in %" PRIu64 " of %" PRIu64 " text%s\n",
                lac_progress_count(number, atomic_load(&run->counts.findings)),
                (uint64_t)atomic_load(&run->counts.files_with), files, files == 1 ? "" : "s");
}

static int run_all(struct lac_cli_scan_run *run, struct redact_options *o)
{
    enum lac_match_redaction how = LAC_MATCH_REDACT_REPLACE;
    int status = check(run->tool, o, &how);
    struct lac_err err;

    run->redacting = true;
    run->how = o->mode ? &how : NULL;
    if (status < 0)
        status = lac_cli_scan_setup(run->tool, &o->scan.words, true, &run->setup);
    if (status < 0 && !o->scan.jsonl)
        run->setup.threads = 1;
    if (status < 0 && !own_key(&run->setup))
        status = lac_tool_fail(run->tool, LAC_EXIT_USAGE, "no memory for a key", NULL);
    if (status < 0 && lac_cli_scan_workers_open(run, &err) != LAC_OK)
        status = lac_tool_fail(run->tool, LAC_EXIT_USAGE, err.text, NULL);
    if (status < 0)
        status = texts(run, o);
    if (status < 0 && run->output_error)
        status = lac_tool_output_failed(run->tool, run->output_error);
    if (status < 0) {
        lac_progress_clear(&run->progress);
        summary(run);
        status = atomic_load(&run->counts.failed) ? LAC_EXIT_USAGE : LAC_EXIT_OK;
    }
    lac_cli_scan_workers_close(run);
    lac_cli_scan_setup_deinit(&run->setup);
    return status;
}

int lac_cli_redact(int argc, char **argv)
{
    struct redact_options o = {0};
    struct lac_cli_scan_words *words = &o.scan.words;
    const struct lac_args_option options[] = {
        {'m', "mode", LAC_ARGS_TEXT, &o.mode, "MODE",
         "replace, mask, last4 or hash; by default as each rule says", 0, 0},
        {0, "entities", LAC_ARGS_TEXT, &words->entities, "A,B", "Only findings of these", 0, 0},
        {0, "rules", LAC_ARGS_TEXT, &words->rules, "A,B", "Only findings of these rules", 0, 0},
        {0, "min-score", LAC_ARGS_TEXT, &words->min_score, "S",
         "From this score on; 0.5 by default", 0, 0},
        {0, "min-tier", LAC_ARGS_TEXT, &words->min_tier, "TIER",
         "From this tier on; INTERNAL by default", 0, 0},
        {0, "jsonl", LAC_ARGS_SWITCH, &o.scan.jsonl, NULL,
         "Take {\"id\",\"text\"} lines, answer {\"id\",\"text\",\"findings\"} lines", 0, 0},
        {'i', "in-place", LAC_ARGS_SWITCH, &o.in_place, NULL, "Change the files themselves", 0, 0},
        {0, "key-file", LAC_ARGS_TEXT, &words->key_file, "FILE",
         "Key of the hashes: the same value has the same hash everywhere", 0, 0},
        {0, "pack", LAC_ARGS_TEXT, &words->pack, "DIR|FILE", "Use this policy pack", 0, 0},
        {'q', "quiet", LAC_ARGS_SWITCH, &o.scan.quiet, NULL, "No progress, no last line", 0, 0},
    };
    const struct lac_tool_command command = {
        .name = "lacuna redact",
        .usage = "[OPTION]... [FILE...|-]",
        .summary = "Print a text without the secrets and personal data in it.",
        .details =
            "What was found becomes <ENTITY> (replace), stars (mask), stars but for the last four\n"
            "letters and digits (last4) or <ENTITY:hash> (hash); every other byte stays, also of\n"
            "UTF-16 with a byte order mark. Hashes are keyed: by --key-file or redact.key_file,\n"
            "else by a key that this run alone knows. Confidentiality marks and topics stay "
            "unless\n"
            "--entities names them. When anything goes wrong, nothing of that text is printed.",
        .examples = "  lacuna redact report.txt >report.redacted.txt\n"
                    "  pbpaste | lacuna redact --mode mask\n"
                    "  lacuna redact --in-place --entities EMAIL_ADDRESS,PHONE_NUMBER *.log\n"
                    "  lacuna redact --jsonl --mode hash --key-file redact.key <texts.jsonl\n",
        .one_error = true,
        .options = options,
        .option_count = LAC_COUNT(options),
        .operands_most = -1,
    };
    struct lac_tool t;
    int status = lac_tool_open(&t, &command, argc, argv);

    if (status < 0) {
        struct lac_cli_scan_run run = {.tool = &t,
                                       .options = &o.scan,
                                       .talk = PTHREAD_MUTEX_INITIALIZER,
                                       .begun_ms = lac_clock_mono_ms()};

        lac_progress_init(&run.progress, &t.err);
        lac_buf_init(&run.out, OUT_BYTES);
        status = run_all(&run, &o);
        lac_buf_deinit(&run.out);
    }
    lac_tool_close(&t);
    return status;
}
