/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_kafka - the only place that knows librdkafka
 *
 * Everybody else sees options, messages, records and statuses. What the design depends on is
 * decided here and not configurable: no automatic commits, read_committed, producers
 * with acks=all, idempotent unless what they send may repeat, checked CRCs, the eager range
 * assignor, bounded queues, and messages taken one at a time (the batch calls of librdkafka 2.0.2
 * lose some).
 *
 * Every error of librdkafka becomes a status in one table, lac_kafka_status():
 *   AGAIN   nothing to read, or the producer's queue is full: serve it, then call again
 *   RETRY   a broker, coordinator or leader is not available: back off, do it again
 *   REJECT  this record can never be sent, for example because it is too large
 *   FATAL   configuration or authorisation: a person must act
 *
 * Thread: a consumer and a producer belong to the thread that polls them; two threads may own
 * one each. No call may run on the same handle from two threads.
 */
#ifndef LAC_KAFKA_H
#define LAC_KAFKA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lac_compiler.h"
#include "lac_err.h"
#include "lac_str.h"

struct lac_conf;

enum { LAC_KAFKA_TOPIC_SIZE = 250 }; /* the longest topic name and its NUL */
enum { LAC_KAFKA_PRODUCER_TOPICS = 32 };
enum { LAC_KAFKA_ANY_PARTITION = -1 }; /* by the hash of the key, as Java's producer does */

/* Places in a partition that have no number, for struct lac_kafka_position. */
enum {
    LAC_KAFKA_BEGINNING = -2,
    LAC_KAFKA_END = -1,
    LAC_KAFKA_STORED = -1000, /* where the group is; without one, the beginning */
    LAC_KAFKA_NONE = -1001,   /* nothing known */
};

/* How to reach and talk to a cluster. All text is borrowed only during the call that takes
 * the options; NULL and "" both mean "not set", 0 means librdkafka's default. */
struct lac_kafka_options {
    const char *bootstrap_servers;
    const char *client_id;
    const char *security_protocol; /* plaintext, ssl, sasl_plaintext, sasl_ssl */
    const char *sasl_mechanism;
    const char *sasl_username;
    const char *sasl_password;
    const char *ssl_ca_file;
    const char *ssl_certificate_file;
    const char *ssl_key_file;
    const char *ssl_key_password;
    const char *properties;  /* "name=value;name=value" from the allow-list, applied last */
    bool ssl_insecure;       /* `properties` may switch off checks of brokers' certificates */
    const char *compression; /* of a producer's batches */
    /* What a producer of interactive requests or replies gets as its `compression`. */
    const char *interactive_compression;
    uint32_t session_timeout_ms;
    uint32_t transaction_timeout_ms;
    uint32_t fetch_wait_max_ms;
    uint32_t linger_ms;   /* producers; taken literally: 0 sends at once */
    bool tell_end;        /* consumers: lac_kafka_at_end() or a group's ended() is wanted */
    uint64_t queue_bytes; /* fetched and not yet polled, per consumer; at least 1 MiB */
    /* Asked a few times a second by who waits for a broker's first answer (lac_kafka_admin.h):
     * true ends the wait. Any thread; NULL: nobody stops it. lac_kafka_options_from_conf() sets
     * none. */
    bool (*stopped)(void *ctx);
    void *stopped_ctx;
};

/* Fills all of `o` from the kafka.* keys; the text stays borrowed from `c`. linger_ms is 5. */
void lac_kafka_options_from_conf(struct lac_kafka_options *o, const struct lac_conf *c);

/* LAC_OK when every name in `properties` is on the allow-list, every value is accepted, and none
 * switches off checks of brokers' certificates unless `ssl_insecure`; FATAL names the setting.
 * Needs no broker. */
enum lac_status lac_kafka_options_check(const struct lac_kafka_options *o,
                                        struct lac_err *err) LAC_MUST_USE;

/* The status of librdkafka's error `code` (rd_kafka_resp_err_t); 0 is LAC_OK. */
enum lac_status lac_kafka_status(int code);

/* What librdkafka calls it: "Local: Message timed out"; of a time that was refused, why. Never
 * freed. */
const char *lac_kafka_code_text(int code);

/* The version of the librdkafka that is loaded, for example "2.0.2". */
const char *lac_kafka_library(void);

struct lac_kafka_position {
    const char *topic;
    int32_t partition;
    int64_t offset; /* the next to read, or LAC_KAFKA_BEGINNING .. */
};

struct lac_kafka_header {
    struct lac_str name;
    struct lac_str value; /* ptr NULL: a null value */
};

/* ---- messages ---- */

