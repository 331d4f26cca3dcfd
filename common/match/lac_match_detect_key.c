/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private keys in files of text: PEM (RFC 7468) and OpenPGP (RFC 9580, 6.2), OpenVPN's keys, those
 * of ssh.com between the lines of RFC 4716, and PuTTY's (its manual, appendix "PPK file format").
 *
 * All of a key is found, whatever its length: a hit is what redaction takes away. Line breaks may
 * be written as in a string ("\n"), a log's times or a program's quotes may stand between the
 * lines, and where the end of a key is missing the hit ends with the last line that can only be of
 * a key.
 */
#include "lac_match_detect.h"

#include <stdint.h>
#include <string.h>

#include "lac_match_validate.h"

enum {
    HEADER_MAX = 80,    /* of a first or last line: dashes, words, dashes */
    ARMOUR_MAX = 16384, /* looked at behind the first line where there is no last one */
    FIELDS_MAX = 8,     /* "Name: value" lines before the base64 */
    FIELD_MAX = 1024,   /* bytes of one; RFC 4716 allows 64 and 1024, PuTTY any comment */
    WORD_MIN = 16,      /* base64 characters that make a key of a first line */
    LINE_MIN = 32,      /* of a line of a key, where something else stands between them */
    NOISE_MAX = 192,    /* of what does: a log's time, a program's quotes and plus signs */
    ESCAPES_MAX = 4,    /* backslashes of one line break: a string within a string */
    PPK_LINES_MAX = 999,
    PPK_WORD_MIN = 8,
};

static bool is_base64(unsigned c)
{
    return lac_match_is_alnum(c) || c == '+' || c == '/';
}

static bool is_field_name(unsigned c)
{
    return lac_match_is_alnum(c) || c == '-';
}

/* `c` at `i`, as it is or as `letter` behind backslashes: its size, 0 when it is not there. */
static size_t control_size(struct lac_str t, size_t i, unsigned char c, unsigned char letter)
{
    size_t n = 0;

    if (lac_match_byte(t, i) == c)
        return 1;
    while (n < ESCAPES_MAX && lac_match_byte(t, i + n) == '\\')
        n++;
    return n > 0 && lac_match_byte(t, i + n) == letter ? n + 1 : 0;
}

/* Size of the line break at `i`: CR, LF or both; 0 when there is none. */
static size_t break_size(struct lac_str t, size_t i)
{
    size_t n = control_size(t, i, '\r', 'r');

    return n + control_size(t, i + n, '\n', 'n');
}

static bool is_blank(unsigned char c)
{
    return c == ' ' || c == '\t';
}

/* Behind blanks and line breaks. */
static size_t skip_space(struct lac_str t, size_t i, size_t limit)
{
    while (i < limit) {
        size_t n = is_blank((unsigned char)t.ptr[i]) ? 1 : break_size(t, i);

        if (n == 0)
            break;
        i += n;
    }
    return i < limit ? i : limit;
}

/* The end of the line that `i` is in, before its break; `i` plus FIELD_MAX when there is none. */
static size_t line_end(struct lac_str t, size_t i)
{
    size_t from = i;

    while (i < t.len && i - from < FIELD_MAX && break_size(t, i) == 0)
        i++;
    return i;
}

/* Behind a word of base64 and its padding. */
static size_t word_end(struct lac_str t, size_t i, size_t limit)
{
    size_t end = lac_match_run_end(t, i, limit - i, is_base64);

    for (size_t n = 0; end > i && end < limit && n < 2 && t.ptr[end] == '='; n++)
        end++;
    return end;
}

/* Behind the last line at `i`, `dashes` to either side of END and a name; 0 when it is not there.
 */
static size_t footer_end(struct lac_str t, size_t i, const char *dashes)
{
    size_t size = strlen(dashes), reach;
    const char *close;

    if (!lac_str_has_at(t, i, dashes))
        return 0;
    i += size;
    i += lac_match_byte(t, i) == ' ';
    if (!lac_str_has_at(t, i, "END "))
        return 0;
    reach = t.len - i < HEADER_MAX ? t.len - i : HEADER_MAX;
    close = memmem(t.ptr + i, reach, dashes, size);
    return close ? (size_t)(close - t.ptr) + size : i;
}

/* Behind the "Name: value" at `i`; `i` when it is none, has no line break or holds `dashes`. */
static size_t field_end(struct lac_str t, size_t i, const char *dashes)
{
    size_t stop = lac_match_run_end(t, i, FIELD_MAX, is_field_name);
    size_t end;

    if (stop == i || lac_match_byte(t, stop) != ':')
        return i;
    end = line_end(t, stop);
    if (break_size(t, end) == 0 || memmem(t.ptr + stop, end - stop, dashes, strlen(dashes)))
        return i;
    return end;
}

