/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One file, in pieces that overlap by LAC_SCAN_MARGIN on either side, so that it may have any size
 * and nothing is missed where it is cut.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lac_assert.h"
#include "lac_cli_scan.h"
#include "lac_scan_diff.h"
#include "lac_scan_utf16.h"
#include "lac_utf8.h"

enum { BINARY_BYTES = 8 << 10 /* of its begin say whether a file is text */ };

static const char allow_mark[] = "lacuna:allow";

/* Where in the file a byte of the piece stands. */
struct cursor {
    size_t at;           /* byte of the piece */
    uint64_t line;       /* of it, from 1 */
    uint64_t chars;      /* code points before it */
    uint64_t line_chars; /* of these before its line, a byte order mark among them */
    uint64_t wide;       /* of these beyond the first 65,536 */
};

/* One finding's file and piece. */
struct place {
    struct lac_cli_scan_run *run;
    struct lac_cli_scan_worker *w;
    struct lac_str path;
    struct lac_str text;
    uint64_t base; /* of the piece in the file */
    bool utf16;    /* the file is: its bytes are counted by characters */
    bool placed;   /* base and code points mean something */
    const struct lac_scan_result *result;
};

static void advance_one(struct cursor *c, unsigned char b)
{
    c->at++;
    c->chars += (b & 0xC0) != 0x80;
    c->wide += b >= 0xF0;
    if (b == '\n') {
        c->line++;
        c->line_chars = c->chars;
    }
}

/* How many bytes have their top bit set. */
static unsigned tops(uint64_t x)
{
    const uint64_t ones = 0x0101010101010101u;

    return (unsigned)(((x >> 7 & ones) * ones) >> 56);
}

/* Eight bytes without a line's end. False: there is one. */
static bool advance_eight(struct cursor *c, const char *at)
{
    const uint64_t low = 0x7F7F7F7F7F7F7F7Fu;
    uint64_t x, other;

    memcpy(&x, at, sizeof(x));
    other = x ^ 0x0A0A0A0A0A0A0A0Au;
    if (~(((other & low) + low) | other) & ~low)
        return false;
    c->at += sizeof(x);
    c->chars += sizeof(x) - tops(x & ~(x << 1));
    c->wide += tops(x & x << 1 & x << 2 & x << 3);
    return true;
}

static void advance(struct cursor *c, struct lac_str text, size_t to)
{
    while (c->at < to) {
        if (to - c->at >= sizeof(uint64_t) && advance_eight(c, text.ptr + c->at))
            continue;
        advance_one(c, (unsigned char)text.ptr[c->at]);
    }
}

static bool is_binary(const struct lac_cli_scan_run *run, struct lac_str begin)
{
    size_t n = begin.len < BINARY_BYTES ? begin.len : BINARY_BYTES;

    return !run->options->binary && n > 0 && memchr(begin.ptr, 0, n) != NULL;
}

/* Whether a line of the finding says that it may be there. Looked for as far as a piece is sure to
 * reach, so that the answer is the same wherever a large file was cut. */
static bool is_allowed(struct lac_str text, const struct lac_scan_finding *f)
{
    size_t least = f->start > LAC_SCAN_MARGIN ? f->start - LAC_SCAN_MARGIN : 0;
    size_t most = text.len - f->end > LAC_SCAN_MARGIN ? f->end + LAC_SCAN_MARGIN : text.len;
    const char *before = memrchr(text.ptr + least, '\n', f->start - least);
    const char *behind = memchr(text.ptr + f->end, '\n', most - f->end);

    if (before)
        least = (size_t)(before - text.ptr);
    if (behind)
        most = (size_t)(behind - text.ptr);
    return memmem(text.ptr + least, most - least, allow_mark, sizeof(allow_mark) - 1) != NULL;
}

/*
 * With a key (a file's, or the baseline's salt): rule, path and folded match. Without one: rule,
 * path and the how-manieth of its rule in the file, because a bare hash of a phone number gives
 * the number to whoever tries them all, and reports travel further than the files.
 */
