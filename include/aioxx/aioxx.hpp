// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

/// \file
/// Everything that the library has; where exceptions are switched off, core and file. Each class
/// also has a header of its own.

#include <aioxx/core/context.hpp>
#include <aioxx/core/error.hpp>
#include <aioxx/core/event.hpp>
#include <aioxx/core/event_batch.hpp>
#include <aioxx/core/event_fd.hpp>
#include <aioxx/core/flags.hpp>
#include <aioxx/core/iocb.hpp>
#include <aioxx/core/limits.hpp>
#include <aioxx/file/aligned_buffer.hpp>
#include <aioxx/file/buffer_pool.hpp>
#include <aioxx/file/capabilities.hpp>
#include <aioxx/file/file.hpp>
#include <aioxx/version.hpp>

#ifdef __cpp_exceptions
#include <aioxx/queue/batch.hpp>
#include <aioxx/queue/condition.hpp>
#include <aioxx/queue/outstanding.hpp>
#include <aioxx/queue/queue.hpp>
#include <aioxx/queue/semaphore.hpp>
#include <aioxx/queue/worker_limit.hpp>
#include <aioxx/task/run.hpp>
#include <aioxx/task/when_all.hpp>
#include <aioxx/task/when_any.hpp>
#endif
