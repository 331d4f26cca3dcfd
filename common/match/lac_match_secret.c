/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_match_secret.h"

#include <stdint.h>
#include <string.h>

#ifdef __x86_64__
#include <immintrin.h>
#endif

#include "lac_match_detect.h"
#include "lac_match_mention.h"

#define W LAC_MATCH_WORDS

enum {
    LOOKED_AT = 256,
    WORD_MAX = 11, /* bytes of the longest whole placeholder: "password123" */
    PASSWORD_MIN = 5,
    PASSWORD_MAX = 128,
    JSON_DEPTH = 32,
};

const unsigned char lac_match_base64_values[256] = {
    ['A'] = 1,  ['B'] = 2,  ['C'] = 3,  ['D'] = 4,  ['E'] = 5,  ['F'] = 6,  ['G'] = 7,  ['H'] = 8,
    ['I'] = 9,  ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16,
    ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24,
    ['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32,
    ['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40,
    ['o'] = 41, ['p'] = 42, ['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48,
    ['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56,
    ['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, ['+'] = 63, ['-'] = 63,
    ['/'] = 64, ['_'] = 64,
};

size_t lac_match_distinct(struct lac_str s)
{
    bool seen[256] = {false};
    size_t n = 0;

    for (size_t i = 0; i < s.len && i < LOOKED_AT; i++) {
        n += !seen[(unsigned char)s.ptr[i]];
        seen[(unsigned char)s.ptr[i]] = true;
    }
    return n;
}

/* Whether there are so many different bytes: nearly always the first few tell. */
static bool has_distinct(struct lac_str s, size_t least)
{
    uint64_t seen[4] = {0};
    size_t n = 0;

    for (size_t i = 0; i < s.len && i < LOOKED_AT && n < least; i++) {
        unsigned char c = (unsigned char)s.ptr[i];

        n += ~seen[c / 64] >> (c % 64) & 1;
        seen[c / 64] |= (uint64_t)1 << (c % 64);
    }
    return n >= least;
}

static struct lac_str lower(char out[LOOKED_AT], struct lac_str s)
{
    size_t n = s.len < LOOKED_AT ? s.len : LOOKED_AT;

    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s.ptr[i];

        out[i] = (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
    }
    return (struct lac_str){out, n};
}

/* `s` is not empty. */
static bool is_one_of(struct lac_str s, const char *const *words)
{
    char buf[LOOKED_AT];

    if (s.len > WORD_MAX)
        return false;
    s = lower(buf, s);
    for (; *words; words++)
        if (s.ptr[0] == (*words)[0] && lac_str_is(s, *words))
            return true;
    return false;
}

/* ${X}, <x>, {x}, [x], %X%, %s: filled in later. */
static bool is_template(struct lac_str s)
{
    char first = s.ptr[0], last = s.ptr[s.len - 1];

    if ((first == '<' && last == '>') || (first == '{' && last == '}') ||
        (first == '[' && last == ']') || (first == '%' && last == '%') ||
        (first == '(' && last == ')'))
        return true;
    if (first == '$' || first == '@' || first == ':' || first == '&' || first == '%') {
        /* $PASSWORD, @Password, :password, &anchor, %s: a name and no more */
        size_t i = 1;

        while (i < s.len && (lac_match_is_alpha((unsigned char)s.ptr[i]) || s.ptr[i] == '_'))
            i++;
        return i == s.len;
    }
    return false;
}

bool lac_match_is_placeholder(struct lac_str s)
{
    static const struct lac_match_mentions inside = {
        W('a', "abcdefgh", "anonymous"),
        W('c', "changeme", "change_me", "change-me", "changeit", "#{"),
        W('d', "dummy", "${", "$("),
        W('e', "example", "%("),
        W('f', "foobar", "fake"),
        W('h', "hmacsha"),
        W('i', "insert"),
        W('j', "****"),
        W('k', "keyhere"),
        W('m', "masked", "-here"),
        W('n', "...", "not-a-", "not_a_"),
        W('p', "placeho", "00000000"),
        W('q', "12345678"),
        W('r', "redact", "replace", "removed"),
        W('s', "sample", "secrethere"),
        W('t', "todo", "tokenhere"),
        W('w', "withhmac", "withrsa"),
        W('x', "xxxx"),
        W('y', "your"),
        W('{', "{{"),
        W('<', "<%"),
        W('_', "_here")};
    static const char *const whole[] = {
        "password",  "password1", "password123", "passwd",     "pass",     "pwd",     "secret",
        "token",     "key",       "apikey",      "api_key",    "api-key",  "none",    "null",
        "nil",       "true",      "false",       "undefined",  "string",   "str",     "text",
        "bytes",     "char",      "varchar",     "required",   "optional", "empty",   "default",
        "test",      "test123",   "testing",     "admin",      "root",     "user",    "username",
        "guest",     "postgres",  "mysql",       "value",      "unknown",  "invalid", "incorrect",
        "wrong",     "expired",   "missing",     "disabled",   "enabled",  "prompt",  "input",
        "env",       "vault",     "hidden",      "secretstr",  "sha1",     "sha-1",   "sha256",
        "sha-256",   "sha384",    "sha512",      "sha-512",    "md5",      "bcrypt",  "scrypt",
        "argon2",    "argon2i",   "argon2id",    "pbkdf2",     "base64",   "hs256",   "rs256",
        "es256",     "aes-256",   "aes256",      "utf-8",      "utf8",     "oauth",   "oauth2",
        "x509",      "x.509",     "p@ssw0rd",    "passw0rd",   "function", "object",  "self",
        "this",      "number",    "boolean",     "encrypted",  "stdin",    "file",    "generated",
        "automatic", "plaintext", "cleartext",   "mypassword", "mypass",   NULL};
    struct lac_str t = lac_str_slice(s, 0, s.len < LOOKED_AT ? s.len : LOOKED_AT);

    if (t.len == 0 || is_template(t) || lac_match_mentions(t, &inside))
        return true;
    while (t.len > 0 && !lac_match_is_alnum((unsigned char)t.ptr[t.len - 1]))
        t.len--;
    while (t.len > 0 && !lac_match_is_alnum((unsigned char)t.ptr[0]))
        t.ptr++, t.len--;
    return t.len == 0 || is_one_of(t, whole);
}

/* How the characters of a text change kind from one to the next. */
struct mix {
    size_t letters, digits;
    size_t swaps; /* between letter and digit */
    size_t cases; /* from lower to upper: aB is also camelCase; Ba and BBa end a word, so only aB
                     and ABa count, the latter once */
};

enum { MIX_STEP = 64 };

/* Which of so many bytes are what: a bit each. */
struct kinds {
    uint64_t letter, digit, upper;
};

#ifdef __x86_64__
/* Which bytes lie in [from, from + count). */
static uint64_t in_range(__m128i x, char from, char count)
{
    __m128i above = _mm_sub_epi8(x, _mm_set1_epi8(from));
    __m128i last = _mm_set1_epi8((char)(count - 1));

    return (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_min_epu8(above, last), above));
}

static struct kinds kinds_of(const char bytes[MIX_STEP])
{
    struct kinds k = {0};

    for (unsigned i = 0; i < MIX_STEP; i += 16) {
        __m128i x = _mm_loadu_si128((const __m128i *)(const void *)(bytes + i));

        k.letter |= in_range(_mm_or_si128(x, _mm_set1_epi8(0x20)), 'a', 26) << i;
        k.digit |= in_range(x, '0', 10) << i;
        k.upper |= in_range(x, 'A', 26) << i;
    }
    return k;
}

/* Which bytes a key may have. */
static uint64_t key_bytes_of(const char bytes[MIX_STEP])
{
    uint64_t key = 0;

    for (unsigned i = 0; i < MIX_STEP; i += 16) {
        __m128i x = _mm_loadu_si128((const __m128i *)(const void *)(bytes + i));
        __m128i signs = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(x, _mm_set1_epi8('+')),
                                                  _mm_cmpeq_epi8(x, _mm_set1_epi8('='))),
                                     _mm_or_si128(_mm_cmpeq_epi8(x, _mm_set1_epi8('_')),
                                                  _mm_cmpeq_epi8(x, _mm_set1_epi8('~'))));

        key |= (in_range(_mm_or_si128(x, _mm_set1_epi8(0x20)), 'a', 26) |
                in_range(x, '-', '9' - '-' + 1) | (unsigned)_mm_movemask_epi8(signs))
               << i;
    }
    return key;
}
#else
static uint64_t key_bytes_of(const char bytes[MIX_STEP])
{
    uint64_t key = 0;

    for (unsigned i = 0; i < MIX_STEP; i++) {
        unsigned char c = (unsigned char)bytes[i];

        key |= (uint64_t)(lac_match_is_alnum(c) || lac_match_is_in(c, "-./+=_~")) << i;
    }
    return key;
}

static struct kinds kinds_of(const char bytes[MIX_STEP])
{
    struct kinds k = {0};

    for (unsigned i = 0; i < MIX_STEP; i++) {
        unsigned char c = (unsigned char)bytes[i];

        k.letter |= (uint64_t)lac_match_is_alpha(c) << i;
        k.digit |= (uint64_t)lac_match_is_digit(c) << i;
        k.upper |= (uint64_t)(lac_match_is_alpha(c) && !(c & 0x20)) << i;
    }
    return k;
}
#endif

size_t lac_match_key_bytes(struct lac_str s)
{
    for (size_t i = 0; i < s.len; i += MIX_STEP) {
        char bytes[MIX_STEP] = {0};
        uint64_t other;

        memcpy(bytes, s.ptr + i, s.len - i < MIX_STEP ? s.len - i : MIX_STEP);
        other = ~key_bytes_of(bytes);
        if (other)
            return i + (size_t)__builtin_ctzll(other);
    }
    return s.len;
}

static size_t bits_in(uint64_t x)
{
    return (size_t)__builtin_popcountll(x);
}

static struct mix mix_of(struct lac_str s)
{
    size_t n = s.len < LOOKED_AT ? s.len : LOOKED_AT;
    struct kinds before = {0}; /* the last byte */
    struct mix m = {0};

    for (size_t i = 0; i < n; i += MIX_STEP) {
        char bytes[MIX_STEP] = {0};
        struct kinds k;

        memcpy(bytes, s.ptr + i, n - i < MIX_STEP ? n - i : MIX_STEP);
        k = kinds_of(bytes);
        m.letters += bits_in(k.letter);
        m.digits += bits_in(k.digit);
        m.swaps += bits_in((k.letter & (k.digit << 1 | before.digit)) |
                           (k.digit & (k.letter << 1 | before.letter)));
        m.cases +=
            bits_in(k.upper & ((k.letter & ~k.upper) << 1 | (before.letter & ~before.upper)));
        before = (struct kinds){k.letter >> 63, k.digit >> 63, k.upper >> 63};
    }
    return m;
}

bool lac_match_is_random(struct lac_str s, size_t least)
{
    struct mix m;

    if (s.len < least || !has_distinct(s, 8))
        return false;
    m = mix_of(s);
    if (m.letters < 4 || (m.digits == 0 && m.cases < 4))
        return false;
    /* A random text of 16 hexadecimal digits changes kind 7 times, words with a number once. */
    return m.swaps >= 3 || (m.swaps >= 1 && m.cases >= 3) || m.cases >= 5;
}

/* The first byte of a letter, where no ASCII is: what begins so and is none are Latin-1's signs
 * (U+0080 on), punctuation, arrows and currencies (U+2000 on) and pictures (U+10000 on). */
static bool begins_letter(unsigned char c)
{
    return c >= 0xC3 && c < 0xF0 && c != 0xE2;
}

static bool begins_sign(unsigned char c)
{
    return lac_match_is_in(c, "!#$%^&*+?~|@=;") || c == 0xC2 || c == 0xE2 || c >= 0xF0;
}

bool lac_match_is_password(struct lac_str s, bool plain)
{
    size_t signs = 0, letters = 0;
    struct mix m;

    if (s.len < PASSWORD_MIN || s.len > PASSWORD_MAX || !has_distinct(s, 4) ||
        lac_match_is_placeholder(s))
        return false;
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];

        if (c <= ' ')
            return false;
        signs += begins_sign(c);
        letters += begins_letter(c);
    }
    m = mix_of(s);
    letters += m.letters;
    if (letters > 0 && (m.digits > 0 || signs > 0))
        return s.len > PASSWORD_MIN || (m.digits > 0 && signs > 0);
    if (letters == 0)
        return m.digits >= 6 && plain;
    return plain ? s.len > PASSWORD_MIN : m.cases >= 4 && s.len >= 12;
}

