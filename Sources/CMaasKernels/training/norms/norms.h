#ifndef MAAS_TRAINING_NORMS_H
#define MAAS_TRAINING_NORMS_H

/// Columns of an item of layer_norm_sums, on every instruction set.
enum { maas_norm_columns = 64 };

#endif
