// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// Reads the start of its own file by aio_read, and prints where that function is from.
#define _GNU_SOURCE
#include <aio.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char** argv) {
    char start[4];
    struct aiocb read = {.aio_buf = start, .aio_nbytes = sizeof(start)};
    const struct aiocb* const list[] = {&read};
    Dl_info info;
    read.aio_fildes = open(argv[argc - 1], O_RDONLY);
    if (aio_read(&read) != 0 || aio_suspend(list, 1, NULL) != 0 || aio_return(&read) != 4 ||
        memcmp(start, "\177ELF", 4) != 0 || dladdr(dlsym(RTLD_DEFAULT, "aio_read"), &info) == 0) {
        return 1;
    }
    return puts(info.dli_fname) < 0;
}
