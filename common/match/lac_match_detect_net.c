/* SPDX-License-Identifier: Apache-2.0 */
/* E-mail addresses (RFC 5321, 5322), IP (RFC 791, 4291, 5952) and MAC addresses (IEEE 802). */
#include "lac_match_detect.h"

#include <string.h>

enum {
    LOCAL_MAX = 64,   /* RFC 5321, 4.5.3.1.1 */
    DOMAIN_MAX = 253, /* RFC 1035, without the root's dot */
    LABEL_MAX = 63,
    TLD_MAX = 24,       /* the longest in the root zone, with room */
    IPV6_TEXT_MAX = 45, /* eight groups, the last two as IPv4 */
    ZONE_MAX = 15,      /* a network interface's name on Linux */
    SMALL = 40,         /* numbers below it are those of versions and sections */
    NAMED_BEFORE = 64,  /* bytes in which something may say that they are an address */
    NAMED_BEHIND = 24,
};

static bool is_local(unsigned c)
{
    return lac_match_is_alnum(c) || c == '.' || c == '_' || c == '%' || c == '+' || c == '-' ||
           c == '\'';
}

static bool is_domain_ascii(unsigned c)
{
    return lac_match_is_alnum(c) || c == '-' || c == '.';
}

static bool is_domain_any(unsigned c)
{
    return is_domain_ascii(c) || c >= 0x80;
}

/* Endings of file names that are no top-level domains: image@2x.png is a picture. */
static bool is_file_ending(struct lac_str tld)
{
    static const char *const endings[] = {
        "png",     "jpg",   "jpeg",   "gif",    "svg",   "webp",      "css",   "js",
        "json",    "html",  "pdf",    "yaml",   "yml",   "toml",      "txt",   "po",
        "service", "timer", "socket", "target", "mount", "automount", "slice", "scope",
        "device",  "swap",  "conf",   "cfg",    "ini",   "xml",       "csv",   "log",
        "lock",    "lst",   "tmp",    "bak",    "scss",  "woff",      "sty",   "cls"};

    for (size_t i = 0; i < LAC_COUNT(endings); i++)
        if (lac_str_eq_nocase(tld, endings[i]))
            return true;
    return false;
}

static bool tld_valid(struct lac_str tld)
{
    bool puny = tld.len > 4 && lac_str_eq_nocase((struct lac_str){tld.ptr, 4}, "xn--");

    if (tld.len < 2 || tld.len > (puny ? LABEL_MAX : TLD_MAX) || is_file_ending(tld))
        return false;
    for (size_t i = 0; i < tld.len; i++) {
        unsigned char c = (unsigned char)tld.ptr[i];

        if (!(lac_match_is_alpha(c) || c >= 0x80 || (puny && (lac_match_is_digit(c) || c == '-'))))
            return false;
    }
    return true;
}

/* The first quotation mark, full stop or the like beyond ASCII in [from, to), which no domain
 * holds: U+0080 to U+00BF, U+2000 to U+206F, U+3000 to U+303F, U+FF00 to U+FF0F. Otherwise `to`. */
static size_t punctuation(struct lac_str t, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        unsigned char c = (unsigned char)t.ptr[i], next = lac_match_byte(t, i + 1);

        if (c == 0xc2 || (c == 0xe2 && (next == 0x80 || next == 0x81)) ||
            (c == 0xe3 && next == 0x80) ||
            (c == 0xef && next == 0xbc && lac_match_byte(t, i + 2) < 0x90))
            return i;
    }
    return to;
}

/* The end of the longest valid domain that starts at `from`, or `from`. */
static size_t domain_end(struct lac_str t, size_t from, bool (*is)(unsigned))
{
    size_t limit = lac_match_run_end(t, from, DOMAIN_MAX + 1, is);
    size_t label = from;
    size_t good = from;

    if (limit - from > DOMAIN_MAX)
        return from;
    limit = punctuation(t, from, limit);
    for (size_t i = from; i <= limit; i++) {
        if (i < limit && t.ptr[i] != '.')
            continue;
        if (i == label || i - label > LABEL_MAX || t.ptr[label] == '-' || t.ptr[i - 1] == '-')
            break;
        if (label > from && tld_valid((struct lac_str){t.ptr + label, i - label}))
            good = i;
        label = i + 1;
    }
    return good;
}

