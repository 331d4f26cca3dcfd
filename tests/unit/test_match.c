/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: rules hit where they should and only there, at the right bytes of the original text, and
 * in bounded time. Method: tables of texts per detector, small rule sets for the other features.
 */
#include "lac_match.h"

#include <string.h>
#include <time.h>

#include "lac_env.h"
#include "lac_test.h"

enum { FIELD_BYTES = 1 << 20, HITS = 64 };

static struct lac_match_hit hit_array[HITS];

struct set {
    struct lac_match *m;
    struct lac_match_scratch *s;
    struct lac_match_hits hits;
};

static struct lac_match_rule rule_of(const char *id)
{
    return (struct lac_match_rule){
        .id = lac_str_from(id),
        .entity = LAC_STR("X"),
        .tier = LAC_TIER_PROPRIETARY,
        .score = 1000000,
        .likelihood = {1, 1, 1},
    };
}

static bool set_open(struct set *t, const struct lac_match_rule *rules, size_t count)
{
    struct lac_err err = {0};

    *t = (struct set){.hits = {.at = hit_array, .capacity = HITS}};
    if (lac_match_open(&t->m, rules, count, NULL, &err) != LAC_OK ||
        lac_match_scratch_open(&t->s, FIELD_BYTES, &err) != LAC_OK ||
        lac_match_scratch_fit(t->s, t->m, &err) != LAC_OK) {
        lac_test_row("%s", err.text);
        LAC_TEST_EQ(err.status, LAC_OK);
        return false;
    }
    return true;
}

static void set_close(struct set *t)
{
    lac_match_scratch_close(t->s);
    lac_match_close(t->m);
}

static void scan(struct set *t, struct lac_str text)
{
    struct lac_err err = {0};

    LAC_TEST_EQ(lac_match_scan(t->m, t->s, text, &t->hits, &err), LAC_OK);
}

/* What was hit, joined by '|', for comparison with a table. */
static const char *found(struct set *t, const char *text)
{
    static char out[2048];
    size_t n = 0;

    scan(t, lac_str_from(text));
    for (size_t i = 0; i < t->hits.count; i++) {
        const struct lac_match_hit *h = &t->hits.at[i];

        n += (size_t)snprintf(out + n, sizeof(out) - n, "%s%.*s", i ? "|" : "",
                              (int)(h->end - h->start), text + h->start);
    }
    out[n] = 0;
    return out;
}

struct row {
    const char *text;
    const char *want;
};

static void check_detector(const char *name, const struct row *rows, size_t count)
{
    struct lac_match_rule rule = rule_of(name);
    struct set t;

    rule.detector = lac_str_from(name);
    if (set_open(&t, &rule, 1))
        for (size_t i = 0; i < count; i++) {
            lac_test_row("%s: %s", name, rows[i].text);
            LAC_TEST_STR(found(&t, rows[i].text), rows[i].want);
        }
    set_close(&t);
}

static void emails_are_found_exactly(void)
{
    static const struct row rows[] = {
        {"write to john.doe@example.com.", "john.doe@example.com"},
        {"<a+b@mail.example.co.uk>, c_d@x.io", "a+b@mail.example.co.uk|c_d@x.io"},
        {"mailto:jane@example.org?subject=x", "jane@example.org"},
        {"Jane E<lt>jane@example.orgE<gt>.", "jane@example.org"},
        {"'o.reilly@example.ie'", "o.reilly@example.ie"},
        {"user@xn--bcher-kva.example", "user@xn--bcher-kva.example"},
        {"max@m\xc3\xbcller.de ok", "max@m\xc3\xbcller.de"},
        {"\xe8\xaf\xb7 john@example.com\xe8\xb0\xa2", "john@example.com"},
        {"name\xef\xbc\xa0"
         "example\xef\xbc\x8e"
         "com",
         "name\xef\xbc\xa0"
         "example\xef\xbc\x8e"
         "com"},
        {"jo\xe2\x80\x8bhn@example.com", "jo\xe2\x80\x8bhn@example.com"},
        {"a@@example.com", ""},
        {"user@localhost", ""},
        {"logo@2x.png and icon@3x.webp", ""},
        {"getty@tty1.slice, zip -x@exclude.lst", ""},
        {"npm i lodash@4.17.21", ""},
        {"git clone git@github.com:org/repo.git", ""},
        {"https://user:secret@host.example.com/path", ""},
        {"@decorator.method and x @ y.com", ""},
        {"a.@example.com", ""},
        {"x@-bad.com x@bad-.com", ""},
        {"root@10.0.0.1", ""},
        {"123456789012345678901234567890123456789012345678901234567890123456@example.com", ""},
    };

    check_detector("email", rows, LAC_COUNT(rows));
}

