/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: a token is taken when its own checksum or structure holds and refused when one character
 * differs. Method: tokens computed apart from this code, from the issuers' descriptions; published
 * vectors where there are any.
 */
#include "lac_match_validate.h"

#include <stdlib.h>
#include <string.h>

#include "lac_match.h"
#include "lac_match_secret.h"
#include "lac_test.h"

static lac_match_validate *const all[] = {
    lac_match_validate_github, lac_match_validate_gitlab,       lac_match_validate_grafana,
    lac_match_validate_azure,  lac_match_validate_azure_devops, lac_match_validate_pypi,
    lac_match_validate_age,    lac_match_validate_basic_auth,   lac_match_validate_packagist,
};

struct row {
    const char *text;
    bool valid;
};

static void check(lac_match_validate *validate, const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        lac_test_row("%s", rows[i].text);
        LAC_TEST_EQ(validate(lac_str_from(rows[i].text)), rows[i].valid);
    }
}

/* microsoft/security-utilities, the tests of its Marvin. */
static void marvin_gives_the_published_values(void)
{
    static const struct {
        uint64_t seed;
        const char *bytes;
        uint32_t sum;
    } rows[] = {
        {0xd53cd9cecd0893b7, "abc", 0x6be02a86},
        {0x0ddddeeeeffff000, "abcdefghijklmnopqrstuvwxyz", 0xd34847dc},
        {0x004fb61a001bdbcc, "", 0x302009bc},
        {0x004fb61a001bdbcc, "\xaf", 0x3592e206},
        {0x004fb61a001bdbcc, "\xe7\x0f", 0xfdab5e04},
        {0x004fb61a001bdbcc, "\x37\xf4\x95", 0x6b3c8b90},
    };

    for (size_t i = 0; i < LAC_COUNT(rows); i++) {
        lac_test_row("%zu", i);
        LAC_TEST_EQ(lac_match_marvin32((const unsigned char *)rows[i].bytes, strlen(rows[i].bytes),
                                       rows[i].seed),
                    rows[i].sum);
    }
}

static void a_keys_bytes_are_counted_up_to_the_first_other_one(void)
{
    static const char key[] =
        "+-./0123456789=ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz~";
    char text[150];

    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = key[i % (sizeof(key) - 1)];
    for (size_t len = 0; len <= sizeof(text); len++)
        LAC_TEST_EQ(lac_match_key_bytes((struct lac_str){text, len}), len);
    for (size_t at = 0; at < sizeof(text); at++) {
        text[at] = ':';
        LAC_TEST_EQ(lac_match_key_bytes((struct lac_str){text, sizeof(text)}), at);
        text[at] = 'x';
    }
    for (unsigned c = 0; c < 256; c++) {
        text[70] = (char)(unsigned char)c;
        lac_test_row("byte %u", c);
        LAC_TEST_EQ(lac_match_key_bytes((struct lac_str){text, sizeof(text)}),
                    c && strchr(key, (int)c) ? sizeof(text) : 70);
    }
}

/* A name in the table is what rules write; each must be there. */
static void every_validator_of_secrets_can_be_named(void)
{
    static const char *const names[] = {"github", "gitlab",       "grafana",
                                        "azure",  "azure_devops", "pypi",
                                        "age",    "basic_auth",   "packagist"};

    for (size_t i = 0; i < LAC_COUNT(names); i++) {
        lac_test_row("%s", names[i]);
        LAC_TEST_EQ(lac_match_validator_known(lac_str_from(names[i])), true);
    }
}

static void github_and_npm_tokens_end_in_their_checksum(void)
{
    static const struct row rows[] = {
        {"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", true},
        {"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", true},
        /* netbirdio/netbird, its tests */
        {"nbp_z1pvsg2wP3EzmEou4S679KyTNhov632eyrXe", true},
        {"nbp_apTmlmUXHSC4PKmHwtIZNaGr8eqcVI2gMURp", true},
        {"nbp_apTmlmUXHSC4PKmHwtIZNaGr8eqcVI2gMURq", false},
        {"npm_8hLRWymFVEA9LKXWKKmXZWWm5HPa6E36CJh~", false},
        {"npm_8hLRWy0FVEA9LKXWKKmXZWWm5HPa6E36CJhm", false},
        {"npm_", false},
        {"n", false},
    };

    check(lac_match_validate_github, rows, LAC_COUNT(rows));
}

/* The first one is the example of packagist.com's documentation. */
static void packagist_tokens_end_in_their_checksum(void)
{
    static const struct row rows[] = {
        {"packagist_ack_ffce048835c6cdea47bcc4b73c79", true},
        {"packagist_acs_ffce048835c6cdea47bcc4b73c79", false},
        {"packagist_ack_ffce048835c6cdea47bcc4b73c7", false},
        {"packagist_ack_FFCE048835C6CDEA47BCC4B73C79", false},
        {"12345678", false},
    };

    check(lac_match_validate_packagist, rows, LAC_COUNT(rows));
}

