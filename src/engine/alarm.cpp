// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "engine/alarm.hpp"

#include <aioxx/file/file.hpp>

#include "engine/high_descriptor.hpp"

#include <new>
#include <system_error>
#include <utility>

#include <poll.h>
#include <sys/timerfd.h>
#include <unistd.h>

AIOXX_NAMESPACE_BEGIN
namespace engine {

std::unique_ptr<Alarm> Alarm::make(bool high) noexcept {
    const int low = ::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    const int timer = high ? move_high(low) : low;
    if (timer < 0) {
        return nullptr;
    }
    std::error_code error;
    std::unique_ptr<Alarm> made{new (std::nothrow) Alarm{File::borrow(timer, error)}};
    if (made == nullptr) {
        ::close(timer);
    }
    return made;
}

Alarm::Alarm(const File& timer) noexcept : OpenFile(timer) {
    poll.request.kind = Kind::poll;
    poll.request.bits = POLLIN;
    poll.file = this;
    is_engines = true;
}

Alarm::~Alarm() {
    close();
}

void Alarm::close() noexcept {
    if (fd >= 0) {
        ::close(std::exchange(fd, -1));
    }
}

void Alarm::set(std::chrono::nanoseconds time) noexcept {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(time);
    itimerspec setting{};
    setting.it_value.tv_sec = static_cast<time_t>(seconds.count());
    setting.it_value.tv_nsec = static_cast<long>((time - seconds).count());
    ::timerfd_settime(fd, 0, &setting, nullptr);
}

} // namespace engine
AIOXX_NAMESPACE_END
