// SPDX-License-Identifier: MIT
// Write a block through to the disk, and find what it belongs to again.

#include <aioxx/aioxx.hpp>
#include <cstdio>
#include <cstdlib>
#include <iostream>

struct Record {
    const char* name;
    aioxx::AlignedBuffer block;
};

int main() {
    char path[] = "/tmp/aioxx-iocb-XXXXXX";
    const aioxx::File file = aioxx::File::adopt(::mkstemp(path));
    Record record{"the first", aioxx::AlignedBuffer{4096, 4096}};
    aioxx::Iocb write;
    write.prepare_write(file.fd(), record.block, 0);
    write.set_rw_flags(
        aioxx::RwFlags::dsync); // after prepare_, which clears it
    write.set_data(&record);
    aioxx::EventBatch events{1};
    aioxx::Context context{1};

    context.submit(write);
    context.wait(events, 1);
    std::cout << events[0].data_as<Record>()->name << ": "
              << events[0].result() << " bytes\n";
    std::remove(path);
}
