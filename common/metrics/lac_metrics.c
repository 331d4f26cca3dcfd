/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_metrics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lac_assert.h"
#include "lac_metrics_impl.h"

const double lac_metrics_latency_seconds[LAC_METRICS_LATENCY_COUNT] = {
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
};

const double lac_metrics_ratio[LAC_METRICS_RATIO_COUNT] = {
    0.05, 0.1,  0.15, 0.2,  0.25, 0.3,  0.35, 0.4,  0.45, 0.5, 0.55,
    0.6,  0.65, 0.7,  0.75, 0.8,  0.85, 0.9,  0.95, 0.99, 1,
};

double lac_metrics_double(uint64_t bits)
{
    double v;

    memcpy(&v, &bits, sizeof(v));
    return v;
}

static uint64_t to_bits(double v)
{
    uint64_t bits;

    memcpy(&bits, &v, sizeof(bits));
    return bits;
}

static void add_double(_Atomic uint64_t *bits, double delta)
{
    uint64_t before = atomic_load_explicit(bits, memory_order_relaxed);

    while (!atomic_compare_exchange_weak_explicit(bits, &before,
                                                  to_bits(lac_metrics_double(before) + delta),
                                                  memory_order_relaxed, memory_order_relaxed))
        ;
}

enum lac_status lac_metrics_new(struct lac_metrics **out, struct lac_err *err)
{
    struct lac_metrics *m = calloc(1, sizeof(*m));

    *out = NULL;
    if (!m)
        return lac_err_set(err, LAC_FATAL, 0, "metrics: out of memory");
    if (pthread_mutex_init(&m->lock, NULL) != 0) {
        free(m);
        return lac_err_set(err, LAC_FATAL, 0, "metrics: cannot make a lock");
    }
    m->refused = lac_metrics_counter(m, "lacuna_metrics_refused_total",
                                     "Series that did not fit into the registry.", NULL);
    if (!m->refused) {
        lac_metrics_free(m);
        return lac_err_set(err, LAC_FATAL, 0, "metrics: out of memory");
    }
    *out = m;
    return LAC_OK;
}

static void free_series(enum lac_metrics_kind kind, struct lac_metrics_series *s)
{
    if (kind == LAC_METRICS_HISTOGRAM)
        free(s->histogram.buckets);
    free(s->labels);
    free(s);
}

static void free_family(struct lac_metrics_family *f)
{
    while (f->series) {
        struct lac_metrics_series *next = f->series->next;

        free_series(f->kind, f->series);
        f->series = next;
    }
    free(f->name);
    free(f->help);
    free(f->bounds);
    free(f);
}

void lac_metrics_free(struct lac_metrics *m)
{
    if (!m)
        return;
    while (m->families) {
        struct lac_metrics_family *next = m->families->next;

        free_family(m->families);
        m->families = next;
    }
    free(m->process);
    (void)pthread_mutex_destroy(&m->lock);
    free(m);
}

static bool name_ok(enum lac_metrics_kind kind, const char *name)
{
    size_t len = strlen(name);

    if (strncmp(name, "lacuna_", 7) != 0 && strncmp(name, "process_", 8) != 0)
        return false;
    for (size_t i = 0; i < len; i++) {
        char c = name[i];

        if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
            c != '_' && c != ':')
            return false;
    }
    return (len > 6 && strcmp(name + len - 6, "_total") == 0) ==
           (kind == LAC_METRICS_COUNTER || kind == LAC_METRICS_SET_COUNTER);
}

static void check_bounds(const double *bounds, size_t count)
{
    LAC_ASSERT(bounds && count > 0 && count <= LAC_METRICS_BOUNDS_MAX);
    for (size_t i = 0; i < count; i++)
        LAC_ASSERT(isfinite(bounds[i]) && (i == 0 || bounds[i] > bounds[i - 1]));
}

static struct lac_metrics_family *new_family(enum lac_metrics_kind kind, const char *name,
                                             const char *help, const double *bounds, size_t count)
{
    struct lac_metrics_family *f = calloc(1, sizeof(*f));

    if (!f)
        return NULL;
    f->kind = kind;
    f->name = strdup(name);
    f->help = strdup(help);
    f->count = count;
    if (count > 0)
        f->bounds = calloc(count, sizeof(*f->bounds));
    if (!f->name || !f->help || (count > 0 && !f->bounds)) {
        free_family(f);
        return NULL;
    }
    if (count > 0)
        memcpy(f->bounds, bounds, count * sizeof(*bounds));
    return f;
}

static struct lac_metrics_series *new_series(const struct lac_metrics_family *f, const char *labels)
{
    struct lac_metrics_series *s = calloc(1, sizeof(*s));

    if (!s)
        return NULL;
    s->labels = strdup(labels);
    if (f->kind == LAC_METRICS_HISTOGRAM) {
        s->histogram.bounds = f->bounds;
        s->histogram.count = f->count;
        s->histogram.buckets = calloc(f->count + 1, sizeof(*s->histogram.buckets));
    }
    if (!s->labels || (f->kind == LAC_METRICS_HISTOGRAM && !s->histogram.buckets)) {
        free_series(f->kind, s);
        return NULL;
    }
    return s;
}

