/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What decides about a pattern's match: checksums, mostly. One table; the functions live in the
 * files of their kind.
 */
#include "lac_match_detect.h"

#include "lac_match.h"
#include "lac_match_validate.h"

static const struct {
    const char *name;
    lac_match_validate *validate;
} validators[] = {
    {"letter_digit", lac_match_validate_letter_digit},
    {"luhn", lac_match_validate_luhn},
    {"age", lac_match_validate_age},
    {"azure", lac_match_validate_azure},
    {"azure_devops", lac_match_validate_azure_devops},
    {"basic_auth", lac_match_validate_basic_auth},
    {"github", lac_match_validate_github},
    {"gitlab", lac_match_validate_gitlab},
    {"grafana", lac_match_validate_grafana},
    {"pypi", lac_match_validate_pypi},
    {"matrix_token", lac_match_validate_matrix_token},
    {"mixed_case", lac_match_validate_mixed_case},
};

lac_match_validate *lac_match_validator_find(struct lac_str name)
{
    for (size_t i = 0; i < LAC_COUNT(validators); i++)
        if (lac_str_is(name, validators[i].name))
            return validators[i].validate;
    return NULL;
}

bool lac_match_validator_known(struct lac_str name)
{
    return lac_match_validator_find(name) != NULL;
}

const char *lac_match_validator_at(size_t index)
{
    return index < LAC_COUNT(validators) ? validators[index].name : NULL;
}

size_t lac_match_digits(struct lac_str match, char *out, size_t capacity)
{
    size_t n = 0;

    for (size_t i = 0; i < match.len; i++) {
        if (!lac_match_is_digit((unsigned char)match.ptr[i]))
            continue;
        if (n == capacity)
            return 0;
        out[n++] = match.ptr[i];
    }
    return n;
}

size_t lac_match_alnums(struct lac_str match, char *out, size_t capacity)
{
    size_t n = 0;

    for (size_t i = 0; i < match.len; i++) {
        unsigned char c = (unsigned char)match.ptr[i];

        if (!lac_match_is_alnum(c))
            continue;
        if (n == capacity)
            return 0;
        out[n++] = (char)(lac_match_is_alpha(c) ? c & ~0x20U : c);
    }
    return n;
}

bool lac_match_validate_luhn(struct lac_str match)
{
    char digits[64];
    size_t n = lac_match_digits(match, digits, sizeof(digits));

    return n > 1 && lac_match_luhn(digits, n);
}
