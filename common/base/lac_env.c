/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_env.h"

#include <stdlib.h>

const char *lac_env(const char *name)
{
    return getenv(name); /* NOLINT(concurrency-mt-unsafe): nobody changes it, see the header */
}
