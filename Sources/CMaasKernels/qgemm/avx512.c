#if defined(__x86_64__)
#include "../simd/name.h"
#include "../table.h"
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma"))),         \
                             apply_to = function)
#include "../simd/avx512.h"
#define MAAS_ISA_SUFFIX avx512
#define MAAS_TILE 6x64
#define MAAS_MR 6
#define MAAS_NV 4
#define MAAS_S8_BLOCK (maas_cpu_dots_bytes() ? maas_s8_block_vnni : maas_s8_block_avx512)
#define MAAS_S8_DEPTHWISE (maas_cpu_dots_bytes() ? maas_s8_depthwise_vnni : maas_s8_depthwise_avx512)
#include "body.h"
#pragma clang attribute pop
#endif
