// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
//
// The nonblocking reads and writes of MPI, which Open MPI's OMPIO and MPICH's ROMIO make by
// <aio.h>: each rank writes what it can recognise, and reads it back. Rank 0 prints for each phase
// its name and milliseconds; the first thing that is wrong ends the job.
//
//   mpirun -n RANKS mpi_program FILE

#include <mpi.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { most_requests = 64 };

static int rank, ranks;

static void check(int code, const char* what) {
    if (code != MPI_SUCCESS) {
        char text[MPI_MAX_ERROR_STRING];
        int length = 0;
        MPI_Error_string(code, text, &length);
        fprintf(stderr, "rank %d: %s: %s\n", rank, what, text);
        MPI_Abort(MPI_COMM_WORLD, 1);
    }
}

static void fill(unsigned char* bytes, size_t count, unsigned seed) {
    for (size_t i = 0; i < count; ++i) {
        seed = seed * 1664525U + 1013904223U;
        bytes[i] = (unsigned char)(seed >> 24);
    }
}

static void expect(const unsigned char* bytes, size_t count, unsigned seed, const char* what) {
    for (size_t i = 0; i < count; ++i) {
        seed = seed * 1664525U + 1013904223U;
        if (bytes[i] != (unsigned char)(seed >> 24)) {
            fprintf(stderr, "rank %d: %s: byte %zu is wrong\n", rank, what, i);
            MPI_Abort(MPI_COMM_WORLD, 1);
        }
    }
}

static void await(MPI_Request* requests, int count, int bytes, const char* what) {
    MPI_Status statuses[most_requests];
    check(MPI_Waitall(count, requests, statuses), what);
    for (int i = 0; i < count; ++i) {
        int transferred = 0;
        check(MPI_Get_count(&statuses[i], MPI_BYTE, &transferred), what);
        if (transferred != bytes) {
            fprintf(stderr, "rank %d: %s: %d bytes, not %d\n", rank, what, transferred, bytes);
            MPI_Abort(MPI_COMM_WORLD, 1);
        }
    }
}

/// `rounds` times `count` requests at a time, of `size` bytes each, at places of the rank's own.
static void separate(MPI_File file, int rounds, int count, int size, const char* what) {
    unsigned char* memory = malloc((size_t)count * (size_t)size);
    MPI_Request requests[most_requests];
    for (int write = 1; write >= 0; --write) {
        for (int round = 0; round < rounds; ++round) {
            const MPI_Offset first = ((MPI_Offset)round * ranks + rank) * count * size;
            const unsigned seed = (unsigned)(round * 1000 + rank);
            if (write) {
                fill(memory, (size_t)count * (size_t)size, seed);
            }
            for (int i = 0; i < count; ++i) {
                unsigned char* const part = memory + (size_t)i * (size_t)size;
                const MPI_Offset at = first + (MPI_Offset)i * size;
                check(write ? MPI_File_iwrite_at(file, at, part, size, MPI_BYTE, &requests[i])
                            : MPI_File_iread_at(file, at, part, size, MPI_BYTE, &requests[i]),
                      what);
            }
            await(requests, count, size, what);
            if (!write) {
                expect(memory, (size_t)count * (size_t)size, seed, what);
            }
        }
        check(MPI_File_sync(file), what);
        MPI_Barrier(MPI_COMM_WORLD);
    }
    free(memory);
}

/// By the rank's file pointer.
static void in_a_row(MPI_File file, int count, int size, const char* what) {
    unsigned char* memory = malloc((size_t)size);
    for (int write = 1; write >= 0; --write) {
        check(MPI_File_seek(file, (MPI_Offset)rank * count * size, MPI_SEEK_SET), what);
        for (int i = 0; i < count; ++i) {
            MPI_Request request;
            if (write) {
                fill(memory, (size_t)size, (unsigned)(i + rank));
            }
            check(write ? MPI_File_iwrite(file, memory, size, MPI_BYTE, &request)
                        : MPI_File_iread(file, memory, size, MPI_BYTE, &request),
                  what);
            await(&request, 1, size, what);
            if (!write) {
                expect(memory, (size_t)size, (unsigned)(i + rank), what);
            }
        }
        MPI_Barrier(MPI_COMM_WORLD);
    }
    free(memory);
}

/// The ranks' pieces of `piece` bytes lie in turns. Collective where `all`.
static void strided(MPI_File file, int pieces, int piece, int all, const char* what) {
    const int size = pieces * piece;
    MPI_Datatype view;
    MPI_Type_vector(pieces, piece, piece * ranks, MPI_BYTE, &view);
    MPI_Type_commit(&view);
    check(
        MPI_File_set_view(file, (MPI_Offset)rank * piece, MPI_BYTE, view, "native", MPI_INFO_NULL),
        what);
    unsigned char* memory = malloc((size_t)size);
    for (int write = 1; write >= 0; --write) {
        MPI_Request request;
        if (write) {
            fill(memory, (size_t)size, (unsigned)(77 + rank));
        } else {
            memset(memory, 0, (size_t)size);
        }
        if (all) {
            check(write ? MPI_File_iwrite_at_all(file, 0, memory, size, MPI_BYTE, &request)
                        : MPI_File_iread_at_all(file, 0, memory, size, MPI_BYTE, &request),
                  what);
        } else {
            check(write ? MPI_File_iwrite_at(file, 0, memory, size, MPI_BYTE, &request)
                        : MPI_File_iread_at(file, 0, memory, size, MPI_BYTE, &request),
                  what);
        }
        await(&request, 1, size, what);
        MPI_Barrier(MPI_COMM_WORLD);
        if (!write) {
            expect(memory, (size_t)size, (unsigned)(77 + rank), what);
        }
    }
    free(memory);
    MPI_Type_free(&view);
    check(MPI_File_set_view(file, 0, MPI_BYTE, MPI_BYTE, "native", MPI_INFO_NULL), what);
}

static double begun;

static void end_of(const char* what) {
    MPI_Barrier(MPI_COMM_WORLD);
    const double now = MPI_Wtime();
    if (rank == 0) {
        printf("%s %.3f\n", what, (now - begun) * 1000);
    }
    begun = MPI_Wtime();
}

int main(int argc, char** argv) {
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    if (argc != 2) {
        MPI_Abort(MPI_COMM_WORLD, 2);
    }
    MPI_File file;
    check(MPI_File_open(MPI_COMM_WORLD, argv[1], MPI_MODE_CREATE | MPI_MODE_RDWR, MPI_INFO_NULL,
                        &file),
          "open");
    begun = MPI_Wtime();
    separate(file, 4, 8, 1 << 20, "large");
    end_of("large");
    separate(file, 40, most_requests, 512, "small");
    end_of("small");
    in_a_row(file, 200, 4096, "in-a-row");
    end_of("in-a-row");
    strided(file, 256, 1000, 0, "strided");
    end_of("strided");
    strided(file, 256, 1000, 1, "collective");
    end_of("collective");
    check(MPI_File_close(&file), "close");
    MPI_Finalize();
    return 0;
}