static void fingerprint(const struct place *p, struct lac_cli_record *r)
{
    struct lac_cli_scan_worker *w = p->w;
    struct lac_str value = lac_str_slice(p->text, r->found.start, r->found.end);
    static const char purpose[] = "lacuna/finding/1";
    unsigned char digest[LAC_SHA256_SIZE];
    uint32_t ordinal = w->ordinals[r->found.rule]++;

    if (!p->run->fingerprints)
        return;
    r->keyed = p->run->baseline || p->run->collected || p->run->setup.key.len > 0;
    lac_hmac_init(w->hmac);
    lac_hmac_update(w->hmac, purpose, sizeof(purpose)); /* with its NUL, as the others */
    lac_hmac_update(w->hmac, r->rule->id.ptr, r->rule->id.len);
    lac_hmac_update(w->hmac, "", 1);
    lac_hmac_update(w->hmac, r->path.ptr, r->path.len);
    lac_hmac_update(w->hmac, "", 1);
    if (r->keyed) {
        size_t n = lac_match_fold(w->folded, sizeof(w->folded), value);

        if (n <= sizeof(w->folded))
            value = (struct lac_str){w->folded, n};
        lac_hmac_update(w->hmac, value.ptr, value.len);
    } else {
        unsigned char bytes[4] = {(unsigned char)(ordinal >> 24), (unsigned char)(ordinal >> 16),
                                  (unsigned char)(ordinal >> 8), (unsigned char)ordinal};

        lac_hmac_update(w->hmac, bytes, sizeof(bytes));
    }
    lac_hmac_final(w->hmac, digest);
    memcpy(r->fingerprint, digest, sizeof(r->fingerprint));
}

static void collect(struct lac_cli_scan_run *run, const struct lac_cli_record *r)
{
    bool kept;

    pthread_mutex_lock(&run->talk);
    kept = lac_cli_baseline_add(run->collected, r);
    pthread_mutex_unlock(&run->talk);
    if (!kept)
        lac_cli_scan_complain(run, r->path, "no memory for the baseline");
}

static void judge(const struct place *p, struct lac_cli_record *r)
{
    struct lac_cli_scan_run *run = p->run;

    if (!run->options->no_allow && is_allowed(p->text, &r->found))
        r->suppressed = LAC_CLI_BY_COMMENT;
    else if (run->baseline && lac_cli_baseline_has(run->baseline, r->fingerprint))
        r->suppressed = LAC_CLI_BY_BASELINE;
    if (r->suppressed == LAC_CLI_BY_COMMENT)
        atomic_fetch_add(&run->counts.by_comment, 1);
    else if (r->suppressed == LAC_CLI_BY_BASELINE)
        atomic_fetch_add(&run->counts.by_baseline, 1);
    else
        atomic_fetch_add(&run->counts.findings, 1);
}

/* From 1; a byte order mark takes none, as in editors. */
static uint64_t column(const struct cursor *c)
{
    return c->chars < c->line_chars ? 1 : c->chars - c->line_chars + 1;
}

static size_t utf16_offset(const struct cursor *c)
{
    return LAC_SCAN_UTF16_MARK + 2 * (c->chars + c->wide);
}

static void report(const struct place *p, size_t index, const struct cursor *start,
                   struct lac_buf *out)
{
    const struct lac_scan_finding *f = &p->result->at[index];
    struct lac_cli_scan_worker *w = p->w;
    struct cursor end = *start;
    struct lac_cli_record r = {
        .path = p->path,
        .rule = lac_scan_rule(p->run->setup.plan, f->rule),
        .found = *f,
        .placed = p->placed,
        .line = start->line,
        .column = column(start),
        .start_char = start->chars,
    };

    advance(&end, p->text, f->end);
    r.end_line = end.line;
    r.end_column = column(&end);
    r.end_char = end.chars;
    fingerprint(p, &r);
    judge(p, &r);
    if (p->run->collected) {
        if (r.suppressed == LAC_CLI_REPORTED)
            collect(p->run, &r);
        return;
    }
    lac_buf_reset(&w->excerpt);
    lac_scan_excerpt(w->scan, p->result, index, p->text, w->redact, p->run->options->show_secrets,
                     &w->excerpt);
    r.excerpt = lac_buf_str(&w->excerpt);
    r.found.start = p->utf16 ? utf16_offset(start) : r.found.start + p->base;
    r.found.end = p->utf16 ? utf16_offset(&end) : r.found.end + p->base;
    lac_cli_scan_put(p->run, out, &r);
}

static void begin_file(struct lac_cli_scan_run *run, struct lac_cli_scan_worker *w)
{
    if (run->fingerprints)
        memset(w->ordinals, 0, lac_scan_rule_count(run->setup.plan) * sizeof(*w->ordinals));
}

