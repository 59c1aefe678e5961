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

  /// One pointer, so that handing an error on costs each caller no more than a jump.
  private let details: Details

  public var code: Code { details.code }
  /// What went wrong, without place and remedy.
  public var problem: String { details.problem }
  public var file: String? { details.file }
  public var node: String? { details.node }
  public var operatorName: String? { details.operatorName }
  public var tensor: String? { details.tensor }
  public var expected: String? { details.expected }
  public var found: String? { details.found }
  /// What to do about it.
  public var hint: String? { details.hint }

  @inline(never)
  package init(
    _ code: Code, _ problem: String, tensor: String? = nil, expected: String? = nil, found: String? = nil,
    hint: String? = nil
  ) {
    details = Details(code, problem, tensor, expected, found, hint)
  }

  private init(_ details: Details) { self.details = details }

  /// The same error, placed in a node unless it already names one.
  package func inNode(_ name: String, _ operatorName: String) -> MaasError {
    node == nil ? MaasError(details.placed(file, name, operatorName)) : self
  }

  /// The same error, placed in a file unless it already names one.
  package func inFile(_ path: String) -> MaasError {
    file == nil ? MaasError(details.placed(path, node, operatorName)) : self
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

/// What an error says; never changed once it is made.
private final class Details: Sendable {
  let code: MaasError.Code
  let problem: String
  let file: String?
  let node: String?
  let operatorName: String?
  let tensor: String?
  let expected: String?
  let found: String?
  let hint: String?

  init(
    _ code: MaasError.Code, _ problem: String, _ tensor: String?, _ expected: String?, _ found: String?,
    _ hint: String?, file: String? = nil, node: String? = nil, operatorName: String? = nil
  ) {
    self.code = code
    self.problem = problem
    self.file = file
    self.node = node
    self.operatorName = operatorName
    self.tensor = tensor
    self.expected = expected
    self.found = found
    self.hint = hint
  }

  func placed(_ file: String?, _ node: String?, _ operatorName: String?) -> Details {
    Details(
      code, problem, tensor, expected, found, hint, file: file, node: node, operatorName: operatorName)
  }
}
