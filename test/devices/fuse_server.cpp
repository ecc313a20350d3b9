// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "devices/fuse_server.hpp"

#include <cerrno>
#include <csignal>
#include <fstream>
#include <system_error>

#include <fcntl.h>
#include <unistd.h>

#ifndef FUSE_PROGRAM
#define FUSE_PROGRAM ""
#endif

namespace aioxx::test {
namespace {

const std::string server_program = FUSE_PROGRAM;

std::string start_of(const std::string& directory, unsigned max_background, bool hears_of_closing,
                     bool forgets) {
    if (server_program.empty()) {
        throw Missing("built without libfuse3");
    }
    return server_program + ' ' + directory + ' ' + std::to_string(max_background) +
           (hears_of_closing ? " 1" : " 0") + (forgets ? " 1" : " 0");
}

std::string end_of(const std::string& directory) {
    return "[ /proc/$made/exe -ef " + server_program + " ] && kill -KILL $made; umount " +
           directory + " 2>/dev/null || umount -l " + directory;
}

} // namespace

FuseServer::FuseServer(unsigned max_background, bool hears_of_closing, bool forgets)
    : server_(start_of(directory_.path(), max_background, hears_of_closing, forgets),
              end_of(directory_.path())) {}

void FuseServer::command(const std::string& text) {
    const int fd = ::open(file(".control").c_str(), O_WRONLY | O_CLOEXEC);
    const ssize_t written = fd < 0 ? -1 : ::write(fd, text.data(), text.size());
    const int error = errno;
    ::close(fd);
    if (written < 0) {
        throw std::system_error(error, std::generic_category(), "FuseServer: " + text);
    }
}

unsigned long FuseServer::zeros() const {
    std::ifstream control{file(".control")};
    unsigned long count = 0;
    control >> count;
    return count;
}

void FuseServer::signal(int number) {
    if (::kill(std::stoi(server_.output()), number) != 0) {
        throw std::system_error(errno, std::generic_category(), "kill the FUSE server");
    }
}

void FuseServer::stop() {
    signal(SIGSTOP);
}

void FuseServer::resume() {
    signal(SIGCONT);
}

void FuseServer::kill() {
    signal(SIGKILL);
}

} // namespace aioxx::test
