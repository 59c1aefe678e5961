#if defined(__x86_64__)
#include "../simd/name.h"
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#include "../simd/avx2.h"
#define MAAS_ISA_SUFFIX avx2
#define MAAS_TILE 16
#define MAAS_MR 6
#define MAAS_NV 2
#define MAAS_PLAIN_GATES
#define MAAS_STRETCH 4
#include "body.h"
#pragma clang attribute pop
#endif