/* user:password@host and git@host:path look like addresses and are none. */
static bool is_url_userinfo(struct lac_str t, size_t start)
{
    unsigned char c = lac_match_before(t, start);
    size_t from;

    if (c != ':' && c != '/')
        return false;
    from = start > LOCAL_MAX ? start - LOCAL_MAX : 0;
    for (size_t i = start; i-- > from;) {
        unsigned char b = (unsigned char)t.ptr[i];

        if (b <= ' ')
            return false;
        if (b == '/' && i >= 2 && t.ptr[i - 1] == '/' && t.ptr[i - 2] == ':')
            return true;
    }
    return false;
}

/* Latin, Greek and Cyrillic letters beyond ASCII (RFC 6531), two bytes each; multiplication and
 * division signs are none. Scripts without blanks between words are left out: what stands before
 * an address there is the sentence. */
static bool is_letter_pair(struct lac_str t, size_t i)
{
    unsigned char lead = (unsigned char)t.ptr[i], next = (unsigned char)t.ptr[i + 1];

    return lead >= 0xc3 && lead <= 0xd4 && next >= 0x80 && next < 0xc0 &&
           !(lead == 0xc3 && (next == 0x97 || next == 0xb7));
}

/* Where what may be the local part of the address with its '@' at `sign` begins; one that is too
 * long has more than LOCAL_MAX bytes. */
static size_t local_start(struct lac_str t, size_t sign)
{
    size_t start = lac_match_run_start(t, sign, LOCAL_MAX + 2, is_local);

    while (start >= 2 && sign - start <= LOCAL_MAX && is_letter_pair(t, start - 2))
        start = lac_match_run_start(t, start - 2, LOCAL_MAX + 2, is_local);
    return start;
}

bool lac_match_verify_email(struct lac_str t, size_t at, unsigned trigger,
                            struct lac_match_span *out)
{
    size_t sign = at - 2; /* the trigger ends one byte behind the '@' */
    size_t start = local_start(t, sign);
    size_t end;

    (void)trigger;
    if (t.ptr[sign] != '@')
        return false;
    while (start < sign && (t.ptr[start] == '.' || t.ptr[start] == '-' || t.ptr[start] == '\'' ||
                            t.ptr[start] == '%'))
        start++;
    if (start == sign || sign - start > LOCAL_MAX || t.ptr[sign - 1] == '.')
        return false;
    for (size_t i = start; i + 1 < sign; i++)
        if (t.ptr[i] == '.' && t.ptr[i + 1] == '.')
            start = i + 2;
    end = domain_end(t, sign + 1, is_domain_ascii);
    if (end == sign + 1)
        end = domain_end(t, sign + 1, is_domain_any);
    if (end == sign + 1 || is_url_userinfo(t, start))
        return false;
    /* E<lt>jane@example.orgE<gt>: angle brackets in Perl's documents */
    if (t.ptr[end - 1] == 'E' && end + 4 <= t.len && memcmp(t.ptr + end, "<gt>", 4) == 0)
        end--;
    if (sign - start == 3 && memcmp(t.ptr + start, "git", 3) == 0 && lac_match_byte(t, end) == ':')
        return false;
    if (lac_match_byte(t, end) == '@')
        return false;
    *out = (struct lac_match_span){start, end, end};
    return true;
}

bool lac_match_ipv4_parse(struct lac_str text, unsigned char out[4])
{
    size_t i = 0;

    for (int octet = 0; octet < 4; octet++) {
        unsigned value = 0;
        size_t from = i;

        while (i < text.len && i - from < 3 && lac_match_is_digit((unsigned char)text.ptr[i]))
            value = value * 10 + (unsigned)(text.ptr[i++] - '0');
        /* A leading zero is octal to some parsers and decimal to others: no address. */
        if (i == from || value > 255 || (i - from > 1 && text.ptr[from] == '0'))
            return false;
        out[octet] = (unsigned char)value;
        if (octet < 3 && (i >= text.len || text.ptr[i++] != '.'))
            return false;
    }
    return i == text.len;
}

