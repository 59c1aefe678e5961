#pragma once
#include "include/maas_onnx.h"
#include <onnx/onnx_pb.h>
#include <cstring>
#include <string>

struct maas_onnx_model {
  onnx::ModelProto proto;
};

namespace maas {

/// Calls `body`; no exception may cross into C, so any becomes `fallback`.
template <typename R, typename Body> R guarded(R fallback, Body body) noexcept {
  try {
    return body();
  } catch (...) {
    return fallback;
  }
}

inline char *copy_text(const std::string &text) { return strdup(text.c_str()); }

} // namespace maas
