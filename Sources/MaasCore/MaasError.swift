/// Every failure of maas: a code to act on and one sentence to read.
///
/// Context is added while the error travels up (`inNode`, `inFile`), so the text names all that is known:
/// file, node, operator, tensor, what was expected, what was found, and what to do.
public struct MaasError: Error, Sendable {
  /// Raw values are the `maas_status` values of `include/maas.h`.
  public enum Code: Int32, Sendable, CaseIterable {
    case invalidArgument = 1
    case notFound = 2
    case io = 3
    case invalidModel = 4
    case unsupported = 5
    case typeMismatch = 6
    case shapeMismatch = 7
    case outOfRange = 8
    case outOfMemory = 9
    case limitExceeded = 10
    case cancelled = 11
    case deadlineExceeded = 12
    case `internal` = 13
    case missingInput = 14
    case bufferTooSmall = 15
    case busy = 16
    case notReady = 17
  }

  public let code: Code
  /// What went wrong, without place and remedy.
  public let problem: String
  public private(set) var file: String?
  public private(set) var node: String?
  public private(set) var operatorName: String?
  public let tensor: String?
  public let expected: String?
  public let found: String?
  /// What to do about it.
  public let hint: String?

  package init(
    _ code: Code, _ problem: String, tensor: String? = nil, expected: String? = nil, found: String? = nil,
    hint: String? = nil
  ) {
    self.code = code
    self.problem = problem
    self.tensor = tensor
    self.expected = expected
    self.found = found
    self.hint = hint
  }

  /// The same error, placed in a node unless it already names one.
  package func inNode(_ name: String, _ operatorName: String) -> MaasError {
    var error = self
    guard node == nil else { return error }
    error.node = name
    error.operatorName = operatorName
    return error
  }

  /// The same error, placed in a file unless it already names one.
  package func inFile(_ path: String) -> MaasError {
    var error = self
    if file == nil { error.file = path }
    return error
  }

  /// One sentence: `file: node 'n' (Op): tensor 't': problem: expected e, found f; hint`.
  public var message: String {
    var text = ""
    if let file { text += "\(file): " }
    if let node { text += "node '\(node)' (\(operatorName ?? "?")): " }
    if let tensor { text += "tensor '\(tensor)': " }
    text += problem
    if let expected { text += ": expected \(expected)" }
    if let found { text += expected == nil ? ": found \(found)" : ", found \(found)" }
    if let hint { text += "; \(hint)" }
    return text
  }
}

extension MaasError: CustomStringConvertible {
  public var description: String { message }
}

/// Runs `body` and places any error it throws in the named node.
package func inNode<R>(
  _ name: String, _ operatorName: String, _ body: () throws(MaasError) -> R
) throws(MaasError) -> R {
  do {
    return try body()
  } catch {
    throw error.inNode(name, operatorName)
  }
}
