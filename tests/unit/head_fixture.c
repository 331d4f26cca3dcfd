/* SPDX-License-Identifier: Apache-2.0 */
#include "head_fixture.h"

#include <string.h>

#include "lac_digest.h"
#include "lac_test.h"

const float fixture_vectors[FIXTURE_COUNT][FIXTURE_WIDTH] = {
    {1, 0, 0, 0}, {0.8F, 0.6F, 0, 0}, {0, 1, 0, 0}, {0, 0.6F, 0.8F, 0}, {0, 0, 1, 0}, {0, 0, 0, 1},
};

void fixture_write(struct fixture *f)
{
    static const enum lac_tier tiers[FIXTURE_COUNT] = {
        LAC_TIER_PUBLIC,   LAC_TIER_PUBLIC,      LAC_TIER_INTERNAL,
        LAC_TIER_INTERNAL, LAC_TIER_PROPRIETARY, LAC_TIER_PROPRIETARY,
    };
    static const struct lac_str ids[FIXTURE_COUNT] = {
        {"p-1", 3}, {"p-2", 3}, {"i-1", 3}, {"i-2", 3}, {"x-1", 3}, {"x-2", 3},
    };
    unsigned char hash[LAC_HEAD_HASH_SIZE];

    lac_buf_reset(&f->json);
    lac_buf_reset(&f->vec);
    lac_head_exemplars_write(f->params.texts_hash, FIXTURE_COUNT, FIXTURE_WIDTH, ids, tiers,
                             &fixture_vectors[0][0], &f->vec);
    lac_sha256(hash, f->vec.ptr, f->vec.len);
    lac_head_params_write(&f->params, hash, LAC_STR("{\"texts\":6}"), &f->json);
    LAC_TEST_NEED(lac_buf_ok(&f->json) && lac_buf_ok(&f->vec));
}

void fixture_open(struct fixture *f)
{
    struct lac_head_params *p = &f->params;
    struct lac_err err;

    memset(f, 0, sizeof(*f));
    lac_buf_init(&f->json, LAC_HEAD_JSON_MAX);
    lac_buf_init(&f->vec, LAC_HEAD_VEC_MAX);
    memcpy(p->model, "tiny", 5);
    memset(p->model_hash, 0x11, sizeof(p->model_hash));
    memset(p->texts_hash, 0x22, sizeof(p->texts_hash));
    memset(p->data_hash, 0x33, sizeof(p->data_hash));
    p->layers = 3;
    p->width = FIXTURE_WIDTH;
    p->per_tier = 2;
    p->nearest = 3;
    p->floor = 1;
    p->closeness = LAC_HEAD_ONE / 4;
    p->seed = 7;
    p->sharpness = 2 << 16;
    p->exemplars = FIXTURE_COUNT;
    p->words = 2;
    LAC_TEST_NEED(lac_head_params_alloc(p, &err) == LAC_OK);
    p->word_ids[0] = 7;
    p->word_ids[1] = 9;
    for (size_t t = 0; t < LAC_TIER_COUNT; t++)
        p->weights[t][LAC_TIER_COUNT + t] = 8 * LAC_HEAD_ONE;
    fixture_write(f);
}

void fixture_close(struct fixture *f)
{
    lac_head_params_free(&f->params);
    lac_buf_deinit(&f->json);
    lac_buf_deinit(&f->vec);
}
