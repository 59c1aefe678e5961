#if defined(__aarch64__)
#include "../simd/name.h"
#include <arm_neon.h>
#pragma clang attribute push(__attribute__((target("dotprod"))), apply_to = function)
#define MAAS_DOTPROD
#include "../simd/neon.h"
#define MAAS_ISA_SUFFIX dotprod
#define MAAS_NV 3
#include "bytes.h"
#pragma clang attribute pop
#endif
