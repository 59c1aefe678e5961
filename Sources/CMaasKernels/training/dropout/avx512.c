#if defined(__x86_64__)
#include "maas_random.h"
#include "../../simd/name.h"
#include "../../split.h"
#include "../../table.h"
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma"))),         \
                             apply_to = function)
#define MAAS_ISA_SUFFIX avx512
#define MAAS_TILE 16
#include "body.h"
#pragma clang attribute pop
#endif
