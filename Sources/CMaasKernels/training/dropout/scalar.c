#include "maas_random.h"
#include "../../simd/name.h"
#include "../../split.h"
#include "../../table.h"
#define MAAS_ISA_SUFFIX scalar
#define MAAS_TILE 1
#include "body.h"