/* One consumed record. All bytes are borrowed until lac_kafka_msg_release(). */
struct lac_kafka_msg {
    const char *topic;
    int32_t partition;
    int64_t offset;
    int64_t timestamp;    /* ms since 1970, -1 if the record has none */
    struct lac_str key;   /* ptr NULL: null */
    struct lac_str value; /* ptr NULL: null */
    void *_handle;        /* NULL in messages that a test made by hand: then the headers are */
    const struct lac_kafka_header *_headers; /* these */
    size_t _header_count;
};

/* Gives the memory back. Safe on a zeroed message, and twice. */
void lac_kafka_msg_release(struct lac_kafka_msg *msg);

/* The last header of that name; false if there is none. */
bool lac_kafka_msg_header(const struct lac_kafka_msg *msg, const char *name, struct lac_str *value);

/* The header at `index` in the record's order; false behind the last. */
bool lac_kafka_msg_header_at(const struct lac_kafka_msg *msg, size_t index,
                             struct lac_kafka_header *out);

/* ---- consumer ---- */

struct lac_kafka_consumer;

/*
 * What happens to a group member's partitions. All run inside lac_kafka_poll(), the first two also
 * inside lac_kafka_consumer_close(), in the thread that called them.
 *
 * assigned: may set each position's offset (LAC_KAFKA_STORED on entry); reading starts there. From
 *           STORED it can start too early: where a transaction that is open holds back the
 *           committed offset while the group rebalances, librdkafka (up to 2.14 at least) takes
 *           the answer for none and begins at the log's start. So ask lac_kafka_committed(), too.
 * revoked:  the partitions are still ours while it runs, so this is where the last commit is
 *           made; with `lost` they are already somebody else's and nothing may be committed.
 * ended:    from the last message polled of the partition, or from where its reading began, up to
 *           `offset` there is none to read: only marks of transactions, and what was aborted or
 *           deleted. Comes again when more was read, and after a seek. Only with `tell_end`.
 */
struct lac_kafka_rebalance {
    void *ctx;
    void (*assigned)(void *ctx, struct lac_kafka_position *p, size_t n);
    void (*revoked)(void *ctx, const struct lac_kafka_position *p, size_t n, bool lost);
    void (*ended)(void *ctx, const char *topic, int32_t partition, int64_t offset);
};

struct lac_kafka_group {
    const char *id;
    const char *instance_id; /* static membership; NULL without */
    const char *const *topics;
    size_t topic_count;
    struct lac_kafka_rebalance rebalance; /* copied; its members may be NULL */
};

/* Joins a group at the first poll. A partition without a committed offset starts at its
 * beginning. Everything in `group` is copied. */
enum lac_status lac_kafka_consumer_subscribe(struct lac_kafka_consumer **out,
                                             const struct lac_kafka_options *o,
                                             const struct lac_kafka_group *group,
                                             struct lac_err *err) LAC_MUST_USE;

/* Reads the given partitions from the given offsets, without a group. An offset that the log
 * no longer holds goes to the beginning. */
enum lac_status lac_kafka_consumer_assign(struct lac_kafka_consumer **out,
                                          const struct lac_kafka_options *o,
                                          const struct lac_kafka_position *p, size_t n,
                                          struct lac_err *err) LAC_MUST_USE;

/* Leaves the group in order (revoked() runs) and frees. Accepts NULL. Messages that are still
 * held must be released before. May take as long as the broker does; bounded by the session. */
void lac_kafka_consumer_close(struct lac_kafka_consumer *c);

/*
 * Takes one message, waiting up to `timeout_ms`; rebalances run inside.
 * OK: `msg` is filled and yours until released. AGAIN: nothing yet. RETRY: the cluster reports
 * trouble and librdkafka keeps trying: log it, poll on. FATAL: this consumer will read no more.
 */
enum lac_status lac_kafka_poll(struct lac_kafka_consumer *c, uint32_t timeout_ms,
                               struct lac_kafka_msg *msg, struct lac_err *err) LAC_MUST_USE;

/* Makes the lac_kafka_poll() that is running return soon. Only from a rebalance callback. */
void lac_kafka_poll_break(struct lac_kafka_consumer *c);

/* Moves the read position of assigned partitions; messages already fetched are dropped.
 * RETRY when it could not be done for one of them in 5 s: do all again. */
enum lac_status lac_kafka_seek(struct lac_kafka_consumer *c, const struct lac_kafka_position *p,
                               size_t n, struct lac_err *err) LAC_MUST_USE;

/* Commits positions (offset = next to read) for the group. With `wait`, returns after the
 * broker's answer; without, failures are only logged and the next commit covers them. */
enum lac_status lac_kafka_commit(struct lac_kafka_consumer *c, const struct lac_kafka_position *p,
                                 size_t n, bool wait, struct lac_err *err) LAC_MUST_USE;

/* Asks the broker what the consumer's group has committed; fills each offset, LAC_KAFKA_NONE
 * where there is nothing. RETRY, too, while a transaction that is open holds one of them back. No
 * rebalance is served meanwhile. */
