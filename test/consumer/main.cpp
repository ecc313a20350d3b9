// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include <aioxx/aioxx.hpp>

#include <cstring>
#include <fcntl.h>

int main(int, char** argv) {
    const aioxx::File self = aioxx::File::open(argv[0], O_RDONLY);
    aioxx::AlignedBuffer buffer{4, 4096};
    aioxx::Iocb read;
    read.prepare_read(self.fd(), buffer, 0);
    aioxx::EventBatch events{1};
    aioxx::Context context{1};
    context.submit(read);
    context.wait(events, 1);
    return events[0].result() == 4 && std::memcmp(buffer.data(), "\177ELF", 4) == 0 ? 0 : 1;
}
