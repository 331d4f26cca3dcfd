/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_fuse.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lac_file.h"

enum { CRASHES_MAX = 1 << 16 }; /* counted; the record is left alone long before */

static const char magic[8] = "lacfuse1";

struct range {
    char topic[LAC_KAFKA_TOPIC_SIZE];
    int32_t partition;
    int64_t first;
    int64_t last;     /* inclusive */
    uint32_t crashes; /* of suspects: crashes with this range in hand */
};

struct file {
    char magic[8];
    uint32_t armed; /* ranges in hand; written last when arming, first when disarming */
    uint32_t suspect_count;
    struct range hand[LAC_FUSE_RANGES];
    struct range suspects[LAC_FUSE_RANGES];
};

struct lac_fuse {
    int fd;
    struct file *file; /* mapped */
    /* What other lanes suspect. Not in the file: it is theirs to remember and to forget. */
    uint32_t learned_count;
    struct range learned[LAC_FUSE_RANGES];
};

/* Offsets that one can be added to, and taken from. */
static bool sane_range(const struct range *r)
{
    return memchr(r->topic, '\0', sizeof(r->topic)) && r->first >= 0 && r->last >= 0 &&
           r->last < INT64_MAX;
}

static bool sane(const struct file *f)
{
    if (memcmp(f->magic, magic, sizeof(magic)) != 0 || f->armed > LAC_FUSE_RANGES ||
        f->suspect_count > LAC_FUSE_RANGES)
        return false;
    for (uint32_t i = 0; i < f->armed; i++)
        if (!sane_range(&f->hand[i]))
            return false;
    for (uint32_t i = 0; i < f->suspect_count; i++)
        if (!sane_range(&f->suspects[i]) || f->suspects[i].crashes == 0 ||
            f->suspects[i].crashes > CRASHES_MAX)
            return false;
    return true;
}

static bool same_partition(const struct range *r, const char *topic, int32_t partition)
{
    return r->partition == partition && strcmp(r->topic, topic) == 0;
}

static void add_suspect(struct file *f, const struct range *r, uint32_t crashes)
{
    if (f->suspect_count == LAC_FUSE_RANGES || r->first > r->last)
        return;
    f->suspects[f->suspect_count] = *r;
    f->suspects[f->suspect_count++].crashes = crashes;
}

static uint32_t worst_overlap(const struct file *f, const struct range *r)
{
    uint32_t crashes = 0;

    for (uint32_t i = 0; i < f->suspect_count; i++) {
        const struct range *old = &f->suspects[i];

        if (same_partition(old, r->topic, r->partition) && old->last >= r->first &&
            old->first <= r->last && old->crashes > crashes)
            crashes = old->crashes;
    }
    return crashes;
}

/* What is known least about gives way: suspects of partitions that went elsewhere stay for ever,
 * and must not keep the newest culprit out. */
static void make_room(struct file *f)
{
    uint32_t least = 0;

    if (f->suspect_count < LAC_FUSE_RANGES)
        return;
    for (uint32_t i = 1; i < f->suspect_count; i++)
        if (f->suspects[i].crashes < f->suspects[least].crashes)
            least = i;
    f->suspects[least] = f->suspects[--f->suspect_count];
}

/* `r` becomes a suspect with `crashes`. A range inside an older suspect is the sharper knowledge:
 * it splits the older one. Every round leaves less that overlaps, so it ends. */
static void put_suspect(struct file *f, const struct range *r, uint32_t crashes)
{
    for (uint32_t i = 0; i < f->suspect_count; i++) {
        const struct range *at = &f->suspects[i];
        struct range before, after;
        uint32_t known = at->crashes;

        if (!same_partition(at, r->topic, r->partition) || at->last < r->first ||
            at->first > r->last)
            continue;
        before = after = *at;
        before.last = r->first - 1;
        after.first = r->last + 1;
        f->suspects[i] = f->suspects[--f->suspect_count];
        add_suspect(f, &before, known);
        add_suspect(f, &after, known);
        i = UINT32_MAX; /* the list changed: from the start */
    }
    if (r->first <= r->last)
        make_room(f);
    add_suspect(f, r, crashes < CRASHES_MAX ? crashes : CRASHES_MAX);
}

static void take_over(struct file *f)
{
    uint32_t armed = f->armed;

    if (!sane(f)) {
        memset(f, 0, sizeof(*f));
        memcpy(f->magic, magic, sizeof(magic));
        return;
    }
    f->armed = 0;
    for (uint32_t i = 0; i < armed; i++)
        put_suspect(f, &f->hand[i], worst_overlap(f, &f->hand[i]) + 1);
}

/* Room for all of it now: on a full disk, who writes to a mapped hole dies without a word. */
static bool reserve(int fd)
{
    int code;

    do {
        code = posix_fallocate(fd, 0, sizeof(struct file));
    } while (code == EINTR);
    errno = code;
    return code == 0;
}

