/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_encode_cpu_onednn - the few calls of oneDNN that differ between its versions 2 and 3
 *
 * Version 3 (Debian 13) makes and destroys descriptions of matrices, version 2 (Debian 12) has
 * them as values; version 3 knows no description of an operation apart from its primitive's.
 * Formats: https://uxlfoundation.github.io/oneDNN/v3.0/dev_guide_transition_to_v3.html
 *
 * A matrix is initialised, borrowed as a layout, and dropped; dropping what holds nothing but
 * zeroes is nothing. A layout is borrowed from a matrix or a primitive's description and lives as
 * long as that. Any thread.
 */
#ifndef LAC_ENCODE_CPU_ONEDNN_H
#define LAC_ENCODE_CPU_ONEDNN_H

#include <oneapi/dnnl/dnnl.h>
#include <stddef.h>

struct onednn_matrix {
    dnnl_memory_desc_t desc;
};

#if DNNL_VERSION_MAJOR >= 3

typedef const_dnnl_memory_desc_t onednn_layout;

static inline dnnl_status_t onednn_matrix_init(struct onednn_matrix *m, size_t rows, size_t cols,
                                               dnnl_data_type_t type, dnnl_format_tag_t tag)
{
    dnnl_dims_t dims = {(dnnl_dim_t)rows, (dnnl_dim_t)cols};
    return dnnl_memory_desc_create_with_tag(&m->desc, 2, dims, type, tag);
}

static inline onednn_layout onednn_matrix_layout(const struct onednn_matrix *m)
{
    return m->desc;
}

static inline void onednn_matrix_drop(struct onednn_matrix *m)
{
    if (m->desc)
        dnnl_memory_desc_destroy(m->desc);
    m->desc = NULL;
}

/* out = x weights + bias; attr may be NULL. *desc is destroyed by the caller. */
static inline dnnl_status_t onednn_matmul(dnnl_primitive_desc_t *desc, dnnl_engine_t engine,
                                          onednn_layout x, onednn_layout weights,
                                          onednn_layout bias, onednn_layout out,
                                          const_dnnl_primitive_attr_t attr)
{
    return dnnl_matmul_primitive_desc_create(desc, engine, x, weights, bias, out, attr);
}

#else

typedef const dnnl_memory_desc_t *onednn_layout;

static inline dnnl_status_t onednn_matrix_init(struct onednn_matrix *m, size_t rows, size_t cols,
                                               dnnl_data_type_t type, dnnl_format_tag_t tag)
{
    dnnl_dims_t dims = {(dnnl_dim_t)rows, (dnnl_dim_t)cols};
    return dnnl_memory_desc_init_by_tag(&m->desc, 2, dims, type, tag);
}

static inline onednn_layout onednn_matrix_layout(const struct onednn_matrix *m)
{
    return &m->desc;
}

static inline void onednn_matrix_drop(struct onednn_matrix *m)
{
    (void)m;
}

static inline dnnl_status_t onednn_matmul(dnnl_primitive_desc_t *desc, dnnl_engine_t engine,
                                          onednn_layout x, onednn_layout weights,
                                          onednn_layout bias, onednn_layout out,
                                          const_dnnl_primitive_attr_t attr)
{
    dnnl_matmul_desc_t op;
    dnnl_status_t status = dnnl_matmul_desc_init(&op, x, weights, bias, out);

    return status ? status : dnnl_primitive_desc_create(desc, &op, attr, engine, NULL);
}

#endif
#endif