bool lac_match_ipv6_valid(struct lac_str text)
{
    unsigned groups = 0;
    bool compressed = false;
    size_t i = 0;

    if (text.len < 2 || text.len > IPV6_TEXT_MAX)
        return false;
    if (text.ptr[0] == ':') {
        if (text.ptr[1] != ':')
            return false;
        compressed = true;
        i = 2;
    }
    while (i < text.len) {
        size_t from = i;
        unsigned char v4[4];

        i = lac_match_run_end(text, i, 5, lac_match_is_hex);
        if (i == from || i - from > 4)
            return false;
        if (lac_match_byte(text, i) == '.')
            return lac_match_ipv4_parse((struct lac_str){text.ptr + from, text.len - from}, v4) &&
                   (compressed ? groups + 2 < 8 : groups + 2 == 8);
        if (++groups > 8)
            return false;
        if (i == text.len)
            break;
        if (text.ptr[i++] != ':' || i == text.len)
            return false;
        if (text.ptr[i] == ':') {
            if (compressed)
                return false;
            compressed = true;
            i++;
        }
    }
    return compressed ? groups < 8 : groups == 8;
}

static bool is_ipv4_text(unsigned c)
{
    return lac_match_is_digit(c) || c == '.';
}

static bool is_ipv6_text(unsigned c)
{
    return lac_match_is_hex(c) || c == ':' || c == '.';
}

/* Not somebody's address: this host, no host, and network masks. */
static bool ipv4_names_nobody(const unsigned char a[4])
{
    return a[0] == 0 || a[0] == 127 || a[0] == 255;
}

/* "version 1.2.3.4", "v. 1.2.3.4", "release-1.2.3.4" and "1.2.3.4-rc1" number software. */
static bool is_version(struct lac_str t, size_t start, size_t end)
{
    static const char *const words[] = {"version", "ver",   "v",      "release",
                                        "rel",     "build", "section"};
    size_t i = start;
    size_t to;

    if (start >= 2 && memcmp(t.ptr + start - 2, "~=", 2) == 0) /* what pip may take */
        return true;
    while (start - i < 5 && lac_match_is_in(lac_match_before(t, i), " .:=\"'>~"))
        i--;
    to = i;
    i = lac_match_run_start(t, to, 8, lac_match_is_alpha);
    for (size_t w = 0; w < LAC_COUNT(words); w++)
        if (lac_str_eq_nocase((struct lac_str){t.ptr + i, to - i}, words[w]))
            return true;
    return lac_match_byte(t, end) == '-' && lac_match_is_alpha(lac_match_byte(t, end + 1));
}

static bool is_small(const unsigned char a[4])
{
    return a[0] != 10 && a[0] < SMALL && a[1] < SMALL && a[2] < SMALL && a[3] < SMALL;
}

/* Whether a word or a part of an identifier ("remote_addr", "serverName") begins at `i`. */
static bool is_part_start(struct lac_str t, size_t i)
{
    unsigned char before = lac_match_before(t, i);

    return lac_match_is_alpha((unsigned char)t.ptr[i]) &&
           (!lac_match_is_alpha(before) || (before & 0x20 && !(t.ptr[i] & 0x20)));
}

/* Whether a word that begins in [from, to) begins with one of these, in any letter case. */
static bool has_part(struct lac_str t, size_t from, size_t to, const char *const words[],
                     size_t count)
{
    for (size_t i = from; i < to; i++)
        for (size_t w = 0; is_part_start(t, i) && w < count; w++) {
            size_t n = strlen(words[w]);

            if (n <= to - i && lac_str_eq_nocase((struct lac_str){t.ptr + i, n}, words[w]))
                return true;
        }
    return false;
}

/* "IP", "remote_ip", "PodIP", "ipv4", but no "description". */
static bool names_ip(struct lac_str t, size_t from, size_t to)
{
    for (size_t i = from; i + 1 < to; i++) {
        unsigned char behind = lac_match_byte(t, i + 2);

        if (is_part_start(t, i) && lac_str_eq_nocase((struct lac_str){t.ptr + i, 2}, "ip") &&
            (!lac_match_is_alpha(behind) || lac_match_is_in(behind, "svV") ||
             (t.ptr[i + 1] & 0x20 && !(behind & 0x20))))
            return true;
    }
    return false;
}

/*
 * 1.5.4.3, 2.5.29.17, 3.33.3.1: four small numbers are a version, a section of a standard or an
 * object identifier; of all addresses one in 1700 has none above. So they count where something
 * says that they are an address. Private ones (10.0.0.1) are like that, and common.
 */