static void routable_gitlab_tokens_end_in_their_checksum(void)
{
    static const struct row rows[] = {
        {"glpat-vb_E3uvdhwpwfO_xyvbsO286MQp1OjRrCA.01.0y1r13eih", true},
        {"glrt-_7kmyDzsr58xXJ1ihwPJv286MQpwOjJhCA.01.0y1n1kyn8", true},
        {"glpat-9J2gD_NF00HzcfszsCDCm286MQp1OjRrCA.0y1ho5l56", true},
        {"glpat-vb0E3uvdhwpwfO_xyvbsO286MQp1OjRrCA.01.0y1r13eih", false},
        {"glpat-vb_E3uvdhwpwfO_xyvbsO286MQp1OjRrCA.01.0y1r13ei", false},
        {"g123456", false},
    };

    check(lac_match_validate_gitlab, rows, LAC_COUNT(rows));
}

static void grafana_tokens_end_in_their_checksum(void)
{
    static const struct row rows[] = {
        {"glsa_PvlQpB5CmPKon74u4yd4mkvHeufm6tzr_6c3c5d1f", true},
        {"glsa_yscW25imSKJIuav8zF37RZmnbiDvB05G_fcaaf58a", true},
        {"glsa_yscW25imSKJIuav8zF37RZmnbiDvB05G_8af5aafc", false},
        {"glsa-PvlQpB5CmPKon74u4yd4mkvHeufm6tzr-6c3c5d1f", false},
        {"_12345678", false},
    };

    check(lac_match_validate_grafana, rows, LAC_COUNT(rows));
}

static void azure_keys_carry_their_services_checksum(void)
{
    static const struct row rows[] = {
        {"nJofhf0nF5weZxpuFhJmxnRvVVSYl4tYKTrziqBr5XdghNg1dgdafZdypY1oxL8dDkd63L2PxCS1+ASt"
         "ji5vIg==",
         true},
        {"7hCJ7aPZPia+WT/pSgj5vXk12JM0pTjIlRu2A4WV/3v0Y7TJlP/2s+BfdKuemGpolOWrAXRMPAnqACDb"
         "Z38eRQ==",
         true},
        {"aUoB6kgzyRigWfast3pmIdSPg5V5xQPSS+ASb/8sTvQ=", true},
        {"CM2AV6oUzjeEGuVYPC2q7NKZXEQFGKWe9AIoThAzg0U=", true},
        {"B1oTvaHH33N8AFW4zg98FfF3BCothO2bdST7TOYgOlaW//i9cU/vityJi+cJ7Jovfvt7+fwaaJoJAPIM"
         "RFrb3Q==",
         true},
        {"qUNMKjEflmwXxkEMYdSfgczM21UNnzwTZPCpOUwIPX-dAzFubltr8A==", true},
        {"G86WMwrtvZmkeZ8EyX7OsQTDOak8xEKF8llFPkuKHZ+ACR2zOfKr", true},
        {"HTrfkS2k9FFdvs35pNMBJupulNpYX8zUtave14VTvtAzSeXrO0yj", true},
        {"Ez/ApFzRh3+470J0MMQdicK/n8o8gLW3zz6pzLdvW45qIz4dbFxwQtbvtf2IsxiTBaf2RcBaQv57+ASt"
         "psky6w==",
         false},
        {"Ez/ipFzRh3+470J0MMQdicK/n8o8gLW3zz6pzLdvW45qIz4dbFxwQtbvtf2IsxiTBaf2RcBaQv57ACDb"
         "psky6w==",
         false},
        {"Ez/ipFzRh3+470J0MMQdicK/n8o8gLW3zz6pzLdvW45qIz4dbFxwQtbvtf2IsxiTBaf2RcBaQv57QQQQ"
         "psky6w==",
         false},
        {"+AStQtqwtmw==", false},
        {"A!A!A!A!A!A!A!A!A!A!A!A!A!A!A!A!A!A!A!A!A!A!A!A!A!A!A!A!A!A!A!A!", false},
    };

    check(lac_match_validate_azure, rows, LAC_COUNT(rows));
}

