import MaasCore
import MaasGraph

/// The layers of a network, as a text has them: one a line, `name value … key=value …`.
///
///     input 64
///     dense 128 activation=relu
///     dropout 0.1
///     dense 10
///
/// Shapes are those of one sample. Images are channels, height, width; sequences time, features.
public struct Network: Sendable {
  public let text: String
  let lines: [LayerLine]

  /// Reads a text. Whether its layers fit each other shows when the graph is made.
  public init(text: String) throws(MaasError) {
    var lines: [LayerLine] = []
    // A line's end of two bytes is one character.
    let ends: (Character) -> Bool = { $0 == "\n" || $0 == "\r\n" }
    for (i, line) in text.split(omittingEmptySubsequences: false, whereSeparator: ends).enumerated() {
      if let line = try LayerLine(line, number: i + 1) { lines.append(line) }
    }
    guard let first = lines.first, first.name == "input" else {
      throw MaasError(
        .invalidArgument, "a network begins with its input", expected: "input DIMENSIONS",
        found: lines.first?.name ?? "nothing")
    }
    guard lines.count > 1 else {
      throw MaasError(.invalidArgument, "the network has no layers", expected: "a layer a line")
    }
    (self.text, self.lines) = (text, lines)
    _ = try built(seed: 0, isDraft: true)
  }

  /// The graph of inference, its parameters at their first values.
  package func graph(seed: Int64) throws(MaasError) -> Graph { try built(seed: seed).graph }

  /// The same with what its layers learn.
  func built(seed: Int64, isDraft: Bool = false) throws(MaasError) -> (graph: Graph, learned: [ValueID]) {
    var builder = NetworkBuilder(seed: seed, isDraft: isDraft)
    for line in lines {
      do { try builder.add(line) } catch { throw error.inLine(line.number) }
    }
    return (try builder.finished(), builder.learned)
  }
}
