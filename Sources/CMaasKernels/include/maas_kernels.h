#ifndef MAAS_KERNELS_H
#define MAAS_KERNELS_H
#include "maas_step.h"
#endif
