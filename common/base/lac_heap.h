/* SPDX-License-Identifier: Apache-2.0 */
/* lac_heap - what becomes of memory that is freed */
#ifndef LAC_HEAP_H
#define LAC_HEAP_H

/*
 * For programs in which much is allocated and freed in turn: the heap keeps what it had at its
 * peaks, up to half a gigabyte, instead of returning it to the kernel and asking anew, page by
 * page. Where the C library has no such choice, nothing happens. Call it before threads start.
 */
void lac_heap_keep(void);

#endif
