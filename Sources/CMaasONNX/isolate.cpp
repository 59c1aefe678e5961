#include "isolate.h"
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <cstdlib>

namespace {

using maas::Report;

Report failure(const std::string &reason) { return {MAAS_ONNX_UNSOUND, "", "", reason}; }

void write_all(int descriptor, const std::string &bytes) {
  size_t done = 0;
  while (done < bytes.size()) {
    ssize_t n = write(descriptor, bytes.data() + done, bytes.size() - done);
    if (n > 0)
      done += static_cast<size_t>(n);
    else if (errno != EINTR)
      return;
  }
}

std::string read_all(int descriptor) {
  std::string bytes;
  char part[4096];
  for (;;) {
    ssize_t n = read(descriptor, part, sizeof part);
    if (n > 0)
      bytes.append(part, static_cast<size_t>(n));
    else if (n == 0 || errno != EINTR)
      return bytes;
  }
}

/// Verdict, node, operator and reason, each behind the other with a zero byte.
std::string packed(const Report &report) {
  std::string bytes = std::to_string(report.verdict);
  for (const std::string *part : {&report.node, &report.op_type, &report.reason})
    (bytes += '\0') += *part;
  return bytes;
}

Report unpacked(const std::string &bytes) {
  std::string parts[4];
  size_t part = 0;
  for (char c : bytes) {
    if (c == '\0' && part < 3)
      part++;
    else if (c != '\0')
      parts[part] += c;
  }
  if (part < 3)
    return failure("libonnx ended without an answer");
  return {static_cast<maas_onnx_verdict>(atoi(parts[0].c_str())), parts[1], parts[2], parts[3]};
}

[[noreturn]] void run_child(int answer, const std::function<Report()> &body) {
  // Neither a core file nor the handlers the process may have: the parent tells of the crash.
  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
  for (int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT})
    std::signal(signal, SIG_DFL);
  write_all(answer, packed(body()));
  _exit(0);
}

} // namespace

Report maas::isolated(const std::function<Report()> &body) {
  int ends[2];
  if (pipe(ends))
    return failure(std::string("no pipe for libonnx: ") + strerror(errno));
  pid_t child = fork();
  if (child == 0)
    run_child(ends[1], body);
  close(ends[1]);
  std::string bytes = child < 0 ? "" : read_all(ends[0]);
  close(ends[0]);
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) < 0)
    return failure(std::string("no process for libonnx: ") + strerror(errno));
  if (WIFSIGNALED(status))
    return failure(std::string("libonnx crashes on this model (") + strsignal(WTERMSIG(status)) + ")");
  return unpacked(bytes);
}
