/*
 * parts.hpp - what the bodies of TBB see of the suite: bench.h and the workloads' own headers, which are C.
 */
#ifndef TBB_PARTS_HPP
#define TBB_PARTS_HPP

#include <cstddef>
#include <cstdint>

/* C's words for them. */
#define _Alignas alignas
#define _Static_assert static_assert

extern "C" {
#include "harness/subject/bench.h"
#include "workloads/cpu/fib/fib.h"
#include "workloads/cpu/mandelbrot/mandelbrot.h"
#include "workloads/cpu/matmul/matmul.h"
#include "workloads/cpu/nqueens/nqueens.h"
#include "workloads/cpu/uts/uts.h"
#include "workloads/spawn/chain/chain.h"
#include "workloads/spawn/flat/flat.h"
#include "workloads/spawn/skynet/skynet.h"

/* harness/subject/registry.c looks for these. */
extern const struct bench_body cpu_fib_tbb, cpu_mandelbrot_tbb, cpu_matmul_tbb, cpu_nqueens_tbb, cpu_uts_tbb;
extern const struct bench_body spawn_chain_tbb, spawn_flat_tbb, spawn_skynet_tbb;
}

#undef _Alignas
#undef _Static_assert

#endif
