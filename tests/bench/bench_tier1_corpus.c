/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages as a company's programs and people write them, made up from lists. What rules must not
 * take for a finding is in them as often as it really is: timestamps, order numbers, versions,
 * hashes, UUIDs, amounts.
 */
#include "bench_tier1.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lac_compiler.h"

enum { MESSAGE_MAX = 2048 };

static const char *const words[] = {
    "the",      "a",         "to",         "of",         "and",        "in",        "is",
    "that",     "for",       "it",         "with",       "as",         "was",       "on",
    "are",      "by",        "this",       "be",         "from",       "or",        "have",
    "not",      "but",       "at",         "which",      "when",       "one",       "all",
    "there",    "can",       "more",       "an",         "if",         "no",        "out",
    "so",       "said",      "what",       "up",         "its",        "about",     "into",
    "than",     "them",      "only",       "other",      "new",        "some",      "could",
    "time",     "these",     "two",        "may",        "then",       "do",        "first",
    "any",      "now",       "such",       "like",       "our",        "over",      "me",
    "even",     "most",      "made",       "after",      "also",       "did",       "many",
    "before",   "must",      "through",    "back",       "years",      "where",     "much",
    "your",     "way",       "well",       "down",       "should",     "because",   "each",
    "just",     "those",     "people",     "too",        "how",        "little",    "state",
    "good",     "very",      "make",       "world",      "still",      "see",       "own",
    "work",     "long",      "here",       "get",        "both",       "between",   "life",
    "being",    "under",     "never",      "day",        "same",       "another",   "know",
    "while",    "last",      "might",      "us",         "great",      "old",       "year",
    "off",      "come",      "since",      "against",    "go",         "came",      "right",
    "used",     "take",      "three",      "page",       "button",     "screen",    "report",
    "invoice",  "delivery",  "order",      "customer",   "supplier",   "contract",  "payment",
    "refund",   "warehouse", "shipment",   "account",    "settings",   "browser",   "version",
    "update",   "release",   "server",     "request",    "response",   "timeout",   "retry",
    "queue",    "topic",     "consumer",   "producer",   "batch",      "partition", "offset",
    "memory",   "thread",    "process",    "signal",     "socket",     "timeline",  "dashboard",
    "meeting",  "agenda",    "notes",      "draft",      "review",     "comment",   "branch",
    "merge",    "commit",    "pipeline",   "test",       "failure",    "success",   "warning",
    "error",    "message",   "attached",   "file",       "folder",     "upload",    "download",
    "printer",  "office",    "travel",     "expense",    "budget",     "forecast",  "quarter",
    "training", "holiday",   "team",       "manager",    "colleague",  "question",  "answer",
    "problem",  "solution",  "workaround", "ticket",     "priority",   "status",    "open",
    "closed",   "pending",   "resolved",   "deployment", "monitoring", "cluster",   "container",
};

static const char *const names[] = {"ana",  "bo",    "chen", "dmitri", "elif", "fatou", "george",
                                    "hana", "ivan",  "jo",   "kofi",   "lena", "mateo", "nia",
                                    "olga", "priya", "sven", "tomas",  "uma",  "yusuf"};
static const char *const services[] = {"orders", "billing", "search",  "catalog", "auth",
                                       "mailer", "ledger",  "gateway", "indexer", "scheduler"};
static const char *const levels[] = {"INFO", "INFO", "INFO", "DEBUG", "WARN", "ERROR"};
static const char *const verbs[] = {"get",  "set",   "load",  "store", "parse",
                                    "send", "build", "check", "merge", "apply"};
static const char *const nouns[] = {"Order",  "Invoice", "Batch",  "Offset", "Record",
                                    "Header", "Token",   "Buffer", "Index",  "Window"};
static const char *const foreign[] = {
    "M\xc3\xbcnchen", "caf\xc3\xa9",     "\xe2\x80\x93", "\xe2\x80\x9cquoted\xe2\x80\x9d",
    "\xe2\x80\xa6",   "\xe2\x82\xac 20", "na\xc3\xafve", "\xe2\x9c\x93"};

uint32_t bench_random(uint64_t *state, uint32_t below)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return below ? (uint32_t)((*state * 0x2545F4914F6CDD1Du) >> 33) % below : 0;
}

struct writer {
    uint64_t random;
    char text[MESSAGE_MAX];
    size_t len;
};

static uint32_t pick(struct writer *w, uint32_t below)
{
    return bench_random(&w->random, below);
}

#define ONE_OF(w, list) ((list)[pick((w), (uint32_t)LAC_COUNT(list))])

static void put(struct writer *w, const char *fmt, ...) LAC_PRINTF(2, 3);

