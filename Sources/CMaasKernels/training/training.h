#ifndef MAAS_TRAINING_SIZES_H
#define MAAS_TRAINING_SIZES_H
/// What splits and kernels of gradients agree on.
#include "../softmax/softmax.h"
#include "../split.h"
#include "maas_training.h"

/// Columns of an item of layer_norm_sums, on every instruction set.
enum { maas_norm_columns = 64 };

#endif
