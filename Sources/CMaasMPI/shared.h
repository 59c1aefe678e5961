#ifndef MAAS_MPI_SHARED_H
#define MAAS_MPI_SHARED_H
/// Sums over processes of one machine, through memory that they share: each puts its numbers there, and adds up what is
/// there when all have done so. Nobody waits for messages, and all add in the same order.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "maas_collective.h"

enum { MAAS_SHARED_RANKS = MAAS_AREA_RANKS }; ///< With more of them each would read too much.

typedef struct maas_shared {
  size_t capacity; ///< Floats; 0 before `open`.
  uint64_t turn;
  struct maas_shared_part *parts[MAAS_SHARED_RANKS]; ///< Of each process, mapped here.
  float *data;                                       ///< Of the sum that is under way.
  size_t count;
} maas_shared;

/// What a process is to the others of its job. `agree` says on all of them whether all say yes.
typedef struct maas_shared_job {
  uint64_t name; ///< The same for all processes of a job, and other jobs have others.
  int rank, ranks;
  bool (*agree)(bool yes);
  bool (*is_stopping)(void); ///< Or NULL.
} maas_shared_job;

/// Makes room for sums of `count` floats under number `slot`, on all processes at once. False: they share no memory.
bool maas_shared_open(maas_shared *s, const maas_shared_job *job, int slot, size_t count);
/// Puts floats there once all have read those before. `count` is at most what there is room for. False when somebody
/// wants to stop.
bool maas_shared_start(maas_shared *s, const maas_shared_job *job, float *data, size_t count);
/// Waits for the others and writes the sum over the floats. False when somebody wants to stop.
bool maas_shared_finish(maas_shared *s, const maas_shared_job *job);

/// What is there of the floats of each process, and of the counter in front of them.
void maas_shared_area(const maas_shared *s, const maas_shared_job *job, maas_collective_area *area);
/// Waits until all processes are here. False when somebody wants to stop.
bool maas_shared_meet(const maas_collective_area *area, const maas_shared_job *job);
/// Gives the memory back.
void maas_shared_close(maas_shared *s, const maas_shared_job *job);

#endif
