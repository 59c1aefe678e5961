#if defined(__x86_64__)
#include "../simd/name.h"
#pragma clang attribute push(                                                                                \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma"))), apply_to = function)
#define MAAS_VNNI
#include "../simd/avx512.h"
#define MAAS_ISA_SUFFIX vnni
#define MAAS_NV 2
#include "bytes.h"
#pragma clang attribute pop
#endif
