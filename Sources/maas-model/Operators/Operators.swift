import ArgumentParser
import MaasCommand
import MaasCore
import MaasONNX

struct Operators: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Lists the operators that maas reads.",
    discussion: "docs/operators.md has the versions of each and the element types of its inputs.")

  @Flag(help: "Print JSON.")
  var json = false

  @Argument(help: ArgumentHelp("Only operators with this in their names, in any case.", valueName: "text"))
  var filter: String?

  func run() throws {
    // The importer itself puts other things in the place of the last two.
    let all =
      operatorTable.map { ($0.domain, $0.name) } + [
        ("", "Constant"), ("ai.onnx.preview.training", "Gradient"),
      ]
    let names = Set(all.filter { matches($0.1) }.map { OperatorName(domain: $0.0, name: $0.1) }).sorted()
    guard !names.isEmpty else { throw unknown(all.map { $0.1 }) }
    try Terminal.print(json ? JSON.array(names.map { $0.json }).text + "\n" : text(names))
  }

  private func matches(_ name: String) -> Bool {
    filter.map { name.lowercased().contains($0.lowercased()) } ?? true
  }

  private func text(_ names: [OperatorName]) -> String {
    names.map { $0.domain.isEmpty ? "\($0.name)\n" : "\($0.name)  (\($0.domain))\n" }.joined()
  }

  private func unknown(_ names: [String]) -> MaasError {
    MaasError(
      .notFound, "maas reads no operator with '\(filter ?? "")' in its name",
      hint: didYouMean(filter ?? "", names))
  }
}

private struct OperatorName: Hashable, Comparable {
  /// "" is ai.onnx.
  let domain: String
  let name: String

  static func < (a: Self, b: Self) -> Bool { (a.domain, a.name) < (b.domain, b.name) }

  var json: JSON { .object([("domain", .string(domain)), ("name", .string(name))]) }
}