enum lac_status lac_fuse_open(struct lac_fuse **out, const char *path, struct lac_err *err)
{
    struct lac_fuse *f = calloc(1, sizeof(*f));
    const char *what = "open";

    if (!f)
        return lac_err_set(err, LAC_FATAL, 0, "lane: out of memory");
    f->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (f->fd < 0)
        goto failed;
    what = "lock";
    errno = lac_file_lock(f->fd);
    if (errno) {
        if (errno == EWOULDBLOCK)
            what = "lock (another process runs with this state.dir and instance.id)";
        goto failed;
    }
    what = "size";
    if (ftruncate(f->fd, sizeof(struct file)) != 0)
        goto failed;
    what = "reserve room for";
    if (!reserve(f->fd))
        goto failed;
    what = "map";
    f->file = mmap(NULL, sizeof(struct file), PROT_READ | PROT_WRITE, MAP_SHARED, f->fd, 0);
    if (f->file == MAP_FAILED)
        goto failed;
    take_over(f->file);
    *out = f;
    return LAC_OK;
failed:
    (void)lac_err_set(err, LAC_FATAL, errno, "lane: cannot %s the crash fuse %s: %s", what, path,
                      lac_errno_text(errno));
    if (f->fd >= 0)
        (void)close(f->fd);
    free(f);
    return LAC_FATAL;
}

void lac_fuse_close(struct lac_fuse *f)
{
    if (!f)
        return;
    (void)munmap(f->file, sizeof(struct file));
    (void)close(f->fd);
    free(f);
}

void lac_fuse_learn(struct lac_fuse *f, const struct lac_fuse *other)
{
    if (!f || !other)
        return;
    for (uint32_t i = 0; i < other->file->suspect_count; i++)
        if (f->learned_count < LAC_FUSE_RANGES)
            f->learned[f->learned_count++] = other->file->suspects[i];
}

bool lac_fuse_any(const struct lac_fuse *f)
{
    return f && (f->file->suspect_count > 0 || f->learned_count > 0);
}

static bool holds(const struct range *r, const struct lac_kafka_msg *msg)
{
    return same_partition(r, msg->topic, msg->partition) && msg->offset >= r->first &&
           msg->offset <= r->last;
}

uint32_t lac_fuse_crashes(const struct lac_fuse *f, const struct lac_kafka_msg *msg)
{
    uint32_t crashes = 0;

    if (!f)
        return 0;
    for (uint32_t i = 0; i < f->file->suspect_count; i++)
        if (holds(&f->file->suspects[i], msg))
            crashes += f->file->suspects[i].crashes;
    for (uint32_t i = 0; i < f->learned_count; i++)
        if (holds(&f->learned[i], msg))
            crashes += f->learned[i].crashes;
    return crashes;
}

void lac_fuse_arm(struct lac_fuse *f, const struct lac_kafka_msg *msgs, size_t n)
{
    uint32_t count = 0, at = 0;

    if (!f)
        return;
    for (size_t i = 0; i < n; i++) {
        const struct lac_kafka_msg *m = &msgs[i];

        /* Messages come in runs of one partition: the last range is mostly the right one. */
        if (!count || !same_partition(&f->file->hand[at], m->topic, m->partition))
            for (at = 0; at < count; at++)
                if (same_partition(&f->file->hand[at], m->topic, m->partition))
                    break;
        if (at == count) {
            if (count == LAC_FUSE_RANGES) {
                at = 0;
                continue;
            }
            memcpy(f->file->hand[at].topic, m->topic, strnlen(m->topic, LAC_KAFKA_TOPIC_SIZE - 1));
            f->file->hand[at].topic[strnlen(m->topic, LAC_KAFKA_TOPIC_SIZE - 1)] = '\0';
            f->file->hand[at].partition = m->partition;
            f->file->hand[at].first = m->offset;
            count++;
        }
        f->file->hand[at].last = m->offset;
    }
    __atomic_store_n(&f->file->armed, count, __ATOMIC_RELEASE);
}

void lac_fuse_disarm(struct lac_fuse *f)
{
    if (f)
        __atomic_store_n(&f->file->armed, 0, __ATOMIC_RELEASE);
}

static void forget(struct range *list, uint32_t *count, const struct lac_kafka_msg *msg)
{
    for (uint32_t i = 0; i < *count;) {
        struct range *r = &list[i];

        if (same_partition(r, msg->topic, msg->partition) && r->last <= msg->offset) {
            *r = list[--*count];
            continue;
        }
        if (same_partition(r, msg->topic, msg->partition) && r->first <= msg->offset)
            r->first = msg->offset + 1;
        i++;
    }
}

void lac_fuse_passed(struct lac_fuse *f, const struct lac_kafka_msg *msg)
{
    if (!lac_fuse_any(f))
        return;
    forget(f->file->suspects, &f->file->suspect_count, msg);
    forget(f->learned, &f->learned_count, msg);
}
