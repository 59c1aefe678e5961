#if defined(__aarch64__)
#include "../simd/name.h"
#include "../simd/neon.h"
#define MAAS_ISA_SUFFIX neon
#define MAAS_TILE 4
#define MAAS_MR 12
#include "body.h"
#endif
