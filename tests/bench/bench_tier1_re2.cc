// SPDX-License-Identifier: Apache-2.0
//
// RE2::Set behind a C interface: all expressions at once, which of them match. Built only where
// there are RE2 and a C++ compiler.
#include <re2/re2.h>
#include <re2/set.h>

#include <cstddef>
#include <cstdio>
#include <new>
#include <string>
#include <vector>

#include "bench_tier1_re2.h"

struct bench_re2 {
    explicit bench_re2(const RE2::Options &options) : set(options, RE2::UNANCHORED)
    {
    }
    RE2::Set set;
    std::vector<int> matched;
};

bench_re2 *bench_re2_new()
{
    RE2::Options options;

    options.set_encoding(RE2::Options::EncodingLatin1); // bytes, as everywhere else
    options.set_log_errors(false);
    options.set_max_mem(512 << 20); // room for its DFA: it would be slower without
    return new (std::nothrow) bench_re2(options);
}

bool bench_re2_add(bench_re2 *r, const char *expression, size_t len, char *why, size_t size)
{
    std::string error;

    if (r->set.Add(re2::StringPiece(expression, len), &error) >= 0)
        return true;
    error.copy(why, size - 1);
    why[error.size() < size ? error.size() : size - 1] = 0;
    return false;
}

bool bench_re2_compile(bench_re2 *r)
{
    return r->set.Compile();
}

const int *bench_re2_match(bench_re2 *r, const char *text, size_t len, size_t *count)
{
    static const int none = 0;
    RE2::Set::ErrorInfo info;

    *count = 0;
    if (r->set.Match(re2::StringPiece(text, len), &r->matched, &info)) {
        *count = r->matched.size();
        return r->matched.data();
    }
    if (info.kind == RE2::Set::kNoError)
        return &none;
    fprintf(stderr, "tier1.re2: RE2::Set failed (%d)\n", static_cast<int>(info.kind));
    return nullptr;
}

void bench_re2_free(bench_re2 *r)
{
    delete r;
}