enum lac_status lac_kafka_committed(struct lac_kafka_consumer *c, struct lac_kafka_position *p,
                                    size_t n, uint32_t timeout_ms,
                                    struct lac_err *err) LAC_MUST_USE;

/* Whether everything that a consumer of lac_kafka_consumer_assign() with `tell_end` could read has
 * been read: each partition's end was met, and nothing came from it since. Offsets can't tell,
 * because a log's last ones may belong to no record. */
bool lac_kafka_at_end(const struct lac_kafka_consumer *c);

/* First and next offset as the last fetch told, without asking anybody; false if not known. */
bool lac_kafka_consumer_cached_watermarks(struct lac_kafka_consumer *c, const char *topic,
                                          int32_t partition, int64_t *low, int64_t *high);

/* Whether some broker answers within `timeout_ms`. Blocks that long when none does. */
bool lac_kafka_reachable(struct lac_kafka_consumer *c, uint32_t timeout_ms);

/* Leaves the group and joins it again, for one whose partitions somebody else has taken. */
enum lac_status lac_kafka_rejoin(struct lac_kafka_consumer *c, struct lac_err *err) LAC_MUST_USE;

/* From now on the 8 bytes of a uint64_t 1 are written to `fd` (an eventfd) whenever the queue
 * turns from empty to filled: poll until AGAIN after each wake-up. -1 ends it. */
void lac_kafka_consumer_wake_fd(struct lac_kafka_consumer *c, int fd);

/* ---- producer ---- */

struct lac_kafka_producer;

/* What became of one record. */
struct lac_kafka_delivery {
    void *opaque;           /* the record's */
    enum lac_status status; /* OK: acknowledged by all in-sync replicas */
    int code;               /* librdkafka's, for the log */
    int32_t partition;
    int64_t offset; /* -1 unless OK */
    const void *_message;
};

struct lac_kafka_producer_setup {
    const char *transactional_id; /* NULL: without transactions */
    /* Called from lac_kafka_producer_poll(), _flush() and _close(). NULL: failures are counted
     * only, see lac_kafka_producer_failed(). Not used by transactional producers: their
     * commit tells. */
    void (*delivered)(void *ctx, const struct lac_kafka_delivery *d, size_t n);
    void *ctx;
    uint32_t delivery_timeout_ms; /* a record fails after this; 0: 30 s */
    /* After a lost answer a record may be there twice, and behind later ones: for replies, of which
     * each names its request and only the first counts. Not with transactions. */
    bool may_repeat;
    size_t queue_records; /* produced and not yet delivered; 0: 100,000 */
    /* Requests under way to one broker, of any number of records; what comes meanwhile travels
     * together in the next. 1 .. 5; 0: the library's own number. */
    uint32_t requests;
};

struct lac_kafka_record {
    struct lac_str key;                     /* always copied by produce; ptr NULL: null */
    struct lac_str value;                   /* ptr NULL: null */
    int32_t partition;                      /* or LAC_KAFKA_ANY_PARTITION */
    int64_t timestamp;                      /* ms; 0: now */
    const struct lac_kafka_header *headers; /* copied by produce */
    size_t header_count;
    void *opaque; /* comes back in the delivery */
};

/* Bytes of a record as lac_kafka_producer_record_limit() counts them: its headers take some besides
 * their names and values. Thread: any. Pure. */
size_t lac_kafka_record_size(const struct lac_kafka_record *r);

/* What `d` tells of, as it was given to lac_kafka_produce() but for its partition, which may be
 * any. It has at most `most` headers, which are put into `headers`. Of deliveries that failed, from
 * within delivered(); borrowed until that returns. */
void lac_kafka_delivery_record(const struct lac_kafka_delivery *d, struct lac_kafka_record *r,
                               struct lac_kafka_header *headers, size_t most);

enum lac_status lac_kafka_producer_open(struct lac_kafka_producer **out,
                                        const struct lac_kafka_options *o,
                                        const struct lac_kafka_producer_setup *setup,
                                        struct lac_err *err) LAC_MUST_USE;

/* Drops what is not yet delivered: flush before, if it matters. Accepts NULL. */
void lac_kafka_producer_close(struct lac_kafka_producer *p);

/* Whether it is at its end: a broker has lost what keeps its records single and in order, or a
 * successor has its name. It sends nothing more, and what was under way is reported as failed.
 * `err` says why. RETRY: a new one may go on, see below; FATAL: it would be refused as well. */
bool lac_kafka_producer_broken(const struct lac_kafka_producer *p, struct lac_err *err);

/*
 * Whether a connection broke since it was opened or replaced. What was under way on it is sent
 * again on another one, unheard; but the broker may get the first one too, after any time. Not for
 * one that was idle for more than five minutes, or never up.
 */
