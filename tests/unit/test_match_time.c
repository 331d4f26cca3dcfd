/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: no text takes longer than its length explains. Method: a worst case of each detector, and
 * the same four times as long.
 */
#include <stdio.h>
#include <string.h>

#include "lac_env.h"
#include "lac_test.h"
#include "match_fixture.h"

/* Four times the text may take eight times as long, not sixteen; the milliseconds are for what a
 * processor's caches and clocks do. */
static void time_grows_with_length_only(void)
{
    static const char *const units[] = {"a@",
                                        "a,password\n",
                                        "a,password\na,Kq7mLp2x\n",
                                        "a,pass\nb,Kq7mLp2x\nc,token\nd,Kq7mLp2x\n",
                                        "|pwd|\n|---|\n",
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
    static char text[FIXTURE_FIELD_BYTES / 4];
    struct fixture_set t;
    size_t n = 0;

    for (; lac_match_detector_at(n) && n + 1 < LAC_COUNT(rules); n++) {
        rules[n] = fixture_rule_of(lac_match_detector_at(n));
        rules[n].detector = rules[n].id;
    }
    CU_ASSERT(!lac_match_detector_at(n));
    rules[n] = fixture_rule_of("terms");
    rules[n].phrases = phrases;
    rules[n].phrase_count = 1;
    rules[n].context = context;
    rules[n].context_count = 1;
    rules[n++].context_window = LAC_MATCH_WINDOW_MAX;
    if (!fixture_set_open(&t, rules, n))
        return;
    for (size_t u = 0; u < LAC_COUNT(units); u++) {
        size_t len = strlen(units[u]);
        uint64_t part, whole;

        for (size_t i = 0; i < sizeof(text); i++)
            text[i] = units[u][i % len];
        part = fixture_cost_ns(&t, (struct lac_str){text, sizeof(text) / 4});
        whole = fixture_cost_ns(&t, (struct lac_str){text, sizeof(text)});
        lac_test_row("%s: %llu us, a quarter of it %llu us", units[u],
                     (unsigned long long)(whole / 1000), (unsigned long long)(part / 1000));
        if (lac_env("LAC_TEST_TIMES"))
            printf("%10.10s %6llu us (%llu)\n", units[u], (unsigned long long)(whole / 1000),
                   (unsigned long long)(part / 1000));
        LAC_TEST_EQ(whole < part * 8 + 10000000, true);
    }
    fixture_set_close(&t);
}

LAC_TEST_MAIN(match_time, time_grows_with_length_only)
