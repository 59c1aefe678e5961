#if defined(__x86_64__)
#define MAAS_DOUBLE
#include "../simd/name.h"
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#define V_WIDTH 4
#define MAAS_HAS_FMA
#include "vectors.h"
#define MAAS_ISA_SUFFIX avx2
#define MAAS_TILE 6x8
#define MAAS_MR 6
#define MAAS_NV 2
#define MAAS_STRETCH 4
#include "../gemm/body.h"
#pragma clang attribute pop
#endif