/* Whether there is an empty line between `i` and `end`, where only blanks and line breaks are. */
static bool has_empty_line(struct lac_str t, size_t i, size_t end)
{
    size_t breaks = 0;

    while (i < end) {
        size_t n = break_size(t, i);

        breaks += n > 0;
        i += n ? n : 1;
    }
    return breaks > 1;
}

/*
 * Behind the key whose first line ends at `at`: fields, words of base64, and a last line. Without
 * that it ends behind the last word of at least WORD_MIN characters, of twice as many behind an
 * empty line: what is shorter is the key's last line or something else. 0 when there is no word.
 */
static size_t armour_end(struct lac_str t, size_t at, const char *dashes)
{
    size_t limit = t.len - at < ARMOUR_MAX ? t.len : at + ARMOUR_MAX;
    size_t end = 0, fields = 0, footer;
    bool last = false;

    for (;;) {
        size_t from = at, stop, least;

        at = skip_space(t, at, limit);
        stop = end == 0 && fields++ < FIELDS_MAX ? field_end(t, at, dashes) : at;
        if (stop > at) {
            at = stop < limit ? stop : limit;
            continue;
        }
        stop = last ? at : word_end(t, at, limit);
        if (stop == at)
            break;
        least = end && has_empty_line(t, from, at) ? 2 * WORD_MIN : WORD_MIN;
        last = end && stop - at < least;
        if (stop - at >= least)
            end = stop;
        at = stop;
    }
    footer = end ? footer_end(t, at, dashes) : 0;
    return footer ? footer : end;
}

/* ---- PEM ---- */

/* Behind the header line, perhaps as "\n" in a string, base64 or a header such as Proc-Type. */
static bool pem_has_body(struct lac_str t, size_t at)
{
    static const char *const headers[] = {"Proc-Type:", "Version:", "Comment:"};
    size_t from = at;

    while (at < t.len && at - from < 8 && !is_base64((unsigned char)t.ptr[at]))
        at += t.ptr[at] == '\\' ? 2 : 1;
    if (at >= t.len)
        return false;
    for (size_t i = 0; i < LAC_COUNT(headers); i++)
        if (lac_str_has_at(t, at, headers[i]))
            return true;
    return lac_match_run_end(t, at, WORD_MIN, is_base64) - at == WORD_MIN;
}

/* Whether these bytes can be no word, path or digest, but for a key's. */
static bool is_key_line(struct lac_str s)
{
    return s.len >= LINE_MIN && lac_match_validate_mixed_case(s);
}

/* Behind the next line of a key, where each has a log's time in front of it or is a text of its own
 * in a program: "-----BEGIN PRIVATE KEY-----\n" + "MIIE..". 0 when there is none before the dashes
 * of a last line. */
static size_t noisy_line_end(struct lac_str t, size_t at)
{
    size_t limit = t.len - at < NOISE_MAX ? t.len : at + NOISE_MAX;

    while (at < limit) {
        size_t end = lac_match_run_end(t, at, ARMOUR_MAX, is_base64);

        if (is_key_line(lac_str_slice(t, at, end)))
            return end;
        if (lac_str_has_at(t, end, "-----"))
            return 0;
        at = end + 1;
    }
    return 0;
}

/* The same of all lines of the key whose first line ends at `at`. */
static size_t noisy_end(struct lac_str t, size_t at)
{
    size_t from = at, end;

    while (at - from < ARMOUR_MAX && (end = noisy_line_end(t, at)) > 0)
        at = end;
    return at;
}

/* Where the first line that ends at `at` starts; `shortest` is the least it can be. */
static size_t header_start(struct lac_str t, size_t at, const char *begin, size_t shortest)
{
    size_t from = at > HEADER_MAX ? at - HEADER_MAX : 0;
    size_t start = at - shortest;

    while (start > from && !lac_str_has_at(t, start, begin))
        start--;
    return start;
}

bool lac_match_verify_private_key(struct lac_str t, size_t at, unsigned trigger,
                                  struct lac_match_span *out)
{
    size_t start = header_start(t, at, "-----BEGIN ", sizeof("-----BEGIN PRIVATE KEY-----") - 1);
    size_t end = at;
    const char *dashes;

    (void)trigger;
    if (!pem_has_body(t, at) && !noisy_line_end(t, at))
        return false;
    /* Base64 has no dashes, so the next five are the footer's, whatever stands before them. */
    dashes = memmem(t.ptr + at, t.len - at, "-----", 5);
    if (dashes) {
        size_t footer = (size_t)(dashes - t.ptr);

        end = footer_end(t, footer, "-----");
        end = end ? end : footer;
    } else {
        end = armour_end(t, at, "-----");
        end = end ? end : noisy_end(t, at);
    }
    *out = (struct lac_match_span){start, end, end};
    return true;
}

/* ---- OpenVPN and ssh.com ---- */

