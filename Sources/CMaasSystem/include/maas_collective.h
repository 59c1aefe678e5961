#ifndef MAAS_COLLECTIVE_H
#define MAAS_COLLECTIVE_H

#include <stdint.h>

enum { MAAS_AREA_RANKS = 8 }; ///< The most that share an area.

/// Memory that all ranks see.
typedef struct maas_collective_area {
  int32_t number;
  float *floats[MAAS_AREA_RANKS];   ///< By rank, floats of each.
  uint64_t *turns[MAAS_AREA_RANKS]; ///< How often each rank has come to a meeting.
} maas_collective_area;

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
  /// Makes an area with `count` floats of each rank, on all of them at once. Not 0 where they share no memory. This one
  /// and those below may be NULL: then there are none.
  int32_t (*open_area)(void *context, int64_t count, maas_collective_area *area);
  void (*close_area)(void *context, const maas_collective_area *area);
  /// Waits until all ranks are here; what each has written to the area all others then see. Returns as `start` does.
  int32_t (*meet)(void *context, const maas_collective_area *area);
} maas_collective;

#endif
