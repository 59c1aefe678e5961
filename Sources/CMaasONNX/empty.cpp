#include "maas_onnx.h"