static void put(struct writer *w, const char *fmt, ...)
{
    va_list args;
    int n;

    va_start(args, fmt);
    n = vsnprintf(w->text + w->len, sizeof(w->text) - w->len, fmt, args);
    va_end(args);
    if (n > 0 && (size_t)n < sizeof(w->text) - w->len)
        w->len += (size_t)n;
}

static void put_hex(struct writer *w, unsigned digits)
{
    while (digits-- > 0)
        put(w, "%x", pick(w, 16));
}

static void put_uuid(struct writer *w)
{
    put_hex(w, 8);
    put(w, "-");
    put_hex(w, 4);
    put(w, "-4");
    put_hex(w, 3);
    put(w, "-a");
    put_hex(w, 3);
    put(w, "-");
    put_hex(w, 12);
}

static void put_time(struct writer *w)
{
    put(w, "2026-%02u-%02uT%02u:%02u:%02u.%03uZ", pick(w, 12) + 1, pick(w, 28) + 1, pick(w, 24),
        pick(w, 60), pick(w, 60), pick(w, 1000));
}

static void put_sentence(struct writer *w)
{
    unsigned n = 5 + pick(w, 10);

    for (unsigned i = 0; i < n; i++) {
        const char *word = ONE_OF(w, words);

        if (i == 0)
            put(w, "%c%s", word[0] - 32, word + 1);
        else
            put(w, " %s", word);
        if (pick(w, 40) == 0)
            put(w, ",");
    }
    put(w, pick(w, 10) ? ". " : "? ");
}

/* ---- kinds ---- */

static void put_log(struct writer *w, size_t target)
{
    while (w->len < target) {
        if (w->len > 0)
            put(w, "\n");
        put_time(w);
        put(w, " %-5s [%s-%u] c.e.%s.%sService - ", ONE_OF(w, levels), ONE_OF(w, services),
            pick(w, 32), ONE_OF(w, services), ONE_OF(w, nouns));
        switch (pick(w, 4)) {
        case 0:
            put(w, "request %s/v1/%s/%u finished with 200 in %u ms, bytes=%u trace=",
                pick(w, 2) ? "GET /api" : "POST /api", ONE_OF(w, services), pick(w, 10000000),
                pick(w, 900), pick(w, 100000));
            put_hex(w, 32);
            break;
        case 1:
            put(w, "order %u of account %u moved from %s to %s, attempt %u of 5, next at ",
                10000000 + pick(w, 80000000), pick(w, 1000000), ONE_OF(w, services),
                ONE_OF(w, services), pick(w, 5));
            put_time(w);
            break;
        case 2:
            put(w, "consumed partition=%u offset=%u lag=%u batch=%u group=%s-v%u id=", pick(w, 64),
                pick(w, 900000000), pick(w, 5000), pick(w, 512), ONE_OF(w, services), pick(w, 9));
            put_uuid(w);
            break;
        default:
            put(w, "%s%s took %u.%03u s on node-%02u.%s.internal (heap %u MiB, build %u.%u.%u-",
                ONE_OF(w, verbs), ONE_OF(w, nouns), pick(w, 9), pick(w, 1000), pick(w, 40),
                ONE_OF(w, services), pick(w, 4096), pick(w, 9), pick(w, 30), pick(w, 12));
            put_hex(w, 7);
            put(w, ")");
            break;
        }
    }
}

static void put_ticket(struct writer *w, size_t target)
{
    put(w, "[%c%c-%u] ", 'A' + pick(w, 26), 'A' + pick(w, 26), 1000 + pick(w, 90000));
    while (w->len < target) {
        put_sentence(w);
        if (pick(w, 5) == 0)
            put(w, "Order %u, version %u.%u.%u, since 2026-%02u-%02u. ", 1000000 + pick(w, 9000000),
                pick(w, 9), pick(w, 30), pick(w, 20), pick(w, 12) + 1, pick(w, 28) + 1);
        if (pick(w, 60) == 0)
            put(w, "%s ", ONE_OF(w, foreign));
    }
}

static void put_chat(struct writer *w, size_t target)
{
    while (w->len < target) {
        put(w, "%s%s: ", w->len ? "\n" : "", ONE_OF(w, names));
        put_sentence(w);
        if (pick(w, 6) == 0)
            put(w, "see https://wiki.example.net/%s/%u ", ONE_OF(w, services), pick(w, 9000));
        if (pick(w, 40) == 0)
            put(w, "%s", ONE_OF(w, foreign));
    }
}

