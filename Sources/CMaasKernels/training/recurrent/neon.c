#if defined(__aarch64__)
#include "../../simd/name.h"
#include <stdbool.h>
#include <time.h>
#include "../../row.h"
#include "product.h"
#define MAAS_ISA_SUFFIX neon
#define MAAS_TILE 4
#include "float.h"
#endif
