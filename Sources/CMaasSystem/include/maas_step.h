#ifndef MAAS_STEP_H
#define MAAS_STEP_H
#include <stdbool.h>
#include <stdint.h>

/// The contract between a plan and the code that runs it: one step, trivial, everything resolved.

struct maas_step;

/// What one thread brings to a step: memory of its own, room to say which value was wrong, what may end the run early
/// (steps with items of more than some milliseconds look at that and return MAAS_STEP_STOPPED), and its place among the
/// threads.
typedef struct maas_worker {
  void *scratch;         ///< 64-byte aligned; at least step->scratch bytes.
  int64_t failure[3];    ///< On a non-zero return: the offending value and its allowed range [min, max).
  const int64_t *cancel; ///< Not zero there: the run is cancelled. NULL: nobody can.
  int64_t deadline;      ///< On maas_sys_now_ns()'s clock; 0: none.
  int32_t slot;  ///< Which thread of those that share the step. Of two CPUs mostly the one it was before.
  int32_t slots; ///< How many those are at most; 0 or 1 for none.
} maas_worker;

/// Why a step refused its data. Everything that can be known earlier is refused earlier.
enum {
  MAAS_STEP_STOPPED = -1, ///< The run was cancelled or is late, and the results are not whole.
  MAAS_STEP_OK = 0,
  MAAS_STEP_INDEX = 1,    ///< An index outside [failure[1], failure[2]).
  MAAS_STEP_DIVISION = 2, ///< An integer division by zero.
  MAAS_STEP_VALUE = 3,    ///< A value outside [failure[1], failure[2]) that the operator does not define.
  MAAS_STEP_TEXT = 4,     ///< Element failure[0] of a tensor of strings is not a number.
  MAAS_STEP_ERROR = 5,    ///< failure[0] is the address of an error, for who reads it to release.
  MAAS_STEP_KEY = 6,      ///< Element failure[0] is none of those that the operator knows.
};

/// Runs items [begin, end) of the step. Chunks of one step run at the same time on several threads, so a
/// step writes only what belongs to its items, and the split never changes a bit of the result.
typedef int32_t (*maas_step_run)(const struct maas_step *step, int64_t begin, int64_t end,
                                 maas_worker *worker);

typedef struct maas_step {
  maas_step_run run;
  void *const *operands; ///< Addresses, in the order the operator emitted them; NULL where it was omitted.
  const void *params;    ///< The operator's own struct, 16-byte aligned, constant for the life of the plan.
  int64_t items;         ///< Work items; rows, tiles or elements as the operator likes.
  int64_t grain;         ///< Items per chunk; grain >= items keeps the step on one thread.
  int64_t scratch;       ///< Bytes of maas_worker.scratch that each chunk needs.
  int32_t node;          ///< Index into the plan's node names, for errors and profiles.
  int32_t dtype;         ///< ONNX element type the step computes in, for steps that serve several.
  /// Where it is not 0, so many items in a row are a sequence, in which one may wait for earlier ones: its chunks are
  /// handed out one by one, from the first on. `items` is a multiple of it.
  int64_t sequence;
} maas_step;

#endif