static void put_code(struct writer *w, size_t target)
{
    while (w->len < target) {
        const char *noun = ONE_OF(w, nouns);

        switch (pick(w, 5)) {
        case 0:
            put(w, "static int %s_%s(struct %s *self, size_t count)\n{\n", ONE_OF(w, verbs),
                ONE_OF(w, services), ONE_OF(w, services));
            break;
        case 1:
            put(w, "    if (self->%s[%u] != 0x%08x)\n        return -%u;\n", ONE_OF(w, words),
                pick(w, 64), pick(w, 0x7FFFFFFF), pick(w, 40));
            break;
        case 2:
            put(w, "    %s%s(client.%s, timeout=%u, name=\"%s-%s\")\n", ONE_OF(w, verbs), noun,
                ONE_OF(w, services), pick(w, 60), ONE_OF(w, words), ONE_OF(w, words));
            break;
        case 3:
            put(w, "SELECT id, %s_at, %s FROM %s_%s WHERE id = %u AND %s > '2026-%02u-01';\n",
                ONE_OF(w, words), ONE_OF(w, words), ONE_OF(w, services), ONE_OF(w, words),
                pick(w, 1000000), ONE_OF(w, words), pick(w, 12) + 1);
            break;
        default:
            put(w, "    // %s %s %s %s: see #%u\n", ONE_OF(w, words), ONE_OF(w, words),
                ONE_OF(w, words), ONE_OF(w, words), pick(w, 20000));
            break;
        }
    }
}

static void put_json(struct writer *w, size_t target)
{
    put(w, "{\"id\":\"");
    put_uuid(w);
    put(w, "\",\"at\":\"");
    put_time(w);
    put(w, "\"");
    while (w->len + 1 < target) {
        switch (pick(w, 5)) {
        case 0:
            put(w, ",\"%s\":\"%s\"", ONE_OF(w, words), ONE_OF(w, services));
            break;
        case 1:
            put(w, ",\"%s_count\":%u", ONE_OF(w, words), pick(w, 100000));
            break;
        case 2:
            put(w, ",\"amount\":%u.%02u,\"currency\":\"EUR\"", pick(w, 5000), pick(w, 100));
            break;
        case 3:
            put(w, ",\"sha\":\"");
            put_hex(w, 40);
            put(w, "\"");
            break;
        default:
            put(w, ",\"%s\":{\"%s\":%u,\"%s\":%s}", ONE_OF(w, services), ONE_OF(w, words),
                pick(w, 1000), ONE_OF(w, words), pick(w, 2) ? "true" : "null");
            break;
        }
    }
    put(w, "}");
}

/* At a blank or line break, as if somebody had pasted it there. */
static void put_example(struct writer *w, struct lac_str example)
{
    size_t at = pick(w, (uint32_t)w->len);
    size_t n = example.len + 1;

    while (at > 0 && w->text[at - 1] != ' ' && w->text[at - 1] != '\n')
        at--;
    if (w->len + n > sizeof(w->text))
        return;
    memmove(w->text + at + n, w->text + at, w->len - at);
    memcpy(w->text + at, example.ptr, example.len);
    w->text[at + example.len] = ' ';
    w->len += n;
}

static void put_message(struct writer *w)
{
    uint32_t kind = pick(w, 100);

    w->len = 0;
    if (kind < 35)
        put_log(w, 60 + pick(w, 260));
    else if (kind < 55)
        put_ticket(w, 120 + pick(w, 350));
    else if (kind < 75)
        put_chat(w, 40 + pick(w, 340));
    else if (kind < 88)
        put_code(w, 120 + pick(w, 280));
    else
        put_json(w, 120 + pick(w, 280));
}

bool bench_corpus_open(struct bench_corpus *c, size_t count, unsigned findings,
                       const struct lac_str *examples, size_t example_count)
{
    struct writer *w = calloc(1, sizeof(*w));
    size_t capacity = count * 512 + MESSAGE_MAX;

    *c = (struct bench_corpus){.messages = calloc(count, sizeof(*c->messages)),
                               .memory = malloc(capacity)};
    if (!w || !c->messages || !c->memory) {
        free(w);
        bench_corpus_close(c);
        return false;
    }
    w->random = 20261121;
    for (size_t i = 0; i < count && c->bytes + MESSAGE_MAX <= capacity; i++) {
        bool found;

        put_message(w);
        found = pick(w, 100) < findings;
        if (found && example_count > 0)
            put_example(w, examples[pick(w, (uint32_t)example_count)]);
        memcpy(c->memory + c->bytes, w->text, w->len);
        c->messages[i] = (struct lac_str){c->memory + c->bytes, w->len};
        c->bytes += w->len;
        c->count++;
    }
    free(w);
    return true;
}

void bench_corpus_close(struct bench_corpus *c)
{
    free(c->messages);
    free(c->memory);
    *c = (struct bench_corpus){0};
}
