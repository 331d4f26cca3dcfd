/* SPDX-License-Identifier: Apache-2.0 */
/* Goal: the page says exactly what was counted, in both formats, while threads count. */
#include "lac_metrics.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "lac_test.h"

static struct lac_metrics *new_metrics(void)
{
    struct lac_metrics *m;

    LAC_TEST_NEED(lac_metrics_new(&m, NULL) == LAC_OK);
    return m;
}

static void check_page(struct lac_metrics *m, enum lac_metrics_format format, const char *want)
{
    struct lac_buf b;

    lac_buf_init(&b, 1 << 20);
    lac_metrics_write(m, &b, format);
    LAC_TEST_STR(lac_buf_cstr(&b), want);
    lac_buf_deinit(&b);
}

static bool page_has(struct lac_metrics *m, enum lac_metrics_format format, const char *text)
{
    struct lac_buf b;
    bool found;

    lac_buf_init(&b, 1 << 24);
    lac_metrics_write(m, &b, format);
    found = strstr(lac_buf_cstr(&b), text) != NULL;
    lac_buf_deinit(&b);
    return found;
}

static const double bounds[] = {0.5, 1, 2.5};

static struct lac_metrics *sample(void)
{
    struct lac_metrics *m = new_metrics();
    struct lac_histogram *h;

    lac_counter_add(lac_metrics_counter(m, "lacuna_requests_total", "Requests \"seen\" by\\us.",
                                        "topic=\"a\\\"b\""),
                    3);
    (void)lac_metrics_counter(m, "lacuna_requests_total", "ignored", "topic=\"c\"");
    lac_gauge_set(lac_metrics_gauge(m, "lacuna_age_seconds", "Age.", NULL), 1.25);
    lac_gauge_set(lac_metrics_gauge(m, "lacuna_build_info", "Build.", "version=\"1\""), 1);
    h = lac_metrics_histogram(m, "lacuna_wait_seconds", "Wait.", "layer=\"x\"", bounds, 3);
    lac_histogram_observe(h, 0.5); /* a bound belongs to its bucket */
    lac_histogram_observe(h, 0.75);
    lac_histogram_observe(h, 7);
    lac_histogram_observe(h, NAN);
    return m;
}

static void prometheus_page_is_exact(void)
{
    struct lac_metrics *m = sample();

    check_page(m, LAC_METRICS_PROMETHEUS,
               "# HELP lacuna_metrics_refused_total Series that did not fit into the registry.\n"
               "# TYPE lacuna_metrics_refused_total counter\n"
               "lacuna_metrics_refused_total 0\n"
               "# HELP lacuna_requests_total Requests \"seen\" by\\\\us.\n"
               "# TYPE lacuna_requests_total counter\n"
               "lacuna_requests_total{topic=\"a\\\"b\"} 3\n"
               "lacuna_requests_total{topic=\"c\"} 0\n"
               "# HELP lacuna_age_seconds Age.\n"
               "# TYPE lacuna_age_seconds gauge\n"
               "lacuna_age_seconds 1.25\n"
               "# HELP lacuna_build_info Build.\n"
               "# TYPE lacuna_build_info gauge\n"
               "lacuna_build_info{version=\"1\"} 1\n"
               "# HELP lacuna_wait_seconds Wait.\n"
               "# TYPE lacuna_wait_seconds histogram\n"
               "lacuna_wait_seconds_bucket{layer=\"x\",le=\"0.5\"} 1\n"
               "lacuna_wait_seconds_bucket{layer=\"x\",le=\"1\"} 2\n"
               "lacuna_wait_seconds_bucket{layer=\"x\",le=\"2.5\"} 2\n"
               "lacuna_wait_seconds_bucket{layer=\"x\",le=\"+Inf\"} 3\n"
               "lacuna_wait_seconds_sum{layer=\"x\"} 8.25\n"
               "lacuna_wait_seconds_count{layer=\"x\"} 3\n");
    lac_metrics_free(m);
}

static void openmetrics_page_is_exact(void)
{
    struct lac_metrics *m = sample();

    check_page(m, LAC_METRICS_OPENMETRICS,
               "# HELP lacuna_metrics_refused Series that did not fit into the registry.\n"
               "# TYPE lacuna_metrics_refused counter\n"
               "lacuna_metrics_refused_total 0\n"
               "# HELP lacuna_requests Requests \\\"seen\\\" by\\\\us.\n"
               "# TYPE lacuna_requests counter\n"
               "lacuna_requests_total{topic=\"a\\\"b\"} 3\n"
               "lacuna_requests_total{topic=\"c\"} 0\n"
               "# HELP lacuna_age_seconds Age.\n"
               "# TYPE lacuna_age_seconds gauge\n"
               "# UNIT lacuna_age_seconds seconds\n"
               "lacuna_age_seconds 1.25\n"
               "# HELP lacuna_build Build.\n"
               "# TYPE lacuna_build info\n"
               "lacuna_build_info{version=\"1\"} 1\n"
               "# HELP lacuna_wait_seconds Wait.\n"
               "# TYPE lacuna_wait_seconds histogram\n"
               "# UNIT lacuna_wait_seconds seconds\n"
               "lacuna_wait_seconds_bucket{layer=\"x\",le=\"0.5\"} 1\n"
               "lacuna_wait_seconds_bucket{layer=\"x\",le=\"1.0\"} 2\n"
               "lacuna_wait_seconds_bucket{layer=\"x\",le=\"2.5\"} 2\n"
               "lacuna_wait_seconds_bucket{layer=\"x\",le=\"+Inf\"} 3\n"
               "lacuna_wait_seconds_sum{layer=\"x\"} 8.25\n"
               "lacuna_wait_seconds_count{layer=\"x\"} 3\n"
               "# EOF\n");
    lac_metrics_free(m);
}