bool lac_match_is_login(struct lac_str pair, char between)
{
    const char *mark = pair.len ? memchr(pair.ptr, between, pair.len) : NULL;
    struct lac_str user, password;

    if (!mark)
        return false;
    user = (struct lac_str){pair.ptr, (size_t)(mark - pair.ptr)};
    password = lac_str_slice(pair, user.len + 1, pair.len);
    return (user.len > 0 || lac_match_is_password(password, false)) && password.len >= 4 &&
           !lac_match_is_placeholder(password) && lac_match_distinct(password) >= 3 &&
           !lac_str_eq(user, password) && !lac_match_is_in(lac_match_byte(user, 0), "$<");
}

size_t lac_match_unpack(struct lac_str text, unsigned width, int (*value)(unsigned char),
                        unsigned char *out, size_t capacity)
{
    uint32_t bits = 0;
    unsigned held = 0;
    size_t n = 0;

    for (size_t i = 0; i < text.len; i++) {
        int digit = value((unsigned char)text.ptr[i]);

        if (digit < 0)
            return 0;
        bits = bits << width | (uint32_t)digit;
        held += width;
        if (held < 8)
            continue;
        if (n == capacity)
            return 0;
        held -= 8;
        out[n++] = (unsigned char)(bits >> held);
    }
    return n;
}

