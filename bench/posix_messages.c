/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The libaioxx authors
 *
 * Messages of 64 bytes to socket pairs in turn, one at a time. On each pair a read by aio_read
 * waits. Arguments: pairs, seconds. Prints messages a second, and microseconds of processor time a
 * message.
 */
#include <aio.h>
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { message_size = 64 };

struct pair {
    int ends[2];
    char received[message_size];
    struct aiocb block;
};

static double seconds_of(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void await_message(struct pair* pair) {
    memset(&pair->block, 0, sizeof(pair->block));
    pair->block.aio_fildes = pair->ends[0];
    pair->block.aio_buf = pair->received;
    pair->block.aio_nbytes = message_size;
    if (aio_read(&pair->block) != 0) {
        err(1, "aio_read");
    }
}

static void take_message(struct pair* pair) {
    const struct aiocb* const list[1] = {&pair->block};
    while (aio_error(&pair->block) == EINPROGRESS) {
        aio_suspend(list, 1, NULL);
    }
    if (aio_return(&pair->block) != message_size) {
        errx(1, "a read was not what was written");
    }
}

int main(int argc, char** argv) {
    if (argc != 3) {
        errx(2, "arguments: PAIRS SECONDS");
    }
    const int count = atoi(argv[1]);
    const double end = seconds_of(CLOCK_MONOTONIC) + atof(argv[2]);
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    struct pair* const pairs = calloc((size_t)count, sizeof(*pairs));
    if (pairs == NULL || count < 1) {
        err(1, "no pairs");
    }
    for (int i = 0; i < count; ++i) {
        if (socketpair(AF_UNIX, SOCK_STREAM, 0, pairs[i].ends) != 0) {
            err(1, "socketpair");
        }
        await_message(&pairs[i]);
    }
    const char sent[message_size] = "message";
    const double began = seconds_of(CLOCK_MONOTONIC);
    const double processor_began = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
    long messages = 0;
    for (; seconds_of(CLOCK_MONOTONIC) < end; ++messages) {
        struct pair* const pair = &pairs[messages % count];
        if (write(pair->ends[1], sent, message_size) != message_size) {
            err(1, "write");
        }
        take_message(pair);
        await_message(pair);
    }
    const double processor = seconds_of(CLOCK_PROCESS_CPUTIME_ID) - processor_began;
    printf("%.0f %.3f\n", (double)messages / (seconds_of(CLOCK_MONOTONIC) - began),
           processor * 1e6 / (double)messages);
    return 0;
}
