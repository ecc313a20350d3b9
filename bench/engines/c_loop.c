// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "bench/engines/c_loop.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#define ALWAYS_INLINE inline __attribute__((always_inline))

static long long now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

int c_loop_open(struct c_loop *loop) {
    loop->context = NULL;
    loop->iocbs = calloc(loop->depth, sizeof *loop->iocbs);
    loop->ready = calloc(loop->depth, sizeof *loop->ready);
    loop->events = calloc(loop->depth, sizeof *loop->events);
    loop->started_at = calloc(loop->depth, sizeof *loop->started_at);
    if (!loop->iocbs || !loop->ready || !loop->events || !loop->started_at)
        return -ENOMEM;
    return io_setup((int)loop->depth, &loop->context);
}

void c_loop_close(struct c_loop *loop) {
    if (loop->context)
        io_destroy(loop->context);
    free(loop->started_at);
    free(loop->events);
    free(loop->ready);
    free(loop->iocbs);
}

static ALWAYS_INLINE void prepare(struct c_loop *loop, struct iocb *iocb, int timed) {
    const struct request *request = &loop->requests[loop->next_request++ & loop->request_mask];
    size_t slot = (size_t)(iocb - loop->iocbs);
    char *buffer = loop->buffers + slot * loop->block_size;

    if (request->kind == request_read)
        io_prep_pread(iocb, loop->fd, buffer, loop->block_size, request->offset);
    else if (request->kind == request_write)
        io_prep_pwrite(iocb, loop->fd, buffer, loop->block_size, request->offset);
    else
        io_prep_fdsync(iocb, loop->fd);
    if (timed)
        loop->started_at[slot] = now();
}

static ALWAYS_INLINE int run(struct c_loop *loop, unsigned long operations, c_loop_record record,
                             void *to, int timed) {
    unsigned long started = 0, done = 0;
    long ready = 0;

    for (; started < loop->depth && started < operations; started++) {
        prepare(loop, &loop->iocbs[started], timed);
        loop->ready[ready++] = &loop->iocbs[started];
    }
    while (done < operations) {
        struct iocb **rest = loop->ready;
        int count, i;

        while (ready > 0) { /* a short count is normal */
            count = io_submit(loop->context, ready, rest);
            if (count < 0)
                return count;
            rest += count;
            ready -= count;
        }
        do {
            count = io_getevents(loop->context, 1, (long)loop->depth, loop->events, NULL);
        } while (count == -EINTR);
        if (count < 0)
            return count;
        for (i = 0; i < count; i++) {
            struct iocb *iocb = loop->events[i].obj;

            if (loop->events[i].res != iocb->u.c.nbytes) /* 0 for a sync */
                return (long)loop->events[i].res < 0 ? (int)loop->events[i].res : -EIO;
            if (timed)
                record(to, now() - loop->started_at[iocb - loop->iocbs]);
            done++;
            if (started < operations) {
                prepare(loop, iocb, timed);
                loop->ready[ready++] = iocb;
                started++;
            }
        }
    }
    return 0;
}

int c_loop_run(struct c_loop *loop, unsigned long operations) {
    return run(loop, operations, NULL, NULL, 0);
}

int c_loop_run_timed(struct c_loop *loop, unsigned long operations, c_loop_record record,
                     void *to) {
    return run(loop, operations, record, to, 1);
}