static void azure_devops_tokens_hide_their_checksum(void)
{
    static const struct row rows[] = {
        {"dxbv5hfwb27ahz64htajyiv5dawxmw4evz44muaiqyr65hnqv6fq", true},
        {"zsb6jwyvhtbdypfa2pinrkgtfplzihcpowptjemvusy2vexx7kva", true},
        {"axbv5hfwb27ahz64htajyiv5dawxmw4evz44muaiqyr65hnqv6fq", false},
        {"dxbv5hfwb27ahz64htajyiv5dawxmw4evz44muaiqyr65hnqv6f", false},
        {"dxbv51fwb27ahz64htajyiv5dawxmw4evz44muaiqyr65hnqv6fq", false},
        {"DXBV5HFWB27AHZ64HTAJYIV5DAWXMW4EVZ44MUAIQYR65HNQV6FQ", false},
    };

    check(lac_match_validate_azure_devops, rows, LAC_COUNT(rows));
}

static void pypi_tokens_are_whole_macaroons(void)
{
    static const struct row rows[] = {
        {"pypi-AgEIcHlwaS5vcmcCJGNiMDIyOGQ0LTU1NzktNDJkZC1iMjg5LWEwMzQ0MWZmMDVkNAACJXsidmV"
         "yc2lvbiI6IDEsICJwZXJtaXNzaW9ucyI6ICJ1c2VyIn0AAAYgfQHao1RCJ87gRwn8PGUgPh3xgcs-vNX"
         "q-LxEA8goRZU",
         true},
        {"pypi-AgENdGVzdC5weXBpLm9yZwIkYTEzOGU0ZjQtZTM2Zi00OTJjLTg3MjItZjRhM2IxZmJhOTRlAAI"
         "leyJ2ZXJzaW9uIjogMSwgInBlcm1pc3Npb25zIjogInVzZXIifQAABiD8OCaa4xIwVJRaLj68WNGsiP0"
         "vfirkSqdEqnjbgOMpzw",
         true},
        {"pypi-AgEIcHlwaS5vcmcCJDMyMDMwNjFkLWNkOWEtNDM4Ni05YjMxLTU1NDc3NzgyY2FlZAAABiBfGJq"
         "42YnJVQEKKb4nITf2pPZWLprXh5wLN5-DADzuHA",
         true},
        {"pypi-AgEIcHlwaS5vcmcCJGNiMDIyOGQ0LTU1NzktNDJkZC1iMjg5LWEwMzQ0MWZmMDVkNAACJXsidmV"
         "yc2lvbiI6IDEsICJwZXJtaXNzaW9ucyI6ICJ1c2VyIn0AAAYgfQHao1RCJ87gRwn8PGUgPh3xgcs-vNX"
         "q-LxEA8goRZ",
         false},
        {"pypi-AgEIcHlwaS5vcmcCJGNiMDIyOGQ0LTU1NzktNDJkZC1iMjg5LWEwMzQ0MWZmMDVkNAACJXsidmV"
         "yc2lvbiI6IDEsICJwZXJtaXNzaW9ucyI6ICJ1c2VyIn0AAAYgfQHao1RCJ87gRwn8PGUgPh3xgcs-vNX"
         "q-LxEA8goRZUAAAA",
         false},
        {"pypi-AgEIcHlwaS5vcmcCJGNiMDIyOGQ0LTU1NzktNDJkZC1iMjg5LWEwMzQ", false},
        {"pypi-AgEIcHlwaS5vcmcA", false},
        {"pypi-gEIcHlwaS5vcmcCJGNiMDIyOGQ0LTU1NzktNDJkZC1iMjg5LWEwMzQ0MWZmMDVkNAACJXsidmVy"
         "c2lvbiI6IDEsICJwZXJtaXNzaW9ucyI6ICJ1c2VyIn0AAAYgfQHao1RCJ87gRwn8PGUgPh3xgcs-vNXq"
         "-LxEA8goRZU",
         false},
        {"pypi-", false},
    };

    check(lac_match_validate_pypi, rows, LAC_COUNT(rows));
}

static void age_identities_are_bech32(void)
{
    static const struct row rows[] = {
        {"AGE-SECRET-KEY-123PYVMEAGDMYM35P5TVMFXJ6S6SLU6QD0NJ8ZAZN3EGAN0R5QWLQWP8XEN", true},
        {"AGE-SECRET-KEY-123PYVMEAGDMYM35P5TVMFXJ6S6SLU6QD0NJ8ZAZN3EGAN0R5QWLQWP8XEQ", false},
        {"AGE-SECRET-KEY-123PYVMEAGDMYM35P5TVMFXJ6S6SLU6QD0NJ8ZAZN3EGAN0R5QWLQWP8XE", false},
        {"age-secret-key-123pyvmeagdmym35p5tvmfxj6s6slu6qd0nj8zazn3egan0r5qwlqwp8xen", false},
        {"AGE-SECRET-KEY-123PYBMEAGDMYM35P5TVMFXJ6S6SLU6QD0NJ8ZAZN3EGAN0R5QWLQWP8XEN", false},
    };

    check(lac_match_validate_age, rows, LAC_COUNT(rows));
}

