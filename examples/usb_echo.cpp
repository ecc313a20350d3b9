// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// A USB device that sends back what its host sends: usb_echo DIRECTORY, where FunctionFS is
// mounted. test/devices/usb_gadget.cpp mounts it, and binds the device.

#include <aioxx/aioxx.hpp>

#include <array>
#include <cerrno>
#include <exception>
#include <iostream>
#include <span>
#include <string>
#include <system_error>
#include <vector>

#include <endian.h>
#include <fcntl.h>
#include <linux/usb/functionfs.h>

namespace {

struct [[gnu::packed]] Function { // one interface: an endpoint from the host, and one to it
    usb_interface_descriptor interface;
    std::array<usb_endpoint_descriptor_no_audio, 2> endpoints;
};
struct [[gnu::packed]] Descriptors {
    usb_functionfs_descs_head_v2 head;
    std::array<__le32, 2> counts; // at full and at high speed
    std::array<Function, 2> functions;
};

Function function(std::uint16_t packet) {
    usb_endpoint_descriptor_no_audio out{USB_DT_ENDPOINT_SIZE,   USB_DT_ENDPOINT, 1 | USB_DIR_OUT,
                                         USB_ENDPOINT_XFER_BULK, htole16(packet), 0};
    usb_endpoint_descriptor_no_audio in = out;
    in.bEndpointAddress = 2 | USB_DIR_IN;
    return {{USB_DT_INTERFACE_SIZE, USB_DT_INTERFACE, 0, 0, 2, USB_CLASS_VENDOR_SPEC, 0, 0, 0},
            {out, in}};
}

aioxx::Task<> echo(aioxx::Queue& queue, const std::string& directory) {
    const aioxx::File control = aioxx::File::open(directory + "/ep0", O_RDWR);
    const Descriptors descriptors{{htole32(FUNCTIONFS_DESCRIPTORS_MAGIC_V2),
                                   htole32(sizeof(Descriptors)),
                                   htole32(FUNCTIONFS_HAS_FS_DESC | FUNCTIONFS_HAS_HS_DESC)},
                                  {htole32(3), htole32(3)},
                                  {function(64), function(512)}};
    const usb_functionfs_strings_head no_strings{htole32(FUNCTIONFS_STRINGS_MAGIC),
                                                 htole32(sizeof(no_strings)), 0, 0};
    co_await queue.write(control, std::span{&descriptors, 1}, 0);
    co_await queue.write(control, std::span{&no_strings, 1}, 0); // now the endpoints are there
    const aioxx::File from_host = aioxx::File::open(directory + "/ep1", O_RDONLY | O_NONBLOCK);
    const aioxx::File to_host = aioxx::File::open(directory + "/ep2", O_WRONLY | O_NONBLOCK);
    std::cout << "ready to be bound" << std::endl;
    for (usb_functionfs_event event{}; event.type != FUNCTIONFS_ENABLE;) {
        co_await queue.read(control, std::span{&event, 1}, 0);
    }
    for (std::vector<std::byte> buffer(16384);;) {
        // Ends with a packet that is not full, or with a full buffer.
        const std::size_t bytes = co_await queue.read(from_host, buffer, 0);
        co_await queue.write_all(to_host, std::span{buffer}.first(bytes), 0);
    }
}

} // namespace

int main(int argc, char** argv) {
    try {
        aioxx::Queue queue;
        aioxx::run(queue, echo(queue, argc > 1 ? argv[1] : "."));
    } catch (const std::exception& error) {
        const auto* const failed = dynamic_cast<const std::system_error*>(&error);
        const int code = failed != nullptr ? failed->code().value() : 0;
        if (code != ESHUTDOWN && code != EAGAIN) { // unbound, or no host that has configured it
            std::cerr << error.what() << '\n';
            return 1;
        }
    }
}
