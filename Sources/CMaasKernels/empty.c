#include "maas_step.h"
