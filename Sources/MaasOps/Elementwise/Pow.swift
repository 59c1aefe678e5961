import MaasCore
import MaasGraph

/// y = x ^ exponent with broadcasting; the exponent may have an element type of its own.
package final class Pow: ReadableOperator {
  package let name = "Pow"
  let alignment: Alignment

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    alignment = try Alignment(&reader)
    try reader.finish()
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(2...2)
    try node.expectDType(0, DType.numbers)
    try node.expectDType(1, DType.numbers)
    node.setOutput(0, try node.dtype(0), try alignment.shape(node))
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let (x, exponent, y) = (try node.input(0), try alignment.operand(node), try node.output())
    try node.mayReuseElementwise(0)
    if exponent.dtype == x.dtype { return try node.emitBinary(.pow, x, exponent, y) }
    // Integers raised to fractions are computed as fractions.
    let common: DType =
      DType.floats.contains(exponent.dtype) && !DType.floats.contains(x.dtype) ? .double : x.dtype
    let power = try node.converted(exponent, common)
    let base = try node.converted(x, common)
    let result = common == y.dtype ? y : try node.temporary(common, y.shape)
    try node.emitBinary(.pow, base, power, result)
    if result.buffer != y.buffer { node.emitCast(result, y) }
  }
}
