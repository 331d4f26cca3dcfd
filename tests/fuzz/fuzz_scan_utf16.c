/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a file in UTF-16. What comes of them is well-formed and does not depend on the
 * pieces in which they arrive and find room; a file whose characters are all whole comes back byte
 * by byte. The first byte picks the byte order, the step and the room.
 */
#include "lac_scan_utf16.h"

#include <stdint.h>
#include <string.h>

#include "lac_assert.h"
#include "lac_utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BYTES_MAX = 1 << 13, TEXT_MAX = 2 * BYTES_MAX }; /* two bytes become three at most */

/* At most `step` bytes more at a time, with `room` bytes of room. */
static size_t decode(struct lac_scan_utf16 *d, struct lac_str in, size_t step, size_t room,
                     char *out)
{
    size_t from = 0, to = 0, total = 0;

    while (from < in.len) {
        size_t len = 0, taken;

        to = in.len - to > step ? to + step : in.len;
        taken = lac_scan_utf16_decode(d, lac_str_slice(in, from, to), to == in.len, out + total,
                                      &len, room);
        LAC_ASSERT(taken <= to - from && len <= room);
        LAC_ASSERT(taken > 0 || to < in.len);
        from += taken;
        total += len;
        LAC_ASSERT(total <= TEXT_MAX - 8);
    }
    return total;
}

static void check_way_back(const struct lac_scan_utf16 *d, struct lac_str text, struct lac_str in)
{
    struct lac_buf back;

    lac_buf_init(&back, TEXT_MAX);
    lac_scan_utf16_encode(d, text, &back);
    LAC_ASSERT(lac_buf_ok(&back) && lac_str_eq(lac_buf_str(&back), in));
    lac_buf_deinit(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char whole[TEXT_MAX + 8], pieces[TEXT_MAX + 8];
    struct lac_str in = {(const char *)data + 1, size - 1}, text;
    struct lac_scan_utf16 d, other;
    size_t step, room;

    if (size < 1 || size > BYTES_MAX)
        return 0;
    if (lac_scan_utf16_begins(&d, in)) {
        LAC_ASSERT(lac_str_eq(lac_str_slice(in, 0, LAC_SCAN_UTF16_MARK), lac_scan_utf16_mark(&d)));
        in = lac_str_slice(in, LAC_SCAN_UTF16_MARK, in.len);
    } else {
        d = (struct lac_scan_utf16){.big = data[0] & 1};
    }
    other = d;
    step = 1 + (data[0] >> 1 & 7);
    room = 4 + (data[0] >> 4);
    text = (struct lac_str){whole, decode(&d, in, SIZE_MAX, TEXT_MAX, whole)};
    LAC_ASSERT(lac_utf8_valid(text));
    LAC_ASSERT(decode(&other, in, step, room, pieces) == text.len);
    LAC_ASSERT(memcmp(pieces, whole, text.len) == 0 && other.malformed == d.malformed);
    if (!d.malformed)
        check_way_back(&d, text, in);
    return 0;
}
