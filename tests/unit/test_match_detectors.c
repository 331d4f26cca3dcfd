/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: the built-in detectors find what they are there for, all of it, and nothing that looks like
 * it. Method: a table of texts per detector.
 */
#include "lac_test.h"
#include "match_fixture.h"

static void check_detector(const char *name, const struct fixture_row *rows, size_t count)
{
    struct lac_match_rule rule = fixture_rule_of(name);
    struct fixture_set t;

    rule.detector = lac_str_from(name);
    if (fixture_set_open(&t, &rule, 1))
        for (size_t i = 0; i < count; i++) {
            lac_test_row("%s: %s", name, rows[i].text);
            LAC_TEST_STR(fixture_found(&t, rows[i].text), rows[i].want);
        }
    fixture_set_close(&t);
}

static void emails_are_found_exactly(void)
{
    static const struct fixture_row rows[] = {
        {"mail jürgen.müller@web.de, josé@correo.es", "jürgen.müller@web.de|josé@correo.es"},
        {"иван@mail.ru и «ivan@почта.рф»", "иван@mail.ru|ivan@почта.рф"},
        {"(bob@例子.公司。谢谢) “eva@bücher.рф”", "bob@例子.公司|eva@bücher.рф"},
        {"邮箱是wang@qq.com谢谢, 用户@qq.com 3×a@b.de", "wang@qq.com|a@b.de"},
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
    static const struct fixture_row rows[] = {
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
    static const struct fixture_row rows[] = {
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
    static const struct fixture_row broken[] = {
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
    static const struct fixture_row rows[] = {
        {"GTIN 4003424517563, 4207588454477", "4207588454477"},
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
    static const struct fixture_row broken[] = {
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
    static const struct fixture_row rows[] = {
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
    static const struct fixture_row rows[] = {
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
    static const struct fixture_row rows[] = {
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
        {"0033 6 12 51 00 93, 0081 3-1228-9586", "0033 6 12 51 00 93|0081 3-1228-9586"},
        {"0039 02 1472 8535 or 00971 2 723 1175", "0039 02 1472 8535|00971 2 723 1175"},
        {"0083 6 12 51 00 93, 0033 0 12 51 00 93, 0033 6 12", ""},
        {"+49 (0)30/901820, +49 171 / 1234567", "+49 (0)30/901820|+49 171 / 1234567"},
        {"+49/30/901820, +49 30 90/1820, +12/24/2024 10", ""},
        {"070-124 25 72, 012-276 3272", "070-124 25 72|012-276 3272"},
        {"011 2176-6579 and 03-2316 7437", "011 2176-6579|03-2316 7437"},
        {"070-124.25 72, 05-12 2024 10:00", ""},
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
    static const struct fixture_row aws[] = {
        {"key=AKIAIQAMCDRBMI6EBVSW;", "AKIAIQAMCDRBMI6EBVSW"},
        {"ASIAY34FZKBOKMUTVV7A", "ASIAY34FZKBOKMUTVV7A"},
        {"AKIAAAAAAAAAAAAAAAAA", ""},
        {"AKIAIQAMCDRBMI6EBVSWX xAKIAIQAMCDRBMI6EBVSW AKIAIQAMC", ""},
        {"AKIAIQAMCDRBMI6EBVS1", ""},
    };
    static const struct fixture_row aws_secret[] = {
        {"aws_secret_access_key = 'q8Zp3LxT0vNfR7wYb2KcHdJm5GsUe1AoQi4XtP9n'",
         "q8Zp3LxT0vNfR7wYb2KcHdJm5GsUe1AoQi4XtP9n"},
        {"SecretAccessKey: q8Zp3LxT0vNfR7wYb2KcHdJm5GsUe1AoQi4XtP9n",
         "q8Zp3LxT0vNfR7wYb2KcHdJm5GsUe1AoQi4XtP9n"},
        {"aws_secret_access_key = <your secret here>", ""},
        {"q8Zp3LxT0vNfR7wYb2KcHdJm5GsUe1AoQi4XtP9n", ""},
        {"aws_secret_access_key=da39a3ee5e6b4b0d3255bfef95601890afd80709", ""},
    };
    static const struct fixture_row github[] = {
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
    static const struct fixture_row slack[] = {
        {"xoxb-123456789012-1234567890123-AbCdEfGhIjKlMnOpQrStUvWx",
         "xoxb-123456789012-1234567890123-AbCdEfGhIjKlMnOpQrStUvWx"},
        {"xoxb-your-token-here xoxp-xxxxxxxxxxxx", ""},
    };
    static const struct fixture_row pem[] = {
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

LAC_TEST_MAIN(match_detectors, emails_are_found_exactly,
              ip_addresses_are_told_from_versions_and_times,
              social_security_numbers_need_rules_or_their_name, cards_are_found_in_their_groupings,
              ibans_are_found_with_and_without_blanks, mac_addresses_are_told_from_fingerprints,
              phone_numbers_in_national_and_international_forms, secrets_are_told_from_placeholders)
