import CMaas
import Maas
import MaasCore

/// One option that can be set by name: how its text becomes a value and the value a text.
struct SessionOption: Sendable {
  let name: String
  /// What a value must be, for errors.
  let expected: String
  /// False when the text is no value of the option.
  let set: @Sendable (inout SessionOptions, String) -> Bool
  let get: @Sendable (SessionOptions) -> String

  /// Every option, sorted.
  static let all: [SessionOption] = [
    SessionOption(
      name: "copy", expected: "true or false", set: { store(&$0.model.copy, $1) },
      get: { $0.model.copy ? "true" : "false" }),
    SessionOption(
      name: "external_data_folder", expected: "a path",
      set: { options, text in
        options.model.externalDataFolder = text.isEmpty ? nil : text
        return true
      },
      get: { $0.model.externalDataFolder ?? "" }),
    SessionOption(
      name: "memory_limit", expected: "a number of bytes",
      set: { options, text in store(&options.memoryLimit, text, maximum: Int.max) },
      get: { "\($0.memoryLimit)" }),
    SessionOption(
      name: "optimization", expected: joined(optimizations, ", "),
      set: { options, text in
        guard let i = optimizations.firstIndex(of: text),
          let level = SessionOptions.Optimization(rawValue: i)
        else { return false }
        options.optimization = level
        return true
      },
      get: { optimizations[at: $0.optimization.rawValue] ?? "" }),
    SessionOption(
      name: "plan_cache_limit", expected: "a number of bytes",
      set: { options, text in store(&options.planCacheLimit, text, maximum: Int.max) },
      get: { "\($0.planCacheLimit)" }),
    SessionOption(
      name: "rebuild", expected: "true or false", set: { store(&$0.model.rebuild, $1) },
      get: { $0.model.rebuild ? "true" : "false" }),
    SessionOption(
      name: "threads", expected: "0..\(MAAS_MAXIMUM_THREADS)",
      set: { options, text in store(&options.threads, text, maximum: Int(MAAS_MAXIMUM_THREADS)) },
      get: { "\($0.threads)" }),
  ]

  /// The option of a name; the error suggests the nearest.
  static func named(_ name: String) throws(MaasError) -> SessionOption {
    if let option = all.first(where: { $0.name == name }) { return option }
    throw MaasError(
      .notFound, "there is no session option '\(name)'",
      hint: didYouMean(name, all.map { $0.name }) ?? "there are " + joined(all.map { $0.name }, ", "))
  }
}

/// The names of the levels, by their raw values.
private let optimizations = ["none", "basic", "all"]

private func store(_ flag: inout Bool, _ text: String) -> Bool {
  guard text == "true" || text == "false" else { return false }
  flag = text == "true"
  return true
}

private func store(_ number: inout Int, _ text: String, maximum: Int) -> Bool {
  guard let value = Int(text), value >= 0, value <= maximum else { return false }
  number = value
  return true
}
