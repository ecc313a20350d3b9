// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "devices/usb_gadget.hpp"

#include "eventually.hpp"

#include <array>
#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <fstream>

#include <endian.h>
#include <fcntl.h>
#include <linux/usb/functionfs.h>
#include <linux/usbdevice_fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace aioxx::test {
namespace {

constexpr const char* product = "a10c";

/// The device's node below /dev/bus/usb, when the host has configured it.
std::string node_of_device() {
    const auto word = [](const std::filesystem::path& of) {
        std::string text;
        std::ifstream{of} >> text;
        return text;
    };
    for (const auto& entry : std::filesystem::directory_iterator{"/sys/bus/usb/devices"}) {
        const std::filesystem::path& device = entry.path();
        if (word(device / "idProduct") == product && word(device / "bConfigurationValue") == "1") {
            std::array<char, 32> node{};
            std::snprintf(node.data(), node.size(), "/dev/bus/usb/%03d/%03d",
                          std::stoi(word(device / "busnum")), std::stoi(word(device / "devnum")));
            return node.data();
        }
    }
    return {};
}

void write_whole(int fd, const void* bytes, std::size_t size) {
    if (::write(fd, bytes, size) != static_cast<ssize_t>(size)) {
        throw std::system_error(errno, std::generic_category(), "ep0");
    }
}

int transfer(int device, unsigned endpoint, std::string& text, unsigned milliseconds) {
    usbdevfs_bulktransfer bulk{endpoint, static_cast<unsigned>(text.size()), milliseconds,
                               text.data()};
    const int bytes = ::ioctl(device, USBDEVFS_BULK, &bulk);
    return bytes < 0 ? -errno : bytes;
}

} // namespace

UsbGadget::UsbGadget()
    : made_("for part in libcomposite usb_f_fs 'dummy_hcd is_high_speed=1'; do"
            " modprobe $part || { echo \"no $part\"; exit 1; }; done; "
            "top=$(mktemp -d /var/tmp/aioxx-XXXXXX) && mkdir $top/config $top/function &&"
            " mount -t configfs none $top/config && gadget=$top/config/usb_gadget/aioxx &&"
            " mkdir $gadget && mkdir $gadget/functions/ffs.aioxx $gadget/configs/c.1 &&"
            " ln -s $gadget/functions/ffs.aioxx $gadget/configs/c.1 && echo 0x1d6b >"
            " $gadget/idVendor && echo 0xa10c > $gadget/idProduct &&"
            " mount -t functionfs aioxx $top/function && echo $top",
            "gadget=$made/config/usb_gadget/aioxx; { echo > $gadget/UDC; } 2>/dev/null; umount "
            "$made/function; rm"
            " $gadget/configs/c.1/ffs.aioxx; rmdir $gadget/configs/c.1"
            " $gadget/functions/ffs.aioxx $gadget; umount $made/config; rmdir $made/config"
            " $made/function $made") {}

Descriptor UsbGadget::describe() const {
    struct [[gnu::packed]] {
        usb_functionfs_descs_head_v2 head;
        std::array<std::uint32_t, 2> counts;
        struct [[gnu::packed]] {
            usb_interface_descriptor interface;
            std::array<usb_endpoint_descriptor_no_audio, 2> endpoints;
        } speeds[2];
    } descriptors{};
    descriptors.head = {htole32(FUNCTIONFS_DESCRIPTORS_MAGIC_V2), htole32(sizeof(descriptors)),
                        htole32(FUNCTIONFS_HAS_FS_DESC | FUNCTIONFS_HAS_HS_DESC)};
    descriptors.counts = {htole32(3), htole32(3)};
    std::uint16_t packet = 64;
    for (auto& speed : descriptors.speeds) {
        speed.interface = {
            USB_DT_INTERFACE_SIZE, USB_DT_INTERFACE, 0, 0, 2, USB_CLASS_VENDOR_SPEC, 0, 0, 0};
        speed.endpoints = {{{USB_DT_ENDPOINT_SIZE, USB_DT_ENDPOINT, 1 | USB_DIR_OUT,
                             USB_ENDPOINT_XFER_BULK, htole16(packet), 0},
                            {USB_DT_ENDPOINT_SIZE, USB_DT_ENDPOINT, 2 | USB_DIR_IN,
                             USB_ENDPOINT_XFER_BULK, htole16(packet), 0}}};
        packet = 512;
    }
    const usb_functionfs_strings_head strings{htole32(FUNCTIONFS_STRINGS_MAGIC),
                                              htole32(sizeof(strings)), 0, 0};
    Descriptor control{::open((directory() + "/ep0").c_str(), O_RDWR | O_CLOEXEC)};
    write_whole(control, &descriptors, sizeof(descriptors));
    write_whole(control, &strings, sizeof(strings));
    return control;
}

void UsbGadget::bind() {
    std::ofstream{made_.output() + "/config/usb_gadget/aioxx/UDC"} << "dummy_udc.0\n";
}

void UsbGadget::unbind() {
    std::ofstream{made_.output() + "/config/usb_gadget/aioxx/UDC"} << "\n";
}

UsbHost::UsbHost() {
    std::string node;
    eventually([&node] { return !(node = node_of_device()).empty(); });
    device_ = Descriptor{::open(node.c_str(), O_RDWR | O_CLOEXEC)};
    // What the device and its configuration say of themselves, one behind the other. The addresses
    // of the endpoints are not those that the function asked for.
    std::array<unsigned char, 256> said{};
    const ssize_t bytes = ::read(device_, said.data(), said.size());
    for (ssize_t at = 0; at + 2 < bytes && said[static_cast<std::size_t>(at)] > 0;) {
        const unsigned char* const one = &said[static_cast<std::size_t>(at)];
        if (one[1] == USB_DT_ENDPOINT) {
            ((one[2] & USB_DIR_IN) != 0 ? in_ : out_) = one[2];
        }
        at += one[0];
    }
    unsigned interface = 0;
    if (::ioctl(device_, USBDEVFS_CLAIMINTERFACE, &interface) != 0) {
        throw std::system_error(errno, std::generic_category(), "the host's interface");
    }
}

int UsbHost::send(std::string text, unsigned milliseconds) {
    return transfer(device_, out_, text, milliseconds);
}

std::optional<std::string> UsbHost::receive(std::size_t most, unsigned milliseconds) {
    std::string text(most, '\0');
    const int bytes = transfer(device_, in_, text, milliseconds);
    if (bytes < 0) {
        errno = -bytes;
        return std::nullopt;
    }
    text.resize(static_cast<std::size_t>(bytes));
    return text;
}

} // namespace aioxx::test