bool lac_match_verify_openvpn_key(struct lac_str t, size_t at, unsigned trigger,
                                  struct lac_match_span *out)
{
    size_t start =
        header_start(t, at, "-----BEGIN ", sizeof("-----BEGIN OpenVPN Static key V1-----") - 1);
    size_t end = armour_end(t, at, "-----");

    (void)trigger;
    *out = (struct lac_match_span){start, end, end};
    return end > 0;
}

bool lac_match_verify_ssh2_key(struct lac_str t, size_t at, unsigned trigger,
                               struct lac_match_span *out)
{
    size_t start = header_start(t, at, "---- BEGIN ", sizeof("---- BEGIN SSH2 ---- ") - 1);
    size_t end = armour_end(t, at, "----");

    (void)trigger;
    *out = (struct lac_match_span){start, end, end};
    return end > 0;
}

/* ---- PuTTY ---- */

/* Behind "<name>" at `i`; 0 when it is not there. */
static size_t ppk_name(struct lac_str t, size_t i, const char *name)
{
    return lac_str_has_at(t, i, name) ? i + strlen(name) : 0;
}

/* Behind the lines that "<Public|Private>-Lines: " counts; `at` is behind that. 0 when there is no
 * number, or none of them. */
static size_t ppk_lines(struct lac_str t, size_t at)
{
    size_t stop = lac_match_run_end(t, at, 3, lac_match_is_digit);
    size_t end = 0;
    unsigned count = 0;

    while (at < stop)
        count = count * 10 + (unsigned)(t.ptr[at++] - '0');
    for (; count > 0; count--) {
        at = skip_space(t, at, t.len);
        stop = word_end(t, at, t.len - at < HEADER_MAX ? t.len : at + HEADER_MAX);
        /* A name and its colon are the next field: the number was too high. */
        if (stop - at < PPK_WORD_MIN || lac_match_byte(t, stop) == '-' ||
            lac_match_byte(t, stop) == ':')
            break;
        end = at = stop;
    }
    return end;
}

static bool is_ppk_value(unsigned c)
{
    return is_field_name(c) || c == '@' || c == '.';
}

/* Behind the field at `i`, whatever it counts included; 0 when it is none of PuTTY's. */
static size_t ppk_field(struct lac_str t, size_t i)
{
    static const char *const counts[] = {"Public-Lines: ", "Private-Lines: "};
    static const char *const values[] = {
        "Key-Derivation: ", "Argon2-Memory: ", "Argon2-Passes: ", "Argon2-Parallelism: ",
        "Argon2-Salt: ",    "Private-MAC: ",   "Private-Hash: "};

    for (size_t k = 0; k < LAC_COUNT(counts); k++) {
        size_t at = ppk_name(t, i, counts[k]);

        if (at)
            return ppk_lines(t, at);
    }
    for (size_t k = 0; k < LAC_COUNT(values); k++) {
        size_t at = ppk_name(t, i, values[k]);

        if (at)
            return lac_match_run_end(t, at, FIELD_MAX, is_ppk_value);
    }
    return 0;
}

/* Behind all fields from `at` on, which is behind the one before; `at` when there are none. */
static size_t ppk_fields(struct lac_str t, size_t at)
{
    size_t end = at;

    for (unsigned n = 0; n < 2 * FIELDS_MAX; n++) {
        size_t next = ppk_field(t, skip_space(t, end, t.len));

        if (next == 0)
            break;
        end = next;
    }
    return end;
}

/* Behind the first three lines' names; 0 when the file is none. `at` is behind "…File-<n>: ". */
static size_t ppk_head(struct lac_str t, size_t at)
{
    static const char *const names[] = {"Encryption: ", "Comment:"};
    size_t end = lac_match_run_end(t, at, HEADER_MAX, is_ppk_value);

    if (end == at)
        return 0;
    for (size_t k = 0; k < LAC_COUNT(names); k++) {
        size_t n = break_size(t, end);

        end = n ? ppk_name(t, skip_space(t, end + n, t.len), names[k]) : 0;
        if (end == 0)
            return 0;
        if (k == 0)
            end = lac_match_run_end(t, end, HEADER_MAX, is_ppk_value);
    }
    return end;
}

/* Trigger 0: a file, or what is left of one behind its head. 1: the private part alone. */
bool lac_match_verify_putty_key(struct lac_str t, size_t at, unsigned trigger,
                                struct lac_match_span *out)
{
    static const char first[] = "PuTTY-User-Key-File-3: ";
    static const char private[] = "Private-Lines: ";
    size_t start = at - (trigger == 0 ? sizeof(first) : sizeof(private)) + 1;
    size_t end;

    if (trigger == 0) {
        end = ppk_head(t, at);
        if (end && break_size(t, line_end(t, end)))
            end = line_end(t, end); /* a comment is all of its line */
    } else {
        end = ppk_lines(t, at);
    }
    if (end == 0)
        return false;
    end = ppk_fields(t, end);
    *out = (struct lac_match_span){start, end, end};
    return true;
}
