/// The walks of doubles, for who checks the others.
#include "maas_scalar.h"
#define NUMBER double
#define IS_DOUBLE 1
#define FORWARD maas_f64_recurrent_forward
#define BACKWARD maas_f64_recurrent_backward
#define APPLY(f, x, n)                                                                                       \
  for (int64_t at = 0; at < (n); at++)                                                                       \
  (x)[at] = maas_f64_unary(*(f), (x)[at])
#pragma clang attribute push(__attribute__((minsize)), apply_to = function)
#include "body.h"
#pragma clang attribute pop