static void ip_addresses_are_told_from_versions_and_times(void)
{
    static const struct row rows[] = {
        {"host 10.1.2.3 is down.", "10.1.2.3"},
        {"from 203.0.113.7:8080, to 198.51.100.2.", "203.0.113.7|198.51.100.2"},
        {"[2001:db8:85a3::8a2e:370:7334]:443", "2001:db8:85a3::8a2e:370:7334"},
        {"fe80::1ff:fe23:4567:890a%eth0", "fe80::1ff:fe23:4567:890a%eth0"}, /* RFC 4007, 11 */
        {"fe80::1ff:fe23%averylonginterface", "fe80::1ff:fe23"},
        {"route 198.51.100.0/24.", "198.51.100.0/24"}, /* RFC 4632, 3.1 */
        {"2001:db8:7::/48, 198.51.100.4/33", "2001:db8:7::/48|198.51.100.4"},
        {"http://198.51.100.4/24", "198.51.100.4"},
        {"198.51.100.4/24/x 198.51.100.5/08", "198.51.100.4|198.51.100.5"},
        {"// 20.8.2.4 Constructors", ""},
        {"// [20.8.2.4] and // 203.0.113.7 is down", "203.0.113.7"},
        {"2001:0db8:85a3:0000:0000:8a2e:0370:7334,", "2001:0db8:85a3:0000:0000:8a2e:0370:7334"},
        {"mapped ::ffff:192.0.2.128 here", "::ffff:192.0.2.128"},
        {"version 1.2.3.4 of the app", ""},
        {"v1.2.3.4 and release: 4.3.2.1", ""},
        {"1.2.3.4.5 and 1.2.3.4-rc1", ""},
        {"build 10.0.19041.1", ""},
        {"127.0.0.1, 0.0.0.0, 255.255.255.0 and ::1", ""},
        {"999.1.1.1 256.256.256.256 1.2.3", ""},
        {"2026-11-21T05:33:00.123Z 05:33:00", ""},
        {"std::vector<int> a::b Foo::Bar::baz", ""},
        {"a[1::2] and 12:34:56:78", ""},
        {"00:1A:2B:3C:4D:5E", ""},
    };

    check_detector("ip_address", rows, LAC_COUNT(rows));
}

static void social_security_numbers_need_rules_or_their_name(void)
{
    static const struct row rows[] = {
        {"SSN 536-90-4399", "536-90-4399"},
        {"(536-90-4399)", "536-90-4399"},
        {"social security number: 536 90 4399", "536 90 4399"},
        {"ssn=536904399;", "536904399"},
        {"SSN:536904399", "536904399"},
        {"\xef\xbc\x95\xef\xbc\x93\xef\xbc\x96-90-4399",
         "\xef\xbc\x95\xef\xbc\x93\xef\xbc\x96-90-4399"},
        {"536 90 4399 and 536904399", ""},
        {"666-12-3456 900-12-3456 000-12-3456 123-00-4567 123-45-0000", ""},
        {"1536-90-4399 536-90-43991", ""},
        {"part 536-90-4399-1", ""},
        {"078-05-1120", ""},
        {"536-904-399", ""},
    };
    /* Lines break behind a hyphen, and where a blank stood when the word says what it is. */
    static const struct row broken[] = {
        {"is 536-\n90-4399.", "536-\n90-4399"},
        {"is 536-90-\r\n4399.", "536-90-\r\n4399"},
        {"SSN 536 90\n4399", "536 90\n4399"},
        {"SSN 536\r\n90 4399", "536\r\n90 4399"},
        {"SSN 536 \n90 4399", "536 \n90 4399"},
        {"SSN: 536 90 \r\n4399\r\n", "536 90 \r\n4399"},
        {"SSN 536\n90\n4399", "536\n90\n4399"},
        {"536 90\n4399 and 536\r\n90\r\n4399", ""},
        {"SSN\n536\n90\n4399\n", ""}, /* columns */
        {"SSN\r\n536\r\n90\r\n4399\r\n", ""},
        {"SSN checked: 536\r\n90\r\n4399\r\n77\r\n", ""},
        {"SSN 536-90\n4399 and 536-\n\n90-4399 and 536- 90-4399", ""},
        {"SSN 536\r90 4399", ""},
    };

    check_detector("us_ssn", rows, LAC_COUNT(rows));
    check_detector("us_ssn", broken, LAC_COUNT(broken));
}

