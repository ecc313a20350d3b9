// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors

// The process behind FuseServer: fuse_program DIRECTORY MAX_BACKGROUND HEARS_OF_CLOSING FORGETS. It
// mounts, goes into the background, and prints its number. One thread; a request that has to wait
// is kept unanswered, and one that is answered late has a thread that waits.

#define FUSE_USE_VERSION 34
#include <fuse_lowlevel.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <functional>
#include <mutex>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

namespace {

constexpr std::size_t file_size = 1U << 20;
// Only the kernel changes the files, and asking for their size would block in submit.
constexpr double for_ever = 1e9;
constexpr std::string_view control_name = ".control";
constexpr std::string_view temporary_prefix = ".aioxx-"; // these exist when they have been made

struct Node {
    std::string name;
    std::vector<char> bytes = std::vector<char>(file_size);
    bool gated = false;
    bool close_gated = false;
    std::size_t longest = file_size;
    int read_error = 0;
    int write_error = 0;
    int fsync_error = 0;
    unsigned slow_percent = 0; // of reads
    std::chrono::milliseconds slow_by{0};
    std::minstd_rand chance{}; // which of them
};

struct Server {
    std::deque<Node> nodes; // inode 2 and on
    std::deque<std::function<void()>> waiting;
    bool closed = false;
    fuse_req_t awaiting = nullptr;
    std::size_t awaited = 0;
    std::size_t awaiting_length = 0;
    unsigned max_background = 0;
    bool hears_of_closing = false;
    bool forgets = false; // what the kernel is told of a file is valid for no time
    std::chrono::milliseconds late{0};
    std::mutex mutex; // of all this
    // As commands set them.
    int mode_error = 0;
    int sync_error = 0;
    int directory_sync_error = 0;
    std::size_t zeros = 0; // that came between what was written, as sizes were set or skipped
};
Server server;

Node& node_of(fuse_ino_t inode) {
    return server.nodes[inode - 2];
}

bool is_control(fuse_ino_t inode) {
    return node_of(inode).name == control_name;
}

int number_after(std::string_view part, std::string_view prefix, int otherwise) {
    if (!part.starts_with(prefix)) {
        return otherwise;
    }
    int number = otherwise;
    part.remove_prefix(prefix.size());
    std::from_chars(part.data(), part.data() + part.size(), number);
    return number;
}

Node make_node(std::string_view name) {
    Node node;
    node.name = name;
    node.chance.seed(static_cast<unsigned>(server.nodes.size()) + 1); // no two the same
    for (std::size_t at = 0; at < file_size; ++at) {
        node.bytes[at] = static_cast<char>(at / 512);
    }
    while (!name.empty()) {
        const std::string_view part = name.substr(0, name.find('.'));
        name.remove_prefix(std::min(part.size() + 1, name.size()));
        node.gated = node.gated || part == "gate";
        node.close_gated = node.close_gated || part == "close-gate";
        node.longest =
            static_cast<std::size_t>(number_after(part, "short-", static_cast<int>(node.longest)));
        node.read_error = number_after(part, "read-error-", node.read_error);
        node.write_error = number_after(part, "write-error-", node.write_error);
        node.fsync_error = number_after(part, "fsync-error-", node.fsync_error);
        node.slow_percent =
            static_cast<unsigned>(number_after(part, "slow-", static_cast<int>(node.slow_percent)));
        node.slow_by = std::chrono::milliseconds{
            number_after(part, "by-", static_cast<int>(node.slow_by.count()))};
    }
    return node;
}

struct stat status_of(fuse_ino_t inode) {
    struct stat status {};
    status.st_ino = inode;
    status.st_nlink = 1;
    status.st_mode = inode == FUSE_ROOT_ID ? S_IFDIR | 0755 : S_IFREG | 0644;
    if (inode != FUSE_ROOT_ID) {
        status.st_size = static_cast<off_t>(node_of(inode).bytes.size());
    }
    return status;
}

// --- The gate -----------------------------------------------------------------------------------

void answer_awaiting() {
    if (server.awaiting != nullptr && server.waiting.size() >= server.awaited) {
        fuse_reply_write(std::exchange(server.awaiting, nullptr), server.awaiting_length);
    }
}

/// At once, or late.
void answer(std::function<void()> make, std::chrono::milliseconds late) {
    if (late.count() == 0) {
        make();
        return;
    }
    std::thread([make = std::move(make), late] {
        std::this_thread::sleep_for(late);
        const std::lock_guard lock{server.mutex};
        make();
    }).detach();
}

void pass_now(bool gated, std::function<void()> answer) {
    if (!gated || !server.closed) {
        answer();
        return;
    }
    server.waiting.push_back(std::move(answer));
    answer_awaiting();
}

void pass(bool gated, std::function<void()> make, std::chrono::milliseconds slow_by = {}) {
    answer([gated, make = std::move(make)] { pass_now(gated, make); }, server.late + slow_by);
}

void release_oldest() {
    if (!server.waiting.empty()) {
        const auto answer = std::move(server.waiting.front());
        server.waiting.pop_front();
        answer();
    }
}

void release_newest() {
    if (!server.waiting.empty()) {
        const auto answer = std::move(server.waiting.back());
        server.waiting.pop_back();
        answer();
    }
}

void obey(fuse_req_t request, std::string_view text) {
    if (text.starts_with("await ")) {
        server.awaiting = request;
        server.awaited = static_cast<std::size_t>(number_after(text, "await ", 0));
        server.awaiting_length = text.size();
        answer_awaiting();
        return;
    }
    if (text.starts_with("fail-")) {
        const std::string_view what = text.substr(5);
        server.mode_error = number_after(what, "mode ", server.mode_error);
        server.sync_error = number_after(what, "sync ", server.sync_error);
        server.directory_sync_error =
            number_after(what, "directory-sync ", server.directory_sync_error);
    } else if (text.starts_with("late ")) {
        server.late = std::chrono::milliseconds{number_after(text, "late ", 0)};
    } else if (text == "close") {
        server.closed = true;
    } else if (text == "open") {
        server.closed = false;
        while (!server.waiting.empty()) {
            release_oldest();
        }
    } else if (text == "oldest") {
        release_oldest();
    } else if (text == "newest") {
        release_newest();
    } else {
        fuse_reply_err(request, EINVAL);
        return;
    }
    fuse_reply_write(request, text.size());
}

// --- What the kernel asks -----------------------------------------------------------------------

void init(void*, fuse_conn_info* connection) {
    connection->max_background = server.max_background;
    connection->congestion_threshold = server.max_background;
    if (!server.forgets) {
        connection->want &= ~static_cast<unsigned>(FUSE_CAP_AUTO_INVAL_DATA);
    }
}

fuse_entry_param entry_of(fuse_ino_t inode) {
    fuse_entry_param entry{};
    entry.ino = inode;
    entry.attr = status_of(inode);
    entry.attr_timeout = server.forgets ? 0 : for_ever;
    return entry;
}

void lookup(fuse_req_t request, fuse_ino_t, const char* name) {
    auto node = std::find_if(server.nodes.begin(), server.nodes.end(),
                             [name](const Node& each) { return each.name == name; });
    if (node == server.nodes.end() && std::string_view{name}.starts_with(temporary_prefix)) {
        fuse_reply_err(request, ENOENT);
        return;
    }
    if (node == server.nodes.end()) {
        server.nodes.push_back(make_node(name));
        node = std::prev(server.nodes.end());
    }
    const fuse_entry_param entry =
        entry_of(static_cast<fuse_ino_t>(node - server.nodes.begin()) + 2);
    fuse_reply_entry(request, &entry);
}

void create(fuse_req_t request, fuse_ino_t, const char* name, mode_t, fuse_file_info* file) {
    server.nodes.push_back(make_node(name));
    server.nodes.back().bytes.clear();
    const fuse_entry_param entry = entry_of(server.nodes.size() + 1);
    fuse_reply_create(request, &entry, file);
}

void unlink(fuse_req_t request, fuse_ino_t, const char* name) {
    for (Node& each : server.nodes) {
        each.name = each.name == name ? "" : each.name; // a program that has it open keeps it
    }
    fuse_reply_err(request, 0);
}

void rename(fuse_req_t request, fuse_ino_t, const char* name, fuse_ino_t, const char* new_name,
            unsigned) {
    for (Node& each : server.nodes) {
        each.name = each.name == new_name ? "" : each.name == name ? new_name : each.name;
    }
    fuse_reply_err(request, 0);
}

void getattr(fuse_req_t request, fuse_ino_t inode, fuse_file_info*) {
    answer(
        [=] {
            const struct stat status = status_of(inode);
            fuse_reply_attr(request, &status, server.forgets ? 0 : for_ever);
        },
        server.late);
}

void resize(Node& node, std::size_t size) {
    server.zeros += size - std::min(size, node.bytes.size());
    node.bytes.resize(size);
}

void setattr(fuse_req_t request, fuse_ino_t inode, struct stat* wanted, int which,
             fuse_file_info*) {
    if ((which & FUSE_SET_ATTR_MODE) != 0 && server.mode_error != 0) {
        fuse_reply_err(request, server.mode_error);
        return;
    }
    if ((which & FUSE_SET_ATTR_SIZE) != 0 && inode != FUSE_ROOT_ID) {
        resize(node_of(inode), static_cast<std::size_t>(wanted->st_size));
    }
    getattr(request, inode, nullptr);
}

void open(fuse_req_t request, fuse_ino_t inode, fuse_file_info* file) {
    file->direct_io = is_control(inode);
    fuse_reply_open(request, file);
}

void read(fuse_req_t request, fuse_ino_t inode, std::size_t size, off_t offset, fuse_file_info*) {
    if (is_control(inode)) {
        const std::string zeros = std::to_string(server.zeros);
        fuse_reply_buf(request, zeros.data(), offset == 0 ? zeros.size() : 0);
        return;
    }
    Node& asked = node_of(inode);
    const bool slow = asked.slow_percent > 0 && asked.chance() % 100 < asked.slow_percent;
    const auto read_node = [=] {
        const Node& node = node_of(inode);
        if (node.read_error != 0) {
            fuse_reply_err(request, node.read_error);
            return;
        }
        const std::size_t at = std::min(static_cast<std::size_t>(offset), node.bytes.size());
        const std::size_t length = std::min({size, node.bytes.size() - at, node.longest});
        fuse_reply_buf(request, node.bytes.data() + at, length);
    };
    pass(asked.gated, read_node, slow ? asked.slow_by : std::chrono::milliseconds{0});
}

void write(fuse_req_t request, fuse_ino_t inode, const char* data, std::size_t size, off_t offset,
           fuse_file_info*) {
    if (is_control(inode)) {
        obey(request, {data, size});
        return;
    }
    pass(node_of(inode).gated, [=, copy = std::string(data, size)] {
        Node& node = node_of(inode);
        if (node.write_error != 0) {
            fuse_reply_err(request, node.write_error);
            return;
        }
        const auto at = static_cast<std::size_t>(offset);
        resize(node, std::max(node.bytes.size(), at)); // what is left out, if anything
        node.bytes.resize(std::max(node.bytes.size(), at + copy.size()));
        std::memcpy(node.bytes.data() + at, copy.data(), copy.size());
        fuse_reply_write(request, copy.size());
    });
}

void fsync(fuse_req_t request, fuse_ino_t inode, int, fuse_file_info*) {
    pass(node_of(inode).gated, [=] {
        const int error = node_of(inode).fsync_error;
        fuse_reply_err(request, error != 0 ? error : server.sync_error);
    });
}

void fsyncdir(fuse_req_t request, fuse_ino_t, int, fuse_file_info*) {
    fuse_reply_err(request, server.directory_sync_error);
}

void flush(fuse_req_t request, fuse_ino_t inode, fuse_file_info*) {
    pass(node_of(inode).close_gated, [=] { fuse_reply_err(request, 0); });
}

/// Until it is unmounted.
void answer_all(fuse_session* session) {
    fuse_buf request{};
    while (fuse_session_exited(session) == 0) {
        const int length = fuse_session_receive_buf(session, &request);
        if (length > 0) {
            const std::lock_guard lock{server.mutex};
            fuse_session_process_buf(session, &request);
        } else if (length != -EINTR) {
            return;
        }
    }
}

int serve(const char* directory) {
    fuse_lowlevel_ops operations{};
    operations.init = init;
    operations.lookup = lookup;
    operations.create = create;
    operations.unlink = unlink;
    operations.rename = rename;
    operations.getattr = getattr;
    operations.setattr = setattr;
    operations.open = open;
    operations.read = read;
    operations.write = write;
    operations.fsync = fsync;
    operations.fsyncdir = fsyncdir;
    operations.flush = server.hears_of_closing ? flush : nullptr;

    char name[] = "fuse_program";
    char* arguments[] = {name, nullptr};
    fuse_args args = FUSE_ARGS_INIT(1, arguments);
    fuse_session* const session = fuse_session_new(&args, &operations, sizeof(operations), nullptr);
    if (session == nullptr || fuse_session_mount(session, directory) != 0) {
        return EXIT_FAILURE;
    }
    const pid_t child = ::fork();
    if (child != 0) {
        std::printf("%d\n", child);
        std::fflush(stdout);
        ::_exit(child < 0 ? EXIT_FAILURE : EXIT_SUCCESS); // the mount is the child's
    }
    const int null = ::open("/dev/null", O_RDWR);
    for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        ::dup2(null, standard);
    }
    answer_all(session);
    ::_exit(EXIT_SUCCESS);
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 5) {
        std::fputs("fuse_program DIRECTORY MAX_BACKGROUND HEARS_OF_CLOSING FORGETS\n", stderr);
        return EXIT_FAILURE;
    }
    server.max_background = static_cast<unsigned>(std::atoi(argv[2]));
    server.hears_of_closing = std::atoi(argv[3]) != 0;
    server.forgets = std::atoi(argv[4]) != 0;
    return serve(argv[1]);
}
