#if defined(__aarch64__)
#include "../simd/name.h"
#include "../simd/neon.h"
#include "../table.h"
#define MAAS_ISA_SUFFIX neon
#define MAAS_TILE 8x12
#define MAAS_MR 8
#define MAAS_NV 3
#include "bytes.h"
#define MAAS_NBITS_BYTES (maas_cpu_dots_bytes() ? maas_f32_nbits_bytes_dotprod : maas_f32_nbits_bytes_neon)
#include "body.h"
#endif
