/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The built-in detectors as regular expressions, with the limits that their formats have (a local
 * part of 64 bytes, a domain of 253 ...): what a pack without detectors would say, and what the
 * baselines search for. Each finds at least all that its detector accepts. A detector that is not
 * here is searched for by its triggers, which are all literals and cost the baselines less.
 */
#include "bench_tier1.h"

#include "lac_compiler.h"

static const struct {
    const char *detector, *expression;
} written[] = {
    {"email", "[A-Za-z0-9._%+'-]{1,64}@[A-Za-z0-9.\\x80-\\xff-]{1,253}\\.[A-Za-z]{2,24}\\b"},
    {"ip_address",
     "\\b(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])(?:\\.(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])){3}\\b|"
     "(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}"},
    {"us_ssn", "\\b[0-9]{3}[-. ]?(?:\\r?\\n)?[0-9]{2}[-. ]?(?:\\r?\\n)?[0-9]{4}\\b"},
    {"credit_card", "\\b[1-689][0-9]{3}(?:[ -]?(?:\\r?\\n)?[0-9]){8,15}\\b"},
    {"iban", "(?i)\\b[a-z]{2}[0-9]{2}(?:[ -]?(?:\\r?\\n)?[a-z0-9]){11,30}\\b"},
    {"mac_address", "\\b[0-9A-Fa-f]{2}(?:[:-][0-9A-Fa-f]{2}){5}\\b|"
                    "\\b[0-9A-Fa-f]{4}\\.[0-9A-Fa-f]{4}\\.[0-9A-Fa-f]{4}\\b"},
    {"phone", "(?:\\+[ (]{0,2}|\\(|\\b)[0-9](?:[-. ()/]{0,3}[0-9]){6,16}"
              "(?:x[0-9]{2,6})?\\b"},
    {"aws_access_key", "\\bA(?:KIA|SIA|BIA|CCA|3T[A-Z0-9])[A-Z2-7]{16}\\b"},
    {"aws_secret_key", "(?i)(?:secret[_ -]?access|aws[_ -]?secret)[_ -]?key[\\x00-\\xff]{0,40}"
                       "[a-z0-9/+]{40}"},
    {"github_token", "\\b(?:gh[opsur]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{22,200})"},
    {"slack_token", "\\bxox[abeoprs][-.][A-Za-z0-9.-]{10,200}|\\bxapp-[0-9]-[A-Za-z0-9-]{10,200}|"
                    "hooks\\.slack\\.com/services/T[A-Za-z0-9_/]{15,60}"},
    {"openai_key", "\\bsk-[A-Za-z0-9_-]{10,150}T3BlbkFJ[A-Za-z0-9_-]{10,150}"},
    {"openai_admin_key", "\\bsk-admin-[A-Za-z0-9_-]{10,150}T3BlbkFJ[A-Za-z0-9_-]{10,150}"},
    {"telegram_token", "\\b(?:bot)?[0-9]{5,16}:AA[A-Za-z0-9_-]{30,36}"},
    {"private_key", "-----BEGIN (?:[A-Z0-9]{1,12} ){0,3}(?:PRIVATE|SECRET) KEY(?: BLOCK)?-----"},
};

const char *bench_written(struct lac_str detector, unsigned index)
{
    for (size_t i = 0; i < LAC_COUNT(written); i++)
        if (lac_str_is(detector, written[i].detector))
            return index == 0 ? written[i].expression : NULL;
    return bench_trigger(detector, index);
}
