// SPDX-License-Identifier: MIT
// Submit several reads, and take their events as they come.

#include <aioxx/aioxx.hpp>
#include <array>
#include <fcntl.h>
#include <iostream>
#include <span>

int main(int, char** argv) {
    try {
        const aioxx::File file = aioxx::File::open(argv[1], O_RDONLY);
        std::array<std::array<std::byte, 512>, 8> blocks;
        std::array<aioxx::Iocb, 8> reads;
        std::array<aioxx::Iocb*, 8> pointers;
        for (std::size_t i = 0; i < reads.size(); ++i) {
            reads[i].prepare_read(file.fd(), blocks[i],
                                  static_cast<std::int64_t>(i) * 512);
            pointers[i] = &reads[i];
        }
        aioxx::EventBatch events{4}; // at most so many a wait
        aioxx::Context context{8};

        std::span<aioxx::Iocb* const> rest{pointers};
        std::size_t in_flight = 0;
        std::int64_t bytes = 0;
        while (in_flight > 0 || !rest.empty()) {
            if (!rest.empty()) { // a submit may take fewer
                const std::size_t accepted = context.submit(rest);
                in_flight += accepted;
                rest = rest.subspan(accepted);
            }
            in_flight -= context.wait(events, 1);
            for (const aioxx::Event& event : events) {
                bytes += event.error() ? 0 : event.result();
            }
        }
        std::cout << bytes << " bytes\n";
    } catch (const std::system_error& error) {
        std::cerr << error.what() << '\n';
        return 1;
    }
}
