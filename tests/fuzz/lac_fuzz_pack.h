/* SPDX-License-Identifier: Apache-2.0 */
/* The least pack that inherits nothing: a fuzz target opens thousands a second. */
#ifndef LAC_FUZZ_PACK_H
#define LAC_FUZZ_PACK_H

#define LAC_FUZZ_COSTS                                          \
    "    public: {public: 0, internal: 1, proprietary: 4}\n"    \
    "    internal: {public: 60, internal: 0, proprietary: 2}\n" \
    "    proprietary: {public: 400, internal: 100, proprietary: 0}\n"
#define LAC_FUZZ_PACK                                                                \
    "name: f\nversion: 1\nprior: {public: 0.35, internal: 0.5, proprietary: 0.15}\n" \
    "strategies:\n  conservative:\n" LAC_FUZZ_COSTS                                  \
    "  balanced:\n    public: {public: 0, internal: 1, proprietary: 5}\n"            \
    "    internal: {public: 20, internal: 0, proprietary: 3}\n"                      \
    "    proprietary: {public: 60, internal: 12, proprietary: 0}\n"                  \
    "  aggressive:\n    public: {public: 0, internal: 1, proprietary: 3}\n"          \
    "    internal: {public: 3, internal: 0, proprietary: 1}\n"                       \
    "    proprietary: {public: 8, internal: 2, proprietary: 0}\n"                    \
    "price: {semantic: 0.05, llm: 0.5}\nexcerpt: 0\n"
#define LAC_FUZZ_ROUTING "PUBLIC: [web_search]\nINTERNAL: []\nPROPRIETARY: []\n"

#endif
