/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_record.h"

const struct lac_record_type *lac_record_type_by_name(struct lac_str name)
{
    for (const struct lac_record_type *const *t = lac_record_types(); *t; t++) {
        if (lac_str_is(name, (*t)->name) || lac_str_is(name, (*t)->fullname))
            return *t;
    }
    return NULL;
}
