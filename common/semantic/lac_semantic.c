/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_semantic.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lac_clock.h"
#include "lac_encode_plugin.h"
#include "lac_encode_store.h"
#include "lac_log.h"
#include "lac_semantic_internal.h"

struct lac_semantic {
    char *store, *model, *plugin; /* owned; the last two may be NULL */
    bool auto_class;
    enum lac_encode_class class;
    const struct lac_encode_backend *backend; /* NULL: not found yet */
    bool has_model;                           /* the configured one is open, or there is none */
    pthread_mutex_t lock; /* protects all of the following; held while a model is opened */
    struct lac_semantic_source sources[LAC_SEMANTIC_DEVICE_MAX];
    size_t source_count;
    struct lac_semantic_device devices[LAC_SEMANTIC_DEVICE_MAX];
    size_t device_count;
    uint64_t pause_ms;
    size_t missing;
    char why[LAC_ERR_TEXT_SIZE];
    unsigned char missing_hash[LAC_ENCODE_HASH_SIZE]; /* of the model that was looked for last */
    uint64_t missing_ms;                              /* when */
    atomic_bool failing; /* the last call of a device failed; set under the lock */
    char failure[LAC_ERR_TEXT_SIZE];
    struct lac_semantic_gate gate; /* of all devices: they share one machine */
};

/* ---- models ---- */

static void close_source(struct lac_semantic_source *source)
{
    lac_encode_tokenizer_close(source->tokenizer);
    lac_encode_model_close(source->model);
    *source = (struct lac_semantic_source){0};
}

/* The prefix is the same before every text, so its tokens are made once. */
static enum lac_status read_prefix(struct lac_semantic_source *source, struct lac_err *err)
{
    struct lac_encode_words *words;
    enum lac_status status = lac_encode_words_new(&words, source->tokenizer, 64, err);

    if (status != LAC_OK)
        return status;
    source->prefix_count = lac_encode_tokenize(words, lac_encode_model_prefix(source->model, true),
                                               source->prefix, NULL, LAC_SEMANTIC_PREFIX_TOKENS);
    lac_encode_words_free(words);
    if (source->prefix_count > LAC_SEMANTIC_PREFIX_TOKENS ||
        source->prefix_count + 2 > lac_encode_model_weights(source->model)->window / 2)
        return lac_err_set(err, LAC_REJECT, 0, "the model's prefix takes more than half a window");
    return LAC_OK;
}

static enum lac_status open_source(struct lac_semantic *s, const char *what,
                                   struct lac_semantic_source *source, struct lac_err *err)
{
    enum lac_status status = lac_encode_store_open(&source->model, s->store, what, err);

    if (status == LAC_OK)
        status = lac_encode_model_hash(source->model, source->hash, err);
    if (status == LAC_OK)
        status = lac_encode_tokenizer_open(&source->tokenizer,
                                           lac_encode_model_folder(source->model), err);
    if (status == LAC_OK)
        status = lac_encode_tokenizer_fits(source->tokenizer,
                                           lac_encode_model_weights(source->model)->vocab, err);
    if (status == LAC_OK)
        status = read_prefix(source, err);
    if (status != LAC_OK)
        close_source(source);
    return status;
}

/* Adds a model unless one of the same hash is there. Under the lock, or before there are others. */
static enum lac_status add_source(struct lac_semantic *s, const char *what,
                                  const struct lac_semantic_source **out, struct lac_err *err)
{
    struct lac_semantic_source *source = &s->sources[s->source_count];
    enum lac_status status;

    if (s->source_count == LAC_SEMANTIC_DEVICE_MAX)
        return lac_err_set(err, LAC_REJECT, 0, "more than %d models since the start",
                           LAC_SEMANTIC_DEVICE_MAX);
    status = open_source(s, what, source, err);
    if (status != LAC_OK)
        return status;
    for (size_t i = 0; i < s->source_count; i++)
        if (memcmp(s->sources[i].hash, source->hash, sizeof(source->hash)) == 0) {
            close_source(source);
            *out = &s->sources[i];
            return LAC_OK;
        }
    *out = source;
    s->source_count++;
    return LAC_OK;
}

static enum lac_status find_source(struct lac_semantic *s, const unsigned char *hash,
                                   const struct lac_semantic_source **out, struct lac_err *err)
{
    char hex[2 * LAC_ENCODE_HASH_SIZE + 1];

    for (size_t i = 0; i < s->source_count; i++)
        if (memcmp(s->sources[i].hash, hash, LAC_ENCODE_HASH_SIZE) == 0) {
            *out = &s->sources[i];
            return LAC_OK;
        }
    lac_hex_encode(hex, hash, LAC_ENCODE_HASH_SIZE);
    return add_source(s, hex, out, err);
}

/* What was configured, as far as it is not there yet. Under the lock, or before there are others.
 */
static enum lac_status prepare(struct lac_semantic *s, struct lac_err *err)
{
    const struct lac_semantic_source *ignored;
    enum lac_status status = LAC_OK;

