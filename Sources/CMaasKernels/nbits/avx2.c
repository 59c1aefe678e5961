#if defined(__x86_64__)
#include "../simd/name.h"
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#include "../simd/avx2.h"
#define MAAS_ISA_SUFFIX avx2
#define MAAS_TILE 6x16
#define MAAS_MR 6
#define MAAS_NV 2
#define MAAS_PAIRS
#include "bytes.h"
#define MAAS_NBITS_BYTES maas_f32_nbits_bytes_avx2
#include "body.h"
#pragma clang attribute pop
#endif
