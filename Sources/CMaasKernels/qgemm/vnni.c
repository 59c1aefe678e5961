/// The same panels as avx512.c's, multiplied by one instruction.
#if defined(__x86_64__)
#include "../simd/name.h"
#pragma clang attribute push(                                                                                \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma"))), apply_to = function)
#define MAAS_VNNI
#include "../simd/avx512_halves.h"
#define MAAS_ISA_SUFFIX vnni
#define MAAS_MR 6
#define MAAS_NV 4
#define MAAS_UNARY_ROWS maas_f32_unary_rows_avx512
#include "block.h"
#pragma clang attribute pop
#endif
