#ifndef MAAS_COLLECTIVE_H
#define MAAS_COLLECTIVE_H

#include <stdint.h>

/// How the processes of one training job add up what each has computed. The program that knows the transport fills it
/// and keeps it, at one address, for as long as anything runs; all processes make the same calls in the same order.
typedef struct maas_collective {
  void *context;
  int32_t rank;  ///< This process's number, 0..<ranks.
  int32_t ranks; ///< Processes of the job.
  /// Starts adding up `count` floats over all ranks, in place; `slot` tells sums apart that are on their way at once.
  /// Returns 0, or another number when the job cannot go on.
  int32_t (*start)(void *context, float *data, int64_t count, int32_t slot);
  /// Waits until the sum of `slot` is there on this rank. Returns as `start` does.
  int32_t (*finish)(void *context, int32_t slot);
} maas_collective;

#endif
