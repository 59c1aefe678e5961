#include "../simd/name.h"
#include "../simd/scalar.h"
#define MAAS_ISA_SUFFIX scalar
#define MAAS_TILE 1
#define MAAS_MR 4
#include "body.h"
