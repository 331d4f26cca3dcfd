/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: what only looks like an identifier, because it is a part of something else, is none.
 * Method: rules with short patterns and detectors over what real texts hold: decimals, UUIDs,
 * base64, versions, sections, object identifiers. Each row stands beside one that must be found.
 */
#include "lac_match.h"

#include <string.h>

#include "lac_env.h"
#include "lac_test.h"

enum { FIELD_BYTES = 1 << 16, HITS = 16 };

struct row {
    const char *text, *want;
};

static struct lac_match_hit hit_array[HITS];

/* All hits of one rule, with a detector or a pattern, joined by '|'. */
static const char *found(const struct lac_match_rule *rule, const char *text)
{
    struct lac_match_hits hits = {.at = hit_array, .capacity = HITS};
    struct lac_match_scratch *s = NULL;
    struct lac_match *m = NULL;
    struct lac_err err = {0};
    static char out[512];
    size_t n = 0;

    out[0] = 0;
    if (lac_match_open(&m, rule, 1, NULL, &err) != LAC_OK ||
        lac_match_scratch_open(&s, FIELD_BYTES, &err) != LAC_OK ||
        lac_match_scratch_fit(s, m, &err) != LAC_OK ||
        lac_match_scan(m, s, lac_str_from(text), &hits, &err) != LAC_OK)
        snprintf(out, sizeof(out), "%s", err.text);
    for (size_t i = 0; i < hits.count; i++)
        n += (size_t)snprintf(out + n, sizeof(out) - n, "%s%.*s", i ? "|" : "",
                              (int)(hits.at[i].end - hits.at[i].start), text + hits.at[i].start);
    lac_match_scratch_close(s);
    lac_match_close(m);
    return out;
}

static void check(const char *detector, const char *pattern, const struct row *rows, size_t count)
{
    struct lac_match_rule rule = {
        .id = LAC_STR("r"),
        .entity = LAC_STR("X"),
        .tier = LAC_TIER_PROPRIETARY,
        .score = 1000000,
        .likelihood = {1, 1, 1},
    };

    if (detector)
        rule.detector = lac_str_from(detector);
    else
        rule.pattern = lac_str_from(pattern);
    for (size_t i = 0; i < count; i++) {
        lac_test_row("%s", rows[i].text);
        LAC_TEST_STR(found(&rule, rows[i].text), rows[i].want);
    }
}

static void digits_of_a_decimal_are_no_number(void)
{
    static const struct row rows[] = {
        {"id 7549055.", "7549055"},
        {"no.7549055, 7549056", "7549055|7549056"},
        {"(7549055). 12", "7549055"},
        {"0.7549055", ""},
        {"a,-.7549055,b", ""},
        {"1.7549055e-02", ""},
        {"7549055.5", ""},
        {"M .7549055 L", ""},
    };

    check(NULL, "\\b[0-9]{7}(?:[a-z]|\\b)", rows, LAC_COUNT(rows));
}

static void groups_of_a_uuid_are_no_number(void)
{
    static const struct row rows[] = {
        {"990e-63231063b762", "63231063b762"},
        {"x 63231063b762-1", "63231063b762"},
        {"req-16da8660-30be-44ba-990e-63231063b762 x", ""},
        {"63231063b762-30be-44ba-990e-16da86601234", "63231063b762"},
        {"{6323106b-30be-44ba-990e-63231063b762}", ""},
    };

    check(NULL, "\\b[0-9]{8}[a-z][0-9]{3}\\b", rows, LAC_COUNT(rows));
}

static void pieces_of_base64_are_no_codes(void)
{
    static const struct row rows[] = {
        {"8Nu7K66am24", "8Nu7K66am24"},
        {"https://example.com/members/of/the/northern/club/8Nu7K66am24/edit", "8Nu7K66am24"},
        {"/getMemberById/ofTheNorthernClub/8Nu7K66am24", "8Nu7K66am24"},
        {"/5f2b1c9e77aa01b2c3d4e5f60718293a/8Nu7K66am24", "8Nu7K66am24"},
        {"O8fs7Cy6rpNMJtF1ndnZWc6dO0ej0birsa+//jpnr89v2b5dWVWFBs/tFhq6yIDAc5n6i/8Nu7K66am24/"
         "HqpekHcs",
         ""},
        {"\n8Nu7K66am24/6et47DOP43vPvoinHrkXP3zjHQxu7\n", ""},
    };

    check(NULL, "\\b[0-9][A-Za-z0-9]{10}\\b", rows, LAC_COUNT(rows));
}

/* Keys stand behind one another, and in paths: what marks them is no coincidence. */
static void a_secret_is_one_in_base64_too(void)
{
    const struct lac_str tags[] = {LAC_STR("KEY"), LAC_STR("SECRET")};
    const struct lac_match_rule rule = {.id = LAC_STR("r"),
                                        .entity = LAC_STR("X"),
                                        .tier = LAC_TIER_PROPRIETARY,
                                        .score = 1000000,
                                        .likelihood = {1, 1, 1},
                                        .pattern = LAC_STR("\\bak[0-9A-Z]{8}\\b"),
                                        .tags = tags,
                                        .tag_count = LAC_COUNT(tags)};

    LAC_TEST_STR(found(&rule, "akQ3EGRZQ7/6et47DOP43vPvoinHrkXP3zjHQxu7aB"), "akQ3EGRZQ7");
}

