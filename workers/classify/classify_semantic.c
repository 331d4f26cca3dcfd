/* SPDX-License-Identifier: Apache-2.0 */
#include "classify_semantic.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "lac_assert.h"
#include "lac_encode.h"
#include "lac_encode_store.h"
#include "lac_log.h"

/* Whether the current pack's texts can be read now; if not, why. */
static bool is_ready(struct classify_semantic *s, char *why, size_t size)
{
    unsigned char hash[LAC_HEAD_HASH_SIZE];
    uint32_t layers;
    bool has_head;

    (void)pthread_mutex_lock(&s->lock);
    has_head = s->has_head;
    layers = s->layers;
    memcpy(hash, s->model_hash, sizeof(hash));
    (void)pthread_mutex_unlock(&s->lock);
    if (has_head)
        return lac_semantic_ready(s->semantic, hash, layers, why, size);
    (void)snprintf(why, size, "the pack in force has no tier 2; `lacuna train` makes it");
    return false;
}

bool classify_semantic_check(void *ctx, char *why, size_t size)
{
    struct classify_semantic *s = ctx;

    return is_ready(s, why, size) || s->mode != CLASSIFY_SEMANTIC_REQUIRED;
}

/* ---- metrics ---- */

static void on_write(void *ctx)
{
    struct classify_semantic *s = ctx;
    char why[LAC_ERR_TEXT_SIZE];

    lac_gauge_set(s->ready, is_ready(s, why, sizeof(why)));
    (void)pthread_mutex_lock(&s->lock);
    if (s->labels_changed && s->labels[0] && lac_gauge_relabel(s->metrics, s->info, s->labels))
        s->labels_changed = false;
    if (s->has_head && s->labels[0])
        lac_gauge_set(s->info, 1);
    else
        lac_gauge_hide(s->info);
    (void)pthread_mutex_unlock(&s->lock);
}

static void open_metrics(struct classify_semantic *s, struct lac_metrics *m)
{
    s->metrics = m;
    if (!m)
        return;
    s->ready = lac_metrics_gauge(m, "lacuna_semantic_ready",
                                 "1 while tier 2 of the pack in force can read texts.", NULL);
    s->info =
        lac_metrics_gauge(m, "lacuna_semantic_info",
                          "Model and arithmetic of tier 2, as decisions name them.", "model=\"\"");
    lac_gauge_hide(s->info);
    lac_metrics_on_write(m, on_write, s);
}

/* Under the lock. `d` NULL: there is none. */
static void make_labels(struct classify_semantic *s, const struct lac_head *head,
                        const struct lac_semantic_device *d)
{
    char hex[2 * LAC_HEAD_HASH_SIZE + 1];
    struct lac_buf b;

    lac_buf_init_fixed(&b, s->labels, sizeof(s->labels) - 1);
    s->labels_changed = true;
    if (d) {
        lac_hex_encode(hex, lac_semantic_hash(d), LAC_HEAD_HASH_SIZE);
        lac_metrics_label(&b, "model", lac_head_model_name(head));
        lac_metrics_label(&b, "hash", lac_str_from(hex));
        lac_metrics_label(&b, "engine", lac_str_from(lac_semantic_engine(d)));
    }
    s->labels[lac_buf_ok(&b) ? b.len : 0] = '\0';
}

/* ---- packs ---- */

void classify_semantic_prepare(void *ctx, const struct lac_pack *pack, bool current)
{
    struct classify_semantic *s = ctx;
    const struct lac_head *head = lac_pack_head(pack);
    const struct lac_semantic_device *device = NULL;
    struct lac_err err;

    if (!s->semantic)
        return;
    /* Said by lac_semantic when it is missing. */
    if (head && lac_semantic_device(s->semantic, head, &device, &err) != LAC_OK)
        device = NULL;
    if (!current)
        return;
    (void)pthread_mutex_lock(&s->lock);
    s->has_head = head != NULL;
    if (head) {
        memcpy(s->model_hash, lac_head_model_hash(head), sizeof(s->model_hash));
        s->layers = lac_head_layers(head);
        make_labels(s, head, device);
    }
    (void)pthread_mutex_unlock(&s->lock);
}

/* ---- life ---- */

static enum classify_semantic_mode mode_of(const struct lac_conf *c)
{
    const char *word = lac_conf_text(c, "classify.semantic");

    if (strcmp(word, "off") == 0)
        return CLASSIFY_SEMANTIC_OFF;
    return strcmp(word, "required") == 0 ? CLASSIFY_SEMANTIC_REQUIRED : CLASSIFY_SEMANTIC_OPTIONAL;
}

enum lac_status classify_semantic_open(struct classify_semantic *s, const struct lac_conf *c,
                                       struct lac_metrics *metrics, struct lac_err *err)
{
    const char *engine = lac_conf_text(c, "classify.engine");
    char store[PATH_MAX];
    struct lac_semantic_options o = {
        .store = store,
        .model = lac_conf_text(c, "classify.model"),
        .auto_class = strcmp(engine, "auto") == 0,
        .plugin = lac_conf_text(c, "model.plugin"),
    };
    enum lac_status status;

    *s = (struct classify_semantic){.mode = mode_of(c)};
    (void)pthread_mutex_init(&s->lock, NULL);
    if (s->mode == CLASSIFY_SEMANTIC_OFF)
        return LAC_OK;
    if (!lac_encode_store_folder(store, lac_conf_text(c, "model.store")))
        return lac_err_set(err, LAC_FATAL, 0, "model.store: the path is too long");
    /* The configuration knows these words only. */
    LAC_ASSERT(o.auto_class || lac_encode_class_parse(lac_str_from(engine), &o.class));
    o.lenient = s->mode != CLASSIFY_SEMANTIC_REQUIRED;
    status = lac_semantic_open(&s->semantic, &o, err);
    if (status == LAC_OK)
        open_metrics(s, metrics);
    return status == LAC_OK ? LAC_OK : (err->status = LAC_FATAL);
}

void classify_semantic_close(struct classify_semantic *s)
{
    lac_semantic_close(s->semantic);
    s->semantic = NULL;
}