static void cards_are_found_in_their_groupings(void)
{
    static const struct row rows[] = {
        {"card 4111 1111 1111 1111 exp 12/27", "4111 1111 1111 1111"},
        {"4111-1111-1111-1111.", "4111-1111-1111-1111"},
        {"4111111111111111", "4111111111111111"},
        {"3782 822463 10005 / 3056-930902-5904", "3782 822463 10005|3056-930902-5904"},
        {"pan:5555555555554444,", "5555555555554444"},
        {"4111 1111 1111 1111 2024", "4111 1111 1111 1111"},
        {"4111 1111\n1111 1111.", "4111 1111\n1111 1111"},
        {"4111 1111 1111 1112", ""},
        {"4111 1111 1111 1111 5555 5555 5555 4444", "4111 1111 1111 1111|5555 5555 5555 4444"},
        /* A list of cards is no table. */
        {"4111 1111 1111 1111 5555 5555 5555 4444 4012 8888 8888 1881",
         "4111 1111 1111 1111|5555 5555 5555 4444|4012 8888 8888 1881"},
        {"4111 1111 1111 1111\n5555 5555 5555 4444\n4012 8888 8888 1881\n",
         "4111 1111 1111 1111|5555 5555 5555 4444|4012 8888 8888 1881"},
        {"2048\n4111\n1111\n1111\n1111\n", ""},                  /* a column */
        {"2048 4111 1111 1111 1111 8201", ""},                   /* a row */
        {"4012 8888\n8888 1881\n12/27", "4012 8888\n8888 1881"}, /* broken, and no list */
        {"order 1234567812345670", ""},
        {"0.4111111111111111", ""},
        {"4111111111111111000000", ""},
        {"id_4111111111111111 a4111111111111111", ""},
        {"4111-1111 1111-1111", ""},
        {"20261121053300", ""},
    };
    static const struct row broken[] = {
        {"4111 1111\r\n1111 1111.", "4111 1111\r\n1111 1111"},
        {"4111 \n1111 1111 1111.", "4111 \n1111 1111 1111"},
        {"4111 1111 1111 \r\n1111.", "4111 1111 1111 \r\n1111"},
        {"4111-1111-\n1111-1111.", "4111-1111-\n1111-1111"},
        {"4111-\r\n1111-1111-1111\r\n2027", "4111-\r\n1111-1111-1111"},
        {"3782 822463\r\n10005, 3782\r\n822463 10005", "3782 822463\r\n10005|3782\r\n822463 10005"},
        {"4012 8888\r\n8888 1881\r\n12/27", "4012 8888\r\n8888 1881"},
        /* Lists of cards, some of them broken. */
        {"4111 1111 1111 1111\r\n5555 5555 5555 4444\r\n4012 8888 8888 1881\r\n",
         "4111 1111 1111 1111|5555 5555 5555 4444|4012 8888 8888 1881"},
        {"4111 1111 1111 \r\n1111 5555 5555 5555 4444 4012\r\n8888 8888 1881",
         "4111 1111 1111 \r\n1111|5555 5555 5555 4444|4012\r\n8888 8888 1881"},
        {"2048\r\n4111\r\n1111\r\n1111\r\n1111\r\n", ""}, /* columns */
        {"4111 \r\n1111 \r\n1111 \r\n1111 \r\n8201 \r\n", ""},
        {"2048 \n4111 \n1111 \n1111 \n1111 \n", ""},
        {"1999 2048\r\n4111 1111\r\n1111 1111\r\n8201 7007\r\n", ""}, /* a table */
        {"2048\r\n4111 1111 1111 1111\r\n8201\r\n", ""},
        {"4111-1111\n1111-1111 4111 1111-\n1111 1111", ""},
        {"4111 1111\n\n1111 1111 4111 1111\r1111 1111", ""},
    };

    check_detector("credit_card", rows, LAC_COUNT(rows));
    check_detector("credit_card", broken, LAC_COUNT(broken));
}

static void ibans_are_found_with_and_without_blanks(void)
{
    static const struct row rows[] = {
        {"IBAN GB82 WEST 1234 5698 7654 32.", "GB82 WEST 1234 5698 7654 32"},
        {"DE89370400440532013000", "DE89370400440532013000"},
        {"to de89 3704 0044 0532 0130 00 please", "de89 3704 0044 0532 0130 00"},
        {"GB82-WEST-1234-5698-7654-32", "GB82-WEST-1234-5698-7654-32"},
        {"GB82 WEST 1234\n5698 7654 32", "GB82 WEST 1234\n5698 7654 32"},
        {"GB82 WEST 1234\r\n5698 7654 32", "GB82 WEST 1234\r\n5698 7654 32"},
        {"GB82 \nWEST 1234 5698 7654 32", "GB82 \nWEST 1234 5698 7654 32"},
        {"GB82\r\nWEST 1234 5698 7654 \r\n32", "GB82\r\nWEST 1234 5698 7654 \r\n32"},
        {"GB82 \r\nWEST 1234 5698 7654 32", "GB82 \r\nWEST 1234 5698 7654 32"},
        {"GB82-\nWEST-1234-5698-\r\n7654-32", "GB82-\nWEST-1234-5698-\r\n7654-32"},
        {"GB82-\r\nWEST12345698765432", "GB82-\r\nWEST12345698765432"},
        {"konto NO 93 8601 1117 947, takk", "NO 93 8601 1117 947"},
        {"NO 93 86011117947", "NO 93 86011117947"},
        {"NO 9386011117947", "NO 9386011117947"},
        {"NO 93 8601 1117 948", ""},
        {"version NO 93 8601", ""},
        {"GB82 WEST 1234\n\n5698 7654 32", ""},
        {"GB82 WEST 1234\r\n 5698 7654 32", ""},
        {"GB82 WEST 1234\r5698 7654 32", ""},
        {"GB82 WEST 1234 5698 7654 33", ""},
        {"9A19103F-16F7-4668-BE54-9A1E7A4F7556", ""}, /* a UUID */
        {"GB82WEST12345698765432X", ""},
        {"ab12cdef34567890", ""},
        {"XDE89370400440532013000", ""},
    };

    check_detector("iban", rows, LAC_COUNT(rows));
}

static void mac_addresses_are_told_from_fingerprints(void)
{
    static const struct row rows[] = {
        {"eth0 00:1B:44:11:3A:B7, up", "00:1B:44:11:3A:B7"},
        {"ARP 3c-22-fb-86-0a-1e.", "3c-22-fb-86-0a-1e"},
        {"0050.56be.6f2a DYNAMIC", "0050.56be.6f2a"},
        {"SHA1 AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD", ""},
        {"00:1B:44:11:3A:B7:01 00:1B:44-11:3A:B7", ""},
        {"ff:ff:ff:ff:ff:ff 00:00:00:00:00:00", ""},
        {"20-26-11-21-10-30 1234.5678.9012 [.031D.0020.0002]", ""},
        {"x00:1B:44:11:3A:B7 00:1B:44:11:3A:B7a", ""},
    };

    check_detector("mac_address", rows, LAC_COUNT(rows));
}

