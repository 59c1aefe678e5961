import ArgumentParser
import MaasCore

/// `--shape N=4`
package struct DimensionArgument {
  package let name: Name
  package let size: Int

  package init(parsing argument: String) throws {
    guard let equals = argument.lastIndex(of: "="), equals != argument.startIndex else {
      throw ValidationError("it must have the form dimension=size")
    }
    guard let size = Int(argument[argument.index(after: equals)...]), size >= 0 else {
      throw ValidationError("the size must be a whole number from 0 to \(Int.max)")
    }
    name = Name(String(argument[..<equals]))
    self.size = size
  }

  /// Refuses one dimension with two values.
  package static func check(_ arguments: [DimensionArgument]) throws {
    var sizes: [Name: Int] = [:]
    for argument in arguments {
      let earlier = sizes.updateValue(argument.size, forKey: argument.name)
      if let earlier, earlier != argument.size {
        throw ValidationError(
          "--shape gives dimension '\(argument.name.text)' two values, \(earlier) and \(argument.size)")
      }
    }
  }

  /// What is wrong with a name that is not among the symbols of the model's inputs.
  package static func unknown(_ name: Name, _ symbols: [Name]) -> MaasError {
    MaasError(
      .notFound, "no input of the model has a dimension '\(name.text)'",
      expected: symbols.isEmpty ? "no --shape" : joined(symbols.map { "'\($0.text)'" }, " or "),
      hint: didYouMean(name.text, symbols.map { $0.text }))
  }
}
