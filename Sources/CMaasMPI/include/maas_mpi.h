#ifndef MAAS_MPI_H
#define MAAS_MPI_H

#include <stdbool.h>
#include <stddef.h>

#include "maas_collective.h"

/// One training job over several processes, started by mpirun. Open MPI is loaded when it is asked for and is not
/// needed otherwise. For one thread.

/// Whether this process was started by Open MPI's launcher, as one of several.
bool maas_mpi_launched(void);

/// Joins the job. Returns NULL, with a sentence in `message`, when the library is missing or is none we know.
/// `is_stopping` (may be NULL) is asked while we wait for others; true ends the waiting with a failure.
const maas_collective *maas_mpi_join(bool (*is_stopping)(void), char *message, size_t size);

/// Adds up `count` doubles over all ranks, in place. False when the job cannot go on.
bool maas_mpi_sum(double *values, int count);
/// Gives every rank the bytes of rank 0. False when the job cannot go on.
bool maas_mpi_share(void *bytes, size_t size);
/// Leaves the job in good order; every rank must do so.
void maas_mpi_leave(void);
/// Ends the processes of all ranks, with this exit code.
void maas_mpi_abort(int code);

#endif
