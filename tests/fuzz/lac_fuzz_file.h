/* SPDX-License-Identifier: Apache-2.0 */
/* lac_fuzz_file - an input as a file, for readers that take a path; in memory where that can be
 * had. Thread: the target's. */
#ifndef LAC_FUZZ_FILE_H
#define LAC_FUZZ_FILE_H

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lac_assert.h"

static char lac_fuzz_path[64];

static inline void lac_fuzz_file_remove(void)
{
    (void)unlink(lac_fuzz_path);
}

static inline void lac_fuzz_file_make(void)
{
    static const char *const folders[] = {"/dev/shm", "/tmp"};
    int fd = -1;

    for (size_t i = 0; i < 2 && fd < 0; i++) {
        (void)snprintf(lac_fuzz_path, sizeof(lac_fuzz_path), "%s/lacuna_fuzz_XXXXXX", folders[i]);
        fd = mkstemp(lac_fuzz_path);
    }
    LAC_ASSERT(fd >= 0 && close(fd) == 0 && atexit(lac_fuzz_file_remove) == 0);
}

/* Its path, always the same; the file holds nothing else. */
static inline const char *lac_fuzz_file(const uint8_t *data, size_t size)
{
    int fd;

    if (!lac_fuzz_path[0])
        lac_fuzz_file_make();
    fd = open(lac_fuzz_path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    LAC_ASSERT(fd >= 0 && write(fd, data, size) == (ssize_t)size && close(fd) == 0);
    return lac_fuzz_path;
}

#endif
