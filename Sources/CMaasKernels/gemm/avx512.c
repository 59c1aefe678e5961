#if defined(__x86_64__)
#include "../simd/name.h"
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma"))),         \
                             apply_to = function)
#include "../simd/avx512_halves.h"
#define MAAS_ISA_SUFFIX avx512
#define MAAS_TILE 14x32
#define MAAS_MR 14
#define MAAS_NV 2
#include "body.h"
#pragma clang attribute pop
#endif
