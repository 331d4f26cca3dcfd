/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "lac_encode_cuda.h"

enum { ALIGN = 256 };

static size_t align_up(size_t size, size_t to)
{
    return (size + to - 1) / to * to;
}

struct lac_encode_cuda_layout lac_encode_cuda_layout(size_t rows, size_t sequences)
{
    struct lac_encode_cuda_layout at;

    at.tokens = sizeof(struct lac_encode_cuda_head);
    at.starts = at.tokens + rows * sizeof(struct lac_encode_cuda_token);
    at.tiles = align_up(at.starts + (sequences + 1) * sizeof(uint32_t), 16);
    /* A sequence's last tile may be cut short, so each adds at most one to its share. */
    at.size =
        at.tiles + (rows / LAC_ENCODE_CUDA_TILE + sequences) * sizeof(struct lac_encode_cuda_tile);
    return at;
}

/* Gives out parts of one allocation; without memory it only counts. */
struct parts {
    char *memory;
    size_t used;
};

static void *part(struct parts *p, size_t size)
{
    size_t at = p->used;
    p->used += align_up(size, ALIGN);
    return p->memory ? p->memory + at : NULL;
}

static void lay_out_slot(const struct lac_encode_session *s, struct lac_encode_cuda_slot *slot,
                         struct parts *p)
{
    const struct lac_encode_device *d = s->d;
    size_t row = s->piece * sizeof(uint16_t);
    size_t widest = d->ffn > 3 * d->hidden ? d->ffn : 3 * d->hidden;

    slot->input = part(p, lac_encode_cuda_layout(s->piece, s->piece_sequences).size);
    slot->x = part(p, row * d->hidden);
    slot->attention = part(p, row * d->hidden);
    slot->y = part(p, row * d->hidden);
    slot->wide = part(p, row * widest);
    if (d->fp8) {
        slot->x8.values = part(p, s->piece * d->hidden);
        slot->x8.scale = part(p, s->piece * sizeof(float));
        slot->wide8.values = part(p, s->piece * d->ffn);
        slot->wide8.scale = part(p, s->piece * sizeof(float));
    }
    slot->workspace = part(p, LAC_ENCODE_CUDA_WORKSPACE);
    slot->out = part(p, s->piece_sequences * d->hidden * sizeof(float));
}

static cudaError_t slot_memory(const struct lac_encode_session *s,
                               struct lac_encode_cuda_slot *slot)
{
    struct parts p = {0};
    size_t input = lac_encode_cuda_layout(s->piece, s->piece_sequences).size;
    size_t out = s->piece_sequences * s->d->hidden * sizeof(float);

    lay_out_slot(s, slot, &p);
    cudaError_t status = cudaMalloc((void **)&slot->memory, p.used);
    if (status != cudaSuccess)
        return status;
    /* Rows that fill up a class are computed, too: on zeros, not on what was there. */
    status = cudaMemset(slot->memory, 0, p.used);
    p = (struct parts){slot->memory, 0};
    lay_out_slot(s, slot, &p);
    if (status == cudaSuccess)
        status = cudaHostAlloc((void **)&slot->host_input, input, cudaHostAllocDefault);
    if (status == cudaSuccess)
        status = cudaHostAlloc((void **)&slot->host_out, out, cudaHostAllocDefault);
    return status;
}

static enum lac_status slot_open(const struct lac_encode_session *s,
                                 struct lac_encode_cuda_slot *slot, bool interactive,
                                 struct lac_err *err)
{
    int lowest = 0, highest = 0;
    /* Bulk lanes sleep until a piece is done; one that somebody waits for is watched. */
    unsigned kind = cudaEventDisableTiming | (interactive ? 0u : cudaEventBlockingSync);

    cudaError_t status = cudaDeviceGetStreamPriorityRange(&lowest, &highest);
    if (status == cudaSuccess)
        status = cudaStreamCreateWithPriority(&slot->stream, cudaStreamNonBlocking,
                                              interactive ? highest : lowest);
    if (status == cudaSuccess)
        status = cudaEventCreateWithFlags(&slot->done, kind);
    if (status == cudaSuccess)
        status = slot_memory(s, slot);
    if (status == cudaSuccess)
        status = cudaDeviceSynchronize();
    if (status != cudaSuccess)
        return lac_encode_cuda_check(status, "opening a session", err);
    /* Once without a graph (the input is zeros: no sequences), so that capturing loads no code. */
    enum lac_status answer = lac_encode_cuda_forward(s, slot, s->classes - 1, false, err);
    if (answer == LAC_OK)
        answer = lac_encode_cuda_check(cudaStreamSynchronize(slot->stream), "the first run", err);
    for (size_t i = 0; i < s->classes && answer == LAC_OK; i++) {
        answer = lac_encode_cuda_capture(s, slot, i, false, &slot->graph[i], err);
        if (answer == LAC_OK)
            answer = lac_encode_cuda_check(cudaGraphUpload(slot->graph[i], slot->stream),
                                           "placing a graph", err);
    }
    if (answer == LAC_OK)
        answer = lac_encode_cuda_check(cudaStreamSynchronize(slot->stream), "placing graphs", err);
    return answer;
}

