// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
//
// Programs that the compiler refuses, each with a sentence, and what is near them and compiles. Not
// a source by itself: ./check compiles each case alone, as a function of the names in `preamble`.

// preamble
#include <aioxx/aioxx.hpp>

#include <array>
#include <chrono>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <tuple>
#include <variant>
#include <vector>

#include <fcntl.h>

using namespace aioxx;
using namespace std::chrono_literals;

inline constexpr auto ignore = [](const Completion&) {};
AlignedBuffer make_buffer();
File make_file();
Task<int> number();
Task<> nothing();
BufferPool& pool();

// refused: the File is a temporary: give it a name
queue.read(File::open("/dev/zero", O_RDONLY), memory, 0).start(ignore);

// refused: the File is a temporary: give it a name
auto kept = queue.write_all(make_file(), make_buffer(), 0);

// refused: the File is a temporary: give it a name
queue.fsync(std::move(file)).start(ignore);

// refused: the File is a temporary: give it a name
queue.poll(File{}, 1).start(ignore);

// refused: an operation is on an aioxx::File: File::borrow or File::adopt makes one
queue.read(0, memory, 0).start(ignore);

// compiles
std::optional<File> maybe{make_file()};
queue.read(*maybe, memory, 0).start(ignore);
queue.read(std::as_const(file), memory, 0).start(ignore);
queue.fdatasync(std::ref(file)).start(ignore);

// refused: the memory is a temporary: give it a name
queue.write(file, std::array<std::byte, 4>{}, 0).start(ignore);

// refused: the memory is a temporary: give it a name
queue.read(file, std::array<int, 4>{}, 0).start(ignore);

// refused: the memory is a temporary: give it a name
const std::string constant;
queue.write(file, std::move(constant), 0).start(ignore);

// refused: the memory is a temporary: give it a name
queue.writev(file, std::array<iovec, 2>{}, 0).start(ignore);

// refused: the memory is a temporary: give it a name
const AlignedBuffer whole{512, 512};
queue.write_all(file, std::move(whole), 0).start(ignore);

// refused: a string literal has a NUL at its end
queue.write_all(file, "text", 0).start(ignore);

// refused: what is read into has to be writable
const std::array<std::byte, 4> constant{};
queue.read(file, constant, 0).start(ignore);

// refused: what is read into has to be writable
queue.read_full(file, std::as_bytes(std::span{memory}), 0).start(ignore);

// refused: what is read into has to be writable
queue.read(file, std::string_view{"text"}, 0).start(ignore);

// refused: a string literal has a NUL at its end
const char* text = "text";
queue.write_all(file, text, 0).start(ignore);

// refused: memory is a contiguous range of bytes, or of what is trivially copyable and no pointer
std::vector<std::string> texts;
queue.write_all(file, texts, 0).start(ignore);

// refused: memory is a contiguous range of bytes, or of what is trivially copyable and no pointer
std::vector<const char*> texts;
queue.write_all(file, texts, 0).start(ignore);

// refused: parts (iovec) are for readv and writev
std::vector<iovec> parts;
queue.write_all(file, parts, 0).start(ignore);

// refused: memory is a contiguous range of bytes
int number = 1;
queue.write_all(file, number, 0).start(ignore);

// refused: memory is a contiguous range of bytes
std::vector<bool> bits;
queue.write_all(file, bits, 0).start(ignore);

