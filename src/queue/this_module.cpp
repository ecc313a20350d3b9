// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "queue/this_module.hpp"

#include <cstddef>
#include <cstdint>

#include <dlfcn.h>
#include <link.h>

// Not there in a program without a dynamic linker, where it is not called either.
#pragma weak dlopen

AIOXX_NAMESPACE_BEGIN
namespace queue {
namespace {

constexpr char here = 0; // an address in this module

struct Search {
    bool first = true; // the program comes first
    bool can_be_unloaded = false;
};

bool holds(const dl_phdr_info& module, const void* address) noexcept {
    const auto wanted = reinterpret_cast<std::uintptr_t>(address);
    for (std::size_t i = 0; i < module.dlpi_phnum; ++i) {
        const auto& part = module.dlpi_phdr[i];
        if (part.p_type == PT_LOAD && wanted - module.dlpi_addr - part.p_vaddr < part.p_memsz) {
            return true;
        }
    }
    return false;
}

bool says_nodelete(const dl_phdr_info& module) noexcept {
    for (std::size_t i = 0; i < module.dlpi_phnum; ++i) {
        const auto& part = module.dlpi_phdr[i];
        if (part.p_type != PT_DYNAMIC) {
            continue;
        }
        const auto* entry = reinterpret_cast<const ElfW(Dyn)*>(module.dlpi_addr + part.p_vaddr);
        for (; entry->d_tag != DT_NULL; ++entry) {
            if (entry->d_tag == DT_FLAGS_1) {
                return (entry->d_un.d_val & DF_1_NODELETE) != 0;
            }
        }
    }
    return false;
}

int look_at(dl_phdr_info* module, std::size_t /*size*/, void* data) noexcept {
    auto& search = *static_cast<Search*>(data);
    const bool is_program = search.first;
    search.first = false;
    if (!holds(*module, &here)) {
        return 0;
    }
    search.can_be_unloaded = !is_program && !says_nodelete(*module);
    return 1;
}

} // namespace

bool this_module_can_be_unloaded() noexcept {
    Search search;
    ::dl_iterate_phdr(&look_at, &search);
    return search.can_be_unloaded;
}

bool keep_this_module() noexcept {
    Dl_info info{};
    return dlopen != nullptr && ::dladdr(&here, &info) != 0 &&
           ::dlopen(info.dli_fname, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE) != nullptr;
}

} // namespace queue
AIOXX_NAMESPACE_END
