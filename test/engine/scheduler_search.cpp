// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "scheduler_search.hpp"

#include <algorithm>
#include <cassert>
#include <csignal>
#include <cstdio>
#include <memory>
#include <string>

namespace aioxx::test {
namespace {

constexpr std::uint64_t fault_bits = 7; // of an entry, for the faults that were left

/// A state on the path, and which of the steps that are possible in it is explored.
struct Frame {
    World::Snapshot snapshot{};
    std::array<Step, most_steps> steps{};
    std::size_t count = 0;
    std::size_t next = 0;
};

class Path {
public:
    explicit Path(const Scenario& scenario) : scenario_(scenario) {}

    Frame& push() {
        if (depth_ == frames_.size()) {
            frames_.push_back(std::make_unique<Frame>());
        }
        return *frames_[depth_++];
    }
    void pop() { --depth_; }
    [[nodiscard]] bool empty() const { return depth_ == 0; }
    [[nodiscard]] std::size_t depth() const { return depth_; }
    Frame& top() { return *frames_[depth_ - 1]; }

    [[nodiscard]] std::string text() const {
        std::string all = "in '" + std::string{scenario_.name} + "' after:";
        for (std::size_t i = 0; i < depth_; ++i) {
            const Step& step = frames_[i]->steps[frames_[i]->next - 1];
            all += "\n    " + std::string{name_of(step.event)} + ' ' + std::to_string(step.subject);
            all += step.value != 0 ? " (" + std::to_string(step.value) + ')' : "";
        }
        return all;
    }

private:
    const Scenario& scenario_;
    std::vector<std::unique_ptr<Frame>> frames_;
    std::size_t depth_ = 0;
};

/// An assertion of the scheduler's ends the program: not without a word about how to get there.
const Path* path_of_now = nullptr;
void (*handler_before)(int) = nullptr;

void tell_path(int number) {
    if (path_of_now != nullptr) {
        std::fprintf(stderr, "an assertion fails %s\n", path_of_now->text().c_str());
    }
    std::signal(number, handler_before);
    std::raise(number);
}

/// Takes the plain course, the first step again and again: all that was started has to complete.
const char* run_to_the_end(World& world) {
    constexpr unsigned enough = 200;
    std::array<Step, most_steps> steps{};
    for (unsigned i = 0; i < enough; ++i) {
        if (world.steps(steps) == 0 || steps[0].fault) {
            return world.all_completed() ? nullptr : "everything completes in the end";
        }
        world.perform(steps[0]);
        if (const char* const wrong = world.check_holders()) {
            return wrong;
        }
    }
    return "the plain course has an end";
}

} // namespace

SeenStates::SeenStates() : places_(std::size_t{1} << 16U) {}

bool SeenStates::insert(std::uint64_t digest, unsigned faults_left) {
    const std::uint64_t key = (digest & ~fault_bits) | (digest < fault_bits + 1 ? ~fault_bits : 0);
    const std::size_t mask = places_.size() - 1;
    auto place = static_cast<std::size_t>((key >> 3U) & mask);
    while (places_[place] != 0) {
        if ((places_[place] & ~fault_bits) == key) {
            if ((places_[place] & fault_bits) >= faults_left) {
                return false;
            }
            places_[place] = key | faults_left;
            return true;
        }
        place = (place + 1) & mask;
    }
    places_[place] = key | faults_left;
    if (++size_ > places_.size() / 2) {
        grow();
    }
    return true;
}

void SeenStates::grow() {
    std::vector<std::uint64_t> before(places_.size() * 2);
    before.swap(places_);
    const std::size_t mask = places_.size() - 1;
    for (const std::uint64_t entry : before) {
        if (entry != 0) {
            auto place = static_cast<std::size_t>((entry >> 3U) & mask);
            while (places_[place] != 0) {
                place = (place + 1) & mask;
            }
            places_[place] = entry;
        }
    }
}

Found search(const Scenario& scenario) {
    constexpr std::size_t runs_between = 64;
    assert(scenario.faults <= fault_bits);
    World world{scenario};
    SeenStates seen;
    Path path{scenario};
    Found found;
    path_of_now = &path;
    handler_before = std::signal(SIGABRT, tell_path);
    const char* wrong = nullptr;
    const auto arrive = [&] {
        wrong = world.check_holders();
        const std::size_t before = seen.size();
        if (wrong != nullptr || !seen.insert(world.digest(), world.faults_left())) {
            return;
        }
        if (seen.size() != before) { // else it was reached with fewer faults left
            wrong = world.check_state();
        }
        if (wrong != nullptr) {
            return;
        }
        Frame& frame = path.push();
        world.save(frame.snapshot);
        frame.count = world.steps(frame.steps);
        frame.next = 0;
        found.deepest = std::max(found.deepest, path.depth());
        if (seen.size() % runs_between == 0 || frame.count == 0) {
            wrong = run_to_the_end(world);
        }
    };
    arrive();
    while (wrong == nullptr && !path.empty()) {
        Frame& frame = path.top();
        if (frame.next == frame.count) {
            path.pop();
            continue;
        }
        world.restore(frame.snapshot);
        const Step& step = frame.steps[frame.next++];
        world.perform(step);
        ++found.steps;
        ++found.events[static_cast<std::size_t>(step.event)];
        arrive();
    }
    std::signal(SIGABRT, handler_before);
    path_of_now = nullptr;
    found.states = seen.size();
    if (wrong != nullptr) {
        found.broken = '"' + std::string{wrong} + "\" does not hold " + path.text();
    }
    return found;
}

} // namespace aioxx::test
