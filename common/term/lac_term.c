/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_term.h"

#include <errno.h>
#include <poll.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "lac_env.h"

static const char *const styles[LAC_STYLE_COUNT] = {
    [LAC_STYLE_NONE] = "",         [LAC_STYLE_BOLD] = "\033[1m",  [LAC_STYLE_DIM] = "\033[2m",
    [LAC_STYLE_GOOD] = "\033[32m", [LAC_STYLE_NOTE] = "\033[33m", [LAC_STYLE_BAD] = "\033[1;31m",
    [LAC_STYLE_LINK] = "\033[36m",
};

/* The locale's variables in the order in which the C library looks at them. */
static bool wants_utf8(void)
{
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};

    for (size_t i = 0; i < LAC_COUNT(names); i++) {
        const char *value = lac_env(names[i]);

        if (value && *value)
            return strcasestr(value, "utf-8") || strcasestr(value, "utf8");
    }
    /* Bare containers set no locale at all, and every terminal of today speaks UTF-8. */
    return true;
}

void lac_term_open(struct lac_term *t, int fd)
{
    const char *no_color = lac_env("NO_COLOR");
    const char *term = lac_env("TERM");
    bool dumb = !term || !*term || strcmp(term, "dumb") == 0;

    *t = (struct lac_term){.fd = fd};
    t->terminal = isatty(fd) == 1;
    t->moves = t->terminal && !dumb;
    t->colour = t->moves && !(no_color && *no_color);
    t->utf8 = wants_utf8();
    lac_term_resize(t);
}

void lac_term_resize(struct lac_term *t)
{
    struct winsize size = {0};

    t->columns = 0;
    if (t->terminal && ioctl(t->fd, TIOCGWINSZ, &size) == 0)
        t->columns = size.ws_col;
    if (t->terminal && t->columns == 0)
        t->columns = 80; /* a serial line doesn't say; the width they all have */
}

const char *lac_term_on(const struct lac_term *t, enum lac_style style)
{
    return t->colour ? styles[style] : "";
}

const char *lac_term_off(const struct lac_term *t, enum lac_style style)
{
    return t->colour && style != LAC_STYLE_NONE ? "\033[0m" : "";
}

void lac_term_put(const struct lac_term *t, struct lac_buf *b, enum lac_style style,
                  const char *text)
{
    lac_buf_put_text(b, lac_term_on(t, style));
    lac_buf_put_text(b, text);
    lac_buf_put_text(b, lac_term_off(t, style));
}

bool lac_term_flush(const struct lac_term *t, struct lac_buf *b)
{
    struct lac_str rest = lac_buf_str(b);

    while (rest.len > 0) {
        ssize_t n = write(t->fd, rest.ptr, rest.len);

        if (n < 0 && errno == EAGAIN) {
            struct pollfd p = {.fd = t->fd, .events = POLLOUT};

            (void)poll(&p, 1, 1000);
            continue;
        }
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            break;
        rest.ptr += n;
        rest.len -= (size_t)n;
    }
    lac_buf_reset(b);
    return rest.len == 0;
}

enum lac_style lac_term_tier_style(struct lac_str tier)
{
    if (lac_str_is(tier, "PROPRIETARY"))
        return LAC_STYLE_BAD;
    if (lac_str_is(tier, "INTERNAL"))
        return LAC_STYLE_NOTE;
    return lac_str_is(tier, "PUBLIC") ? LAC_STYLE_GOOD : LAC_STYLE_NONE;
}