    if (!s->backend)
        status = s->auto_class ? lac_encode_backend_best(&s->backend, &s->class, s->plugin, err)
                               : lac_encode_backend_find(&s->backend, s->class, s->plugin, err);
    if (status == LAC_OK && !s->has_model) {
        status = add_source(s, s->model, &ignored, err);
        s->has_model = status == LAC_OK;
    }
    return status;
}

/* ---- devices ---- */

static enum lac_status find_device(struct lac_semantic *s, const struct lac_semantic_source *source,
                                   uint32_t layers, const struct lac_semantic_device **out,
                                   struct lac_err *err)
{
    const struct lac_encode_weights *w = lac_encode_model_weights(source->model);
    struct lac_semantic_device *d = &s->devices[s->device_count];
    enum lac_status status;

    layers = layers == 0 ? w->layers : layers;
    if (layers > w->layers)
        return lac_err_set(err, LAC_REJECT, 0, "%u layers are wanted, the model has %u", layers,
                           w->layers);
    for (size_t i = 0; i < s->device_count; i++)
        if (s->devices[i].source == source && s->devices[i].weights.layers == layers) {
            *out = &s->devices[i];
            return LAC_OK;
        }
    if (s->device_count == LAC_SEMANTIC_DEVICE_MAX)
        return lac_err_set(err, LAC_REJECT, 0, "more than %d models since the start",
                           LAC_SEMANTIC_DEVICE_MAX);
    *d = (struct lac_semantic_device){.owner = s,
                                      .source = source,
                                      .weights = *w,
                                      .backend = s->backend,
                                      .class = s->class,
                                      .gate = &s->gate};
    d->weights.layers = layers;
    status = s->backend->open(&d->device, &d->weights, s->class, err);
    if (status != LAC_OK)
        return status;
    s->device_count++;
    *out = d;
    lac_log(LAC_LOG_INFO, "encoder_opened", "engine=%s layers=%u width=%u", lac_semantic_engine(d),
            layers, w->hidden);
    return LAC_OK;
}

/* Whether it is too early to look for this model again. Under the lock. */
static bool paused(const struct lac_semantic *s, const struct lac_head *head)
{
    return s->missing &&
           memcmp(s->missing_hash, lac_head_model_hash(head), LAC_ENCODE_HASH_SIZE) == 0 &&
           lac_clock_mono_ms() - s->missing_ms < s->pause_ms;
}

/* Remembers whether a device could be had, for readiness. Under the lock. */
static void note(struct lac_semantic *s, const struct lac_head *head, enum lac_status status,
                 const struct lac_err *err)
{
    memcpy(s->missing_hash, lac_head_model_hash(head), LAC_ENCODE_HASH_SIZE);
    s->missing_ms = lac_clock_mono_ms();
    if (status == LAC_OK) {
        s->missing = 0;
        return;
    }
    if (s->missing++ == 0)
        lac_log(LAC_LOG_WARN, "encoder_missing", "why=\"%s\"", err->text);
    (void)snprintf(s->why, sizeof(s->why), "%s", err->text);
}

enum lac_status lac_semantic_device(struct lac_semantic *s, const struct lac_head *head,
                                    const struct lac_semantic_device **out, struct lac_err *err)
{
    const struct lac_semantic_source *source = NULL;
    struct lac_err why = {0};
    enum lac_status status;

    *out = NULL;
    (void)pthread_mutex_lock(&s->lock);
    if (paused(s, head)) {
        (void)lac_err_set(err, LAC_REJECT, 0, "%s", s->why);
        (void)pthread_mutex_unlock(&s->lock);
        return LAC_REJECT;
    }
    status = prepare(s, &why);
    if (status == LAC_OK)
        status = find_source(s, lac_head_model_hash(head), &source, &why);
    if (status == LAC_OK && lac_head_width(head) != lac_encode_model_weights(source->model)->hidden)
        status = lac_err_set(&why, LAC_REJECT, 0, "the head's vectors have another width");
    if (status == LAC_OK)
        status = find_device(s, source, lac_head_layers(head), out, &why);
    note(s, head, status, &why);
    (void)pthread_mutex_unlock(&s->lock);
    return status == LAC_OK ? LAC_OK : lac_err_set(err, status, why.code, "%s", why.text);
}

enum lac_status lac_semantic_device_of(struct lac_semantic *s, const char *model, uint32_t layers,
                                       const struct lac_semantic_device **out, struct lac_err *err)
{
    const struct lac_semantic_source *source = NULL;
    enum lac_status status;

    *out = NULL;
    (void)pthread_mutex_lock(&s->lock);
    status = prepare(s, err);
    if (status == LAC_OK)
        status = add_source(s, model, &source, err);
    if (status == LAC_OK)
        status = find_device(s, source, layers, out, err);
    (void)pthread_mutex_unlock(&s->lock);
    return status;
}

