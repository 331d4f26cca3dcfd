/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_progress.h"

#include <inttypes.h>
#include <stdio.h>

#include "lac_clock.h"
#include "lac_width.h"

enum { REDRAW_MS = 100, BAR_COLUMNS = 24, LINE_BYTES = 2048 };

void lac_progress_init(struct lac_progress *p, struct lac_term *term)
{
    *p = (struct lac_progress){.term = term};
}

bool lac_progress_due(const struct lac_progress *p)
{
    return p->term->moves && lac_clock_mono_ms() >= p->_next_ms;
}

static void draw(struct lac_progress *p, struct lac_buf *b)
{
    (void)lac_term_flush(p->term, b); /* a lost line of progress is no reason to stop the work */
    p->_next_ms = lac_clock_mono_ms() + REDRAW_MS;
    p->_drawn = true;
}

void lac_progress_bar(struct lac_progress *p, uint64_t done, uint64_t total, const char *text)
{
    /* Eighths of a cell make the bar move smoothly. */
    static const char *const part[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    char memory[LINE_BYTES];
    struct lac_buf b;
    size_t room;

    if (!lac_progress_due(p))
        return;
    lac_term_resize(p->term);
    room = p->term->columns;
    lac_buf_init_fixed(&b, memory, sizeof(memory));
    lac_buf_put_text(&b, "\r");
    if (total > 0 && room > BAR_COLUMNS + 20) {
        double share = done >= total ? 1.0 : (double)done / (double)total;
        unsigned eighths = (unsigned)(share * BAR_COLUMNS * 8.0), full = eighths / 8;
        bool partial = p->term->utf8 && eighths % 8 != 0;

        lac_buf_put_text(&b, lac_term_on(p->term, LAC_STYLE_LINK));
        for (unsigned i = 0; i < full; i++)
            lac_buf_put_text(&b, p->term->utf8 ? "█" : "#");
        if (partial)
            lac_buf_put_text(&b, part[eighths % 8]);
        lac_buf_put_text(&b, lac_term_off(p->term, LAC_STYLE_LINK));
        lac_buf_put_text(&b, lac_term_on(p->term, LAC_STYLE_DIM));
        for (unsigned i = full + partial; i < BAR_COLUMNS; i++)
            lac_buf_put_text(&b, p->term->utf8 ? "·" : ".");
        lac_buf_put_text(&b, lac_term_off(p->term, LAC_STYLE_DIM));
        lac_buf_printf(&b, " %3u %%  ", (unsigned)(share * 100.0));
        room -= BAR_COLUMNS + 8;
    }
    /* One column stays free: a full line would wrap on some terminals. */
    (void)lac_width_put(&b, lac_str_from(text), room > 1 ? room - 1 : 1, !p->term->utf8);
    lac_buf_put_text(&b, "\033[K");
    draw(p, &b);
}

void lac_progress_line(struct lac_progress *p, const char *line)
{
    char memory[LINE_BYTES];
    struct lac_buf b;

    if (!p->term->moves)
        return;
    lac_buf_init_fixed(&b, memory, sizeof(memory));
    /* Autowrap off while drawing: a narrow terminal cuts the line instead of scrolling. */
    lac_buf_printf(&b, "\r\033[?7l%s\033[K\033[?7h", line);
    if (lac_buf_ok(&b))
        draw(p, &b);
}

void lac_progress_clear(struct lac_progress *p)
{
    char memory[8];
    struct lac_buf b;

    if (!p->_drawn)
        return;
    lac_buf_init_fixed(&b, memory, sizeof(memory));
    lac_buf_put_text(&b, "\r\033[K");
    (void)lac_term_flush(p->term, &b);
    p->_drawn = false;
    p->_next_ms = 0;
}

const char *lac_progress_count(char out[LAC_PROGRESS_NUMBER_SIZE], uint64_t n)
{
    char digits[24];
    int len = snprintf(digits, sizeof(digits), "%" PRIu64, n), at = 0;

    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0)
            out[at++] = ',';
        out[at++] = digits[i];
    }
    out[at] = '\0';
    return out;
}

const char *lac_progress_size(char out[LAC_PROGRESS_NUMBER_SIZE], uint64_t bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    double value = (double)bytes;
    size_t unit = 0;

    while (value >= 1024.0 && unit + 1 < LAC_COUNT(units)) {
        value /= 1024.0;
        unit++;
    }
    snprintf(out, LAC_PROGRESS_NUMBER_SIZE, unit ? "%.1f %s" : "%.0f %s", value, units[unit]);
    return out;
}

const char *lac_progress_time(char out[LAC_PROGRESS_NUMBER_SIZE], uint64_t ms)
{
    uint64_t s = ms / 1000;

    if (ms < 10000)
        snprintf(out, LAC_PROGRESS_NUMBER_SIZE, "%.1f s", (double)ms / 1000.0);
    else if (s < 60)
        snprintf(out, LAC_PROGRESS_NUMBER_SIZE, "%" PRIu64 " s", s);
    else if (s < 3600)
        snprintf(out, LAC_PROGRESS_NUMBER_SIZE, "%" PRIu64 " min %" PRIu64 " s", s / 60, s % 60);
    else
        snprintf(out, LAC_PROGRESS_NUMBER_SIZE, "%" PRIu64 " h %" PRIu64 " min", s / 3600,
                 s % 3600 / 60);
    return out;
}
