/// The micro-kernels for 1 ... MAAS_MR rows, which is even.
#include "micro.h"

_Static_assert(MAAS_NR % 4 == 0, "right.h copies rows of panels by fours");

MAAS_HEIGHTS(MAAS_MR, MAAS_MICRO)

#define MAAS_MICRO_OF(mr) micro_##mr,
static micro_kernel *const micros[MAAS_MR] = {MAAS_HEIGHTS(MAAS_MR, MAAS_MICRO_OF)};
