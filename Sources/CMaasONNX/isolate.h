#pragma once
#include "include/maas_onnx.h"
#include <functional>
#include <string>

namespace maas {

struct Report {
  maas_onnx_verdict verdict;
  std::string node, op_type, reason;
};

/// Calls `body` in a child process: libonnx crashes on some malformed models, and that must be an answer like
/// others.
Report isolated(const std::function<Report()> &body);

} // namespace maas
