#ifndef MAAS_SIMD_NAME_H
#define MAAS_SIMD_NAME_H
/// Names of what a family body defines, from its file's MAAS_ISA_SUFFIX and MAAS_TILE.
// System headers come in here, before any target attribute is in force.
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include "maas_kernels.h"

#define MAAS_JOIN4(a, b, c, d) a##b##_##c##_##d
#define MAAS_JOIN4_EXPANDED(a, b, c, d) MAAS_JOIN4(a, b, c, d)
#define MAAS_JOIN3(a, b, c) a##b##_##c
#define MAAS_JOIN3_EXPANDED(a, b, c) MAAS_JOIN3(a, b, c)
/// maas_f32_<op>_<tile>_<isa>: a row of a table.
#define MAAS_F32_KERNEL(op) MAAS_JOIN4_EXPANDED(maas_f32_, op, MAAS_TILE, MAAS_ISA_SUFFIX)
/// maas_f32_<op>_<isa>: what families of one instruction set share.
#define MAAS_F32_SHARED(op) MAAS_JOIN3_EXPANDED(maas_f32_, op, MAAS_ISA_SUFFIX)
#endif