// compiles
std::vector<std::byte> bytes(512);
std::array<std::byte, 4> array{};
std::byte plain[4]{};
AlignedBuffer buffer{512, 512};
const AlignedBuffer constant{512, 512};
std::string text{"text"};
queue.read(file, bytes, 0).start(ignore);
queue.read(file, array, 0).start(ignore);
queue.read(file, plain, 0).start(ignore);
queue.read(file, buffer, 0).start(ignore);
queue.read(file, buffer.first(8), 0).start(ignore);
queue.read(file, {bytes.data(), 8}, 0).start(ignore);
queue.write(file, constant, 0).start(ignore);
queue.write_all(file, std::as_bytes(std::span{text}), 0).start(ignore);
queue.write_all(file, std::as_writable_bytes(std::span{text}), 0).start(ignore);
queue.write_all(file, text, 0).start(ignore);
queue.write_all(file, std::string_view{"text"}, 0).start(ignore);
queue.read(file, text, 0).start(ignore);
std::vector<int> numbers(4);
queue.read(file, numbers, 0).start(ignore);
queue.write(file, std::span<const int>{numbers}, 0).start(ignore);
char letters[4];
queue.read(file, letters, 0).start(ignore);
queue.read(file, letters).start(ignore);
queue.write_all(file, std::move(text), 0).start(ignore);
queue.read(file, std::vector<std::byte>(512), 0).start(ignore);
queue.write_all(file, Part{std::move(numbers), 8}, 0).start(ignore);
queue.write_all(file, Part{make_buffer(), 8, 8}, 0).start(ignore);
queue.read_full(file, std::move(buffer), 0).start(ignore);
queue.read_full(file, make_buffer(), 0).start(ignore);
std::array<iovec, 2> parts{};
std::vector<iovec> more;
queue.readv(file, parts, 0).start(ignore);
queue.writev(file, more, 0).start(ignore);

// refused: after_writes
queue.read(file, memory, 0).after_writes().start(ignore);

// refused: with
queue.fsync(file).with(RwFlags::append).start(ignore);

// refused: with
queue.wait_for_capacity().with(RwFlags::dsync).start(ignore);

// refused: with
queue.sleep_for(1s).with(IoPriority{}).start(ignore);

// refused: after_writes
auto operation = queue.poll(file, 1);
operation.after_writes();

// compiles
queue.read(file, memory, 0).within(1s).with(RwFlags::nowait).with(IoPriority{}).start(ignore);
queue.fsync(file).with(IoPriority{}).after_writes().until({}).start(ignore);
queue.sleep_for(1s).within(1s).start(ignore);
queue.wait_for_capacity().within(1s).start(ignore);
auto operation = queue.write(file, memory, 0);
operation.with(RwFlags::append).within(1s);
operation.start(ignore);

// refused: a callback takes a Completion&, or a const Completion&
queue.sleep_for(1s).start([] {});

// refused: a callback holds at most 48 bytes: capture a pointer to what is larger
std::array<char, 64> large{};
queue.sleep_for(1s).start([large](const Completion&) { static_cast<void>(large); });

// refused: this consumes what it is given, which has a name: write std::move(name)
auto operation = queue.read(file, memory, 0);
auto task = [&]() -> Task<> { co_await operation; };

// refused: this consumes what it is given, which has a name: write std::move(name)
auto operation = queue.read(file, memory, 0);
auto data = operation.completion();

// refused: this consumes what it is given, which has a name: write std::move(name)
auto operation = queue.read(file, memory, 0);
Batch batch{queue};
batch.add(operation);

// refused: this consumes what it is given, which has a name: write std::move(name)
auto task = [&]() -> Task<> {
    auto operation = queue.read(file, memory, 0).stopped_by(std::stop_token{});
    co_await operation;
};

// refused: this consumes what it is given, which has a name: write std::move(name)
auto task = number();
auto other = [&]() -> Task<int> { co_return co_await task; };

// refused: this consumes what it is given, which has a name: write std::move(name)
auto task = number();
int result = run(queue, task);

// refused: this consumes what it is given, which has a name: write std::move(name)
auto task = nothing();
spawn(queue, task);

// refused: spawn() takes a Task<void>: what another gives would be lost
spawn(queue, number());

// refused: this consumes what it is given, which has a name: write std::move(name)
std::vector<Task<>> tasks;
run(queue, when_all(tasks));

// refused: this consumes what it is given, which has a name: write std::move(name)
const std::vector<Task<int>> tasks;
run(queue, when_all(tasks));

// refused: this consumes what it is given, which has a name: write std::move(name)
auto task = number();
run(queue, when_all(nothing(), task));

