// What the interpolations of error sentences call. The standard library's own are inlined at each place in Embedded
// Swift, some 200 bytes a piece; these shadow them.
extension DefaultStringInterpolation {
  @inline(never)
  package mutating func appendLiteral(_ literal: String) { write(literal) }

  @inline(never)
  package mutating func appendInterpolation(_ value: String) { write(value) }

  @inline(never)
  package mutating func appendInterpolation(_ value: Int) { write(value.description) }
}
