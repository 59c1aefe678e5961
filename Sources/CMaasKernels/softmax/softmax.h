#ifndef MAAS_SOFTMAX_H
#define MAAS_SOFTMAX_H
#include "../split.h"

/// With inner > 1 an item is this many columns of one outer row, on every instruction set.
enum { maas_softmax_columns = 64 };

#endif
