// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// Endpoints of a USB gadget, whose requests the kernel takes back when it is asked to.
#include "child.hpp"
#include "devices/usb_gadget.hpp"
#include "eventually.hpp"
#include "queue/files.hpp"
#include "skip.hpp"

#include <chrono>
#include <csignal>
#include <string>
#include <utility>

#include <doctest/doctest.h>

using namespace aioxx::test;
using namespace std::chrono_literals;

namespace {

/// Plugged in, with its host.
struct Usb {
    Usb() { gadget.bind(); }
    UsbGadget gadget;
    Descriptor control{gadget.describe()};
    aioxx::File from_host{
        aioxx::File::open((gadget.directory() + "/ep1").c_str(), O_RDONLY | O_NONBLOCK)};
    aioxx::File to_host{
        aioxx::File::open((gadget.directory() + "/ep2").c_str(), O_WRONLY | O_NONBLOCK)};
};

/// A program that is ended with the test, if it has not ended.
class Program {
public:
    Program(const char* path, const char* argument, int output) : pid_(::fork()) {
        if (pid_ == 0) {
            ::dup2(output, STDOUT_FILENO);
            ::execl(path, path, argument, nullptr);
            ::_exit(127);
        }
    }
    ~Program() {
        if (pid_ > 0) {
            ::kill(pid_, SIGKILL);
            wait_for_child(pid_);
        }
    }
    Program(const Program&) = delete;
    Program& operator=(const Program&) = delete;
    int wait() { return wait_for_child(std::exchange(pid_, -1)).status; }

private:
    pid_t pid_;
};

std::string first_line_of(const Pipe& pipe) {
    std::string line;
    for (char one = 0; ::read(pipe.reader, &one, 1) == 1 && one != '\n';) {
        line += one;
    }
    return line;
}

} // namespace

TEST_CASE("a context reads and writes endpoints of a USB gadget, and cancels what waits there") {
    SKIP_ON_SHARED_MACHINE("a USB device is the whole machine's");
    SKIP_WITHOUT_KERNEL_AIO("there is no context");
    auto usb = attempt<Usb>();
    if (!usb) {
        SKIP_CASE(usb.reason());
    }
    UsbHost host;
    aioxx::AlignedBuffer buffer{4096, 4096};
    aioxx::EventBatch events{1};
    aioxx::Iocb iocb;
    aioxx::Context context{1};
    iocb.prepare_read(usb->from_host.fd(), buffer, 0);
    context.submit(iocb);
    CHECK(host.send("from the host") == 13);
    CHECK(context.wait(events, 1) == 1);
    CHECK(events[0].result() == 13);
    CHECK(text_of(buffer.first(13)) == "from the host");

    iocb.prepare_write(usb->to_host.fd(), buffer.first(13), 0);
    context.submit(iocb);
    CHECK(host.receive(512) == "from the host");
    CHECK(context.wait(events, 1) == 1);
    CHECK(events[0].result() == 13);

    iocb.prepare_read(usb->from_host.fd(), buffer, 0);
    context.submit(iocb);
    CHECK((context.cancel(iocb) == aioxx::CancelResult::requested));
    CHECK(context.wait(events, 1) == 1);
    CHECK(events[0].result() == -ECONNRESET);
}

TEST_CASE("a queue's transfers on endpoints of a USB gadget are cancelled, time out and end") {
    SKIP_ON_SHARED_MACHINE("a USB device is the whole machine's");
    auto usb = attempt<Usb>();
    if (!usb) {
        SKIP_CASE(usb.reason());
    }
    CHECK(usb->from_host.is_usb_endpoint());
    CHECK_FALSE(aioxx::File::borrow(usb->control).is_usb_endpoint());
    UsbHost host;
    aioxx::AlignedBuffer buffer{4096, 4096};
    aioxx::Queue queue;
    Outcomes outcomes{6};
    queue.read(usb->from_host, buffer, 0).start(outcomes.at(0));
    CHECK(host.send("from the host") == 13);
    while (outcomes.all() == 0) {
        queue.run_once();
    }
    CHECK(outcomes[0] == 13);
    CHECK(text_of(buffer.first(13)) == "from the host");
    queue.write(usb->to_host, buffer.first(13), 0).start(outcomes.at(1));
    CHECK(host.receive(512) == "from the host");
    queue.run();
    CHECK(outcomes[1] == 13);
    if (queue.uses_kernel_aio()) { // else they wait in a worker's call
        const aioxx::OperationId read = queue.read(usb->from_host, buffer, 0).start(outcomes.at(2));
        CHECK(eventually([&queue] { return queue.statistics().in_flight == 1; }));
        CHECK((queue.cancel(read) == aioxx::Cancellation::requested));
        queue.run();
        CHECK(outcomes[2] == -ECANCELED);
        queue.read(usb->from_host, aioxx::AlignedBuffer{4096, 4096}, 0)
            .within(10ms)
            .start(outcomes.at(3));
        queue.run();
        CHECK(outcomes[3] == -ETIMEDOUT);
        while (queue.statistics().quarantined > 0) { // it is taken back
            queue.run_once();
        }
    }
    queue.read(usb->from_host, buffer, 0).start(outcomes.at(4));
    queue.read(usb->from_host, aioxx::AlignedBuffer{4096, 4096}, 0).start(outcomes.at(5));
    usb->gadget.unbind();
    queue.run();
    for (const std::size_t read : {4U, 5U}) { // EAGAIN: a worker had not submitted it yet
        CHECK((outcomes[read] == -ESHUTDOWN || outcomes[read] == -EAGAIN));
    }
}

TEST_CASE("the example of a USB device sends back what its host sends, until it is unbound") {
    SKIP_ON_SHARED_MACHINE("a USB device is the whole machine's");
    auto gadget = attempt<UsbGadget>();
    if (!gadget) {
        SKIP_CASE(gadget.reason());
    }
    Pipe said;
    Program program{USB_ECHO_PROGRAM, gadget->directory().c_str(), said.writer};
    said.writer.close();
    REQUIRE(first_line_of(said) == "ready to be bound");
    gadget->bind();
    {
        UsbHost host;
        // A transfer ends with a packet that is not full, or with the memory: one has 512 bytes.
        for (const std::size_t size : {1U, 500U, 1000U, 16384U}) {
            const std::string text(size, static_cast<char>('a' + size % 26));
            CHECK(host.send(text) == static_cast<int>(size));
            CHECK((host.receive(size) == text));
        }
    }
    gadget->unbind();
    CHECK(program.wait() == 0);
}