size_t lac_match_base64_decode(struct lac_str text, unsigned char *out, size_t capacity)
{
    while (text.len > 0 && text.ptr[text.len - 1] == '=')
        text.len--;
    return text.len % 4 == 1 ? 0 : lac_match_unpack(text, 6, lac_match_base64_value, out, capacity);
}

/* ---- JSON ---- */

static size_t skip_blanks(struct lac_str t, size_t i)
{
    return lac_match_skip(t, i, " \t\r\n", SIZE_MAX);
}

/* Behind the string that begins at `i`, 0 when it does not end. */
static size_t skip_string(struct lac_str t, size_t i)
{
    for (i++; i < t.len; i++) {
        unsigned char c = (unsigned char)t.ptr[i];

        if (c < ' ')
            return 0;
        if (c == '"')
            return i + 1;
        if (c == '\\')
            i++;
    }
    return 0;
}

/* Behind the number or word that begins at `i`, 0 when there is none. */
static size_t skip_scalar(struct lac_str t, size_t i)
{
    size_t start = i;

    while (i < t.len && (lac_match_is_alnum((unsigned char)t.ptr[i]) ||
                         lac_match_is_in((unsigned char)t.ptr[i], "+-.")))
        i++;
    if (i == start)
        return 0;
    if (lac_match_is_alpha((unsigned char)t.ptr[start])) {
        struct lac_str word = lac_str_slice(t, start, i);

        return lac_str_is(word, "true") || lac_str_is(word, "false") || lac_str_is(word, "null")
                   ? i
                   : 0;
    }
    return i;
}