/* Lock: m->lock is held. */
static struct lac_metrics_series *find_or_add(struct lac_metrics *m, enum lac_metrics_kind kind,
                                              const struct lac_metrics_family *like,
                                              const char *labels)
{
    struct lac_metrics_family **f = &m->families;
    struct lac_metrics_series **s;

    while (*f && strcmp((*f)->name, like->name) != 0)
        f = &(*f)->next;
    LAC_ASSERT(!*f || ((*f)->kind == kind && (*f)->count == like->count));
    if (*f) {
        for (s = &(*f)->series; *s; s = &(*s)->next)
            if (strcmp((*s)->labels, labels) == 0)
                return *s;
    }
    if (m->series_count >= LAC_METRICS_SERIES_MAX || strlen(labels) > LAC_METRICS_LABELS_MAX)
        return NULL;
    if (!*f)
        *f = new_family(kind, like->name, like->help, like->bounds, like->count);
    if (!*f)
        return NULL;
    s = &(*f)->series;
    while (*s)
        s = &(*s)->next;
    *s = new_series(*f, labels);
    m->series_count += *s != NULL;
    return *s;
}

static struct lac_metrics_series *series(struct lac_metrics *m, enum lac_metrics_kind kind,
                                         const struct lac_metrics_family *like, const char *labels)
{
    struct lac_metrics_series *s;

    LAC_ASSERT(m && name_ok(kind, like->name) && like->help);
    (void)pthread_mutex_lock(&m->lock);
    s = find_or_add(m, kind, like, labels ? labels : "");
    (void)pthread_mutex_unlock(&m->lock);
    if (!s)
        lac_counter_add(m->refused, 1);
    return s;
}

/* A description on the stack, in the form that find_or_add() compares with. */
static struct lac_metrics_family description(const char *name, const char *help)
{
    return (struct lac_metrics_family){.name = (char *)name, .help = (char *)help};
}

struct lac_counter *lac_metrics_counter(struct lac_metrics *m, const char *name, const char *help,
                                        const char *labels)
{
    struct lac_metrics_family like = description(name, help);
    struct lac_metrics_series *s = series(m, LAC_METRICS_COUNTER, &like, labels);

    return s ? &s->counter : NULL;
}

struct lac_gauge *lac_metrics_gauge(struct lac_metrics *m, const char *name, const char *help,
                                    const char *labels)
{
    struct lac_metrics_family like = description(name, help);
    struct lac_metrics_series *s = series(m, LAC_METRICS_GAUGE, &like, labels);

    return s ? &s->gauge : NULL;
}

struct lac_gauge *lac_metrics_set_counter(struct lac_metrics *m, const char *name, const char *help)
{
    struct lac_metrics_family like = description(name, help);
    struct lac_metrics_series *s = series(m, LAC_METRICS_SET_COUNTER, &like, NULL);

    return s ? &s->gauge : NULL;
}

struct lac_histogram *lac_metrics_histogram(struct lac_metrics *m, const char *name,
                                            const char *help, const char *labels,
                                            const double *bounds, size_t count)
{
    struct lac_metrics_family like = description(name, help);
    struct lac_metrics_series *s;

    check_bounds(bounds, count);
    like.bounds = (double *)bounds;
    like.count = count;
    s = series(m, LAC_METRICS_HISTOGRAM, &like, labels);
    return s ? &s->histogram : NULL;
}

void lac_counter_add(struct lac_counter *c, uint64_t n)
{
    if (c)
        atomic_fetch_add_explicit(&c->value, n, memory_order_relaxed);
}

uint64_t lac_counter_value(const struct lac_counter *c)
{
    return c ? atomic_load_explicit(&c->value, memory_order_relaxed) : 0;
}

void lac_gauge_set(struct lac_gauge *g, double value)
{
    if (!g)
        return;
    atomic_store_explicit(&g->bits, to_bits(value), memory_order_relaxed);
    atomic_store_explicit(&g->shown, true, memory_order_release);
}

double lac_gauge_value(const struct lac_gauge *g)
{
    return g ? lac_metrics_double(atomic_load_explicit(&g->bits, memory_order_relaxed)) : 0;
}

void lac_gauge_hide(struct lac_gauge *g)
{
    if (g)
        atomic_store_explicit(&g->shown, false, memory_order_release);
}

bool lac_gauge_relabel(struct lac_metrics *m, struct lac_gauge *g, const char *labels)
{
    struct lac_metrics_series *s;
    char *copy;

    if (!g)
        return true;
    copy = strlen(labels) <= LAC_METRICS_LABELS_MAX ? strdup(labels) : NULL;
    if (!copy)
        return false;
    s = (struct lac_metrics_series *)((char *)g - offsetof(struct lac_metrics_series, gauge));
    (void)pthread_mutex_lock(&m->lock);
    free(s->labels);
    s->labels = copy;
    (void)pthread_mutex_unlock(&m->lock);
    return true;
}

void lac_histogram_observe(struct lac_histogram *h, double value)
{
    size_t low = 0, high;

    if (!h || isnan(value))
        return;
    high = h->count;
    while (low < high) { /* the first bound that is not below the value */
        size_t middle = low + (high - low) / 2;

        if (h->bounds[middle] < value)
            low = middle + 1;
        else
            high = middle;
    }
    atomic_fetch_add_explicit(&h->buckets[low], 1, memory_order_relaxed);
    add_double(&h->sum_bits, value);
}

void lac_metrics_on_write(struct lac_metrics *m, void (*fn)(void *ctx), void *ctx)
{
    (void)pthread_mutex_lock(&m->lock);
    LAC_ASSERT(m->hook_count < LAC_METRICS_HOOKS_MAX);
    m->hooks[m->hook_count].fn = fn;
    m->hooks[m->hook_count].ctx = ctx;
    m->hook_count++;
    (void)pthread_mutex_unlock(&m->lock);
}