static void phone_numbers_in_national_and_international_forms(void)
{
    static const struct row rows[] = {
        {"415-555-2671", "415-555-2671"},
        {"(415) 555-2671 ext. 5", "(415) 555-2671"},
        {"1-800-555-0199.", "1-800-555-0199"},
        {"+1 415 555 2671 2024", "+1 415 555 2671"},
        {"+1 (415) 555-2671", "+1 (415) 555-2671"},
        {"415.555.2671", "415.555.2671"},
        {"+49 30 901820 or +44 (0)20 7946 0958", "+49 30 901820|+44 (0)20 7946 0958"},
        {"+33 1 42 68 53 00", "+33 1 42 68 53 00"},
        {"call me at 555-123-4567", "555-123-4567"},
        {"Phone: 4155552671", "4155552671"},
        {"tel 030 9018 2000, fax", "030 9018 2000"},
        {"call 415 555 2671 now", "415 555 2671"},
        {"tel:+4930901820", "+4930901820"},
        {"Tel. 089 / 12345678, fax 089/1234 5678", "089 / 12345678|089/1234 5678"},
        {"the desk: 020 7946 0958, 01 42 68 53 00", "020 7946 0958|01 42 68 53 00"},
        {"089/1234 5678 or (0161) 496 0000", "089/1234 5678|(0161) 496 0000"},
        {"0049 30 901820; 001-581-896-0013x3890", "0049 30 901820|001-581-896-0013x3890"},
        {"(886)304-7014x8432", "(886)304-7014x8432"},
        {"phone 5123 4567, mobil 0170 1234567", "5123 4567|0170 1234567"},
        {"tel 61234567, fax 20241112, phone 10.20.30.40", "61234567"},
        {"01 02 2024 10 and 05 33 12 123", ""},
        {"02134-1000 and 010190-1234 and 012-34-5678", ""},
        {"Phone:\n467 3395\n", "467 3395"},
        {"Phone\n467 3395\n", ""},
        {"au 01 42 68 53 00 de midi", "01 42 68 53 00"},
        {"30 14 06 03 55 04 03 13", ""}, /* a dump of bytes */
        {"10: 01 11 74 76 99 fb 85 e5", ""},
        {"DE89 0370 0440 0532 0130 00", ""},
        {"a = b + 2999007604624; phone call 12-05-2024 10:00", ""},
        {"tel 01/02/2024 10:00", ""},
        {"order 555-123-4567, reference 939 210 1254", ""},
        {"1700000000 and 4155552671", ""},
        {"2026-11-21 05:33:00 415-555-26711", ""},
        {"phone call on 2026-11-21 10:00", ""},
        {"123e4567-e89b-12d3-a456-426614174000", ""},
        {"12345678-1234-1234-1234-123456789012", ""},
        {"C++11 1+12345678901 x+4930901820", ""},
        {"+83 123 456 789", ""},
        {"hotel 1234567890123", ""},
        {"911-555-2671 115-555-2671", ""},
        {"price +12345", ""},
        {"call 4111 1111 1111 1111", ""},
    };

    check_detector("phone", rows, LAC_COUNT(rows));
}

static void secrets_are_told_from_placeholders(void)
{
    static const struct row aws[] = {
        {"key=AKIAIQAMCDRBMI6EBVSW;", "AKIAIQAMCDRBMI6EBVSW"},
        {"ASIAY34FZKBOKMUTVV7A", "ASIAY34FZKBOKMUTVV7A"},
        {"AKIAAAAAAAAAAAAAAAAA", ""},
        {"AKIAIQAMCDRBMI6EBVSWX xAKIAIQAMCDRBMI6EBVSW AKIAIQAMC", ""},
        {"AKIAIQAMCDRBMI6EBVS1", ""},
    };
    static const struct row aws_secret[] = {
        {"aws_secret_access_key = 'q8Zp3LxT0vNfR7wYb2KcHdJm5GsUe1AoQi4XtP9n'",
         "q8Zp3LxT0vNfR7wYb2KcHdJm5GsUe1AoQi4XtP9n"},
        {"SecretAccessKey: q8Zp3LxT0vNfR7wYb2KcHdJm5GsUe1AoQi4XtP9n",
         "q8Zp3LxT0vNfR7wYb2KcHdJm5GsUe1AoQi4XtP9n"},
        {"aws_secret_access_key = <your secret here>", ""},
        {"q8Zp3LxT0vNfR7wYb2KcHdJm5GsUe1AoQi4XtP9n", ""},
        {"aws_secret_access_key=da39a3ee5e6b4b0d3255bfef95601890afd80709", ""},
    };
    static const struct row github[] = {
        {"token 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 end",
         "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"},
        {"ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", ""},
        {"ghp_zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ0mLq18", ""},
        {"github_pat_11ABCDEFG0abcdefghijkl_"
         "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVW",
         "github_pat_11ABCDEFG0abcdefghijkl_"
         "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVW"},
        {"github_pat_your_token_here", ""},
    };
    static const struct row slack[] = {
        {"xoxb-123456789012-1234567890123-AbCdEfGhIjKlMnOpQrStUvWx",
         "xoxb-123456789012-1234567890123-AbCdEfGhIjKlMnOpQrStUvWx"},
        {"xoxb-your-token-here xoxp-xxxxxxxxxxxx", ""},
    };
    static const struct row pem[] = {
        {"-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEAxyz\n-----END RSA PRIVATE KEY----- x",
         "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEAxyz\n-----END RSA PRIVATE KEY-----"},
        {"-----BEGIN PRIVATE KEY-----\\nMIIEvQIBADANBgkqhkiG9w0B",
         "-----BEGIN PRIVATE KEY-----\\nMIIEvQIBADANBgkqhkiG9w0B"},
        {"-----BEGIN PGP PRIVATE KEY BLOCK-----\nVersion: 2\n",
         "-----BEGIN PGP PRIVATE KEY BLOCK-----"},
        {"what does -----BEGIN PRIVATE KEY----- mean?", ""},
        {"-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A", ""},
        {"-----BEGIN PRIVATE KEY-----", ""},
    };

    check_detector("aws_access_key", aws, LAC_COUNT(aws));
    check_detector("aws_secret_key", aws_secret, LAC_COUNT(aws_secret));
    check_detector("github_token", github, LAC_COUNT(github));
    check_detector("slack_token", slack, LAC_COUNT(slack));
    check_detector("private_key", pem, LAC_COUNT(pem));
}

