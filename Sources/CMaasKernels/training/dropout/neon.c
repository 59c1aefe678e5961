#if defined(__aarch64__)
#include "maas_random.h"
#include "../../simd/name.h"
#include "../../split.h"
#include "../../table.h"
#define MAAS_ISA_SUFFIX neon
#define MAAS_TILE 4
#include "body.h"
#endif
