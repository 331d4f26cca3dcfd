/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pg_proxy - a wire to Postgres that can be cut at the worst moment
 *
 * Listens on a unix socket of its own and passes bytes on. When armed, it waits for the client's
 * COMMIT and then breaks the connection: either before the server has seen it, or after the server
 * has answered and before the client has heard. That a commit's answer is lost can't be made to
 * happen otherwise.
 *
 * Thread: start, stop and arm in one; the wire has its own.
 */
#ifndef PG_PROXY_H
#define PG_PROXY_H

enum pg_proxy_cut { PG_PROXY_PASS, PG_PROXY_CUT_BEFORE_COMMIT, PG_PROXY_CUT_AFTER_COMMIT };

struct pg_proxy;

/* `sock` is the folder of the server's socket, `folder` one for the proxy's. */
struct pg_proxy *pg_proxy_start(const char *sock, const char *folder);
void pg_proxy_stop(struct pg_proxy *p);

/* For the next COMMIT only. */
void pg_proxy_arm(struct pg_proxy *p, enum pg_proxy_cut cut);

/* How many connections were cut. */
int pg_proxy_cuts(const struct pg_proxy *p);

#endif