static void phrases_match_words_in_any_case_and_separation(void)
{
    static const struct lac_str phrases[] = {
        {"project_apollo", 14},
        {"Caf\xc3\xa9 M\xc3\xbcller", 14},
        {"\xe6\x9c\xba\xe5\xaf\x86", 6},
        {"acme corp", 9},
        {"apollo", 6},
    };
    static const struct row rows[] = {
        {"see Project-Apollo, PROJECT APOLLO and project_apollo.",
         "Project-Apollo|PROJECT APOLLO|project_apollo"},
        {"project \n -apollo", "project \n -apollo"},
        {"CAFE\xcc\x81 M\xc3\x9cLLER!", "CAFE\xcc\x81 M\xc3\x9cLLER"},
        {"\xe8\xbf\x99\xe6\x98\xaf\xe6\x9c\xba\xe5\xaf\x86\xe6\x96\x87",
         "\xe6\x9c\xba\xe5\xaf\x86"},
        {"\xe2\x80\x9c"
         "Acme\xe2\x80\x94"
         "Corp\xe2\x84\xa2\xe2\x80\x9d",
         "Acme\xe2\x80\x94"
         "Corp"},
        {"Ac\xe2\x80\x8bme Corp's", "Ac\xe2\x80\x8bme Corp"},
        {"\xef\xbc\xa1"
         "cme corp",
         "\xef\xbc\xa1"
         "cme corp"},
        {"acmecorp, acme corporation, xacme corp", ""},
        {"apollonian", ""},
        {"bad \xff bytes, acme corp", "acme corp"},
    };
    struct lac_match_rule rule = rule_of("terms");
    struct set t;

    rule.phrases = phrases;
    rule.phrase_count = LAC_COUNT(phrases);
    if (set_open(&t, &rule, 1))
        for (size_t i = 0; i < LAC_COUNT(rows); i++) {
            lac_test_row("%s", rows[i].text);
            LAC_TEST_STR(found(&t, rows[i].text), rows[i].want);
        }
    LAC_TEST_EQ(t.hits.undecodable, true);
    set_close(&t);
}

static void exceptions_and_context_suppress_hits(void)
{
    static const struct lac_str phrases[] = {{"confidential", 12}, {"summit", 6}};
    static const struct lac_str except[] = {{"* computing", 11}, {"what is *", 9}, {"non-*", 5}};
    static const struct lac_str context[] = {{"contract", 8}};
    static const struct row rows[] = {
        {"this is confidential, not for sale", "confidential"},
        {"confidential computing", ""},
        {"What is confidential?", ""},
        {"non-confidential", ""},
        {"unconfidential", ""},
        {"confidential computings", "confidential"},
    };
    struct lac_match_rule rules[2] = {rule_of("mark"), rule_of("customer")};
    struct set t;

    rules[0].phrases = phrases;
    rules[0].phrase_count = 1;
    rules[0].except = except;
    rules[0].except_count = LAC_COUNT(except);
    rules[1].phrases = phrases + 1;
    rules[1].phrase_count = 1;
    rules[1].context = context;
    rules[1].context_count = 1;
    rules[1].context_window = 20;
    if (set_open(&t, rules, 2)) {
        for (size_t i = 0; i < LAC_COUNT(rows); i++) {
            lac_test_row("%s", rows[i].text);
            LAC_TEST_STR(found(&t, rows[i].text), rows[i].want);
        }
        LAC_TEST_STR(found(&t, "the summit of the hill"), "");
        LAC_TEST_STR(found(&t, "the Contract with Summit"), "Summit");
        LAC_TEST_STR(found(&t, "summit ........................ contract"), "");
    }
    set_close(&t);
}

static void patterns_report_where_they_start(void)
{
    static const struct row rows[] = {
        {"id EMP-123456 and EMP-1234.", "EMP-123456|EMP-1234"},
        {"XEMP-1234 EMP-12", ""},
        {"EMP-1234567", ""},
        {"EMP-\xef\xbc\x91\xef\xbc\x92"
         "34",
         "EMP-\xef\xbc\x91\xef\xbc\x92"
         "34"},
    };
    struct lac_match_rule rule = rule_of("employee");
    static char many[400 * 40];
    struct set t;
    size_t n = 0;

    rule.pattern = LAC_STR("\\bEMP-[0-9]{4,6}\\b");
    if (!set_open(&t, &rule, 1))
        return;
    for (size_t i = 0; i < LAC_COUNT(rows); i++) {
        lac_test_row("%s", rows[i].text);
        LAC_TEST_STR(found(&t, rows[i].text), rows[i].want);
    }
    /* More places than can be listed are still all looked at. */
    for (int i = 0; i < 400; i++)
        n += (size_t)snprintf(many + n, sizeof(many) - n, "%*s EMP-%04d", 30, "", i);
    scan(&t, (struct lac_str){many, n});
    LAC_TEST_EQ(t.hits.count, LAC_MATCH_HITS_PER_RULE);
    LAC_TEST_EQ(t.hits.truncated, true);
    LAC_TEST_EQ(t.hits.at[0].end - t.hits.at[0].start, 8);
    /* Who wants more of each rule gets them. */
    t.hits.per_rule = 50;
    scan(&t, (struct lac_str){many, n});
    LAC_TEST_EQ(t.hits.count, 50);
    LAC_TEST_EQ(t.hits.truncated, true);
    scan(&t, (struct lac_str){many, 50 * 39});
    LAC_TEST_EQ(t.hits.count, 50);
    LAC_TEST_EQ(t.hits.truncated, false);
    set_close(&t);
}