static bool is_named_address(struct lac_str t, size_t start, size_t end)
{
    static const char *const words[] = {
        "addr",     "host",     "localhost", "rhost",    "dns",    "nameserver",
        "gateway",  "subnet",   "network",   "netmask",  "proxy",  "server",
        "client",   "login",    "logged",    "connect",  "ping",   "trace",
        "firewall", "received", "forwarded", "endpoint", "whois",  "inet",
        "route",    "listen",   "peer",      "resolver", "packet", "remote"};
    size_t from = start > NAMED_BEFORE ? start - NAMED_BEFORE : 0;
    size_t to = t.len - end > NAMED_BEHIND ? end + NAMED_BEHIND : t.len;
    unsigned char next = lac_match_byte(t, end);

    if (lac_match_before(t, start) == '@' || (start == 0 && end == t.len) ||
        (start >= 3 && memcmp(t.ptr + start - 3, "://", 3) == 0) ||
        ((next == ':' || next == '/') && lac_match_is_digit(lac_match_byte(t, end + 1))) ||
        (lac_match_before(t, start) == '[' && next == ']' && lac_match_byte(t, end + 1) == ')'))
        return true; /* the last one in mail: (mx.example.org [1.2.3.4]) */
    return has_part(t, from, start, words, LAC_COUNT(words)) || names_ip(t, from, start) ||
           has_part(t, end, to, words, LAC_COUNT(words)) || names_ip(t, end, to);
}

/* Where an address ends that begins at `start`, with its zone (RFC 4007: fe80::1%eth0) and the
 * length of its prefix (RFC 4632, RFC 4291: 10.0.0.0/8), if it has one and is no part of a path. */
static size_t behind_prefix(struct lac_str t, size_t start, size_t end, unsigned bits)
{
    unsigned length = 0;
    size_t i = end + 1, to;

    if (bits == 128 && lac_match_byte(t, end) == '%') {
        to = lac_match_run_end(t, i, ZONE_MAX + 1, lac_match_is_alnum);
        if (to > i && to - i <= ZONE_MAX)
            end = to;
        i = end + 1;
    }
    if (lac_match_byte(t, end) != '/' || lac_match_is_in(lac_match_before(t, start), "/@["))
        return end;
    to = lac_match_run_end(t, i, 4, lac_match_is_digit);
    for (size_t k = i; k < to; k++)
        length = length * 10 + (unsigned)(t.ptr[k] - '0');
    if (to == i || to - i > 3 || (to - i > 1 && t.ptr[i] == '0') || length > bits ||
        lac_match_is_alnum(lac_match_byte(t, to)) ||
        lac_match_is_in(lac_match_byte(t, to), "/_-%") ||
        (lac_match_byte(t, to) == '.' && lac_match_is_alnum(lac_match_byte(t, to + 1))))
        return end;
    return to;
}

static bool verify_ipv4(struct lac_str t, size_t at, struct lac_match_span *out)
{
    size_t start = lac_match_run_start(t, at, 17, is_ipv4_text);
    size_t end = lac_match_run_end(t, at, 17, is_ipv4_text);
    unsigned char address[4];

    out->resume = end;
    while (end > at && t.ptr[end - 1] == '.') /* the full stop of a sentence */
        end--;
    while (start < at && t.ptr[start] == '.')
        start++;
    if (end - start > 15 ||
        !lac_match_ipv4_parse((struct lac_str){t.ptr + start, end - start}, address))
        return false;
    if (lac_match_is_alnum(lac_match_before(t, start)) || lac_match_before(t, start) == '_' ||
        lac_match_before(t, start) == '-' || lac_match_is_alnum(lac_match_byte(t, end)) ||
        lac_match_byte(t, end) == '_')
        return false;
    if (ipv4_names_nobody(address) || is_version(t, start, end) ||
        (is_small(address) && !is_named_address(t, start, end)))
        return false;
    end = behind_prefix(t, start, end, 32);
    *out = (struct lac_match_span){start, end, end};
    return true;
}

/*
 * `a::b` is code in many languages and 05:33:00 a time: a compressed address counts only with a
 * digit and at least six characters; ::1 and :: name nobody.
 */
