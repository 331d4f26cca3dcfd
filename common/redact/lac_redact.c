/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_redact.h"

#include <errno.h>
#include <stdlib.h>

#include "lac_assert.h"
#include "lac_digest.h"
#include "lac_utf8.h"

struct lac_redact {
    struct lac_hmac *hmac;
    char folded[LAC_REDACT_NORMAL_BYTES];
};

/* The key may be the one of input commitments: what is made of it here must not equal what is
 * made of it there. */
static const char purpose[] = "lacuna/redact/1";

enum lac_status lac_redact_open(struct lac_redact **out, struct lac_str key, struct lac_err *err)
{
    unsigned char own[LAC_SHA256_SIZE];
    struct lac_hmac *outer = NULL;
    struct lac_redact *r;
    enum lac_status status;

    *out = NULL;
    if (key.ptr && key.len < LAC_REDACT_KEY_MIN)
        return lac_err_set(err, LAC_FATAL, 0, "a key for hashes needs at least %d bytes",
                           LAC_REDACT_KEY_MIN);
    r = calloc(1, sizeof(*r));
    if (!r)
        return lac_err_set(err, LAC_FATAL, ENOMEM, "no memory to redact with");
    if (key.ptr) {
        status = lac_hmac_new(&outer, key.ptr, key.len, err);
        if (status == LAC_OK)
            lac_hmac_sha256(outer, own, purpose, sizeof(purpose) - 1);
        lac_hmac_free(outer);
    } else {
        lac_random_bytes(own, sizeof(own));
        status = LAC_OK;
    }
    if (status == LAC_OK)
        status = lac_hmac_new(&r->hmac, own, sizeof(own), err);
    lac_digest_wipe(own, sizeof(own));
    if (status != LAC_OK) {
        free(r);
        return status;
    }
    *out = r;
    return LAC_OK;
}

void lac_redact_close(struct lac_redact *r)
{
    if (!r)
        return;
    lac_hmac_free(r->hmac);
    lac_digest_wipe(r->folded, sizeof(r->folded));
    free(r);
}

bool lac_redact_how_parse(struct lac_str text, enum lac_match_redaction *out)
{
    static const char *const names[] = {
        [LAC_MATCH_REDACT_REPLACE] = "replace",
        [LAC_MATCH_REDACT_MASK] = "mask",
        [LAC_MATCH_REDACT_LAST4] = "last4",
        [LAC_MATCH_REDACT_HASH] = "hash",
    };

    for (size_t i = 0; i < LAC_COUNT(names); i++)
        if (lac_str_is(text, names[i])) {
            *out = (enum lac_match_redaction)i;
            return true;
        }
    return false;
}

/* How much a way tells about the value: nothing, that it is the same one, its length, its end. */
static unsigned tells(enum lac_match_redaction how)
{
    static const unsigned char order[] = {
        [LAC_MATCH_REDACT_REPLACE] = 0,
        [LAC_MATCH_REDACT_HASH] = 1,
        [LAC_MATCH_REDACT_MASK] = 2,
        [LAC_MATCH_REDACT_LAST4] = 3,
    };

    return order[how];
}

/* What both cover; the more important one's name. */
static void merge(struct lac_redact_span *into, const struct lac_redact_span *s)
{
    if (s->tier > into->tier || (s->tier == into->tier && s->score > into->score)) {
        into->entity = s->entity;
        into->tier = s->tier;
        into->score = s->score;
    }
    if (s->end > into->end)
        into->end = s->end;
    if (tells(s->how) < tells(into->how))
        into->how = s->how;
}

static bool is_word(uint32_t code)
{
    return (code >= '0' && code <= '9') || ((code | 0x20) >= 'a' && (code | 0x20) <= 'z') ||
           code >= 0x80;
}

/* Stars for characters. With `show` above 0 what is neither letter nor digit stays, and so do the
 * last `show` that are. A line break always stays: lines keep their numbers. */
static void put_stars(struct lac_buf *out, struct lac_str value, size_t show)
{
    size_t words = 0, seen = 0;

    for (size_t at = 0; show > 0 && at < value.len;)
        words += is_word(lac_utf8_next(value, &at));
    if (words < LAC_REDACT_LAST4_LEAST)
        show = 0;
    for (size_t at = 0; at < value.len;) {
        size_t from = at;
        uint32_t code = lac_utf8_next(value, &at);
        bool word = is_word(code);

        seen += word;
        if (code == '\n' || code == '\r' || (show > 0 && (!word || seen + show > words)))
            lac_buf_put_str(out, lac_str_slice(value, from, at));
        else
            lac_buf_put_char(out, '*');
    }
}

static void put_hash(struct lac_redact *r, struct lac_buf *out, struct lac_str entity,
                     struct lac_str value)
{
    unsigned char digest[LAC_SHA256_SIZE];
    char hex[2 * LAC_SHA256_SIZE + 1];
    size_t n = lac_match_fold(r->folded, sizeof(r->folded), value);

    lac_hmac_init(r->hmac);
    lac_hmac_update(r->hmac, entity.ptr, entity.len);
    lac_hmac_update(r->hmac, "", 1); /* between the two, so that neither can reach into the other */
    if (n <= sizeof(r->folded))
        lac_hmac_update(r->hmac, r->folded, n);
    else
        lac_hmac_update(r->hmac, value.ptr, value.len);
    lac_hmac_final(r->hmac, digest);
    lac_hex_encode(hex, digest, sizeof(digest));
    lac_buf_put_char(out, '<');
    lac_buf_put_str(out, entity);
    lac_buf_put_char(out, ':');
    lac_buf_put(out, hex, LAC_REDACT_HASH_DIGITS);
    lac_buf_put_char(out, '>');
}

static void put_span(struct lac_redact *r, struct lac_buf *out, struct lac_str text,
                     const struct lac_redact_span *s)
{
    struct lac_str value = lac_str_slice(text, s->start, s->end);

    switch (s->how) {
    case LAC_MATCH_REDACT_MASK:
        put_stars(out, value, 0);
        return;
    case LAC_MATCH_REDACT_LAST4:
        put_stars(out, value, 4);
        return;
    case LAC_MATCH_REDACT_HASH:
        put_hash(r, out, s->entity, value);
        return;
    case LAC_MATCH_REDACT_REPLACE:
        break;
    }
    lac_buf_put_char(out, '<');
    lac_buf_put_str(out, s->entity);
    lac_buf_put_char(out, '>');
}

size_t lac_redact_text(struct lac_redact *r, struct lac_str text,
                       const struct lac_redact_span *spans, size_t n, struct lac_buf *out)
{
    size_t at = 0, places = 0;

    for (size_t i = 0; i < n;) {
        struct lac_redact_span s = spans[i++];

        LAC_ASSERT(s.start >= at && s.start < s.end);
        for (; i < n && spans[i].start < s.end; i++) {
            LAC_ASSERT(spans[i].start >= spans[i - 1].start && spans[i].start < spans[i].end);
            merge(&s, &spans[i]);
        }
        LAC_ASSERT(s.end <= text.len);
        lac_buf_put_str(out, lac_str_slice(text, at, s.start));
        put_span(r, out, text, &s);
        at = s.end;
        places++;
    }
    lac_buf_put_str(out, lac_str_slice(text, at, text.len));
    return places;
}