static void cut_edges_of_a_region_are_no_edges_of_the_text(void)
{
    struct lac_match_rule rule = rule_of("edge");
    struct set t;

    rule.pattern = LAC_STR("(^|x)A");
    if (set_open(&t, &rule, 1)) {
        LAC_TEST_STR(found(&t, "bAAAxA"), "xA");
        LAC_TEST_STR(found(&t, "AbAAAAAxA"), "A|xA");
    }
    set_close(&t);
}

/* However many candidates there are, each is asked for its own surroundings. A text that has more
 * context words than are noted is read itself, up to a bound: strict rather than slow. */
static void context_is_looked_for_in_bounded_time(void)
{
    static const struct lac_str phrases[] = {{"summit", 6}};
    static const struct lac_str context[] = {{"contract", 8}, {"deal", 4}};
    enum { UNIT = 7, DEALS = 5 * 4000, MANY = 1100 };
    static char text[MANY * UNIT + DEALS];
    struct lac_match_rule rule = rule_of("customer");
    struct set t;

    rule.phrases = phrases;
    rule.phrase_count = 1;
    rule.context = context;
    rule.context_count = 2;
    rule.context_window = 20;
    for (size_t i = 0; i < (size_t)MANY * UNIT; i++)
        text[i] = "summit "[i % UNIT];
    if (set_open(&t, &rule, 1)) {
        scan(&t, (struct lac_str){text, (size_t)MANY * UNIT});
        LAC_TEST_EQ(t.hits.count, 0);
        for (size_t i = 0; i < DEALS; i++)
            text[i] = "deal "[i % 5];
        for (size_t i = 0; i < (size_t)MANY * UNIT; i++)
            text[DEALS / 2 + i] = "summit "[i % UNIT];
        scan(&t, (struct lac_str){text, DEALS});
        LAC_TEST_EQ(t.hits.count, 3 + 3); /* beside the deals on both sides */
        t.hits.is_name = true;
        LAC_TEST_STR(found(&t, "Summit"), "Summit");
        LAC_TEST_STR(found(&t, "the Summit"), "");
        memset(text, ' ', sizeof(text));
        memcpy(text + DEALS, "Summit", 6);
        scan(&t, (struct lac_str){text, sizeof(text)});
        LAC_TEST_EQ(t.hits.count, 1);
        /* What is longer than any name is a text. */
        memset(text, '.', sizeof(text));
        memcpy(text, "Summit", 6);
        scan(&t, (struct lac_str){text, LAC_MATCH_NAME_BYTES});
        LAC_TEST_EQ(t.hits.count, 1);
        scan(&t, (struct lac_str){text, LAC_MATCH_NAME_BYTES + 1});
        LAC_TEST_EQ(t.hits.count, 0);
    }
    set_close(&t);
}

static void bad_rules_are_refused_by_index(void)
{
    static const struct lac_str empty[] = {{"-", 1}};
    static const struct lac_str no_star[] = {{"computing", 9}};
    static const struct lac_str word[] = {{"word", 4}};
    struct lac_match_rule bad[7];

    for (size_t i = 0; i < LAC_COUNT(bad); i++)
        bad[i] = rule_of("bad");
    bad[1].detector = LAC_STR("nothing");
    bad[2].pattern = LAC_STR("a+b");
    bad[3].pattern = LAC_STR("(");
    bad[4].phrases = empty;
    bad[4].phrase_count = 1;
    bad[5].phrases = bad[6].phrases = word;
    bad[5].phrase_count = bad[6].phrase_count = 1;
    bad[5].except = no_star;
    bad[5].except_count = 1;
    bad[6].detector = LAC_STR("email");
    for (size_t i = 0; i < LAC_COUNT(bad); i++) {
        struct lac_match_rule rules[2] = {rule_of("good"), bad[i]};
        struct lac_match *m = NULL;
        struct lac_err err = {0};
        size_t index;

        rules[0].detector = LAC_STR("email");
        lac_test_row("bad rule %zu", i);
        LAC_TEST_EQ(lac_match_open(&m, rules, 2, &index, &err), LAC_REJECT);
        LAC_TEST_EQ(index, 1);
        CU_ASSERT(err.text[0] != 0);
        CU_ASSERT_PTR_NULL(m);
    }
}

/* The text without its NUL. */
static void put(char *at, const char *text)
{
    while (*text)
        *at++ = *text++;
}

