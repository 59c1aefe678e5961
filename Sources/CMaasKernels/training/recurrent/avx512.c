#if defined(__x86_64__)
#include "../../simd/name.h"
#include <stdbool.h>
#include <time.h>
#include "../../row.h"
#include "product.h"
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma"))),         \
                             apply_to = function)
#define MAAS_ISA_SUFFIX avx512
#define MAAS_TILE 16
#include "float.h"
#pragma clang attribute pop
#endif
