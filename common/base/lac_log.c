/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lac_buf.h"
#include "lac_clock.h"
#include "lac_str.h"
#include "lac_utf8.h"

static const char *const level_names[] = {"error", "warn", "info", "debug"};

/* Set once before threads start, read-only afterwards. */
static struct {
    const char *program;
    enum lac_log_level level;
    enum lac_log_format format;
} log_state = {"lacuna", LAC_LOG_INFO, LAC_LOG_KEY_VALUE};

void lac_log_open(const char *program, enum lac_log_level level, enum lac_log_format format)
{
    log_state.program = program;
    log_state.level = level;
    log_state.format = format;
}

/* Fields of a line: `a=1 b="two words"`. Values point into the line that vsnprintf() made. */
struct field {
    struct lac_str key, value;
    bool quoted;
};

enum {
    QUOTE = 0x1f,                  /* stands for the quotes of a format, see fill_in() */
    FILLED_SIZE = 4 << 10,         /* a format with its arguments */
    CLOSING = sizeof("\"}\n") - 1, /* what must always fit behind a line that was cut */
};

static size_t count_quotes(const char *text)
{
    size_t n = 0;

    for (; *text; text++)
        n += *text == QUOTE;
    return n;
}

/*
 * Fills in the format with its quotes marked: a quote that stands in an argument is content then
 * and can't end a value early, or begin a field that nobody logged. False: an argument holds the
 * mark, or there is too much; where a value ends can't be told.
 */
static bool fill_in(char *out, size_t size, const char *fmt, va_list args)
{
    char marked[LAC_LOG_LINE_SIZE];
    size_t n = strlen(fmt), want;
    int filled;

    if (n >= sizeof(marked))
        n = sizeof(marked) - 1;
    for (size_t i = 0; i < n; i++)
        marked[i] = fmt[i];
    marked[n] = '\0';
    for (char *q = strchr(marked, '"'); q; q = strchr(q, '"'))
        *q = QUOTE;
    want = count_quotes(marked);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral" /* conversions are those of `fmt` */
    filled = vsnprintf(out, size, marked, args);
#pragma GCC diagnostic pop
    return filled >= 0 && (size_t)filled < size && count_quotes(out) == want;
}

/* Takes one field off `*at`. False: there is none left. */
static bool next_field(const char **at, struct field *f)
{
    const char *p = *at + strspn(*at, " ");
    size_t n = strcspn(p, "= ");

    while (p[n] == ' ') { /* a word without a value */
        p += n + strspn(p + n, " ");
        n = strcspn(p, "= ");
    }
    if (p[n] == '\0')
        return false;
    f->key = (struct lac_str){p, n};
    p += n + 1;
    f->quoted = *p == QUOTE;
    p += f->quoted;
    n = strcspn(p, f->quoted ? (const char[]){QUOTE, '\0'} : " ");
    f->value = (struct lac_str){p, n};
    *at = p + n + (f->quoted && p[n] == QUOTE);
    return true;
}

/*
 * Appends the text in quotes, as a JSON string and readable as a logfmt one; bytes that are not
 * UTF-8 become U+FFFD. Stops where the line ends, and always closes the quotes.
 */
static void put_quoted(struct lac_buf *line, struct lac_str text)
{
    lac_buf_put_char(line, '"');
    for (size_t at = 0; at < text.len;) {
        char unit[8];
        size_t n;
        uint32_t c = lac_utf8_next(text, &at);

        if (c == '"' || c == '\\')
            n = (size_t)snprintf(unit, sizeof(unit), "\\%c", (char)c);
        else if (c < 0x20 || c == 0x7f)
            n = (size_t)snprintf(unit, sizeof(unit), "\\u%04x", (unsigned)c);
        else
            n = lac_utf8_put(unit, c == LAC_UTF8_BAD ? 0xFFFD : c);
        if (line->capacity - line->len <= n)
            break;
        lac_buf_put(line, unit, n);
    }
    lac_buf_put_char(line, '"');
}

static void put_bare(struct lac_buf *line, struct lac_str text)
{
    for (size_t i = 0; i < text.len && line->len < line->capacity; i++) {
        unsigned char c = (unsigned char)text.ptr[i];

        if (c > 0x20 && c != 0x7f && c != '"')
            lac_buf_put_char(line, text.ptr[i]);
        else
            lac_buf_put_char(line, '?');
    }
}

static void put_field(struct lac_buf *line, const struct field *f)
{
    bool json = log_state.format == LAC_LOG_JSON;

    if (line->capacity - line->len < f->key.len + sizeof(",\"\":\"\""))
        return;
    lac_buf_put_char(line, json ? ',' : ' ');
    if (json)
        put_quoted(line, f->key);
    else
        put_bare(line, f->key);
    lac_buf_put_char(line, json ? ':' : '=');
    if (json || f->quoted)
        put_quoted(line, f->value);
    else
        put_bare(line, f->value);
}

static void flatten(char *text)
{
    for (; *text; text++)
        if (*text == '\n' || *text == '\r')
            *text = ' ';
}

void lac_log(enum lac_log_level level, const char *event, const char *fmt, ...)
{
    char memory[LAC_LOG_LINE_SIZE], filled[FILLED_SIZE], stamp[LAC_CLOCK_TEXT_SIZE];
    bool json = log_state.format == LAC_LOG_JSON, whole;
    const char *at = filled;
    struct field f;
    struct lac_buf line;
    va_list args;

    if (level > log_state.level)
        return;
    va_start(args, fmt);
    whole = fill_in(filled, sizeof(filled), fmt, args);
    va_end(args);
    flatten(filled);
    lac_clock_format(stamp, lac_clock_wall_ms());
    lac_buf_init_fixed(&line, memory, sizeof(memory) - CLOSING);
    lac_buf_printf(&line,
                   json ? "{\"time\":\"%s\",\"level\":\"%s\",\"program\":\"%s\",\"event\":\"%s\""
                        : "time=%s level=%s program=%s event=%s",
                   stamp, level_names[level], log_state.program, event);
    if (whole)
        while (next_field(&at, &f))
            put_field(&line, &f);
    else
        put_field(&line, &(struct field){LAC_STR("text"), lac_str_from(filled), true});
    if (json)
        memory[line.len++] = '}';
    memory[line.len++] = '\n';
    if (write(STDERR_FILENO, memory, line.len) < 0)
        return; /* nowhere left to say it */
}

void lac_log_err(enum lac_log_level level, const char *event, const struct lac_err *err)
{
    lac_log(level, event, "status=%s code=%d reason=\"%s\"", lac_status_name(err->status),
            err->code, err->text);
}

bool lac_log_every(struct lac_log_every *e, uint32_t period_ms, uint64_t *suppressed)
{
    uint64_t now = lac_clock_mono_ms();

    if (now < e->_next_ms) {
        e->_suppressed++;
        return false;
    }
    e->_next_ms = now + period_ms;
    *suppressed = e->_suppressed;
    e->_suppressed = 0;
    return true;
}
