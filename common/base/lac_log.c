/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lac_buf.h"
#include "lac_clock.h"

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

bool lac_log_enabled(enum lac_log_level level)
{
    return level <= log_state.level;
}

static void put_json_text(struct lac_buf *line, const char *text, size_t len)
{
    lac_buf_put_char(line, '"');
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c == '"' || c == '\\')
            lac_buf_printf(line, "\\%c", c);
        else if (c < 0x20)
            lac_buf_printf(line, "\\u%04x", c);
        else
            lac_buf_put_char(line, (char)c);
    }
    lac_buf_put_char(line, '"');
}

/* Turns `a=1 b="two words"` into JSON members; every value becomes a string. */
static void put_json_pairs(struct lac_buf *line, const char *pairs)
{
    while (*pairs) {
        size_t key = strcspn(pairs, "= "), len;

        if (pairs[key] != '=') {
            pairs += key + (pairs[key] == ' ');
            continue;
        }
        lac_buf_put_char(line, ',');
        put_json_text(line, pairs, key);
        lac_buf_put_char(line, ':');
        pairs += key + 1;
        if (*pairs == '"') {
            len = strcspn(pairs + 1, "\"");
            put_json_text(line, pairs + 1, len);
            pairs += len + 1 + (pairs[len + 1] == '"');
        } else {
            len = strcspn(pairs, " ");
            put_json_text(line, pairs, len);
            pairs += len;
        }
        pairs += strspn(pairs, " ");
    }
}

static void flatten(char *text)
{
    for (; *text; text++)
        if (*text == '\n' || *text == '\r')
            *text = ' ';
}

void lac_log(enum lac_log_level level, const char *event, const char *fmt, ...)
{
    char memory[LAC_LOG_LINE_SIZE], pairs[LAC_LOG_LINE_SIZE - 192], stamp[LAC_CLOCK_TEXT_SIZE];
    struct lac_buf line;
    va_list args;

    if (!lac_log_enabled(level))
        return;
    va_start(args, fmt);
    (void)vsnprintf(pairs, sizeof(pairs), fmt, args);
    va_end(args);
    flatten(pairs);
    lac_clock_format(stamp, lac_clock_wall_ms());
    lac_buf_init_fixed(&line, memory, sizeof(memory) - 2); /* room for the closing bytes */
    if (log_state.format == LAC_LOG_JSON) {
        lac_buf_printf(&line,
                       "{\"time\":\"%s\",\"level\":\"%s\",\"program\":\"%s\",\"event\":\"%s\"",
                       stamp, level_names[level], log_state.program, event);
        put_json_pairs(&line, pairs);
        memory[line.len++] = '}';
    } else {
        lac_buf_printf(&line, "time=%s level=%s program=%s event=%s", stamp, level_names[level],
                       log_state.program, event);
        if (pairs[0])
            lac_buf_printf(&line, " %s", pairs);
    }
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
