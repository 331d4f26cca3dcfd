/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_decide_wide.h"

#include <string.h>

#include "lac_assert.h"

__extension__ typedef unsigned __int128 wide2; /* the product of two limbs */

void lac_wide_set(struct lac_wide *w, uint64_t value)
{
    w->limb[0] = value;
    w->used = value != 0;
}

void lac_wide_copy(struct lac_wide *to, const struct lac_wide *from)
{
    to->used = from->used;
    memcpy(to->limb, from->limb, from->used * sizeof(*to->limb));
}

static void push(struct lac_wide *w, uint64_t limb)
{
    if (limb == 0)
        return;
    LAC_ASSERT(w->used < LAC_WIDE_LIMBS);
    w->limb[w->used++] = limb;
}

void lac_wide_mul(struct lac_wide *w, uint64_t factor)
{
    uint64_t carry = 0;

    if (factor == 0) {
        w->used = 0;
        return;
    }
    for (unsigned i = 0; i < w->used; i++) {
        wide2 product = (wide2)w->limb[i] * factor + carry;

        w->limb[i] = (uint64_t)product;
        carry = (uint64_t)(product >> 64);
    }
    push(w, carry);
}

void lac_wide_add(struct lac_wide *w, const struct lac_wide *more)
{
    uint64_t carry = 0;

    while (w->used < more->used)
        w->limb[w->used++] = 0;
    for (unsigned i = 0; i < w->used; i++) {
        wide2 sum = (wide2)w->limb[i] + (i < more->used ? more->limb[i] : 0) + carry;

        w->limb[i] = (uint64_t)sum;
        carry = (uint64_t)(sum >> 64);
    }
    push(w, carry);
}

int lac_wide_cmp(const struct lac_wide *a, const struct lac_wide *b)
{
    if (a->used != b->used)
        return a->used < b->used ? -1 : 1;
    for (unsigned i = a->used; i-- > 0;)
        if (a->limb[i] != b->limb[i])
            return a->limb[i] < b->limb[i] ? -1 : 1;
    return 0;
}

/* w -= less, which is not greater. */
static void sub(struct lac_wide *w, const struct lac_wide *less)
{
    uint64_t borrow = 0;

    for (unsigned i = 0; i < w->used; i++) {
        uint64_t take = i < less->used ? less->limb[i] : 0;
        uint64_t limb = w->limb[i];

        w->limb[i] = limb - take - borrow;
        borrow = limb < take || (limb == take && borrow);
    }
    while (w->used > 0 && w->limb[w->used - 1] == 0)
        w->used--;
}

static wide2 narrow(const struct lac_wide *w)
{
    return (w->used > 1 ? (wide2)w->limb[1] << 64 : 0) | (w->used > 0 ? w->limb[0] : 0);
}

static void widen(struct lac_wide *w, wide2 value)
{
    w->limb[0] = (uint64_t)value;
    w->limb[1] = (uint64_t)(value >> 64);
    w->used = w->limb[1] ? 2 : w->limb[0] != 0;
}

/* The quotients here are small, so finding it bit by bit costs less than a general division. */
uint64_t lac_wide_div(const struct lac_wide *a, const struct lac_wide *b, unsigned bits,
                      struct lac_wide *rest)
{
    struct lac_wide product;
    uint64_t quotient = 0;

    LAC_ASSERT(b->used > 0 && bits < 64);
    if (a->used <= 2 && b->used <= 2) { /* few opinions: nearly always */
        wide2 x = narrow(a);
        wide2 y = narrow(b);

        widen(rest, x % y);
        return (uint64_t)(x / y);
    }
    for (unsigned bit = bits; bit-- > 0;) {
        uint64_t attempt = quotient | (uint64_t)1 << bit;

        lac_wide_copy(&product, b);
        lac_wide_mul(&product, attempt);
        if (lac_wide_cmp(&product, a) <= 0)
            quotient = attempt;
    }
    lac_wide_copy(&product, b);
    lac_wide_mul(&product, quotient);
    lac_wide_copy(rest, a);
    sub(rest, &product);
    return quotient;
}