static void slot_close(struct lac_encode_cuda_slot *slot)
{
    if (slot->stream)
        (void)cudaStreamSynchronize(slot->stream);
    for (size_t i = 0; i < LAC_ENCODE_CUDA_CLASS_MAX; i++) {
        if (slot->graph[i])
            (void)cudaGraphExecDestroy(slot->graph[i]);
    }
    (void)cudaFree(slot->memory);
    (void)cudaFreeHost(slot->host_input);
    (void)cudaFreeHost(slot->host_out);
    if (slot->done)
        (void)cudaEventDestroy(slot->done);
    if (slot->stream)
        (void)cudaStreamDestroy(slot->stream);
}

void lac_encode_cuda_session_close(struct lac_encode_session *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < LAC_ENCODE_CUDA_SLOTS; i++)
        slot_close(&s->slot[i]);
    (void)cudaGetLastError(); /* what failed here is nobody's; the next call would report it */
    free(s);
}

enum lac_status lac_encode_cuda_session_open(struct lac_encode_session **out,
                                             struct lac_encode_device *d, size_t tokens,
                                             size_t sequences, bool interactive,
                                             struct lac_err *err)
{
    if (tokens == 0 || tokens > LAC_ENCODE_TOKEN_MAX || sequences == 0 ||
        sequences > LAC_ENCODE_SEQUENCE_MAX)
        return lac_err_set(err, LAC_FATAL, 0, "cuda: a session of %zu tokens in %zu sequences",
                           tokens, sequences);
    struct lac_encode_session *s = calloc(1, sizeof(*s));
    if (!s)
        return lac_err_set(err, LAC_RETRY, 0, "cuda: no memory");
    s->d = d;
    s->tokens = tokens;
    s->sequences = s->piece_sequences = sequences;
    s->classes = lac_encode_cuda_class_of(tokens < d->piece ? tokens : d->piece) + 1;
    s->piece = lac_encode_cuda_class_rows(s->classes - 1);
    enum lac_status status = LAC_OK;
    for (size_t i = 0; i < LAC_ENCODE_CUDA_SLOTS && status == LAC_OK; i++)
        status = slot_open(s, &s->slot[i], interactive, err);
    if (status != LAC_OK) {
        lac_encode_cuda_session_close(s);
        return status;
    }
    *out = s;
    return LAC_OK;
}

/* A wrong id or length would read other memory: refused, though callers promise not to. */
static enum lac_status check_batch(const struct lac_encode_session *s,
                                   const struct lac_encode_batch *b, struct lac_err *err)
{
    size_t longest =
        s->d->positions < LAC_ENCODE_POSITION_MAX ? s->d->positions : LAC_ENCODE_POSITION_MAX;
    if (b->count > s->sequences || b->starts[0] != 0)
        return lac_err_set(err, LAC_REJECT, 0, "cuda: a batch of %zu sequences", b->count);
    for (size_t i = 0; i < b->count; i++) {
        /* In this order a wrapped difference is too long, and so refused. */
        size_t size = (size_t)(uint32_t)(b->starts[i + 1] - b->starts[i]);
        if (size == 0 || size > longest || b->starts[i + 1] > s->tokens)
            return lac_err_set(err, LAC_REJECT, 0, "cuda: a sequence of %zu tokens", size);
    }
    for (size_t i = 0; i < b->starts[b->count]; i++) {
        if (b->ids[i] < 0 || (size_t)b->ids[i] >= s->d->vocab)
            return lac_err_set(err, LAC_REJECT, 0, "cuda: a token beyond the vocabulary");
    }
    return LAC_OK;
}

/* The number of sequences from `from` on that fit into a piece; at least one does. */
static size_t piece_end(const struct lac_encode_session *s, const struct lac_encode_batch *b,
                        size_t from)
{
    size_t to = from + 1;
    while (to < b->count && b->starts[to + 1] - b->starts[from] <= s->piece &&
           to - from < s->piece_sequences)
        to++;
    return to;
}

