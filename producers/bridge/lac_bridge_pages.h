/* SPDX-License-Identifier: Apache-2.0 */
/* lac_bridge_pages - files that travel inside the program; made by embed.cmake from pages/ */
#ifndef LAC_BRIDGE_PAGES_H
#define LAC_BRIDGE_PAGES_H

#include <stddef.h>

extern const char lac_bridge_page_openapi_json[], lac_bridge_page_docs_html[],
    lac_bridge_page_docs_css[], lac_bridge_page_docs_js[];
extern const size_t lac_bridge_page_openapi_json_size, lac_bridge_page_docs_html_size,
    lac_bridge_page_docs_css_size, lac_bridge_page_docs_js_size;

#endif
