/// The walks of floats.
#define NUMBER float
#define IS_DOUBLE 0
#define FORWARD MAAS_F32_KERNEL(recurrent_forward)
#define BACKWARD MAAS_F32_KERNEL(recurrent_backward)
#define APPLY(f, x, n) MAAS_F32_SHARED(unary_rows)[(f)->op](x, x, n, (f)->alpha, (f)->beta)
#include "body.h"
