#ifndef MAAS_ONNX_H
#define MAAS_ONNX_H
#endif