static void four_small_numbers_are_an_address_where_something_says_so(void)
{
    static const struct row rows[] = {
        {"seen 8.8.8.80, 10.1.2.3", "8.8.8.80|10.1.2.3"},
        {"ping 8.8.8.8", "8.8.8.8"},
        {"\"remote_ip\": \"5.9.28.15\"", "5.9.28.15"},
        {"PodIP:  \"4.3.2.1\"", "4.3.2.1"},
        {"nameservers=8.8.8.8,8.8.4.4", "8.8.8.8|8.8.4.4"},
        {"http://1.2.3.4/x and 1.2.3.5:443", "1.2.3.4|1.2.3.5"},
        {"root@1.2.3.4", "1.2.3.4"},
        {"1.2.3.4", "1.2.3.4"}, /* all of a field */
        {"X-Originating-IP: 2.2.2.2", "2.2.2.2"},
        {"5.9.28.15 is the address", "5.9.28.15"},
        {"from mx.example.org (mx.example.org [1.2.3.4])", "1.2.3.4"},
        {"dpkg (1.15.7.2) unstable", ""},
        {"Start preparing for 1.7.10.4", ""},
        {"OID_SAN \"2.5.29.17\"", ""},
        {"quarkus-core::jar:3.33.3.1", ""},
        {"5.3.1.4 SCTP_SEND_FAILED", ""},
        {"a description of 1.5.4.3", ""},
        {"opencv-python~=4.5.3.56", ""},
        {"<a href=\"#x\">7.1.2.1</a>", ""},
        {"version = \"1.26.25.141\"", ""},
    };

    check("ip_address", NULL, rows, LAC_COUNT(rows));
}

static void a_slice_is_no_address(void)
{
    static const struct row rows[] = {
        {"[::2100]:80", "::2100"},
        {"x[::2100]", ""},
        {"f(x)[::2100]", ""},
        {"a[fe80::1:2]", "fe80::1:2"},
    };

    check("ip_address", NULL, rows, LAC_COUNT(rows));
}

static void a_file_is_nobodys_mailbox(void)
{
    static const struct row rows[] = {
        {"a@example.md", "a@example.md"},
        {"file@Cargo.toml po/ca@valencia.po -x@exclude.txt", ""},
        {"pg_dump@version-cluster.service git-maintenance@hourly.timer", ""},
    };

    check("email", NULL, rows, LAC_COUNT(rows));
}

static void lists_and_decimals_are_no_cards(void)
{
    static const struct row rows[] = {
        {"4111111111111111 x,.4111111111111111", "4111111111111111"},
        {"blk_-4111111111111111 card_no-4111111111111111", "4111111111111111"},
        {"4111 1111 1111 1111", "4111 1111 1111 1111"},
        {"-.4075457846554305", ""},
        {"3892\n3893\n3894\n3895\n3896\n3897", ""},
        {"5394  5428 5462 5496 5531  x", ""},
        /* A signature in DER; one byte less in its second part is none. */
        {"3006020104020108", ""},
        {"30050201190500", ""},
        {"30050202180500", "30050202180500"},
        {"3537393732323030", ""}, /* digits in ASCII, in hexadecimal */
    };

    check("credit_card", NULL, rows, LAC_COUNT(rows));
}

static void coordinates_and_files_are_no_telephones(void)
{
    static const struct row rows[] = {
        {"call 415.5552671, phone 089.12345678", "415.5552671|089.12345678"},
        {"Fon: 79801659, Fone 79801658, Fonnr. 79801657", "79801659|79801658|79801657"},
        {"TelefonNr 79801659, Telefonnummer 79801658", "79801659|79801658"},
        {"Tel-03371-37637", "03371-37637"},
        {"Jack Call,91.28076802,1.69", ""},
        {"Mobile Downtown,Mobile,AL,USA,30.62646944", ""},
        {"url('../font/icons.eot?79801659')", ""},
        {"Fontana, CA\", \"time\":1517824886710", ""},
        {"/FontMatrix [0.001 0 0 0.001 0 0]", ""},
        {"IMP: R-03371-37637", ""},
        {"dsl-static-059.45.101.203.net.test", ""},
        {"oraz NIP-060-280-27-47", ""},
        {"tel-060-280-27-47", "060-280-27-47"},
        {"Phone IMEI: 124827844480308", ""},
        {"(1:10~+20191229111838+6991d", ""},
    };

    check("phone", NULL, rows, LAC_COUNT(rows));
}

LAC_TEST_MAIN(match_place, digits_of_a_decimal_are_no_number, groups_of_a_uuid_are_no_number,
              pieces_of_base64_are_no_codes, a_secret_is_one_in_base64_too,
              four_small_numbers_are_an_address_where_something_says_so, a_slice_is_no_address,
              a_file_is_nobodys_mailbox, lists_and_decimals_are_no_cards,
              coordinates_and_files_are_no_telephones)
