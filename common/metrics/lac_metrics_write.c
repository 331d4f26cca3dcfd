/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_metrics.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lac_metrics_impl.h"

void lac_metrics_label(struct lac_buf *labels, const char *name, struct lac_str value)
{
    lac_buf_printf(labels, "%s%s=\"", labels->len ? "," : "", name);
    for (size_t i = 0; i < value.len; i++) {
        char c = value.ptr[i];

        if (c == '\n')
            lac_buf_put_text(labels, "\\n");
        else if (c == '"' || c == '\\')
            lac_buf_put(labels, (const char[]){'\\', c}, 2);
        else
            lac_buf_put_char(labels, c);
    }
    lac_buf_put_char(labels, '"');
}

const char *lac_metrics_content_type(enum lac_metrics_format format)
{
    return format == LAC_METRICS_OPENMETRICS
               ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
               : "text/plain; version=0.0.4; charset=utf-8";
}

enum lac_metrics_format lac_metrics_negotiate(struct lac_str accept)
{
    static const char wanted[] = "application/openmetrics-text";

    /* Weights are not read: who lists OpenMetrics at all prefers it. */
    return accept.ptr && memmem(accept.ptr, accept.len, wanted, sizeof(wanted) - 1)
               ? LAC_METRICS_OPENMETRICS
               : LAC_METRICS_PROMETHEUS;
}

/* The shortest form that reads back as the same number, as both formats want it. */
static void put_number(struct lac_buf *b, double v)
{
    char text[40];

    if (isnan(v)) {
        lac_buf_put_text(b, "NaN");
        return;
    }
    if (isinf(v)) {
        lac_buf_put_text(b, v > 0 ? "+Inf" : "-Inf");
        return;
    }
    for (int digits = 15; digits <= 17; digits++) {
        (void)snprintf(text, sizeof(text), "%.*g", digits, v);
        if (strtod(text, NULL) == v)
            break;
    }
    lac_buf_put_text(b, text);
}

/* OpenMetrics wants a bound to look like a float, so that `le` compares as text. */
static void put_bound(struct lac_buf *b, double v, enum lac_metrics_format format)
{
    char text[40];

    (void)snprintf(text, sizeof(text), "%.15g", v);
    lac_buf_put_text(b, text);
    if (format == LAC_METRICS_OPENMETRICS && !strpbrk(text, ".e"))
        lac_buf_put_text(b, ".0");
}

static void put_labels(struct lac_buf *b, const char *labels)
{
    if (labels[0])
        lac_buf_printf(b, "{%s}", labels);
    lac_buf_put_char(b, ' ');
}

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);

    return n > m && strcmp(text + n - m, end) == 0;
}

static void put_head(struct lac_buf *b, const struct lac_metrics_family *f,
                     enum lac_metrics_format format)
{
    static const char *const types[] = {"counter", "gauge", "histogram", "counter"};
    static const char *const units[] = {"seconds", "bytes", "ratio"};
    const char *type = types[f->kind];
    size_t len = strlen(f->name);

    if (format == LAC_METRICS_OPENMETRICS) {
        /* There a family's name lacks the suffix that its samples have. */
        if (ends_with(f->name, "_total")) {
            len -= strlen("_total");
        } else if (f->kind == LAC_METRICS_GAUGE && ends_with(f->name, "_info")) {
            len -= strlen("_info");
            type = "info";
        }
    }
    lac_buf_printf(b, "# HELP %.*s ", (int)len, f->name);
    for (const char *c = f->help; *c; c++) {
        if (*c == '\n')
            lac_buf_put_text(b, "\\n");
        else if (*c == '\\' || (*c == '"' && format == LAC_METRICS_OPENMETRICS))
            lac_buf_put(b, (const char[]){'\\', *c}, 2);
        else
            lac_buf_put_char(b, *c);
    }
    lac_buf_printf(b, "\n# TYPE %.*s %s\n", (int)len, f->name, type);
    if (format != LAC_METRICS_OPENMETRICS)
        return;
    for (size_t i = 0; i < LAC_COUNT(units); i++) {
        size_t n = strlen(units[i]);

        if (len > n + 1 && f->name[len - n - 1] == '_' &&
            memcmp(f->name + len - n, units[i], n) == 0)
            lac_buf_printf(b, "# UNIT %.*s %s\n", (int)len, f->name, units[i]);
    }
}

/* The count is the sum of the buckets that were read, so that both always agree. */
static void put_histogram(struct lac_buf *b, const struct lac_metrics_family *f,
                          const struct lac_metrics_series *s, enum lac_metrics_format format)
{
    const struct lac_histogram *h = &s->histogram;
    const char *comma = s->labels[0] ? "," : "";
    uint64_t count = 0;

    for (size_t i = 0; i <= h->count; i++) {
        count += atomic_load_explicit(&h->buckets[i], memory_order_relaxed);
        lac_buf_printf(b, "%s_bucket{%s%sle=\"", f->name, s->labels, comma);
        if (i < h->count)
            put_bound(b, h->bounds[i], format);
        else
            lac_buf_put_text(b, "+Inf");
        lac_buf_printf(b, "\"} %" PRIu64 "\n", count);
    }
    lac_buf_printf(b, "%s_sum", f->name);
    put_labels(b, s->labels);
    put_number(b, lac_metrics_double(atomic_load_explicit(&h->sum_bits, memory_order_relaxed)));
    lac_buf_printf(b, "\n%s_count", f->name);
    put_labels(b, s->labels);
    lac_buf_printf(b, "%" PRIu64 "\n", count);
}

static void put_series(struct lac_buf *b, const struct lac_metrics_family *f,
                       const struct lac_metrics_series *s, enum lac_metrics_format format)
{
    switch (f->kind) {
    case LAC_METRICS_COUNTER:
        lac_buf_put_text(b, f->name);
        put_labels(b, s->labels);
        lac_buf_printf(b, "%" PRIu64 "\n", lac_counter_value(&s->counter));
        break;
    case LAC_METRICS_GAUGE:
    case LAC_METRICS_SET_COUNTER:
        if (!atomic_load_explicit(&s->gauge.shown, memory_order_acquire))
            break;
        lac_buf_put_text(b, f->name);
        put_labels(b, s->labels);
        put_number(b, lac_gauge_value(&s->gauge));
        lac_buf_put_char(b, '\n');
        break;
    case LAC_METRICS_HISTOGRAM:
        put_histogram(b, f, s, format);
        break;
    }
}

void lac_metrics_write(struct lac_metrics *m, struct lac_buf *buf, enum lac_metrics_format format)
{
    size_t hook_count;

    (void)pthread_mutex_lock(&m->lock);
    hook_count = m->hook_count; /* hooks are only ever added */
    (void)pthread_mutex_unlock(&m->lock);
    for (size_t i = 0; i < hook_count; i++)
        m->hooks[i].fn(m->hooks[i].ctx);

    (void)pthread_mutex_lock(&m->lock);
    for (const struct lac_metrics_family *f = m->families; f; f = f->next) {
        put_head(buf, f, format);
        for (const struct lac_metrics_series *s = f->series; s; s = s->next)
            put_series(buf, f, s, format);
    }
    (void)pthread_mutex_unlock(&m->lock);
    if (format == LAC_METRICS_OPENMETRICS)
        lac_buf_put_text(buf, "# EOF\n");
}
