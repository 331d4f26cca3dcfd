/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Characters that look like ASCII ones. The pairs are those of Unicode's security data
 * (UTS #39, confusables.txt) for the scripts that people use to disguise a Latin word: Cyrillic,
 * Greek, Armenian, Cherokee; and the decimal digits of all scripts (general category Nd).
 */
#include "lac_match_alike.h"

#include <stddef.h>
#include <utf8proc.h>

#include "lac_compiler.h"
#include "lac_match_detect.h"
#include "lac_utf8.h"

enum { WORD_REACH = 32 }; /* characters to either side that decide what script a word is in */

/* By code point. Where capital and small form look like different letters, each has its own row. */
static const char letters[] = {
    [0x0131] = 'i', [0x0251] = 'a', [0x0261] = 'g', [0x026A] = 'I', [0x028F] = 'Y', [0x0299] = 'B',
    [0x029C] = 'H', [0x029F] = 'L', [0x0391] = 'A', [0x0392] = 'B', [0x0395] = 'E', [0x0396] = 'Z',
    [0x0397] = 'H', [0x0399] = 'I', [0x039A] = 'K', [0x039C] = 'M', [0x039D] = 'N', [0x039F] = 'O',
    [0x03A1] = 'P', [0x03A4] = 'T', [0x03A5] = 'Y', [0x03A7] = 'X', [0x03B1] = 'a', [0x03B3] = 'y',
    [0x03B9] = 'i', [0x03BD] = 'v', [0x03BF] = 'o', [0x03C1] = 'p', [0x03C3] = 'o', [0x03C5] = 'u',
    [0x03F2] = 'c', [0x03F3] = 'j', [0x03F9] = 'C', [0x0405] = 'S', [0x0406] = 'I', [0x0408] = 'J',
    [0x0410] = 'A', [0x0412] = 'B', [0x0415] = 'E', [0x041A] = 'K', [0x041C] = 'M', [0x041D] = 'H',
    [0x041E] = 'O', [0x0420] = 'P', [0x0421] = 'C', [0x0422] = 'T', [0x0423] = 'Y', [0x0425] = 'X',
    [0x0430] = 'a', [0x0433] = 'r', [0x0435] = 'e', [0x043E] = 'o', [0x0440] = 'p', [0x0441] = 'c',
    [0x0443] = 'y', [0x0445] = 'x', [0x0455] = 's', [0x0456] = 'i', [0x0458] = 'j', [0x0474] = 'V',
    [0x0475] = 'v', [0x04AE] = 'Y', [0x04AF] = 'y', [0x04BB] = 'h', [0x04C0] = 'I', [0x04CF] = 'l',
    [0x0501] = 'd', [0x050C] = 'G', [0x051B] = 'q', [0x051C] = 'W', [0x051D] = 'w', [0x054D] = 'U',
    [0x054F] = 'S', [0x0555] = 'O', [0x0561] = 'w', [0x0563] = 'q', [0x0566] = 'q', [0x0570] = 'h',
    [0x0578] = 'n', [0x057C] = 'n', [0x057D] = 'u', [0x0581] = 'g', [0x0584] = 'f', [0x0585] = 'o',
    [0x13A0] = 'D', [0x13A1] = 'R', [0x13A2] = 'T', [0x13A9] = 'Y', [0x13AA] = 'A', [0x13AB] = 'J',
    [0x13AC] = 'E', [0x13B3] = 'W', [0x13B7] = 'M', [0x13BB] = 'H', [0x13BD] = 'Y', [0x13C0] = 'G',
    [0x13C2] = 'h', [0x13C3] = 'Z', [0x13CF] = 'b', [0x13D2] = 'R', [0x13D4] = 'W', [0x13D5] = 'S',
    [0x13D9] = 'V', [0x13DA] = 'S', [0x13DE] = 'L', [0x13DF] = 'C', [0x13E2] = 'P', [0x13E6] = 'K',
    [0x13E7] = 'd', [0x13F3] = 'G', [0x13F4] = 'B'};

char lac_match_alike_letter(uint32_t code)
{
    if (code >= sizeof(letters))
        return 0;
    return letters[code];
}

/* Zeros of the scripts' digits: ten in a row, beginning here (Unicode 15, DerivedNumericType). */
static const uint32_t zeros[] = {
    0x0660,  0x06F0,  0x07C0,  0x0966,  0x09E6,  0x0A66,  0x0AE6,  0x0B66,  0x0BE6,
    0x0C66,  0x0CE6,  0x0D66,  0x0DE6,  0x0E50,  0x0ED0,  0x0F20,  0x1040,  0x1090,
    0x17E0,  0x1810,  0x1946,  0x19D0,  0x1A80,  0x1A90,  0x1B50,  0x1BB0,  0x1C40,
    0x1C50,  0xA620,  0xA8D0,  0xA900,  0xA9D0,  0xA9F0,  0xAA50,  0xABF0,  0x104A0,
    0x10D30, 0x11066, 0x110F0, 0x11136, 0x111D0, 0x112F0, 0x11450, 0x114D0, 0x11650,
    0x116C0, 0x11730, 0x118E0, 0x11C50, 0x11D50, 0x1E140, 0x1E2F0, 0x1E950,
};

static char digit_alike(uint32_t code)
{
    for (size_t i = 0; i < LAC_COUNT(zeros) && code >= zeros[i]; i++)
        if (code - zeros[i] < 10)
            return (char)('0' + (code - zeros[i]));
    return 0;
}

static bool is_letter(uint32_t code)
{
    utf8proc_category_t c;

    if (code < 0x80)
        return lac_match_is_alpha(code);
    c = utf8proc_category((utf8proc_int32_t)code);
    return c >= UTF8PROC_CATEGORY_LU && c <= UTF8PROC_CATEGORY_LO;
}

/* A letter of ASCII, as it is, full-width or mathematical. */
static bool is_latin(uint32_t code)
{
    return code < 0x80 || (code >= 0xFF21 && code <= 0xFF5A) ||
           (code >= 0x1D400 && code <= 0x1D6A3);
}

/* What one side of a word says: false at a letter that can't be Latin. */
struct script {
    bool latin; /* an ASCII letter is among them */
    bool other; /* one that looks like none */
};

static bool note_letter(struct script *s, uint32_t code)
{
    if (!is_letter(code))
        return false;
    if (is_latin(code))
        s->latin = true;
    else if (!lac_match_alike_letter(code))
        s->other = true;
    return true;
}

static size_t before(struct lac_str t, size_t at)
{
    size_t i = at;

    do
        i--;
    while (i > 0 && at - i < 4 && ((unsigned char)t.ptr[i] & 0xC0) == 0x80);
    return i;
}

/* A Russian word has letters that look like nothing else. */
bool lac_match_is_disguised(struct lac_str t, size_t at, size_t end, struct lac_match_alike_word *w)
{
    struct script s = {false, false};
    size_t before_count = 0, behind_count = 0, from = at, to = end;

    if (at >= w->from && end <= w->to)
        return w->disguised;
    for (; from > 0 && before_count < WORD_REACH; before_count++) {
        size_t i = before(t, from), next = i;

        if (!note_letter(&s, lac_utf8_next(t, &next)))
            break;
        from = i;
    }
    for (; to < t.len && behind_count < WORD_REACH; behind_count++) {
        size_t next = to;

        if (!note_letter(&s, lac_utf8_next(t, &next)))
            break;
        to = next;
    }
    *w = (struct lac_match_alike_word){from, to, s.latin || !s.other};
    if (before_count + behind_count > WORD_REACH) /* others see letters that this one does not */
        w->to = w->from;
    return w->disguised;
}

char lac_match_alike_always(uint32_t code)
{
    if (code < 0x80)
        return 0;
    if (code == 0x2212 || utf8proc_category((utf8proc_int32_t)code) == UTF8PROC_CATEGORY_PD)
        return '-';
    return digit_alike(code);
}
