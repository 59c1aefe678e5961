#if defined(__x86_64__)
#include "../simd/name.h"
#include "maas_quant.h"
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#include "../simd/avx2.h"
#define MAAS_ISA_SUFFIX avx2
#define MAAS_TILE 8
#include "body.h"
#pragma clang attribute pop
#endif