static void the_same_series_is_the_same_pointer(void)
{
    struct lac_metrics *m = new_metrics();
    struct lac_counter *a = lac_metrics_counter(m, "lacuna_a_total", "A.", "x=\"1\"");

    CU_ASSERT(a && a == lac_metrics_counter(m, "lacuna_a_total", "A.", "x=\"1\""));
    CU_ASSERT(a != lac_metrics_counter(m, "lacuna_a_total", "A.", "x=\"2\""));
    CU_ASSERT(a != lac_metrics_counter(m, "lacuna_a_total", "A.", NULL));
    lac_metrics_free(m);
    lac_metrics_free(NULL);
}

static void a_full_registry_answers_null_and_says_so(void)
{
    struct lac_metrics *m = new_metrics();
    struct lac_counter *last = NULL, *refused;
    char labels[LAC_METRICS_LABELS_MAX + 16];

    for (int i = 0; i < LAC_METRICS_SERIES_MAX + 5; i++) {
        (void)snprintf(labels, sizeof(labels), "i=\"%d\"", i);
        last = lac_metrics_counter(m, "lacuna_many_total", "Many.", labels);
    }
    CU_ASSERT(!last);
    lac_counter_add(last, 1);
    lac_gauge_set(NULL, 1);
    lac_gauge_hide(NULL);
    lac_histogram_observe(NULL, 1);
    refused = lac_metrics_counter(m, "lacuna_metrics_refused_total", "", NULL);
    LAC_TEST_EQ(lac_counter_value(refused), 6); /* one place is taken by the counter itself */
    memset(labels, 'x', sizeof(labels) - 1);
    labels[sizeof(labels) - 1] = '\0';
    CU_ASSERT(!lac_metrics_gauge(m, "lacuna_long", "Long.", labels));
    LAC_TEST_EQ(lac_counter_value(refused), 7);
    lac_metrics_free(m);
}

static void labels_are_escaped(void)
{
    struct lac_buf b;

    lac_buf_init(&b, 256);
    lac_metrics_label(&b, "a", LAC_STR("x\"y\\z\n"));
    lac_metrics_label(&b, "b", LAC_STR(""));
    LAC_TEST_STR(lac_buf_cstr(&b), "a=\"x\\\"y\\\\z\\n\",b=\"\"");
    lac_buf_deinit(&b);
}

static void a_hidden_gauge_is_not_on_the_page(void)
{
    struct lac_metrics *m = new_metrics();
    struct lac_gauge *g = lac_metrics_gauge(m, "lacuna_lag_records", "Lag.", "partition=\"1\"");

    CU_ASSERT(!page_has(m, LAC_METRICS_PROMETHEUS, "lacuna_lag_records{"));
    lac_gauge_set(g, 3);
    CU_ASSERT(page_has(m, LAC_METRICS_PROMETHEUS, "lacuna_lag_records{partition=\"1\"} 3\n"));
    lac_gauge_hide(g);
    CU_ASSERT(!page_has(m, LAC_METRICS_PROMETHEUS, "lacuna_lag_records{"));
    lac_metrics_free(m);
}

static void a_gauge_whose_labels_are_its_message_gets_new_ones(void)
{
    static char long_label[LAC_METRICS_LABELS_MAX + 2];
    struct lac_metrics *m = new_metrics();
    struct lac_gauge *g = lac_metrics_gauge(m, "lacuna_pack_info", "Pack.", "version=\"1\"");

    lac_gauge_set(g, 1);
    CU_ASSERT(lac_gauge_relabel(m, g, "version=\"2\""));
    CU_ASSERT(page_has(m, LAC_METRICS_PROMETHEUS, "lacuna_pack_info{version=\"2\"} 1\n"));
    CU_ASSERT(!page_has(m, LAC_METRICS_PROMETHEUS, "version=\"1\""));
    memset(long_label, 'x', sizeof(long_label) - 1);
    CU_ASSERT(!lac_gauge_relabel(m, g, long_label));
    CU_ASSERT(page_has(m, LAC_METRICS_PROMETHEUS, "lacuna_pack_info{version=\"2\"} 1\n"));
    CU_ASSERT(lac_gauge_relabel(m, NULL, "x"));
    lac_metrics_free(m);
}