// refused: this consumes what it is given, which has a name: write std::move(name)
auto operation = queue.read(file, memory, 0);
run(queue, when_all(nothing(), operation));

// refused: this consumes what it is given, which has a name: write std::move(name)
std::vector<Operation<std::size_t>> operations;
run(queue, when_all(operations));

// refused: this awaits tasks and operations: of whatever else can be awaited make a Task
run(queue, when_all(nothing(), std::suspend_always{}));

// refused: this awaits tasks and operations: of whatever else can be awaited make a Task
run(queue, when_all(std::vector<int>{}));

// refused: post() takes a Task<void>: what another gives would be lost
post(queue, number());

// refused: this consumes what it is given, which has a name: write std::move(name)
auto task = nothing();
post(queue, task);

// refused: a task is handed over by aioxx::post(queue, std::move(task))
queue.post(nothing());

// refused: within
auto operation = queue.yield().within(1s);

// compiles
queue.run(std::stop_token{});
post(queue, nothing());
auto yields = [&]() -> Task<> { co_await queue.yield(); };

// refused: when_any takes operations, and for a task a callable that takes a std::stop_token
run(queue, when_any(queue.sleep_for(1s), number()));

// refused: when_any takes operations, and for a task a callable that takes a std::stop_token
run(queue, when_any(queue.sleep_for(1s), [] { return number(); }));

// refused: when_any takes operations, and for a task a callable that takes a std::stop_token
std::vector<Task<int>> tasks;
run(queue, when_any(std::move(tasks)));

// refused: this consumes what it is given, which has a name: write std::move(name)
auto operation = queue.read(file, memory, 0);
run(queue, when_any(operation, queue.sleep_for(1s)));

// compiles
auto loads = [](std::stop_token) -> Task<int> { return number(); };
auto [which, bytes] =
    run(queue, when_any(queue.read(file, memory, 0), queue.read(file, memory, 512).within(1s)));
Winner<std::variant<int, Transfer, std::tuple<>>> any =
    run(queue, when_any(loads, queue.read(file, make_buffer(), 0).stopped_by(std::stop_token{}),
                        queue.sleep_for(1s)));
std::vector<Operation<std::size_t>> operations;
Winner<std::size_t> first = run(queue, when_any(std::move(operations)));

// refused: a Task gives a value, a T& or nothing
auto task = [](int& from) -> Task<int&&> { co_return std::move(from); };

// compiles
auto operation = queue.read(file, make_buffer(), 0);
auto task = [&]() -> Task<> {
    co_await std::move(operation);
    co_await queue.sleep_for(1s).stopped_by(std::stop_token{}).within(1s);
    co_await when_all(nothing(), number());
};
spawn(queue, nothing());
run(queue, task());
std::vector<Task<int>> tasks;
auto named = number();
run(queue, when_all(std::move(tasks)));
run(queue, std::move(named));
auto [bytes, block, seven] = run(
    queue, when_all(queue.read(file, memory, 0).within(1s),
                    queue.read(file, make_buffer(), 0).stopped_by(std::stop_token{}), number()));
std::vector<Operation<std::size_t>> operations;
std::vector<std::size_t> lengths = run(queue, when_all(std::move(operations)));

// compiles
auto empty = []() -> Task<std::vector<int>> { co_return {}; };
auto reference = [](int& number) -> Task<int&> { co_return number; };

// refused: bind
queue.buffer(BufferPool{4, 4096}).start(ignore);

// refused: with
auto operation = queue.buffer(pool());
operation.with(IoPriority{});

// compiles
BufferPool buffers{4, 4096};
queue.buffer(buffers).within(1s).start([](Completion& done) { done.take_buffer(); });
queue.read(file, buffers.try_take(), 0).start(ignore);
auto task = [&]() -> Task<AlignedBuffer> { co_return co_await queue.buffer(buffers); };

// refused: member
aioxx::throw_error({}, "a call of the library's own");

// refused: private
Queue::Implementation* inside = nullptr;
