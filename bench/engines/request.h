// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

/* What one operation of a workload does. Shared by the C loop and the C++ engines. */

#ifdef __cplusplus
extern "C" {
#endif

enum request_kind { request_read, request_write, request_sync };

struct request {
    long long offset;
    enum request_kind kind;
};

#ifdef __cplusplus
}
#endif
