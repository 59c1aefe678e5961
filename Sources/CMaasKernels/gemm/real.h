#ifndef MAAS_GEMM_REAL_H
#define MAAS_GEMM_REAL_H
/// The elements that these kernels are compiled for: floats, or doubles where MAAS_DOUBLE is defined.
#include "../simd/name.h"

#ifdef MAAS_DOUBLE
typedef double real;
/// They are rarer: one path finishes all tiles.
enum { is_compact = 1 };
#define MAAS_REAL_KERNEL(op) MAAS_JOIN4_EXPANDED(maas_f64_, op, MAAS_TILE, MAAS_ISA_SUFFIX)
#define MAAS_REAL_SHARED(op) MAAS_JOIN3_EXPANDED(maas_f64_, op, MAAS_ISA_SUFFIX)
#else
typedef float real;
enum { is_compact = 0 };
#define MAAS_REAL_KERNEL(op) MAAS_F32_KERNEL(op)
#define MAAS_REAL_SHARED(op) MAAS_F32_SHARED(op)
#endif

#endif