static void basic_auth_is_a_name_and_a_password(void)
{
    static const struct row rows[] = {
        {"ZGVwbG95OnMzY3IzdC1wdw==", true},
        {"YTpiY2Rl", true},
        {"bm8gY29sb24gaGVyZQ==", false},
        {"OnBhc3N3b3Jk", false},
        {"dXNlcjo=", false},
        {"dXNlcjoBAgME", false},
        {"A", false},
        {"", false},
    };

    check(lac_match_validate_basic_auth, rows, LAC_COUNT(rows));
}

/*
 * A checksum sees every change of one character. Not looked at: GitHub's prefix, which has no part
 * in it, and characters whose last bits are none of the bytes.
 */
static void one_changed_character_is_refused(void)
{
    static const struct {
        lac_match_validate *validate;
        size_t before, behind;
        const char *token;
    } rows[] = {
        {lac_match_validate_github, 4, 0, "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"},
        {lac_match_validate_gitlab, 0, 0, "glpat-vb_E3uvdhwpwfO_xyvbsO286MQp1OjRrCA.01.0y1r13eih"},
        {lac_match_validate_packagist, 0, 0, "packagist_ack_ffce048835c6cdea47bcc4b73c79"},
        {lac_match_validate_grafana, 0, 0, "glsa_PvlQpB5CmPKon74u4yd4mkvHeufm6tzr_6c3c5d1f"},
        {lac_match_validate_azure, 0, 3,
         "nJofhf0nF5weZxpuFhJmxnRvVVSYl4tYKTrziqBr5XdghNg1dgdafZdypY1oxL8dDkd63L2PxCS1+ASt"
         "ji5vIg=="},
        {lac_match_validate_azure_devops, 0, 1,
         "dxbv5hfwb27ahz64htajyiv5dawxmw4evz44muaiqyr65hnqv6fq"},
        {lac_match_validate_age, 0, 0,
         "AGE-SECRET-KEY-123PYVMEAGDMYM35P5TVMFXJ6S6SLU6QD0NJ8ZAZN3EGAN0R5QWLQWP8XEN"},
    };
    static const char others[] = "0aAzZ9-_";
    char text[128];

    for (size_t i = 0; i < LAC_COUNT(rows); i++) {
        size_t len = strlen(rows[i].token);

        LAC_TEST_NEED(len < sizeof(text));
        for (size_t at = rows[i].before; at < len - rows[i].behind; at++)
            for (size_t k = 0; k < sizeof(others) - 1; k++) {
                memcpy(text, rows[i].token, len);
                if (text[at] == others[k])
                    continue;
                text[at] = others[k];
                lac_test_row("%.*s", (int)len, text);
                LAC_TEST_EQ(rows[i].validate((struct lac_str){text, len}), false);
            }
    }
}

/* Any bytes of any length, in memory of exactly that length: nothing outside is read. */
static void any_bytes_can_be_asked_about(void)
{
    static const char letters[] = "abcxyzABCXYZ0189+/-_=.:~ ";

    lac_test_seed();
    for (int round = 0; round < 4000; round++) {
        size_t len = lac_test_random(LAC_MATCH_PATTERN_WIDTH + 1);
        char *text = malloc(len + 1);
        char *end = text + 1;
        bool any = lac_test_random(2) != 0;

        LAC_TEST_NEED(text != NULL);
        for (size_t i = 0; i < len; i++) {
            end[i] = letters[lac_test_random(sizeof(letters) - 1)];
            if (any)
                end[i] = (char)(unsigned char)lac_test_random(256);
        }
        for (size_t i = 0; i < LAC_COUNT(all); i++)
            CU_ASSERT(!all[i]((struct lac_str){end, len}) ||
                      all[i] == lac_match_validate_basic_auth);
        free(text);
    }
}

LAC_TEST_MAIN(match_secret, marvin_gives_the_published_values,
              a_keys_bytes_are_counted_up_to_the_first_other_one,
              every_validator_of_secrets_can_be_named, github_and_npm_tokens_end_in_their_checksum,
              packagist_tokens_end_in_their_checksum, routable_gitlab_tokens_end_in_their_checksum,
              grafana_tokens_end_in_their_checksum, azure_keys_carry_their_services_checksum,
              azure_devops_tokens_hide_their_checksum, pypi_tokens_are_whole_macaroons,
              age_identities_are_bech32, basic_auth_is_a_name_and_a_password,
              one_changed_character_is_refused, any_bytes_can_be_asked_about)
