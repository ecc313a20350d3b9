// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors

// dlclose_program LIBRARY: loads it, makes requests, and closes it while they are in flight. Ends
// with 0 when all of them have completed.

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <ctime>

#include <aio.h>
#include <dlfcn.h>
#include <unistd.h>

namespace {

volatile std::sig_atomic_t told = 0;

struct Functions {
    int (*read)(aiocb*);
    int (*error)(const aiocb*);
    ssize_t (*result)(aiocb*);
};

template <typename Function>
bool find(void* library, const char* name, Function& function) {
    void* const address = ::dlsym(library, name);
    std::memcpy(&function, &address, sizeof(function));
    return address != nullptr;
}

bool load(const char* path, void*& library, Functions& functions) {
    library = ::dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) {
        std::fprintf(stderr, "%s\n", ::dlerror());
        return false;
    }
    return find(library, "aio_read64", functions.read) &&
           find(library, "aio_error64", functions.error) &&
           find(library, "aio_return64", functions.result);
}

void pause_briefly() {
    const timespec time{0, 10'000'000};
    ::nanosleep(&time, nullptr);
}

aiocb request_for(int fd, char* byte) {
    aiocb request{};
    request.aio_fildes = fd;
    request.aio_buf = byte;
    request.aio_nbytes = 1;
    request.aio_sigevent.sigev_notify = SIGEV_SIGNAL;
    request.aio_sigevent.sigev_signo = SIGUSR1;
    return request;
}

} // namespace

int main(int argc, char** argv) {
    std::array<int, 2> ends{};
    if (argc != 2 || ::pipe(ends.data()) != 0) {
        return 1;
    }
    struct sigaction action {};
    action.sa_handler = [](int) { told = 1; };
    action.sa_flags = SA_RESTART;
    ::sigaction(SIGUSR1, &action, nullptr);

    // With a request in flight: its completion must not run in code that is unloaded.
    static char byte = 0;
    static aiocb in_flight = request_for(ends[0], &byte);
    void* library = nullptr;
    Functions functions{};
    if (!load(argv[1], library, functions) || functions.read(&in_flight) != 0) {
        return 2;
    }
    ::dlclose(library);
    if (::write(ends[1], "x", 1) != 1) {
        return 3;
    }
    while (told == 0) { // the program that started this ends it if it takes too long
        pause_briefly();
    }
    // Again, and with nothing in flight.
    for (int round = 0; round < 3; ++round) {
        char next = 0;
        aiocb request = request_for(ends[0], &next);
        if (::write(ends[1], "yy", 2) != 2 || !load(argv[1], library, functions) ||
            functions.read(&request) != 0) {
            return 4;
        }
        while (functions.error(&request) == EINPROGRESS) {
            pause_briefly();
        }
        if (functions.result(&request) != 1) {
            return 5;
        }
        ::dlclose(library);
    }
    return 0;
}
