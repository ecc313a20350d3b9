// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

/* The reference: kernel AIO through libaio, as a careful C programmer writes it by hand. */

#include "bench/engines/request.h"

#include <libaio.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct c_loop {
    io_context_t context;
    int fd;
    unsigned depth;
    size_t block_size;
    char *buffers; /* depth * block_size */
    const struct request *requests;
    size_t request_mask; /* a power of two, less one */
    size_t next_request; /* where the next run begins */
    struct iocb *iocbs;  /* depth of each */
    struct iocb **ready;
    struct io_event *events;
    long long *started_at; /* nanoseconds, used by the timed loop only */
};

typedef void (*c_loop_record)(void *to, long long nanoseconds);

/* Each returns 0 or -errno. The loops leave nothing in flight. */
int c_loop_open(struct c_loop *loop);
void c_loop_close(struct c_loop *loop);
int c_loop_run(struct c_loop *loop, unsigned long operations);
int c_loop_run_timed(struct c_loop *loop, unsigned long operations, c_loop_record record,
                     void *to);

#ifdef __cplusplus
}
#endif