static void a_field_over_the_limit_says_so(void)
{
    struct lac_match_rule rule = rule_of("email");
    static char big[FIELD_BYTES + 100];
    struct set t;

    rule.detector = LAC_STR("email");
    if (!set_open(&t, &rule, 1))
        return;
    memset(big, ' ', sizeof(big));
    put(big + 10, "a@example.com");
    scan(&t, (struct lac_str){big, FIELD_BYTES});
    LAC_TEST_EQ(t.hits.over_limit, false);
    LAC_TEST_EQ(t.hits.count, 1);
    scan(&t, (struct lac_str){big, sizeof(big)});
    LAC_TEST_EQ(t.hits.over_limit, true);
    LAC_TEST_EQ(t.hits.count, 1);
    /* U+FDFA becomes eighteen characters: no room for a field made of it. */
    for (size_t i = 0; i + 3 <= FIELD_BYTES; i += 3)
        put(big + i, "\xef\xb7\xba");
    scan(&t, (struct lac_str){big, FIELD_BYTES});
    LAC_TEST_EQ(t.hits.over_limit, true);
    set_close(&t);
}

/* A mebibyte of each worst case I could think of takes less than 100 times what plain prose does,
 * where one quadratic step would take thousands of times as long. */
/* CPU time of this thread: what else the machine does is not ours. */
static uint64_t cost_of(struct set *t, const char *text, size_t len)
{
    uint64_t best = UINT64_MAX;

    for (int i = 0; i < 2; i++) {
        struct timespec from, to;
        uint64_t took;

        (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
        scan(t, (struct lac_str){text, len});
        (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
        took = (uint64_t)(to.tv_sec - from.tv_sec) * 1000000000 + (uint64_t)to.tv_nsec -
               (uint64_t)from.tv_nsec;
        best = took < best ? took : best;
    }
    return best;
}

/* Four times the text may take eight times as long, not sixteen; the milliseconds are for what a
 * processor's caches and clocks do. */
static void time_grows_with_length_only(void)
{
    static const char *const units[] = {"a@",
                                        "1.2.3.4.",
                                        "::",
                                        "a:",
                                        "1-",
                                        "+1",
                                        "-----BEGIN PRIVATE KEY-----",
                                        "4111 ",
                                        "ssn ",
                                        "phone ",
                                        "GB82 ",
                                        "xoxb-1",
                                        "aws_secret_key",
                                        "acme ",
                                        "\xef\xbb\xbf",
                                        "e\xcc\x81",
                                        "555-1234",
                                        "0171 ",
                                        "(020) ",
                                        "AA:",
                                        "0050.",
                                        "a@b.",
                                        "-----",
                                        "password=",
                                        "pwd pwd: ",
                                        "token: a1",
                                        "\"kty\"",
                                        "eyJa.",
                                        "eyJa-",
                                        "http://",
                                        "http://a:b@",
                                        "curl -u ",
                                        "mysql ",
                                        "basic ",
                                        "bearer ",
                                        "sk-T3BlbkFJ",
                                        "mnemonic ",
                                        "-----BEGIN OpenVPN Static key V1-----\nA: ",
                                        "---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\nA: x\n",
                                        "PuTTY-User-Key-File-2: a\nEncryption: b\nComment: ",
                                        "Private-Lines: 999\nabcdefgh ",
                                        "a:5432:"};
    static const struct lac_str phrases[] = {{"acme", 4}};
    static const struct lac_str context[] = {{"zzz", 3}};
    struct lac_match_rule rules[128];
    static char text[FIELD_BYTES / 4];
    struct set t;
    size_t n = 0;

    for (; lac_match_detector_at(n) && n + 1 < LAC_COUNT(rules); n++) {
        rules[n] = rule_of(lac_match_detector_at(n));
        rules[n].detector = rules[n].id;
    }
    CU_ASSERT(!lac_match_detector_at(n));
    rules[n] = rule_of("terms");
    rules[n].phrases = phrases;
    rules[n].phrase_count = 1;
    rules[n].context = context;
    rules[n].context_count = 1;
    rules[n++].context_window = LAC_MATCH_WINDOW_MAX;
    if (!set_open(&t, rules, n))
        return;
    for (size_t u = 0; u < LAC_COUNT(units); u++) {
        size_t len = strlen(units[u]);
        uint64_t part, whole;

        for (size_t i = 0; i < sizeof(text); i++)
            text[i] = units[u][i % len];
        part = cost_of(&t, text, sizeof(text) / 4);
        whole = cost_of(&t, text, sizeof(text));
        lac_test_row("%s: %llu us, a quarter of it %llu us", units[u],
                     (unsigned long long)(whole / 1000), (unsigned long long)(part / 1000));
        if (lac_env("LAC_TEST_TIMES"))
            printf("%10.10s %6llu us (%llu)\n", units[u], (unsigned long long)(whole / 1000),
                   (unsigned long long)(part / 1000));
        LAC_TEST_EQ(whole < part * 8 + 10000000, true);
    }
    set_close(&t);
}

static void letters_that_chance_puts_into_a_long_hit_excuse_nothing(void)
{
    static const struct lac_str allow[] = {{"*your*", 6}, {"*example*", 9}};
    static const char form[] = "\\bzq-[A-Za-z0-9]{20,300}\\b";
    struct lac_match_rule rule = rule_of("token");
    char text[2 * LAC_MATCH_CHANCE_MAX];
    struct set t;

    rule.pattern = lac_str_from(form);
    rule.allow = allow;
    rule.allow_count = LAC_COUNT(allow);
    if (!set_open(&t, &rule, 1))
        return;
    memset(text, 'k', sizeof(text));
    memcpy(text, "zq-", 3);
    memcpy(text + 20, "YoUr", 4);
    scan(&t, (struct lac_str){text, LAC_MATCH_CHANCE_MAX});
    LAC_TEST_EQ(t.hits.count, 0);
    scan(&t, (struct lac_str){text, LAC_MATCH_CHANCE_MAX + 1});
    LAC_TEST_EQ(t.hits.count, 1);
    memcpy(text + 20, "ExaMple", 7);
    scan(&t, (struct lac_str){text, LAC_MATCH_CHANCE_MAX + 1});
    LAC_TEST_EQ(t.hits.count, 0);
    set_close(&t);
}

static void a_token_is_found_to_its_end_however_long(void)
{
    static const char form[] = "\\bzq_[A-Za-z0-9.]{60,200}";
    enum { SHORT = LAC_MATCH_CUT_MIN - 1, LONG = 3000 };
    struct lac_match_rule rule = rule_of("token");
    char text[LONG + 16];
    struct set t;

    rule.pattern = lac_str_from(form);
    if (!set_open(&t, &rule, 1))
        return;
    memset(text, 'k', sizeof(text));
    memcpy(text, "zq_", 3);
    memcpy(text + LONG, "==, and so on.", 14);
    scan(&t, (struct lac_str){text, LONG + 14});
    LAC_TEST_EQ(t.hits.count, 1);
    LAC_TEST_EQ(t.hits.at[0].end, LONG + 2);
    memcpy(text + LONG, ". It is", 7);
    scan(&t, (struct lac_str){text, LONG + 7});
    LAC_TEST_EQ(t.hits.at[0].end, LONG);
    memcpy(text + SHORT, "/path", 5); /* a short one ends where its pattern does */
    scan(&t, (struct lac_str){text, LONG});
    LAC_TEST_EQ(t.hits.at[0].end, SHORT);
    memcpy(text + SHORT, "kkkkk", 5);
    memset(text + 200, ' ', 8); /* the alphabet ended: nothing was cut */
    scan(&t, (struct lac_str){text, LONG});
    LAC_TEST_EQ(t.hits.count, 1);
    LAC_TEST_EQ(t.hits.at[0].end, 200);
    set_close(&t);
}

static void an_allow_rule_speaks_for_whole_fields_only(void)
{
    static const struct lac_str phrases[] = {{"What is the capital of France", 29}};
    struct lac_match_rule rule = rule_of("public");
    struct set t;

    rule.strength = LAC_MATCH_ALLOW;
    rule.phrases = phrases;
    rule.phrase_count = 1;
    if (!set_open(&t, &rule, 1))
        return;
    scan(&t, LAC_STR(" what is the capital of France? "));
    LAC_TEST_EQ(t.hits.whole_allowed, true);
    scan(&t, LAC_STR("what is the capital of France and our margin"));
    LAC_TEST_EQ(t.hits.whole_allowed, false);
    LAC_TEST_EQ(t.hits.count, 0);
    scan(&t, LAC_STR("what is the capital of France\xff"));
    LAC_TEST_EQ(t.hits.whole_allowed, false);
    scan(&t, LAC_STR(" \n "));
    LAC_TEST_EQ(t.hits.blank, true);
    set_close(&t);
}

/* A form beside the rule that checks it: with weak hits, too, one finding of a kind at a place. */
static void of_one_entity_the_surer_hit_is_kept(void)
{
    struct lac_match_rule rules[] = {rule_of("checked"), rule_of("form"), rule_of("other"),
                                     rule_of("part")};
    static const struct {
        bool weak, keep;
        const char *found;
    } rows[] = {
        {false, false, "AB123456"},
        {true, true, "AB123456|AB123456"},
        {false, true, "AB123456|AB123456|AB123456|123456"},
    };
    struct set t;

    rules[0].pattern = LAC_STR("\\bAB[0-9]{6}\\b");
    rules[0].score = 900000;
    rules[1].pattern = LAC_STR("\\b[A-Z]{2}[0-9]{6}\\b");
    rules[1].score = 600000;
    rules[2] = rules[1];
    rules[2].id = LAC_STR("other");
    rules[2].entity = LAC_STR("Y");
    rules[3].pattern = LAC_STR("123456");
    rules[3].score = 600000;
    for (size_t i = 0; i < LAC_COUNT(rows); i++) {
        lac_test_row("%zu", i);
        if (!set_open(&t, rules, LAC_COUNT(rules)))
            return;
        t.hits.want_weak = rows[i].weak;
        t.hits.keep_shadowed = rows[i].keep;
        LAC_TEST_STR(found(&t, "no. AB123456"), rows[i].found);
        set_close(&t);
    }
}

LAC_TEST_MAIN(match, emails_are_found_exactly, ip_addresses_are_told_from_versions_and_times,
              social_security_numbers_need_rules_or_their_name, cards_are_found_in_their_groupings,
              ibans_are_found_with_and_without_blanks, mac_addresses_are_told_from_fingerprints,
              phone_numbers_in_national_and_international_forms, secrets_are_told_from_placeholders,
              phrases_match_words_in_any_case_and_separation, exceptions_and_context_suppress_hits,
              of_one_entity_the_surer_hit_is_kept, patterns_report_where_they_start,
              cut_edges_of_a_region_are_no_edges_of_the_text, context_is_looked_for_in_bounded_time,
              bad_rules_are_refused_by_index, a_field_over_the_limit_says_so,
              time_grows_with_length_only, letters_that_chance_puts_into_a_long_hit_excuse_nothing,
              a_token_is_found_to_its_end_however_long, an_allow_rule_speaks_for_whole_fields_only)