void lac_semantic_note_call(const struct lac_semantic_device *d, enum lac_status status,
                            const struct lac_err *err)
{
    struct lac_semantic *s = d->owner;
    bool failed = status != LAC_OK;
    bool was = atomic_load_explicit(&s->failing, memory_order_relaxed);

    if (!failed && !was)
        return;
    (void)pthread_mutex_lock(&s->lock);
    if (failed)
        (void)snprintf(s->failure, sizeof(s->failure), "%s", err->text);
    atomic_store_explicit(&s->failing, failed, memory_order_relaxed);
    (void)pthread_mutex_unlock(&s->lock);
    if (failed != was)
        lac_log(failed ? LAC_LOG_WARN : LAC_LOG_INFO,
                failed ? "encoder_failing" : "encoder_recovered", "why=\"%s\"",
                failed ? err->text : "");
}

size_t lac_semantic_missing(struct lac_semantic *s, char *why, size_t size)
{
    size_t missing;

    (void)pthread_mutex_lock(&s->lock);
    missing = s->missing;
    if (missing == 0 && atomic_load_explicit(&s->failing, memory_order_relaxed))
        missing = 1;
    if (why && missing)
        (void)snprintf(why, size, "%s", s->missing ? s->why : s->failure);
    (void)pthread_mutex_unlock(&s->lock);
    return missing;
}

/* Under the lock. */
static bool has_device(const struct lac_semantic *s, const unsigned char *hash, uint32_t layers)
{
    for (size_t i = 0; i < s->device_count; i++)
        if (s->devices[i].weights.layers == layers &&
            memcmp(s->devices[i].source->hash, hash, LAC_ENCODE_HASH_SIZE) == 0)
            return true;
    return false;
}

bool lac_semantic_ready(struct lac_semantic *s, const unsigned char *model_hash, uint32_t layers,
                        char *why, size_t size)
{
    bool failing = atomic_load_explicit(&s->failing, memory_order_relaxed);
    bool ready = false;

    if (pthread_mutex_trylock(&s->lock) != 0) {
        (void)snprintf(why, size, "a model is being opened");
        return false;
    }
    if (!has_device(s, model_hash, layers))
        (void)snprintf(why, size, "%s", s->missing ? s->why : "its model was not asked for yet");
    else if (failing)
        (void)snprintf(why, size, "%s", s->failure);
    else
        ready = true;
    (void)pthread_mutex_unlock(&s->lock);
    return ready;
}

const char *lac_semantic_engine(const struct lac_semantic_device *d)
{
    return d->backend->engine(d->device);
}

const unsigned char *lac_semantic_hash(const struct lac_semantic_device *d)
{
    return d->source->hash;
}

const struct lac_encode_model *lac_semantic_model(const struct lac_semantic_device *d)
{
    return d->source->model;
}

uint32_t lac_semantic_width(const struct lac_semantic_device *d)
{
    return d->weights.hidden;
}

/* ---- the whole ---- */

static enum lac_status copy_options(struct lac_semantic *s, const struct lac_semantic_options *o,
                                    struct lac_err *err)
{
    bool model = o->model && *o->model, plugin = o->plugin && *o->plugin;

    s->backend = o->backend;
    s->auto_class = o->auto_class;
    s->class = o->class;
    s->has_model = !model;
    s->pause_ms = o->pause_ms ? o->pause_ms : LAC_SEMANTIC_PAUSE_MS;
    s->store = strdup(o->store);
    s->model = model ? strdup(o->model) : NULL;
    s->plugin = plugin ? strdup(o->plugin) : NULL;
    if (!s->store || (model && !s->model) || (plugin && !s->plugin))
        return lac_err_set(err, LAC_FATAL, ENOMEM, "no memory for the encoder");
    return LAC_OK;
}

enum lac_status lac_semantic_open(struct lac_semantic **out, const struct lac_semantic_options *o,
                                  struct lac_err *err)
{
    struct lac_semantic *s = calloc(1, sizeof(*s));
    struct lac_err why = {0};
    enum lac_status status;

    *out = NULL;
    if (!s)
        return lac_err_set(err, LAC_FATAL, ENOMEM, "no memory for the encoder");
    (void)pthread_mutex_init(&s->lock, NULL);
    lac_semantic_gate_init(&s->gate);
    status = copy_options(s, o, err);
    if (status == LAC_OK)
        status = prepare(s, &why);
    if (status == LAC_REJECT && o->lenient) {
        lac_log(LAC_LOG_WARN, "encoder_missing", "why=\"%s\"", why.text);
        status = LAC_OK;
    }
    if (status == LAC_OK)
        *out = s;
    else
        lac_semantic_close(s);
    return status == LAC_OK || !*why.text ? status
                                          : lac_err_set(err, status, why.code, "%s", why.text);
}

void lac_semantic_close(struct lac_semantic *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->device_count; i++)
        s->devices[i].backend->close(s->devices[i].device);
    for (size_t i = 0; i < s->source_count; i++)
        close_source(&s->sources[i]);
    lac_semantic_gate_deinit(&s->gate);
    (void)pthread_mutex_destroy(&s->lock);
    free(s->store);
    free(s->model);
    free(s->plugin);
    free(s);
}
