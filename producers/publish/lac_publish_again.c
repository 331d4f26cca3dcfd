/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_publish_again.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lac_assert.h"

enum { HEADERS = 8, LIST_FIRST = 64 };

struct lac_publish_refused {
    struct lac_kafka_record record; /* points into the two below */
    struct lac_kafka_header headers[HEADERS];
    int code;
    char bytes[];
};

static void clear(struct lac_publish_again_list *l)
{
    for (size_t i = 0; i < l->count; i++)
        free(l->items[i]);
    free(l->items);
    *l = (struct lac_publish_again_list){0};
}

void lac_publish_again_deinit(struct lac_publish_again *a)
{
    clear(&a->_back);
    clear(&a->_waiting);
    a->_group_count = 0;
}

bool lac_publish_again_pending(const struct lac_publish_again *a)
{
    return a->_back.count > 0 || a->_waiting.count > 0;
}

static bool make_room(struct lac_publish_again_list *l, size_t more)
{
    size_t capacity = l->capacity ? l->capacity : LIST_FIRST;
    struct lac_publish_refused **grown;

    while (capacity - l->count < more)
        capacity *= 2;
    if (capacity == l->capacity)
        return true;
    grown = reallocarray(l->items, capacity, sizeof(struct lac_publish_refused *));
    if (!grown)
        return false;
    l->items = grown;
    l->capacity = capacity;
    return true;
}

static struct lac_str move(char **at, struct lac_str from)
{
    struct lac_str to = {from.ptr ? *at : NULL, from.len};

    if (from.ptr && from.len)
        memcpy(*at, from.ptr, from.len);
    *at += from.len;
    return to;
}

/* A record with all that it points to; NULL: no memory. */
static struct lac_publish_refused *copy_of(const struct lac_kafka_record *r)
{
    struct lac_publish_refused *c = malloc(sizeof(*c) + lac_kafka_record_size(r) + 1);
    char *at = c ? c->bytes : NULL;

    if (!c)
        return NULL;
    c->record = *r;
    c->record.key = move(&at, r->key);
    c->record.value = move(&at, r->value);
    for (size_t i = 0; i < r->header_count; i++)
        c->headers[i] = (struct lac_kafka_header){move(&at, r->headers[i].name),
                                                  move(&at, r->headers[i].value)};
    c->record.headers = c->headers;
    return c;
}

enum lac_status lac_publish_again_keep(struct lac_publish_again *a,
                                       const struct lac_kafka_delivery *d, struct lac_err *err)
{
    struct lac_kafka_header headers[HEADERS];
    struct lac_kafka_record r;
    struct lac_publish_refused *c = NULL;

    lac_kafka_delivery_record(d, &r, headers, HEADERS);
    if (make_room(&a->_back, 1))
        c = copy_of(&r);
    if (!c)
        return lac_err_set(err, LAC_RETRY, ENOMEM,
                           "the brokers refuse a batch, and there is no memory to send it again");
    c->code = d->code;
    a->_back.items[a->_back.count++] = c;
    return LAC_OK;
}

/* What came back lies on the stack then as two groups, the first half above the second and each
 * with its first record on top. */
static bool halve(struct lac_publish_again *a)
{
    size_t n = a->_back.count;

    if (!make_room(&a->_waiting, n))
        return false;
    for (size_t i = n; i-- > 0;)
        a->_waiting.items[a->_waiting.count++] = a->_back.items[i];
    a->_back.count = 0;
    LAC_ASSERT(a->_group_count + 2 <= LAC_PUBLISH_AGAIN_GROUPS);
    a->_groups[a->_group_count++] = n - n / 2;
    a->_groups[a->_group_count++] = n / 2;
    return true;
}

enum lac_status lac_publish_again_step(struct lac_publish_again *a, struct lac_kafka_producer *p,
                                       int topic, void **opaque, int *code, struct lac_err *err)
{
    if (a->_back.count == 1) { /* its batch held nothing else, or that would be back as well */
        struct lac_publish_refused *alone = a->_back.items[--a->_back.count];

        *opaque = alone->record.opaque;
        *code = alone->code;
        free(alone);
        return LAC_REJECT;
    }
    if (a->_back.count > 1 && !halve(a))
        return lac_err_set(err, LAC_RETRY, ENOMEM, "no memory to send refused records again");
    if (a->_group_count == 0)
        return LAC_OK;
    for (size_t n = a->_groups[a->_group_count - 1]; n > 0; n--) {
        struct lac_publish_refused *next = a->_waiting.items[a->_waiting.count - 1];
        enum lac_status status = lac_kafka_produce(p, topic, &next->record, true, err);

        if (status != LAC_OK) /* the queue has held them all before: it is not that it is full */
            return status;
        a->_waiting.count--;
        free(next);
    }
    a->_group_count--;
    return LAC_OK;
}
