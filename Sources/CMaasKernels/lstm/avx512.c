#if defined(__x86_64__)
#include "../simd/name.h"
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma"))),         \
                             apply_to = function)
#include "../simd/avx512.h"
#define MAAS_ISA_SUFFIX avx512
#define MAAS_TILE 32
#define MAAS_MR 14
#define MAAS_NV 2
#define MAAS_PLAIN_GATES
#include "body.h"
#pragma clang attribute pop
#endif
