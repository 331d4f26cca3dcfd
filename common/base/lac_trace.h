/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_trace - the traceparent header of W3C Trace Context, level 1
 *
 * Thread: any. Nothing is allocated.
 */
#ifndef LAC_TRACE_H
#define LAC_TRACE_H

#include <stdbool.h>

#include "lac_str.h"

enum {
    LAC_TRACE_SIZE = 56, /* text and NUL */
    LAC_TRACE_ID_AT = 3, /* where the trace's id stands in it .. */
    LAC_TRACE_ID_LEN = 32,
};

/*
 * What to pass on of a header's value, as version 00. One of a later version is read as far as 00
 * knows it: its ids and whether it is sampled. False: it is none; `out` is not touched.
 */
bool lac_trace_read(char out[LAC_TRACE_SIZE], struct lac_str value);

#endif