bool lac_kafka_producer_interrupted(const struct lac_kafka_producer *p);

/* Replaces a producer that is fenced or broken by a new one with the same setup; topic numbers
 * stay valid, undelivered records are dropped. A transactional one must be initialised again. */
enum lac_status lac_kafka_producer_reopen(struct lac_kafka_producer *p,
                                          struct lac_err *err) LAC_MUST_USE;

/* The number by which produce knows `name`; the same number for the same name. FATAL when the
 * name is not legal or LAC_KAFKA_PRODUCER_TOPICS are in use. */
enum lac_status lac_kafka_producer_topic(struct lac_kafka_producer *p, const char *name, int *topic,
                                         struct lac_err *err) LAC_MUST_USE;

/*
 * Queues one record. With `copy` the value is the caller's again on return; without, it is
 * borrowed until the record's delivery was reported (a transaction: until commit or abort
 * returned). AGAIN: the queue is full; poll and call again. FATAL: not allowed, or the producer is
 * broken.
 */
enum lac_status lac_kafka_produce(struct lac_kafka_producer *p, int topic,
                                  const struct lac_kafka_record *r, bool copy,
                                  struct lac_err *err) LAC_MUST_USE;

/*
 * Queues up to `n` records of one topic at once; for those without headers and timestamps this
 * takes two thirds of the time. Values are borrowed as without `copy` above. `*taken` of them,
 * from the start, are queued on any status; the status is that of the first that is not. RETRY:
 * what was queued is lost, and so may be the producer (fenced, broken): see
 * lac_kafka_producer_reopen().
 */
enum lac_status lac_kafka_produce_batch(struct lac_kafka_producer *p, int topic,
                                        const struct lac_kafka_record *r, size_t n, size_t *taken,
                                        struct lac_err *err) LAC_MUST_USE;

/* Serves delivery reports, waiting up to `timeout_ms` for the first. Returns how many records
 * were reported. */
size_t lac_kafka_producer_poll(struct lac_kafka_producer *p, uint32_t timeout_ms);

/* Sends without linger and serves until all records are reported: OK, RETRY when some are
 * still on their way after `timeout_ms`. Failed deliveries do not make it fail. */
enum lac_status lac_kafka_flush(struct lac_kafka_producer *p, uint32_t timeout_ms,
                                struct lac_err *err) LAC_MUST_USE;

/* Records queued and not yet reported. */
size_t lac_kafka_producer_pending(struct lac_kafka_producer *p);

/* Deliveries that failed since the last call, with the first one's error in `err`. */
size_t lac_kafka_producer_failed(struct lac_kafka_producer *p, struct lac_err *err);

/* The largest record it accepts, key, value and headers together. */
size_t lac_kafka_producer_record_limit(const struct lac_kafka_producer *p);

/* As lac_kafka_consumer_wake_fd(), for delivery reports. */
void lac_kafka_producer_wake_fd(struct lac_kafka_producer *p, int fd);

/* ---- transactions ---- */

/* What the caller of a transactional function has to do. `err` says why unless DONE. */
enum lac_kafka_txn {
    LAC_KAFKA_TXN_DONE,
    LAC_KAFKA_TXN_REPEAT,   /* call the same function again: it goes on where it was */
    LAC_KAFKA_TXN_ABORT,    /* abort, go back to the committed offsets */
    LAC_KAFKA_TXN_RECREATE, /* fenced or broken: lac_kafka_producer_reopen(), init again */
    LAC_KAFKA_TXN_STOP,     /* not allowed or not supported: a person must act */
};

/* Fences and aborts the predecessor with the same id. */
enum lac_kafka_txn lac_kafka_txn_init(struct lac_kafka_producer *p, uint32_t timeout_ms,
                                      struct lac_err *err) LAC_MUST_USE;
enum lac_kafka_txn lac_kafka_txn_begin(struct lac_kafka_producer *p,
                                       struct lac_err *err) LAC_MUST_USE;
/* Positions of `c`'s group become part of the transaction. */
enum lac_kafka_txn lac_kafka_txn_send_offsets(struct lac_kafka_producer *p,
                                              struct lac_kafka_consumer *c,
                                              const struct lac_kafka_position *positions, size_t n,
                                              uint32_t timeout_ms,
                                              struct lac_err *err) LAC_MUST_USE;
/* Waits for all deliveries, then commits. */
enum lac_kafka_txn lac_kafka_txn_commit(struct lac_kafka_producer *p, uint32_t timeout_ms,
                                        struct lac_err *err) LAC_MUST_USE;
enum lac_kafka_txn lac_kafka_txn_abort(struct lac_kafka_producer *p, uint32_t timeout_ms,
                                       struct lac_err *err) LAC_MUST_USE;

#endif
