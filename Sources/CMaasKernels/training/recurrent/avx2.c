#if defined(__x86_64__)
#include "../../simd/name.h"
#include <stdbool.h>
#include <time.h>
#include "../../row.h"
#include "product.h"
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#define MAAS_ISA_SUFFIX avx2
#define MAAS_TILE 8
#include "float.h"
#pragma clang attribute pop
#endif
