#ifndef MAAS_TRAINING_UPDATE_H
#define MAAS_TRAINING_UPDATE_H
/// What all rows of update compute first, once for a chunk.
#include "maas_update.h"

/// The numbers that are the same for all elements.
typedef struct maas_update_numbers {
  float rate, alpha, beta, first, second, epsilon, l1, l2, keep, post, scale, clip, decay;
  bool is_plain; ///< There is nothing but the rule and its rate.
} maas_update_numbers;

maas_update_numbers maas_update_numbers_of(const maas_step *step);
/// The tensor, of those that begin at `begins`, that holds an item.
int64_t maas_tensor_at(const int64_t *begins, int64_t tensors, int64_t item);
/// Whether a number of the guard is not finite.
bool maas_update_stays(const maas_step *step);
/// x and the states of `n` elements stay as they are; `at` has the operands of a tensor.
void maas_update_nothing(void *const *at, int64_t offset, int64_t n);

/// From here on numbers too small for all their digits count as 0, which the averages of gradients come to where those
/// are 0, and computing with them is slow. Returns what to give back.
uint64_t maas_flush_subnormal(void);
void maas_keep_subnormal(uint64_t before);
#endif
