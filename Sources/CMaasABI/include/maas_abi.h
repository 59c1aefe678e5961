#ifndef MAAS_ABI_H
#define MAAS_ABI_H
/// What the C interface needs of C: texts made of the list in maas.h, and memory of each thread.
#include <stddef.h>
#include <stdint.h>

/// Keeps the reason of a failure for maas_error_message() on this thread; long texts are cut.
void maas_abi_set_message(const uint8_t *text, size_t size);

#endif