/* Behind the key and its colon, 0 when there is none. */
static size_t skip_key(struct lac_str t, size_t i)
{
    if (lac_match_byte(t, i) != '"')
        return 0;
    i = skip_string(t, i);
    if (i == 0)
        return 0;
    i = skip_blanks(t, i);
    return lac_match_byte(t, i) == ':' ? skip_blanks(t, i + 1) : 0;
}

bool lac_match_is_json_object(struct lac_str text)
{
    uint32_t arrays = 0; /* one bit per level: an array */
    unsigned depth = 0;
    size_t i = skip_blanks(text, 0);

    if (lac_match_byte(text, i) != '{')
        return false;
    for (;;) {
        unsigned char c = lac_match_byte(text, i);

        /* a value begins at i */
        if (c == '{' || c == '[') {
            if (depth == JSON_DEPTH)
                return false;
            arrays = arrays << 1 | (c == '[');
            depth++;
            i = skip_blanks(text, i + 1);
            if (lac_match_byte(text, i) != (c == '{' ? '}' : ']')) {
                if (c == '{')
                    i = skip_key(text, i);
                if (i == 0)
                    return false;
                continue;
            }
        } else {
            i = c == '"' ? skip_string(text, i) : skip_scalar(text, i);
            if (i == 0)
                return false;
            i = skip_blanks(text, i);
        }
        /* a value has ended: close what ends with it, then the next one begins */
        while (depth > 0 && lac_match_byte(text, i) == (arrays & 1 ? ']' : '}')) {
            arrays >>= 1;
            depth--;
            i = skip_blanks(text, i + 1);
        }
        if (depth == 0)
            return i == text.len;
        if (lac_match_byte(text, i) != ',')
            return false;
        i = skip_blanks(text, i + 1);
        if (!(arrays & 1))
            i = skip_key(text, i);
        if (i == 0)
            return false;
    }
}
