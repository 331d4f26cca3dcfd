/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: each validator accepts what its authority documents as valid and refuses what differs from
 * it by one rule. Method: tables of official test numbers and of near misses.
 */
#include "lac_match_detect.h"

#include <string.h>

#include "lac_test.h"

struct row {
    const char *text;
    bool valid;
};

static void luhn_and_issuer_ranges_decide_on_cards(void)
{
    static const struct row rows[] = {
        {"4111111111111111", true},  {"4012888888881881", true}, {"4222222222222", true},
        {"5555555555554444", true},  {"5105105105105100", true}, {"2223003122003222", true},
        {"378282246310005", true},   {"371449635398431", true},  {"6011111111111117", true},
        {"6011000990139424", true},  {"30569309025904", true},   {"3530111333300000", true},
        {"3566002020360505", true},  {"6200000000000005", true}, {"36227206271667", true},
        {"4111111111111112", false}, /* check digit */
        {"9111111111111111", false}, /* nobody's range */
        {"2220990000000006", false}, /* just below Mastercard's second range */
        {"1234567812345670", false}, /* Luhn holds, no issuer */
        {"0000000000000000", false}, {"411111111111111", false}, {"3782822463100050", false},
    };

    for (size_t i = 0; i < LAC_COUNT(rows); i++) {
        size_t n = strlen(rows[i].text);

        lac_test_row("%s", rows[i].text);
        LAC_TEST_EQ(lac_match_luhn(rows[i].text, n) && lac_match_card_issuer(rows[i].text, n),
                    rows[i].valid);
    }
}

static void ssn_areas_groups_and_serials_that_were_never_issued_are_refused(void)
{
    static const struct row rows[] = {
        {"536904399", true},  {"001010001", true},  {"899999999", true},  {"000123456", false},
        {"666123456", false}, {"900123456", false}, {"999999999", false}, {"123006789", false},
        {"123450000", false}, {"078051120", false}, {"219099999", false}, {"772010001", true},
    };

    for (size_t i = 0; i < LAC_COUNT(rows); i++) {
        lac_test_row("%s", rows[i].text);
        LAC_TEST_EQ(lac_match_ssn_valid(rows[i].text), rows[i].valid);
    }
}

static void iban_needs_its_country_length_and_remainder_one(void)
{
    static const struct row rows[] = {
        {"GB82WEST12345698765432", true},
        {"DE89370400440532013000", true},
        {"FR1420041010050500013M02606", true},
        {"NO9386011117947", true},
        {"BE68539007547034", true},
        {"MT84MALT011000012345MTLCAST001S", true},
        {"SA0380000000608010167519", true},
        {"CH9300762011623852957", true},
        {"gb82west12345698765432", true},
        {"GB82WEST12345698765433", false},
        {"GB82WEST1234569876543", false},
        {"DE8937040044053201300", false},
        {"XX82WEST12345698765432", false},
        {"GB", false},
    };

    for (size_t i = 0; i < LAC_COUNT(rows); i++) {
        lac_test_row("%s", rows[i].text);
        LAC_TEST_EQ(lac_match_iban_valid(lac_str_from(rows[i].text)), rows[i].valid);
    }
}

static void ip_addresses_follow_their_whole_syntax(void)
{
    static const struct row v4[] = {
        {"192.168.0.1", true}, {"8.8.8.8", true}, {"255.255.255.255", true},
        {"256.1.1.1", false},  {"1.2.3", false},  {"1.2.3.4.5", false},
        {"01.2.3.4", false},   {"1..3.4", false}, {"1.2.3.4 ", false},
        {"", false},
    };
    static const struct row v6[] = {
        {"2001:db8::1", true},
        {"2001:0db8:85a3:0000:0000:8a2e:0370:7334", true},
        {"::1", true},
        {"::", true},
        {"fe80::", true},
        {"::ffff:192.0.2.128", true},
        {"1:2:3:4:5:6:7:8", true},
        {"1:2:3:4:5:6:7::", true},
        {"1:2:3:4:5:6:1.2.3.4", true},
        {"1:2:3:4:5:6:7:8:9", false},
        {"1:2:3:4:5:6:7", false},
        {"1::2::3", false},
        {"1:2:3:4:5:6:7:8::", false},
        {"12345::", false},
        {"::ffff:192.0.2.256", false},
        {"1:2:3:4:5:6:7:1.2.3.4", false},
        {":1::2", false},
        {"1::2:", false},
        {":", false},
        {"g::1", false},
    };
    unsigned char octets[4];

    for (size_t i = 0; i < LAC_COUNT(v4); i++) {
        lac_test_row("%s", v4[i].text);
        LAC_TEST_EQ(lac_match_ipv4_parse(lac_str_from(v4[i].text), octets), v4[i].valid);
    }
    for (size_t i = 0; i < LAC_COUNT(v6); i++) {
        lac_test_row("%s", v6[i].text);
        LAC_TEST_EQ(lac_match_ipv6_valid(lac_str_from(v6[i].text)), v6[i].valid);
    }
}

static void github_tokens_end_in_their_own_checksum(void)
{
    static const struct row rows[] = {
        {"zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ0mLq17", true}, /* from a published article */
        {"zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ0mLq18", false},
        {"yQWBuTSOoRi4A9spHcVY5ncnsDkxkJ0mLq17", false},
        {"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", false},
        {"short", false},
    };

    for (size_t i = 0; i < LAC_COUNT(rows); i++) {
        lac_test_row("%s", rows[i].text);
        LAC_TEST_EQ(lac_match_github_checksum(lac_str_from(rows[i].text)), rows[i].valid);
    }
}

static void north_american_numbers_follow_the_plan(void)
{
    static const struct {
        const char *digits;
        bool strict, loose;
    } rows[] = {
        {"4155552671", true, true},   {"2025550123", true, true},   {"5551234567", false, true},
        {"1155552671", false, false}, {"9115552671", false, false}, {"4159112671", false, true},
        {"4951234567", false, false},
    };

    for (size_t i = 0; i < LAC_COUNT(rows); i++) {
        lac_test_row("%s", rows[i].digits);
        LAC_TEST_EQ(lac_match_nanp_valid(rows[i].digits, true), rows[i].strict);
        LAC_TEST_EQ(lac_match_nanp_valid(rows[i].digits, false), rows[i].loose);
    }
}

static void country_codes_are_assigned_ones(void)
{
    LAC_TEST_EQ(lac_match_country_code("14155552671", 11), 1);
    LAC_TEST_EQ(lac_match_country_code("4930901820", 10), 2);
    LAC_TEST_EQ(lac_match_country_code("3545551234", 10), 3);
    LAC_TEST_EQ(lac_match_country_code("9988765432", 10), 3);
    LAC_TEST_EQ(lac_match_country_code("8388765432", 10), 0);
    LAC_TEST_EQ(lac_match_country_code("99", 2), 0);
}

LAC_TEST_MAIN(match_detect, luhn_and_issuer_ranges_decide_on_cards,
              ssn_areas_groups_and_serials_that_were_never_issued_are_refused,
              iban_needs_its_country_length_and_remainder_one,
              ip_addresses_follow_their_whole_syntax, github_tokens_end_in_their_own_checksum,
              north_american_numbers_follow_the_plan, country_codes_are_assigned_ones)