/* What was said about a whole file. */
static void count_file(struct lac_cli_scan_run *run, uint64_t listed, bool undecodable,
                       bool truncated)
{
    atomic_fetch_add(&run->counts.files, 1);
    atomic_fetch_add(&run->counts.files_with, listed > 0);
    atomic_fetch_add(&run->counts.undecodable, undecodable);
    atomic_fetch_add(&run->counts.truncated, truncated);
}

/* Reads until `memory` is full or the file ends, which it does behind `size` bytes if that is not
 * 0. False: it can't be read. */
static bool fill(int fd, size_t size, char *memory, size_t *len, bool *ended)
{
    while (*len < LAC_CLI_PIECE_MEMORY) {
        ssize_t n = read(fd, memory + *len, LAC_CLI_PIECE_MEMORY - *len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        if (n == 0) {
            *ended = true;
            return true;
        }
        *len += (size_t)n;
        if (*len == size) {
            *ended = true;
            return true;
        }
    }
    return true;
}

/* A file as it is read. Nearly all are taken as they are. */
struct reader {
    int fd;
    size_t size; /* of a file that one piece holds, as it was when it was opened; 0: not known */
    bool ended;  /* all of it is in memory */
    /* UTF-16 only: what was read and not decoded yet, in the worker's raw memory */
    bool utf16;
    struct lac_scan_utf16 decoder;
    size_t raw;
    bool raw_ended;
};

/* The first piece's bytes were the file's own: they are decoded instead. */
static bool begin_utf16(struct reader *r, struct lac_cli_scan_worker *w, size_t *len)
{
    if (!w->raw)
        w->raw = malloc(LAC_CLI_PIECE_MEMORY);
    if (!w->raw)
        return false;
    r->utf16 = true;
    r->raw = *len - LAC_SCAN_UTF16_MARK;
    r->raw_ended = r->ended;
    memcpy(w->raw, w->memory + LAC_SCAN_UTF16_MARK, r->raw);
    r->ended = false;
    *len = 0;
    return true;
}

static bool fill_utf16(struct reader *r, struct lac_cli_scan_worker *w, size_t *len)
{
    do {
        size_t taken;

        if (!r->raw_ended && !fill(r->fd, 0, w->raw, &r->raw, &r->raw_ended))
            return false;
        taken = lac_scan_utf16_decode(&r->decoder, (struct lac_str){w->raw, r->raw}, r->raw_ended,
                                      w->memory, len, LAC_CLI_PIECE_MEMORY);
        r->raw -= taken;
        memmove(w->raw, w->raw + taken, r->raw);
        r->ended = r->raw_ended && r->raw == 0;
    } while (!r->ended && LAC_CLI_PIECE_MEMORY - *len >= 4);
    return true;
}

/* The next bytes behind `*len` of the worker's memory, in UTF-8. False: errno says why not. */
static bool read_on(struct reader *r, struct lac_cli_scan_worker *w, size_t *len, bool first)
{
    if (!r->utf16 && !fill(r->fd, r->size, w->memory, len, &r->ended))
        return false;
    if (first && lac_scan_utf16_begins(&r->decoder, (struct lac_str){w->memory, *len}) &&
        !begin_utf16(r, w, len))
        return false;
    return !r->utf16 || fill_utf16(r, w, len);
}

/* Where the character begins that byte `at` is of: a piece that is cut inside of one would not be
 * all UTF-8. */
static size_t cut_before(struct lac_str text, size_t at)
{
    for (int i = 0; i < 3 && at > 0 && ((unsigned char)text.ptr[at] & 0xC0) == 0x80; i++)
        at--;
    return at;
}

/* Where the first finding of [from, to) begins that reaches far behind it, and perhaps further than
 * was read; `to` without one, or where that leaves nothing. */
static size_t before_cut(const struct lac_scan_result *r, size_t from, size_t to)
{
    for (size_t i = 0; i < r->count && r->at[i].start < to; i++)
        if (r->at[i].start > from + LAC_SCAN_MARGIN && r->at[i].end > to + LAC_SCAN_MARGIN / 2)
            return r->at[i].start;
    return to;
}

/* The findings of [from, *to) of the piece, which ends earlier than asked where its end would cut
 * one in two. False: the matcher failed, and it was said. */
static bool piece(struct lac_cli_scan_run *run, struct lac_cli_scan_worker *w, struct place *p,
                  size_t from, size_t *to, struct cursor *c, struct lac_scan_result *result,
                  struct lac_buf *out)
{
    struct lac_err err;

    if (lac_scan_text(w->scan, p->text, from, *to, result, &err) != LAC_OK) {
        lac_cli_scan_complain(run, p->path, err.text);
        return false;
    }
    p->result = result;
    *to = before_cut(result, from, *to);
    for (size_t i = 0; i < result->count && result->at[i].start < *to; i++) {
        if (!result->at[i].listed)
            continue;
        advance(c, p->text, result->at[i].start);
        report(p, i, c, out);
    }
    return true;
}

void lac_cli_scan_fd(struct lac_cli_scan_run *run, struct lac_cli_scan_worker *w,
                     struct lac_str path, int fd, size_t size, struct lac_buf *out)
{
    struct place p = {.run = run, .w = w, .path = path, .placed = true};
    struct cursor c = {.line = 1};
    struct reader reader = {.fd = fd, .size = size < LAC_CLI_PIECE_MEMORY ? size : 0};
    size_t len = 0, from = 0;
    uint64_t listed = 0;
    bool undecodable = false, truncated = false;

    begin_file(run, w);
    for (;;) {
        struct lac_scan_result result;
        size_t to, keep;

        if (!read_on(&reader, w, &len, p.base == 0)) {
            lac_cli_scan_complain(run, path, lac_errno_text(errno));
            break;
        }
        p.text = (struct lac_str){w->memory, len};
        p.utf16 = reader.utf16;
        if (p.base == 0 && lac_utf8_mark(p.text) > 0)
            c.line_chars = 1;
        if (p.base == 0 && is_binary(run, p.text)) {
            atomic_fetch_add(&run->counts.binary, 1);
            return;
        }
        if (!reader.ended)
            p.text.len = cut_before(p.text, len - 1);
        to = reader.ended ? len : lac_scan_seam(p.text, from, p.text.len - LAC_SCAN_MARGIN);
        if (!piece(run, w, &p, from, &to, &c, &result, out))
            break;
        atomic_fetch_add(&run->counts.bytes, to - from); /* now: progress may be waited for */
        listed += result.listed;
        undecodable = undecodable || result.undecodable || reader.decoder.malformed;
        truncated = truncated || result.truncated;
        if (reader.ended)
            break;
        keep = cut_before(p.text, to - LAC_SCAN_MARGIN);
        if (c.at < keep)
            advance(&c, p.text, keep);
        lac_scan_shift(w->scan, p.text, keep);
        memmove(w->memory, w->memory + keep, len - keep);
        c.at -= keep;
        p.base += keep;
        len -= keep;
        from = to - keep;
    }
    count_file(run, listed, undecodable, truncated);
}

static bool is_same(const struct stat *a, const struct stat *b)
{
    return a->st_ino != 0 && a->st_ino == b->st_ino && a->st_dev == b->st_dev;
}

/* `lacuna scan >report` in the folder that it looks at would find its own findings, and what they
 * are of, for ever. A baseline's line, a rule's name beside a hash, looks like that service's key.
 */
bool lac_cli_scan_is_own(const struct lac_cli_scan_run *run, const struct stat *st)
{
    return is_same(&run->output, st) || is_same(&run->known, st);
}

void lac_cli_scan_path(struct lac_cli_scan_run *run, struct lac_cli_scan_worker *w,
                       const char *path, bool followed, struct lac_buf *out)
{
    int flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | (followed ? 0 : O_NOFOLLOW | O_NONBLOCK);
    int fd = open(path, flags);
    struct stat st;

    if (fd < 0) {
        if (!followed && (errno == ENOENT || errno == ELOOP))
            return; /* it went away or became a link since it was listed */
        lac_cli_scan_complain(run, lac_str_from(path), lac_errno_text(errno));
        return;
    }
    if (!followed &&
        (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || lac_cli_scan_is_own(run, &st))) {
        close(fd);
        return;
    }
    lac_cli_scan_fd(run, w, lac_str_from(path), fd, followed ? 0 : (size_t)st.st_size, out);
    close(fd);
}

/* ---- Added lines ---- */

void lac_cli_scan_added(struct lac_cli_scan_run *run, struct lac_cli_scan_worker *w,
                        const struct lac_scan_diff *d, struct lac_buf *out)
{
    struct place p = {.run = run, .w = w, .path = d->path, .text = d->text};
    struct cursor c = {0};
    struct lac_scan_result result;
    struct lac_err err;
    size_t hunk = SIZE_MAX;

    begin_file(run, w);
    if (is_binary(run, d->text)) {
        atomic_fetch_add(&run->counts.binary, 1);
        return;
    }
    if (lac_scan_text(w->scan, d->text, 0, d->text.len, &result, &err) != LAC_OK) {
        lac_cli_scan_complain(run, d->path, err.text);
        return;
    }
    p.result = &result;
    for (size_t i = 0; i < result.count; i++) {
        const struct lac_scan_finding *f = &result.at[i];
        size_t in;

        if (!f->listed)
            continue;
        in = lac_scan_diff_hunk(d, f->start);
        if (in != lac_scan_diff_hunk(d, f->end - 1))
            continue; /* lines that do not stand together in the file made it up */
        if (in != hunk) {
            hunk = in;
            c = (struct cursor){.at = d->hunks[in].at, .line = d->hunks[in].line};
            if (c.line == 1 && lac_utf8_mark(lac_str_slice(d->text, c.at, d->text.len)) > 0)
                c.line_chars = 1;
        }
        advance(&c, d->text, f->start);
        report(&p, i, &c, out);
    }
    atomic_fetch_add(&run->counts.bytes, d->text.len);
    count_file(run, result.listed, result.undecodable, result.truncated);
}

/* Bytes of a file. */
struct range {
    size_t from, to;
};

/* Where the line `want` begins, from one that begins at `at`, as git counts them: by bytes. */
static size_t line_at(struct lac_str file, size_t at, uint64_t *line, uint64_t want)
{
    for (; *line < want && at < file.len; (*line)++) {
        const char *end = memchr(file.ptr + at, '\n', file.len - at);

        at = end ? (size_t)(end - file.ptr) + 1 : file.len;
    }
    return at;
}

/* What the hunks add. */
static void find_added(const struct lac_scan_diff *d, struct lac_str file, struct range *out)
{
    uint64_t line = 1;
    size_t at = 0;

    for (size_t i = 0; i < d->hunk_count; i++) {
        size_t end = i + 1 < d->hunk_count ? d->hunks[i + 1].at : d->text.len;
        uint64_t behind = d->hunks[i].line;

        for (size_t k = d->hunks[i].at; k < end; k++)
            behind += d->text.ptr[k] == '\n';
        out[i].from = at = line_at(file, at, &line, d->hunks[i].line);
        out[i].to = at = line_at(file, at, &line, behind);
    }
}

/* The findings that touch what was added. How many, or SIZE_MAX: the matcher failed. */
static size_t report_added(struct place *p, const struct range *added, size_t count,
                           struct lac_scan_result *result, struct lac_buf *out)
{
    struct cursor c = {.line = 1};
    size_t listed = 0, range = 0;
    struct lac_err err;

    if (lac_scan_text(p->w->scan, p->text, 0, p->text.len, result, &err) != LAC_OK) {
        lac_cli_scan_complain(p->run, p->path, err.text);
        return SIZE_MAX;
    }
    p->result = result;
    for (size_t i = 0; i < result->count; i++) {
        struct cursor end;

        if (!result->at[i].listed)
            continue;
        advance(&c, p->text, result->at[i].start);
        end = c;
        advance(&end, p->text, result->at[i].end);
        while (range < count && added[range].to <= utf16_offset(&c))
            range++;
        if (range == count || added[range].from >= utf16_offset(&end))
            continue;
        report(p, i, &c, out);
        listed++;
    }
    return listed;
}

void lac_cli_scan_added_utf16(struct lac_cli_scan_run *run, struct lac_cli_scan_worker *w,
                              const struct lac_scan_diff *d, struct lac_scan_utf16 *decoder,
                              struct lac_str file, struct lac_buf *out)
{
    struct place p = {.run = run, .w = w, .path = d->path, .utf16 = true, .placed = true};
    struct lac_str in = lac_str_slice(file, LAC_SCAN_UTF16_MARK, file.len);
    size_t room = file.len / 2 * 3 + 4, len = 0, listed;
    struct range *added = calloc(d->hunk_count, sizeof(*added));
    struct lac_scan_result result;
    char *text = malloc(room);

    begin_file(run, w);
    if (added && text) {
        (void)lac_scan_utf16_decode(decoder, in, true, text, &len, room);
        p.text = (struct lac_str){text, len};
        find_added(d, file, added);
        listed = report_added(&p, added, d->hunk_count, &result, out);
        atomic_fetch_add(&run->counts.bytes, d->text.len);
        if (listed != SIZE_MAX)
            count_file(run, listed, result.undecodable || decoder->malformed, result.truncated);
    } else {
        lac_cli_scan_complain(run, d->path, lac_errno_text(ENOMEM));
    }
    free(added);
    free(text);
}
