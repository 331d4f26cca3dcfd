/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What librdkafka reports, once. A program has a dozen of its clients, and while a broker is away
 * each of them says so several times a second: who reads the log learns from one line in half a
 * minute, with the number of the others, as much.
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "lac_kafka_priv.h"
#include "lac_log.h"

enum { SAID_MAX = 32, SAID_PERIOD_MS = 30000 };

static struct said {
    uint64_t hash; /* 0: free */
    uint64_t used; /* a running number: the longest unused gives way */
    struct lac_log_every every;
} said[SAID_MAX];

static uint64_t turns;
static pthread_mutex_t said_lock = PTHREAD_MUTEX_INITIALIZER;

static uint64_t mixed(uint64_t hash, unsigned char c)
{
    return (hash ^ c) * 1099511628211ULL;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Behind "[thrd:NAME]: ". */
static const char *behind_thread(const char *text)
{
    const char *end = strstr(text, " (after ");
    const char *start = strncmp(text, "[thrd:", 6) == 0 ? strstr(text, "]: ") : NULL;

    return start && (!end || start < end) ? start + 3 : text;
}

/* Apart from what differs between two reports of one thing: the thread in front, the time and the
 * count of repetitions behind, and numbers that are words of their own. Ports and names count. */
static uint64_t gist_of(const char *kind, const char *text)
{
    const char *end = strstr(text, " (after ");
    uint64_t hash = 14695981039346656037ULL;

    for (; *kind; kind++)
        hash = mixed(hash, (unsigned char)*kind);
    text = behind_thread(text);
    for (bool folds = true; *text && text != end; text++) {
        bool digit = is_digit(*text);

        if (!(digit && folds))
            hash = mixed(hash, (unsigned char)*text);
        folds = *text == ' ' || (digit && folds);
    }
    return hash ? hash : 1;
}

static struct said *find(uint64_t hash)
{
    struct said *oldest = &said[0];

    for (size_t i = 0; i < SAID_MAX; i++) {
        if (said[i].hash == hash)
            return &said[i];
        if (said[i].used < oldest->used)
            oldest = &said[i];
    }
    *oldest = (struct said){.hash = hash};
    return oldest;
}

bool lac_kafka_may_say(const char *kind, const char *text, uint64_t *suppressed)
{
    struct said *s;
    bool may;

    (void)pthread_mutex_lock(&said_lock);
    s = find(gist_of(kind, text));
    s->used = ++turns;
    may = lac_log_every(&s->every, SAID_PERIOD_MS, suppressed);
    (void)pthread_mutex_unlock(&said_lock);
    return may;
}

void lac_kafka_note_why(struct lac_kafka_side *side, const char *text)
{
    const char *broker;
    size_t n;

    text = behind_thread(text);
    broker = strstr(text, ": "); /* "HOST:PORT/bootstrap: " or "sasl_ssl://HOST:PORT/1: " */
    if (broker && memchr(text, '/', (size_t)(broker - text)))
        text = broker + 2;
    n = strcspn(text, "(");
    while (n && text[n - 1] == ' ')
        n--;
    (void)pthread_mutex_lock(&said_lock);
    (void)snprintf(side->why, sizeof(side->why), "%.*s", (int)(n < 1000 ? n : 1000), text);
    (void)pthread_mutex_unlock(&said_lock);
}

void lac_kafka_noted_why(const struct lac_kafka_side *side, char out[LAC_KAFKA_WHY_SIZE])
{
    (void)pthread_mutex_lock(&said_lock);
    (void)snprintf(out, LAC_KAFKA_WHY_SIZE, "%s", side->why);
    (void)pthread_mutex_unlock(&said_lock);
}