/* Writes the piece's input. Returns its size in bytes as far as it is used. */
static size_t fill_input(const struct lac_encode_session *s, char *input,
                         const struct lac_encode_batch *b, size_t from, size_t to, size_t rows)
{
    const struct lac_encode_cuda_layout at = lac_encode_cuda_layout(rows, s->piece_sequences);
    struct lac_encode_cuda_head *head = (void *)input;
    struct lac_encode_cuda_token *token = (void *)(input + at.tokens);
    uint32_t *starts = (void *)(input + at.starts);
    struct lac_encode_cuda_tile *tile = (void *)(input + at.tiles);
    const uint32_t base = b->starts[from];
    uint32_t tiles = 0, used = b->starts[to] - base;

    for (size_t i = from; i < to; i++) {
        const uint32_t start = b->starts[i] - base, size = b->starts[i + 1] - b->starts[i];
        starts[i - from] = start;
        for (uint32_t j = 0; j < size; j++)
            token[start + j] = (struct lac_encode_cuda_token){b->ids[base + start + j], (int32_t)j};
        for (uint32_t query = 0; query < size; query += LAC_ENCODE_CUDA_TILE)
            tile[tiles++] = (struct lac_encode_cuda_tile){start, (uint16_t)size, (uint16_t)query};
    }
    starts[to - from] = used;
    for (size_t i = used; i < rows; i++)
        token[i] = (struct lac_encode_cuda_token){-1, 0};
    *head = (struct lac_encode_cuda_head){tiles, (uint32_t)(to - from), used, 0};
    return at.tiles + tiles * sizeof(*tile);
}

static enum lac_status submit(struct lac_encode_session *s, struct lac_encode_cuda_slot *slot,
                              const struct lac_encode_batch *b, size_t from, size_t to,
                              float *destination, struct lac_err *err)
{
    size_t class = lac_encode_cuda_class_of(b->starts[to] - b->starts[from]);
    size_t rows = lac_encode_cuda_class_rows(class);
    size_t size = fill_input(s, slot->host_input, b, from, to, rows);
    size_t out = (to - from) * s->d->hidden * sizeof(float);

    cudaError_t status =
        cudaMemcpyAsync(slot->input, slot->host_input, size, cudaMemcpyHostToDevice, slot->stream);
    if (status == cudaSuccess)
        status = cudaGraphLaunch(slot->graph[class], slot->stream);
    if (status == cudaSuccess)
        status =
            cudaMemcpyAsync(slot->host_out, slot->out, out, cudaMemcpyDeviceToHost, slot->stream);
    if (status == cudaSuccess)
        status = cudaEventRecord(slot->done, slot->stream);
    if (status != cudaSuccess)
        return lac_encode_cuda_check(status, "starting a batch", err);
    slot->destination = destination;
    slot->in_flight = to - from;
    return LAC_OK;
}

/* Waits for the slot's piece, if there is one, and hands its vectors over. */
static enum lac_status collect(const struct lac_encode_session *s,
                               struct lac_encode_cuda_slot *slot, struct lac_err *err)
{
    size_t count = slot->in_flight * s->d->hidden;
    uint32_t bad = 0;

    if (count == 0)
        return LAC_OK;
    slot->in_flight = 0;
    cudaError_t status = cudaEventSynchronize(slot->done);
    if (status != cudaSuccess)
        return lac_encode_cuda_check(status, "running a batch", err);
    memcpy(slot->destination, slot->host_out, count * sizeof(float));
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, &slot->host_out[i], sizeof(bits));
        bad |= (uint32_t)((bits & 0x7f800000u) == 0x7f800000u);
    }
    if (bad)
        return lac_err_set(err, LAC_FATAL, 0, "cuda: a vector holds what is no finite number");
    return LAC_OK;
}

enum lac_status lac_encode_cuda_run(struct lac_encode_session *s,
                                    const struct lac_encode_batch *batch, float *out,
                                    struct lac_err *err)
{
    enum lac_status status = check_batch(s, batch, err);
    size_t piece = 0;

    for (size_t from = 0; from < batch->count && status == LAC_OK; piece++) {
        struct lac_encode_cuda_slot *slot = &s->slot[piece % LAC_ENCODE_CUDA_SLOTS];
        size_t to = piece_end(s, batch, from);
        status = collect(s, slot, err);
        if (status == LAC_OK)
            status = submit(s, slot, batch, from, to, out + from * s->d->hidden, err);
        from = to;
    }
    /* After an error, too: the next call must find both slots free. */
    for (size_t i = 0; i < LAC_ENCODE_CUDA_SLOTS; i++) {
        struct lac_err other;
        enum lac_status last = collect(s, &s->slot[(piece + i) % LAC_ENCODE_CUDA_SLOTS],
                                       status == LAC_OK ? err : &other);
        if (status == LAC_OK)
            status = last;
    }
    /* RETRY is for opening. A run that lacks memory has met a device in an unknown state. */
    if (status != LAC_RETRY)
        return status;
    if (err)
        err->status = LAC_FATAL;
    return LAC_FATAL;
}
