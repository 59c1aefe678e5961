#if defined(__x86_64__)
#include "../simd/name.h"
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma"))),         \
                             apply_to = function)
#include "../simd/avx512.h"
#define MAAS_ISA_SUFFIX avx512
#define MAAS_TILE 16
#define MAAS_MR 12
#include "body.h"
#pragma clang attribute pop
#endif
