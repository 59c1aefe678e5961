#ifndef MAAS_RANDOM_H
#define MAAS_RANDOM_H
/// What draws random numbers while a network is trained. The rules of maas_kernels.h hold.
#include "maas_kernels.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct maas_f32_dropout_params {
  int64_t n;
  uint32_t threshold; ///< An element is dropped when its random word is less.
  uint32_t stream;
  double scale;   ///< Of the elements that are kept.
  bool is_double; ///< What x and y are.
} maas_f32_dropout_params;

/// x[n], int64 seed, int64 step, y[n]. In place.
///
/// The word of element i is number i / 16 % 4 of those that Philox4x32-10 gives for the key seed (low half first) and
/// the counter block (low half first), step, stream, where block = i / 64 * 16 + i % 16.
int32_t maas_f32_dropout(const maas_step *step, int64_t begin, int64_t end, maas_worker *worker);
maas_split maas_f32_dropout_split(const maas_f32_dropout_params *params);

#ifdef __cplusplus
}
#endif
#endif
