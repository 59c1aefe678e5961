#include "isolate.h"
#include "model.h"
#include <onnx/checker.h>
#include <onnx/common/version.h>
#include <onnx/defs/schema.h>
#include <onnx/shape_inference/implementation.h>

namespace {

using maas::Report;

/// One line: libonnx separates its remarks by line breaks.
std::string one_line(const std::string &text) {
  std::string line;
  for (char c : text) {
    if (c != '\n')
      line += c;
    else if (!line.empty() && line.back() != ' ')
      line += ' ';
  }
  while (!line.empty() && (line.back() == ' ' || line.back() == '.'))
    line.pop_back();
  return line;
}

std::string before(const std::string &text, const std::string &end) { return text.substr(0, text.find(end)); }

/// A text of shape inference: `… (op_type:Conv, node name: conv1): [ShapeInferenceError] reason`, then
/// further ones.
Report inference_report(const std::string &text, size_t start) {
  const std::string separator = ", node name: ";
  std::string rest = text.substr(start);
  std::string place = before(rest, "): ");
  std::string op = before(place, separator);
  std::string node = place.size() > op.size() ? place.substr(op.size() + separator.size()) : "";
  std::string reason = before(rest.substr(std::min(rest.size(), place.size() + 3)), "(op_type:");
  size_t kind = reason.find("Error] ");
  if (reason[0] == '[' && kind != std::string::npos)
    reason = reason.substr(kind + 7);
  return {MAAS_ONNX_UNSOUND, node, op, one_line(reason)};
}

/// A text of the checker: the reason, and somewhere `name: conv1 OpType: Conv`.
Report checker_report(const std::string &text) {
  Report report{MAAS_ONNX_UNSOUND, "", "", one_line(before(text, "\n\n==> Context:"))};
  const std::string marker = " OpType: ";
  size_t type = text.find(marker);
  size_t name = type == std::string::npos ? type : text.rfind("ame: ", type);
  if (name != std::string::npos) {
    report.node = text.substr(name + 5, type - name - 5);
    report.op_type = text.substr(type + marker.size());
    report.op_type = report.op_type.substr(0, report.op_type.find_first_of(" \n"));
  }
  return report;
}

Report report_of(const std::string &text) {
  const std::string marker = "(op_type:";
  size_t start = text.find(marker);
  return start == std::string::npos ? checker_report(text) : inference_report(text, start + marker.size());
}

/// Says which part of the model libonnx is too old for; empty when there is none.
std::string newer_part(const onnx::ModelProto &model) {
  if (model.ir_version() > onnx::Version::IR_VERSION)
    return "IR version " + std::to_string(model.ir_version()) + " (it knows " +
           std::to_string(static_cast<int>(onnx::Version::IR_VERSION)) + ")";
  const auto &known = onnx::OpSchemaRegistry::DomainToVersionRange::Instance().Map();
  for (const auto &import : model.opset_import()) {
    const std::string &domain = import.domain();
    auto range = known.find(domain == "ai.onnx" ? "" : domain);
    if (range != known.end() && import.version() > range->second.second)
      return "opset " + std::to_string(import.version()) + " of " + (domain.empty() ? "ai.onnx" : domain) +
             " (it knows " + std::to_string(range->second.second) + ")";
  }
  return "";
}

void check(const onnx::ModelProto &model, const char *path) {
  if (path)
    onnx::checker::check_model(std::string(path));
  else
    onnx::checker::check_model(model);
  onnx::ModelProto with_shapes = model;
  onnx::shape_inference::InferShapes(with_shapes, onnx::OpSchemaRegistry::Instance(),
                                     onnx::ShapeInferenceOptions(true, 1, true));
}

Report judge(const onnx::ModelProto &model, const char *path) {
  try {
    check(model, path);
    return {MAAS_ONNX_SOUND, "", "", ""};
  } catch (const std::exception &error) {
    return report_of(error.what());
  } catch (...) {
    return {MAAS_ONNX_UNSOUND, "", "", "libonnx gave up without a reason"};
  }
}

char *if_any(const std::string &text) { return text.empty() ? nullptr : maas::copy_text(text); }

} // namespace

maas_onnx_verdict maas_onnx_check(const maas_onnx_model *model, const char *path,
                                  maas_onnx_problem *problem) {
  *problem = {nullptr, nullptr, nullptr};
  return maas::guarded(MAAS_ONNX_UNSOUND, [&] {
    std::string newer = newer_part(model->proto);
    Report report = newer.empty() ? maas::isolated([&] { return judge(model->proto, path); })
                                  : Report{MAAS_ONNX_NEWER, "", "", newer};
    problem->node = if_any(report.node);
    problem->op_type = if_any(report.op_type);
    problem->reason = if_any(report.reason);
    return report.verdict;
  });
}

void maas_onnx_problem_free(maas_onnx_problem *problem) {
  maas_onnx_text_free(problem->node);
  maas_onnx_text_free(problem->op_type);
  maas_onnx_text_free(problem->reason);
  *problem = {nullptr, nullptr, nullptr};
}

const char *maas_onnx_version(void) { return onnx::LAST_RELEASE_VERSION; }