static bool ipv6_is_plausible(struct lac_str a)
{
    bool digit = false;
    unsigned colons = 0;

    for (size_t i = 0; i < a.len; i++) {
        digit = digit || lac_match_is_digit((unsigned char)a.ptr[i]);
        colons += a.ptr[i] == ':';
    }
    return digit && colons >= 2 && a.len >= 6;
}

/* "x[::2100]" takes a part of x. */
static bool is_slice(struct lac_str t, size_t start, size_t end)
{
    unsigned char before = start >= 2 ? (unsigned char)t.ptr[start - 2] : 0;

    return lac_match_before(t, start) == '[' && lac_match_byte(t, end) == ']' &&
           (lac_match_is_alnum(before) || lac_match_is_in(before, "_)]")) &&
           lac_match_run_end(t, start + 2, IPV6_TEXT_MAX, lac_match_is_digit) == end;
}

static bool verify_ipv6(struct lac_str t, size_t at, struct lac_match_span *out)
{
    size_t start = lac_match_run_start(t, at, IPV6_TEXT_MAX + 2, is_ipv6_text);
    size_t end = lac_match_run_end(t, at, IPV6_TEXT_MAX + 2, is_ipv6_text);
    struct lac_str a;

    out->resume = end;
    while (end > start && t.ptr[end - 1] == '.')
        end--;
    /* "address fe80::1: ..." and "from ::ffff:1.2.3.4." end in punctuation. */
    if (end - start > 2 && t.ptr[end - 1] == ':' && t.ptr[end - 2] != ':')
        end--;
    if (end - start > 2 && t.ptr[start] == ':' && t.ptr[start + 1] != ':')
        start++;
    a = (struct lac_str){t.ptr + start, end - start};
    if (lac_match_is_alnum(lac_match_before(t, start)) || lac_match_before(t, start) == '_' ||
        lac_match_is_alnum(lac_match_byte(t, end)) || lac_match_byte(t, end) == '_')
        return false;
    if (!lac_match_ipv6_valid(a) || !ipv6_is_plausible(a) || is_slice(t, start, end))
        return false;
    end = behind_prefix(t, start, end, 128);
    *out = (struct lac_match_span){start, end, end};
    return true;
}

bool lac_match_verify_ip(struct lac_str t, size_t at, unsigned trigger, struct lac_match_span *out)
{
    return trigger == 0 ? verify_ipv4(t, at, out) : verify_ipv6(t, at, out);
}

static bool is_mac_text(unsigned c)
{
    return lac_match_is_hex(c) || c == ':' || c == '-' || c == '.';
}

/*
 * EUI-48 in six pairs, or in three groups of four as routers print it. More groups are a
 * fingerprint or a dump; dashes and dots without a letter may be a date or a version.
 */
bool lac_match_verify_mac(struct lac_str t, size_t at, unsigned trigger, struct lac_match_span *out)
{
    size_t start = at - (trigger == 0 ? 17 : 14);
    unsigned char sep = (unsigned char)t.ptr[start + (trigger == 0 ? 2 : 4)];
    size_t from = lac_match_run_start(t, start, 4, is_mac_text);
    size_t end = lac_match_run_end(t, at, 512, is_mac_text);
    bool letter = false, digit = false, mixed = false;

    out->resume = end;
    for (size_t i = start; i < at; i++) {
        unsigned char c = (unsigned char)t.ptr[i];

        letter = letter || lac_match_is_alpha(c);
        digit = digit || lac_match_is_digit(c);
        mixed = mixed || (c != (unsigned char)t.ptr[start] && lac_match_is_hex(c));
        if (!lac_match_is_hex(c) && c != sep)
            return false;
    }
    while (end > at && lac_match_is_in(lac_match_before(t, end), ".:-"))
        end--; /* punctuation behind it */
    while (from < start && !lac_match_is_hex(lac_match_byte(t, from)))
        from++;
    if (from != start || end != at || !mixed || (!letter && sep != ':') || (!digit && sep == '.'))
        return false;
    /* ".031D.0020.0002" is a row of a table of weights. */
    if (lac_match_is_in(lac_match_before(t, start), sep == '.' ? ".*_" : "_"))
        return false;
    *out = (struct lac_match_span){start, at, at};
    return true;
}