static void special_numbers_have_their_names(void)
{
    struct lac_metrics *m = new_metrics();

    lac_gauge_set(lac_metrics_gauge(m, "lacuna_a", "A.", NULL), INFINITY);
    lac_gauge_set(lac_metrics_gauge(m, "lacuna_b", "B.", NULL), NAN);
    lac_gauge_set(lac_metrics_gauge(m, "lacuna_c", "C.", NULL), 0.1);
    CU_ASSERT(page_has(m, LAC_METRICS_PROMETHEUS, "lacuna_a +Inf\n"));
    CU_ASSERT(page_has(m, LAC_METRICS_PROMETHEUS, "lacuna_b NaN\n"));
    CU_ASSERT(page_has(m, LAC_METRICS_PROMETHEUS, "lacuna_c 0.1\n"));
    lac_metrics_free(m);
}

static void set_to_seven(void *ctx)
{
    lac_gauge_set(ctx, 7);
}

static void hooks_run_before_the_page_is_written(void)
{
    struct lac_metrics *m = new_metrics();

    lac_metrics_on_write(m, set_to_seven, lac_metrics_gauge(m, "lacuna_h", "H.", NULL));
    CU_ASSERT(page_has(m, LAC_METRICS_PROMETHEUS, "lacuna_h 7\n"));
    lac_metrics_free(m);
}

static void process_metrics_are_plausible(void)
{
    struct lac_metrics *m = new_metrics();

    lac_metrics_add_process(m);
    lac_metrics_add_process(m); /* twice is once */
    CU_ASSERT(page_has(m, LAC_METRICS_PROMETHEUS, "\n# TYPE process_cpu_seconds_total counter\n"));
    CU_ASSERT(page_has(m, LAC_METRICS_OPENMETRICS, "\n# TYPE process_cpu_seconds counter\n"));
    CU_ASSERT(page_has(m, LAC_METRICS_PROMETHEUS, "\nprocess_threads 1\n"));
    CU_ASSERT(page_has(m, LAC_METRICS_PROMETHEUS, "\nprocess_start_time_seconds 1"));
    CU_ASSERT(!page_has(m, LAC_METRICS_PROMETHEUS, "process_resident_memory_bytes 0\n"));
    CU_ASSERT(!page_has(m, LAC_METRICS_PROMETHEUS, "process_open_fds 0\n"));
    lac_metrics_free(m);
}

static void the_scraper_chooses_the_format(void)
{
    LAC_TEST_EQ(lac_metrics_negotiate(LAC_STR_NULL), LAC_METRICS_PROMETHEUS);
    LAC_TEST_EQ(lac_metrics_negotiate(LAC_STR("text/plain;version=0.0.4,*/*;q=0.1")),
                LAC_METRICS_PROMETHEUS);
    LAC_TEST_EQ(lac_metrics_negotiate(LAC_STR(
                    "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5")),
                LAC_METRICS_OPENMETRICS);
}

enum { THREADS = 4, ROUNDS = 5000 };

static void *count_along(void *arg)
{
    struct lac_metrics *m = arg;
    struct lac_counter *c = lac_metrics_counter(m, "lacuna_t_total", "T.", NULL);
    struct lac_histogram *h = lac_metrics_histogram(m, "lacuna_t_seconds", "T.", NULL, bounds, 3);

    for (int i = 0; i < ROUNDS; i++) {
        lac_counter_add(c, 1);
        lac_histogram_observe(h, 0.25);
    }
    return NULL;
}

static void no_count_is_lost_between_threads(void)
{
    struct lac_metrics *m = new_metrics();
    pthread_t threads[THREADS];

    for (int i = 0; i < THREADS; i++)
        LAC_TEST_NEED(pthread_create(&threads[i], NULL, count_along, m) == 0);
    for (int i = 0; i < 20; i++)
        (void)page_has(m, LAC_METRICS_OPENMETRICS, "x");
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    CU_ASSERT(page_has(m, LAC_METRICS_PROMETHEUS, "lacuna_t_total 20000\n"));
    CU_ASSERT(page_has(m, LAC_METRICS_PROMETHEUS, "lacuna_t_seconds_sum 5000\n"));
    CU_ASSERT(page_has(m, LAC_METRICS_PROMETHEUS, "lacuna_t_seconds_count 20000\n"));
    lac_metrics_free(m);
}

LAC_TEST_MAIN(metrics, prometheus_page_is_exact, openmetrics_page_is_exact,
              the_same_series_is_the_same_pointer, a_full_registry_answers_null_and_says_so,
              labels_are_escaped, a_hidden_gauge_is_not_on_the_page,
              a_gauge_whose_labels_are_its_message_gets_new_ones, special_numbers_have_their_names,
              hooks_run_before_the_page_is_written, process_metrics_are_plausible,
              the_scraper_chooses_the_format, no_count_is_lost_between_threads)
