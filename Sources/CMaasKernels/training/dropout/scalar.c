#include "maas_random.h"
#include "../../simd/name.h"
#pragma clang attribute push(__attribute__((minsize)), apply_to = function)
#include "../../split.h"
#include "../../table.h"
#define MAAS_ISA_SUFFIX scalar
#define MAAS_TILE 1
#include "body.h"
#pragma clang attribute pop
