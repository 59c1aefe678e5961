#if defined(__aarch64__)
#include "../simd/name.h"
#include "../simd/neon.h"
#include "../table.h"
#define MAAS_ISA_SUFFIX neon
#define MAAS_TILE 4x16
#define MAAS_MR 4
#define MAAS_NV 4
#define MAAS_S8_BLOCK (maas_cpu_dots_bytes() ? maas_s8_block_dotprod : maas_s8_block_neon)
#define MAAS_S8_DEPTHWISE (maas_cpu_dots_bytes() ? maas_s8_depthwise_dotprod : maas_s8_depthwise_neon)
#include "body.h"
#endif
