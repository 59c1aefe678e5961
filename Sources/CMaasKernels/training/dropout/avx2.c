#if defined(__x86_64__)
#include "maas_random.h"
#include "../../simd/name.h"
#include "../../split.h"
#include "../../table.h"
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#define MAAS_ISA_SUFFIX avx2
#define MAAS_TILE 8
#include "body.h"
#pragma clang attribute pop
#endif
