#if defined(__x86_64__)
#define MAAS_DOUBLE
#include "../simd/name.h"
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma"))),         \
                             apply_to = function)
#define V_WIDTH 8
#define MAAS_HAS_FMA
#include "vectors.h"
#define MAAS_ISA_SUFFIX avx512
#define MAAS_TILE 8x24
#define MAAS_MR 8
#define MAAS_NV 3
#include "../gemm/body.h"
#pragma clang attribute pop
#endif
